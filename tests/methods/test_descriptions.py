"""Methods that search with a description of the target: OSrCIR, caption fusion, object terms, ImageScope's stage 1."""

import dataclasses

import numpy as np
import pytest

from workbench.arrays import unit
from workbench.methods import (
    CaptionFusion,
    CIReVL,
    ImageScopeFirst,
    ObjectTerms,
    OSrCIR,
    TextOnly,
    WeightedSum,
)

CLOSE = {"atol": 1e-5}


def unit_rows(case):
    return {name: unit(rows) for name, rows in {**case.parts, **case.views}.items()}


def test_osrcir(make_case):
    case = make_case(seed=21)
    rows = unit_rows(case)
    np.testing.assert_allclose(OSrCIR().score(case), rows["target_description"] @ rows["image"].T, **CLOSE)


@pytest.mark.parametrize(("alpha", "weight"), [(0.6, 0.4), (0.1, 0.9), (0.5, 0.0)])
def test_caption_fusion(make_case, alpha, weight):
    case = make_case(seed=22)
    rows = unit_rows(case)
    pair = unit((1 - alpha) * rows["reference_image"] + alpha * rows["modification"])
    query = (1 - weight) * pair + weight * rows["target_description"]
    np.testing.assert_allclose(CaptionFusion(alpha, weight).score(case), query @ rows["image"].T, **CLOSE)


def test_limits_of_caption_fusion(make_case):
    case = make_case(seed=23)
    np.testing.assert_allclose(CaptionFusion(0.3, 1.0).score(case), OSrCIR().score(case), **CLOSE)
    np.testing.assert_allclose(CaptionFusion(1.0, 0.0).score(case), TextOnly().score(case), **CLOSE)
    cirevl = CaptionFusion(0.3, 1.0, description="composed_caption")
    np.testing.assert_allclose(cirevl.score(case), CIReVL().score(case), **CLOSE)
    ours, theirs = CaptionFusion(0.3, 0.0).score(case), WeightedSum(0.3).score(case)
    np.testing.assert_array_equal(np.argsort(ours, axis=1), np.argsort(theirs, axis=1))


OBJECTS = [(2, 1), (0, 3), (4, 0), (0, 0)]  # how many objects each query wants, and wants not


@pytest.fixture
def with_objects(make_case):
    """The first four queries name objects; the parts hold the mean of their unit rows, or next to nothing."""
    from workbench.case.rows import mean_of_units

    case = make_case(seed=24)
    rng = np.random.default_rng(24)
    objects = [[unit(rng.normal(size=(n, 16))) for n in counts] for counts in OBJECTS]
    parts = {name: rows[:4] for name, rows in case.parts.items()}
    for column, name in enumerate(("wanted_objects", "unwanted_objects")):
        lists = [pair[column] for pair in objects]
        parts[name] = mean_of_units(
            [rows.astype(np.float32) for rows in lists], case.parts["modification"][:4]
        )
    return dataclasses.replace(case, parts=parts), objects


@pytest.mark.parametrize(("wanted", "unwanted"), [(0.5, 0.3), (1.0, 0.0), (-0.2, 2.0)])
def test_object_terms(with_objects, wanted, unwanted):
    case, objects = with_objects
    rows = unit_rows(case)
    expected = rows["target_description"] @ rows["image"].T
    for q, (there, gone) in enumerate(objects):
        for n, picture in enumerate(rows["image"]):
            if len(there):
                expected[q, n] += wanted * np.mean([p @ picture for p in there])
            if len(gone):
                expected[q, n] -= unwanted * np.mean([p @ picture for p in gone])
    np.testing.assert_allclose(ObjectTerms(wanted, unwanted).score(case), expected, **CLOSE)


def test_object_terms_without_weight_are_the_description(with_objects):
    case, _ = with_objects
    np.testing.assert_allclose(ObjectTerms(0.0, 0.0).score(case), OSrCIR().score(case), **CLOSE)


@pytest.mark.parametrize("weight", [0.0, 0.15, 1.0])
@pytest.mark.parametrize("descriptions", [1, 2])
def test_first_stage_of_imagescope(make_case, weight, descriptions):
    case = make_case(seed=25)
    rows = unit_rows(case)
    expected = np.zeros((12, 40))
    for name in ("target_description", "target_description_2")[:descriptions]:
        expected += (1 - weight) * rows[name] @ rows["image"].T + weight * rows[name] @ rows["caption"].T
    scores = ImageScopeFirst(weight, descriptions).score(case)
    np.testing.assert_allclose(scores, expected / descriptions, **CLOSE)


def test_first_stage_of_imagescope_without_captions_is_osrcir(make_case):
    case = make_case(seed=26)
    np.testing.assert_allclose(ImageScopeFirst(0.0).score(case), OSrCIR().score(case), **CLOSE)
