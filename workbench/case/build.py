"""Making a case: captions, edits and rows, texts before pictures and everything through the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from workbench import data
from workbench.arrays import Float
from workbench.case.case import Case
from workbench.case.wording import PLAIN, CaseError, Wording, known_names
from workbench.data.benchmark import Benchmark
from workbench.encode.encoder import Encoder, load_encoder
from workbench.encode.store import EmbeddingStore
from workbench.language import RECOMPOSERS
from workbench.language.cache import RecordedCaptions
from workbench.language.edits import Edits, edit_captions
from workbench.paths import benchmark_root

if TYPE_CHECKING:
    from workbench.language.recompose import Recomposer


def load_case(
    benchmark: str = "tinycir",
    encoder: str = "tiny-coca",
    split: str = "val",
    *,
    terms: Iterable[tuple[str, str]] | None = None,
    recomposer: Recomposer | str | None = "rules",
    wording: Wording = PLAIN,
    store: EmbeddingStore | None = None,
) -> Case:
    """A case by names: benchmark and encoder loaded, captions replayed from data/<benchmark>/captions.jsonl.

    Without that file the parts that need captions are left out, or are a CaseError where ``terms`` ask for them.
    """
    records = benchmark_root(benchmark) / "captions.jsonl"
    captions = RecordedCaptions.replay(records) if records.is_file() else None
    if isinstance(recomposer, str):
        recomposer = RECOMPOSERS.get(recomposer)() if captions else None
    return build_case(
        data.load(benchmark, split),
        load_encoder(encoder),
        captions=captions,
        recomposer=recomposer,
        terms=terms,
        wording=wording,
        store=store,
    )


def build_case(
    benchmark: Benchmark,
    encoder: Encoder,
    *,
    captions: RecordedCaptions | None = None,
    recomposer: Recomposer | None = None,
    terms: Iterable[tuple[str, str]] | None = None,
    wording: Wording = PLAIN,
    references: Sequence | None = None,
    store: EmbeddingStore | None = None,
) -> Case:
    """Encode what ``terms`` need (default: all that the given sources allow) and put it together.

    references: pictures of the queries whose reference is not in the gallery, in the order of those queries.
    Raises CaseError where an ingredient is missing or a modification is empty, UnknownName for an unknown part or
    view, MissingRecords, PictureError and EncoderError from the layers below: texts first, pictures last.
    A ValueError of the recomposer is a Failure, which the case lists.
    """
    parts, views = _wanted(terms, captions, recomposer)
    build = _Build(benchmark, encoder, captions, recomposer, wording, references, store or EmbeddingStore())
    texts = {name: getattr(build, name) for name in TEXTS if name in parts + views}
    rows = {name: build.encode(text) for name, text in texts.items()}
    rows |= {name: getattr(build, name) for name in parts + views if name not in TEXTS}
    return Case(
        benchmark,
        encoder.id,
        captions and captions.id,
        recomposer and recomposer.id,
        {name: rows[name] for name in parts},
        {name: rows[name] for name in views},
        texts,
        build.edits.failures if "composed_caption" in parts else (),
        wording,
    )


# In this order texts are made and encoded, before any picture: a wrong text is met before long work.
TEXTS = ("modification", "reference_caption", "composed_caption", "caption")
PARTS = ("reference_image", "reference_caption", "modification", "composed_caption")
VIEWS = ("image", "caption")


def _wanted(terms, captions, recomposer) -> tuple[list[str], list[str]]:
    """The parts and views that the terms name; without terms, all that can be made from what there is."""
    if terms is not None:
        terms = list(terms)
        parts = known_names("query part", [part for part, _ in terms], PARTS)
        return parts, known_names("gallery view", [view for _, view in terms], VIEWS)
    lacking = [] if captions else ["reference_caption", "composed_caption", "caption"]
    lacking += [] if recomposer else ["composed_caption"]
    return [p for p in PARTS if p not in lacking], [v for v in VIEWS if v not in lacking]


@dataclass(frozen=True, eq=False)
class _Build:
    """The ingredients of a case. Every part and view is a property of that name, made once."""

    benchmark: Benchmark
    encoder: Encoder
    captions: RecordedCaptions | None
    recomposer: Recomposer | None
    wording: Wording
    references: Sequence | None
    store: EmbeddingStore

    def encode(self, texts: Sequence[str]) -> Float["n D"]:
        """Raw rows of the texts under the prompt; equal texts are encoded once."""
        prompted = [self.wording.prompt.replace("{}", text) for text in texts]
        place = {text: i for i, text in enumerate(dict.fromkeys(prompted))}
        return self.store.texts(self.encoder, list(place)).raw()[[place[text] for text in prompted]]

    @cached_property
    def modification(self) -> tuple[str, ...]:
        return tuple(self.wording.modification(query) for query in self.benchmark.queries)

    @cached_property
    def reference_caption(self) -> tuple[str, ...]:
        def of_gallery(rows):
            return self._captions_of(self._pictures, rows)

        def of_outside(pictures):
            return self._captions_of(pictures, range(len(pictures)))

        return tuple(self._per_reference(of_gallery, of_outside))

    @cached_property
    def composed_caption(self) -> tuple[str, ...]:
        return self.edits.texts

    @cached_property
    def edits(self) -> Edits:
        captions, ids = self.reference_caption, [query.id for query in self.benchmark.queries]
        if self.recomposer is None:
            raise CaseError("recomposer: got none, but the asked terms need composed captions")
        return edit_captions(self.recomposer, ids, captions, self.modification)

    @cached_property
    def caption(self) -> tuple[str, ...]:
        return self._captions_of(self._pictures, range(len(self._pictures)))

    @cached_property
    def reference_image(self) -> Float["Q D"]:
        def of_outside(pictures):
            return self.store.images(self.encoder, pictures).raw()

        return np.array(self._per_reference(lambda rows: self.image[rows], of_outside), dtype=np.float32)

    @cached_property
    def image(self) -> Float["N D"]:
        return self.store.images(self.encoder, self._pictures).raw()

    @property
    def _pictures(self) -> Sequence:
        if self.benchmark.gallery.images is None:
            raise CaseError(f"{self.benchmark.name}: the gallery has ids but no pictures")
        return self.benchmark.gallery.images

    def _captions_of(self, pictures: Sequence, rows: Sequence[int]) -> tuple[str, ...]:
        if self.captions is None:
            raise CaseError("captions: got none, but the asked terms need them; make some: workbench caption")
        texts = self.captions.texts(pictures, rows)
        mute = [row for row, text in zip(rows, texts, strict=True) if not text.strip()]
        if mute:
            raise CaseError(
                f"{self.captions.id} gave {len(mute)} empty captions, the first for picture {mute[0]}"
            )
        return texts

    def _per_reference(self, of_gallery: Callable, of_outside: Callable) -> list:
        """One value per query: from the reference's row in the gallery, or from its own picture."""
        queries = self.benchmark.queries
        rows = [query.reference for query in queries if query.reference is not None]
        outside = [query.id for query in queries if query.reference is None]
        if len(outside) != len(self.references or ()):
            raise CaseError(
                f"references: got {len(self.references or ())} pictures, expected {len(outside)}, one for each query "
                f"whose reference is not in the gallery (first: {outside[:1]})"
            )
        known = iter(of_gallery(rows) if rows else ())
        own = iter(of_outside(self.references) if outside else ())
        return [next(own if query.reference is None else known) for query in queries]
