"""Settings are found on the lines they stand on, in any order, and stay there for every query."""

import numpy as np
import pytest

from tests.score.test_counting import pdv_weights
from workbench.methods import Slerp, WeiMoCIR
from workbench.score.distinct import distinct_weights
from workbench.score.lines import box, find_lines


@pytest.fixture
def pdv():
    weights = pdv_weights(np.linspace(0, 2, 9), np.linspace(0, 1, 6))
    return distinct_weights(weights)[0]


@pytest.fixture
def gram():
    rows = np.random.default_rng(0).normal(size=(20, 3, 16)) * [[[1.0], [3.0], [2.0]]]
    return rows @ rows.transpose(0, 2, 1)


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_pdv_has_a_line_per_beta(pdv, seed):
    weights = pdv if seed is None else np.random.default_rng(seed).permutation(pdv)
    lines = find_lines(weights)
    assert len(lines.start) - 1 == 6
    assert sorted(lines.order) == list(range(len(weights)))


def test_every_setting_is_where_its_line_says(pdv):
    lines = find_lines(pdv)
    for line, (a, b) in enumerate(zip(lines.start[:-1], lines.start[1:], strict=True)):
        place = lines.position[0, a:b, None]
        assert (np.diff(place, axis=0) >= 0).all()
        ends = lines.ends[0, line]
        away = np.abs(pdv[lines.order[a:b], 0] - ((1 - place) * ends[0] + place * ends[1])).sum(axis=1)
        assert away.max() <= lines.stray[0, line] + 1e-12
        assert away.max() < 1e-6


@pytest.mark.parametrize("shared", [True, False])
def test_the_box_bounds_every_margin(pdv, gram, shared):
    weights = pdv
    if not shared:
        weights = np.array([WeiMoCIR(a, b).weights(gram) for b in (0.1, 0.5, 1.0) for a in (0.0, 0.3, 0.9)])
    centre, axes = box(find_lines(weights))
    offsets = np.random.default_rng(1).normal(size=(weights.shape[2], 200))
    margins = np.einsum("pqk,kn->pqn", weights, offsets)
    swing = np.abs(np.einsum("qak,kn->qan", axes, offsets)).sum(axis=1) + 1e-5
    away = np.abs(margins - np.einsum("qk,kn->qn", centre, offsets))
    assert (away <= swing).all()
    assert not shared or np.isclose(away.max(axis=0), swing, atol=1e-4).all()  # no wider than need be


def test_methods_with_two_terms_have_one_line_and_weimocir_one_per_alpha(gram):
    slerp = np.array([Slerp(a).weights(gram[:, :2, :2]) for a in np.linspace(0, 1, 9)])
    assert len(find_lines(slerp).start) - 1 == 1
    grid = [WeiMoCIR(a, b).weights(gram) for b in np.linspace(0.1, 0.9, 8) for a in np.linspace(0.1, 0.9, 5)]
    assert len(find_lines(np.array(grid)).start) - 1 == 5


def test_points_on_no_line_stand_alone_and_a_line_of_one_query_is_no_line():
    rng = np.random.default_rng(2)
    loose = rng.normal(size=(60, 1, 3)).astype(np.float32)
    assert len(find_lines(loose).start) - 1 > 40  # pairs, and single points
    straight = np.linspace(0, 1, 12)[:, None, None] * np.ones((1, 5, 3)) + [1.0, 0.0, 0.0]
    bent = straight.astype(np.float32)
    assert len(find_lines(bent).start) - 1 == 1
    bent[6, 0, 2] += 0.5  # a query the line was not read off
    assert len(find_lines(bent).start) - 1 == 12


def test_a_line_has_few_steps_more_than_settings():
    """Each step has a counter: ten settings do not take a thousand."""
    place = np.array([0, 0.001, 0.01, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1])
    even = np.array([0, 0.1, 0.3, 0.5, 1])
    assert [find_lines(np.stack([1 - x, x], axis=1)[:, None]).cells.tolist() for x in (place, even)] == [
        [0],
        [10],
    ]


def test_large_and_small_weights_do_not_share_a_line():
    weights = pdv_weights(np.geomspace(1e-3, 1e6, 10), [0.0])
    lines = find_lines(distinct_weights(weights)[0])
    sizes = np.abs(lines.ends).max(axis=3)
    assert (sizes.max(axis=2) / sizes.min(axis=2)).max() <= 2**11
