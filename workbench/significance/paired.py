"""Is one method better than another on the same queries? Sign-flip tests and effect sizes.

Were two methods alike, each difference could as well have come out the other way round. So the signs of whole clusters
are flipped at random, and p is the share of flips that give a mean difference at least as far from 0.

Sources: Fisher, The Design of Experiments (1935) for the test; Phipson & Smyth, Permutation P-values Should Never Be
Zero (2010) for (b + 1) / (B + 1); Lakens, Calculating and Reporting Effect Sizes (2013) for the paired effect.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from workbench.arrays import ArrayError, Float, Int, check_shape
from workbench.significance.groups import Groups, as_groups
from workbench.significance.intervals import CELLS, RESAMPLES, block_sizes, bootstrap_interval

FLIPS = 9_999  # with the observed signs 10,000
_SLACK = 1e-9  # flips that are equal but for rounding count as equally far: the cautious side


class Effects(NamedTuple):
    """Per column of differences: mean over standard deviation, and the queries above and below 0."""

    effect: np.ndarray
    wins: np.ndarray
    losses: np.ndarray


class PairedTest(NamedTuple):
    """Mean difference, its interval, the two-sided p of "it could as well be the other way round", the effect
    (difference over the standard deviation of differences), and on how many queries it won and lost."""

    difference: float
    low: float
    high: float
    p: float
    effect: float
    wins: int
    losses: int


def permutation_p(
    differences: Float["Q M"],
    groups: Groups | Int[" Q"] | None = None,
    samples: int = FLIPS,
    seed: int = 0,
) -> Float[" M"]:
    """Two-sided p per column of paired differences, by flipping the sign of whole clusters at random.

    p = (b + 1) / (B + 1), with b of B flips giving a mean at least as far from 0: never 0, and 1 where all are equal.
    Raises ArrayError as `bootstrap_intervals`.
    """
    n_columns = check_shape("differences", differences, "Q M")["M"]
    zero = np.zeros((len(differences), 1))
    against = np.full((1, n_columns + 1), n_columns)
    return sign_flip_p(np.hstack([differences, zero]), against, groups, samples, seed)[0, :-1]


def sign_flip_p(
    values: Float["Q M"],
    against: Int["A M"],
    groups: Groups | Int[" Q"] | None = None,
    samples: int = FLIPS,
    seed: int = 0,
) -> Float["A M"]:
    """p of each column of `values` against the columns that `against` names, A questions per column at once.

    All questions see the same flips, so that asking many costs one matrix product. Raises ArrayError as
    `bootstrap_intervals`, and for a column that is not there.
    """
    sizes = check_shape("values", values, "Q M")
    check_shape("against", against, "A M", M=sizes["M"])
    if against.size and (against.min() < 0 or against.max() >= sizes["M"]):
        raise ArrayError(f"against: got column {against.max()} or {against.min()}, there are {sizes['M']}")
    groups = as_groups(groups, sizes["Q"])
    # sums of weighted values: what a cluster adds to the mean
    parts = groups.sums(groups.weights[:, None] * values)
    total = parts.sum(axis=0)
    observed = np.abs(total - total[against])
    size = np.abs(parts).sum(axis=0)
    reach = observed - _SLACK * (
        size + size[against]
    )  # of these two columns: others may be of another magnitude
    rng = np.random.default_rng(seed)
    as_far = np.zeros(against.shape, np.int64)
    for block in block_sizes(samples, len(groups)):
        signs = _plus_minus(rng, block, len(groups))
        step = max(1, CELLS // max(sizes["M"], 1))
        for rows in (signs[start : start + step] for start in range(0, block, step)):
            flipped = rows @ parts
            for question, columns in enumerate(against):
                as_far[question] += (np.abs(flipped - flipped[:, columns]) >= reach[question]).sum(axis=0)
    return (as_far + 1) / (samples + 1)


def paired_effects(differences: Float["Q M"], groups: Groups | Int[" Q"] | None = None) -> Effects:
    """How large differences are against their own scatter over queries, and how many queries won and lost.

    effect = mean / standard deviation (n - 1) of the differences, with the weights of the mean; 0 where nothing
    differs, infinite where every query differs by the same. Raises ArrayError as `bootstrap_intervals`.
    """
    n_queries = check_shape("differences", differences, "Q M")["Q"]
    groups = as_groups(groups, n_queries)
    mean = groups.average(differences)
    variance = groups.weights @ (differences - mean) ** 2 * n_queries / (n_queries - 1)
    spread = np.where(variance > _SLACK * mean**2, np.sqrt(variance), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.where(mean == 0, 0.0, mean / spread)
    return Effects(effect, (differences > 0).sum(axis=0), (differences < 0).sum(axis=0))


def paired_test(
    values: Float[" Q"],
    others: Float[" Q"],
    groups: Groups | Int[" Q"] | None = None,
    level: float = 0.95,
    samples: int = FLIPS,
    seed: int = 0,
) -> PairedTest:
    """Is `values` better than `others` on the same queries? Positive where it is. Raises ArrayError as the parts do.

    >>> paired_test(np.ones(8), np.zeros(8)).difference
    1.0
    """
    check_shape("others", others, "Q", Q=len(values))
    groups = as_groups(groups, len(values))
    difference = np.asarray(values - others, np.float64)
    interval = bootstrap_interval(difference, groups, level, RESAMPLES, seed)
    effect, wins, losses = (float(x[0]) for x in paired_effects(difference[:, None], groups))
    p = permutation_p(difference[:, None], groups, samples, seed)[0]
    return PairedTest(*interval, float(p), effect, int(wins), int(losses))


def _plus_minus(rng: np.random.Generator, block: int, n_clusters: int) -> Float["block G"]:
    """+1 or -1 for each cluster in each of `block` flips: one random bit each."""
    raw = rng.integers(256, size=(block, -(-n_clusters // 8)), dtype=np.uint8)
    return 2.0 * np.unpackbits(raw, axis=1, count=n_clusters) - 1
