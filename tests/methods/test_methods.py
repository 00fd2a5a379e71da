"""What holds for every registered method: labels, ties against the target, no dependence on the gallery's order."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from tests.methods.examples import CHOSEN, example
from workbench.data.benchmark import Gallery, Qrels
from workbench.methods import (
    METHODS,
    JudgeRerank,
    LinearMethod,
    Method,
    MethodError,
    PDVFusion,
    WeiMoCIR,
    default_of,
    label,
    parse_method,
)
from workbench.methods.pdv import ENSEMBLE
from workbench.registry import UnknownName
from workbench.score.ranks import target_ranks

every_method = pytest.mark.parametrize("name", METHODS.names())


@every_method
def test_a_method_is_a_frozen_dataclass_with_terms_and_score(name, make_case):
    method = example(name)
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
    ranks = target_ranks(example(name).score(dataclasses.replace(case, views=same)), qrels)
    assert (ranks == 39).all()


@every_method
def test_the_order_of_the_gallery_changes_nothing(name, make_case):
    case = make_case(seed=5)
    order = np.random.default_rng(0).permutation(40)
    place = np.argsort(order)
    bench = case.benchmark
    excluded = bench.qrels["default"].excluded
    moved_bench = dataclasses.replace(
        bench,
        gallery=Gallery(tuple(bench.gallery.ids[n] for n in order)),
        qrels={"default": Qrels(np.arange(12)[:, None], np.where(excluded < 0, -1, place[excluded]))},
    )
    views = {view: rows[order] for view, rows in case.views.items()}
    shuffled = dataclasses.replace(case, views=views, benchmark=moved_bench)
    target = np.arange(12)[:, None]
    method = example(name)
    scores, moved = method.score(case), method.score(shuffled)
    np.testing.assert_allclose(moved, scores[:, order], atol=2e-6)
    np.testing.assert_array_equal(
        target_ranks(moved, Qrels(place[target])), target_ranks(scores, Qrels(target))
    )


@every_method
def test_queries_do_not_see_each_other_unless_the_method_says_so(name, make_case):
    case = make_case(seed=6)
    bench = dataclasses.replace(
        case.benchmark,
        queries=case.benchmark.queries[4:7],
        qrels={"default": case.benchmark.qrels["default"].rows(slice(4, 7))},
    )
    parts = {part: rows[4:7] for part, rows in case.parts.items()}
    some = dataclasses.replace(case, parts=parts, benchmark=bench)
    method = example(name)
    alone, together = method.score(some), method.score(case)[4:7]
    if getattr(method, "transductive", False):
        assert not np.allclose(alone, together, atol=1e-3)
    else:
        np.testing.assert_allclose(alone, together, atol=2e-6)


@every_method
def test_linear_scores_are_weighted_sums_of_the_similarities(name, make_case):
    method = example(name)
    if not isinstance(method, LinearMethod):
        pytest.skip(f"{name} is not linear")
    case = make_case(seed=7)
    sims = case.similarities(method.terms)
    weights = np.broadcast_to(method.weights(sims.gram), (12, len(method.terms)))
    expected = sum(weights[:, k, None] * sims[term] for k, term in enumerate(method.terms))
    np.testing.assert_allclose(method.score(case), expected, atol=1e-5)


UNCONFIRMED = ("caption_fusion", "judge_rerank", "object_terms", "standardised_sum", "verify_compare")
UNCONFIRMED += ("slerp",)  # its paper's number is said to be about .8
UNCONFIRMED += ("imported_sum",)  # whose second part only the user knows


def test_a_number_that_no_paper_states_has_no_default():
    for name in UNCONFIRMED:
        with pytest.raises(MethodError, match=rf"{name} needs .*=\.\.\..*no default"):
            parse_method(name)
    assert parse_method("caption_fusion(alpha=0.6, weight=0.4)") == CHOSEN["caption_fusion"]


@every_method
def test_the_default_of_a_method_is_none_where_a_number_is_to_be_chosen(name):
    default = default_of(name)
    assert default == (None if name in UNCONFIRMED else METHODS.get(name)())


@every_method
def test_help_and_readme_name_every_method(name):
    from workbench.cli.evaluate import evaluate

    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")
    assert re.search(rf"\b{name}\b", evaluate.__doc__)
    assert f"`{name}`" in readme


def test_labels_name_what_differs_from_the_defaults():
    assert label(PDVFusion()) == "pdv_f"
    assert label(PDVFusion(beta=0.5)) == "pdv_f(beta=0.5)"
    assert label(WeiMoCIR(beta=0.0, captions=2)) == "weimocir(beta=0.0, captions=2)"
    with pytest.raises(UnknownName, match="object is not registered as a method; known: basic"):
        label(object())


def test_an_unknown_method_is_named_with_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'pdv_f'"):
        METHODS.get("pdvf")


@pytest.mark.parametrize(
    "method",
    [
        *CHOSEN.values(),
        PDVFusion(),
        PDVFusion(beta=0.5, host=ENSEMBLE),
        WeiMoCIR(beta=0.0, captions=2),
        JudgeRerank("slerp(alpha=0.4)", "grid", 20),
    ],
)
def test_a_label_reads_back_as_its_method(method):
    assert parse_method(label(method)) == method


def test_a_whole_number_is_a_number():
    assert parse_method("pdv_f(beta=1)") == PDVFusion(beta=1.0)


@pytest.mark.parametrize(
    "text",
    [
        "pdv_f(beta='half')",
        "pdv_f(beta=True)",
        "weimocir(captions=1.5)",
        "pdv_f(0.5)",
        "pdv_f(host=['a', 'b'])",
        "judge_rerank(base='slerp(alpha=0.4)', judge='grid', depth='all')",
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(text):
    with pytest.raises(MethodError, match="expected"):
        parse_method(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cirevl(captions=0)", "CIReVL: captions is 0, expected 1 or more"),
        ("weimocir(captions=0)", "captions is 0"),
        ("weimocir_paper(captions=-1)", "WeiMoCIRPaper: captions is -1"),
        ("ldre(captions=0)", "captions is 0"),
        ("ldre_per_query(nearest=0)", "nearest is 0, expected 1 or more"),
        ("ldre(temperature=0)", "temperature is 0.0, expected more than 0"),
        ("seize(captions=0)", "captions is 0"),
        ("imagescope_stage1(descriptions=0)", "descriptions is 0"),
        ("imagescope(descriptions=0)", "descriptions is 0"),
        ("imagescope(compared=-1)", "compared is -1, expected 0 or more"),
        ("judge_rerank(base='slerp(alpha=0.4)', judge='m', depth=-1)", "depth is -1"),
        (
            "verify_compare(base='slerp(alpha=0.4)', judge='m', depth=1, compare='m', compared=-2)",
            "compared is -2",
        ),
        ("basic(components=-1)", "components is -1"),
        ("basic_released(neighbours=-1)", "BASICReleased: neighbours is -1"),
    ],
)
def test_a_count_that_cannot_be_is_refused(text, message):
    with pytest.raises(MethodError, match=message):
        parse_method(text)
