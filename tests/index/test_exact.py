"""Blocked search against a full sort, with ties, excluded pictures, and bounded memory."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.arrays import ArrayError
from workbench.index import blocks, nearest, nearest_of_blocks, nearest_of_scores
from workbench.score.ranks import top_k


def rows(n, width=8, seed=0):
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)


def sorted_best(scores, k):
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]


@settings(max_examples=50)
@given(st.integers(1, 400), st.integers(1, 9), st.integers(1, 6), st.integers(0, 99))
def test_search_is_a_stable_sort(n_items, k, grades, seed):
    """Few grades make many ties: equal scores stand by row."""
    scores = np.random.default_rng(seed).integers(grades, size=(4, n_items)).astype(np.float32)
    k = min(k, n_items)
    np.testing.assert_array_equal(nearest_of_scores(scores, k), sorted_best(scores, k))


def test_search_agrees_with_top_k():
    scores = rows(7, 500)
    np.testing.assert_array_equal(nearest_of_scores(scores, 10), top_k(scores, 10))


@pytest.mark.parametrize("cells", [1, 1000, 2**24])
def test_the_size_of_blocks_changes_nothing(monkeypatch, cells):
    monkeypatch.setattr(blocks, "BLOCK_CELLS", cells)
    queries, gallery = rows(9).astype(np.float64), rows(300, seed=1).astype(np.float64)
    np.testing.assert_array_equal(nearest(queries, gallery, 5), sorted_best(queries @ gallery.T, 5))


def test_excluded_pictures_never_come():
    gallery = rows(200)
    itself = np.arange(200)[:, None]
    best = nearest(gallery, gallery, 10, excluded=itself)
    assert not (best == itself).any()
    scores = gallery @ gallery.T
    np.fill_diagonal(scores, -np.inf)
    np.testing.assert_array_equal(best, sorted_best(scores, 10))
    padded = np.full((200, 2), -1)
    np.testing.assert_array_equal(nearest(gallery, gallery, 3, padded), nearest(gallery, gallery, 3))


def test_scores_are_not_written_to():
    scores = rows(5, 100)
    before = scores.copy()
    nearest_of_scores(scores, 3, excluded=np.zeros((5, 1), int))
    assert (scores == before).all()


def test_what_cannot_be_ranked_is_named():
    scores = rows(5, 300)
    with pytest.raises(ArrayError, match="k: got 301, but the gallery has 300"):
        nearest_of_scores(scores, 301)
    scores[3, 1:] = -np.inf
    with pytest.raises(ArrayError, match="k: got 4, but query 3 ranks 1 pictures"):
        nearest_of_scores(scores, 4)
    scores[3] = np.nan
    with pytest.raises(ArrayError, match="NaN at query 3, item 0"):
        nearest_of_scores(scores, 1)
    with pytest.raises(ArrayError, match="query 2 of 4 is in none"):
        nearest_of_blocks([(slice(0, 2), rows(2, 10))], 4, 1)


@pytest.mark.parametrize("item", [17, 2999])
def test_one_nan_among_many_is_seen(item):
    scores = rows(5, 3000)
    scores[4, item] = np.nan
    with pytest.raises(ArrayError, match=f"NaN at query 4, item {item}"):
        nearest_of_scores(scores, 5)


def test_few_ranked_pictures_are_enough_if_they_are_k():
    """All others at -inf, and the few in the same group."""
    scores = np.full((1, 3200), -np.inf, np.float32)
    scores[0, [0, 100, 200]] = [1, 3, 2]
    assert nearest_of_scores(scores, 3).tolist() == [[100, 200, 0]]


def test_memory_is_a_block_whatever_the_number_of_queries(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_CELLS", 2**18)
    queries, gallery = rows(4000), rows(4000, seed=1)
    tracemalloc.start()
    nearest(queries, gallery, 10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * 4 * 2**18, "more than six blocks; the whole matrix has 61"


@pytest.mark.parametrize(
    ("k", "excluded", "message"),
    [
        (0, None, "k: got 0, expected at least 1"),
        (-1, None, "k: got -1, expected at least 1"),
        (3, np.full((5, 1), 100), "excluded: rows from 100 to 100, expected -1 .none. or 0 to 99"),
        (3, np.full((5, 1), -2), "excluded: rows from -2 to -2"),
    ],
)
def test_what_cannot_be_searched_is_named(k, excluded, message):
    with pytest.raises(ArrayError, match=message):
        nearest(rows(5), rows(100), k, excluded)
