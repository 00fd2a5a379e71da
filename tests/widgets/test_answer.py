"""Answers are those of the package's own evaluation; bars add up; questions of one's own are made by the case's models."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.conftest import MORE_PARTS, ArrayCase
from tests.widgets.conftest import ToyEncoder, build
from workbench.case import Case
from workbench.evaluation import method_ranks
from workbench.methods import (
    LDRE,
    CIReVL,
    LinearMethod,
    PDVFusion,
    Product,
    Slerp,
    TextOnly,
    WeightedSum,
    WeiMoCIR,
)
from workbench.score.ranks import top_k
from workbench.widgets.answer import source_of
from workbench.widgets.knobs import start
from workbench.widgets.view import Question, ViewError


def test_every_possible_method_ranks_as_the_evaluation_does(make_case, explore):
    case = build(make_case(seed=11))
    explorer, targets = explore(case=case), case.benchmark.qrels["default"].targets
    assert {
        "weighted_sum",
        "slerp",
        "pdv_f",
        "weimocir",
        "product",
        "osrcir",
        "searle",
        "object_terms",
    } <= set(explorer.methods)
    for name in explorer.methods:
        method = start(name)
        ranks = method_ranks(case, method, ["default"])["default"]
        for query in range(len(targets)):
            found = explorer.ask(question=Question(query=query), method=method).first
            assert found.ranks == dict(zip(targets[query].tolist(), ranks[query].tolist(), strict=True)), (
                name,
                query,
            )
            assert found.n_ranked == 39  # the reference is excluded


def test_the_list_is_that_of_top_k_and_holds_the_targets_at_their_ranks(explore, case):
    explorer = explore(k=39)
    for method in (WeightedSum(0.3), PDVFusion(), WeiMoCIR(0.6, 0.4), Product()):
        lists = top_k(method.score(case), 39, case.benchmark.qrels["default"])
        for query in range(12):
            found = explorer.ask(question=Question(query=query), method=method).first
            assert found.rows.tolist() == lists[query].tolist()
            assert all(found.rows[rank - 1] == row for row, rank in found.ranks.items())
            assert not found.lower


def test_twins_are_ranked_as_if_in_float64(make_case, explore):
    """Copies of the target tie with it whatever the order of additions: all of them count against it."""
    plain = make_case(seed=3)
    plain.views["image"][20:30] = plain.views["image"][12]  # target of query 0 is row 12
    case = build(plain)
    found = explore(case=case).ask(method=PDVFusion(beta=0.37)).first
    assert found.ranks[12] == method_ranks(case, PDVFusion(beta=0.37), ["default"])["default"][0, 0]
    assert found.ranks[12] >= 11


def test_bars_add_up_to_the_score(explore, case):
    for method in (WeightedSum(0.3), Slerp(0.4), PDVFusion(), WeiMoCIR(0.5, 0.5)):
        explorer = explore(4, method=method, k=39)
        found = explorer.answer.first
        np.testing.assert_allclose(sum(found.contributions.values()), found.scores, atol=1e-6)
        centred = explorer.ask(centred=True).first
        mean = found.scores.mean()  # of all that are ranked
        np.testing.assert_allclose(sum(centred.contributions.values()), found.scores - mean, atol=1e-6)
        assert set(found.contributions) == {source_of(term) for term in method.terms}


def test_bars_are_the_weights_times_the_similarities(explore, case):
    found = explore(2, method=PDVFusion(1.4, 1.2, 0.75)).answer.first
    sims = case.similarities(PDVFusion().terms)
    gamma = 0.25 * 1.4 + 0.75 * 1.2
    image, before, after = (sims[term][2, found.rows] for term in sims.terms)
    np.testing.assert_allclose(found.contributions["image"], 0.25 * image, atol=1e-6)
    np.testing.assert_allclose(
        found.contributions["caption"], (0.75 - gamma) * before + gamma * after, atol=1e-6
    )


def test_moving_a_slider_computes_no_similarity_again(explore, monkeypatch):
    explorer = explore(method=PDVFusion(), other=Slerp(0.8))
    explorer.look(explorer.view)

    def never(*_):
        raise AssertionError("similarities were computed again")

    from workbench.widgets.answerer import OneQuestion

    monkeypatch.setattr(OneQuestion, "blocks", never)
    before = explorer.answer.first.scores
    after = explorer.ask(method=PDVFusion(beta=0.1), other=Slerp(0.2)).first.scores
    assert not np.allclose(before, after)


def test_methods_that_are_not_linear_are_shown_without_bars_and_say_why(explore):
    found = explore(method=Product()).answer.first
    assert not found.contributions
    assert "product is not a weighted sum" in found.no_bars


def test_ldre_as_released_is_asked_with_all_queries(make_case, explore):
    case, method = build(make_case(seed=2)), LDRE(captions=1, nearest=3)
    explorer = explore(3, case=case, method=method)
    assert "other queries" in explorer.answer.first.note
    np.testing.assert_allclose(
        explorer.answer.first.scores, method.score(case)[3, explorer.answer.first.rows], atol=1e-6
    )
    alone = explorer.ask(question=Question(query=3, modification="something else")).first
    assert "this one alone" in alone.note


def test_two_methods_say_where_each_result_stands_in_the_other(explore, case):
    answer = explore(6, method=WeightedSum(0.2), other=TextOnly(), k=39).answer
    for mine, other in ((answer.first, answer.second), (answer.second, answer.first)):
        naive = {row: place + 1 for place, row in enumerate(other.rows.tolist())}
        assert list(mine.moved) == [naive[row] for row in mine.rows.tolist()]


def test_a_gallery_picture_and_other_words_are_answered_as_a_query_would_be(explore, case, encoder):
    """The same question, put into the benchmark by hand and scored by the method itself."""
    question = Question(row=7, modification="make it loud")
    explorer = explore(method=PDVFusion())
    answer = explorer.ask(question=question)
    edited = "picture number 7, but make it loud"
    assert answer.texts == {
        "modification": "make it loud",
        "reference_caption": "picture number 7",
        "composed_caption": edited,
    }
    parts = {
        "reference_image": case.views["image"][7:8],
        "reference_caption": ToyEncoder().encode_texts(["picture number 7"]),
        "composed_caption": ToyEncoder().encode_texts([edited]),
    }
    scores = PDVFusion().score(ArrayCase(parts, case.views))
    scores[0, 7] = -np.inf  # the benchmark excludes references
    assert answer.first.rows.tolist() == np.argsort(-scores[0])[:5].tolist()
    assert not answer.judged and answer.first.rank is None
    assert answer.standing(answer.first) == "No target is known: this question is your own"


def test_what_the_benchmark_asks_is_recognised(explore, case):
    query = case.benchmark.queries[5]
    explorer = explore(reference=query.reference, modification=" make it 5 ")
    assert explorer.answer.question == Question(query=5)
    assert explorer.answer.judged
    other = explorer.ask(question=Question(query=5, modification="make it 4"))
    assert other.question == (
        Question(query=4) if case.benchmark.queries[4].reference == query.reference else other.question
    )


def test_a_picture_of_ones_own_is_captioned_edited_and_encoded_once(explore, own_picture, encoder):
    explorer = explore(picture=own_picture, modification="make it blue", method="pdv_f")
    answer = explorer.answer
    assert answer.reference == "holiday.png"
    assert answer.texts["composed_caption"] == "a square of colour (200, 10, 10), but make it blue"
    assert answer.first.n_ranked == 40  # it is not in the gallery: nothing is excluded
    asked = encoder.asked
    assert asked == 3  # picture, caption, edit; the modification itself is no term of PDV
    explorer.ask(method=PDVFusion(beta=0.1))
    assert encoder.asked == asked
    explorer.ask(question=Question(picture=own_picture, modification="make it red"))
    assert encoder.asked == asked + 1  # the new edit alone


def test_an_edit_that_fails_is_said_and_the_modification_stands_in(explore):
    answer = explore(reference=3, modification="something impossible", method="cirevl").answer
    assert answer.texts["composed_caption"] == "something impossible"
    assert "could not be edited (nobody can do that)" in answer.notes[0]
    assert not explore(reference=3, modification="something", method="cirevl").answer.notes


def test_what_cannot_be_answered_is_said_and_changes_nothing(explore, case):
    explorer = explore(2)
    before = explorer.view, explorer.answer
    for changes, message in [
        ({"question": Question(query=2, modification="  ")}, "modification text is empty"),
        ({"question": Question(query=99)}, "query: got 99, expected 0 to 11"),
        ({"question": Question(row=40, modification="x")}, "row: got 40, expected 0 to 39"),
        ({"k": 0}, "k: got 0, expected at least 1"),
        (
            {"question": Question(row=1, modification="x"), "method": start("searle")},
            "known for the benchmark's own queries",
        ),
    ]:
        with pytest.raises(ViewError, match=message):
            explorer.ask(**changes)
    with pytest.raises(ViewError, match=r"reference_caption_3: .* one caption only"):
        explorer.ask(method=CIReVL(captions=3))
    assert (explorer.view, explorer.answer) == before


def test_models_of_another_case_are_refused(case):
    from workbench.widgets import Explorer

    other = Explorer(
        case, reference=1, modification="x", method="text_only", encoder=ToyEncoder(id="other@2")
    )
    with pytest.raises(ViewError, match=r"case's encoder, toy@1; got other@2.*encoder="):
        other.look(other.view)
    with pytest.raises(ViewError, match="none could be found by that id"):
        Explorer(case, reference=1, modification="x").ask(method=TextOnly())


def test_only_possible_methods_are_offered(make_case, explore):
    plain = make_case(seed=1)
    for part in (*MORE_PARTS, "reference_caption", "reference_caption_2", "composed_caption"):
        plain.parts.pop(part)
    plain.corpora.clear()
    case: Case = build(plain)
    names = explore(case=case).methods
    assert set(names) >= {"image_only", "text_only", "weighted_sum", "slerp", "product", "standardised_sum"}
    assert not {"cirevl", "pdv_f", "basic", "judge_rerank", "weimocir"} & set(names)
    assert all(isinstance(start(name), LinearMethod) for name in ("slerp", "weighted_sum"))


def test_where_only_candidates_are_ranked_they_are_all_that_is_shown(make_case, explore):
    """As in GeneCIS: fewer than k pictures take part."""
    plain = make_case(seed=6)
    bench = plain.benchmark
    case = build(replace(plain, benchmark=replace(bench, qrels={"default": bench.qrels["subset"]})))
    answer = explore(4, case=case, k=20).answer
    among = set(bench.qrels["subset"].candidates[4].tolist())
    assert set(answer.first.rows.tolist()) == among
    assert answer.first.n_ranked == 6
    ranks = method_ranks(case, WeightedSum(), ["default"])["default"]
    assert answer.first.rank == ranks[4, 0]


def test_a_reference_outside_the_gallery_is_shown_and_asked_about(make_case, explore):
    """As in i-CIR: the picture comes with the query, and nothing is excluded for other words."""
    case = build(make_case(seed=7))
    queries = (
        replace(case.benchmark.queries[0], reference=None, reference_image="outside"),
        *case.benchmark.queries[1:],
    )
    outside = Image.new("RGB", (8, 8), (1, 2, 3))
    case = replace(case, benchmark=replace(case.benchmark, queries=queries, references=[outside]))
    explorer = explore(0, case=case, method=PDVFusion())
    assert explorer.answer.judged
    assert explorer.desk.reference(explorer.answer.question).getpixel((0, 0)) == (1, 2, 3)
    other = explorer.ask(question=Question(query=0, modification="make it loud"))
    assert other.reference == "outside"
    assert other.texts["reference_caption"] == case.texts["reference_caption"][0]
    assert other.first.n_ranked == 40


def test_a_caption_that_is_not_at_hand_is_not_written_only_to_be_shown(explore, case):
    """The benchmark's edits are recorded; what was edited may not be, and nobody is asked for it."""
    texts = {
        name: words for name, words in case.texts.items() if name != "reference_caption" and name != "caption"
    }
    bare = replace(case, texts=texts, captions="somebody@else")
    explorer = explore(3, case=bare, method="cirevl")
    assert list(explorer.answer.texts) == ["modification", "composed_caption"]
    assert list(explore(3, method="cirevl").answer.texts) == [
        "modification",
        "reference_caption",
        "composed_caption",
    ]
    with pytest.raises(ViewError, match="needs the case's captioner, somebody@else"):
        explorer.ask(question=Question(query=3, modification="other words"))
