"""Half-line counting equals the float64 oracle: every setting, every target, no difference allowed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference import exact_ranks as slow
from workbench.data.benchmark import Qrels
from workbench.score import counting
from workbench.score.certified import certified_target_ranks
from workbench.score.counting import counted, lines_of
from workbench.score.lines import find_lines
from workbench.score.shares import equal_slices
from workbench.score.similarities import Similarities, Term

PDV = (Term("reference_image"), Term("reference_caption"), Term("composed_caption"))
TWO_VIEWS = (Term("reference_image"), Term("modification"), Term("modification", "caption"))
PARTS = ("reference_image", "reference_caption", "composed_caption", "modification")
AXES = {
    "uniform": np.linspace(0, 2, 5),
    "logarithmic": np.geomspace(1e-4, 1e4, 7),
    "tiny": np.array([0.0, 1e-7, 2e-7, 1e-3]),
    "tiniest": np.array([0.0, 1e-44, 1e-40, 2e-38]),
    "huge": np.array([1.0, 1e5, 1e6, 3e7]),
    "hugest": np.array([-3e37, 0.0, 1e36, 1e38]),
    "negative": np.array([-3.0, -0.1, 0.0, 1.7]),
    "random": np.random.default_rng(5).normal(size=6),
}


PIECE = 16  # queries whose ranks are made together


def count_ranks(weights, sims, qrels, bias=None, **how):
    """Target ranks (P, Q, T), made as a sweep makes them: settings line by line, a few queries at a time."""
    lines = lines_of(weights, bias is not None)
    found = counted(lines, sims, qrels, bias=bias, **how)
    pieces = [found.ranks(queries) for queries in equal_slices(sims.n_queries, PIECE)]
    return {name: np.concatenate([piece[name] for piece in pieces], axis=1)[lines.place] for name in qrels}


def pdv_weights(alphas, betas):
    """(P, 3), as PDV-F computes them."""
    return np.array(
        [
            [1 - b, b - ((1 - b) * i + b * t), (1 - b) * i + b * t]
            for i in alphas
            for t in alphas
            for b in betas
        ],
        np.float32,
    )


def world(seed, queries=6, items=40, width=16, kind="random", terms=PDV):
    """Similarities with the named difficulty."""
    rng = np.random.default_rng(seed)

    def rows(n):
        values = rng.normal(size=(n, width))
        if kind == "integers":  # exact ties between different rows
            values = rng.integers(-1, 2, (n, width)).astype(float)
            values[:, 0] = 1
        if kind == "close":  # all rows within rounding errors of each other
            values = rng.normal(size=width) + 1e-6 * values
        if kind == "peaked":  # one large number, and a tail that float32 sums lose
            values = np.abs(values) * 2.0**-13
            values[:, 0] = 1
        return (values * rng.choice([1.0, 4.0], (n, 1))).astype(np.float32)

    views = {"image": rows(items), "caption": rows(items)}
    if kind == "twins":
        order = rng.permutation(np.repeat(np.arange(items // 4), 4))
        views = {name: values[order] for name, values in views.items()}
    if kind == "equal":
        views = {name: np.repeat(values[:1], items, axis=0) for name, values in views.items()}
    parts = {name: rows(queries) for name in PARTS}
    if kind == "same texts":
        parts["composed_caption"] = parts["reference_caption"]
    return Similarities(parts, views, terms)


def qrels(seed, queries=6, items=40, targets=1, excluded=0, candidates=0):
    """Random targets with pads, excluded items (sometimes a target), candidates (sometimes without one)."""
    rng = np.random.default_rng(seed)
    order = rng.permuted(np.tile(np.arange(items, dtype=np.int32), (queries, 1)), axis=1)
    right = order[:, :targets].copy()
    right[::3, 1:] = -1
    gone = (
        order[:, targets - 1 : targets - 1 + excluded] if seed % 2 else order[:, targets : targets + excluded]
    )
    among = order[:, 1 : 1 + candidates] if seed % 5 == 0 else order[:, :candidates]
    return Qrels(right, gone, among if candidates else None)


KINDS = ("random", "twins", "integers", "close", "peaked", "equal", "same texts")


@settings(max_examples=80)
@given(
    seed=st.integers(0, 10**6),
    kind=st.sampled_from(KINDS),
    axis=st.sampled_from(sorted(AXES)),
    targets=st.sampled_from([1, 1, 3]),
    excluded=st.sampled_from([0, 1, 2]),
    candidates=st.sampled_from([0, 0, 6]),
)
def test_no_rank_differs_from_the_oracle(seed, kind, axis, targets, excluded, candidates):
    sims = world(seed, kind=kind)
    right = qrels(seed, targets=targets, excluded=excluded, candidates=candidates)
    weights = pdv_weights(AXES[axis][:4], [0.0, 0.3, 1.0])
    found = count_ranks(weights, sims, {"default": right})["default"]
    np.testing.assert_array_equal(found, slow.target_ranks(weights, sims, right))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("axis", AXES)
def test_all_axes_and_difficulties(kind, axis):
    sims, right = world(1, kind=kind), qrels(1, targets=3, excluded=1)
    weights = pdv_weights(AXES[axis], [0.0, 0.5, 0.6])
    found = count_ranks(weights, sims, {"default": right})["default"]
    np.testing.assert_array_equal(found, slow.target_ranks(weights, sims, right))


@pytest.mark.parametrize("terms", [PDV, TWO_VIEWS])
def test_weights_per_query_and_weights_on_no_line(terms):
    rng = np.random.default_rng(0)
    sims, right = world(2, kind="twins", terms=terms), qrels(2, targets=2, excluded=2)
    for shape in ((30, 3), (8, 6, 3)):
        weights = rng.normal(size=shape).astype(np.float32)
        found = count_ranks(weights, sims, {"default": right})["default"]
        np.testing.assert_array_equal(found, slow.target_ranks(weights, sims, right))


def test_two_views_along_a_line_per_query():
    """WeiMoCIR's shape: per query another line, the same places on it."""
    rng = np.random.default_rng(1)
    first, last = rng.uniform(0.1, 1, (2, 6, 3))
    first[:, 2], last[:, :2] = 0, 0
    weights = np.array([(1 - b) * first + b * last for b in np.linspace(0, 1, 9)], np.float32)
    assert len(find_lines(weights).start) == 2
    sims, right = world(3, terms=TWO_VIEWS), qrels(3)
    found = count_ranks(weights, sims, {"default": right})["default"]
    np.testing.assert_array_equal(found, slow.target_ranks(weights, sims, right))


