"""Metrics: against slow twins, hand-computed cases and the published evaluation code's numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference import metrics as slow
from workbench.arrays import unit
from workbench.data.benchmark import BenchmarkError, Gallery, Qrels, qrels_from_ids
from workbench.metrics import (
    MetricError,
    average_precision_at,
    average_precision_trapezoid,
    hit_at,
    measure,
    parse_metric,
    recall_at,
)
from workbench.registry import UnknownName
from workbench.score.ranks import NEVER, target_ranks

PERCENT = 1e-4  # the reference went through float32


def percent(values):
    return 100 * values.mean()


@st.composite
def rank_rows(draw):
    """Distinct ranks of one query's targets in any order, then pads."""
    found = draw(st.lists(st.integers(1, 30), min_size=1, max_size=6, unique=True))
    return found, np.array([found + [NEVER] * draw(st.integers(0, 3))], np.int32)


@given(rank_rows(), st.integers(1, 35))
def test_average_precision_equals_its_definition(rows, k):
    found, ranks = rows
    relevant = slow.relevance(found, 40)
    expected = slow.average_precision_at(relevant, len(found), k)
    assert average_precision_at(ranks, k)[0] == pytest.approx(expected, abs=1e-12)
    plain = slow.average_precision_at(relevant, len(found), 40)
    assert average_precision_at(ranks)[0] == pytest.approx(plain, abs=1e-12)
    trapezoid = slow.average_precision_trapezoid(found)
    assert average_precision_trapezoid(ranks)[0] == pytest.approx(trapezoid, abs=1e-12)


@given(rank_rows(), st.integers(1, 35))
def test_recall_looks_at_the_label_and_hit_at_any(rows, k):
    found, ranks = rows
    assert recall_at(ranks, k)[0] == (found[0] <= k)
    assert hit_at(ranks, k)[0] == any(rank <= k for rank in found)


def test_map_is_not_monotone_in_k():
    """Two targets at 1 and 9: AP@1 = 1, AP@2 = 1/2."""
    ranks = np.array([[1, 9]])
    assert average_precision_at(ranks, 1)[0] == 1
    assert average_precision_at(ranks, 2)[0] == 0.5


def test_never_ranked_targets_pass_at_no_cutoff():
    ranks = np.array([[NEVER, NEVER]], np.int32)
    assert recall_at(ranks, NEVER - 1)[0] == 0
    assert hit_at(ranks, NEVER - 1)[0] == 0
    for ap in (average_precision_at, average_precision_trapezoid):
        with pytest.raises(MetricError, match="query 0 has no ranked target"):
            ap(ranks)


def test_metric_names():
    ranks = {"default": np.array([[3, 1]]), "subset": np.array([[1, 2]])}
    values = measure(ranks, ("recall@1", "hit@1", "subset:recall@1", "map@5", "map", "map_trapezoid"))
    assert [value[0] for value in values.values()] == pytest.approx(
        [0, 1, 1, 5 / 6, 5 / 6, ((1 + 1) / 2 + (1 / 2 + 2 / 3) / 2) / (2 + 1e-5)]
    )
    with pytest.raises(UnknownName, match="Did you mean 'subset'"):
        measure(ranks, ["subst:recall@1"])


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("recal@1", UnknownName, "Did you mean 'recall'"),
        ("recall", MetricError, "recall needs a cut-off"),
        ("map_trapezoid@5", MetricError, "takes no cut-off"),
        ("recall@0", MetricError, 'expected "name@k"'),
        ("recall at 5", MetricError, 'expected "name@k"'),
        ("", MetricError, 'expected "name@k"'),
    ],
)
def test_metric_names_that_cannot_be_read(spec, error, message):
    with pytest.raises(error, match=message):
        parse_metric(spec)


def test_cutoff_below_one():
    with pytest.raises(MetricError, match="k: got 0"):
        recall_at(np.array([[1]]), 0)


def cosine_ranks(query, gallery, qrels):
    return target_ranks(unit(query) @ unit(gallery).T, qrels)


def test_fashioniq_recall(golden):
    data, expected = golden("cir/fiq_recall", "input.npz"), golden("cir/fiq_recall", "expected.json")
    gallery = Gallery(tuple(data["gallery_names"].tolist()))
    qrels = qrels_from_ids(gallery, data["target_names"][:, None].tolist())
    ranks = cosine_ranks(data["query"], data["gallery"], qrels)
    for name, value in [pair for block in expected["metrics_percent"].values() for pair in block.items()]:
        assert percent(recall_at(ranks, int(name.split("@")[1]))) == pytest.approx(value, abs=PERCENT)


def test_fashioniq_target_that_is_not_in_the_gallery_is_an_error(golden):
    data, expected = golden("cir/fiq_recall", "input.npz"), golden("cir/fiq_recall", "expected.json")
    assert expected["target_absent_from_gallery"] == "AssertionError"  # the reference refuses it, too
    names = data["target_names"].tolist()
    gallery = Gallery(tuple(name for name in data["gallery_names"].tolist() if name != names[7]))
    with pytest.raises(
        BenchmarkError, match=f"targets of query 7: '{names[7]}' is not among the gallery's 149 ids"
    ):
        qrels_from_ids(gallery, [[name] for name in names])


def mean_similarity(query_multi, gallery):
    return np.einsum("qkd,nd->qn", unit(query_multi), unit(gallery)) / query_multi.shape[1]


