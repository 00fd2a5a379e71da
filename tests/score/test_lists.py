"""Ranks from lists: the same as ranks from the scores that made them, and what a cut-off list leaves open."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.arrays import ArrayError
from workbench.data.benchmark import Qrels
from workbench.metrics import average_precision_at, average_precision_trapezoid, hit_at, recall_at
from workbench.score.lists import UNLISTED, list_ranks
from workbench.score.ranks import NEVER, target_ranks


@st.composite
def rankings(draw):
    """Random orders of a small gallery, and qrels with excluded pictures, candidates or neither."""
    n, q = draw(st.integers(4, 12)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    orders = np.stack([rng.permutation(n) for _ in range(q)]).astype(np.int32)
    picks = np.stack([rng.permutation(n) for _ in range(q)])
    targets = np.where(rng.random((q, 3)) < 0.3, -1, picks[:, :3])
    targets[:, 0] = picks[:, 0]
    excluded = picks[:, 3:4] if draw(st.booleans()) else None
    candidates = np.concatenate([picks[:, :1], picks[:, 2:4]], axis=1) if draw(st.booleans()) else None
    return orders, Qrels(targets, excluded, candidates)


@given(rankings())
def test_whole_lists_give_the_ranks_of_their_scores(case):
    orders, qrels = case
    scores = np.empty(orders.shape, np.float32)
    np.put_along_axis(scores, orders, -np.arange(orders.shape[1], dtype=np.float32)[None, :], axis=1)
    np.testing.assert_array_equal(list_ranks(orders, qrels), target_ranks(scores, qrels))


@given(rankings(), st.integers(0, 5))
def test_a_cut_list_knows_its_first_places_and_no_more(case, length):
    orders, qrels = case
    whole, cut = list_ranks(orders, qrels), list_ranks(orders[:, :length], qrels)
    known = cut < UNLISTED
    np.testing.assert_array_equal(cut[known], whole[known])
    assert (whole[~known] > 0).all()
    np.testing.assert_array_equal(cut == NEVER, whole == NEVER)


def test_an_unlisted_target_counts_as_a_target_and_is_never_found():
    ranks = list_ranks(np.array([[4, 1]]), Qrels(np.array([[1, 2]])))
    assert ranks.tolist() == [[2, UNLISTED]]
    assert average_precision_at(ranks)[0] == (1 / 2) / 2
    assert average_precision_at(ranks, 10)[0] == (1 / 2) / 2
    assert average_precision_trapezoid(ranks)[0] == pytest.approx((0 / 1 + 1 / 2) / 2 / (2 + 1e-5))
    alone = list_ranks(np.array([[4, -1]]), Qrels(np.array([[1]])))
    assert recall_at(alone, 10**6)[0] == hit_at(alone, 10**6)[0] == average_precision_trapezoid(alone)[0] == 0


def test_wrong_lists():
    qrels = Qrels(np.array([[1], [2]]))
    with pytest.raises(ArrayError, match="query 1 lists row 3 twice"):
        list_ranks(np.array([[0, 1, -1, -1], [3, 0, 3, -1]]), qrels)
    with pytest.raises(ArrayError, match="lists: got shape"):
        list_ranks(np.array([[0, 1]]), qrels)