@pytest.mark.parametrize("per_query", [False, True])
def test_a_bias_is_added_to_every_score(per_query):
    """A naive CSLS: half the mean similarity to the two nearest of a bank of queries is taken off."""
    sims, right = world(4, kind="twins"), qrels(4, targets=2, excluded=1)
    bank = slow.similarities(sims)[2]
    bias = -0.5 * np.sort(bank, axis=0)[-2:].mean(axis=0)
    bias = bias - 3 * bank if per_query else bias
    weights = pdv_weights([0.0, 0.5, 1.4], [0.0, 0.5, 1.0])
    found = count_ranks(weights, sims, {"default": right}, bias=bias)["default"]
    np.testing.assert_array_equal(found, slow.target_ranks(weights, sims, right, bias))


def test_several_qrels_in_one_pass_several_blocks_and_workers(monkeypatch):
    from workbench.score import blocks

    monkeypatch.setattr(blocks, "ITEMS", 7)
    monkeypatch.setattr(blocks, "SIMILARITIES", 3 * 7 * 16)
    sims = world(5, queries=40, kind="twins")
    right = {"default": qrels(5, queries=40, targets=2), "subset": qrels(6, queries=40, candidates=6)}
    weights = pdv_weights([0.0, 0.5, 1.4], [0.0, 0.5, 1.0])
    for workers in (1, 3):
        found = count_ranks(weights, sims, right, workers=workers)
        for name, some in right.items():
            np.testing.assert_array_equal(found[name], slow.target_ranks(weights, sims, some))


