"""The official numbers of a benchmark, from anyone's rankings or from metrics per query.

`score_rankings` needs no model, no picture and, where the benchmark was loaded with pictures=False, no gallery list.
Numbers are shares at full precision. Left out: intervals (`significance`), rounding and percent (`tables`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.arrays import Float, Int
from workbench.data.benchmark import Benchmark, Qrels, Summary
from workbench.data.ids import find_row, plain_id, plain_rows
from workbench.data.predictions import PredictionsError, Rankings
from workbench.metrics import Metric, measure, over_groups, parse_metric
from workbench.registry import nearest
from workbench.score.lists import UNLISTED, list_ranks, ranked_in


@dataclass(frozen=True)
class Scored:
    """metrics: the official names and shares. values: each metric per query. notes: what a reader must know."""

    metrics: Mapping[str, float]
    values: Mapping[str, np.ndarray]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ListedRows:
    """rows: the lists as rows of the gallery in the order of the queries, -1 pads at the end. ids: the gallery's,
    then those of listed pictures that are not in it."""

    rows: Int["Q L"]
    ids: tuple[str, ...]
    notes: tuple[str, ...]


def summarise(benchmark: Benchmark, values: Mapping[str, Float[" Q"]]) -> dict[str, float]:
    """The set's official numbers that can be made from these metrics per query; each one's mean where it names none.

    Raises MetricError where values and queries differ in number.
    """
    summaries = benchmark.summaries or tuple(Summary(spec, spec) for spec in values)
    return {
        one.name: _summary(benchmark, one, np.mean([values[metric] for metric in one.metrics], axis=0))
        for one in summaries
        if all(metric in values for metric in one.metrics)
    }


def official_numbers(benchmark: Benchmark, frame: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Each method's `summarise`, from the frame that `evaluation.evaluate` gave for this benchmark."""
    return {str(name): official_of(benchmark, rows) for name, rows in frame.groupby("method", sort=False)}


def official_of(benchmark: Benchmark, rows: pd.DataFrame) -> dict[str, float]:
    """`summarise` of one method's rows, a query each in the benchmark's order."""
    known = [metric for metric in benchmark.metrics if metric in rows]
    return summarise(benchmark, {metric: rows[metric].to_numpy(np.float64) for metric in known})


def _summary(benchmark: Benchmark, summary: Summary, values: Float[" Q"]) -> float:
    queries = benchmark.queries
    if summary.where is not None:
        tag, value = summary.where
        chosen = np.array([query.tags.get(tag) == value for query in queries])
        values = values[chosen]
        queries = [query for query, kept in zip(queries, chosen, strict=True) if kept]
    if summary.over is None:
        return float(np.mean(values))
    return over_groups(values, [query.tags[summary.over] for query in queries], summary.within)


def score_rankings(benchmark: Benchmark, rankings: Rankings, metrics: Sequence[str] | None = None) -> Scored:
    """The benchmark's metrics for lists of pictures, best first; what a list does not hold counts as not found.

    Pictures that the benchmark excludes are taken out of the lists first. A subset metric is left out, with a note,
    where the lists are too short to tell.
    Raises PredictionsError for a query that is missing or unknown, an id that no picture has, and a split whose
    targets are hidden.
    """
    if (benchmark.qrels["default"].targets < 0).all():
        raise PredictionsError(
            f"the targets of {benchmark.name} {benchmark.split} are hidden, so nothing can be scored here; what the test "
            "servers of CIRR and CIRCO take is written by workbench submit"
        )
    listed = ranking_rows(benchmark, rankings)
    rows, notes = listed.rows, list(listed.notes)
    asked = [spec for spec in metrics or benchmark.metrics if _fits(spec, rankings.kind)]
    ranks, kept = {}, []
    for metric in map(parse_metric, asked):
        qrels = benchmark.qrels[metric.qrels]
        if metric.qrels not in ranks:
            ranks[metric.qrels] = list_ranks(rows, qrels)
        short = _too_short(rows, qrels, metric, ranks[metric.qrels], len(benchmark.gallery))
        if short and metric.qrels != "default":
            notes.append(f"{metric.spec} is left out: {short}")
            continue
        if short:
            notes.append(f"{metric.spec}: {short}; the rest counts as not found")
        kept.append(metric.spec)
    if not kept:
        raise PredictionsError("; ".join(notes) or "no metric can be computed from these lists")
    values = measure(ranks, kept)
    return Scored(summarise(benchmark, values), values, tuple(notes))


def _fits(spec: str, kind: str | None) -> bool:
    """CIRR's server file "recall" holds whole rankings, "recall_subset" only members of the set."""
    return kind is None or spec.startswith("subset:") == (kind == "recall_subset")


