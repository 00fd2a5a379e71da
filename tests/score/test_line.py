"""Rank curves against brute force: between all flips, at them, and for the best stretch."""

import numpy as np
import pytest

from tests.reference import exact_ranks as slow
from tests.reference.ranks import target_ranks
from tests.score.test_counting import qrels, world
from workbench.metrics import parse_metric
from workbench.score.line import rank_curves

START, END = np.array([1.0, -0.5, 0.5]), np.array([0.25, -1.5, 2.0])


def oracle(place, sims, right):
    """float64 weights: float32 ones would move the place."""
    weights = START + place * (END - START)
    return target_ranks(np.tensordot(weights, slow.similarities(sims), 1), right)


@pytest.mark.parametrize("kind", ["random", "twins", "equal", "same texts"])
@pytest.mark.parametrize("seed", [0, 1])
def test_ranks_between_all_flips(kind, seed):
    sims = world(seed, queries=3, items=20, kind=kind)
    right = qrels(seed, queries=3, items=20, targets=3, excluded=1)
    curves = rank_curves(START, END, sims, right)
    flips = np.unique(np.concatenate([[0.0, 1.0], *(one.places for one in curves.flips)]))
    for place in (flips[1:] + flips[:-1])[np.diff(flips) > 1e-9] / 2:
        expected = oracle(place, sims, right)
        np.testing.assert_array_equal(curves.at(place), expected)
    np.testing.assert_array_equal(curves.at(0.0), oracle(0.0, sims, right))
    np.testing.assert_array_equal(curves.at(1.0), oracle(1.0, sims, right))


def test_a_tie_at_the_flip_itself_counts_against_the_target():
    from workbench.data.benchmark import Qrels
    from workbench.score.similarities import Similarities

    axes = np.eye(2, dtype=np.float32)
    sims = Similarities({"a": axes[:1], "b": axes[1:]}, {"image": axes}, [("a", "image"), ("b", "image")])
    first = rank_curves(np.array([1.0, 0.0]), np.array([0.0, 1.0]), sims, Qrels(np.array([[0]])))
    second = rank_curves(np.array([1.0, 0.0]), np.array([0.0, 1.0]), sims, Qrels(np.array([[1]])))
    assert [int(first.at(place)[0, 0]) for place in (0.0, 0.49, 0.5, 0.51, 1.0)] == [1, 1, 2, 2, 2]
    assert [int(second.at(place)[0, 0]) for place in (0.0, 0.49, 0.5, 0.51, 1.0)] == [2, 2, 2, 1, 1]


@pytest.mark.parametrize("metric", ["recall@3", "hit@2", "map@5"])
def test_the_mean_curve_and_its_best_stretch_miss_nothing(metric):
    sims, right = world(3, queries=5, items=20), qrels(3, queries=5, items=20, targets=2)
    curves, function = rank_curves(START, END, sims, right), parse_metric(metric)
    steps = curves.mean(function)
    places = np.linspace(0, 1, 401)[1:-1]
    brute = np.array([function(oracle(place, sims, right).astype(np.int32)).mean() for place in places])
    np.testing.assert_allclose(steps.values[np.searchsorted(steps.places, places)], brute, atol=1e-12)
    best = curves.best(function)
    assert brute.max() <= best.value + 1e-12
    inside = (places > best.low) & (places < best.high)
    np.testing.assert_allclose(brute[inside], best.value, atol=1e-12)
    middle = (best.low + best.high) / 2
    assert function(oracle(middle, sims, right).astype(np.int32)).mean() == pytest.approx(best.value)


def test_one_target_as_steps_and_a_target_that_is_not_ranked():
    sims, right = world(4, queries=3, items=20), qrels(4, queries=3, items=20, targets=2)
    curves = rank_curves(START, END, sims, right)
    steps = curves.ranks(1)
    assert len(steps.values) == len(steps.places) + 1
    assert steps.values[0] == curves.at(0.0)[1, 0]
    with pytest.raises(IndexError, match="column 1"):
        curves.ranks(0, 1)  # a pad
