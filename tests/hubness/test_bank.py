"""Banks: what they must say, what they refuse, and that both forms give the same scores."""

import numpy as np
import pytest

from workbench.arrays import ArrayError
from workbench.hubness import CSLS, NNN, Bank, BankError, Centring, mitigate, mitigate_rows


def rows(n, width=8, seed=0):
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)


@pytest.mark.parametrize("source", ["", "  "])
def test_a_bank_must_say_where_it_is_from(source):
    with pytest.raises(BankError, match="expected where the queries come from"):
        Bank(rows(5), rows(7), source)


def test_the_label_is_printed_with_results():
    assert Bank(rows(5), rows(7), "val queries").label == "val queries, 5, inductive"
    assert (
        Bank.from_scores(rows(3), "test queries", transductive=True).label == "test queries, 3, transductive"
    )


def test_either_rows_or_scores():
    with pytest.raises(BankError, match="either queries and gallery, or scores"):
        Bank(rows(5), None, "val")
    with pytest.raises(BankError, match="either queries and gallery, or scores"):
        Bank(rows(5), rows(7), "val", scores=rows(5))


@pytest.mark.parametrize("cells", [1, 20, 10**6])
def test_blocks_hold_every_score_once(cells):
    queries, gallery = rows(5), rows(7, seed=1)
    for bank in (Bank(queries, gallery, "val"), Bank.from_scores(queries @ gallery.T, "val")):
        by_column, by_row = np.full((7, 5), np.nan), np.full((5, 7), np.nan)
        for items, scores in bank.columns(cells):
            assert scores.size <= max(cells, 5)
            by_column[items] = scores
        for some, scores in bank.rows(cells):
            assert scores.size <= max(cells, 7)
            by_row[some] = scores
        np.testing.assert_allclose(by_column.T, queries @ gallery.T, atol=1e-6)
        np.testing.assert_allclose(by_row, queries @ gallery.T, atol=1e-6)


def test_overwriting_a_block_leaves_the_scores_alone():
    scores = rows(5)
    bank = Bank.from_scores(scores, "val")
    for _, block in [*bank.columns(), *bank.rows()]:
        block[:] = 0
    assert (scores == rows(5)).all()


def test_bad_values_are_named():
    bad = rows(5)
    bad[2, 3] = np.nan
    with pytest.raises(ArrayError, match=r"bank queries.*first at \(2, 3\)"):
        Bank(bad, rows(7), "val")
    bad[2, 3] = np.inf
    with pytest.raises(ArrayError, match="bank scores"):
        Bank.from_scores(bad, "val")
    with pytest.raises(ArrayError, match=r"bank gallery: got shape \(7, 4\)"):
        Bank(rows(5), rows(7, width=4), "val")
    with pytest.raises(BankError, match="queries is empty"):
        Bank(rows(0), rows(7), "val")


def test_bad_test_scores_are_named():
    queries, bank = rows(5), Bank(rows(6, seed=2), rows(7, seed=1), "val")
    scores = queries @ bank.gallery.T
    for value in (np.nan, np.inf):
        queries[2, 3] = scores[4, 1] = value
        with pytest.raises(
            ArrayError, match=r"^scores: 1 of 35 values are NaN or infinite, the first at \(4, 1\)"
        ):
            mitigate(NNN(k=2), bank, scores)
        with pytest.raises(ArrayError, match=r"^queries: 1 of 40 values are NaN or infinite"):
            mitigate_rows(NNN(k=2), bank, queries)
    with pytest.raises(ArrayError, match="scores: got float16, expected float32 or float64"):
        mitigate(NNN(k=2), bank, np.ones((5, 7), np.float16))


def test_a_pair_that_does_not_count_is_minus_infinity():
    scores = rows(6)
    scores[0, 0] = -np.inf
    bank = Bank.from_scores(scores, "val")
    bias = NNN(k=2, alpha=1.0).fit(bank).bias
    assert bias[0] == pytest.approx(-np.sort(scores[1:, 0])[-2:].mean())
    with pytest.raises(BankError, match="row 0 the first, have too few scores that count"):
        NNN(k=6).fit(bank)


def test_means_are_over_the_pairs_that_count():
    scores = rows(6).astype(np.float64)
    scores[0, 0] = -np.inf
    bias = Centring().fit(Bank.from_scores(scores, "val")).bias
    assert bias[0] == pytest.approx(-scores[1:, 0].mean()) and bias[1] == pytest.approx(-scores[:, 1].mean())
    scores[:, 2] = -np.inf
    with pytest.raises(BankError, match="row 2 the first, have too few scores that count"):
        Centring().fit(Bank.from_scores(scores, "val"))


def test_test_queries_as_bank_must_be_labelled():
    queries, gallery = rows(5), rows(7, seed=1)
    scores = queries @ gallery.T
    for bank in (Bank.from_scores(scores, "some queries"), Bank(queries, gallery, "some queries")):
        with pytest.raises(BankError, match="holds every test query; label it transductive"):
            mitigate(NNN(k=2), bank, scores)
    with pytest.raises(BankError, match="holds every test query"):
        mitigate_rows(NNN(k=2), Bank(queries, gallery, "some queries"), queries[1:3])
    labelled = Bank.from_scores(scores, "test queries", transductive=True)
    assert mitigate(NNN(k=2), labelled, scores).shape == scores.shape


def test_a_gallery_bank_must_be_there_to_be_asked():
    bank = Bank(rows(5), rows(7), "val", gallery_bank=rows(4, seed=3))
    assert bank.of_gallery().n_queries == 4 and bank.of_gallery().n_items == 7
    with pytest.raises(BankError, match="no gallery bank"):
        Bank(rows(5), rows(7), "val").of_gallery()


def test_more_neighbours_than_the_bank_has():
    with pytest.raises(BankError, match=r"NNN: k is 9, but the bank \(val, 5, inductive\) has 5 queries"):
        NNN(k=9).fit(Bank(rows(5), rows(20), "val"))
    with pytest.raises(BankError, match="CSLS: k is 9, but the gallery has 7 pictures"):
        CSLS(k=9).fit(Bank(rows(10), rows(7), "val"))
