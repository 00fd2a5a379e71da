"""Intervals, tests, correction, effects: against slow twins and exact answers, coverage, seeds, clusters, strata."""

import inspect
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference import significance as slow
from workbench.arrays import ArrayError
from workbench.registry import UnknownName
from workbench.significance import (
    Groups,
    bootstrap_interval,
    bootstrap_intervals,
    holm,
    paired_effects,
    paired_test,
    permutation_p,
    sign_flip_p,
)
from workbench.significance.groups import MEANS


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


STRATA = np.array([0] * 50 + [1] * 70)


@pytest.mark.parametrize("mean", MEANS)
def test_stratified_intervals_agree_with_one_resample_at_a_time(sample, mean):
    values, clusters = sample
    values = values * (1 + STRATA)  # strata that differ: ignoring them would show
    fast = bootstrap_interval(values, Groups(clusters, STRATA, mean), samples=4000)
    low, high = slow.bootstrap_interval(values, clusters, 0.95, 4000, np.random.default_rng(1), STRATA, mean)
    assert fast.mean == pytest.approx(slow.mean_over(slow.by_stratum(values, clusters, STRATA), mean))
    assert fast.low == pytest.approx(low, abs=0.02)
    assert fast.high == pytest.approx(high, abs=0.02)


def test_strata_take_their_own_differences_out_of_the_interval():
    strata = np.repeat([0, 1], 100)
    values = strata + np.random.default_rng(6).normal(0, 0.1, 200)
    alone = bootstrap_interval(values)
    within = bootstrap_interval(values, Groups(np.arange(200), strata))
    assert within.high - within.low < 0.3 * (alone.high - alone.low)


def test_the_means_of_the_benchmarks():
    """FashionIQ: over categories. i-CIR: over instances. Made so that each gives another number."""
    values = np.array([[1.0], [1.0], [1.0], [0.0], [0.0], [1.0]])
    clusters, strata = np.array([0, 0, 1, 2, 3, 3]), np.array([0, 0, 0, 0, 1, 1])
    with pytest.raises(ArrayError, match="clusters: got 1 in stratum 1, resampling needs at least 2"):
        Groups(clusters, strata)
    strata = np.array([0, 0, 0, 1, 1, 1])
    for mean, expected in {
        "queries": 4 / 6,
        "clusters": (1 + 1 + 0 + 0.5) / 4,
        "strata": (1 + 1 / 3) / 2,
    }.items():
        groups = Groups(clusters, strata, mean)
        assert len(groups) == 4
        np.testing.assert_allclose(groups.average(values), expected)
        np.testing.assert_allclose(groups.weights @ values, expected)
        assert groups.weights.sum() == pytest.approx(1)


def test_a_cluster_in_two_strata_counts_in_each():
    assert len(Groups(np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]))) == 4


@pytest.mark.parametrize("mean", MEANS)
def test_stratified_p_agrees_with_all_sign_patterns(mean):
    rng = np.random.default_rng(8)
    clusters, strata = rng.integers(0, 5, 40), np.repeat([0, 1], [10, 30])
    for shift in (0.0, 0.5):
        differences = rng.normal(shift, 1, 40) * (1 + 2 * strata)
        p = permutation_p(differences[:, None], Groups(clusters, strata, mean), samples=20_000)[0]
        assert p == pytest.approx(slow.exact_permutation_p(differences, clusters, strata, mean), abs=0.015)


def test_asking_many_at_once_gives_the_same_p_as_asking_each():
    rng = np.random.default_rng(9)
    values, clusters = rng.normal([0, 0.1, 0.4, 0.9], size=(60, 4)), rng.integers(0, 25, 60)
    against = np.array([[0, 0, 0, 0], [3, 2, 1, 0]])
    p = sign_flip_p(values, against, clusters, samples=999)
    for question in range(2):
        differences = values - values[:, against[question]]
        np.testing.assert_array_equal(p[question], permutation_p(differences, clusters, samples=999))
    assert p[0, 0] == 1


