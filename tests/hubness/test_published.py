"""Mitigators against what the published reference implementations give for the same numbers."""

import numpy as np
import pytest

from workbench.hubness import (
    DIS,
    NICDM,
    Bank,
    Centring,
    DisSimLocal,
    DualDIS,
    DualIS,
    InvertedSoftmax,
    InvGC,
    InvGCLocal,
    LocalScaling,
    MutualProximity,
    MutualProximityJoint,
    mitigate,
    mitigate_rows,
)


def order(scores):
    return np.argsort(-scores, axis=1, kind="stable")


@pytest.fixture
def banks(golden):
    given = golden("diag/bank_norm_synth", "input.npz")
    bank = Bank.from_scores(given["B"], "bank of the fixture", gallery_scores=given["G"])
    return given["S"], bank, golden("diag/bank_norm_synth", "expected.npz")


@pytest.mark.parametrize("beta", [10, 20, 50])
def test_inverted_softmax(banks, beta):
    scores, bank, expected = banks
    ours = mitigate(InvertedSoftmax(beta=float(beta)), bank, scores)
    np.testing.assert_allclose(np.exp(ours), expected[f"is_b{beta}"], rtol=1e-10)


@pytest.mark.parametrize("beta", [10, 20, 50])
@pytest.mark.parametrize("k", [1, 5])
def test_dis(banks, golden, beta, k):
    scores, bank, expected = banks
    fitted = DIS(float(beta), k).fit(bank)
    active = fitted.activated(scores)
    count = golden("diag/bank_norm_synth", "expected.json")[f"dis_b{beta}_k{k}_n_normalised_rows"]
    assert active.sum() == count
    ours = fitted(scores, slice(0, 80), slice(0, 80))
    ours[active] = np.exp(ours[active])
    np.testing.assert_allclose(ours, expected[f"dis_b{beta}_k{k}"], rtol=1e-10)


BETAS = pytest.mark.parametrize(
    ("beta", "beta_gallery", "name"), [(20.0, 5.0, "20_5"), (1 / 1.99, 3.0, "0.5025_3"), (30.0, 3.0, "30_3")]
)


@BETAS
def test_dual_is(banks, beta, beta_gallery, name):
    scores, bank, expected = banks
    ours = mitigate(DualIS(beta, beta_gallery), bank, scores)
    np.testing.assert_allclose(np.exp(ours), expected[f"dualis_corrected_{name}"], rtol=1e-10)


@BETAS
def test_dual_dis(banks, beta, beta_gallery, name):
    """Rows of three kinds: both banks active, one, neither."""
    scores, bank, expected = banks
    wanted = expected[f"dualdis_corrected_{name}"]
    fitted = DualDIS(beta, beta_gallery, k=1).fit(bank)
    ours = fitted(scores, slice(0, 80), slice(0, 80))
    one, other = fitted.by_query.activated(scores), fitted.by_gallery.activated(scores)
    kinds = (one & other, one ^ other, ~one & ~other)
    assert min(kind.sum() for kind in kinds) > 0
    both, single, neither = kinds
    np.testing.assert_allclose(np.exp(ours[both]), wanted[both], rtol=1e-10)
    np.testing.assert_allclose(ours[neither] ** 2, wanted[neither], rtol=1e-10)
    assert (order(ours[single]) == order(wanted[single])).all()
    for row, product in zip(ours[single], wanted[single], strict=True):
        up = product > 0
        assert np.ptp(row[up] - np.log(product[up])) < 1e-9


@pytest.mark.parametrize("rate", [1, 5])
def test_invgc(golden, rate):
    given = golden("diag/invgc_synth", "input.npz")
    expected = golden("diag/invgc_synth", "expected.npz")[f"avg_rg{rate}_rq{rate}_pool0"]
    assert np.abs(moved(InvGC(float(rate), float(rate)), given) - expected).max() < 1e-10


@pytest.mark.parametrize(
    ("rate_gallery", "rate_query", "pool", "name"),
    [
        (0.5, 0.5, 0.05, "local_rg0.5_rq0.5_pool0.05"),
        (1.0, 1.0, 0.1, "local_rg1_rq1_pool0.1"),
        (0.0, 1.0, 0.05, "local_rg0_rq1_pool0.05"),
    ],
)
def test_invgc_local(golden, rate_gallery, rate_query, pool, name):
    given = golden("diag/invgc_synth", "input.npz")
    expected = golden("diag/invgc_synth", "expected.npz")[name]
    assert np.abs(moved(InvGCLocal(rate_gallery, rate_query, pool), given) - expected).max() < 1e-10


def moved(mitigator, given):
    bank = Bank(given["bank_query"], given["test_gallery"], "bank of the fixture", given["bank_gallery"])
    return np.concatenate([block for _, block in mitigate_rows(mitigator, bank, given["test_query"])])


@pytest.mark.parametrize("beta", [10, 30])
def test_inverted_softmax_finds_the_same_words(golden, beta):
    """MUSE normalises over all queries: a transductive bank."""
    given = golden("diag/muse_csls_synth", "input.npz")
    scores = given["query"] @ given["gallery"].T
    bank = Bank(given["query"], given["gallery"], "the test queries", transductive=True)
    best = order(mitigate(InvertedSoftmax(float(beta)), bank, scores))[:, 0]
    assert (best == golden("diag/muse_csls_synth", "expected.npz")[f"top1_invsm_beta_{beta}"]).all()


