"""PDV: naive formulas, the function in its README, limits, and three numbers that act as two."""

import numpy as np
import pytest

from tests.conftest import ArrayCase
from workbench.arrays import unit
from workbench.methods import CIReVL, ImageOnly, MethodError, PDVFusion, PDVImage, PDVText, parse_method

SETTINGS = [(1.4, 1.2, 0.75), (1.0, 1.3, 0.55), (-0.5, 2.0, 0.3), (0.0, 0.0, 0.5)]


def naive(case, alpha_image, alpha_text, beta):
    before, after = unit(case.parts["reference_caption"]), unit(case.parts["composed_caption"])
    image = unit(case.parts["reference_image"])
    direction = after - before
    query = (1 - beta) * (image + alpha_image * direction) + beta * (before + alpha_text * direction)
    return query @ unit(case.views["image"]).T


@pytest.mark.parametrize("setting", SETTINGS)
def test_naive_formula(make_case, setting):
    case = make_case(seed=3)
    alpha_image, alpha_text, _ = setting
    np.testing.assert_allclose(PDVFusion(*setting).score(case), naive(case, *setting), atol=1e-5)
    text = naive(case, 0.0, alpha_text, 1.0)
    np.testing.assert_allclose(PDVText(alpha_text).score(case), text, atol=1e-5)
    image = naive(case, alpha_image, 0.0, 0.0)
    np.testing.assert_allclose(PDVImage(alpha_image).score(case), image, atol=1e-5)


def test_the_published_function(golden):
    data, expected = golden("cir/pdv", "input.npz"), golden("cir/pdv", "expected.npz")
    parts = {
        "reference_caption": data["text_reference"],
        "composed_caption": data["text_composed"],
        "reference_image": data["image_reference"],
    }
    case = ArrayCase(parts, {"image": data["image_reference"]})
    combinations = data["combos_ai_at_beta"].tolist()
    assert len(combinations) == len(expected)
    for combination, name in zip(combinations, expected, strict=True):
        stated = [float(text.lstrip("aitb")) for text in name.split("_")]
        assert stated == pytest.approx(combination)
        method = PDVFusion(*combination)
        sims = case.similarities(method.terms)
        np.testing.assert_allclose(unit(sims.composed(method.weights(sims.gram))), expected[name], atol=1e-6)


def test_limits(make_case):
    case = make_case(seed=4)
    close = {"atol": 1e-5}
    np.testing.assert_allclose(PDVText(1.0).score(case), CIReVL().score(case), **close)
    np.testing.assert_allclose(PDVFusion(1.4, 1.0, 1.0).score(case), CIReVL().score(case), **close)
    np.testing.assert_allclose(PDVFusion(beta=1.0).score(case), PDVText().score(case), **close)
    np.testing.assert_allclose(PDVFusion(beta=0.0).score(case), PDVImage().score(case), **close)
    np.testing.assert_allclose(PDVImage(0.0).score(case), ImageOnly().score(case), **close)


def test_three_numbers_act_as_two(make_case):
    """gamma = (1 - beta) alpha_image + beta alpha_text is 1.2 in both, so the scores are the same."""
    case = make_case(seed=5)
    one, other = PDVFusion(1.2, 1.2, 0.6), PDVFusion(0.6, 1.6, 0.6)
    np.testing.assert_allclose(one.score(case), other.score(case), atol=1e-5)


def test_a_host_names_its_own_texts(make_case):
    case = make_case(seed=6)
    renamed = {**case.parts, "bare": case.parts["reference_caption"], "full": case.parts["composed_caption"]}
    del renamed["reference_caption"], renamed["composed_caption"]
    hosted = PDVFusion(host=("bare", "full")).score(ArrayCase(renamed, case.views))
    np.testing.assert_array_equal(hosted, PDVFusion().score(case))


@pytest.mark.parametrize("host", [(), ("reference_caption",), ("a", "b", "c"), ("a", 1)])
@pytest.mark.parametrize("name", ["pdv_t", "pdv_i", "pdv_f"])
def test_a_host_is_two_parts(name, host):
    message = rf"{name}: host is .*, expected tuple such as \('reference_caption', 'composed_caption'\)"
    with pytest.raises(MethodError, match=message):
        parse_method(f"{name}(host={host})")
