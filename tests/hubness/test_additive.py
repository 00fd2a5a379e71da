"""CSLS and NNN: their formulas, the published numbers, and the identities between them."""

import numpy as np
import pytest

from tests.reference import mitigators as naive
from workbench.hubness import CSLS, NNN, Bank, MitigatorError, mitigate


@pytest.fixture
def scores():
    rng = np.random.default_rng(3)
    return {"bank": rng.normal(size=(9, 12)), "test": rng.normal(size=(5, 12))}


def order(values):
    return np.argsort(-values, axis=1, kind="stable")


def test_they_are_their_formulas(scores):
    bank = Bank.from_scores(scores["bank"], "val")
    ours = mitigate(NNN(k=4, alpha=0.75), bank, scores["test"])
    np.testing.assert_allclose(ours, naive.nnn(scores["bank"], scores["test"], 4, 0.75), rtol=1e-12)
    ours = mitigate(CSLS(k=4), bank, scores["test"])
    np.testing.assert_allclose(ours, naive.csls(scores["bank"], scores["test"], 4), rtol=1e-12)


def test_nnn_at_one_half_ranks_as_csls(scores):
    bank = Bank.from_scores(scores["bank"], "val")
    halved, whole = mitigate(NNN(k=4, alpha=0.5), bank, scores["test"]), CSLS(k=4).fit(bank)
    csls = whole(scores["test"], slice(0, 5), slice(0, 12))
    assert (order(halved) == order(csls)).all()
    np.testing.assert_array_equal(scores["test"] + whole.bias, halved)


@pytest.mark.parametrize("k", [1, 8, 32])
@pytest.mark.parametrize("alpha", [0.5, 0.75, 1.0])
def test_nnn_equals_the_fixture(golden, k, alpha):
    given = golden("diag/nnn_synth", "input.npz")
    expected = golden("diag/nnn_synth", "expected.npz")
    bank = Bank(given["reference"], given["gallery"], "reference queries of the fixture")
    np.testing.assert_allclose(NNN(k=k, alpha=1.0).fit(bank).bias, -expected[f"bias_k{k}"], atol=1e-6)
    ours = mitigate(NNN(k=k, alpha=alpha), bank, given["query"] @ given["gallery"].T)
    best = order(ours)[:, :10]
    assert (best == expected[f"idx_k{k}_a{alpha}"]).all()
    np.testing.assert_allclose(
        np.take_along_axis(ours, best, 1), expected[f"scores_k{k}_a{alpha}"], atol=1e-6
    )


@pytest.mark.parametrize("k", [1, 5, 10])
def test_csls_equals_the_fixture(golden, k):
    given = golden("diag/muse_csls_synth", "input.npz")
    expected = golden("diag/muse_csls_synth", "expected.npz")
    scores = given["query"] @ given["gallery"].T
    fitted = CSLS(k=k).fit(Bank.from_scores(scores, "the test queries", transductive=True))
    np.testing.assert_allclose(
        -2 * fitted.bias, expected[f"rS_gallery_mean_sim_to_knn_in_queries_k{k}"], atol=1e-6
    )
    after = fitted(scores, slice(0, 80), slice(0, 80))
    row_term = (2 * (scores + fitted.bias) - after)[:, 0]
    np.testing.assert_allclose(row_term, expected[f"rT_query_mean_sim_to_knn_in_gallery_k{k}"], atol=1e-6)
    assert (order(after)[:, 0] == expected[f"top1_csls_knn_{k}"]).all()


def test_csls_needs_whole_rows(scores):
    fitted = CSLS(k=4).fit(Bank.from_scores(scores["bank"], "val"))
    with pytest.raises(
        MitigatorError, match="CSLS looks at a query's scores with the whole gallery: got 6 of 12"
    ):
        fitted(scores["test"][:, :6], slice(0, 5), slice(0, 6))
