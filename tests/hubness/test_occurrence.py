"""k-occurrence and its skewness: the fixture (self excluded, zeros counted) and limits."""

import numpy as np
import pytest

from workbench.hubness.occurrence import k_occurrence, k_skewness, random_k_skewness


def nearest(queries, items, k):
    distances = ((queries[:, None] - items[None]) ** 2).sum(-1)
    return np.argsort(distances, axis=1, kind="stable")[:, :k]


@pytest.mark.parametrize("k", [1, 5, 10])
def test_n_k_and_skewness_equal_the_fixture(golden, k):
    given = golden("diag/skh_hubness_synth", "input.npz")
    expected = golden("diag/skh_hubness_synth", "expected.npz")[f"Nk_cross_k{k}"]
    n_k = k_occurrence(nearest(given["Q"], given["X"], k), len(given["X"]))
    assert (n_k == expected).all()
    skewness = golden("diag/skh_hubness_synth", "expected.json")[f"cross_k{k}"]["k_skewness"]
    assert k_skewness(n_k) == pytest.approx(skewness, abs=1e-9)


def test_pictures_that_never_occur_count():
    n_k = k_occurrence(np.array([[0], [0]]), 5)
    assert n_k.tolist() == [2, 0, 0, 0, 0]
    assert k_skewness(n_k) == pytest.approx(1.5)


def test_equal_shares_have_no_skewness():
    assert k_skewness(np.full(9, 3)) == 0


def test_a_neighbour_outside_the_gallery_is_named():
    with pytest.raises(ValueError, match="from 0 to 7, expected 0 to 4"):
        k_occurrence(np.array([[0, 7]]), 5)


def test_random_assignment_is_hardly_skewed_and_repeats_with_its_seed():
    chance = random_k_skewness(400, 100, 10, rounds=5)
    assert np.abs(chance).max() < 1 and len(chance) == 5
    assert (chance == random_k_skewness(400, 100, 10, rounds=5)).all()
