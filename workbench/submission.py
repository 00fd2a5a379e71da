"""Files for the test servers of CIRR and CIRCO, checked against their rules before anything is written.

    CIRR    {"version": "rc2", "metric": "recall", "<pairid>": [50 names]}, and "recall_subset" with 3 names
    CIRCO   {"<query>": [50 ids]}

Names are distinct and in order, best first. CIRR's hold no reference, and its subset file only members of the set, in
the order of the other file. CIRCO's server reads queries by their place, from "0".
Left out: sending them, which the servers want done by hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.arrays import Int
from workbench.data.benchmark import Benchmark
from workbench.data.predictions import Rankings
from workbench.errors import UserError
from workbench.methods.base import Method
from workbench.official import ranking_rows
from workbench.registry import UnknownName
from workbench.score.lists import ranked_in
from workbench.score.ranks import top_k

MAX_BYTES = 5 * 2**20  # CIRR's server refuses larger files


class SubmissionError(UserError, ValueError):
    """A file that the server would refuse; names the query."""


@dataclass(frozen=True)
class File:
    """One file a server wants: its name, under which qrels pictures are ranked, how many, and what else it says."""

    name: str
    qrels: str
    length: int
    header: Mapping[str, str]
    numbers: bool = False  # ids written as numbers, as in the official example


FILES = {
    "cirr": (
        File("cirr_recall.json", "default", 50, {"version": "rc2", "metric": "recall"}),
        File("cirr_recall_subset.json", "subset", 3, {"version": "rc2", "metric": "recall_subset"}),
    ),
    "circo": (File("circo.json", "default", 50, {}, numbers=True),),
}


def submissions(
    benchmark: Benchmark, tops: Mapping[str, Int["Q k"]], ids: Sequence[str] | None = None
) -> dict[str, str]:
    """File name -> text of every file the benchmark's server wants.

    tops: rows of the best pictures (`top_k`), by qrels name. ids: what the rows stand for, the gallery's unless given.
    Raises UnknownName for a benchmark without a server, SubmissionError where a file would be refused.
    """
    ids, texts, kept = benchmark.gallery.ids if ids is None else ids, {}, {}
    for file in files_of(benchmark.name):
        if file.qrels not in tops:
            continue
        lists = [[ids[row] for row in rows] for rows in tops[file.qrels].tolist()]
        _check(benchmark, file, lists)
        kept[file.name] = lists
        _check_order(benchmark, kept)
        text = _text(benchmark, file, lists)
        if len(text.encode()) > MAX_BYTES:
            raise SubmissionError(
                f"{file.name}: {len(text.encode()):,} bytes are more than the {MAX_BYTES:,} allowed"
            )
        texts[file.name] = text
    return texts


def files_of(benchmark: str) -> tuple[File, ...]:
    """The files that a benchmark's server wants. Raises UnknownName for a benchmark without one."""
    if benchmark not in FILES:
        raise UnknownName(f"{benchmark} has no test server; these have: {', '.join(FILES)}")
    return FILES[benchmark]


def submissions_of_method(case, method: Method) -> dict[str, str]:
    """Every file the server of the case's benchmark wants, from one method's scores. Raises as `submissions`."""
    files = files_of(case.benchmark.name)
    scores = method.score(case)
    tops = {file.qrels: top_k(scores, file.length, case.benchmark.qrels[file.qrels]) for file in files}
    return submissions(case.benchmark, tops)


def submissions_of_rankings(
    benchmark: Benchmark, rankings: Rankings
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The same from somebody's lists, and notes. CIRR's subset order is the lists' own; a file that the lists are too
    short for is left out, with a note.

    Raises PredictionsError as `official.ranking_rows`, SubmissionError where no file can be made.
    """
    files, listed = files_of(benchmark.name), ranking_rows(benchmark, rankings)
    tops, short = {}, []
    for file in files:
        if rankings.kind is not None and file.header.get("metric") != rankings.kind:
            continue
        ranked = ranked_in(listed.rows, benchmark.qrels[file.qrels])
        lacking = np.flatnonzero(ranked.sum(axis=1) < file.length)
        if len(lacking):
            query = benchmark.queries[int(lacking[0])].id
            short.append(
                f"{file.name}: query {query!r} lists {ranked[lacking[0]].sum()} pictures that may be in it, "
                f"{file.length} are needed ({len(lacking)} such queries)"
            )
            continue
        tops[file.qrels] = np.stack(
            [row[kept][: file.length] for row, kept in zip(listed.rows, ranked, strict=True)]
        )
    if not tops:
        raise SubmissionError("; ".join(short))
    return submissions(benchmark, tops, listed.ids), (*listed.notes, *short)


def _check(benchmark: Benchmark, file: File, lists: Sequence[Sequence[str]]) -> None:
    """Length, order's distinctness, no reference where it is excluded, members only in the subset file."""
    if len(lists) != len(benchmark.queries):
        raise SubmissionError(f"{file.name}: got {len(lists)} lists for {len(benchmark.queries)} queries")
    if file.numbers:
        _check_numbers(benchmark, file, lists)
    qrels, ids = benchmark.qrels[file.qrels], benchmark.gallery.ids
    for q, (query, names) in enumerate(zip(benchmark.queries, lists, strict=True)):
        if len(names) != file.length:
            raise SubmissionError(
                f"{file.name}: query {query.id!r} has {len(names)} pictures, expected {file.length}"
            )
        if len(set(names)) < len(names):
            raise SubmissionError(f"{file.name}: query {query.id!r} names a picture twice")
        excluded = {ids[row] for row in qrels.excluded[q] if row >= 0}
        if excluded & set(names):
            raise SubmissionError(
                f"{file.name}: query {query.id!r} names its own reference, which is not ranked"
            )
        if qrels.candidates is not None:
            strange = set(names) - {ids[row] for row in qrels.candidates[q] if row >= 0}
            if strange:
                raise SubmissionError(
                    f"{file.name}: query {query.id!r} names {min(strange)!r}, not one of its set"
                )


def _check_numbers(benchmark: Benchmark, file: File, lists: Sequence[Sequence[str]]) -> None:
    """Queries are numbered by their place, pictures are numbers."""
    for place, (query, names) in enumerate(zip(benchmark.queries, lists, strict=True)):
        if query.id != str(place):
            raise SubmissionError(
                f"{file.name}: the query at place {place} is {query.id!r}, and the server goes by place"
            )
        for name in names:
            if not name.isdecimal():
                raise SubmissionError(f"{file.name}: query {query.id!r} names {name!r}, expected a number")


def _check_order(benchmark: Benchmark, kept: Mapping[str, Sequence[Sequence[str]]]) -> None:
    """What two files rank both stands in the same order in both."""
    if len(kept) < 2:
        return
    for query, first, second in zip(benchmark.queries, *kept.values(), strict=True):
        both = set(first) & set(second)
        if [name for name in first if name in both] != [name for name in second if name in both]:
            raise SubmissionError(
                f"query {query.id!r}: {' and '.join(kept)} rank its set in different orders"
            )


def _text(benchmark: Benchmark, file: File, lists: Sequence[Sequence[str]]) -> str:
    content: dict = dict(file.header)
    for query, names in zip(benchmark.queries, lists, strict=True):
        content[query.id] = [int(name) for name in names] if file.numbers else list(names)
    return json.dumps(content)
