"""WeiMoCIR: naive formula on raw rows, the released code's scores and metrics, limits."""

import numpy as np
import pytest

from tests.conftest import ArrayCase
from workbench.arrays import unit
from workbench.data.benchmark import Qrels
from workbench.methods import TextOnly, WeiMoCIR
from workbench.metrics import recall_at
from workbench.score.ranks import target_ranks

# the released code's "no alpha" adds the raw rows, which is alpha = .5
RELEASED = {
    "alpha0.8_beta0.1": (0.8, 0.1),
    "alpha0.95_beta0.2": (0.95, 0.2),
    "alpha0.8_beta0.0": (0.8, 0.0),
    "alpha0.5_beta1.0": (0.5, 1.0),
    "alphaNone_beta0.5": (0.5, 0.5),
}


def naive(case, alpha, beta, captions):
    parts, views = case.parts, case.views
    text = parts["modification"]

    def facing(carrier, view):
        return unit((1 - alpha) * parts[carrier] + alpha * text) @ unit(views[view]).T

    by_caption = [facing(f"reference_{name}", name) for name in captions]
    return (1 - beta) * facing("reference_image", "image") + beta * np.mean(by_caption, axis=0)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("beta", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("captions", [1, 2])
def test_naive_formula(make_case, alpha, beta, captions):
    case = make_case(seed=8)
    names = ("caption", "caption_2")[:captions]
    scores = WeiMoCIR(alpha, beta, captions).score(case)
    np.testing.assert_allclose(scores, naive(case, alpha, beta, names), atol=1e-5)


@pytest.fixture
def released(golden):
    """The fixture as a case: the reference's own captions are rows of the gallery's caption views."""
    data = golden("cir/weimocir", "input.npz")
    reference = data["reference_index"]
    views = {
        "image": data["gallery_image"],
        "caption": data["gallery_caption_1"],
        "caption_2": data["gallery_caption_2"],
        "caption_3": data["gallery_caption_3"],
    }
    parts = {"modification": data["query_text"]} | {
        f"reference_{name}": rows[reference] for name, rows in views.items()
    }
    return data, ArrayCase(parts, views)


@pytest.mark.parametrize("name", RELEASED)
def test_scores_of_the_released_code(golden, released, name):
    _, case = released
    expected = golden("cir/weimocir", "expected_scores.npz")[name]
    np.testing.assert_allclose(WeiMoCIR(*RELEASED[name], captions=3).score(case), expected, atol=1e-5)


@pytest.mark.parametrize("name", RELEASED)
def test_metrics_of_the_released_code(golden, released, name):
    data, case = released
    expected = golden("cir/weimocir", "expected.json")
    scores = WeiMoCIR(*RELEASED[name], captions=3).score(case)
    target, reference = data["target_index"][:, None], data["reference_index"][:, None]
    ranks = {
        "cirr/recall": target_ranks(scores, Qrels(target, reference)),
        "cirr/group_recall": target_ranks(scores, Qrels(target, reference, data["member_index"])),
        "fiq/recall": target_ranks(scores, Qrels(target)),
    }
    for benchmark in ("cirr", "fiq"):
        for metric, value in expected[f"{name}_{benchmark}"].items():
            kind, k = metric.split("@")
            found = 100 * recall_at(ranks[f"{benchmark}/{kind}"], int(k)).mean()
            assert found == pytest.approx(value, abs=1e-4), metric


def test_alpha_one_without_captions_is_text_only(make_case):
    case = make_case(seed=9)
    np.testing.assert_allclose(WeiMoCIR(1.0, 0.0).score(case), TextOnly().score(case), atol=1e-5)


def test_raw_lengths_shift_the_balance(make_case):
    """A text tower with longer rows pulls the same alpha towards the text: this is why raw rows are kept."""
    case = make_case(seed=10)
    longer = ArrayCase({**case.parts, "modification": 4 * case.parts["modification"]}, case.views)
    assert not np.allclose(WeiMoCIR(0.5).score(longer), WeiMoCIR(0.5).score(case), atol=1e-3)
    np.testing.assert_allclose(WeiMoCIR(0.5).score(longer), WeiMoCIR(0.8).score(case), atol=1e-5)
