"""From a case and methods to the tidy frame and the results table."""

import numpy as np
import pandas as pd
import pytest

from workbench.evaluation import evaluate, method_ranks, metric_columns, results_table
from workbench.methods import ImageOnly, PDVFusion, Product, TextOnly
from workbench.metrics import average_precision_at, recall_at
from workbench.protocol import EvaluationError
from workbench.registry import UnknownName
from workbench.score.ranks import target_ranks
from workbench.significance import bootstrap_interval, holm, paired_test


@pytest.fixture
def case(make_case):
    return make_case(seed=12)


def test_the_frame_has_a_row_per_method_and_query(case):
    frame = evaluate(case, [ImageOnly(), PDVFusion(beta=0.5)])
    assert list(frame.columns) == [
        *("method", "query", "reference", "tag_edit", "rank"),
        *case.benchmark.metrics,
        *("targets", "words", "benchmark", "split", "protocol", "encoder", "captions"),
    ]
    assert metric_columns(frame) == list(case.benchmark.metrics)
    assert frame["method"].tolist() == ["image_only"] * 12 + ["pdv_f(beta=0.5)"] * 12
    assert frame["query"].tolist() == [f"q{q}" for q in range(12)] * 2
    assert frame["tag_edit"].tolist()[:4] == ["part", "colour", "colour", "part"]
    assert set(frame["targets"]) == {2} and set(frame["words"]) == {3}
    assert set(zip(frame["benchmark"], frame["split"], frame["protocol"], strict=True)) == {
        ("arrays", "val", '{"reference": "excluded"}')
    }


def test_its_numbers_are_the_metrics_of_the_ranks(case):
    frame = evaluate(case, {"text": TextOnly()})
    scores = TextOnly().score(case)
    qrels = case.benchmark.qrels
    default, subset = target_ranks(scores, qrels["default"]), target_ranks(scores, qrels["subset"])
    np.testing.assert_array_equal(frame["rank"], default[:, 0])
    np.testing.assert_array_equal(frame["recall@5"], recall_at(default, 5))
    np.testing.assert_array_equal(frame["map@5"], average_precision_at(default, 5))
    np.testing.assert_array_equal(frame["subset:recall@1"], recall_at(subset, 1))


def test_methods_that_are_not_linear_are_ranked_too(case):
    ranks = method_ranks(case, Product(), ["default"])["default"]
    np.testing.assert_array_equal(ranks, target_ranks(Product().score(case), case.benchmark.qrels["default"]))


def test_the_table_holds_means_intervals_and_paired_tests(case):
    frame = evaluate(case, [ImageOnly(), TextOnly()])
    table = results_table(frame, ["hit@5", "map@5"]).set_index(["method", "metric"])
    assert table.columns.tolist() == [
        *("benchmark", "split", "protocol", "encoder", "captions"),
        *("queries", "clusters", "unit", "level", "mean", "low", "high"),
        *("baseline", "difference", "difference_low", "difference_high"),
        *("p", "p_holm", "effect", "wins", "losses", "p_best"),
    ]
    clusters = case.benchmark.clusters
    values = {name: rows["map@5"].to_numpy() for name, rows in frame.groupby("method")}
    row = table.loc[("text_only", "map@5")]
    interval = bootstrap_interval(values["text_only"], clusters)
    assert (row["mean"], row["low"], row["high"]) == pytest.approx(tuple(interval))
    test = paired_test(values["text_only"], values["image_only"], clusters)
    assert row["baseline"] == "image_only"
    names = ["difference", "difference_low", "difference_high", "p", "effect", "wins", "losses"]
    assert tuple(row[names]) == pytest.approx(tuple(test))
    assert row["clusters"] == 6
    own = table.loc[("image_only", "map@5")]
    assert own["difference"] == 0
    assert np.isnan(own["p"])


def test_rows_are_paired_by_query_not_by_position(case):
    frame = evaluate(case, [ImageOnly(), TextOnly()])
    shuffled = frame.sample(frac=1, random_state=0)
    first = results_table(frame, ["map@5"], baseline="image_only").set_index("method")
    second = results_table(shuffled, ["map@5"], baseline="image_only").set_index("method")
    assert second.loc["text_only", "difference"] == pytest.approx(first.loc["text_only", "difference"])
    wins = frame.pivot(index="query", columns="method", values="map@5").diff(axis=1)["text_only"]
    assert first.loc["text_only", "difference"] == pytest.approx(wins.mean())


