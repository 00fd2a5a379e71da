"""The measures of the gap: the fixtures, naive formulas, limits, degenerate clouds, and the table of all."""

import numpy as np
import pytest

from workbench import geometry
from workbench.arrays import ArrayError, unit
from workbench.data.simulate import clouds
from workbench.geometry import GEOMETRY_METRICS, GeometryError, gap_report
from workbench.registry import UnknownName


@pytest.fixture
def pair(golden):
    given = golden("diag/gap_synth", "input.npz")
    return given["x"], given["y"]


@pytest.fixture
def expected(golden):
    return golden("diag/gap_synth", "expected.json")


@pytest.fixture
def random():
    rng = np.random.default_rng(3)
    return rng.normal(size=(40, 6)), rng.normal(size=(40, 6)) + 0.4


FROM_FIXTURE = {
    "L2M": lambda x, y: geometry.gap_norm(x, y),
    "L2I": lambda x, y: geometry.pair_distance(x, y),
    "RMG_coco": lambda x, y: geometry.relative_gap(x, y),
    "align_alpha1": lambda x, y: geometry.alignment(x, y, power=1.0),
    "align_alpha2": lambda x, y: geometry.alignment(x, y),
    "uniform_t2_x": lambda x, y: geometry.uniformity(x),
    "uniform_t2_y": lambda x, y: geometry.uniformity(y),
    "uniform_t2_union": lambda x, y: geometry.union_uniformity(x, y),
}


@pytest.mark.parametrize("name", FROM_FIXTURE)
def test_measures_equal_the_fixture(name, pair, expected):
    assert FROM_FIXTURE[name](*pair) == pytest.approx(expected[name], abs=1e-9)


@pytest.mark.parametrize("which", ["x", "y"])
def test_isoscore_equals_the_fixture(which, pair, expected):
    assert geometry.isoscore(pair["xy".index(which)]) == pytest.approx(
        expected[f"isoscore_{which}"], abs=1e-6
    )


def test_rows_are_made_unit_first(pair):
    x, y = pair
    lengths = np.linspace(0.5, 3, len(x))[:, None]
    for metric in GEOMETRY_METRICS.values():
        assert metric.compute(x * lengths, y) == pytest.approx(metric.compute(x, y), abs=1e-9), metric.id


def test_cone_width_is_the_mean_cosine_of_different_rows(pair):
    rows = unit(pair[0])
    naive = np.mean([rows[i] @ rows[j] for i in range(len(rows)) for j in range(len(rows)) if i != j])
    assert geometry.cone_width(pair[0]) == pytest.approx(naive, abs=1e-12)
    assert geometry.cone_width(np.ones((5, 3))) == pytest.approx(1)


def test_one_row_has_no_cone():
    with pytest.raises(ValueError, match="two rows, got 1"):
        geometry.cone_width(np.ones((1, 4)))


def test_cosines_of_others_and_their_auc(random):
    x, y = map(unit, random)
    own = [x[i] @ y[i] for i in range(40)]
    others = [x[i] @ y[j] for i in range(40) for j in range(40) if i != j]
    assert geometry.unpaired_cosine(x, y) == pytest.approx(np.mean(others), abs=1e-12)
    wins = np.mean([(a > b) + 0.5 * (a == b) for a in own for b in others])
    assert geometry.paired_auc(x, y) == pytest.approx(wins, abs=1e-12)


def test_auc_counts_ties_half():
    same = np.ones((4, 3))
    assert geometry.paired_auc(same, same) == 0.5


def test_auc_by_blocks_is_the_same(random, monkeypatch):
    whole = geometry.paired_auc(*random)
    monkeypatch.setattr("workbench.geometry.rows.BLOCK_BYTES", 8 * 40 * 7)
    assert geometry.paired_auc(*random) == pytest.approx(whole, abs=1e-12)


def test_recall_counts_ties_against_the_pair():
    same = np.ones((4, 3))
    assert geometry.pair_recall(same, same, k=3) == 0
    assert geometry.pair_recall(np.eye(4), np.eye(4)) == 1


