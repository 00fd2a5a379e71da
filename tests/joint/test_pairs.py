"""Pairs in both directions: measures by a loop, and causes that do what the formula says."""

import numpy as np
import pytest
from scipy.stats import rankdata

from workbench import evaluate
from workbench.arrays import ArrayError
from workbench.data.simulate import SimulationError, clouds
from workbench.hubness.measures import gini, k_skewness
from workbench.joint import cause_frame, pair_case, pair_hubness
from workbench.methods import TextOnly


def test_both_directions_follow_the_loop():
    toy = clouds(pairs=80, width=16, uneven=0.2)
    table = pair_hubness(3 * toy.images, toy.texts, k=4).set_index("direction")
    for direction, queries, gallery in (
        ("text to image", toy.texts, toy.images),
        ("image to text", toy.images, toy.texts),
    ):
        scores = queries @ gallery.T
        n_k = np.zeros(80, int)
        for row in scores:
            n_k[np.argsort(-row)[:4]] += 1
        prior = np.corrcoef(rankdata(n_k), rankdata(scores.mean(axis=0)))[0, 1]
        row = table.loc[direction]
        assert (row["k"], row["max_hub"], row["antihubs"]) == (4, n_k.max(), (n_k == 0).mean())
        assert row["k_skewness"] == pytest.approx(k_skewness(n_k))
        assert row["gini"] == pytest.approx(gini(n_k)) and row["prior"] == pytest.approx(prior, abs=1e-6)


def test_hubs_made_by_the_gap_follow_the_prior():
    central = pair_hubness(*_rows(clouds(pairs=400, uneven=0.2)))
    local = pair_hubness(*_rows(clouds(pairs=400)))
    assert central["prior"][0] > 0.8 > 0.4 > abs(local["prior"][0])


def _rows(toy):
    return toy.images, toy.texts


def test_sets_need_not_be_pairs_and_a_prior_of_equal_shares_is_unknown():
    table = pair_hubness(np.eye(4), np.eye(4)[:2], k=2)
    assert table["max_hub"].tolist() == [2, 4]  # two texts search, then four pictures
    assert np.isnan(pair_hubness(np.eye(4), np.eye(4), k=4)["prior"]).all()  # everything is in every list
    with pytest.raises(ArrayError, match="texts: got shape"):
        pair_hubness(np.eye(4), np.eye(5))


def test_a_cause_is_turned_on_each_line():
    lines = {"even": {"uneven": 0.0}, "uneven": {"uneven": 0.2}}
    frame = cause_frame("gap", [0.0, 0.8], lines, pairs=200, width=32, rounds=2)
    assert frame[["line", "value"]].to_numpy().tolist() == [
        ["even", 0.0],
        ["even", 0.8],
        ["uneven", 0.0],
        ["uneven", 0.8],
    ]
    assert (frame["low"] <= frame["mean"]).all() and (frame["mean"] <= frame["high"]).all()
    assert frame["mean"][3] > 2 > frame["mean"][:3].max() and frame["ratio"].idxmax() == 3
    with pytest.raises(SimulationError, match="gap: got 9"):
        cause_frame("gap", [9.0], lines)


def test_pairs_are_a_case_whose_recall_is_that_of_the_loop():
    toy = clouds(pairs=60, width=8, noise=0.6, seed=3)
    case = pair_case(5 * toy.images, toy.texts, "mine")
    scores = toy.texts @ toy.images.T
    own = [scores[i, i] > np.delete(scores[i], i).max() for i in range(60)]
    assert 0 < np.mean(own) < 1
    assert evaluate(case, [TextOnly()], ["recall@1"])["recall@1"].tolist() == np.array(own, float).tolist()
    assert case.benchmark.name == "mine" and case.benchmark.card.licence == "unknown"
    with pytest.raises(ArrayError, match="texts: got shape"):
        pair_case(toy.images, toy.texts[:-1])


@pytest.mark.filterwarnings("error")
def test_rows_that_are_all_the_same_have_no_prior_to_follow():
    same = np.ones((20, 4), np.float32)
    assert pair_hubness(same, same, k=3)["prior"].isna().all()
