"""A case, or what stands for one, and some of its queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from workbench.arrays import ArrayError
from workbench.data.benchmark import Benchmark
from workbench.score.similarities import Similarities


@dataclass(frozen=True, eq=False)
class Source:
    """Query parts and gallery views with no case around them: what bare `Similarities` can offer a method."""

    parts: Mapping
    views: Mapping
    benchmark: Benchmark

    def similarities(self, terms) -> Similarities:
        return Similarities(self.parts, self.views, tuple(terms))


def source_of(case, bench: Benchmark | None = None):
    """A case with the benchmark to evaluate on. Raises ArrayError where there is none, or it is something else."""
    if not isinstance(bench, Benchmark | None):
        raise ArrayError(
            f"bench: got {type(bench).__name__}, expected a Benchmark; give metrics by name: metrics=[...]"
        )
    if isinstance(case, Similarities):
        case = Source(case.parts, case.views, bench)
    elif bench is not None:
        case = replace(case, benchmark=bench)
    if case.benchmark is None:
        raise ArrayError("bench: got none, but bare similarities do not say what counts as right")
    return case


def some_queries(case, rows: slice):
    """The same case for some of its queries. The gallery, and texts about it, are shared."""
    bench = case.benchmark
    changes = {
        "parts": {name: values[rows] for name, values in case.parts.items()},
        "benchmark": replace(
            bench,
            queries=bench.queries[rows],
            qrels={name: some.rows(rows) for name, some in bench.qrels.items()},
        ),
    }
    if getattr(case, "texts", None):
        changes["texts"] = {
            name: values[rows] if name in case.parts else values for name, values in case.texts.items()
        }
    return replace(case, **changes)