def test_mmd_is_the_naive_sum(random):
    x, y = map(unit, random)
    both = np.concatenate([x, y])
    squared = [np.sum((a - b) ** 2) for i, a in enumerate(both) for b in both[i + 1 :]]
    width = np.median(squared)
    k = lambda a, b: np.exp(-np.sum((a - b) ** 2) / width)  # noqa: E731
    own = lambda z: np.mean([k(z[i], z[j]) for i in range(40) for j in range(40) if i != j])  # noqa: E731
    naive = own(x) + own(y) - 2 * np.mean([k(a, b) for a in x for b in y])
    assert geometry.mmd(x, y) == pytest.approx(naive, abs=1e-12)


@pytest.mark.parametrize("t", [2.0, 100.0])  # at 100 the rows themselves would drown all others
def test_uniformity_is_of_different_rows(random, t):
    z = unit(random[0])
    naive = np.mean([np.exp(-t * np.sum((a - b) ** 2)) for i, a in enumerate(z) for b in z[i + 1 :]])
    assert geometry.uniformity(z, t) == pytest.approx(np.log(naive), abs=1e-9)


@pytest.mark.parametrize("n", [5, 40])  # fewer rows than dimensions, and more
def test_frechet_is_the_formula_with_a_matrix_root(random, n):
    from scipy.linalg import sqrtm

    x, y = (unit(rows[:n]) for rows in random)
    a, b = np.cov(x.T), np.cov(y.T)
    gap = x.mean(axis=0) - y.mean(axis=0)
    naive = gap @ gap + np.trace(a + b - 2 * np.real(sqrtm(a @ b)))
    assert geometry.frechet(x, y) == pytest.approx(naive, abs=1e-6)
    assert geometry.frechet(x, x) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("n", [5, 40])
def test_spectra_are_those_of_the_covariance(random, n):
    x = unit(random[0][:n])
    values = np.clip(np.linalg.eigvalsh(np.cov(x.T)), 0, None)
    assert geometry.participation_ratio(x) == pytest.approx(values.sum() ** 2 / (values**2).sum())
    for centred in (True, False):
        singular = np.linalg.svd(x - x.mean(axis=0) * centred, compute_uv=False)
        p = singular[singular > 1e-12] / singular.sum()
        got = geometry.effective_rank(x, centred=centred)
        assert got == pytest.approx(np.exp(-np.sum(p * np.log(p))), rel=1e-9)
        assert got <= min(n, 6)


def test_isoscore_at_its_ends():
    even = np.concatenate([np.eye(8), -np.eye(8)])
    assert geometry.isoscore(even) == pytest.approx(1)
    line = np.outer(np.array([1.0, -1.0, 1.0, -1.0]), np.eye(8)[0])
    assert geometry.isoscore(line) == pytest.approx(0, abs=1e-12)


def test_gap_shares_end_at_one(pair):
    shares = [geometry.gap_share(*pair, top=k) for k in (1, 5, 48)]
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)
    with pytest.raises(GeometryError, match="top=49, expected 1 to 48"):
        geometry.gap_share(*pair, top=49)


def test_coherence_is_one_for_a_pure_translation():
    rng = np.random.default_rng(0)
    content = np.concatenate([np.zeros((30, 1)), unit(rng.normal(size=(30, 5)))], axis=1)
    up = np.eye(6)[0]
    assert geometry.gap_coherence(unit(content + up), unit(content - up)) == pytest.approx(1)


