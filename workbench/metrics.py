"""Metrics: ranks of targets -> one number per query. The mean comes last, and elsewhere.

A metric is named by a string: "recall@10", "hit@1", "map@5", "map", "map_trapezoid", "fraction_recall@10", each with an optional set of
qrels in front, "subset:recall@1". Ranks are 1-based; a target that is not ranked has int32's maximum (`NEVER`), one
below the end of a list that was cut off has the number before (`UNLISTED`): it counts as a target, never as found.
`over_groups` is the average some sets report: groups of queries weigh the same.
Left out: intervals (`significance`), and which average a data set reports (`Benchmark.summaries`).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from workbench.arrays import Float, Int
from workbench.errors import UserError
from workbench.registry import Registry, UnknownName, nearest
from workbench.score.lists import UNLISTED
from workbench.score.ranks import NEVER

METRICS = Registry("metric", entry_point_group="workbench.metrics")


class MetricError(UserError, ValueError):
    """A metric cannot be computed from these ranks, or its name cannot be read."""


@METRICS.register("recall")
def recall_at(ranks: Int["Q T"], k: int) -> Float[" Q"]:
    """1 where the labelled target (column 0) is among the first k: Recall@K of FashionIQ, CIRR, CIRCO, GeneCIS.

    >>> recall_at(np.array([[3, 1], [1, 9]]), 1)
    array([0., 1.])
    """
    return (ranks[:, 0] <= _cutoff(k)).astype(np.float64)


@METRICS.register("hit")
def hit_at(ranks: Int["Q T"], k: int) -> Float[" Q"]:
    """1 where any target is among the first k.

    >>> hit_at(np.array([[3, 1], [4, 9]]), 1)
    array([1., 0.])
    """
    return (ranks.min(axis=1) <= _cutoff(k)).astype(np.float64)


@METRICS.register("map")
def average_precision_at(ranks: Int["Q T"], k: int | None = None) -> Float[" Q"]:
    """AP@K as CIRCO defines it: precision at each target found among the first k, over min(T, k).

    T counts the targets that are ranked at all. Without k: the plain AP, over T. Not monotone in k.
    Targets at ranks 1 and 4: AP@2 = (1/1) / 2, AP@5 = (1/1 + 2/4) / 2.

    >>> average_precision_at(np.array([[4, 1]]), 2), average_precision_at(np.array([[4, 1]]), 5)
    (array([0.5]), array([0.75]))

    Raises MetricError for a query without a ranked target. Source: the evaluation of Baldrati et al., ICCV 2023.
    """
    found, count = _in_order(ranks)
    limit = count if k is None else np.minimum(count, _cutoff(k))
    order = np.arange(1, found.shape[1] + 1)
    within = found <= (UNLISTED - 1 if k is None else k)
    return np.where(within, order / found, 0.0).sum(axis=1) / limit


@METRICS.register("map_trapezoid")
def average_precision_trapezoid(ranks: Int["Q T"]) -> Float[" Q"]:
    """AP as i-CIR defines it: at each target the mean of the precisions just before and at it, over T + 1e-5.

    The precision before the very first place is 1. Only target at rank 2: (0/1 + 1/2) / 2 = .25.

    >>> average_precision_trapezoid(np.array([[2]])).round(4)
    array([0.25])

    Raises MetricError for a query without a ranked target. Source: the released i-CIR evaluation (BASIC, 2025).
    """
    found, count = _in_order(ranks)
    order = np.arange(found.shape[1])
    before = np.where(found == 1, 1.0, order / np.maximum(found - 1, 1))
    after = (order + 1) / found
    return np.where(found < UNLISTED, (before + after) / 2, 0.0).sum(axis=1) / (count + 1e-5)


@METRICS.register("fraction_recall")
def fraction_recall_at(ranks: Int["Q T"], k: int) -> Float[" Q"]:
    """The share of a query's targets that are among the first k: ImageNet-R's Recall@K, which is no hit rate.

    Over T + 1e-5, so that a query without a target counts as 0. Two targets, one found:

    >>> fraction_recall_at(np.array([[4, 30]]), 10).round(5)
    array([0.5])

    Source: the domain conversion evaluation of Saito et al. (Pic2Word, CVPR 2023).
    """
    return _found(ranks, k) / (_ranked(ranks) + 1e-5)


@METRICS.register("precision")
def precision_at(ranks: Int["Q T"], k: int) -> Float[" Q"]:
    """The share of the first k places that are taken by targets.

    >>> precision_at(np.array([[4, 30]]), 10)
    array([0.1])
    """
    return _found(ranks, k) / k


@METRICS.register("capped_precision")
def capped_precision_at(ranks: Int["Q T"], k: int) -> Float[" Q"]:
    """The targets among the first k, over min(T, k) + 1e-5: the P@K that i-CIR's domain evaluation prints.

    >>> capped_precision_at(np.array([[4, 30]]), 10).round(5)
    array([0.5])

    Source: the released i-CIR evaluation (BASIC, 2025).
    """
    return _found(ranks, k) / (np.minimum(_ranked(ranks), k) + 1e-5)


def over_groups(values: Float[" Q"], groups: Sequence, within: str = "mean") -> float:
    """The mean over groups of each group's mean, or of its worst query with within="min".

    FashionIQ's mean over categories, GeneCIS' over tasks, i-CIR's mmAP and (with "min") minmAP over instances.

    >>> over_groups(np.array([0.0, 1.0, 1.0]), ["a", "a", "b"]), over_groups(np.array([0.0, 1.0, 1.0]), "aab", "min")
    (0.75, 0.5)

    Raises MetricError where the groups do not fit the values, or for another way to take a group together.
    """
    ways = {"mean": np.mean, "min": np.min}
    if within not in ways:
        raise MetricError(f"within: got {within!r}, expected one of {', '.join(ways)}")
    if len(groups) != len(values) or not len(values):
        raise MetricError(f"groups: got {len(groups)}, expected one for each of {len(values)} queries")
    names, number = np.unique(np.asarray(list(groups)), return_inverse=True)
    return float(np.mean([ways[within](values[number == i]) for i in range(len(names))]))


@dataclass(frozen=True)
class Metric:
    """A metric read from its name: which qrels, which function, which cut-off."""

    spec: str
    qrels: str
    function: Callable
    k: int | None

    def __call__(self, ranks: Int["Q T"]) -> Float[" Q"]:
        return self.function(ranks) if self.k is None else self.function(ranks, self.k)


def parse_metric(spec: str) -> Metric:
    """Reads "recall@10" or "subset:recall@1".

    >>> metric = parse_metric("subset:recall@1")
    >>> metric.qrels, metric.function.__name__, metric.k
    ('subset', 'recall_at', 1)
    >>> parse_metric("recal@1")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    workbench.registry.UnknownName: no metric is called 'recal'. Did you mean 'recall'? Known: capped_precision, fraction_recall, hit, ...

    Raises MetricError where the name cannot be read, UnknownName for an unknown metric.
    """
    match = re.fullmatch(r"(?:(\w+):)?(\w+)(?:@([1-9]\d*))?", spec)
    if match is None:
        raise MetricError(
            f'metric {spec!r}: expected "name@k", for instance "recall@10" or "subset:recall@1"'
        )
    qrels, name, k = match.groups()
    function = METRICS.get(name)
    cutoff = _cutoff_of(function)
    if k is None and cutoff is not None and cutoff.default is inspect.Parameter.empty:
        raise MetricError(f'metric {spec!r}: {name} needs a cut-off, for instance "{name}@10"')
    if k is not None and cutoff is None:
        raise MetricError(f"metric {spec!r}: {name} takes no cut-off")
    return Metric(spec, qrels or "default", function, None if k is None else int(k))


@cache
def _cutoff_of(function: Callable) -> inspect.Parameter | None:
    return inspect.signature(function).parameters.get("k")


def measure(ranks: Mapping[str, Int["Q T"]], specs: Sequence[str]) -> dict[str, Float[" Q"]]:
    """Each metric, per query. `ranks` holds target ranks by the name of their qrels.

    >>> measure({"default": np.array([[2], [1]])}, ["recall@1", "map@5"])
    {'recall@1': array([0., 1.]), 'map@5': array([0.5, 1. ])}

    Raises UnknownName where a metric asks for qrels that are not there.
    """
    values = {}
    for metric in map(parse_metric, specs):
        if metric.qrels not in ranks:
            raise UnknownName(
                f"metric {metric.spec!r} asks for qrels {metric.qrels!r}.{nearest(metric.qrels, ranks)} "
                f"Known: {', '.join(ranks)}"
            )
        values[metric.spec] = metric(ranks[metric.qrels])
    return values


def _in_order(ranks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each query's target ranks in rising order (T numbers, not N), and how many of them are ranked."""
    count = np.count_nonzero(ranks < NEVER, axis=1)
    if (count == 0).any():
        raise MetricError(f"query {int(np.argmin(count))} has no ranked target, so its AP is not defined")
    return np.sort(ranks, axis=1), count


def _found(ranks: np.ndarray, k: int) -> np.ndarray:
    return np.count_nonzero(ranks <= _cutoff(k), axis=1)


def _ranked(ranks: np.ndarray) -> np.ndarray:
    return np.count_nonzero(ranks < NEVER, axis=1)


def _cutoff(k: int) -> int:
    if k < 1:
        raise MetricError(f"k: got {k}, expected 1 or more")
    return k
