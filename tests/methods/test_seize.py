"""SEIZE: the released code's scores, a naive twin, and the limits: PDV-T and the plain mean."""

import numpy as np
import pytest

from tests.conftest import ArrayCase
from workbench.arrays import unit
from workbench.data.benchmark import Qrels
from workbench.methods import SEIZE, CIReVL, PDVText
from workbench.score.ranks import top_k


def test_scores_of_the_released_code(golden):
    """There the reference's score is overwritten with -1; here it is left out by index, so those places are skipped."""
    data = golden("cir/ldre_seize", "input.npz")
    parts = {"composed_caption": data["mean_after"], "reference_caption": data["mean_before"]}
    scores = SEIZE().score(ArrayCase(parts, {"image": data["gallery"]}))
    expected = golden("cir/ldre_seize", "expected_scores.npz")["seize"]
    overwritten = expected == -1
    assert overwritten.sum() == 12
    assert overwritten[np.arange(12), data["reference_index"]].all()
    np.testing.assert_allclose(scores[~overwritten], expected[~overwritten], atol=1e-5)
    published = golden("cir/ldre_seize", "expected.json")["seize"]
    assert (SEIZE().gain, SEIZE().loss) == (published["pos_factor"], published["neg_factor"])
    found = np.array([published["retrieved"][str(query)] for query in range(12)])
    excluded = Qrels(np.full((12, 1), -1), data["reference_index"][:, None])
    np.testing.assert_array_equal(data["gallery_ids"][top_k(scores, 50, excluded)], found)


@pytest.mark.parametrize(("gain", "loss"), [(0.13, 2.1), (1.0, 0.22), (-0.5, 0.0)])
def test_naive_formula(make_case, gain, loss):
    case = make_case(seed=15)
    after = unit(case.parts["composed_caption"] + case.parts["composed_caption_2"])
    before = unit(case.parts["reference_caption"] + case.parts["reference_caption_2"])
    expected = np.empty((12, 40))
    for q in range(12):
        for n, picture in enumerate(unit(case.views["image"])):
            change = after[q] @ picture - before[q] @ picture
            expected[q, n] = after[q] @ picture + gain * max(change, 0) + loss * min(change, 0)
    np.testing.assert_allclose(SEIZE(gain, loss, captions=2).score(case), expected, atol=1e-5)


def test_limits(make_case):
    case = make_case(seed=16)
    np.testing.assert_allclose(SEIZE(0.0, 0.0).score(case), CIReVL().score(case), atol=1e-6)
    np.testing.assert_allclose(SEIZE(0.4, 0.4).score(case), PDVText(1.4).score(case), atol=1e-5)