def test_a_column_of_another_magnitude_changes_no_other_p():
    rng = np.random.default_rng(13)
    small, large = rng.choice([-1.0, 0.0, 1.0], (300, 1)), 1e9 * rng.normal(size=(300, 1))
    assert permutation_p(np.hstack([small, large]))[0] == permutation_p(small)[0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_its_definition(p):
    np.testing.assert_allclose(holm(np.array(p)), slow.holm(p))


def test_holm_keeps_false_alarms_rare_where_single_tests_do_not():
    p = np.random.default_rng(10).random((2000, 10))
    corrected = np.array([holm(family) for family in p])
    assert (p.min(axis=1) <= 0.05).mean() == pytest.approx(1 - 0.95**10, abs=0.03)
    assert (corrected.min(axis=1) <= 0.05).mean() == pytest.approx(0.05, abs=0.015)


def test_holm_leaves_out_what_was_not_asked():
    np.testing.assert_array_equal(holm(np.array([np.nan, 0.02, 0.5])), [np.nan, 0.04, 0.5])
    np.testing.assert_array_equal(holm(np.array([np.nan])), [np.nan])
    with pytest.raises(ArrayError, match=r"p: got 0\.1 \.\. 1\.2, expected shares between 0 and 1"):
        inspect.unwrap(holm)(np.array([0.1, 1.2]))


def test_clusters_hold_the_rate_of_false_alarms_and_the_coverage_that_queries_alone_lose():
    """Nothing differs, queries of a cluster agree, clusters are of unequal size and lie in three strata."""
    rng = np.random.default_rng(14)
    p, covered = {"cluster": [], "query": []}, {"cluster": 0, "query": 0}
    for repeat in range(200):
        sizes = 1 + rng.poisson(2.0, 120)
        clusters, strata = np.repeat(np.arange(120), sizes), np.repeat(np.repeat([0, 1, 2], 40), sizes)
        values = rng.normal(size=120)[clusters] + rng.normal(0, 0.7, len(clusters))
        for unit, names in (("cluster", clusters), ("query", np.arange(len(clusters)))):
            groups = Groups(names, strata, "strata")
            p[unit].append(permutation_p(values[:, None], groups, samples=199, seed=repeat)[0])
            interval = bootstrap_interval(values, groups, samples=199, seed=repeat)
            covered[unit] += interval.low <= 0 <= interval.high
    assert np.mean(np.array(p["cluster"]) <= 0.05) == pytest.approx(0.05, abs=0.045)
    assert np.mean(np.array(p["cluster"]) <= 0.5) == pytest.approx(0.5, abs=0.1)
    assert covered["cluster"] >= 0.9 * 200
    assert np.mean(np.array(p["query"]) <= 0.05) > 0.12
    assert covered["query"] < 0.9 * 200


def test_few_clusters_make_intervals_too_narrow_and_leave_the_test_honest():
    """Why tables warn below 20 clusters."""
    rng, covered = np.random.default_rng(15), {}
    for count in (5, 40):
        clusters = np.repeat(np.arange(count), 5)
        values = rng.normal(size=(count, 500))[clusters] + rng.normal(size=(len(clusters), 500))
        intervals = bootstrap_intervals(values, clusters, samples=499)
        covered[count] = ((intervals.low <= 0) & (intervals.high >= 0)).mean()
        assert (permutation_p(values, clusters, samples=499) <= 0.05).mean() < 0.08
    assert covered[5] < 0.88
    assert covered[40] > 0.91


def test_effects_are_differences_over_their_scatter():
    rng = np.random.default_rng(11)
    differences = rng.normal(0.3, 1, (50, 2))
    effects = paired_effects(differences)
    np.testing.assert_allclose(effects.effect, [slow.effect(d) for d in differences.T])
    np.testing.assert_array_equal(effects.wins + effects.losses, 50)
    np.testing.assert_array_equal(effects.wins, (differences > 0).sum(axis=0))


def test_effects_where_nothing_scatters():
    effects = paired_effects(np.array([[0.0, 0.1, -1.0]] * 5))
    np.testing.assert_array_equal(effects.effect, [0, np.inf, -np.inf])
    np.testing.assert_array_equal(effects.wins, [0, 5, 0])
    np.testing.assert_array_equal(effects.losses, [0, 0, 5])


def test_memory_stays_bounded():
    """10,000 resamples of 20,000 clusters would fill 1.5 GiB at once."""
    values = np.random.default_rng(12).random((20_000, 2))
    tracemalloc.start()
    bootstrap_intervals(values, samples=500)
    sign_flip_p(values, np.array([[0, 0]]), samples=500)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 80 * 2**20


def test_wrong_groups_are_named():
    with pytest.raises(ArrayError, match="groups: got 4 queries, expected 3"):
        bootstrap_interval(np.ones(3), Groups(np.arange(4)))
    with pytest.raises(UnknownName, match=r"no mean is taken over 'cluster'\. Did you mean 'clusters'"):
        Groups(np.arange(4), mean="cluster")
    with pytest.raises(ArrayError, match="level: got 95"):
        bootstrap_interval(np.arange(3.0), level=95.0)
    with pytest.raises(ArrayError, match="against: got column 2"):
        sign_flip_p(np.ones((3, 2)), np.array([[0, 2]]))
