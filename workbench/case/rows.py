"""The rows of a case: its texts and pictures through the encoder and the store, each named one made once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from workbench.arrays import Float, unit
from workbench.case.ingredients import OBJECTS, TEXTS, Ingredients
from workbench.case.texts import Texts
from workbench.case.wording import pseudo_prompt
from workbench.data.images import each_once
from workbench.score.naming import take_apart

NEXT_TO_NOTHING = 1e-12  # the length of a row that must have a direction and should not count


@dataclass(frozen=True, eq=False)
class Rows:
    """Raw rows by the name of their part or view."""

    given: Ingredients
    texts: Texts
    made: dict[str, np.ndarray] = field(default_factory=dict)

    def of(self, name: str) -> Float["n D"]:
        """One row per query, or per gallery picture."""
        if name not in self.made:
            base, _, source = take_apart(name)
            self.made[name] = self._rows(name, base, source)
        return self.made[name]

    def encode(self, texts: Sequence[str]) -> Float["n D"]:
        """Raw rows of the texts under the prompt; equal texts are encoded once, a blank one as no word at all."""
        prompted = [self.given.wording.prompt.replace("{}", text) for text in texts]
        place = {text: i for i, text in enumerate(dict.fromkeys(filter(str.strip, prompted)))}
        rows = self.given.store.texts(self.given.encoder, list(place)).raw()
        if not all(text in place for text in prompted):
            rows = np.concatenate([rows, self._no_word()])
        return rows[[place.get(text, -1) for text in prompted]]

    def _no_word(self) -> Float["1 D"]:
        encoder = self.given.encoder  # some refuse a blank text unless it is meant
        return encoder.encode_blank() if hasattr(encoder, "encode_blank") else encoder.encode_texts([""])

    def _rows(self, name: str, base: str, source: str) -> Float["n D"]:
        if base == "modification":
            return self._modification()
        if base in TEXTS:
            return self.encode(self.texts.of(name))
        if base in OBJECTS:
            return self._objects("present" if base == "wanted_objects" else "absent")
        if source:  # a pseudo-word
            prompt, queries = pseudo_prompt(source, self.given.benchmark.name), self.given.benchmark.queries
            alone = base == "pseudo_word"
            return self._sentences(
                source, [(prompt.alone,) if alone else prompt.sentences(query) for query in queries]
            )
        return self._reference_image() if base == "reference_image" else self._image(self.given.pictures)

    def _modification(self) -> Float["Q D"]:
        sentences = [self.given.wording.sentences(query) for query in self.given.benchmark.queries]
        return per_query(self.encode([text for texts in sentences for text in texts]), sentences)

    def _image(self, pictures: Sequence) -> Float["n D"]:
        return self.given.store.images(self.given.encoder, pictures).raw()

    def _reference_image(self) -> Float["Q D"]:
        rows = self.given.per_reference(lambda rows: self.of("image")[rows], self._each_once)
        return np.array(rows, dtype=np.float32)

    def _each_once(self, pictures: Sequence) -> Float["n D"]:
        """Rows of pictures of which some stand there several times, as where one is asked about in several ways."""
        different, which = each_once(pictures)
        return self._image(different)[which]

    def _objects(self, kind: str) -> Float["Q D"]:
        """The mean of the unit rows of the objects that each query's target must show, or must not."""
        lists = [getattr(target, kind) for target in self.texts.descriptions()]
        every = [text for texts in lists for text in texts]
        rows = iter(unit(self.encode(every)) if every else ())
        width = self.given.encoder.dim
        grouped = [np.array([next(rows) for _ in texts], np.float32).reshape(-1, width) for texts in lists]
        return mean_of_units(grouped, self.of("target_description"))

    def _sentences(self, source: str, sentences: Sequence[tuple[str, ...]]) -> Float["Q D"]:
        """Rows of each query's sentences with its reference's pseudo-word in place; of two, the mean of unit rows."""
        from workbench.encode.pseudo_tokens import stored_sentences, stored_words  # torch enters here

        store, encoder, inverter = self.given.store, self.given.encoder, self.given.inverter(source)
        for text in dict.fromkeys(text for texts in sentences for text in texts):
            encoder.check_text(text)  # before long work
        words = stored_words(store, encoder, inverter, self._reference_digests(), self.of("reference_image"))
        owner = [query for query, texts in enumerate(sentences) for _ in texts]
        rows = stored_sentences(store, encoder, [t for texts in sentences for t in texts], words[owner])
        return per_query(rows, sentences)

    def _reference_digests(self) -> list[str]:
        def of_gallery(rows):
            return [self.given.pictures.digest(row) for row in rows]

        def of_outside(pictures):
            return [pictures.digest(i) for i in range(len(pictures))]

        return self.given.per_reference(of_gallery, of_outside)


def per_query(rows: Float["n D"], sentences: Sequence[tuple[str, ...]]) -> Float["Q D"]:
    """One row per query from a row per sentence: raw where each has one; else unit rows, averaged, as unit rows."""
    if len(rows) == len(sentences):
        return rows
    ends = np.cumsum([len(texts) for texts in sentences])
    return unit(mean_of_units([unit(some) for some in np.split(rows, ends[:-1])], rows))


def mean_of_units(groups: Sequence[Float["_ D"]], direction: Float["_ D"]) -> Float["Q D"]:
    """The mean of each group's unit rows; where a group is empty, next to nothing in the query's given direction."""
    nothing = NEXT_TO_NOTHING * unit(direction)
    means = [rows.mean(axis=0) if len(rows) else nothing[query] for query, rows in enumerate(groups)]
    return np.array(means, np.float32)
