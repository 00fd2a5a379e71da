"""Methods with a mitigator behind them: scores by the formula, banks that hold what they say, halves kept apart."""

from dataclasses import replace

import numpy as np
import pytest

from workbench.arrays import ArrayError, unit
from workbench.capture import hub_capture
from workbench.case import Case
from workbench.data.simulate import clouds, one_to_one
from workbench.evaluation import evaluate
from workbench.hubness import CSLS, NNN, Bank, BankError, InvertedSoftmax
from workbench.joint import (
    Given,
    Mitigated,
    MitigatedHalves,
    bank_of_queries,
    captions_bank,
    fair_scores,
    galleries_apart,
    other_case_bank,
)
from workbench.joint.mitigated import halves
from workbench.methods import (
    CIReVL,
    ImageOnly,
    MethodError,
    PDVFusion,
    Product,
    TextOnly,
    WeightedSum,
    WeiMoCIR,
)
from workbench.registry import UnknownName
from workbench.score.ranks import target_ranks


@pytest.fixture
def case(make_case):
    return make_case(1, queries=40, items=60)


@pytest.mark.parametrize("method", [CIReVL(), PDVFusion(), WeiMoCIR(beta=0.4), WeightedSum(0.3)])
def test_fair_scores_rank_as_the_method_does(case, method):
    qrels = case.benchmark.qrels["default"]
    assert (target_ranks(fair_scores(case, method), qrels) == target_ranks(method.score(case), qrels)).all()


def test_fair_scores_are_cosines_of_composed_queries(case):
    v, c, e = (unit(case.parts[p]) for p in ("reference_image", "reference_caption", "composed_caption"))
    query = 0.25 * v - 0.5 * c + 1.25 * e
    expected = unit(query) @ unit(case.views["image"]).T
    np.testing.assert_allclose(fair_scores(case, PDVFusion()), expected, atol=1e-5)


def test_fair_scores_of_two_views_share_one_length(case):
    """Unit query rows of both views side by side: .6 and .4 of them, so the length is known."""
    method = WeiMoCIR(beta=0.4)
    np.testing.assert_allclose(fair_scores(case, method), method.score(case) / np.hypot(0.6, 0.4), atol=1e-5)


def test_a_method_that_is_not_linear_keeps_its_scale(case):
    np.testing.assert_array_equal(fair_scores(case, Product()), Product().score(case))


def test_a_query_of_no_length_is_named(case):
    same = {**case.parts, "modification": -case.parts["reference_image"]}
    with pytest.raises(ArrayError, match=r"weighted_sum.*query \d+ has no length"):
        fair_scores(replace(case, parts=same), WeightedSum(0.5))


def test_the_bank_leaves_out_what_is_never_ranked(case):
    excluded = case.benchmark.qrels["default"].excluded
    rows = np.array([4, 0, 7])
    bank = bank_of_queries(case, CIReVL(), "some", rows)
    scores = fair_scores(case, CIReVL())
    gone = np.isneginf(bank.scores)
    assert gone.sum() == (excluded[rows] >= 0).sum() == 3
    assert all(gone[i, excluded[q, 0]] for i, q in enumerate(rows))
    np.testing.assert_array_equal(bank.scores[~gone], scores[rows][~gone])
    assert bank.label == "some, 3, inductive" and np.isfinite(scores).all()


def test_mitigated_is_the_formula(case, make_case):
    other = make_case(2, queries=30, items=60)
    shared = replace(case, parts=other.parts, benchmark=other.benchmark)  # other queries, the same gallery
    bank = bank_of_queries(shared, CIReVL(), "other queries")
    scores = Mitigated(CIReVL(), NNN(k=3, alpha=0.7), bank).score(case)
    against = np.sort(bank.scores, axis=0)[-3:].mean(axis=0)
    np.testing.assert_allclose(scores, fair_scores(case, CIReVL()) - 0.7 * against, atol=1e-5)


def test_the_test_queries_as_a_bank_must_say_so(case):
    with pytest.raises(BankError, match="holds every test query"):
        Mitigated(
            ImageOnly(), CSLS(5), Bank(unit(case.parts["reference_image"]), unit(case.views["image"]), "x")
        ).score(case)


