"""Settings are picked on one set of queries and reported on another, and the rows say which."""

import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest

from workbench.choose import choose, chosen_elsewhere, cross_choose, evaluate_chosen, fold_of
from workbench.evaluation import evaluate, metric_columns, results_table
from workbench.methods import ImageOnly, Slerp, TextOnly, WeightedSum
from workbench.protocol import EvaluationError, protocol_text
from workbench.registry import UnknownName
from workbench.significance import Groups
from workbench.sweep import grid, sweep
from workbench.tables import (
    ChosenOnReported,
    chosen_table,
    main_table,
    to_html,
    to_latex,
    to_markdown,
    to_text,
)

METRICS = ["hit@5", "map@5"]
SETTINGS = grid(WeightedSum, weight=[0.2, 0.5, 0.8])


@pytest.fixture
def cases(make_case):
    """Validation and test: other queries, other gallery."""
    val, test = make_case(seed=1, queries=40, items=120), make_case(seed=2, queries=40, items=120)
    return val, dataclasses.replace(test, benchmark=dataclasses.replace(test.benchmark, split="test"))


def swept(values: dict[float, float], split: str = "val", metric: str = "hit@5") -> pd.DataFrame:
    """A sweep's frame by hand: setting -> value."""
    rows = [{"method": "slerp", "alpha": a, "metric": metric, "value": v} for a, v in values.items()]
    return pd.DataFrame(rows).assign(queries=9, benchmark="toy", split=split, protocol=protocol_text({}))


def test_the_best_of_validation_is_reported_on_test():
    found = choose(
        swept({0.1: 0.3, 0.5: 0.6, 0.9: 0.4}), "hit@5", swept({0.1: 0.9, 0.5: 0.2, 0.9: 0.8}, "test")
    )
    (row,) = found.to_dict("records")
    assert (row["alpha"], row["value"], row["split"]) == (0.5, 0.2, "test")
    assert (row["chosen_on"], row["chosen_by"], row["settings"]) == ("val", "hit@5", 3)
    assert (row["setting"], row["tied"], row["value_there"]) == ("slerp(alpha=0.5)", 1, 0.6)


def test_every_metric_of_the_chosen_setting_is_reported():
    val = pd.concat([swept({0.1: 0.3, 0.5: 0.6}), swept({0.1: 0.9, 0.5: 0.1}, metric="map@5")])
    found = choose(val, "hit@5").set_index("metric")
    assert found["alpha"].tolist() == [0.5, 0.5]
    assert found["value"].tolist() == [0.6, 0.1]
    assert choose(val, "map@5")["alpha"].tolist() == [0.1, 0.1]


def test_among_equals_the_first_given_is_taken():
    (row,) = choose(swept({0.9: 0.2, 0.5: 0.6, 0.1: 0.6}), "hit@5").to_dict("records")
    assert (row["alpha"], row["tied"]) == (0.5, 2)


def test_without_other_data_the_rows_say_that_it_was_chosen_on_the_same():
    (row,) = choose(swept({0.1: 0.3, 0.5: 0.6}), "hit@5").to_dict("records")
    assert row["chosen_on"] == row["split"] == "val"


def test_a_setting_chosen_on_another_benchmark_names_it():
    other = swept({0.1: 0.3, 0.5: 0.6}, "val").assign(benchmark="cirr")
    (row,) = choose(other, "hit@5", swept({0.1: 0.3, 0.5: 0.6}, "val")).to_dict("records")
    assert row["chosen_on"] == "cirr val"


def test_one_setting_is_no_choice():
    (row,) = choose(swept({0.5: 0.6}), "hit@5").to_dict("records")
    assert row["chosen_on"] is None


def test_a_field_that_is_a_tuple_is_found_again_in_a_sweep_that_was_kept(tmp_path):
    hosts = [("reference_caption", "composed_caption"), ("a", "b")]
    rows = [
        {"method": "pdv_t", "host": h, "metric": "hit@5", "value": v}
        for h, v in zip(hosts, (0.2, 0.6), strict=True)
    ]
    frame = pd.DataFrame(rows).assign(queries=9, benchmark="toy", split="val", protocol=protocol_text({}))
    frame.to_parquet(tmp_path / "kept.parquet")
    (row,) = choose(pd.read_parquet(tmp_path / "kept.parquet"), "hit@5", frame.assign(split="test")).to_dict(
        "records"
    )
    assert (row["host"], row["setting"], row["value"]) == (("a", "b"), "pdv_t(host=('a', 'b'))", 0.6)


