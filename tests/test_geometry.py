"""The gap and the cones: the fixture, naive formulas, limits."""

import numpy as np
import pytest

from workbench import geometry
from workbench.arrays import unit


@pytest.fixture
def pair(golden):
    given = golden("diag/gap_synth", "input.npz")
    return given["x"], given["y"]


def test_gap_norm_equals_the_fixture(pair, golden):
    expected = golden("diag/gap_synth", "expected.json")["L2M"]
    assert geometry.gap_norm(*pair) == pytest.approx(expected, abs=1e-7)  # rows are float32 when made unit


def test_cone_width_is_the_mean_cosine_of_different_rows(pair):
    rows = unit(pair[0])
    naive = np.mean([rows[i] @ rows[j] for i in range(len(rows)) for j in range(len(rows)) if i != j])
    assert geometry.cone_width(pair[0]) == pytest.approx(naive, abs=1e-6)
    assert geometry.cone_width(np.ones((5, 3))) == pytest.approx(1)


def test_one_row_has_no_cone():
    with pytest.raises(ValueError, match="two rows, got 1"):
        geometry.cone_width(np.ones((1, 4)))


def test_the_gap_is_the_first_axis_of_two_far_clouds_only():
    rng = np.random.default_rng(0)
    offset = np.zeros(16)
    offset[3] = 4
    far = rng.normal(size=(200, 16)) + offset, rng.normal(size=(200, 16)) - offset
    assert geometry.gap_alignment(*far) > 0.98
    near = rng.normal(size=(200, 16)), rng.normal(size=(200, 16))
    assert geometry.gap_alignment(*near) < 0.8


def test_closing_the_gap_closes_it_by_the_share_asked_for(pair):
    gaps = [geometry.gap_norm(*geometry.close_gap(*pair, share)) for share in (0.0, 0.5, 1.0)]
    assert gaps[0] == pytest.approx(geometry.gap_norm(*pair), abs=1e-6)
    assert gaps[0] > gaps[1] > gaps[2] and gaps[2] < 0.05
