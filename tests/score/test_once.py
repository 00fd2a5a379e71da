"""One setting, counted in one pass: the ranks of float64, over many blocks, views, targets and candidates."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference import exact_ranks as oracle
from workbench.arrays import ArrayError
from workbench.data.benchmark import BenchmarkError, Qrels
from workbench.kernels import ahead
from workbench.score import blocks, once
from workbench.score.certified import certified_target_ranks
from workbench.score.once import once_ranks
from workbench.score.similarities import Similarities, Term

TERMS = (Term("v"), Term("t"), Term("t", "caption"))


def world(seed: int, kind: str, queries: int = 9, items: int = 60, width: int = 20):
    """Rows with pictures that occur several times ("twins"), that hardly differ ("close"), or neither ("plain")."""
    rng = np.random.default_rng(seed)

    def raw(n, size=1.0):
        return (rng.normal(size=(n, width)) * rng.uniform(0.5, 9, (n, 1)) * size).astype(np.float32)

    views = {name: raw(items) for name in ("image", "caption")}
    if kind == "twins":
        which = rng.integers(0, items // 4, items)
        views = {name: rows[which] for name, rows in views.items()}
    if kind == "close":
        views = {name: rows[:1] + raw(items, 1e-6) for name, rows in views.items()}
    return Similarities({"v": raw(queries), "t": raw(queries)}, views, TERMS)


def qrels_of(rng, queries: int, items: int, candidates: bool) -> Qrels:
    order = rng.permuted(np.tile(np.arange(items), (queries, 1)), axis=1)
    targets = np.where(rng.random((queries, 3)) < 0.3, -1, order[:, :3])
    return Qrels(targets, order[:, 5:7], order[:, : items // 3] if candidates else None)


@given(
    st.integers(0, 10**6),
    st.sampled_from(["plain", "twins", "close"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, "item", "pair"]),
)
@settings(max_examples=60, deadline=None)
def test_no_rank_differs_from_the_oracle(seed, kind, per_query, candidates, biased):
    sims, rng = world(seed, kind), np.random.default_rng(seed)
    qrels = qrels_of(rng, 9, 60, candidates)
    weights = rng.normal(size=(9, 3) if per_query else 3).astype(np.float32)
    shape = {None: None, "item": 60, "pair": (9, 60)}[biased]
    bias = None if shape is None else (0.01 * rng.normal(size=shape)).astype(np.float32)
    found = once_ranks(weights, sims, {"q": qrels}, bias, workers=2)["q"]
    np.testing.assert_array_equal(found, oracle.target_ranks([weights], sims, qrels, bias)[0])


@pytest.mark.parametrize("size", [1e-14, 1.0, 1e14])
def test_the_lengths_of_long_rows_are_right_at_any_scale(size):
    rows = (np.random.default_rng(3).normal(size=(50, 700)) * size).astype(np.float32)
    found = np.empty(50, np.float32)
    ahead.inverse_lengths(rows, found)
    expected = 1 / np.linalg.norm(rows.astype(np.float64), axis=1)
    np.testing.assert_allclose(found, expected, rtol=5 * 2.0**-24)


@pytest.mark.parametrize("kind", ["plain", "twins", "close"])
def test_several_qrels_blocks_and_workers_change_nothing(kind, monkeypatch):
    sims, rng = world(1, kind, 40, 300), np.random.default_rng(1)
    qrels = {"a": qrels_of(rng, 40, 300, False), "b": qrels_of(rng, 40, 300, True)}
    weights = np.array([0.5, 0.3, 0.2], np.float32)
    whole = once_ranks(weights, sims, qrels, workers=1)
    monkeypatch.setattr(blocks, "ITEMS", 17)
    monkeypatch.setattr(once, "QUERIES", 16)
    monkeypatch.setattr(once, "ROOM", 1)  # near pairs do not fit and are listed anew
    small = once_ranks(weights, sims, qrels, workers=3)
    expected = certified_target_ranks(weights, sims, qrels)
    for name in qrels:
        np.testing.assert_array_equal(small[name], whole[name])
        np.testing.assert_array_equal(small[name], expected[name])


def test_a_rounding_error_near_the_bound_counts_everything_again(monkeypatch):
    """With a bound of nothing, only errors that are seen can bring the right bound into play."""
    sims, rng = world(5, "close", 12, 80), np.random.default_rng(5)
    qrels, weights = {"q": qrels_of(rng, 12, 80, False)}, np.array([1.0, -0.4, 0.2], np.float32)
    expected = oracle.target_ranks([weights], sims, qrels["q"])[0]
    asked = []
    monkeypatch.setattr(once, "usual_rounding", lambda width: asked.append(width) or 0.0)
    np.testing.assert_array_equal(once_ranks(weights, sims, qrels)["q"], expected)
    assert asked == [20]


def test_a_constant_scorer_and_equal_rows_come_last():
    sims = world(2, "plain")
    qrels = {"q": Qrels(np.arange(9)[:, None])}
    assert (once_ranks(np.zeros(3, np.float32), sims, qrels)["q"] == 60).all()
    row = {view: np.repeat(rows[:1], 60, axis=0) for view, rows in sims.views.items()}
    equal = Similarities(sims.parts, row, TERMS)
    assert (once_ranks(np.array([0.3, -2, 0.2], np.float32), equal, qrels)["q"] == 60).all()


def test_half_and_double_precision_and_memory_maps(tmp_path):
    sims, rng = world(3, "plain"), np.random.default_rng(3)
    qrels, weights = {"q": qrels_of(rng, 9, 60, False)}, np.array([0.5, 0.3, 0.2], np.float32)
    for dtype in (np.float16, np.float64):
        other = {name: rows.astype(dtype) for name, rows in sims.views.items()}
        np.save(tmp_path / "image.npy", other["image"])
        other["image"] = np.load(tmp_path / "image.npy", mmap_mode="r")
        given = Similarities(sims.parts, other, TERMS)
        expected = oracle.target_ranks([weights], given, qrels["q"])[0]
        np.testing.assert_array_equal(once_ranks(weights, given, qrels)["q"], expected)


def test_rows_without_direction_and_what_does_not_fit_are_refused():
    sims = world(4, "plain")
    rank = inspect.unwrap(once_ranks)
    with pytest.raises(ArrayError, match="weights"):
        rank(np.ones(2, np.float32), sims, {"q": Qrels(np.zeros((9, 1), int))})
    with pytest.raises(BenchmarkError, match=r"qrels\['q'\]: got 8 rows"):
        rank(np.ones(3, np.float32), sims, {"q": Qrels(np.zeros((8, 1), int))})
    for value, message in ((0, "length 0.0"), (np.nan, "NaN")):
        bad = sims.views["image"].copy()
        bad[33] = value
        broken = Similarities(sims.parts, {**sims.views, "image": bad}, TERMS)
        with pytest.raises(ArrayError, match=f"view 'image'.*{message}"):
            rank(np.ones(3, np.float32), broken, {"q": Qrels(np.zeros((9, 1), int))})


def test_memory_stays_at_a_few_blocks():
    import tracemalloc

    rng = np.random.default_rng(0)
    sims = Similarities(
        {"v": rng.normal(size=(64, 32)).astype(np.float32)},
        {"image": rng.normal(size=(100_000, 32)).astype(np.float32)},
        [Term("v")],
    )
    qrels = {"q": Qrels(rng.integers(0, 100_000, (64, 1)))}
    once_ranks(np.ones(1, np.float32), sims, qrels)
    tracemalloc.start()
    once_ranks(np.ones(1, np.float32), sims, qrels, workers=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 2**20, "the scores alone would take 24 MiB"
