"""Intervals and tests: against slow twins and exact answers, coverage, seeds, clusters."""

import inspect

import numpy as np
import pytest

from tests.reference import significance as slow
from workbench.arrays import ArrayError
from workbench.significance import bootstrap_interval, bootstrap_intervals, paired_test, permutation_p


@pytest.fixture
def sample():
    rng = np.random.default_rng(0)
    clusters = rng.integers(0, 30, 120)
    values = (rng.random(120) + 0.5 * (clusters % 2) > 0.7).astype(np.float64)
    return values, clusters


def test_interval_agrees_with_one_resample_at_a_time(sample):
    values, clusters = sample
    fast = bootstrap_interval(values, clusters, samples=4000)
    low, high = slow.bootstrap_interval(values, clusters, 0.95, 4000, np.random.default_rng(1))
    assert fast.mean == values.mean()
    assert fast.low == pytest.approx(
        low, abs=0.012
    )  # two random samples of 4,000: the ends scatter by about .003
    assert fast.high == pytest.approx(high, abs=0.012)


def test_clusters_widen_the_interval_when_their_queries_agree():
    values = np.repeat([0.0, 1.0] * 20, 5)
    clusters = np.repeat(np.arange(40), 5)
    together, alone = bootstrap_interval(values, clusters), bootstrap_interval(values)
    ratio = (together.high - together.low) / (alone.high - alone.low)
    assert ratio == pytest.approx(np.sqrt(5), rel=0.15)


def test_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(2)
    values = (rng.random((80, 300)) < 0.4).astype(np.float64)
    intervals = bootstrap_intervals(values, samples=800)
    covered = ((intervals.low <= 0.4) & (intervals.high >= 0.4)).mean()
    assert 0.9 <= covered <= 0.985


def test_p_agrees_with_all_sign_patterns():
    rng = np.random.default_rng(3)
    clusters = rng.integers(0, 9, 40)
    for shift in (0.0, 0.4, 1.0):
        differences = rng.normal(shift, 1, 40)
        p = permutation_p(differences[:, None], clusters, samples=20_000)[0]
        assert p == pytest.approx(slow.exact_permutation_p(differences, clusters), abs=0.015)


def test_p_is_uniform_when_nothing_differs():
    differences = np.random.default_rng(4).normal(size=(60, 400))
    p = permutation_p(differences, samples=999)
    assert (p <= 0.05).mean() == pytest.approx(0.05, abs=0.035)
    assert (p <= 0.5).mean() == pytest.approx(0.5, abs=0.08)


def test_p_is_never_zero_and_one_where_all_are_equal():
    assert paired_test(np.ones(50), np.zeros(50), samples=999).p == 1 / 1000
    assert paired_test(np.ones(50), np.ones(50), samples=999).p == 1


def test_the_test_is_two_sided_and_signed():
    rng = np.random.default_rng(5)
    a, b = rng.random(60), rng.random(60) + 0.1
    one, other = paired_test(a, b), paired_test(b, a)
    assert one.difference == pytest.approx(-other.difference)
    assert one.p == other.p
    assert one.low < one.difference < one.high


def test_same_seed_same_numbers(sample):
    values, clusters = sample
    assert bootstrap_interval(values, clusters, seed=7) == bootstrap_interval(values, clusters, seed=7)
    assert bootstrap_interval(values, clusters, seed=7) != bootstrap_interval(values, clusters, seed=8)


def test_names_of_clusters_do_not_matter(sample):
    values, clusters = sample
    assert bootstrap_interval(values, clusters) == bootstrap_interval(values, clusters + 1000)


def test_bad_input_is_named():
    interval = inspect.unwrap(bootstrap_interval)
    with pytest.raises(ArrayError, match="values: 1 of 2 values are NaN or infinite"):
        interval(np.array([0.0, np.nan]))
    with pytest.raises(ArrayError, match="clusters: got 1, resampling needs at least 2"):
        interval(np.ones(3), np.zeros(3, int))
    with pytest.raises(ArrayError, match=r'clusters: got shape \(2,\), expected "Q" with Q=3'):
        inspect.unwrap(bootstrap_intervals)(np.ones((3, 1)), np.zeros(2, int))
    with pytest.raises(ArrayError, match="samples: got 0"):
        interval(np.ones(3), samples=0)
    with pytest.raises(ArrayError, match=r'others: got shape \(2,\), expected "Q" with Q=3'):
        inspect.unwrap(paired_test)(np.ones(3), np.ones(2))
