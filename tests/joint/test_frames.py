"""Frames for hub figures: shares of pictures, a reference that is what drawing gives, changes of ranks counted once."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import i0, i1

from workbench.hubness.occurrence import random_k_occurrence
from workbench.joint import lorenz_frame, occurrence_frame, rank_changes


def test_the_random_reference_is_what_drawing_gives():
    frame = occurrence_frame({"x": np.full(50, 4)}, n_queries=40, k=5)
    random = frame[frame["method"] == "random lists"].set_index("n_k")["at_least"]
    drawn = np.stack(list(random_k_occurrence(40, 50, 5, rounds=400)))
    for times in (0, 1, 3, 6):
        assert random[times] == pytest.approx((drawn >= times).mean(), abs=0.01)
    assert random.index.max() < 40  # ends where less than half a picture is left


def test_shares_of_pictures():
    frame = occurrence_frame({"x": np.array([0, 2, 2, 5])}, n_queries=9, k=1)
    mine = frame[frame["method"] == "x"].set_index("n_k")["at_least"]
    assert mine.to_dict() == {0: 1, 1: 0.75, 2: 0.75, 3: 0.25, 4: 0.25, 5: 0.25}


def test_lorenz_has_the_reference_beside_it():
    frame = lorenz_frame({"x": np.array([0, 0, 0, 8])}, n_queries=4, k=2)
    assert list(dict.fromkeys(frame["method"])) == ["x", "random lists"]
    assert frame.groupby("method")["places"].last().to_list() == [1, 1]
    gini = frame.groupby("method")["gini"].first()
    assert gini["x"] == 0.75 > gini["random lists"]


def test_random_lists_are_no_single_draw():
    n_k = {"x": np.bincount(np.arange(600) % 300)}
    gini = [
        lorenz_frame(n_k, 60, 10, seed).groupby("method")["gini"].first()["random lists"] for seed in (0, 1)
    ]
    twice_mean = 2 * 600 / 300  # N_k is about Poisson: its Gini is exp(-2m) (I0(2m) + I1(2m)), at m = 2
    expected = np.exp(-twice_mean) * (i0(twice_mean) + i1(twice_mean))
    assert np.allclose(gini, expected, atol=0.012)


def test_rank_changes_are_counted_by_pair():
    ranks = {"plain": [1, 12, 12, 3, 40], "better": [1, 4, 4, 11, 39]}
    rows = [
        {"method": method, "query": f"q{q}", "rank": rank}
        for method, some in ranks.items()
        for q, rank in enumerate(some)
    ]
    found = rank_changes(pd.DataFrame(rows), "plain", 10)
    assert found[["before", "after", "queries", "change"]].to_numpy().tolist() == [
        [1, 1, 1, "kept"],
        [3, 11, 1, "broken"],
        [12, 4, 2, "fixed"],
        [40, 39, 1, "kept"],
    ]
    assert set(found["method"]) == {"better"}
