"""Benchmarks: what is asked. `load("tinycir", "val")` gives a validated Benchmark."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from pathlib import Path

from workbench.data.benchmark import Benchmark
from workbench.registry import Registry, UnknownName, nearest

# A benchmark is a function load(split, root=None) -> Benchmark, registered under its name. Its module names the splits
# in SPLITS. Keywords beyond those two are choices of that data set, such as FashionIQ's gallery; `pictures=False`,
# where a loader takes it, reads annotation files only.
BENCHMARKS = Registry("benchmark", entry_point_group="workbench.benchmarks")
BENCHMARKS.declare("tinycir", "workbench.data.tinycir:load")
for _name in ("cirr", "circo", "fashioniq", "genecis", "icir", "domain", "domain_pairs", "objects", "folder"):
    BENCHMARKS.declare(_name, f"workbench.data.{_name}:load")


def load(
    name: str, split: str, root: Path | str | None = None, *, pictures: bool = True, **choices
) -> Benchmark:
    """One split of a registered benchmark, validated. `root` is its folder; data/<name> by default.

    pictures=False: annotation files are enough (to score somebody's ranking), where the loader can do so.
    choices: the data set's own, such as gallery="union" for FashionIQ.
    Raises UnknownName for an unknown benchmark or choice, BenchmarkError where its files contradict themselves.
    """
    loader = BENCHMARKS.get(name)
    known = list(inspect.signature(loader).parameters)[2:]
    for choice in choices:
        if choice not in known:
            raise UnknownName(
                f"{name} has no choice {choice!r}.{nearest(choice, known)} It has: "
                f"{', '.join(one for one in known if one not in ('pictures', 'counts')) or 'none'}"
            )
    if "pictures" in known:
        choices["pictures"] = pictures
    benchmark = loader(split, root=root, **choices)
    benchmark.validate()
    return benchmark


def splits(name: str) -> tuple[str, ...]:
    """The splits of a benchmark. Raises UnknownName for an unknown benchmark."""
    return tuple(getattr(sys.modules[BENCHMARKS.get(name).__module__], "SPLITS", ()))


def published(name: str, split: str) -> Mapping[str, int]:
    """The published counts of a benchmark's split, as far as its loader knows them."""
    module = sys.modules[BENCHMARKS.get(name).__module__]
    return getattr(module, "PUBLISHED", {}).get(split, {})


def advice(name: str, split: str) -> str:
    """What to download for a benchmark's split and where it belongs, as far as its loader says."""
    said = getattr(sys.modules[BENCHMARKS.get(name).__module__], "ADVICE", "")
    return said.get(split, "") if isinstance(said, Mapping) else said
