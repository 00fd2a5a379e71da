"""Metrics by group of queries, with intervals: by edit kind, by number of targets, by length of the text.

Means within a group are over its queries; clusters stay whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from workbench.arrays import Float
from workbench.breakdown.frames import clusters_within, grouping, in_order, known, known_methods
from workbench.evaluation import OF_METHOD, values_by_method
from workbench.protocol import EvaluationError, check_same
from workbench.significance import Groups, Intervals, bootstrap_intervals, holm, sign_flip_p


def binned(values: pd.Series, edges: Sequence[int]) -> pd.Series:
    """Whole numbers as named ranges, in order; each edge begins a range.

    >>> binned(pd.Series([1, 4, 5, 30]), [5, 10]).tolist()
    ['1-4', '1-4', '5-9', '10+']

    Raises EvaluationError where the edges do not rise.
    """
    edges = [int(edge) for edge in edges]
    if not edges or any(a >= b for a, b in pairwise(edges)):
        raise EvaluationError(f"edges: got {edges}, expected rising whole numbers")
    starts = [int(values.min()), *edges] if values.min() < edges[0] else edges
    names = [str(a) if b == a + 1 else f"{a}-{b - 1}" for a, b in pairwise(starts)]
    return pd.cut(values, [*starts, np.inf], right=False, labels=[*names, f"{starts[-1]}+"])


def breakdown(
    frame: pd.DataFrame,
    by: str | pd.Series,
    metrics: Sequence[str],
    baseline: str | None = None,
    edges: Sequence[int] | None = None,
    seed: int = 0,
    unit: str = "cluster",
) -> pd.DataFrame:
    """One row per method, metric and group of queries: by, group, queries, clusters, mean, low, high, and with a
    baseline the paired difference, its interval, p, and p_holm corrected over methods and groups of a metric.

    by: a column such as "targets" or "words" (the text's length), a tag ("edit" for "tag_edit"), or a series over the
    frame's rows. edges: see `binned`. Groups come in the order of their names; queries without a tag form "(none)".
    A group with fewer than two clusters has a mean and no interval. Raises UnknownName for a column, metric or method
    that is not there, EvaluationError where the methods did not answer the same queries.
    """
    check_same(frame)
    frame = frame.reset_index(drop=True)
    name, group = grouping(frame, by)
    group = group if edges is None else binned(group, edges)
    methods = list(dict.fromkeys(frame["method"]))
    known("metric", frame, metrics)
    known_methods(frame, [] if baseline is None else [baseline])
    tables = []
    for key in in_order(group):
        rows = frame[(group == key).to_numpy()]
        first = rows[rows["method"] == methods[0]]
        values = values_by_method(rows, first["query"], metrics)
        place = None if baseline is None else methods.index(baseline)
        columns = _of_group(values, clusters_within(first, unit), place, seed)
        pairs = pd.DataFrame([(method, metric) for method in methods for metric in metrics])
        pairs = pairs.set_axis(["method", "metric"], axis=1).assign(by=name, group=key)
        tables.append(pairs.assign(baseline=baseline, **columns) if baseline else pairs.assign(**columns))
    whole = pd.concat(tables, ignore_index=True)
    if baseline is not None:
        whole["p_holm"] = whole.groupby("metric")["p"].transform(lambda p: holm(p.to_numpy(float)))
    once = frame.drop_duplicates("method")[["method", *(c for c in OF_METHOD if c in frame)]]
    return whole.merge(once, on="method", how="left")


def _of_group(values: Float["Q S M"], groups: Groups | None, baseline: int | None, seed: int) -> dict:
    """Means, intervals and comparisons of one group's queries, by method and metric."""
    n_queries, n_methods, n_metrics = values.shape
    flat = values.reshape(n_queries, -1)
    mean, low, high = _intervals(flat, groups, seed)
    columns = {"queries": n_queries, "clusters": 1 if groups is None else len(groups)}
    columns |= {"mean": mean, "low": low, "high": high}
    if baseline is None:
        return columns
    against = baseline * n_metrics + np.tile(np.arange(n_metrics), n_methods)
    gain, low, high = _intervals(flat - flat[:, against], groups, seed)
    columns |= {"difference": gain, "difference_low": low, "difference_high": high}
    asked = against != np.arange(flat.shape[1])
    if groups is None:
        return columns | {"p": np.nan}
    return columns | {"p": np.where(asked, sign_flip_p(flat, against[None], groups, seed=seed)[0], np.nan)}


def _intervals(values: Float["Q M"], groups: Groups | None, seed: int) -> Intervals:
    """Without clusters to resample: means alone."""
    if groups is not None:
        return bootstrap_intervals(values, groups, seed=seed)
    nothing = np.full(values.shape[1], np.nan)
    return Intervals(values.mean(axis=0), nothing, nothing)
