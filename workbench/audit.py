"""False negatives: pictures that are right and that nobody labelled, marked by hand, and what they are worth.

    sheet(case, methods)          the first ten pictures of every query, a row each, with an empty column `mark`
    read_marks(path, benchmark)   the marks, checked: 1 for a right answer, 0 for a wrong one, nothing for unseen
    rescore(case, methods, marks) the metrics without and with the marked pictures as right answers
    changes(frame)                per method and metric: both means, and how many queries changed

With the marks a marked picture is one more target. Recall@K, which looks at the labelled target alone, asks then for
the labelled or any marked one; all other metrics simply have more targets. Marks made on one method's list favour that
method, since only its own finds were looked at: give all methods that are compared to `sheet` at once.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.data.benchmark import Benchmark, Qrels
from workbench.errors import UserError
from workbench.evaluation import evaluate
from workbench.methods.base import Method, label
from workbench.metrics import parse_metric, recall_at
from workbench.protocol import groups_of
from workbench.registry import nearest
from workbench.score.ranks import top_k

COLUMNS = ("query", "rank", "item", "mark", "target", "reference", "text")
MEANING = {"": None, "1": True, "yes": True, "x": True, "0": False, "no": False}
MEANING |= {"1.0": True, "0.0": False}  # what pandas and spreadsheets make of a column with gaps


class AuditError(UserError, ValueError):
    """A sheet of marks cannot be written, read or used; the message names the file, the line, query or picture."""


@dataclass(frozen=True)
class Marks:
    """By query id, the pictures that were found right; and how many pictures were looked at."""

    right: Mapping[str, tuple[str, ...]]
    judged: int


def sheet(
    case,
    methods: Mapping[str, Method] | Sequence[Method],
    k: int = 10,
    sample: int | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """One row per query and picture among the first k of any of the methods, best first, to be marked by hand.

    Columns: query, rank (the best of the methods'), item, mark (empty), target ("yes" where it is labelled), reference,
    text. sample: so many queries, drawn by `seed`; all unless given. Raises ArrayError where fewer than k are ranked.
    """
    bench, qrels = case.benchmark, case.benchmark.qrels["default"]
    named = list(methods.values() if isinstance(methods, Mapping) else methods)
    first = [top_k(method.score(case), k, qrels) for method in named]
    chosen = np.arange(len(bench.queries))
    if sample is not None and sample < len(chosen):
        chosen = np.sort(np.random.default_rng(seed).choice(chosen, sample, replace=False))
    rows = []
    for q in chosen:
        query, best = bench.queries[q], {}
        for lists in first:
            for rank, item in enumerate(lists[q].tolist(), 1):
                best[item] = min(rank, best.get(item, rank))
        for item, rank in sorted(best.items(), key=lambda one: (one[1], one[0])):
            known = "yes" if item in qrels.targets[q] else ""
            text = " / ".join(query.modification)
            rows.append((query.id, rank, bench.gallery.ids[item], "", known, query.reference_image, text))
    return pd.DataFrame(rows, columns=COLUMNS)


def write_sheet(rows: pd.DataFrame, path: Path | str) -> None:
    """Writes a sheet as CSV. Raises AuditError where the file is there already: marks in it would be lost."""
    path = Path(path)
    if path.exists():
        raise AuditError(f"{path} is there already, and may hold marks; name another file")
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.to_csv(path, index=False)


def read_marks(path: Path | str, benchmark: Benchmark) -> Marks:
    """The marks of a sheet: columns query, item and mark; others are not read.

    Raises AuditError, with its line, for an unknown query or picture, another mark than 1, 0, yes, no, x or nothing,
    one picture marked in two ways, a picture that is never ranked, and a labelled target marked wrong.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            lines = list(enumerate(reader, 2))
            names = reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AuditError(f"{path} cannot be read ({error})") from error
    lacking = [name for name in ("query", "item", "mark") if name not in names]
    if lacking:
        raise AuditError(f"{path.name}: its header {','.join(names)!r} has no {', '.join(lacking)}")
    queries = {query.id: q for q, query in enumerate(benchmark.queries)}
    found: dict[tuple[str, str], bool] = {}
    for number, row in lines:
        where = f"{path.name}, line {number}"
        query, item, mark = ((row[name] or "").strip() for name in ("query", "item", "mark"))
        right = _meaning(mark, where)
        _check_known(query, item, queries, benchmark, where)
        if right is None:
            continue
        if found.setdefault((query, item), right) != right:
            raise AuditError(f"{where}: query {query!r}, picture {item!r} is marked right and wrong")
        _check_mark(queries[query], item, right, benchmark, where)
    right: dict[str, tuple[str, ...]] = {}
    for (query, item), yes in found.items():
        right[query] = (*right.get(query, ()), item) if yes else right.get(query, ())
    return Marks({query: items for query, items in right.items() if items}, len(found))


def with_marks(benchmark: Benchmark, marks: Marks) -> Benchmark:
    """The benchmark with marked pictures as further targets under all its qrels.

    Each qrels has a second one beside it, "labelled_..." with the labelled and the marked targets alone.
    """
    ids = benchmark.gallery.index
    rows = [[ids[item] for item in marks.right.get(query.id, ())] for query in benchmark.queries]
    qrels = {}
    for name, some in benchmark.qrels.items():
        qrels[name] = replace(some, targets=_extended(some.targets, rows))
        qrels[f"labelled_{name}"] = replace(some, targets=_extended(some.targets[:, :1], rows))
    return replace(benchmark, qrels=qrels)


def rescore(
    case, methods: Mapping[str, Method] | Sequence[Method], marks: Marks, metrics: Sequence[str] | None = None
) -> pd.DataFrame:
    """`evaluation.evaluate` twice, with a column `marks`: "without" and "with". Metrics keep their names.

    Raises AuditError where the targets are hidden, and as `evaluate`.
    """
    if (case.benchmark.qrels["default"].targets < 0).all():
        raise AuditError(
            f"{case.benchmark.name} {case.benchmark.split}: its targets are hidden, so nothing can be scored"
        )
    specs = list(metrics or case.benchmark.metrics)
    named = methods if isinstance(methods, Mapping) else {label(method): method for method in methods}
    marked = replace(case, benchmark=with_marks(case.benchmark, marks))
    asked = {spec: _with_marks_spec(spec) for spec in specs}
    after = evaluate(marked, named, list(asked.values()))
    after = after.rename(columns={new: spec for spec, new in asked.items()})
    before = evaluate(case, named, specs)
    return pd.concat(
        [before.assign(marks="without"), after.assign(marks="with")[[*before, "marks"]]], ignore_index=True
    )


def changes(frame: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Per method and metric: the mean without and with the marks, their difference, and how many queries changed.

    frame: of `rescore`. Means as the benchmark's protocol takes them; shares, not percent.
    """
    rows = []
    for method, some in frame.groupby("method", sort=False):
        before, after = (some[some["marks"] == which].reset_index(drop=True) for which in ("without", "with"))
        values = [one[list(metrics)].to_numpy(np.float64) for one in (before, after)]
        means = [groups_of(before).average(one) for one in values]
        changed = (values[0] != values[1]).sum(axis=0)
        for m, metric in enumerate(metrics):
            rows.append(
                (method, metric, means[0][m], means[1][m], means[1][m] - means[0][m], int(changed[m]))
            )
    return pd.DataFrame(rows, columns=["method", "metric", "without", "with", "difference", "queries"])


def _with_marks_spec(spec: str) -> str:
    """Recall@K with marks: the labelled target or any marked one among the first K; any other metric as it is.

    >>> _with_marks_spec("subset:recall@1"), _with_marks_spec("map@5")
    ('labelled_subset:hit@1', 'map@5')
    """
    metric = parse_metric(spec)
    return f"labelled_{metric.qrels}:hit@{metric.k}" if metric.function is recall_at else spec


def _extended(targets: np.ndarray, rows: Sequence[Sequence[int]]) -> np.ndarray:
    """Target rows with further ones behind them, each once."""
    more = [
        [row for row in some if row not in mine] for some, mine in zip(rows, targets.tolist(), strict=True)
    ]
    wide = np.full((len(targets), max(map(len, more), default=0)), -1, np.int32)
    for q, some in enumerate(more):
        wide[q, : len(some)] = some
    return np.concatenate([targets, wide], axis=1)


def _meaning(mark: str, where: str) -> bool | None:
    if mark.lower() not in MEANING:
        raise AuditError(
            f"{where}: mark is {mark!r}, expected 1 (right), 0 (wrong) or nothing (not looked at)"
        )
    return MEANING[mark.lower()]


def _check_known(query: str, item: str, queries: Mapping[str, int], benchmark: Benchmark, where: str) -> None:
    if query not in queries:
        raise AuditError(f"{where}: no query is called {query!r}.{nearest(query, queries)}")
    if item not in benchmark.gallery.index:
        raise AuditError(f"{where}: no picture is called {item!r}.{nearest(item, benchmark.gallery.ids)}")


def _check_mark(query: int, item: str, right: bool, benchmark: Benchmark, where: str) -> None:
    qrels: Qrels = benchmark.qrels["default"]
    row = benchmark.gallery.index[item]
    if right and row in qrels.excluded[query]:
        raise AuditError(f"{where}: {item!r} is never ranked for this query, so it cannot be a right answer")
    if not right and row in qrels.targets[query]:
        raise AuditError(
            f"{where}: {item!r} is a labelled target; marks add right answers and take none away"
        )