def test_the_table_of_choices_shows_both_splits():
    val = pd.concat([swept({0.1: 0.3, 0.5: 0.6}), swept({0.1: 0.9, 0.5: 0.1}, metric="map@5")])
    one = pd.DataFrame([{"method": "text_only", "metric": m, "value": 0.2} for m in METRICS])
    val = pd.concat([val, one.assign(queries=9, benchmark="toy", split="val", protocol=protocol_text({}))])
    test = val.assign(split="test", value=val["value"] / 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = chosen_table(choose(val, "hit@5", test))
    text = [list(row) for row in table.cells.map(lambda cell: getattr(cell, "value", cell)).to_numpy()]
    assert list(table.cells) == ["method", "setting", "hit@5 %", "hit@5 % where it was picked", "map@5 %"]
    assert text == [
        ["SLERP", "slerp(alpha=0.5)", "30.0", "60.0", "5.0"],
        ["text only", "its only one", "10.0", "", "10.0"],
    ]
    assert "the best of 2 settings by hit@5 on val." in str(table)
    assert "toy test: 9 queries." in str(table)


@pytest.mark.parametrize("form", [to_text, to_markdown, to_latex, to_html])
def test_the_table_of_choices_warns_where_they_were_picked_on_what_is_reported(form):
    with pytest.warns(ChosenOnReported, match="SLERP was the best of 2 settings by hit@5 on val, the data"):
        table = chosen_table(choose(swept({0.1: 0.3, 0.5: 0.6}), "hit@5"))
    assert "its numbers flatter it" in form(table)
    assert "†" in form(table) or "dagger" in form(table)


def test_what_cannot_be_chosen_is_named():
    with pytest.raises(UnknownName, match=r"no metric 'hit@50'\. Did you mean 'hit@5'"):
        choose(swept({0.1: 0.3}), "hit@50")
    with pytest.raises(
        EvaluationError, match=r"slerp\(alpha=0\.5\) was chosen, but is not among the settings"
    ):
        choose(swept({0.1: 0.3, 0.5: 0.6}), "hit@5", swept({0.1: 0.3}, "test"))
    with pytest.raises(EvaluationError, match="slerp: 1 of 2 values of hit@5 are NaN"):
        choose(swept({0.1: 0.3, 0.5: np.nan}), "hit@5")
    with pytest.raises(EvaluationError, match="slerp: got no settings to choose from"):
        evaluate_chosen({"slerp": []}, None, "hit@5")


def test_frames_of_a_real_sweep_are_read(cases):
    val, test = (
        sweep([*SETTINGS, *grid(Slerp, alpha=[0.3, 0.7]), TextOnly()], case, metrics=METRICS)
        for case in cases
    )
    found = choose(val, "map@5", test)
    assert found["method"].tolist() == [m for m in ("weighted_sum", "slerp", "text_only") for _ in METRICS]
    for method, field in (("weighted_sum", "weight"), ("slerp", "alpha")):
        rows = val[(val["method"] == method) & (val["metric"] == "map@5")]
        best = rows.loc[rows["value"].idxmax(), field]
        mine = found[found["method"] == method]
        assert set(mine[field]) == {best}
        there = test[(test["method"] == method) & (test[field] == best)]
        assert mine["value"].tolist() == there["value"].tolist()
    assert found[found["method"] == "text_only"]["chosen_on"].isna().all()


def test_the_chosen_are_evaluated_per_query_and_tables_read_it(cases):
    frame = evaluate_chosen([ImageOnly(), *SETTINGS], cases[0], "map@5", cases[1], METRICS)
    assert metric_columns(frame) == METRICS
    values = {s: evaluate(cases[0], {"x": s}, ["map@5"])["map@5"].mean() for s in SETTINGS}
    best = max(values, key=values.get)
    mine = frame[frame["method"] == "weighted_sum"]
    np.testing.assert_array_equal(mine["map@5"], evaluate(cases[1], {"x": best}, ["map@5"])["map@5"])
    assert set(mine["chosen_on"]) == {"val"} and set(mine["split"]) == {"test"}
    assert frame[frame["method"] == "image_only"]["chosen_on"].isna().all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = main_table(results_table(frame, METRICS))
    assert "the best of 3 settings by map@5 on val" in str(table)
    with pytest.warns(
        ChosenOnReported, match="weighted sum was the best of 3 settings by map@5 on val, the data"
    ):
        main_table(results_table(evaluate_chosen(SETTINGS, cases[0], "map@5"), METRICS))


def test_folds_hold_whole_clusters_of_every_stratum():
    clusters, strata = np.arange(60) // 2, np.repeat([0, 1], [40, 20])
    fold = fold_of(Groups(clusters, strata), 5)
    for cluster in range(30):
        assert len(set(fold[clusters == cluster])) == 1
    for stratum, size in ((0, 8), (1, 4)):
        np.testing.assert_array_equal(np.bincount(fold[strata == stratum]), size)
    np.testing.assert_array_equal(fold, fold_of(Groups(clusters, strata), 5))
    assert (fold != fold_of(Groups(clusters, strata), 5, seed=1)).any()
    with pytest.raises(EvaluationError, match="folds: got 6, expected 2 to 5 for 10 clusters"):
        fold_of(Groups(clusters, strata), 6)


def test_no_query_takes_part_in_the_choice_of_its_own_setting():
    """Each fold's best setting is good there and bad elsewhere: a choice that saw the fold would take it."""
    fold = np.repeat([0, 1, 2, 3], 6)
    values = np.stack([*(fold == f for f in range(4)), np.full(24, False)]).astype(float) * 3
    values[4] = 0.9  # better on the other folds (3/3 = 1 against .9) only when the own fold counts
    queries = pd.DataFrame({"query": range(24), "reference": np.arange(24) // 2})
    chosen = chosen_elsewhere(values, queries, fold)
    assert (chosen != fold).all()
    reference = [
        int(np.argmax([np.mean([v for v, f in zip(row, fold, strict=True) if f != mine]) for row in values]))
        for mine in fold
    ]
    np.testing.assert_array_equal(chosen, reference)


def test_nested_choice_shows_no_gain_where_there_is_none_and_the_naive_one_does():
    """200 settings of pure chance: the best of all looks good, the nested choice does not."""
    rng = np.random.default_rng(0)
    values = (rng.random((200, 400)) < 0.3).astype(float)
    queries = pd.DataFrame({"query": range(400), "reference": np.arange(400) // 2})
    chosen = chosen_elsewhere(values, queries, fold_of(Groups(np.arange(400) // 2), 5))
    assert values.mean(axis=1).max() > 0.35
    assert values[chosen, np.arange(400)].mean() == pytest.approx(0.3, abs=0.05)


def test_nested_choice_on_a_case(cases):
    case = cases[0]
    frame = cross_choose([TextOnly(), *SETTINGS], case, "map@5", METRICS, folds=4)
    assert metric_columns(frame) == METRICS
    mine = frame[frame["method"] == "weighted_sum"].reset_index(drop=True)
    each = {s: evaluate(case, {"x": s}, METRICS) for s in SETTINGS}
    for fold in range(4):
        held_out = mine["fold"] == fold
        means = {s: f.loc[~held_out, "map@5"].mean() for s, f in each.items()}
        best = max(means, key=means.get)
        for name in (*METRICS, "rank"):
            np.testing.assert_array_equal(mine.loc[held_out, name], each[best].loc[held_out, name])
    assert set(mine["chosen_on"]) == {"val, the other 3 of 4 folds"}
    text = frame[frame["method"] == "text_only"]
    np.testing.assert_array_equal(text["map@5"], evaluate(case, [TextOnly()], ["map@5"])["map@5"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "on val, the other 3 of 4 folds" in str(main_table(results_table(frame, METRICS)))