@pytest.mark.parametrize("own", [False, True])
def test_halves_follow_the_loop(case, own):
    half, scores = halves(case), fair_scores(case, PDVFusion())
    excluded = case.benchmark.qrels["default"].excluded
    found = MitigatedHalves(PDVFusion(), NNN(k=4, alpha=0.5), own).score(case)
    for q in range(40):
        members = [b for b in range(40) if (half[b] == half[q]) == own]
        for n in range(0, 60, 7):
            seen = sorted((scores[b, n] for b in members if n not in excluded[b]), reverse=True)
            assert found[q, n] == pytest.approx(scores[q, n] - 0.5 * np.mean(seen[:4]), abs=1e-5)


def test_queries_with_one_reference_stay_in_one_half_and_seeds_differ(case):
    half, clusters = halves(case), case.benchmark.clusters
    assert set(half) == {0, 1} and abs(half.mean() - 0.5) < 0.1
    assert all(len(set(half[clusters == c])) == 1 for c in clusters)
    assert (halves(case, seed=1) != half).any() and (halves(case) == half).all()


def test_apart_nobody_ranks_what_only_the_other_half_asks_for(case):
    before, after = case.benchmark.qrels["default"], galleries_apart(case).benchmark.qrels["default"]
    half, targets = halves(case), [set(row) - {-1} for row in before.targets.tolist()]
    asked = [set().union(*(targets[q] for q in range(40) if half[q] == h)) for h in (0, 1)]
    assert asked[0] - asked[1] and asked[1] - asked[0]
    for q, h in enumerate(half):
        gone = set(after.excluded[q].tolist()) - {-1}
        assert gone == (set(before.excluded[q].tolist()) - {-1}) | (asked[1 - h] - asked[h])
        assert gone & targets[q] <= set(before.excluded[q].tolist())  # nothing of its own is lost
    assert (after.targets == before.targets).all()


def test_a_shared_gallery_tells_which_pictures_are_taken():
    """Pairs without hubs: other texts help only where they give away their own pictures, which no query wants."""
    toy = clouds(pairs=500, width=16, noise=0.7)
    shared = Case(one_to_one(500), "toy", None, None, {"modification": toy.texts}, {"image": toy.images})

    def gain(case, own):
        methods = {"plain": TextOnly(), "better": MitigatedHalves(TextOnly(), InvertedSoftmax(), own)}
        recall = evaluate(case, methods, ["recall@1"]).groupby("method")["recall@1"].mean()
        return recall["better"] - recall["plain"]

    assert gain(shared, own=False) > 0.03
    assert gain(galleries_apart(shared), own=False) < -0.03
    assert gain(galleries_apart(shared), own=True) > 0.03  # each text pushes its own picture's rivals away


def test_an_inductive_half_has_not_seen_itself(case):
    """Other queries in its own half change nothing for a query; in a transductive half they do."""
    half = halves(case)
    mine = np.flatnonzero(half == 0)
    parts = {name: rows.copy() for name, rows in case.parts.items()}
    for rows in parts.values():
        rows[mine[1:]] = rows[mine[1:]][::-1] + 1
    changed = replace(case, parts=parts)
    for own, alike in ((False, True), (True, False)):
        method = MitigatedHalves(CIReVL(), CSLS(k=3), own)
        before, after = method.score(case)[mine[0]], method.score(changed)[mine[0]]
        assert np.allclose(before, after, atol=1e-5) is alike


def test_a_mitigated_method_is_evaluated_like_any_other(case):
    same = MitigatedHalves(CIReVL(), NNN(k=3, alpha=0.0))
    frame = evaluate(case, {"as it is": CIReVL(), "alpha 0": same, "given": Given(CIReVL().score(case))})
    hits = frame.groupby("method")["hit@5"].apply(list)
    assert hits["as it is"] == hits["alpha 0"] == hits["given"]
    assert hub_capture(case, same, 5).summary.equals(hub_capture(case, CIReVL(), 5).summary)


def test_captions_are_a_bank_for_methods_that_face_pictures(case):
    bank = captions_bank(case, CIReVL())
    np.testing.assert_array_equal(bank.queries, unit(case.views["caption"]))
    assert not bank.transductive and "captions" in bank.source
    with pytest.raises(MethodError, match="faces captions"):
        captions_bank(case, WeiMoCIR())
    with pytest.raises(UnknownName, match="caption"):
        captions_bank(replace(case, views={"image": case.views["image"]}), CIReVL())


def test_texts_of_another_case_are_a_bank(case, make_case):
    other = make_case(5, queries=25, items=30)
    bank = other_case_bank(case, other, source="descriptions")
    assert bank.n_queries == 25 and bank.n_items == 60 and bank.label == "descriptions, 25, inductive"
    with pytest.raises(UnknownName, match="Did you mean 'modification'"):
        other_case_bank(case, other, "modificatoin")
