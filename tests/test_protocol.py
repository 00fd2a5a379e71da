"""What numbers belong to: clusters, strata and means as the protocol says; what differs is not put together."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from workbench.data.benchmark import Summary
from workbench.evaluation import results_table
from workbench.protocol import (
    EvaluationError,
    ProtocolMismatch,
    groups_of,
    join,
    protocol_of,
    protocol_text,
    rules_of,
)


def answers(method: str, protocol: dict | None = None, **columns) -> pd.DataFrame:
    """Eight queries over four references, two categories and three instances."""
    frame = pd.DataFrame(
        {
            "method": method,
            "query": [f"q{i}" for i in range(8)],
            "reference": list("aabbccdd"),
            "tag_category": ["shirt"] * 4 + ["dress"] * 4,
            "tag_instance": list("xxxyyyzz"),
            "hit@1": [1.0, 1, 1, 0, 0, 0, 0, 1],
            "benchmark": "toy",
            "split": "val",
            "protocol": protocol_text(protocol or {"reference": "excluded"}),
        }
    )
    return frame.assign(**columns)


def test_clusters_are_references_unless_the_protocol_says_otherwise():
    np.testing.assert_array_equal(groups_of(answers("a")).cluster, [0, 0, 1, 1, 2, 2, 3, 3])
    of_instance = groups_of(answers("a", {"clusters": "instance"}))
    np.testing.assert_array_equal(of_instance.cluster, [0, 0, 0, 1, 1, 1, 2, 2])
    assert len(groups_of(answers("a"), unit="query")) == 8


def test_a_frame_without_a_protocol_is_taken_plainly():
    frame = answers("a").drop(columns="protocol")
    assert protocol_of(frame) == {}
    assert len(groups_of(frame)) == 4


@pytest.mark.parametrize(
    ("protocol", "mean"),
    [
        ({}, 4 / 8),
        ({"mean over": "strata", "strata": "category"}, (3 / 4 + 1 / 4) / 2),
        ({"mean over": "clusters", "clusters": "instance"}, (1 + 0 + 1 / 2) / 3),
    ],
)
def test_the_table_takes_the_benchmarks_own_mean(protocol, mean):
    table = results_table(answers("a", protocol), ["hit@1"])
    assert table["mean"][0] == pytest.approx(mean)


def test_official_numbers_say_how_queries_hang_together(make_case):
    bench = make_case(seed=1).benchmark
    over = {tag: Summary("R", "recall@10", over=tag) for tag in ("category", "instance")}
    plain, worst = Summary("mAP", "map"), Summary("minmAP", "map", over="instance", within="min")
    part = Summary("R dress", "recall@10", where=("category", "dress"))
    for summaries, expected in (
        ((), {}),
        ((plain,), {}),
        ((over["category"], part), {"mean over": "strata", "strata": "category"}),  # FashionIQ
        ((plain, over["instance"], worst), {"clusters": "instance"}),  # i-CIR
        ((over["category"], over["instance"]), {}),
    ):
        rules = rules_of(dataclasses.replace(bench, summaries=summaries))
        assert rules == {"reference": "excluded", **expected}
    stated = dataclasses.replace(bench, summaries=(plain, worst), protocol={"clusters": "scene"})
    assert rules_of(stated) == {"clusters": "scene"}


def test_a_tag_that_is_not_there_is_named():
    with pytest.raises(
        EvaluationError, match=r"groups queries by 'tag_categry'.*Did you mean 'tag_category'"
    ):
        groups_of(answers("a", {"strata": "categry"}))
    frame = answers("a", {"strata": "category"})
    frame.loc[3, "tag_category"] = None
    with pytest.raises(EvaluationError, match="'tag_category', which query q3 lacks"):
        groups_of(frame)


def test_clusters_cannot_be_left_out_where_the_mean_is_over_them():
    with pytest.raises(EvaluationError, match="this benchmark's mean is over clusters"):
        groups_of(answers("a", {"mean over": "clusters"}), unit="query")
    with pytest.raises(EvaluationError, match="unit: got 'reference', expected 'cluster' or 'query'"):
        groups_of(answers("a"), unit="reference")


def test_frames_of_one_protocol_are_joined():
    both = join(answers("a"), answers("b"))
    assert both["method"].tolist() == ["a"] * 8 + ["b"] * 8
    with pytest.raises(EvaluationError, match="a: in more than one of the frames"):
        join(answers("a"), answers("a"))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (
            answers("b", {"reference": "kept"}),
            "a and b do not belong in one table: protocol 'reference' is 'excluded' for one and 'kept' for the other",
        ),
        (
            answers("b", {"reference": "excluded", "gallery": "union"}),
            "protocol 'gallery' is None for one and 'union' for the other",
        ),
        (answers("b", split="test"), "split is 'val' for one and 'test' for the other"),
        (answers("b", benchmark="cirr"), "benchmark is 'toy' for one and 'cirr' for the other"),
    ],
)
def test_what_was_made_under_other_rules_is_refused(other, said):
    with pytest.raises(ProtocolMismatch) as caught:
        join(answers("a"), other)
    assert said in str(caught.value)
    with pytest.raises(ProtocolMismatch):
        results_table(pd.concat([answers("a"), other]), ["hit@1"])


def test_the_protocol_is_one_cell_that_does_not_depend_on_the_order_of_keys():
    one, other = protocol_text({"a": "1", "b": "ü"}), protocol_text({"b": "ü", "a": "1"})
    assert one == other
    assert json.loads(one) == {"a": "1", "b": "ü"}
