"""What a case holds: raw rows per query part and gallery view, the texts behind them, and what else methods ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from workbench.arrays import Float, check_shape
from workbench.case.wording import PLAIN, Wording
from workbench.data.benchmark import Benchmark
from workbench.language.edits import Failure
from workbench.language.verdicts import Verdicts
from workbench.score.similarities import Similarities


@dataclass(frozen=True, eq=False)
class Case:
    """Raw rows of every query part and gallery view that was asked for, with the texts behind them.

    ``encoder``, ``captions`` and ``recomposer`` are ids; ``makers`` are the ids of who made the pseudo-words, by
    name. ``texts`` are as written, before the prompt. ``failures`` lists the queries whose composed caption is not
    the recomposer's. ``corpora`` are rows about no query (BASIC), ``verdicts`` what judges said (re-sorting),
    ``interventions`` what was done to the rows after encoding, in order.
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
    makers: Mapping[str, str] = field(default_factory=dict)
    corpora: Mapping[str, Float["_ D"]] = field(default_factory=dict)
    verdicts: Mapping[str, Verdicts] = field(default_factory=dict)
    interventions: tuple[str, ...] = ()

    def __post_init__(self):
        sizes = {"Q": len(self.benchmark.queries), "N": len(self.benchmark.gallery)}
        for kind, axes, table in (
            ("part", "Q D", self.parts),
            ("view", "N D", self.views),
            ("corpus", "M D", self.corpora),
        ):
            for name, rows in table.items():
                sizes |= check_shape(
                    f"{kind} {name!r}", rows, axes, **{k: sizes[k] for k in sizes if k != "M"}
                )

    def similarities(self, terms: Iterable[tuple[str, str]]) -> Similarities:
        """The terms' similarities. Raises UnknownName for a part or view that the case was not made with."""
        return Similarities(self.parts, self.views, tuple(terms))

    def with_parts(self, parts: Mapping[str, Float["Q D"]]) -> Case:
        """The same case with more query parts, such as ``LDRE().ensembles(case)``."""
        return replace(self, parts={**self.parts, **parts})
