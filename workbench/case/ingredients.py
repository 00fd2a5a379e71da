"""What a case is made from, and the names of what can be made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbench.case.wording import PLAIN, PSEUDO_PROMPTS, CaseError, Wording, known_names
from workbench.data.benchmark import Benchmark
from workbench.encode.encoder import Encoder
from workbench.encode.inverter import Inverter
from workbench.encode.store import EmbeddingStore
from workbench.language.captions import CaptionSource
from workbench.language.replies import Target
from workbench.registry import UnknownName
from workbench.score.naming import take_apart

if TYPE_CHECKING:
    from workbench.language.recompose import Recomposer

# In this order texts are made and encoded, before any picture: a wrong text is met before long work.
TEXTS = ("modification", "reference_caption", "composed_caption", "target_description", "caption")
OBJECTS = ("wanted_objects", "unwanted_objects")
PSEUDO = ("pseudo_word", "composed_pseudo_word")
PARTS = ("reference_image", *TEXTS[:4], *OBJECTS, *PSEUDO)
VIEWS = ("image", "caption")
NUMBERED = ("reference_caption", "composed_caption", "target_description", "caption")


@dataclass(frozen=True, eq=False)
class Ingredients:
    """All that a case may be made from; what is None or empty cannot be asked for."""

    benchmark: Benchmark
    encoder: Encoder
    captions: CaptionSource | None = None
    recomposer: Recomposer | None = None
    descriptions: Mapping[str, Sequence[Target]] = field(default_factory=dict)
    pseudo_words: Mapping[str, Inverter] = field(default_factory=dict)
    references: Sequence | None = None
    wording: Wording = PLAIN
    store: EmbeddingStore = field(default_factory=EmbeddingStore)

    def __post_init__(self):
        known_names("maker of pseudo-words", self.pseudo_words, PSEUDO_PROMPTS)

    @property
    def pictures(self) -> Sequence:
        if self.benchmark.gallery.images is None:
            raise CaseError(f"{self.benchmark.name}: the gallery has ids but no pictures")
        return self.benchmark.gallery.images

    def inverter(self, source: str) -> Inverter:
        """Who makes the pseudo-words of that name. Raises CaseError where nobody does."""
        if source not in self.pseudo_words:
            raise CaseError(
                f"pseudo_words: got {', '.join(self.pseudo_words) or 'none'}, but the asked terms need {source!r}; "
                f"give build_case(pseudo_words={{{source!r}: inverter}}), see workbench.encode.pseudo_tokens, or --with "
                f"{source}{'' if source == 'searle_oti' else '=FILE'}"
            )
        return self.pseudo_words[source]

    def possible(self) -> tuple[list[str], list[str]]:
        """The parts and views that can be made, each once (of several captions the first)."""
        lacking = set() if self.captions else {"reference_caption", "composed_caption", "caption"}
        lacking |= set() if self.recomposer else {"composed_caption"}
        lacking |= set() if self.descriptions else {"target_description", *OBJECTS}
        parts = [part for part in PARTS if part not in lacking and part not in PSEUDO]
        parts += [f"{part}:{source}" for source in self.pseudo_words for part in PSEUDO]
        return parts, [view for view in VIEWS if view not in lacking]

    def per_reference(self, of_gallery, of_outside) -> list:
        """As the function of that name, for this benchmark and these references."""
        return per_reference(self.benchmark, self.references, of_gallery, of_outside)


def per_reference(benchmark: Benchmark, references: Sequence | None, of_gallery, of_outside) -> list:
    """One value per query: from the reference's row in the gallery, or from its own picture, in the queries' order.

    of_gallery(rows) and of_outside(pictures) give a value each. Raises CaseError where a picture is lacking.
    """
    rows = [query.reference for query in benchmark.queries if query.reference is not None]
    outside = [query.id for query in benchmark.queries if query.reference is None]
    if len(outside) != len(references or ()):
        raise CaseError(
            f"references: got {len(references or ())} pictures, expected {len(outside)}, one for each query whose "
            f"reference is not in the gallery (first: {outside[:1]})"
        )
    known = iter(of_gallery(rows) if rows else ())
    own = iter(of_outside(references) if outside else ())
    return [next(own if query.reference is None else known) for query in benchmark.queries]


def wanted(terms: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """The parts and views that the terms name, each once. Raises UnknownName for one that no case can have."""
    terms = list(terms)
    parts = dict.fromkeys(part for part, _ in terms)
    views = dict.fromkeys(view for _, view in terms)
    for kind, names, known in (("query part", parts, PARTS), ("gallery view", views, VIEWS)):
        for name in names:
            _check_name(kind, name, known)
    return list(parts), list(views)


def _check_name(kind: str, name: str, known: Sequence[str]) -> None:
    base, number, source = take_apart(name)
    known_names(kind, [base], known)
    if number > 1 and base not in NUMBERED:
        raise UnknownName(f"there is one {base}, so no {kind} is called {name!r}")
    if base in PSEUDO and not source:
        makers = ", ".join(f"{base}:{maker}" for maker in PSEUDO_PROMPTS)
        raise UnknownName(f"no {kind} is called {name!r}; it takes a maker: {makers}")
    if base not in PSEUDO and source:
        raise UnknownName(f"no {kind} is called {name!r}; {base} takes no maker")
    if source:
        known_names("maker of pseudo-words", [source], PSEUDO_PROMPTS)
