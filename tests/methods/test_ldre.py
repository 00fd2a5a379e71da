"""LDRE: the released code's weights and ranking, a naive twin, limits, and PDV on its ensembles."""

import dataclasses

import numpy as np
import pytest

from tests.conftest import ArrayCase
from workbench.arrays import unit
from workbench.methods import LDRE, CIReVL, LDREPerQuery, PDVFusion, PDVText
from workbench.methods.pdv import ENSEMBLE
from workbench.score.naming import numbered

AFTER, BEFORE = numbered("composed_caption", 2), numbered("reference_caption", 2)


@pytest.fixture
def released(golden):
    data = golden("cir/ldre_seize", "input.npz")
    parts = dict(zip(numbered("composed_caption", 6), data["features_after"], strict=True))
    parts |= dict(zip(numbered("reference_caption", 6), data["features_before"], strict=True))
    return ArrayCase(parts, {"image": data["gallery"]})


def test_weights_and_scores_of_the_released_code(golden, released):
    method = LDRE(captions=6)
    weights = method.caption_weights(released.similarities(method.terms))
    expected = golden("cir/ldre_seize", "expected.json")["ldre"]
    np.testing.assert_allclose(weights, np.tile(expected["caption_weights"], (12, 1)), atol=1e-5)
    scores = method.score(released)
    np.testing.assert_allclose(scores, golden("cir/ldre_seize", "expected_scores.npz")["ldre"], atol=1e-5)
    assert (method.nearest, method.temperature) == (expected["topk"], expected["temperature"])
    ids = golden("cir/ldre_seize", "input.npz")["gallery_ids"]
    assert len(expected["retrieved"]) == 12
    for query, retrieved in expected["retrieved"].items():
        best = ids[np.argsort(-scores[int(query)])[:50]].tolist()
        assert [str(int(id)) for id in best] == [str(int(id)) for id in retrieved]


def naive_changes(case, nearest):
    gallery = unit(case.views["image"])
    changes = np.zeros((12, 2))
    for q in range(12):
        for i in range(2):
            after, before = (unit(case.parts[names[i]])[q] for names in (AFTER, BEFORE))
            losses = sorted((max(before @ g - after @ g, 0) for g in gallery), reverse=True)
            changes[q, i] = sum(losses[:nearest])
    return changes


def softmax(values, temperature):
    power = np.exp(np.asarray(values) / np.max(values) / temperature)
    return power / power.sum()


@pytest.mark.parametrize(("nearest", "temperature"), [(5, 0.04), (3, 0.5), (100, 0.2)])
def test_naive_formula(make_case, nearest, temperature):
    case = make_case(seed=11)
    changes = naive_changes(case, nearest)
    together = np.tile(softmax(changes.sum(axis=0), temperature), (12, 1))
    alone = np.array([softmax(row, temperature) for row in changes])
    for method, weights in ((LDRE, together), (LDREPerQuery, alone)):
        query = sum(weights[:, i, None] * unit(case.parts[name]) for i, name in enumerate(AFTER))
        scores = method(captions=2, nearest=nearest, temperature=temperature).score(case)
        np.testing.assert_allclose(scores, query @ unit(case.views["image"]).T, atol=1e-5)


def test_limits(make_case):
    case = make_case(seed=12)
    np.testing.assert_allclose(LDRE(captions=1).score(case), CIReVL().score(case), atol=1e-6)
    even = LDRE(captions=2, temperature=1e9).score(case)
    np.testing.assert_allclose(even, CIReVL(captions=2).score(case), atol=1e-6)


def test_edits_that_push_nothing_away_weigh_the_same(make_case):
    case = make_case(seed=13)
    unedited = {after: case.parts[before] for after, before in zip(AFTER, BEFORE, strict=True)}
    still = dataclasses.replace(case, parts=case.parts | unedited)
    for method in (LDRE(captions=2), LDREPerQuery(captions=2)):
        weights = method.caption_weights(still.similarities(method.terms))
        np.testing.assert_allclose(weights, 0.5)


def test_pdv_walks_from_one_ensemble_to_the_other(make_case):
    case = make_case(seed=14)
    host = LDRE(captions=2)
    hosted = dataclasses.replace(case, parts=case.parts | host.ensembles(case))
    plugged = PDVText(alpha_text=1.0, host=ENSEMBLE).score(hosted)
    length = np.linalg.norm(hosted.parts["composed_ensemble"], axis=1)[:, None]
    np.testing.assert_allclose(plugged * length, host.score(case), atol=1e-5)
    moved = PDVFusion(host=ENSEMBLE).score(hosted)
    assert not np.allclose(moved, PDVFusion().score(case), atol=1e-3)
