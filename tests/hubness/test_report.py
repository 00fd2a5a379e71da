"""The report: right values, a reference that is random, and excess that tells hubness from small numbers."""

import numpy as np
import pytest

from workbench.arrays import unit
from workbench.hubness import NNN, Bank, mitigate, mitigate_rows
from workbench.hubness.occurrence import random_k_occurrence
from workbench.hubness.report import MEASURES, hubness_report
from workbench.index import nearest, nearest_of_blocks, nearest_of_scores


def random_lists(n_queries, n_items, k, seed):
    rng = np.random.default_rng(seed)
    return np.argsort(rng.random((n_queries, n_items)), axis=1)[:, :k]


def test_a_row_per_measure_with_all_that_is_needed_to_read_it():
    frame = hubness_report(random_lists(50, 80, 5, 0), 80, rounds=10)
    assert frame.measure.tolist() == list(MEASURES)
    assert (frame.meaning.str.len() > 20).all() and (frame.range.str.len() > 5).all()
    np.testing.assert_allclose(frame.excess, frame.value - frame.random)
    assert (frame.random_low <= frame.random).all() and (frame.random <= frame.random_high).all()


@pytest.mark.parametrize(("queries", "items", "k"), [(30, 200, 1), (300, 40, 10), (200, 200, 10)])
def test_random_lists_have_no_excess(queries, items, k):
    """Most measures within the central 99 % of random lists, though few places make N_k uneven."""
    frame = hubness_report(random_lists(queries, items, k, 7), items, rounds=60, level=0.99)
    inside = frame.value.between(frame.random_low - 1e-12, frame.random_high + 1e-12)
    assert inside.mean() > 0.8


def test_hubs_are_in_excess_and_with_few_places_antihubs_are_not():
    rng = np.random.default_rng(1)
    gallery = unit(rng.normal(size=(300, 16)))
    gallery[:5] = unit(gallery[:5] + 2 * gallery.mean(axis=0) + 0.6)
    queries = unit(rng.normal(size=(100, 16)) + 0.6)
    frame = hubness_report(nearest(queries, gallery, 2), 300, rounds=50).set_index("measure")
    assert frame.excess["k_skewness"] > 1 and frame.value["k_skewness"] > frame.random_high["k_skewness"]
    assert frame.value["antihub_occurrence"] > 0.5  # by pigeonhole: 200 places for 300 pictures
    assert frame.random["antihub_occurrence"] > 0.5


def test_scores_and_rows_give_the_same_report():
    rng = np.random.default_rng(2)
    queries, gallery = rng.normal(size=(40, 8)), rng.normal(size=(60, 8))
    from_rows = hubness_report(nearest(queries, gallery, 4), 60, rounds=5)
    from_scores = hubness_report(nearest_of_scores(queries @ gallery.T, 4), 60, rounds=5)
    assert from_rows.equals(from_scores)


@pytest.mark.parametrize(("items", "k"), [(500, 5), (20, 10)])  # drawn again, and by order
def test_random_assignment_is_uniform_and_without_repeats(items, k):
    total = np.zeros(items)
    for n_k in random_k_occurrence(300, items, k, rounds=40, seed=3):
        assert n_k.sum() == 300 * k and n_k.max() <= 300
        total += n_k
    expected = 40 * 300 * k / items
    spread = np.sqrt(expected * (1 - k / items))
    assert np.abs(total - expected).max() < 4.5 * spread
    assert total.std() == pytest.approx(spread, rel=0.4)  # a picture twice in a list would widen it


def test_hubs_are_read_beside_the_mean():
    frame = hubness_report(random_lists(50, 80, 5, 0), 80, rounds=5).set_index("measure")
    assert "N_k >= 2 x mean (3.125)" in frame.meaning["hubs"]


def test_the_report_after_a_mitigator_needs_no_whole_matrix():
    rng = np.random.default_rng(4)
    queries, gallery, others = (unit(rng.normal(size=(n, 8)) + 0.7) for n in (60, 90, 70))
    bank = Bank(others, gallery, "other queries")
    lists = nearest_of_blocks(mitigate_rows(NNN(k=8), bank, queries), 60, 5)
    whole = mitigate(NNN(k=8), bank, queries @ gallery.T)
    assert (lists == nearest_of_scores(whole, 5)).all()
    before, after = (
        hubness_report(some, 90, rounds=5).set_index("measure").value["k_skewness"]
        for some in (nearest(queries, gallery, 5), lists)
    )
    assert after < before


def test_impossible_settings_are_named():
    with pytest.raises(ValueError, match="rounds=1"):
        hubness_report(random_lists(5, 8, 2, 0), 8, rounds=1)
    with pytest.raises(ValueError, match="from 0 to 7, expected 0 to 6"):
        hubness_report(np.array([[0, 7]]), 7)


def test_a_picture_twice_in_one_list_is_named():
    with pytest.raises(ValueError, match=r"list of query 1 holds a picture twice: \[2, 0, 2\]"):
        hubness_report(np.array([[0, 1, 2], [2, 0, 2]]), 4)
