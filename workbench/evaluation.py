"""From a case and methods to a tidy frame (one row per method and query) and a table of results with intervals.

Numbers per query first, means last. Every row says what it belongs to (benchmark, split, protocol, encoder, captions),
so that tables can print it and refuse what does not belong together. Left out: rounding and percent, which belong to
`tables`; choosing settings (`choose`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from workbench.methods.base import LinearMethod, Method, label
from workbench.metrics import measure, parse_metric
from workbench.protocol import SAME, EvaluationError, check_same, groups_of, protocol_text, rules_of
from workbench.registry import UnknownName, nearest
from workbench.score.certified import certified_ranks
from workbench.score.ranks import target_ranks
from workbench.significance import Groups, bootstrap_intervals, holm, paired_effects, sign_flip_p

CHOSEN = ("chosen_on", "chosen_by", "settings", "setting")  # what `choose` adds, and fold
OF_METHOD = (*SAME, "encoder", "captions", *CHOSEN)
FACTS = ("method", "query", "reference", "targets", "words", "rank", "fold", *OF_METHOD)


def method_ranks(case, method: Method, qrels: Iterable[str]) -> dict[str, np.ndarray]:
    """Target ranks (Q, T) under each of the named qrels of the case's benchmark.

    Near ties of linear methods are decided in float64; scores of other methods are taken as they are.
    """
    chosen = {name: case.benchmark.qrels[name] for name in qrels}
    if isinstance(method, LinearMethod):
        similarities = case.similarities(method.terms)
        return certified_ranks(method.weights(similarities.gram), similarities, chosen)
    scores = method.score(case)
    return {name: target_ranks(scores, some) for name, some in chosen.items()}


def evaluate(
    case, methods: Mapping[str, Method] | Sequence[Method], metrics: Sequence[str] | None = None
) -> pd.DataFrame:
    """One row per method and query: method, query, reference, the query's tags ("tag_..."), rank, then each metric;
    last what breakdowns need (targets: how many; words of the modification text) and what the row belongs to.

    `methods` is a sequence (named by `label`) or a mapping from names. `rank` is the labelled target's under the
    default qrels. Metrics are the benchmark's unless given. Raises UnknownName for a metric or qrels not there,
    EvaluationError where every target is hidden.
    """
    bench = case.benchmark
    if (bench.qrels["default"].targets < 0).all():
        raise EvaluationError(
            f"{bench.name} {bench.split}: its targets are hidden, so nothing can be measured here; for CIRR and CIRCO "
            "make the files of their test servers: workbench submit --method ..."
        )
    specs = tuple(metrics or bench.metrics)
    asked = dict.fromkeys(["default", *(parse_metric(spec).qrels for spec in specs)])
    for key in asked:
        if key not in bench.qrels:
            raise UnknownName(
                f"{bench.name} has no qrels {key!r}.{nearest(key, bench.qrels)} Known: {', '.join(bench.qrels)}"
            )
    named = methods if isinstance(methods, Mapping) else {label(method): method for method in methods}
    before, after = query_columns(bench), fact_columns(case)
    frames = []
    for name, method in named.items():
        ranks = method_ranks(case, method, asked)
        values = {"rank": ranks["default"][:, 0], **measure(ranks, specs)}
        frames.append(pd.DataFrame({"method": name, **before, **values, **after}))
    return pd.concat(frames, ignore_index=True)


def query_columns(bench) -> dict[str, list]:
    """query, reference and a column per tag; None where a query does not carry it."""
    tags = dict.fromkeys(name for query in bench.queries for name in query.tags)
    return {
        "query": [query.id for query in bench.queries],
        "reference": [query.reference_image for query in bench.queries],
        **{f"tag_{name}": [query.tags.get(name) for query in bench.queries] for name in tags},
    }


def fact_columns(case) -> dict[str, object]:
    """How many targets and words each query has, and what all rows belong to."""
    bench = case.benchmark
    return {
        "targets": (bench.qrels["default"].targets >= 0).sum(axis=1),
        "words": [sum(len(text.split()) for text in query.modification) for query in bench.queries],
        "benchmark": bench.name,
        "split": bench.split,
        "protocol": protocol_text(rules_of(bench)),
        "encoder": getattr(case, "encoder", None),
        "captions": getattr(case, "captions", None),
    }


def metric_columns(frame: pd.DataFrame) -> list[str]:
    """The metrics of a frame of `evaluate`: every column that is neither a fact nor a tag."""
    return [name for name in frame if name not in FACTS and not name.startswith("tag_")]


def results_table(
    frame: pd.DataFrame,
    metrics: Sequence[str] | None = None,
    baseline: str | None = None,
    seed: int = 0,
    level: float = 0.95,
    unit: str = "cluster",
) -> pd.DataFrame:
    """One row per method and metric: mean, interval, the paired comparison with the baseline, and with the best.

    Columns: method, metric, what the method's rows belong to (as far as the frame says: benchmark, split, protocol,
    encoder, captions, chosen_on ...), queries, clusters, unit, level, mean, low, high, baseline, difference,
    difference_low, difference_high, p, p_holm, effect, wins, losses, p_best. Means, clusters and strata are the
    benchmark's own (see `protocol`).
    p: two-sided paired sign-flip test; p_holm: corrected over the methods compared with the baseline on one metric.
    p_best: the same against the metric's highest mean, corrected; missing for that method itself. The baseline is the
    frame's first method unless named; its own differences are 0 and its p is missing. unit="query" lets each query
    stand alone. Raises UnknownName for a baseline or metric not in the frame, EvaluationError where the methods did
    not answer the same queries or under the same protocol.
    """
    check_same(frame)
    methods = list(dict.fromkeys(frame["method"]))
    metrics = metric_columns(frame) if metrics is None else list(metrics)
    baseline = methods[0] if baseline is None else baseline
    for kind, name, known in [("method", baseline, methods), *(("metric", m, list(frame)) for m in metrics)]:
        if name not in known:
            raise UnknownName(
                f"the frame has no {kind} {name!r}.{nearest(name, known)} It has: {', '.join(known)}"
            )
    first = frame[frame["method"] == baseline]
    groups = groups_of(first, unit)
    values = values_by_method(frame, first["query"], metrics)
    table = _belongings(frame, methods, metrics)
    table = table.assign(queries=len(first), clusters=len(groups), unit=unit, level=level)
    own, paired = _compare(values, methods.index(baseline), groups, level, seed)
    return table.assign(**own, baseline=baseline, **paired)


def values_by_method(
    frame: pd.DataFrame, queries: Sequence[str] | pd.Series, metrics: Sequence[str]
) -> np.ndarray:
    """(Q, methods, metrics), all in the order of `queries`. Raises EvaluationError where a method answered others."""
    index, values = pd.Index(queries), []
    for name, rows in frame.groupby("method", sort=False):
        place = index.get_indexer(rows["query"]) if index.is_unique else np.full(len(rows), -1)
        if len(rows) != len(index) or (np.sort(place) != np.arange(len(index))).any():
            raise EvaluationError(
                f"{name} answers {len(rows)} queries, not the {len(queries)} of the baseline"
            )
        ordered = np.empty((len(rows), len(metrics)))
        ordered[place] = rows[list(metrics)].to_numpy(np.float64)
        values.append(ordered)
        _refuse_missing(name, metrics, ordered)
    return np.stack(values, axis=1)


def _refuse_missing(method: str, metrics: Sequence[str], values: np.ndarray) -> None:
    """Raises EvaluationError for the first metric without a number for every query: a mean would not say so."""
    for metric, missing in zip(metrics, (~np.isfinite(values)).sum(axis=0), strict=True):
        if missing:
            raise EvaluationError(
                f"{method} has no {metric} for {missing} of {len(values)} queries (NaN or infinite); evaluate all "
                "methods with the same metrics"
            )


def _belongings(frame: pd.DataFrame, methods: list[str], metrics: list[str]) -> pd.DataFrame:
    """A row per method and metric with what the frame says of the method as a whole."""
    once = frame.drop_duplicates("method")[["method", *(name for name in OF_METHOD if name in frame)]]
    pairs = pd.DataFrame([(method, metric) for method in methods for metric in metrics])
    return pairs.set_axis(["method", "metric"], axis=1).merge(once, on="method", how="left")


def _compare(values: np.ndarray, baseline: int, groups: Groups, level: float, seed: int) -> tuple[dict, dict]:
    """Means with intervals, and the comparisons with the baseline and with the best, each by method and metric."""
    n_methods, n_metrics = values.shape[1:]
    flat = values.reshape(len(values), -1)
    here, metric = np.arange(flat.shape[1]), np.tile(np.arange(n_metrics), n_methods)
    best = np.argmax(groups.average(flat).reshape(n_methods, n_metrics), axis=0)
    against = np.stack([baseline * n_metrics + metric, best[metric] * n_metrics + metric])
    gains = flat - flat[:, against[0]]
    ends = bootstrap_intervals(np.hstack([flat, gains]), groups, level, seed=seed)
    (mean, gain), (low, gain_low), (high, gain_high) = (np.split(end, 2) for end in ends)
    p = np.where(against == here, np.nan, sign_flip_p(flat, against, groups, seed=seed))
    corrected = np.apply_along_axis(holm, 1, p.reshape(2, n_methods, n_metrics)).reshape(2, -1)
    paired = {"difference": gain, "difference_low": gain_low, "difference_high": gain_high}
    paired |= {"p": p[0], "p_holm": corrected[0], **paired_effects(gains, groups)._asdict()}
    return {"mean": mean, "low": low, "high": high}, paired | {"p_best": corrected[1]}
