"""Benchmarks: what is asked. `load("tinycir", "val")` gives a validated Benchmark."""

from __future__ import annotations

from pathlib import Path

from workbench.data.benchmark import Benchmark
from workbench.registry import Registry

# A benchmark is a function load(split, root=None) -> Benchmark, registered under its name.
BENCHMARKS = Registry("benchmark", entry_point_group="workbench.benchmarks")
BENCHMARKS.declare("tinycir", "workbench.data.tinycir:load")


def load(name: str, split: str, root: Path | str | None = None) -> Benchmark:
    """One split of a registered benchmark, validated. `root` is its folder; data/<name> by default.

    Raises UnknownName for an unknown benchmark and BenchmarkError where its files contradict themselves.
    """
    benchmark = BENCHMARKS.get(name)(split, root=root)
    benchmark.validate()
    return benchmark
