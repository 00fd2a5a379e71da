"""What a case holds: raw rows per query part and gallery view, and the texts behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from workbench.arrays import Float, check_shape
from workbench.case.wording import PLAIN, Wording
from workbench.data.benchmark import Benchmark
from workbench.language.edits import Failure
from workbench.score.similarities import Similarities


@dataclass(frozen=True, eq=False)
class Case:
    """Raw rows of every query part and gallery view that was asked for, with the texts behind them.

    ``encoder``, ``captions`` and ``recomposer`` are ids; ``texts`` are as written, before the prompt.
    ``failures`` lists the queries whose composed caption is not the recomposer's.
    Raises ArrayError where rows fit neither the benchmark's queries or gallery, or not each other.
    """

    benchmark: Benchmark
    encoder: str
    captions: str | None
    recomposer: str | None
    parts: Mapping[str, Float["Q D"]]
    views: Mapping[str, Float["N D"]]
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    wording: Wording = PLAIN

    def __post_init__(self):
        sizes = {"Q": len(self.benchmark.queries), "N": len(self.benchmark.gallery)}
        for kind, axes, table in (("part", "Q D", self.parts), ("view", "N D", self.views)):
            for name, rows in table.items():
                sizes |= check_shape(f"{kind} {name!r}", rows, axes, **sizes)

    def similarities(self, terms: Iterable[tuple[str, str]]) -> Similarities:
        """The terms' similarities. Raises UnknownName for a part or view that the case was not made with."""
        return Similarities(self.parts, self.views, tuple(terms))
