"""What mitigators are of each other, and which changes of rows change no ranking."""

import tracemalloc

import numpy as np
import pytest

from workbench.arrays import unit
from workbench.hubness import (
    CSLS,
    DIS,
    NICDM,
    NNN,
    Bank,
    Centring,
    CentringUnit,
    DisSimLocal,
    DualDIS,
    DualIS,
    DualSoftmax,
    InvertedSoftmax,
    InvGC,
    InvGCLocal,
    LocalScaling,
    MutualProximity,
    Sinkhorn,
    label,
    mitigate,
    mitigate_rows,
)


@pytest.fixture
def rows():
    rng = np.random.default_rng(5)
    names = {"queries": 20, "gallery": 50, "bank": 30, "pictures": 25}
    return {name: unit(rng.normal(size=(n, 12)) + 0.3) for name, n in names.items()}


def order(scores):
    return np.argsort(-scores, axis=1, kind="stable")


def bank_of(rows):
    return Bank(rows["bank"], rows["gallery"], "other queries", rows["pictures"])


def all_scores(mitigator, rows):
    return np.concatenate([block for _, block in mitigate_rows(mitigator, bank_of(rows), rows["queries"])])


def test_centring_the_queries_is_nnn_with_the_whole_bank(rows):
    scores = rows["queries"] @ rows["gallery"].T
    centred = (rows["queries"] - rows["bank"].mean(axis=0)) @ rows["gallery"].T
    np.testing.assert_allclose(all_scores(NNN(k=30, alpha=1.0), rows), centred, atol=1e-12)
    both = mitigate(Centring(alpha=1.0), bank_of(rows), scores)
    assert (order(both) == order(centred)).all() and (order(centred) != order(scores)).any()


def test_moving_the_gallery_without_making_it_unit_again_changes_no_ranking(rows):
    away = np.random.default_rng(6).normal(size=12)
    moved = rows | {"gallery": rows["gallery"] + away}
    scores = rows["queries"] @ rows["gallery"].T
    assert (order(rows["queries"] @ moved["gallery"].T) == order(scores)).all()
    for mitigator in (Centring(), NNN(k=30, alpha=1.0)):  # nor after the queries were centred
        assert (order(all_scores(mitigator, moved)) == order(all_scores(mitigator, rows))).all()


def test_moving_the_queries_adds_one_number_per_picture(rows):
    away = np.random.default_rng(6).normal(size=12)
    moved = (rows["queries"] + away) @ rows["gallery"].T
    np.testing.assert_allclose(
        moved - rows["queries"] @ rows["gallery"].T, np.tile(rows["gallery"] @ away, (20, 1))
    )


def test_dissim_local_gives_back_half_the_squared_middle(rows):
    bank = bank_of(rows)
    nearest = order(rows["gallery"] @ rows["bank"].T)[:, :5]
    middle = rows["bank"][nearest].mean(axis=1)
    bias = NNN(k=5, alpha=1.0).fit(bank).bias + (middle**2).sum(axis=1) / 2
    np.testing.assert_allclose(DisSimLocal(k=5).fit(bank).bias, bias)


def test_a_large_beta_is_nnn_with_one_neighbour(rows):
    """log sum e^(beta B) comes close to beta max B."""
    sharp = InvertedSoftmax(beta=1e6).fit(bank_of(rows)).bias
    np.testing.assert_allclose(sharp, NNN(k=1, alpha=1.0).fit(bank_of(rows)).bias, atol=1e-5)


def test_a_small_beta_is_nnn_with_the_whole_bank(rows):
    """log mean e^(beta B) comes close to beta mean B; the logarithm of their number is the same for all pictures."""
    soft = InvertedSoftmax(beta=1e-6).fit(bank_of(rows)).bias
    wanted = NNN(k=30, alpha=1.0).fit(bank_of(rows)).bias
    np.testing.assert_allclose(soft - soft.mean(), wanted - wanted.mean(), atol=1e-6)


def test_one_step_of_sinkhorn_starts_as_inverted_softmax_of_normalised_rows(rows):
    scores = rows["queries"] @ rows["gallery"].T
    bank = Bank.from_scores(scores, "test queries", transductive=True)
    matrix = np.exp(mitigate(Sinkhorn(beta=5.0, iterations=200), bank, scores))
    np.testing.assert_allclose(matrix.sum(axis=0), 1, atol=1e-6)
    np.testing.assert_allclose(matrix.sum(axis=1), 50 / 20, atol=1e-6)


@pytest.mark.parametrize(
    "mitigator", [NNN(alpha=0.0), Centring(alpha=0.0), InvGC(0.0, 0.0), InvGC(1e-9, 1e-9)], ids=label
)
def test_nothing_taken_away_is_nothing_changed(mitigator, rows):
    np.testing.assert_allclose(all_scores(mitigator, rows), rows["queries"] @ rows["gallery"].T, atol=1e-7)


@pytest.mark.parametrize(
    "mitigator",
    [
        CSLS(), NNN(), InvertedSoftmax(), DIS(), DualIS(), DualDIS(), NICDM(), LocalScaling(), MutualProximity(),
        InvGC(), InvGCLocal(pool=0.05), Centring(), CentringUnit(), DisSimLocal(), Sinkhorn(iterations=2), DualSoftmax(),
    ],
    ids=label,
)  # fmt: skip
def test_memory_is_a_few_blocks_whatever_the_sizes(mitigator, monkeypatch):
    """Fitted and applied to 2,000 x 2,000 with blocks of 2**16: the whole matrix has 61 of them."""
    monkeypatch.setattr("workbench.index.blocks.BLOCK_CELLS", 2**16)
    rng = np.random.default_rng(0)
    queries, gallery, bank, pictures = (
        unit(rng.normal(size=(2000, 8)).astype(np.float32) + 0.3) for _ in range(4)
    )
    transductive = isinstance(mitigator, Sinkhorn | DualSoftmax)

    def go(n: int) -> None:
        asked = queries if transductive else bank
        given = Bank(asked[:n], gallery, "some queries", pictures, transductive)
        for _ in mitigate_rows(mitigator, given, queries[:n]):
            pass

    go(50)  # imports
    tracemalloc.start()
    go(2000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 4 * 2**16


@pytest.mark.parametrize(
    "mitigator", [CSLS(), NNN(), InvertedSoftmax(), DIS(), Centring(), MutualProximity()], ids=label
)
def test_a_bank_of_scores_is_not_copied(mitigator, monkeypatch):
    """1,500 x 3,000 scores of 17 MiB, for 20 test queries."""
    monkeypatch.setattr("workbench.index.blocks.BLOCK_CELLS", 2**16)
    rng = np.random.default_rng(0)
    bank, scores = (rng.normal(size=(n, 3000)).astype(np.float32) for n in (1500, 20))
    mitigate(mitigator, Bank.from_scores(bank[:50], "other queries"), scores)  # imports
    tracemalloc.start()
    mitigate(mitigator, Bank.from_scores(bank, "other queries"), scores)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < bank.nbytes / 4
