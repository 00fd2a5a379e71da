"""Arrays at the door: unit rows, shapes and values, with the array's name in every error."""

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import arrays
from workbench.arrays import ArrayError, check_finite, check_shape, check_unit

unit = inspect.unwrap(arrays.unit)


@given(st.integers(0, 10_000), st.sampled_from([np.float16, np.float32, np.float64]))
def test_unit_rows_have_length_one_and_the_same_direction(seed, dtype):
    rows = (np.random.default_rng(seed).normal(size=(5, 7)) + 0.1).astype(dtype)
    before = rows.copy()
    made = unit(rows)
    assert made.dtype == (np.float64 if dtype == np.float64 else np.float32)
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, atol=1e-6)
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1)[:, None]
    np.testing.assert_allclose(made * lengths, rows, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(rows, before)


def test_unit_works_along_the_last_axis():
    rows = np.random.default_rng(0).normal(size=(2, 3, 4))
    np.testing.assert_allclose((unit(rows) ** 2).sum(axis=-1), 1)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.array([[1.0, 0.0], [0.0, 0.0]]), r"captions: row \(1,\) has length 0.0, so it has no direction"),
        (np.array([[1.0, np.nan]]), r"captions: 1 of 2 values are NaN or infinite, the first at \(0, 1\)"),
        (np.array([[1.0, np.inf]]), "NaN or infinite"),
        (np.array([[1, 2]]), "captions: got int64, expected a NumPy array of floats"),
        ([[1.0, 2.0]], "captions: got list, expected a NumPy array of floats"),
    ],
)
def test_rows_without_direction_are_refused_by_name(rows, message):
    with pytest.raises(ArrayError, match=message):
        unit(rows, "captions")


def test_check_unit():
    check_unit("rows", np.array([[0.6, 0.8]]))
    with pytest.raises(ArrayError, match=r"rows: row \(1,\) has length 2, expected 1"):
        check_unit("rows", np.array([[0.6, 0.8], [2.0, 0.0]]))
    with pytest.raises(ArrayError, match="expected 1"):
        check_unit("rows", np.array([[np.nan, 0.0]]))


def test_check_shape_binds_letters_once():
    assert check_shape("gram", np.zeros((4, 2, 2)), "Q R R") == {"Q": 4, "R": 2}
    assert check_shape("members", np.zeros((4, 6)), "Q 6") == {"Q": 4}
    for array, axes in ((np.zeros((4, 2, 3)), "Q R R"), (np.zeros((4, 5)), "Q 6"), (np.zeros(4), "Q D")):
        with pytest.raises(ArrayError, match="got shape"):
            check_shape("array", array, axes)
    with pytest.raises(ArrayError, match='array: got a list, expected a NumPy array "Q D"'):
        check_shape("array", [[1]], "Q D")
    with pytest.raises(ArrayError, match='expected "Q D" with Q=5'):
        check_shape("array", np.zeros((4, 3)), "Q D", Q=5, N=9)


def test_check_finite():
    check_finite("rows", np.zeros(3))
    with pytest.raises(ArrayError, match=r"rows: 2 of 3 values are NaN or infinite, the first at \(0,\)"):
        check_finite("rows", np.array([np.inf, 0, np.nan]))