def _too_short(rows: Int["Q L"], qrels: Qrels, metric: Metric, ranks: Int["Q T"], gallery: int) -> str:
    """What some lists lack: k pictures that are ranked, or all there are; without k, some of the right ones."""
    if metric.k is None:
        return "some lists end before all right pictures" if (ranks == UNLISTED).any() else ""
    listed = np.count_nonzero(ranked_in(rows, qrels), axis=1)
    if qrels.candidates is None:
        there = gallery - np.count_nonzero(qrels.excluded >= 0, axis=1)
    else:
        there = np.count_nonzero(ranked_in(qrels.candidates, qrels), axis=1)
    enough = (listed >= np.minimum(metric.k, there)).all()
    return "" if enough else f"some lists hold fewer than {metric.k} of the pictures it ranks"


def ranking_rows(benchmark: Benchmark, rankings: Rankings) -> ListedRows:
    """The lists as rows of the gallery.

    Ids may be written as file names or with zeros in front, where the gallery's own are plain. An id outside a
    gallery that was not read whole is a distractor and gets a number past its end.
    Raises PredictionsError for missing or unknown queries, ids that no picture has, pictures listed twice, and lists
    in which nothing is known.
    """
    lists = rankings.lists
    _check_queries(benchmark, lists)
    ids, plain = benchmark.gallery.index, plain_rows(benchmark.gallery.ids)
    numbers = plain is not None and all(map(str.isdecimal, ids))
    outside: dict[str, int] = {}
    rows = np.full((len(benchmark.queries), max(map(len, lists.values()))), -1, np.int32)
    renamed = 0
    for q, query in enumerate(benchmark.queries):
        for place, picture in enumerate(lists[query.id]):
            row = find_row(picture, ids, plain)
            renamed += row is not None and picture not in ids
            if row is None and benchmark.gallery.whole:
                raise PredictionsError(
                    f"query {query.id!r}: {picture!r} is not among the gallery's {len(ids):,} pictures, of which the "
                    f"first is {benchmark.gallery.ids[0]!r}.{nearest(picture, ids)}"
                )
            if row is None:
                name = picture if plain is None else plain_id(picture)
                if numbers and not name.isdecimal():
                    raise PredictionsError(
                        f"query {query.id!r}: {picture!r} is no picture of {benchmark.name}, whose pictures are numbers"
                    )
                row = len(ids) + outside.setdefault(name, len(outside))
            rows[q, place] = row
        _check_twice(query.id, lists[query.id], rows[q])
    if not (rows >= 0).any() or rows[rows >= 0].min() >= len(ids):
        example = next(picture for pictures in lists.values() for picture in pictures)
        raise PredictionsError(
            f"no listed picture is known to {benchmark.name}: the lists hold ids such as {example!r}, "
            f"the annotations such as {benchmark.gallery.ids[0]!r}"
        )
    notes = [f"{renamed:,} ids were read without folder, ending or zeros in front"] if renamed else []
    notes += _unranked_notes(benchmark.qrels["default"], rows)
    return ListedRows(rows, (*benchmark.gallery.ids, *outside), tuple(notes))


def _check_queries(benchmark: Benchmark, lists: Mapping[str, Sequence[str]]) -> None:
    asked = {query.id: None for query in benchmark.queries}
    missing, unknown = [id for id in asked if not lists.get(id)], [id for id in lists if id not in asked]
    where = f"{benchmark.name} {benchmark.split}"
    if unknown:
        raise PredictionsError(
            f"{len(unknown):,} of the ranked queries are not in {where}: {_few(unknown)}.{nearest(unknown[0], asked)}"
        )
    if missing:
        raise PredictionsError(
            f"{len(missing):,} of {len(asked):,} queries of {where} have no ranking: {_few(missing)}; every query must be "
            "answered"
        )


def _few(ids: Sequence[str]) -> str:
    """The first ten, quoted."""
    return ", ".join(map(repr, ids[:10])) + (" ..." if len(ids) > 10 else "")


def _check_twice(query: str, pictures: Sequence[str], rows: Int[" L"]) -> None:
    listed = rows[: len(pictures)]
    if len(np.unique(listed)) < len(listed):
        first = {}
        for picture, row in zip(pictures, listed.tolist(), strict=True):
            if row in first:
                raise PredictionsError(
                    f"query {query!r} lists one picture twice, as {first[row]!r} and {picture!r}"
                )
            first[row] = picture


def _unranked_notes(qrels: Qrels, rows: Int["Q L"]) -> list[str]:
    """How many lists hold what their query does not rank: the reference image, another category or instance."""
    listed = [row[row >= 0] for row in rows]
    out = sum(bool(np.isin(row, gone).any()) for row, gone in zip(listed, qrels.excluded, strict=True))
    notes = [f"{out:,} lists hold the reference image, which is not ranked: it was taken out"] if out else []
    if qrels.candidates is None:
        return notes
    strange = sum(not np.isin(row, some).all() for row, some in zip(listed, qrels.candidates, strict=True))
    if strange:
        notes.append(f"{strange:,} lists hold pictures that their query does not search: they were taken out")
    return notes
