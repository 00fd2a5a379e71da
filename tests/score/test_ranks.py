"""Ranks: the counted ones equal the sorted ones, and the rule's corners."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference import ranks as slow
from workbench.arrays import ArrayError
from workbench.data.benchmark import BenchmarkError, Qrels
from workbench.score import ranks as ranks_module
from workbench.score.ranks import NEVER, count_ties, linear_target_ranks, target_ranks, top_k


@st.composite
def problems(draw):
    """Scores with many ties, several targets, excluded and perhaps candidates, all padded at random places."""
    q, n = draw(st.integers(1, 4)), draw(st.integers(2, 9))
    levels = st.sampled_from([-np.inf, -1.0, 0.0, 0.25, 1.0, np.inf])
    scores = np.array([draw(st.lists(levels, min_size=n, max_size=n)) for _ in range(q)], np.float32)

    def rows(width):
        order = [draw(st.permutations(range(n)))[:width] for _ in range(q)]
        pads = [draw(st.lists(st.booleans(), min_size=width, max_size=width)) for _ in range(q)]
        pads, order = np.array(pads, bool).reshape(q, width), np.array(order, int).reshape(q, width)
        return np.where(pads, -1, order)

    targets = rows(draw(st.integers(1, min(4, n))))
    excluded = rows(draw(st.integers(0, min(3, n))))
    candidates = rows(draw(st.integers(1, n))) if draw(st.booleans()) else None
    return scores, Qrels(targets, excluded, candidates)


@given(problems())
@settings(max_examples=120, deadline=None)
def test_counted_ranks_equal_sorted_ones(problem):
    scores, qrels = problem
    np.testing.assert_array_equal(target_ranks(scores, qrels), slow.target_ranks(scores, qrels))
    np.testing.assert_array_equal(count_ties(scores, qrels), slow.count_ties(scores, qrels))


@given(problems())
@settings(max_examples=60, deadline=None)
def test_top_k_is_the_list_in_which_the_ranks_are_places(problem):
    scores, qrels = problem
    for q in range(len(scores)):
        one = qrels.rows(slice(q, q + 1))
        candidates = None if one.candidates is None else one.candidates[0].tolist()
        order = slow.ranking(scores[q], one.targets[0].tolist(), one.excluded[0].tolist(), candidates)
        for k in range(1, len(order) + 1):
            assert top_k(scores[q : q + 1], k, one)[0].tolist() == order[:k]


def test_small_blocks_give_the_same(monkeypatch):
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 6, (23, 11)).astype(np.float32)
    qrels = Qrels(rng.permuted(np.tile(np.arange(11), (23, 1)), axis=1)[:, :3])
    whole = target_ranks(scores, qrels), count_ties(scores, qrels)
    monkeypatch.setattr(ranks_module, "BLOCK_CELLS", 25)
    np.testing.assert_array_equal(target_ranks(scores, qrels), whole[0])
    np.testing.assert_array_equal(count_ties(scores, qrels), whole[1])


def test_a_constant_scorer_comes_last():
    qrels = Qrels(np.array([[0], [4]]), excluded=np.array([[1], [2]]))
    assert target_ranks(np.zeros((2, 5), np.float32), qrels).tolist() == [[4], [4]]


def test_genecis_target_first_gains_nothing_from_ties():
    """The target stands first among its candidates: a stable sort of equal scores would call that 100 %."""
    qrels = Qrels(np.array([[0]]), candidates=np.arange(15)[None])
    assert target_ranks(np.ones((1, 20), np.float32), qrels).tolist() == [[15]]


def test_targets_that_are_not_ranked_never_pass():
    scores = np.array([[0.9, 0.5, 0.1, 0.0]], np.float32)
    padded = Qrels(np.array([[0, -1]]))
    hidden = Qrels(np.array([[0, 1]]), excluded=np.array([[1]]))
    outside = Qrels(np.array([[0, 1]]), candidates=np.array([[0, 2, -1]]))
    for qrels in (padded, hidden, outside):
        ranks = target_ranks(scores, qrels)
        assert ranks.dtype == np.int32
        assert ranks.tolist() == [[1, NEVER]]


def test_other_targets_count_by_score_then_column():
    qrels = Qrels(np.array([[2, 0, 1]]))
    assert target_ranks(np.array([[0.5, 0.5, 0.5, 0.1]], np.float32), qrels).tolist() == [[1, 2, 3]]


def test_bad_scores_are_refused_by_name():
    rank = inspect.unwrap(target_ranks)  # as users call it, without the shape checks of the tests
    qrels = Qrels(np.array([[0], [1]]))
    scores = np.zeros((2, 3), np.float32)
    scores[1, 2] = np.nan
    with pytest.raises(ArrayError, match="scores: NaN at query 1, item 2"):
        rank(scores, qrels)
    with pytest.raises(ArrayError, match=r'scores: got shape \(2,\), expected "Q N"'):
        rank(np.zeros(2, np.float32), qrels)
    with pytest.raises(ArrayError, match="scores: got int64, expected floats"):
        rank(np.zeros((2, 3), np.int64), qrels)
    with pytest.raises(ArrayError, match="gallery of 1"):
        rank(np.zeros((2, 1), np.float32), Qrels(np.array([[0], [0]])))
    with pytest.raises(BenchmarkError, match="got 2 rows, expected one for each of 3"):
        rank(np.zeros((3, 3), np.float32), qrels)
    with pytest.raises(BenchmarkError, match="points at row 1, but the gallery has 1"):
        rank(np.zeros((2, 1), np.float32), qrels)


def test_top_k_refuses_to_shrink():
    scores = np.zeros((1, 4), np.float32)
    with pytest.raises(ArrayError, match="k: got 4, but query 0 ranks 3 pictures"):
        top_k(scores, 4, Qrels(np.array([[0]]), excluded=np.array([[1]])))
    assert top_k(scores, 4).tolist() == [[0, 1, 2, 3]]


def test_linear_ranks_equal_ranks_of_combined_scores(make_case):
    case = make_case(seed=3)
    sims = case.similarities((("reference_image", "image"), ("modification", "caption")))
    rng = np.random.default_rng(1)
    qrels = Qrels(rng.integers(0, 40, (12, 1)), excluded=rng.integers(0, 40, (12, 1)))
    shared = rng.normal(size=(5, 2))
    per_query = rng.normal(size=(4, 12, 2))
    for weights in (shared, per_query):
        ranks = linear_target_ranks(weights, sims, qrels)
        for p, weight in enumerate(weights):
            np.testing.assert_array_equal(ranks[p], target_ranks(sims.combine(weight), qrels))


def test_linear_ranks_in_small_blocks(make_case, monkeypatch):
    sims = make_case(seed=4).similarities((("reference_image", "image"),))
    qrels = Qrels(np.arange(12)[:, None])
    weights = np.array([[1.0], [-1.0]])
    whole = linear_target_ranks(weights, sims, qrels)
    monkeypatch.setattr("workbench.score.similarities.BLOCK_BYTES", 4 * 40 * 2 * 5)
    np.testing.assert_array_equal(linear_target_ranks(weights, sims, qrels), whole)


def test_linear_ranks_refuse_weights_that_do_not_fit(make_case):
    sims = make_case().similarities((("reference_image", "image"),))
    qrels = Qrels(np.arange(12)[:, None])
    rank = inspect.unwrap(linear_target_ranks)
    with pytest.raises(
        ArrayError, match=r"weights: got shape \(2, 1, 3\), expected \(P, 1\) or \(P, 12, 1\)"
    ):
        rank(np.ones((2, 3)), sims, qrels)
    with pytest.raises(ArrayError, match="NaN or infinite"):
        rank(np.array([[np.nan]]), sims, qrels)


@given(problems(), st.sampled_from([np.float32, np.float64]))
@settings(max_examples=120, deadline=None)
def test_the_compiled_count_gives_the_same(problem, dtype):
    scores, qrels = problem
    if qrels.candidates is None:
        found = ranks_module._ranks_in_threads(scores.astype(dtype), qrels)
        assert found.dtype == np.int32
        np.testing.assert_array_equal(found, slow.target_ranks(scores, qrels))


def test_large_matrices_are_counted_by_it_and_nan_is_still_named(monkeypatch):
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 6, (23, 11)).astype(np.float32)
    qrels = Qrels(rng.permuted(np.tile(np.arange(11), (23, 1)), axis=1)[:, :3])
    plain = target_ranks(scores, qrels)
    monkeypatch.setattr(ranks_module, "LARGE", 1)
    monkeypatch.setattr(ranks_module._Block, "in_pool", None)  # not by the plain count
    np.testing.assert_array_equal(target_ranks(scores, qrels), plain)
    scores[20, 3] = np.nan
    with pytest.raises(ArrayError, match="scores: NaN at query 20, item 3"):
        target_ranks(scores, qrels)