def test_a_rounding_error_near_the_bound_counts_everything_again(monkeypatch):
    sims, right = world(6, kind="close"), qrels(6)
    weights = pdv_weights([0.0, 0.5, 1.4], [0.0, 0.5, 1.0])
    monkeypatch.setattr(counting, "usual_rounding", lambda width: 1e-9)
    found = count_ranks(weights, sims, {"default": right})["default"]
    np.testing.assert_array_equal(found, slow.target_ranks(weights, sims, right))


def test_plain_ranks_are_those_of_the_float32_similarities_up_to_near_ties():
    sims, right = world(7), qrels(7, targets=2, excluded=1)
    weights = pdv_weights([0.0, 0.5, 1.4], [0.0, 0.5, 1.0])
    found = count_ranks(weights, sims, {"default": right}, certified=False)["default"]
    np.testing.assert_array_equal(found, slow.target_ranks(weights, sims, right))


@pytest.mark.parametrize("kind", ["twins", "integers"])
def test_the_way_without_numba_gives_the_same(kind):
    sims, right = world(8, kind=kind), qrels(8, targets=2, excluded=1)
    weights = pdv_weights([0.0, 0.5, 1e5], [0.0, 0.5, 1.0])
    found = count_ranks(weights, sims, {"default": right})["default"]
    for p, one in enumerate(weights):
        np.testing.assert_array_equal(found[p], certified_target_ranks(one, sims, {"d": right})["d"])


def test_half_precision_and_memory_mapped_rows(tmp_path):
    sims, right = world(9), qrels(9)
    weights = pdv_weights([0.0, 1.4], [0.0, 1.0])
    np.save(tmp_path / "image.npy", sims.views["image"].astype(np.float16))
    mapped = np.load(tmp_path / "image.npy", mmap_mode="r")
    half = Similarities(sims.parts, {"image": mapped}, PDV)
    found = count_ranks(weights, half, {"default": right})["default"]
    np.testing.assert_array_equal(found, slow.target_ranks(weights, half, right))


@pytest.mark.parametrize("size", [1e-42, 1e42])
def test_rows_of_any_length_are_ranked(size):
    """The kernel's float32 would lose them; the slow way to unit rows does not."""
    sims, right, weights = world(7), qrels(7), pdv_weights([0.5, 1.0], [0.0, 0.5])

    def scaled(tables):
        return {name: rows.astype(np.float64) * size for name, rows in tables.items()}

    for parts, views in ((scaled(sims.parts), sims.views), (sims.parts, scaled(sims.views))):
        found = count_ranks(weights, Similarities(parts, views, sims.terms), {"default": right})["default"]
        np.testing.assert_array_equal(found, slow.target_ranks(weights, sims, right))


def test_settings_that_stand_elsewhere_for_each_query():
    """On one line and at whole steps for both, but not at the same ones."""
    place = np.array([[0, 0], [0.5, 0.25], [1, 1]])
    weights = np.stack([1 - place, place], axis=2).astype(np.float32)
    assert len(find_lines(weights).start) == 2
    sims, right = world(4, queries=2, items=400, terms=PDV[:2]), qrels(4, queries=2, items=400)
    found = count_ranks(weights, sims, {"default": right})["default"]
    np.testing.assert_array_equal(found, slow.target_ranks(weights, sims, right))


def test_ranks_made_in_pieces_of_the_queries():
    """Several targets, weights per query, and more queries than one piece takes."""
    rng = np.random.default_rng(3)
    sims, right = world(5, queries=40, kind="integers"), qrels(5, queries=40, targets=3, excluded=1)
    weights = rng.integers(-2, 3, (7, 40, 3)).astype(np.float32)
    found = count_ranks(weights, sims, {"default": right})["default"]
    np.testing.assert_array_equal(found, slow.target_ranks(weights, sims, right))


def test_blas_has_its_threads_back_after_a_sweep():
    from threadpoolctl import threadpool_info

    before = [(one["filepath"], one["num_threads"]) for one in threadpool_info()]
    count_ranks(pdv_weights([0.5, 1.0], [0.0, 0.5]), world(7), {"default": qrels(7)}, workers=2)
    assert [(one["filepath"], one["num_threads"]) for one in threadpool_info()] == before
