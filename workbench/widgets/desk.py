"""The desk on which one question is laid out: its picture, texts and raw rows, and what counts as right.

What the benchmark has is taken from the case; what it does not have (other words, another picture) is captioned,
edited and encoded once, when a method first asks for it. Left out: scoring (`answer`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from PIL import Image

from workbench.arrays import Float
from workbench.case import Case
from workbench.data.benchmark import Qrels, Query
from workbench.score.lists import ranked_in
from workbench.score.naming import numbered, take_apart
from workbench.widgets.makers import Makers
from workbench.widgets.view import Question, ViewError

LIVE = ("reference_image", "modification", "reference_caption", "composed_caption")
OF_REFERENCE = ("reference_image", "reference_caption", "pseudo_word")  # other words do not change these
NOTHING = np.empty((1, 0), np.int32)


@dataclass(frozen=True, eq=False)
class Rules:
    """What counts as right for one question. judged: False where nobody knows (a question of one's own)."""

    qrels: Qrels
    judged: bool
    ranked: np.ndarray  # (N,) bool: may be found at all

    @cached_property
    def n_ranked(self) -> int:
        return int(np.count_nonzero(self.ranked))


@dataclass(frozen=True, eq=False)
class Desk:
    """Questions about one case, laid out; what was made for them is kept."""

    case: Case
    makers: Makers
    rows: dict = field(default_factory=dict)
    words: dict = field(default_factory=dict)
    failures: dict = field(default_factory=dict)  # question -> why its caption could not be edited

    def settle(self, question: Question) -> Question:
        """The same question as a query of the benchmark, where it is one: then it is known what is right.

        Raises ViewError for a query or row that is not there, or an empty text.
        """
        bench = self.case.benchmark
        for name, size in (("query", len(bench.queries)), ("row", len(bench.gallery))):
            number = getattr(question, name)
            if number is not None and not 0 <= number < size:
                raise ViewError(f"{name}: got {number}, expected 0 to {size - 1}")
        if question.modification is None:
            return question
        asked = question.modification.strip()
        if not asked:
            raise ViewError("the modification text is empty: write what should be different")
        row = self.reference_row(question)
        for number, query in enumerate(bench.queries):
            same = number == question.query or (row is not None and query.reference == row)
            if same and self.text(Question(query=number), "modification").strip() == asked:
                return Question(query=number)
        return replace(question, modification=asked)

    def reference_row(self, question: Question) -> int | None:
        """The reference's row in the gallery, None where it is not in it."""
        if question.query is not None:
            return self.case.benchmark.queries[question.query].reference
        return question.row

    def reference(self, question: Question) -> Image.Image | None:
        """The reference picture; None where the benchmark has no pictures at hand."""
        bench, row = self.case.benchmark, self.reference_row(question)
        if question.picture is not None:
            return question.picture.image
        if row is not None:
            return bench.gallery.images[row] if bench.gallery.images is not None else None
        outside = [n for n, query in enumerate(bench.queries) if query.reference is None]
        return None if bench.references is None else bench.references[outside.index(question.query)]

    def reference_name(self, question: Question) -> str:
        """The reference's id, or the file's name."""
        if question.picture is not None:
            return question.picture.name
        if question.query is not None:
            return self.case.benchmark.queries[question.query].reference_image
        return self.case.benchmark.gallery.ids[question.row]

    def rules(self, question: Question) -> Rules:
        """The benchmark's default rules. A reference in the gallery is excluded where the benchmark excludes all of them."""
        whole, everything = self.case.benchmark.qrels["default"], np.arange(len(self.case.benchmark.gallery))
        judged = question.query is not None and question.modification is None
        if judged:
            qrels = whole.rows(slice(question.query, question.query + 1))
        else:
            row = self.reference_row(question)
            excluded = (
                NOTHING if row is None or not self._excludes_references else np.array([[row]], np.int32)
            )
            qrels = Qrels(np.full((1, 1), -1, np.int32), excluded)
        return Rules(qrels, judged, ranked_in(everything[None].astype(np.int32), qrels)[0])

    def one(self, question: Question, names: Iterable[str]) -> Case:
        """The case with this question alone and the named parts. Raises ViewError for a part that it cannot have."""
        bench, row = self.case.benchmark, self.reference_row(question)
        if question.modification is None:
            query = bench.queries[question.query]
        else:  # another id: what judges said of the benchmark's query does not hold for other words
            query = Query("own", row, self.reference_name(question), (question.modification,))
        rules = {"default": self.rules(question).qrels}
        return replace(
            self.case,
            benchmark=replace(bench, queries=(query,), qrels=rules),
            parts={name: self.part(question, name) for name in dict.fromkeys(names)},
        )

    def part(self, question: Question, name: str) -> Float["1 D"]:
        """The raw row of one query part. Raises ViewError for a part that only the benchmark's queries have."""
        base = take_apart(name).base
        if name in self.case.parts and self._from_case(question, base):
            return np.asarray(self.case.parts[name][question.query : question.query + 1])
        if base not in LIVE:
            raise ViewError(f"{name} is known for the benchmark's own queries only, as they stand")
        if base == "reference_image" and question.row is not None:
            return np.asarray(self.case.views["image"][question.row : question.row + 1])
        key = (self._key(question, base), name)
        if key not in self.rows:
            made = self.makers.encode_image if base == "reference_image" else self.makers.encode_text
            source = self.reference(question) if base == "reference_image" else self.text(question, name)
            self.rows[key] = made(source)
        return self.rows[key]

    def text(self, question: Question, name: str) -> str:
        """The words behind a part. Raises ViewError where nobody can write them."""
        base, number, _ = take_apart(name)
        if self._from_case(question, base):
            if name in self.case.texts:
                return self.case.texts[name][question.query]
            if base == "modification":
                return " / ".join(self.case.benchmark.queries[question.query].modification)
        if base == "modification":
            return question.modification
        key = (self._key(question, base), name)
        if key not in self.words:
            self.words[key] = getattr(self, f"_{base}")(question, number)
        return self.words[key]

    def has_text(self, question: Question, name: str) -> bool:
        """Whether the words behind a part are at hand: recorded with the case, or written before."""
        base = take_apart(name).base
        if self._from_case(question, base) and name in self.case.texts:
            return True
        return (self._key(question, base), name) in self.words

    def _reference_caption(self, question: Question, number: int) -> str:
        row, view = self.reference_row(question), numbered("caption", number)[-1]
        if row is not None and view in self.case.texts:
            return self.case.texts[view][row]
        part = numbered("reference_caption", number)[-1]
        if row is not None and part in self.case.texts:  # another query may be about the same picture
            for other, query in enumerate(self.case.benchmark.queries):
                if query.reference == row:
                    return self.case.texts[part][other]
        if number > 1:
            raise ViewError(f"{part}: pictures without a recorded one get one caption only")
        return self.makers.caption(self.reference(question))

    def _composed_caption(self, question: Question, number: int) -> str:
        caption = self.text(question, numbered("reference_caption", number)[-1])
        edits = self.makers.edit(caption, self.text(question, "modification"))
        if edits.failures:
            self.failures[question] = edits.failures[0].reason
        return edits.texts[0]

    def _from_case(self, question: Question, base: str) -> bool:
        return question.query is not None and (question.modification is None or base in OF_REFERENCE)

    def _key(self, question: Question, base: str) -> tuple:
        """What a part depends on: the reference alone, the words alone, or both."""
        picture = question.picture.digest if question.picture else (question.query, question.row)
        if base in OF_REFERENCE:
            return (picture,)
        text = self.text(question, "modification")
        return (text,) if base == "modification" else (picture, text)

    @cached_property
    def _excludes_references(self) -> bool:
        bench = self.case.benchmark
        excluded = bench.qrels["default"].excluded
        inside = [
            (q, query.reference) for q, query in enumerate(bench.queries) if query.reference is not None
        ]
        return bool(inside) and all(row in excluded[q] for q, row in inside)
