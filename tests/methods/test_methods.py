"""What holds for every registered method: labels, ties against the target, no dependence on the gallery's order."""

import dataclasses

import numpy as np
import pytest

from tests.conftest import ArrayCase
from workbench.data.benchmark import Qrels
from workbench.methods import (
    METHODS,
    LinearMethod,
    Method,
    MethodError,
    PDVFusion,
    WeiMoCIR,
    label,
    parse_method,
)
from workbench.registry import UnknownName
from workbench.score.ranks import target_ranks

every_method = pytest.mark.parametrize("name", METHODS.names())


@every_method
def test_a_method_is_a_frozen_dataclass_with_terms_and_score(name, make_case):
    method = METHODS.get(name)()
    assert isinstance(method, Method)
    assert dataclasses.is_dataclass(method)
    assert type(method).__dataclass_params__.frozen
    scores = method.score(make_case())
    assert scores.shape == (12, 40)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()


@every_method
def test_a_gallery_of_equals_ranks_every_target_last(name, make_case):
    case = make_case()
    axis = np.zeros((40, 16), np.float32)
    axis[:, 0] = 3  # a product with an axis is exact in whatever order a processor adds it up
    same = dict.fromkeys(case.views, axis)
    qrels = Qrels(np.arange(12)[:, None], excluded=np.arange(12)[:, None] + 12)
    ranks = target_ranks(METHODS.get(name)().score(ArrayCase(case.parts, same)), qrels)
    assert (ranks == 39).all()


@every_method
def test_the_order_of_the_gallery_changes_nothing(name, make_case):
    case = make_case(seed=5)
    order = np.random.default_rng(0).permutation(40)
    shuffled = ArrayCase(case.parts, {view: rows[order] for view, rows in case.views.items()})
    target = np.arange(12)[:, None]
    method = METHODS.get(name)()
    scores, moved = method.score(case), method.score(shuffled)
    np.testing.assert_allclose(moved, scores[:, order], atol=1e-6)
    place = np.argsort(order)
    np.testing.assert_array_equal(
        target_ranks(moved, Qrels(place[target])), target_ranks(scores, Qrels(target))
    )


@every_method
def test_queries_do_not_see_each_other(name, make_case):
    case = make_case(seed=6)
    some = ArrayCase({part: rows[4:7] for part, rows in case.parts.items()}, case.views)
    method = METHODS.get(name)()
    np.testing.assert_allclose(method.score(some), method.score(case)[4:7], atol=1e-6)


@every_method
def test_linear_scores_are_weighted_sums_of_the_similarities(name, make_case):
    method = METHODS.get(name)()
    if not isinstance(method, LinearMethod):
        pytest.skip(f"{name} is not linear")
    case = make_case(seed=7)
    sims = case.similarities(method.terms)
    weights = np.broadcast_to(method.weights(sims.gram), (12, len(method.terms)))
    expected = sum(weights[:, k, None] * sims[term] for k, term in enumerate(method.terms))
    np.testing.assert_allclose(method.score(case), expected, atol=1e-5)


def test_labels_name_what_differs_from_the_defaults():
    assert label(PDVFusion()) == "pdv_f"
    assert label(PDVFusion(beta=0.5)) == "pdv_f(beta=0.5)"
    assert label(WeiMoCIR(beta=0.0, captions=2)) == "weimocir(beta=0.0, captions=2)"
    with pytest.raises(UnknownName, match="object is not registered as a method; known: cirevl"):
        label(object())


def test_an_unknown_method_is_named_with_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'pdv_f'"):
        METHODS.get("pdvf")


@pytest.mark.parametrize("method", [PDVFusion(), PDVFusion(beta=0.5), WeiMoCIR(beta=0.0, captions=2)])
def test_a_label_reads_back_as_its_method(method):
    assert parse_method(label(method)) == method


def test_a_whole_number_is_a_number():
    assert parse_method("pdv_f(beta=1)") == PDVFusion(beta=1.0)


@pytest.mark.parametrize(
    "text", ["pdv_f(beta='half')", "pdv_f(beta=True)", "weimocir(captions=1.5)", "pdv_f(0.5)"]
)
def test_a_value_that_cannot_be_meant_is_refused(text):
    with pytest.raises(MethodError, match="expected"):
        parse_method(text)
