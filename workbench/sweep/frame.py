"""sweep: ranks of every setting -> means of every metric, as a tidy frame."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import pandas as pd

from workbench.arrays import Float
from workbench.data.benchmark import Benchmark
from workbench.evaluation import query_columns
from workbench.methods.base import METHODS, Method
from workbench.metrics import measure, parse_metric
from workbench.protocol import groups_of, protocol_text, rules_of
from workbench.score.ranks import NEVER, ranked_targets
from workbench.sweep.blocks import Asked, Bias, RankBlock, chosen_qrels, rank_blocks
from workbench.sweep.some import source_of


def sweep(
    methods: Sequence[Method],
    case,
    bench: Benchmark | None = None,
    metrics: Sequence[str] | None = None,
    *,
    certified: bool = True,
    bias: Bias = None,
    workers: int | None = None,
) -> pd.DataFrame:
    """Every metric of every method on one case: a row per method and metric.

    Columns: method (its registered name), each field in which methods differ or that is not at its default, metric,
    value (the mean the benchmark's protocol asks for, 0 to 1), queries, then what the row belongs to: benchmark,
    split, protocol, encoder, captions (who wrote them). A field of such a name gets an underscore: `captions_`, how
    many WeiMoCIR takes. A setting chosen by such a frame was chosen on its split.

    case: a Case, or Similarities together with `bench`. metrics: the benchmark's unless given.
    certified: ranks of linear methods are those of float64 scores (`score.exact`), as in `evaluate`; otherwise float32
    similarities are taken as they are, and about one rank in ten thousand may differ.
    bias: added to every score as it is, (N,) or (Q, N); or a function of the method that gives it anew per setting,
    for corrections whose bank depends on the swept fields. Methods do not normalise their composed queries (that
    changes no rank), so a bias meets scores as long as the method makes them.
    workers: threads, one per core unless given.

    Raises UnknownName for a metric or qrels that are not there, MetricError where a metric is not defined for a query,
    ArrayError for weights or a bias that do not fit.
    """
    case = source_of(case, bench)
    bench = case.benchmark
    specs = tuple(metrics or bench.metrics)
    qrels = tuple(dict.fromkeys(parse_metric(spec).qrels for spec in specs))
    _check_measurable(bench, qrels, specs)
    shares, totals = _shares(bench), np.zeros((len(methods), len(specs)))

    def measured(blocks: Iterator[RankBlock]) -> tuple[np.ndarray, Float["P M"]]:
        sums = 0.0
        for block in blocks:
            sums += _measured(block, specs, shares)
        return block.members, sums[block.which]

    for members, sums in rank_blocks(methods, case, qrels, Asked(certified, bias, workers), measured):
        totals[members] += sums
    values = totals / len(bench.queries) if shares is None else totals
    return _frame(methods, dict(zip(specs, values.T, strict=True)), case)


def _check_measurable(bench: Benchmark, qrels: Sequence[str], specs: Sequence[str]) -> None:
    """Raises what measuring would raise, before anything is counted: whether it can does not depend on the ranks."""
    chosen = chosen_qrels(bench, qrels)
    measure({name: np.where(ranked_targets(some), 1, NEVER) for name, some in chosen.items()}, specs)


def _frame(methods: Sequence[Method], values: dict[str, Float[" P"]], case) -> pd.DataFrame:
    """The settings beside their values, a row per setting and metric, and what they belong to."""
    bench = case.benchmark
    place = {
        "queries": len(bench.queries),
        "benchmark": bench.name,
        "split": bench.split,
        "protocol": protocol_text(rules_of(bench)),
        "encoder": getattr(case, "encoder", None),
        "captions": getattr(case, "captions", None),
    }
    each = np.tile(np.arange(len(methods)), len(values))
    settings = {f"{name}_" if name in place else name: values for name, values in _columns(methods).items()}
    return pd.DataFrame(
        {
            **{name: pd.Series(values).array.take(each) for name, values in settings.items()},
            "metric": pd.array(list(values), dtype="str").repeat(len(methods)),
            "value": np.concatenate(list(values.values())),
            **place,
        }
    )


def _measured(block: RankBlock, specs: Sequence[str], shares: np.ndarray | None) -> Float["U M"]:
    """Each metric's sum over the block's queries, for each distinct setting; the order of the sums is always the same."""
    by_query = {name: ranks.transpose(1, 0, 2) for name, ranks in block.ranks.items()}
    n_queries, n_settings, _ = next(iter(by_query.values())).shape
    weight = np.ones(n_queries) if shares is None else shares[block.queries]
    flat = {name: ranks.reshape(n_queries * n_settings, -1) for name, ranks in by_query.items()}
    values = measure(flat, specs).values()
    return np.stack([weight @ one.reshape(n_queries, n_settings) for one in values], axis=1)


def _shares(bench: Benchmark) -> Float[" Q"] | None:
    """Each query's weight in the benchmark's mean; None for the plain one."""
    rules = rules_of(bench)
    if rules.get("mean over", "queries") == "queries":
        return None
    protocol = protocol_text(rules)
    return groups_of(pd.DataFrame({**query_columns(bench), "protocol": protocol})).weights


def _columns(methods: Sequence[Method]) -> dict[str, list]:
    """The method's name, and the fields that tell the settings apart; None where a method has no such field."""
    names = {kind: _name(kind) for kind in dict.fromkeys(map(type, methods))}
    swept = dict.fromkeys(name for kind in names for name in _swept(kind, methods))
    return {
        "method": [names[type(method)] for method in methods],
        **{field: [getattr(method, field, None) for method in methods] for field in swept},
    }


def _swept(kind: type, methods: Sequence[Method]) -> list[str]:
    mine = [method for method in methods if type(method) is kind]
    return [
        field.name
        for field in dataclasses.fields(kind)
        if any(getattr(method, field.name) != field.default for method in mine)
    ]


@cache
def _name(kind: type) -> str:
    """The registered name, else the class's own: a sweep needs no registration."""
    return next((name for name in METHODS.names() if METHODS.get(name) is kind), kind.__name__)
