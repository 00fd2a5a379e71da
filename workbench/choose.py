"""Choosing a setting without cheating: picked on validation data, reported on other data, and every row says so.

    choose(swept_val, "hit@10", swept_test)                     two frames of `sweep`
    evaluate_chosen(families, case_val, "hit@10", case_test)    one row per query, for intervals and tests
    cross_choose(families, case, "hit@10")                      where a set has no second split: nested cross-validation

Rows carry `chosen_on` (where the setting was picked), `chosen_by` (the metric), `settings` (of how many) and
`setting`; a method with a single setting was not chosen, and its `chosen_on` is empty. Tables (`chosen_table` of the
first, `main_table` of the others) warn where a setting was picked on the very data it is reported on. Among settings
that tie, the first in the given order is taken: list the setting you would defend first.

Left out: the search itself (`sweep`), and the choice of the method: comparing many chosen methods on the test split is
what Holm's correction in `results_table` is for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from workbench.arrays import Float, Int
from workbench.evaluation import CHOSEN, OF_METHOD, evaluate, fact_columns, query_columns
from workbench.methods.base import Method, label
from workbench.metrics import measure, parse_metric
from workbench.protocol import EvaluationError, check_same, groups_of
from workbench.registry import UnknownName, nearest
from workbench.significance import Groups
from workbench.sweep import ranks, sweep

_NOT_SWEPT = ("metric", "value", "queries", *OF_METHOD)


def choose(swept: pd.DataFrame, by: str, reported: pd.DataFrame | None = None) -> pd.DataFrame:
    """Each method's best setting by the metric `by` in `swept`, with its numbers in `reported`: a row per metric.

    swept, reported: frames of `sweep` on two splits with the same settings; without `reported` the numbers are those
    it was chosen by, and tables say so. Columns: those of `reported`, then chosen_on, chosen_by, settings, setting,
    tied (settings that share the best value) and value_there (the value it was chosen for, or of the same metric, in
    `swept`; it flatters). Raises UnknownName for a metric that is not there, EvaluationError for a value that is
    NaN or a chosen setting that `reported` lacks.
    """
    reported = swept if reported is None else reported
    check_same(swept)
    check_same(reported)
    known = list(dict.fromkeys(swept["metric"]))
    if by not in known:
        raise UnknownName(f"the frame has no metric {by!r}.{nearest(by, known)} It has: {', '.join(known)}")
    where = _where(*(tuple(frame[["benchmark", "split"]].iloc[0]) for frame in (swept, reported)))
    there, here = _by_setting(swept), _by_setting(reported)
    tables = []
    for method, rows in swept[swept["metric"] == by].groupby("method", sort=False):
        values = rows["value"].to_numpy(float)
        if np.isnan(values).any():
            raise EvaluationError(
                f"{method}: {np.isnan(values).sum()} of {len(values)} values of {by} are NaN"
            )
        key = _keys(rows)[int(np.argmax(values))]  # the first among equals
        if key not in here:
            raise EvaluationError(f"{_setting_text(key)} was chosen, but is not among the settings reported")
        told = _told(where, by, len(rows), _setting_text(key))
        before = there[key].set_index("metric")["value"]
        tied = int((values == values.max()).sum())
        tables.append(here[key].assign(**told, tied=tied, value_there=here[key]["metric"].map(before)))
    return pd.concat(tables, ignore_index=True)


def evaluate_chosen(
    families: Mapping[str, Sequence[Method]] | Sequence[Method],
    validation,
    by: str,
    test=None,
    metrics: Sequence[str] | None = None,
) -> pd.DataFrame:
    """`evaluate` on the case `test` of each family's best setting by the metric `by` on the case `validation`.

    families: names and their settings, or settings alone (a family per registered method). Without `test` the setting
    is reported on the data it was picked on, and tables say so; `cross_choose` is the honest way out.
    Raises EvaluationError for a family without settings, UnknownName for a metric that is not there.
    """
    families = _families(families)
    test = validation if test is None else test
    parse_metric(by)
    there, here = ((case.benchmark.name, case.benchmark.split) for case in (validation, test))
    frames = []
    for name, settings in families.items():
        best = settings[0]
        if len(settings) > 1:
            best = settings[int(np.argmax(sweep(settings, validation, metrics=[by])["value"]))]
        frame = evaluate(test, {name: best}, metrics)
        frames.append(frame.assign(**_told(_where(there, here), by, len(settings), label(best))))
    return pd.concat(frames, ignore_index=True)


def cross_choose(
    families: Mapping[str, Sequence[Method]] | Sequence[Method],
    case,
    by: str,
    metrics: Sequence[str] | None = None,
    folds: int = 5,
    seed: int = 0,
) -> pd.DataFrame:
    """`evaluate` on one case, each query under the setting that was best by `by` on the other folds' queries.

    Folds are made of whole clusters, within strata, at random. The gallery is shared by all folds; only queries are
    held out. One more column, fold; `setting` lists what was chosen and in how many folds. Intervals made from the
    frame hold for these choices: they leave out how much another split into folds would change them.
    Raises EvaluationError for fewer than two folds or more folds than a stratum has clusters; otherwise as
    `evaluate_chosen`.
    """
    families, bench = _families(families), case.benchmark
    specs = tuple(metrics or bench.metrics)
    qrels = tuple(dict.fromkeys(["default", *(parse_metric(spec).qrels for spec in (by, *specs))]))
    before, after = query_columns(bench), fact_columns(case)
    queries = pd.DataFrame({**before, **after})
    fold = fold_of(groups_of(queries), folds, seed)
    frames = []
    for name, settings in families.items():
        found = ranks(settings, case, qrels=qrels)
        values = np.stack(
            [measure({key: r[p] for key, r in found.items()}, [by])[by] for p in range(len(settings))]
        )
        chosen = chosen_elsewhere(values, queries, fold)
        here = {key: r[chosen, np.arange(len(chosen))] for key, r in found.items()}
        told = _told(f"{bench.split}, the other {folds - 1} of {folds} folds", by, len(settings), "")
        told["setting"] = _settings_text([label(settings[chosen[fold == f][0]]) for f in range(folds)])
        columns = {"method": name, **before, "rank": here["default"][:, 0], **measure(here, specs), **after}
        frames.append(pd.DataFrame({**columns, "fold": fold, **told}))
    return pd.concat(frames, ignore_index=True)


def fold_of(groups: Groups, folds: int, seed: int = 0) -> Int[" Q"]:
    """The fold of each query, 0 .. folds - 1: whole clusters, spread evenly within each stratum.

    Raises EvaluationError for fewer than two folds, or so many that some would lack a cluster of some stratum.
    """
    fewest = min(stratum.stop - stratum.start for stratum in groups.strata)
    if not 2 <= folds <= fewest // 2:
        raise EvaluationError(f"folds: got {folds}, expected 2 to {fewest // 2} for {fewest} clusters")
    rng = np.random.default_rng(seed)
    of_cluster = np.empty(len(groups), np.int64)
    for stratum in groups.strata:
        size = stratum.stop - stratum.start
        of_cluster[stratum] = rng.permutation(size) % folds
    return of_cluster[groups.cluster]


def chosen_elsewhere(values: Float["P Q"], queries: pd.DataFrame, fold: Int[" Q"]) -> Int[" Q"]:
    """For each query the setting (first among equals) with the best mean over the queries of the other folds.

    The mean is the benchmark's own, as the queries' protocol says.
    """
    chosen = np.empty(len(fold), np.int64)
    for held_out in np.unique(fold):
        others = fold != held_out
        means = groups_of(queries[others]).average(np.ascontiguousarray(values[:, others].T))
        chosen[~others] = np.argmax(means)
    return chosen


def _told(where: str, by: str, settings: int, setting: str) -> dict[str, object]:
    """What the rows of a method say of how its setting was chosen; nothing where there was no choice."""
    if settings == 1:
        return dict.fromkeys(CHOSEN)
    return dict(zip(CHOSEN, (where, by, settings, setting), strict=True))


def _where(there: tuple[str, str], here: tuple[str, str]) -> str:
    """The split that a setting was chosen on, with its benchmark where that is another one."""
    return there[1] if there[0] == here[0] else " ".join(there)


def _families(families) -> dict[str, list[Method]]:
    if not isinstance(families, Mapping):
        named: dict[str, list[Method]] = {}
        for method in families:
            named.setdefault(label(method).partition("(")[0], []).append(method)
        families = named
    for name, settings in families.items():
        if not len(settings):
            raise EvaluationError(f"{name}: got no settings to choose from")
    return {name: list(settings) for name, settings in families.items()}


def _keys(frame: pd.DataFrame) -> list[tuple]:
    """Each row's setting: its method, and every swept field that it has; a tuple that Parquet made a list of is one again."""
    fields = [name for name in frame if name not in (*_NOT_SWEPT, "method")]
    columns = [
        [
            (name, tuple(value) if isinstance(value, list | np.ndarray) else value)
            for value in frame[name].tolist()
        ]
        for name in fields
    ]
    return [
        (method, *((name, value) for name, value in row if value is not None and value == value))
        for method, *row in zip(frame["method"].tolist(), *columns, strict=True)
    ]


def _by_setting(frame: pd.DataFrame) -> dict[tuple, pd.DataFrame]:
    rows: dict[tuple, list[int]] = {}
    for place, key in enumerate(_keys(frame)):
        rows.setdefault(key, []).append(place)
    return {key: frame.iloc[places] for key, places in rows.items()}


def _setting_text(key: tuple) -> str:
    method, *fields = key
    return f"{method}({', '.join(f'{name}={value!r}' for name, value in fields)})" if fields else method


def _settings_text(labels: list[str]) -> str:
    times = {one: labels.count(one) for one in labels}
    if len(times) == 1:
        return labels[0]
    return "; ".join(f"{one} in {n} fold{'s' * (n > 1)}" for one, n in times.items())
