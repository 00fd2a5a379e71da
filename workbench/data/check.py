"""Is a benchmark whole? Every split is loaded, its counts compared and its pictures opened; all problems are listed.

Left out: repairing anything.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from workbench import data
from workbench.data.benchmark import Benchmark, BenchmarkError
from workbench.data.files import MissingFiles
from workbench.data.images import FolderImages, PictureError
from workbench.paths import PathEscape
from workbench.progress import progress_bar


@dataclass(frozen=True)
class Checked:
    """One split: what it holds, every problem, and what to do about them. No problem: it is ready."""

    split: str
    counts: dict[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    advice: str = ""


def check(
    name: str,
    root: Path | str | None = None,
    splits: Sequence[str] | None = None,
    decode: bool = True,
    **choices,
) -> Iterator[Checked]:
    """Each split of a benchmark, all of them unless named. decode=False opens no picture, only looks for the files.

    Raises UnknownName for an unknown benchmark, split or choice being the caller's mistake and no finding.
    """
    for split in splits or data.splits(name):
        try:
            benchmark = data.load(name, split, root, **choices)
        except MissingFiles as error:
            broken = [line for some in error.there for line in unreadable(some)] if decode else []
            yield Checked(split, problems=(*error.problems, *broken), advice=error.advice)
        except (BenchmarkError, PathEscape) as error:
            broken = _broken_anyway(name, split, root, choices) if decode else []
            yield Checked(split, problems=(str(error), *broken), advice=data.advice(name, split))
        else:
            yield Checked(split, _counts(benchmark), tuple(undecodable(benchmark)) if decode else ())


def _broken_anyway(name: str, split: str, root: Path | str | None, choices: Mapping) -> list[str]:
    """The pictures that cannot be decoded of a benchmark whose counts are wrong; none where it cannot be read at all."""
    loader = data.BENCHMARKS.get(name)
    if "counts" not in inspect.signature(loader).parameters:
        return []
    try:
        return undecodable(loader(split, root=root, **{**choices, "counts": {}}))
    except (BenchmarkError, PathEscape):
        return []


def undecodable(benchmark: Benchmark) -> list[str]:
    """A line for every picture of the gallery and every reference outside it that cannot be decoded."""
    both = [some for some in (benchmark.gallery.images, benchmark.references) if some is not None]
    return list(dict.fromkeys(line for pictures in both for line in unreadable(pictures)))


def unreadable(pictures: Sequence) -> list[str]:
    """A line for every picture that cannot be decoded, in their order, named with its folder."""
    folder = f"{pictures.root.name}/" if isinstance(pictures, FolderImages) else ""

    def problem(i: int) -> str:
        try:
            pictures[i]
        except (PictureError, PathEscape) as error:
            return f"{folder}{error}"
        return ""

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoding leaves Python's lock
        found = pool.map(problem, range(len(pictures)))
        found = progress_bar(found, total=len(pictures), desc="open pictures", delay=2)
        return list(filter(None, found))


def _counts(benchmark: Benchmark) -> dict[str, int]:
    hidden = (benchmark.qrels["default"].targets < 0).all()
    counts = {"queries": len(benchmark.queries), "pictures": len(benchmark.gallery)}
    counts["references"] = len({query.reference_image for query in benchmark.queries})
    if not hidden:
        counts["targets"] = int((benchmark.qrels["default"].targets >= 0).sum())
    blank = sum(not text.strip() for query in benchmark.queries for text in query.modification)
    return {**counts, "blank texts": blank} if blank else counts