def test_distribution_normalisation_is_half_centring(golden):
    given = golden("diag/nnn_synth", "input.npz")
    expected = golden("diag/nnn_synth", "expected.npz")
    bank = Bank(given["reference"], given["gallery"], "reference queries of the fixture")
    ours = mitigate(Centring(alpha=0.5), bank, given["query"] @ given["gallery"].T)
    best = order(ours)[:, :10]
    assert (best == expected["dn_idx"]).all()
    np.testing.assert_allclose(np.take_along_axis(ours, best, 1), expected["dn_scores"], atol=1e-6)


class Reduction:
    """scikit-hubness' graph: the 50 nearest of X for every Q; the gallery is its own bank, by negated distances."""

    def __init__(self, golden):
        given = golden("diag/skh_reduction_synth_nn50", "input.npz")
        self.queries, self.items = given["Q"], given["X"]
        self.expected = golden("diag/skh_reduction_synth_nn50", "expected.npz")
        self.scores, self.bank_scores = (
            -np.sqrt(((rows[:, None] - self.items) ** 2).sum(axis=2)) for rows in (self.queries, self.items)
        )
        self.near = order(self.scores)[:, :50]

    def bank(self, itself: bool) -> Bank:
        scores = self.bank_scores.copy()
        if not itself:
            np.fill_diagonal(scores, -np.inf)
        return Bank.from_scores(scores, "the gallery itself")

    def same(self, name, distances):
        """Among the 50 nearest: the distances, and which pictures they are where no two are equal."""
        near = np.take_along_axis(distances, self.near, 1)
        by_distance = np.argsort(near, axis=1, kind="stable")
        ours = np.take_along_axis(near, by_distance, 1)
        wanted = self.expected[f"{name}_dist"]
        np.testing.assert_allclose(ours, wanted, atol=1e-8)
        gaps = np.diff(wanted, axis=1) > 1e-9
        alone = np.pad(gaps, ((0, 0), (1, 0)), constant_values=True)
        alone &= np.pad(gaps, ((0, 0), (0, 1)), constant_values=True)
        indices = np.take_along_axis(self.near, by_distance, 1)
        assert (indices == self.expected[f"{name}_ind"])[alone].all() and alone.mean() > 0.05


@pytest.fixture
def reduction(golden):
    return Reduction(golden)


def nearest_distances(reduction, k):
    return -np.sort(reduction.scores, axis=1)[:, ::-1][:, :k]


def test_mutual_proximity_of_the_50_nearest(reduction):
    """There the picture itself, at distance 0, is one of its 50 nearest."""
    ours = mitigate(MutualProximity(k=50), reduction.bank(itself=True), reduction.scores)
    reduction.same("mp_normal", 1 - np.exp(ours))


def test_nicdm(reduction):
    """There the query's own mean is over k + 1 neighbours: one factor per query."""
    ours = -mitigate(NICDM(k=5, top=0.0), reduction.bank(itself=False), reduction.scores)
    means = [nearest_distances(reduction, k).mean(axis=1, keepdims=True) for k in (5, 6)]
    reduction.same("nicdm", ours * np.sqrt(means[0] / means[1]))


def test_local_scaling(reduction):
    """There 1 + the exponent instead of its exponential, and the query's neighbour is the k + 1st."""
    exponent = -mitigate(LocalScaling(k=5, top=0.0), reduction.bank(itself=False), reduction.scores)
    fifth, sixth = (nearest_distances(reduction, k)[:, -1:] for k in (5, 6))
    reduction.same("ls", 1 + exponent * fifth / sixth)


def test_joint_mutual_proximity_of_nearest_lists(reduction):
    """Both sides know their 50 nearest only; the picture itself is one of them."""
    scores, bank_scores = (keep_largest(values, 50) for values in (reduction.scores, reduction.bank_scores))
    ours = mitigate(MutualProximityJoint(), Bank.from_scores(bank_scores.T.copy(), "the gallery"), scores)
    reduction.same("mp_empiric", 1 - ours)


def keep_largest(values, k):
    kept = np.full_like(values, -np.inf)
    best = order(values)[:, :k]
    np.put_along_axis(kept, best, np.take_along_axis(values, best, 1), 1)
    return kept


@pytest.mark.parametrize("squared", [True, False])
def test_dissim_local(reduction, squared):
    """There the query's middle is the mean of its neighbours' middles, and all is shifted to start at zero."""
    queries, items = reduction.queries, reduction.items
    bank = Bank(items, items, "the gallery itself")
    ours = mitigate(DisSimLocal(k=5), bank, queries @ items.T)
    nearest = order(reduction.bank_scores)[:, :5]
    middles = items[nearest].mean(axis=1)[reduction.near[:, :5]].mean(axis=1)
    taken = ((queries - middles) ** 2).sum(axis=1, keepdims=True)
    distances = (queries**2).sum(axis=1, keepdims=True) - 2 * ours - taken
    distances -= np.take_along_axis(distances, reduction.near, 1).min()
    reduction.same(f"dsl_sq{int(squared)}", distances if squared else np.sqrt(np.maximum(distances, 0)))
