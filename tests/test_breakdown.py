"""Breakdowns by hand: groups, modality necessity, flips; and the tables that show them."""

import numpy as np
import pandas as pd
import pytest

from workbench.breakdown import KINDS, binned, breakdown, flipped_queries, flips, necessity
from workbench.protocol import EvaluationError
from workbench.registry import UnknownName
from workbench.significance import bootstrap_interval, holm, paired_test
from workbench.tables import breakdown_table, flips_table, necessity_table


@pytest.fixture
def frame() -> pd.DataFrame:
    """Eight queries, of which each method solves some; two per reference."""
    solved = {
        "text_only": [1, 1, 0, 0, 0, 0, 1, 0],
        "image_only": [0, 1, 1, 0, 0, 0, 0, 0],
        "pdv_f": [1, 1, 0, 1, 1, 0, 0, 0],
    }
    frames = [
        pd.DataFrame(
            {
                "method": name,
                "query": [f"q{i}" for i in range(8)],
                "reference": list("aabbccdd"),
                "tag_edit": ["colour"] * 4 + ["part"] * 3 + [None],
                "rank": np.where(hits, 2, 40) + np.arange(8),
                "hit@10": np.array(hits, float),
                "map@10": np.array(hits) / 2,
                "targets": [1, 1, 1, 1, 2, 2, 2, 12],
                "words": [2, 3, 4, 5, 6, 7, 8, 9],
            }
        )
        for name, hits in solved.items()
    ]
    return pd.concat(frames)  # as it comes, with its index repeated


def test_groups_are_the_tags_of_the_queries(frame):
    table = breakdown(frame, "edit", ["hit@10", "map@10"]).set_index(["method", "metric", "group"])
    assert table.loc[("pdv_f", "hit@10", "colour"), "mean"] == 3 / 4
    assert table.loc[("pdv_f", "hit@10", "part"), "mean"] == pytest.approx(1 / 3)
    assert table.loc[("pdv_f", "map@10", "colour"), "mean"] == 3 / 8
    assert table.loc[("text_only", "hit@10", "(none)"), ["queries", "clusters"]].tolist() == [1, 1]
    assert list(dict.fromkeys(table.index.get_level_values("group"))) == ["(none)", "colour", "part"]


def test_intervals_within_a_group_keep_clusters_whole(frame):
    row = breakdown(frame, "edit", ["hit@10"]).set_index(["method", "group"]).loc[("pdv_f", "colour")]
    interval = bootstrap_interval(np.array([1.0, 1, 0, 1]), np.array([0, 0, 1, 1]))
    assert (row["mean"], row["low"], row["high"]) == tuple(interval)
    assert row["clusters"] == 2


def test_a_group_of_one_cluster_has_no_interval_and_no_p(frame):
    table = breakdown(frame, "edit", ["hit@10"], baseline="text_only").set_index(["method", "group"])
    alone = table.loc[("pdv_f", "(none)")]
    assert alone["mean"] == 0
    assert alone[["low", "high", "difference_low", "p", "p_holm"]].isna().all()


def test_with_a_baseline_each_group_is_tested_and_all_are_corrected(frame):
    table = breakdown(frame, "edit", ["hit@10"], baseline="text_only")
    row = table.set_index(["method", "group"]).loc[("pdv_f", "part")]
    test = paired_test(np.array([1.0, 0, 0]), np.array([0.0, 0, 1]), np.array([0, 0, 1]))
    assert tuple(row[["difference", "difference_low", "difference_high", "p"]]) == pytest.approx(
        tuple(test)[:4]
    )
    np.testing.assert_array_equal(table["p_holm"], holm(table["p"].to_numpy()))
    assert table["p"].notna().sum() == 4  # two methods, two groups


def test_numbers_are_groups_in_their_order_or_ranges(frame):
    assert breakdown(frame, "targets", ["hit@10"])["group"].unique().tolist() == [1, 2, 12]
    table = breakdown(frame, "words", ["hit@10"], edges=[4, 6])
    assert list(dict.fromkeys(table["group"])) == ["2-3", "4-5", "6+"]
    assert table.set_index(["method", "group"]).loc[("pdv_f", "4-5"), "mean"] == 0.5
    whole = table[table["method"] == "pdv_f"]
    assert (whole["mean"] * whole["queries"]).sum() == 4


def test_any_series_over_the_rows_is_a_grouping(frame):
    by = (frame["words"] > 5).rename("long")
    table = breakdown(frame, by, ["hit@10"])
    assert set(table["by"]) == {"long"}
    assert table.set_index(["method", "group"]).loc[("pdv_f", False), "mean"] == 3 / 4
    with pytest.raises(EvaluationError, match="by: got 3 values for 24 rows"):
        breakdown(frame, by.iloc[:3], ["hit@10"])