def test_separability_is_held_out():
    """Forty random rows in 200 dimensions can be separated where they are trained on, and nowhere else."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 40, 200))
    assert abs(geometry.linear_separability(x, y) - 0.5) < 0.2
    assert abs(geometry.mean_separability(x, y) - 0.5) < 0.2
    far = clouds(pairs=60, gap=0.8, seed=0)
    assert geometry.linear_separability(far.images, far.texts) == 1
    assert geometry.mean_separability(far.images, far.texts) == 1


def test_logistic_regression_is_scikit_learns():
    linear = pytest.importorskip("sklearn.linear_model")
    from workbench.geometry.separation import _logistic

    rng = np.random.default_rng(1)
    x, y = unit(rng.normal(size=(70, 5))), unit(rng.normal(size=(50, 5)) + 0.3)
    theirs = linear.LogisticRegression(C=1.0, tol=1e-8, max_iter=1000)
    theirs.fit(np.concatenate([x, y]), np.repeat([1, 0], [70, 50]))
    some = rng.normal(size=(20, 5))
    np.testing.assert_allclose(_logistic(x, y)(some), theirs.decision_function(some), atol=1e-3)


def test_purity_is_the_naive_count(random):
    x, y = map(unit, random)
    both, kind = np.concatenate([x, y]), np.repeat([0, 1], 40)
    shares = []
    for i, row in enumerate(both):
        near = sorted((j for j in range(80) if j != i), key=lambda j: -(both[j] @ row))[:10]
        shares.append(np.mean(kind[near] == kind[i]))
    assert geometry.neighbour_purity(x, y) == pytest.approx(np.mean(shares), abs=1e-12)


def test_purity_of_duplicates_does_not_depend_on_their_order():
    same = np.ones((20, 4))
    assert geometry.neighbour_purity(same, same, k=5) == pytest.approx(19 / 39)


def test_gap_alignment_where_the_gap_is_the_largest_spread():
    rng = np.random.default_rng(0)
    far = rng.normal(size=(200, 8)) + 6 * np.eye(8)[0], rng.normal(size=(200, 8)) - 6 * np.eye(8)[0]
    assert geometry.gap_alignment(*far) > 0.98
    near = rng.normal(size=(200, 8)), rng.normal(size=(200, 8))
    assert geometry.gap_alignment(*near) < 0.8


def test_closing_the_gap_shrinks_it(pair):
    gaps = [geometry.gap_norm(*geometry.close_gap(*pair, share)) for share in (0.0, 0.5, 1.0)]
    assert gaps[0] == pytest.approx(geometry.gap_norm(*pair), abs=1e-6)
    assert gaps[0] > gaps[1] > gaps[2]


# degenerate clouds: a documented value, or a named error


def test_a_collapsed_cloud_has_documented_values():
    same = np.tile(np.arange(1.0, 9.0), (30, 1)).astype(np.float32)
    assert geometry.cone_width(same) == pytest.approx(1)
    assert geometry.uniformity(same) == pytest.approx(0, abs=1e-6)
    assert geometry.effective_rank(same) == 0 == geometry.participation_ratio(same) == geometry.isoscore(same)
    assert geometry.effective_rank(same, centred=False) == pytest.approx(1, abs=1e-5)
    assert geometry.frechet(same, same) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        (geometry.gap_coherence, "means of images and texts coincide"),
        (geometry.gap_alignment, "means of images and texts coincide"),
        (geometry.relative_gap, "collapsed to one point"),
        (geometry.mmd, "median is no bandwidth"),
    ],
)
def test_what_two_collapsed_clouds_have_no_value_for(measure, message):
    same = np.ones((12, 8))
    with pytest.raises(GeometryError, match=message):
        measure(same, same)


def test_duplicates_are_ordinary_rows(pair):
    x, y = (np.concatenate([rows, rows[:57]]) for rows in pair)
    frame = gap_report(x, y)
    assert frame["value"].notna().all()


@pytest.mark.parametrize(
    "metric", [m for m in GEOMETRY_METRICS.values() if m.needs == "pairs"], ids=lambda m: m.id
)
def test_unequal_numbers_are_no_pairs(metric, pair):
    with pytest.raises(GeometryError, match=r"1[56]0 images and 1[56]0 texts"):
        metric.compute(pair[0], pair[1][:150])


@pytest.mark.parametrize("metric", GEOMETRY_METRICS.values(), ids=lambda m: m.id)
def test_nan_and_other_widths_are_refused(metric, pair):
    x, y = pair
    broken = x.copy()
    broken[3, 2] = np.nan
    both = [(broken, y), (x, broken)]
    refused = 0
    for images, texts in both:
        try:
            metric.compute(images, texts)
        except ArrayError as error:
            refused += "NaN" in str(error)
    assert refused == (1 if metric.id.endswith(("_image", "_text")) else 2)


def test_the_report_has_every_measure_and_its_reading(pair):
    frame = gap_report(*pair)
    assert frame["id"].tolist() == list(GEOMETRY_METRICS)
    assert frame["value"].notna().all() and frame["random"].notna().all() and (frame["note"] == "").all()
    assert (frame[["units", "range", "extremes", "says", "not said"]] != "").all(axis=None)
    for metric, value, random in zip(GEOMETRY_METRICS.values(), frame["value"], frame["random"], strict=True):
        high = min(pair[0].shape) if metric.high is None else metric.high
        assert metric.low <= value <= high + 1e-9 and metric.low <= random <= high + 1e-9, metric.id


def test_flags_are_flags():
    far, near = clouds(pairs=80, cone=0.6, gap=1.3), clouds(pairs=80, gap=0.0)
    ids = [m.id for m in GEOMETRY_METRICS.values() if m.flag]
    assert len(ids) == 3
    assert gap_report(far.images, far.texts, ids)["flag"].tolist() == ["yes"] * 3
    assert gap_report(near.images, near.texts, ids)["flag"].tolist() == ["no"] * 3
    assert gap_report(far.images, far.texts, ["gap_norm"])["flag"].tolist() == [""]


def test_without_pairs_the_report_names_what_it_leaves_out(pair):
    frame = gap_report(pair[0], pair[1][:90]).set_index("id")
    left = {m.id for m in GEOMETRY_METRICS.values() if m.needs == "pairs"}
    assert set(frame.index[frame["note"] == "left out: needs pairs"]) == left
    assert frame.loc[sorted(left), "value"].isna().all()
    assert frame["value"].drop(sorted(left)).notna().all()
    assert frame.loc["gap_norm", "rows"] == "160 + 90"
    assert set(gap_report(*pair, paired=False)["note"]) == {"", "left out: needs pairs"}
    with pytest.raises(GeometryError, match="160 images and 90 texts"):
        gap_report(pair[0], pair[1][:90], paired=True)


def test_a_measure_without_value_says_why_in_the_report():
    frame = gap_report(np.ones((1, 4)), np.ones((1, 4))).set_index("id")
    assert frame.loc["gap_norm", "value"] == 0
    assert "two rows, got 1" in frame.loc["cone_image", "note"] and np.isnan(frame.loc["cone_image", "value"])


def test_large_sets_are_sampled_and_the_report_says_so(pair):
    frame = gap_report(*pair, ["gap_norm", "mmd"], most=50).set_index("id")
    assert frame["rows"].to_dict() == {"gap_norm": "160", "mmd": "50"}
    assert frame.loc["gap_norm", "value"] == pytest.approx(geometry.gap_norm(*pair))


def test_an_unknown_measure_gets_the_nearest_name(pair):
    with pytest.raises(UnknownName, match="Did you mean 'gap_norm'"):
        gap_report(*pair, ["gap_nrom"])


def test_rows_are_never_written_to(pair):
    before = [rows.copy() for rows in pair]
    gap_report(*pair)
    for rows, old in zip(pair, before, strict=True):
        np.testing.assert_array_equal(rows, old)


def test_cosine_samples_hold_every_pair_and_no_own_cosine(pair):
    samples = geometry.cosine_samples(*pair, paired=True)
    assert {name: len(values) for name, values in samples.items()} == {
        "paired": 160, "unpaired": 160 * 159, "image-image": 160 * 159, "text-text": 160 * 159
    }  # fmt: skip
    assert samples["image-image"].max() < 1 and samples["unpaired"].mean() == pytest.approx(
        geometry.unpaired_cosine(*pair)
    )
    few = geometry.cosine_samples(*pair, paired=False, most=1000)
    assert "paired" not in few and len(few["image-text"]) == 1000
