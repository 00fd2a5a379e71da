"""Certified ranks: those of float64, also where float32 is torn between twins."""

import numpy as np
import pytest

from tests.reference import ranks as slow
from workbench.arrays import ArrayError
from workbench.data.benchmark import Qrels
from workbench.score import certified, exact
from workbench.score.certified import certified_target_ranks
from workbench.score.ranks import target_ranks
from workbench.score.similarities import Similarities, Term

TERMS = (Term("reference_image"), Term("modification"), Term("modification", "caption"))


def rows(rng, shape):
    return (rng.normal(size=shape) * rng.uniform(0.5, 9, (shape[0], 1))).astype(np.float32)


def exact_scores(weights, sims):
    """float64 all the way, pair by pair."""

    def unit(x):
        x = x.astype(np.float64)
        return x / np.sqrt((x * x).sum(axis=-1, keepdims=True))

    per_query = np.broadcast_to(
        np.asarray(weights, np.float32).astype(np.float64), (sims.n_queries, len(sims.terms))
    )
    total = 0
    for view in sims.view_names:
        chosen = [k for k, term in enumerate(sims.terms) if term.view == view]
        query = sum(per_query[:, k, None] * unit(sims.parts[sims.terms[k].part]) for k in chosen)
        total = total + np.array([[(q * g).sum() for g in unit(sims.views[view])] for q in query])
    return total


def ranks_of(weights, sims, qrels):
    return certified_target_ranks(weights, sims, {"default": qrels})["default"]


@pytest.fixture
def twins():
    """A gallery in which every picture occurs three times, in an order that float32 products do not respect."""
    rng = np.random.default_rng(0)
    order = rng.permutation(np.repeat(np.arange(30), 3))
    image, caption = rows(rng, (30, 24)), rows(rng, (30, 24))
    parts = {name: rows(rng, (25, 24)) for name in ("reference_image", "modification")}
    sims = Similarities(parts, {"image": image[order], "caption": caption[order]}, TERMS)
    targets = rng.permuted(np.tile(np.arange(90), (25, 1)), axis=1)[:, :3]
    excluded = rng.permuted(np.tile(np.arange(90), (25, 1)), axis=1)[:, :2]
    return sims, Qrels(targets, excluded)


@pytest.mark.parametrize("per_query", [False, True])
def test_ranks_are_those_of_float64(twins, per_query):
    sims, qrels = twins
    rng = np.random.default_rng(1)
    for _ in range(5):
        weights = rng.normal(size=(25, 3) if per_query else 3).astype(np.float32)
        expected = slow.target_ranks(exact_scores(weights, sims), qrels)
        np.testing.assert_array_equal(ranks_of(weights, sims, qrels), expected)


def test_a_gallery_of_equal_rows_ranks_targets_last_whatever_the_rounding(twins):
    sims, _ = twins
    row = sims.views["image"][:1]
    same = {view: np.repeat(row, 90, axis=0) for view in sims.views}
    equal = Similarities(sims.parts, same, TERMS)
    qrels = Qrels(np.arange(25)[:, None])
    assert (ranks_of(np.array([0.3, 0.5, 0.2]), equal, qrels) == 90).all()


def test_without_near_ties_it_is_the_plain_count(make_case):
    case = make_case(seed=11)
    sims = case.similarities(TERMS)
    weights = np.array([0.4, 0.4, 0.2])
    ranks = certified_target_ranks(weights, sims, case.benchmark.qrels)
    assert list(ranks) == ["default", "subset"]
    for name, qrels in case.benchmark.qrels.items():
        np.testing.assert_array_equal(ranks[name], target_ranks(sims.combine(weights), qrels))


def test_small_blocks_give_the_same(twins, monkeypatch):
    sims, qrels = twins
    weights = np.array([1.0, -0.5, 0.25])
    whole = ranks_of(weights, sims, qrels)
    monkeypatch.setattr("workbench.score.similarities.BLOCK_BYTES", 4 * 90 * 4 * 7)
    monkeypatch.setattr(exact, "PAIR_CELLS", 24 * 5)
    assert len(list(sims.query_slices(copies=4))) == 4
    np.testing.assert_array_equal(ranks_of(weights, sims, qrels), whole)


def test_weights_that_do_not_fit(twins):
    sims, qrels = twins
    with pytest.raises(ArrayError, match="weights"):
        ranks_of(np.ones((24, 3)), sims, qrels)


def test_large_cases_take_the_compiled_pass_to_the_same_ranks(twins, monkeypatch):
    sims, qrels = twins
    weights = np.array([0.7, -0.2, 0.4], np.float32)
    plain = certified.certified_ranks(weights, sims, {"q": qrels})["q"]
    monkeypatch.setattr(certified, "LARGE", 1)
    monkeypatch.setattr(certified, "certified_target_ranks", None)  # not by the plain way
    np.testing.assert_array_equal(certified.certified_ranks(weights, sims, {"q": qrels})["q"], plain)
