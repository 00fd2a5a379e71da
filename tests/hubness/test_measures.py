"""Hubness measures: the fixture (zeros counted, self excluded), slow twins, limits, and the published set's numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference import hubness as naive
from workbench.hubness import measures
from workbench.index import nearest

counts = st.lists(st.integers(0, 30), min_size=2, max_size=40).filter(sum).map(np.array)


def negated_distances(queries, gallery):
    """Rows whose inner products order pictures as Euclidean distance does: 2 q . g - |g|^2."""
    return (
        np.concatenate([2 * queries, -np.ones((len(queries), 1))], axis=1),
        np.concatenate([gallery, (gallery**2).sum(axis=1, keepdims=True)], axis=1),
    )


@pytest.fixture(
    params=["cross", "self_excluded", "self_asis_includes_self_hit"]
)  # the last: the library's mistake
def lists(request, golden):
    given = golden("diag/skh_hubness_synth", "input.npz")
    queries = given["Q"] if request.param == "cross" else given["X"]
    itself = np.arange(300)[:, None] if request.param == "self_excluded" else None
    rows, items = negated_distances(queries, given["X"])
    return request.param, lambda k: nearest(rows, items, k, excluded=itself)


@pytest.mark.parametrize("k", [1, 5, 10])
def test_all_equal_the_fixture(golden, lists, k):
    kind, search = lists
    expected = golden("diag/skh_hubness_synth", "expected.json")[f"{kind}_k{k}"]
    n_k = np.bincount(search(k).ravel(), minlength=300)
    assert (n_k == golden("diag/skh_hubness_synth", "expected.npz")[f"Nk_{kind}_k{k}"]).all()
    ours = {
        "k_skewness": measures.k_skewness(n_k),
        "k_skewness_truncnorm": measures.truncated_third_moment(n_k),
        "robinhood": measures.robinhood(n_k),
        "gini": measures.gini(n_k),
        "atkinson": measures.atkinson(n_k),
        "antihub_occurrence": measures.antihub_occurrence(n_k),
        "hub_occurrence_divided_by_n_queries": measures.hub_occurrence(n_k, 2 * k),
        "groupie_ratio": measures.groupie_ratio(n_k),
    }
    if expected["k_skewness"] == "nan":  # every row found itself and nothing else: 0 by our definition
        assert np.ptp(n_k) == 0 == ours.pop("k_skewness")
    assert ours == {name: pytest.approx(expected[name], abs=1e-9) for name in ours}
    theirs = (
        measures.hub_occurrence(n_k, 2 * k) * len(search(k)) / 300
    )  # divided by the gallery, not by the queries
    assert theirs == pytest.approx(expected["hub_occurrence"], abs=1e-9)
    assert sorted(measures.hubs(n_k, threshold=2 * k)) == sorted(expected["hubs"])
    assert measures.antihubs(n_k).tolist() == expected["antihubs"]


@given(counts, st.sampled_from([0.25, 0.5, 1.0]))
def test_all_equal_their_slow_twins(n_k, epsilon):
    given = n_k.tolist()
    assert measures.robinhood(n_k) == pytest.approx(naive.robinhood(given), abs=1e-9)
    assert measures.gini(n_k) == pytest.approx(naive.gini(given), abs=1e-9)
    assert measures.atkinson(n_k, epsilon) == pytest.approx(naive.atkinson(given, epsilon), abs=1e-9)
    assert measures.k_skewness(n_k) == pytest.approx(naive.skewness(given), abs=1e-9)
    assert measures.hub_occurrence(n_k, 5) == pytest.approx(naive.hub_occurrence(given, 5), abs=1e-9)
    assert measures.top_share(n_k, 0.1) == pytest.approx(naive.top_share(given, 0.1), abs=1e-9)


@given(counts)
def test_the_area_under_the_lorenz_curve_is_gini(n_k):
    pictures, places = measures.lorenz_curve(n_k)
    assert places[0] == 0 and places[-1] == pytest.approx(1)
    assert 1 - 2 * np.trapezoid(places, pictures) == pytest.approx(measures.gini(n_k), abs=1e-9)


@given(counts, st.randoms())
def test_the_order_of_the_gallery_changes_nothing(n_k, random):
    other = n_k.copy()
    random.shuffle(other)
    for measure in (measures.k_skewness, measures.gini, measures.robinhood, measures.top_share):
        assert measure(other) == pytest.approx(measure(n_k), abs=1e-9)


def test_equal_shares_are_even_by_every_measure():
    even = np.full(50, 7)
    for measure in (measures.k_skewness, measures.robinhood, measures.gini, measures.atkinson):
        assert measure(even) == pytest.approx(0, abs=1e-12)
    assert measures.antihub_occurrence(even) == 0
    assert measures.hub_occurrence(even, threshold=14) == 0 and len(measures.hubs(even)) == 0
    assert measures.groupie_ratio(even) == 1 / 50 == measures.top_share(even, 0.02)
    assert measures.truncated_third_moment(even) == 0


def test_one_picture_that_has_all():
    n_k = np.array([0] * 99 + [100])
    assert measures.k_skewness(n_k) == pytest.approx(98 / np.sqrt(99))  # the largest possible
    assert measures.gini(n_k) == measures.robinhood(n_k) == measures.antihub_occurrence(n_k) == 0.99
    assert measures.groupie_ratio(n_k) == measures.top_share(n_k) == measures.hub_occurrence(n_k, 2) == 1
    assert measures.hubs(n_k).tolist() == [99] and measures.max_hub(n_k) == 100


def test_with_as_many_queries_as_pictures_robinhood_at_k_1_is_the_share_of_antihubs():
    rng = np.random.default_rng(0)
    n_k = np.bincount(rng.integers(80, size=80) ** 2 % 80, minlength=80)
    assert measures.robinhood(n_k) == pytest.approx(measures.antihub_occurrence(n_k))


@pytest.mark.parametrize(
    "measure",
    [
        measures.robinhood,
        measures.gini,
        measures.atkinson,
        measures.antihub_occurrence,
        measures.groupie_ratio,
        measures.max_hub,
        measures.top_share,
        measures.lorenz_curve,
        measures.hubs,
        measures.antihubs,
        measures.truncated_third_moment,
    ],
)
def test_lists_that_hold_nothing_are_refused(measure):
    with pytest.raises(ValueError, match="N_k of 4 pictures: no list holds any"):
        measure(np.zeros(4, int))


def test_impossible_parameters_are_refused():
    with pytest.raises(ValueError, match="epsilon is 0"):
        measures.atkinson(np.array([1, 2]), 0)
    with pytest.raises(ValueError, match=r"share is 1\.5"):
        measures.top_share(np.array([1, 2]), 1.5)


def test_no_pictures_and_one_picture():
    with pytest.raises(ValueError, match="N_k of 0 pictures"):
        measures.k_skewness(np.zeros(0, int))
    with pytest.raises(ValueError, match="N_k of 3 pictures"):
        measures.k_skewness(np.zeros(3, int))
    assert measures.truncated_third_moment(np.array([4])) == 0 == measures.k_skewness(np.array([4]))
