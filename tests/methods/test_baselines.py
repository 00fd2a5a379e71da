"""Baselines: naive formulas, the released slerp, and limits."""

import numpy as np
import pytest

from tests.conftest import ArrayCase
from workbench.arrays import unit
from workbench.methods import ImageOnly, Product, Slerp, TextOnly, WeightedSum
from workbench.methods.baselines import IMAGE, TEXT


@pytest.fixture
def case(make_case):
    return make_case(seed=1)


@pytest.fixture
def vtg(case):
    return unit(case.parts["reference_image"]), unit(case.parts["modification"]), unit(case.views["image"])


def test_single_parts(case, vtg):
    v, t, g = vtg
    np.testing.assert_allclose(ImageOnly().score(case), v @ g.T, atol=1e-6)
    np.testing.assert_allclose(TextOnly().score(case), t @ g.T, atol=1e-6)


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.5, 1.0])
def test_weighted_sum_ranks_as_the_normalised_sum(case, vtg, weight):
    v, t, g = vtg
    query = (1 - weight) * v + weight * t
    np.testing.assert_allclose(
        WeightedSum(weight).score(case) / np.linalg.norm(query, axis=1)[:, None], unit(query) @ g.T, atol=1e-5
    )


def test_limits_are_the_single_parts(case):
    for method in (WeightedSum(0.0), Slerp(0.0)):
        np.testing.assert_allclose(method.score(case), ImageOnly().score(case), atol=1e-6)
    for method in (WeightedSum(1.0), Slerp(1.0)):
        np.testing.assert_allclose(method.score(case), TextOnly().score(case), atol=1e-6)


def test_slerp_walks_on_the_sphere(case, vtg):
    v, t, _ = vtg
    method = Slerp(0.3)
    sims = case.similarities(method.terms)
    query = sims.composed(method.weights(sims.gram))
    np.testing.assert_allclose(np.linalg.norm(query, axis=1), 1, atol=1e-5)
    whole, part = np.arccos(np.sum(v * t, axis=1)), np.arccos(np.sum(v * query, axis=1))
    np.testing.assert_allclose(part, 0.3 * whole, atol=1e-4)


def test_slerp_equals_the_released_code(golden):
    """Rows 20 to 22 (nearly parallel, identical, nearly opposite) take the straight line and are normalised after."""
    data, expected = golden("cir/slerp", "input.npz"), golden("cir/slerp", "expected.npz")
    case = ArrayCase({"reference_image": data["v0"], "modification": data["v1"]}, {"image": data["v1"]})
    sims = case.similarities((IMAGE, TEXT))
    for alpha in data["t"].tolist():
        query = sims.composed(Slerp(alpha).weights(sims.gram))
        np.testing.assert_allclose(unit(query), expected[f"t_{alpha}"], atol=1e-5)


def test_product_equals_the_icir_evaluation(golden):
    data = golden("cir/basic_icir", "input.npz")
    parts = {"reference_image": data["query_image"], "modification": data["query_text"]}
    case = ArrayCase(parts, {"image": data["database"]})
    expected = golden("cir/basic_icir", "expected_scores.npz")
    np.testing.assert_allclose(Product().score(case), expected["product"], atol=1e-5)
    np.testing.assert_allclose(ImageOnly().score(case), expected["image"], atol=1e-5)
    np.testing.assert_allclose(TextOnly().score(case), expected["text"], atol=1e-5)
    np.testing.assert_allclose(2 * WeightedSum().score(case), expected["sum"], atol=1e-5)


def test_product_counts_negative_similarity_as_nothing(case, vtg):
    v, t, g = vtg
    naive = np.array([[max(a @ c, 0) * max(b @ c, 0) for c in g] for a, b in zip(v, t, strict=True)])
    np.testing.assert_allclose(Product().score(case), naive, atol=1e-6)
    assert (naive == 0).any()