def test_cirr_recall_and_subset_recall(golden):
    data, expected = golden("cir/cirr_recall", "input.npz"), golden("cir/cirr_recall", "expected.json")
    gallery = Gallery(tuple(data["gallery_names"].tolist()))
    names = {
        key: data[key].reshape(80, -1).tolist() for key in ("target_names", "reference_names", "members")
    }
    default = qrels_from_ids(gallery, names["target_names"], names["reference_names"])
    subset = qrels_from_ids(gallery, names["target_names"], names["reference_names"], names["members"])
    single = unit(data["query"]) @ unit(data["gallery"]).T
    several = mean_similarity(data["query_multi"], data["gallery"])
    for scores, block in (
        (single, "single"),
        (several, "multi_feature_mean_distance"),
        (single, "pic2word_recall_only"),
    ):
        ranks = {"recall": target_ranks(scores, default), "group_recall": target_ranks(scores, subset)}
        for name, value in expected[block].items():
            kind = "group_recall" if name.startswith("group") else "recall"
            assert percent(recall_at(ranks[kind], int(name.split("@")[1]))) == pytest.approx(
                value, abs=PERCENT
            )


def test_circo_map_and_recall(golden):
    data, expected = golden("cir/circo_features", "input.npz"), golden("cir/circo_features", "expected.json")
    gallery = Gallery(tuple(data["gallery_ids"].tolist()))
    qrels = qrels_from_ids(gallery, [[id for id in ids if id] for ids in data["gt_ids"].tolist()])
    single = unit(data["query"]) @ unit(data["gallery"]).T
    several = mean_similarity(data["query_multi"], data["gallery"])
    functions = {"mAP": average_precision_at, "recall": recall_at}
    for scores, block in ((single, "single_percent"), (several, "multi_feature_mean_similarity_percent")):
        ranks = target_ranks(scores, qrels)
        for name, value in expected[block].items():
            kind, k = name.split("@")
            assert percent(functions[kind](ranks, int(k))) == pytest.approx(value, abs=PERCENT)


def test_genecis_recall(golden):
    """Every query has a gallery of its own of 15: one long gallery with candidates."""
    data, expected = golden("cir/genecis_recall", "input.npz"), golden("cir/genecis_recall", "expected.json")
    gallery = unit(data["gallery"].reshape(-1, 24))
    candidates = np.arange(64 * 15).reshape(64, 15)
    qrels = Qrels(candidates[:, :1], candidates=candidates)
    for scores, block in (
        (unit(data["query"]) @ gallery.T, "cirevl_single_percent"),
        (mean_similarity(data["query_multi"], gallery), "cirevl_multi_feature_percent"),
    ):
        ranks = target_ranks(scores, qrels)
        for name, value in expected[block].items():
            assert percent(recall_at(ranks, int(name[2:]))) == pytest.approx(value, abs=PERCENT)


def test_genecis_bare_recall(golden):
    """Lists of the first three items, against one or several right ones: scores 3, 2, 1 for the places."""
    data, expected = golden("cir/genecis_recall", "input.npz"), golden("cir/genecis_recall", "expected.json")
    places, several = data["topk_indices"], data["targets_multi"]
    n_items = int(max(places.max(), several.max(), data["targets_one"].max())) + 1
    scores = np.zeros((64, n_items), np.float32)
    np.put_along_axis(scores, places, np.array([[3, 2, 1]], np.float32), axis=1)
    distinct = np.full(several.shape, -1)
    for query, row in enumerate(several):
        kept = np.unique(row)
        distinct[query, : len(kept)] = kept
    one = target_ranks(scores, Qrels(data["targets_one"][:, None]))
    many = target_ranks(scores, Qrels(distinct))
    for k in (1, 2, 3):
        found = recall_at(one, k).mean()
        assert found == pytest.approx(expected["get_recall_one_hot_fraction"][str(k)], abs=1e-6)
        assert hit_at(many, k).mean() == pytest.approx(
            expected["get_recall_multi_hot_fraction"][str(k)], abs=1e-6
        )


def test_icir_average_precision(golden):
    """The simple baselines of the i-CIR evaluation: positives match in instance and in text."""
    data, expected = golden("cir/basic_icir", "input.npz"), golden("cir/basic_icir", "expected.json")
    scores = golden("cir/basic_icir", "expected_scores.npz")
    same_instance = data["query_instance"][:, None] == data["database_instance"][None, :]
    positive = same_instance & (data["query_text_label"][:, None] == data["database_text"][None, :])
    width = positive.sum(axis=1).max()
    targets = np.full((10, width), -1)
    for query, row in enumerate(positive):
        rows = np.flatnonzero(row)
        targets[query, : len(rows)] = rows
    for name in ("sum", "text", "image"):
        ap = average_precision_trapezoid(target_ranks(scores[name], Qrels(targets)))
        np.testing.assert_allclose(ap, expected[name]["AP"], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "zero_based"), [("ranks_0_1_2", [0, 1, 2]), ("ranks_1", [1]), ("ranks_4_9", [4, 9])]
)
def test_icir_average_precision_function(golden, name, zero_based):
    expected = golden("cir/basic_icir", "expected.json")["compute_ap"][name]
    assert average_precision_trapezoid(np.array([zero_based]) + 1)[0] == pytest.approx(expected, abs=1e-6)