def test_ranges_are_named_by_their_ends():
    assert binned(pd.Series([1, 2, 3]), [2, 3]).tolist() == ["1", "2", "3+"]
    assert binned(pd.Series([5, 6]), [5]).tolist() == ["5+", "5+"]
    with pytest.raises(EvaluationError, match=r"edges: got \[3, 3\], expected rising whole numbers"):
        binned(pd.Series([1]), [3, 3])


def test_every_query_is_of_one_kind(frame):
    table = necessity(frame, "hit@10", "pdv_f").set_index("kind")
    assert tuple(table.index) == KINDS
    expected = {"text alone": 2, "image alone": 1, "either alone": 1, "only composed": 2, "none": 2}
    assert table["queries"].to_dict() == expected
    assert table["share"].sum() == pytest.approx(1)
    kept = {"text alone": 1 / 2, "image alone": 0, "either alone": 1, "only composed": 1, "none": 0}
    assert table["kept"].to_dict() == kept
    assert (table["low"] <= table["share"]).all() and (table["share"] <= table["high"]).all()


def test_a_kind_that_does_not_occur_has_nothing_kept(frame):
    table = necessity(frame, "hit@10", ["text_only"]).set_index("kind")
    assert table.loc["only composed", "queries"] == 0
    assert np.isnan(table.loc["only composed", "kept"])
    said = str(necessity_table(necessity(frame, "hit@10", ["pdv_f", "text_only"])))
    for part in ("only composed", "PDV-F: queries %", "of these PDV-F solves %", "25.0"):
        assert part in said


def test_flips_count_both_ways(frame):
    table = flips(frame, "pdv_f", "text_only", "hit@10").set_index("group")
    counts = table[["queries", "both", "won", "lost", "neither"]]
    assert counts.loc["colour"].tolist() == [4, 2, 1, 0, 1]
    assert counts.loc["part"].tolist() == [3, 0, 1, 1, 1]
    assert table["difference"].to_dict() == {"(none)": 0, "colour": 1 / 4, "part": 0}
    assert np.isnan(table.loc["(none)", "p"])
    np.testing.assert_array_equal(table["p_holm"], holm(table["p"].to_numpy()))
    said = str(flips_table(table.reset_index()))
    assert "Won: solved by PDV-F and not by text only" in said and "+25.0" in said


def test_flipped_queries_come_won_first_and_farthest_first(frame):
    table = flipped_queries(frame, "pdv_f", "text_only", "hit@10")
    assert table["query"].tolist() == ["q3", "q4", "q6"]
    assert table["won"].tolist() == [True, True, False]
    assert table.loc[0, ["rank", "rank_other", "reference", "tag_edit"]].tolist() == [5, 43, "b", "colour"]


def test_the_order_of_rows_changes_nothing(frame):
    shuffled = frame.sample(frac=1, random_state=0)
    order = ["text_only", "image_only", "pdv_f"]
    shuffled = pd.concat([shuffled[shuffled["method"] == name] for name in order])
    for function, arguments in ((necessity, ("hit@10", "pdv_f")), (flips, ("pdv_f", "text_only", "hit@10"))):
        one, other = function(frame, *arguments), function(shuffled, *arguments)
        names = [n for n in one if n not in ("low", "high", "p", "p_holm")]
        pd.testing.assert_frame_equal(one[names], other[names])


def test_what_is_not_there_is_named(frame):
    with pytest.raises(UnknownName, match=r"no column 'edt'\. Did you mean 'tag_edit'"):
        breakdown(frame, "edt", ["hit@10"])
    with pytest.raises(UnknownName, match="no metric 'hit@1'"):
        breakdown(frame, "edit", ["hit@1"])
    with pytest.raises(UnknownName, match=r"no method 'pdv_t'\. Did you mean 'pdv_f'"):
        breakdown(frame, "edit", ["hit@10"], baseline="pdv_t")
    with pytest.raises(UnknownName, match="no method 'slerp'"):
        flips(frame, "pdv_f", "slerp", "hit@10")
    with pytest.raises(EvaluationError, match="map@10: a query must be solved or not"):
        necessity(frame, "map@10", "pdv_f")


def test_the_table_of_a_breakdown(frame):
    table = breakdown_table(breakdown(frame, "edit", ["hit@10"], baseline="text_only"))
    assert list(table.cells.columns) == ["edit", "queries", "text only", "image only", "PDV-F"]
    assert table.cells["PDV-F"][1].value == "75.0"
    assert table.cells["PDV-F"][0] == ("0.0", "", "", False)  # one cluster: no interval
    assert "Holm-corrected over 4 comparisons" in str(table)
    with pytest.raises(KeyError, match="metric: got 'hit@1'"):
        breakdown_table(breakdown(frame, "edit", ["hit@10"]), "hit@1")