def test_methods_that_answered_different_queries_are_not_compared(case):
    frame = evaluate(case, [ImageOnly(), TextOnly()])
    for cut in (frame.iloc[:-1], pd.concat([frame, frame.iloc[-1:]])):
        with pytest.raises(
            EvaluationError, match=r"text_only answers 1[13] queries, not the 12 of the baseline"
        ):
            results_table(cut, ["hit@5"])


def test_unknown_names_are_refused(case):
    with pytest.raises(UnknownName, match=r"arrays has no qrels 'subst'\. Did you mean 'subset'"):
        evaluate(case, [ImageOnly()], ["subst:recall@1"])
    frame = evaluate(case, [ImageOnly()])
    with pytest.raises(UnknownName, match="the frame has no method 'text_only'"):
        results_table(frame, ["hit@5"], baseline="text_only")
    with pytest.raises(UnknownName, match=r"the frame has no metric 'hit@50'\. Did you mean 'hit@5'"):
        results_table(frame, ["hit@50"])


@pytest.fixture
def many():
    """Six methods on 300 queries, two per reference: better from one to the next, the last two alike."""
    rng = np.random.default_rng(0)
    ease, frames = rng.random(300), []
    for name, share in {"a": 0.2, "b": 0.25, "c": 0.45, "d": 0.6, "e": 0.61}.items():
        hits = (0.5 * ease + 0.5 * rng.random(300) < share).astype(float)
        columns = {"query": np.arange(300).astype(str), "reference": np.arange(300) // 2}
        frames.append(pd.DataFrame({"method": name, **columns, "hit@1": hits, "hit@5": np.sqrt(hits)}))
    return pd.concat(frames)


def test_p_is_corrected_over_the_methods_of_a_metric(many):
    table = results_table(many)
    for metric in ("hit@1", "hit@5"):
        rows = table[table["metric"] == metric]
        np.testing.assert_array_equal(rows["p_holm"], holm(rows["p"].to_numpy()))
        assert np.isnan(rows["p_holm"].iloc[0])


def test_every_method_is_compared_with_the_best(many):
    rows = results_table(many, ["hit@1"]).set_index("method")
    best = rows["mean"].idxmax()
    assert np.isnan(rows.loc[best, "p_best"])
    values = {name: some["hit@1"].to_numpy() for name, some in many.groupby("method")}
    others = [name for name in rows.index if name != best]
    p = [paired_test(values[name], values[best], np.arange(300) // 2).p for name in others]
    np.testing.assert_allclose(rows.loc[others, "p_best"], holm(np.array(p)))
    assert rows.loc["a", "p_best"] < 0.01 < 0.05 < rows.loc[[n for n in "de" if n != best], "p_best"].iloc[0]


def test_clusters_are_left_out_only_when_asked(many):
    doubled = many.assign(reference=many["query"].astype(int) // 30)
    together = results_table(doubled, ["hit@1"]).iloc[0]
    alone = results_table(doubled, ["hit@1"], unit="query").iloc[0]
    assert (together["clusters"], together["unit"]) == (10, "cluster")
    assert (alone["clusters"], alone["unit"]) == (300, "query")
    assert alone["mean"] == together["mean"]
    assert (alone["low"], alone["high"]) == tuple(bootstrap_interval(many["hit@1"].to_numpy()[:300])[1:])


def test_more_methods_change_no_interval_and_no_p(many):
    columns = ["mean", "low", "high", "p"]
    all_, few = (results_table(f, ["hit@1"]).set_index("method") for f in (many, many[many["method"] < "d"]))
    pd.testing.assert_frame_equal(all_.loc[list("abc"), columns], few[columns])


def test_a_metric_that_a_method_lacks_is_named(case):
    """Two frames of other metrics put together leave holes."""
    frame = pd.concat([evaluate(case, [ImageOnly()], ["hit@5"]), evaluate(case, [TextOnly()], ["map@5"])])
    with pytest.raises(EvaluationError, match=r"text_only has no hit@5 for \d+ of \d+ queries"):
        results_table(frame, ["hit@5"])
