"""From a case and methods to a tidy frame (one row per method and query) and a table of results with intervals.

Numbers per query first, means last. Left out: rounding and percent, which belong to `tables`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from workbench.errors import UserError
from workbench.methods.base import LinearMethod, Method, label
from workbench.metrics import measure, parse_metric
from workbench.registry import UnknownName, nearest
from workbench.score.certified import certified_target_ranks
from workbench.score.ranks import target_ranks
from workbench.significance import bootstrap_intervals, permutation_p


class EvaluationError(UserError, ValueError):
    """Results that cannot be compared; the message names the methods."""


def method_ranks(case, method: Method, qrels: Iterable[str]) -> dict[str, np.ndarray]:
    """Target ranks (Q, T) under each of the named qrels of the case's benchmark.

    Near ties of linear methods are decided in float64; scores of other methods are taken as they are.
    """
    chosen = {name: case.benchmark.qrels[name] for name in qrels}
    if isinstance(method, LinearMethod):
        similarities = case.similarities(method.terms)
        return certified_target_ranks(method.weights(similarities.gram), similarities, chosen)
    scores = method.score(case)
    return {name: target_ranks(scores, some) for name, some in chosen.items()}


def evaluate(
    case, methods: Mapping[str, Method] | Sequence[Method], metrics: Sequence[str] | None = None
) -> pd.DataFrame:
    """One row per method and query: method, query, reference, the query's tags ("tag_..."), rank, then each metric.

    `methods` is a sequence (named by `label`) or a mapping from names. `rank` is the labelled target's under the
    default qrels. Metrics are the benchmark's unless given. Raises UnknownName for a metric or qrels not there.
    """
    bench = case.benchmark
    specs = tuple(metrics or bench.metrics)
    asked = dict.fromkeys(["default", *(parse_metric(spec).qrels for spec in specs)])
    for key in asked:
        if key not in bench.qrels:
            raise UnknownName(
                f"{bench.name} has no qrels {key!r}.{nearest(key, bench.qrels)} Known: {', '.join(bench.qrels)}"
            )
    named = methods if isinstance(methods, Mapping) else {label(method): method for method in methods}
    queries = {
        "query": [query.id for query in bench.queries],
        "reference": [query.reference_image for query in bench.queries],
        **_tags(bench.queries),
    }
    frames = []
    for name, method in named.items():
        ranks = method_ranks(case, method, asked)
        values = {"rank": ranks["default"][:, 0], **measure(ranks, specs)}
        frames.append(pd.DataFrame({"method": name, **queries, **values}))
    return pd.concat(frames, ignore_index=True)


def results_table(
    frame: pd.DataFrame, metrics: Sequence[str], baseline: str | None = None, seed: int = 0
) -> pd.DataFrame:
    """One row per method and metric: mean, 95 % interval, and the paired difference from the baseline with its p.

    Columns: method, metric, queries, mean, low, high, baseline, difference, difference_low, difference_high, p.
    The baseline is the frame's first method unless named; its own differences are 0 and its p is missing.
    Clusters are queries that share a reference. Raises UnknownName for a baseline or metric not in the frame,
    EvaluationError where the methods did not answer the same queries.
    """
    methods = list(dict.fromkeys(frame["method"]))
    baseline = methods[0] if baseline is None else baseline
    for kind, name, known in [("method", baseline, methods), *(("metric", m, list(frame)) for m in metrics)]:
        if name not in known:
            raise UnknownName(
                f"the frame has no {kind} {name!r}.{nearest(name, known)} It has: {', '.join(known)}"
            )
    first = frame[frame["method"] == baseline]
    clusters = pd.factorize(first["reference"])[0]
    values = _values_by_method(frame, first["query"], list(metrics))
    tables = []
    for name in methods:
        mean = bootstrap_intervals(values[name], clusters, seed=seed)
        gain = values[name] - values[baseline]
        difference = bootstrap_intervals(gain, clusters, seed=seed)
        p = np.full(len(metrics), np.nan) if name == baseline else permutation_p(gain, clusters, seed=seed)
        columns = {"method": name, "metric": list(metrics), "queries": len(first), **mean._asdict()}
        columns |= {"baseline": baseline, "difference": difference.mean}
        columns |= {"difference_low": difference.low, "difference_high": difference.high, "p": p}
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def _values_by_method(frame: pd.DataFrame, queries: pd.Series, metrics: list[str]) -> dict[str, np.ndarray]:
    """Each method's (Q, M) values, all in the order of `queries`."""
    values = {}
    for name, rows in frame.groupby("method", sort=False):
        if sorted(rows["query"]) != sorted(queries):
            raise EvaluationError(
                f"{name} answers {len(rows)} queries, not the {len(queries)} of the baseline"
            )
        values[name] = rows.set_index("query").loc[queries, metrics].to_numpy(np.float64)
    return values


def _tags(queries) -> dict[str, list]:
    """A column per tag; None where a query does not carry it."""
    names = dict.fromkeys(name for query in queries for name in query.tags)
    return {f"tag_{name}": [query.tags.get(name) for query in queries] for name in names}
