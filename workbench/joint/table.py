"""joint_table: recall against skewness for every method, intervention, mitigator and bank, with intervals.

    fitted = Centring().fit(calibration_of(case))
    table = joint_table({"as it is": case, "centred": intervene(case, fitted)}, [CIReVL(), PDVFusion()], [CSLS(), NNN()])

Every row is compared with its method as it is (first case, no mitigator) on the same queries: recall by results_table's
paired test, corrected over all settings of the method; skewness by a jackknife over clusters. Settings are compared
here, not chosen: the best row of such a table flatters itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from workbench.arrays import ArrayError, Float, Int, check_shape
from workbench.evaluation import evaluate, results_table
from workbench.hubness import Mitigator
from workbench.hubness import label as mitigator_label
from workbench.hubness.measures import antihub_occurrence, k_skewness
from workbench.hubness.occurrence import k_occurrence
from workbench.joint.banks import fair_scores
from workbench.joint.mitigated import Given, Mitigated, MitigatedHalves
from workbench.methods.base import Method, label
from workbench.score.ranks import top_k

NONE = "none"
HALVES = {"other half": "inductive", "same half": "transductive"}
Banks = Mapping[str, Callable | str]


class SkewnessInterval(NamedTuple):
    """k-skewness of some lists, and the ends of its interval."""

    skewness: float
    low: float
    high: float


def joint_table(
    cases: Mapping[str, object],
    methods: Mapping[str, Method] | Sequence[Method],
    mitigators: Mapping[str, Mitigator] | Sequence[Mitigator],
    metrics: Sequence[str] | None = None,
    *,
    banks: Banks = HALVES,
    k: int = 10,
    seed: int = 0,
) -> pd.DataFrame:
    """One row per method, intervention, mitigator, bank and metric.

    cases: the same benchmark as it is (first) and after interventions, by name. methods, mitigators: named by their
    labels unless given by name; "none" is always there. banks: "other half" and "same half" of the queries, as
    `MitigatedHalves` takes them; any other name comes with a function of case and method that makes a Bank. metrics:
    the benchmark's unless given. k: length of the lists that N_k counts.

    Columns: intervention, method, mitigator, bank, transductive, source (where the bank's queries come from, in its own
    words); metric and what `results_table` says of it (mean, low, high, difference, difference_low, difference_high, p,
    p_holm, wins, losses ...); skewness, skewness_low, skewness_high, and its difference with interval; antihubs (share
    of the gallery).
    Raises as the parts do.
    """
    methods = methods if isinstance(methods, Mapping) else {label(one): one for one in methods}
    if not isinstance(mitigators, Mapping):
        mitigators = {mitigator_label(one): one for one in mitigators}
    tables = [
        _method_table(name, method, cases, mitigators, banks, metrics, k, seed)
        for name, method in methods.items()
    ]
    return pd.concat(tables, ignore_index=True)


def skewness_interval(
    lists: Int["Q k"],
    n_items: int,
    clusters: Int[" Q"],
    against: Int["Q k"] | None = None,
    z: float = 1.96,
) -> SkewnessInterval:
    """k-skewness of N_k, or its difference from that of other lists of the same queries, with a jackknife interval.

    Each cluster of queries is left out in turn; z standard errors either way. Drawing queries with replacement would
    not do: a query that is drawn twice makes hubs of its whole list.
    Raises ArrayError for fewer than two clusters, or lists that do not fit.
    """
    check_shape("clusters", clusters, "Q", Q=len(lists))
    if against is not None:
        check_shape("against", against, "Q k", Q=len(lists))
    whole, parts = _jackknife(lists, n_items, clusters)
    if against is not None:
        other, others = _jackknife(against, n_items, clusters)
        whole, parts = whole - other, parts - others
    error = np.sqrt((len(parts) - 1) * np.mean((parts - parts.mean()) ** 2))
    return SkewnessInterval(whole, whole - z * error, whole + z * error)


def _jackknife(lists: Int["Q k"], n_items: int, clusters: Int[" Q"]) -> tuple[float, Float[" G"]]:
    """k-skewness of all lists, and with each cluster left out: only the sums of N_k, N_k^2, N_k^3 change."""
    names, number = np.unique(clusters, return_inverse=True)
    if len(names) < 2:
        raise ArrayError(f"clusters: got {len(names)}, leaving one out needs at least 2")
    n_k = k_occurrence(lists, n_items)
    pairs, times = np.unique(number[:, None] * n_items + lists, return_counts=True)
    cluster, before = pairs // n_items, n_k[pairs % n_items].astype(np.float64)
    sums = [
        np.sum(n_k**power, dtype=np.float64)
        + np.bincount(cluster, (before - times) ** power - before**power, len(names))
        for power in (1, 2, 3)
    ]
    mean, square, cube = (total / n_items for total in sums)
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    third = cube - 3 * mean * square + 2 * mean**3
    flat = spread < 1e-9  # every picture occurs equally often
    return k_skewness(n_k), np.where(flat, 0.0, third / np.where(flat, 1.0, spread) ** 3)


class _Setting(NamedTuple):
    intervention: str
    method: str
    mitigator: str
    bank: str
    transductive: bool
    source: str


def _method_table(name, method, cases, mitigators, banks, metrics, k, seed) -> pd.DataFrame:
    frames, rows, first = [], {}, None
    for setting, case, scores in _scored(name, method, cases, mitigators, banks, seed):
        key = " | ".join(setting[:4])
        bench = case.benchmark
        frames.append(evaluate(case, {key: Given(scores)}, metrics))
        lists = top_k(scores, k, bench.qrels["default"])
        first = lists if first is None else first
        rows[key] = {**setting._asdict(), **_hubness(lists, first, len(bench.gallery), bench.clusters)}
    results = results_table(pd.concat(frames), metrics, seed=seed)
    settings = pd.DataFrame([rows[key] for key in results["method"]])
    return pd.concat(
        [
            settings[list(_Setting._fields)],
            results.drop(columns="method"),
            settings.drop(columns=list(_Setting._fields)),
        ],
        axis=1,
    )


def _scored(name, method, cases, mitigators, banks, seed) -> Iterator[tuple[_Setting, object, np.ndarray]]:
    """Each setting with its case and its scores; the method as it is comes first."""
    for intervention, case in cases.items():
        plain = Given(fair_scores(case, method), method.terms)  # made once
        yield _Setting(intervention, name, NONE, NONE, False, ""), case, plain.scores
        for mitigator, one in mitigators.items():
            for bank, made in banks.items():
                if bank in HALVES:
                    better = MitigatedHalves(plain, one, bank == "same half", seed)
                    transductive, source = better.own, better.source(case)
                else:
                    given = made(case, method)
                    better = Mitigated(method, one, given)
                    transductive, source = given.transductive, given.label
                yield (
                    _Setting(intervention, name, mitigator, bank, transductive, source),
                    case,
                    better.score(case),
                )


def _hubness(lists, first, n_items, clusters) -> dict[str, float]:
    here = skewness_interval(lists, n_items, clusters)
    than = skewness_interval(lists, n_items, clusters, against=first)
    return {
        "skewness": here.skewness,
        "skewness_low": here.low,
        "skewness_high": here.high,
        "skewness_difference": than.skewness,
        "skewness_difference_low": than.low,
        "skewness_difference_high": than.high,
        "antihubs": antihub_occurrence(k_occurrence(lists, n_items)),
    }
