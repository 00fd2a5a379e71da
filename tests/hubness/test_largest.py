"""The k largest of a row, by groups or by a plain partition: the same numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.hubness.largest import kth_largest, largest, top_mean


@given(st.integers(1, 600), st.integers(1, 4), st.integers(2, 400), st.integers(0, 99))
def test_the_largest_are_the_end_of_a_sorted_row(n, k, grades, seed):
    scores = np.random.default_rng(seed).integers(grades, size=(3, n)).astype(np.float64)
    scores[0, 0] = -np.inf
    k = min(k, n)
    wanted = np.sort(scores, axis=1)[:, n - k :]
    np.testing.assert_array_equal(np.sort(largest(scores, k), axis=1), wanted)
    np.testing.assert_array_equal(kth_largest(scores, k), wanted[:, 0])
    np.testing.assert_allclose(top_mean(scores, k), wanted.mean(axis=1))


@pytest.mark.parametrize("n", [1279, 1280, 1300])  # at k = 10 groups are used from 1,280 on
def test_with_groups_and_without(n):
    scores = np.random.default_rng(n).normal(size=(50, n)).astype(np.float32)
    wanted = np.sort(scores, axis=1)[:, n - 10 :]
    np.testing.assert_array_equal(np.sort(largest(scores, 10), axis=1), wanted)
