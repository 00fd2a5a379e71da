"""Domain conversion: labels, the found share, and damaged lists."""

import numpy as np
import pytest

from tests.data.layouts import domain
from workbench import data
from workbench.data.benchmark import BenchmarkError, Qrels
from workbench.data.files import MissingFiles, padded
from workbench.data.predictions import PredictionsError, Rankings
from workbench.metrics import (
    average_precision_trapezoid,
    capped_precision_at,
    fraction_recall_at,
    precision_at,
)
from workbench.official import score_rankings
from workbench.score.ranks import target_ranks


def load(root, split="cartoon", **changes):
    return data.load("domain", split, root, **{"counts": {"queries": 2, "gallery": 5}, **changes})


@pytest.mark.parametrize("above", [False, True])
def test_labels_become_targets(tmp_path, above):
    domain(tmp_path / "imgnet")
    bench = load(tmp_path if above else tmp_path / "imgnet")
    np.testing.assert_array_equal(bench.qrels["default"].targets, [[0, 1], [-1, -1]])
    assert bench.queries[0].modification == ("a cartoon",)
    assert bench.card.counts["without_target"] == 1
    assert bench.references[1].size == bench.gallery.images[4].size == (12, 10)
    origami = load(tmp_path / "imgnet", "origami")
    assert origami.queries[0].modification == ("an origami",)
    np.testing.assert_array_equal(origami.qrels["default"].targets, [[-1], [2]])


def test_recall_is_the_found_share_and_a_query_without_target_counts(tmp_path):
    bench = load(domain(tmp_path), pictures=False)
    ids = bench.gallery.ids
    found = score_rankings(bench, Rankings({"0": (ids[1], ids[3]), "1": ids})).metrics
    assert found["Recall@10"] == pytest.approx((1 / (2 + 1e-5) + 0) / 2)
    # as the published list writes them, and with the folders of somebody's disk in front
    theirs = {"0": (f"imgnet/{ids[1]}", f"/data/imgnet/{ids[3]}"), "1": ids}
    again = score_rankings(bench, Rankings(theirs))
    assert again.metrics == found
    assert "2 ids were read without folder" in again.notes[0]
    with pytest.raises(PredictionsError, match=r"'cartoon_1\.jpg' is not among the gallery's 5 pictures"):
        score_rankings(bench, Rankings({"0": ("cartoon_1.jpg",), "1": ids}))


def test_fixture_of_the_published_implementation(golden):
    given, expected = (
        golden("cir/pic2word_domain_object", "input.npz"),
        golden("cir/pic2word_domain_object", "expected.json"),
    )
    right = [np.flatnonzero(given["target_labels"] == label).tolist() for label in given["query_labels"]]
    ranks = target_ranks(given["query"] @ given["target"].T, Qrels(padded(right)))
    functions = {"R": fraction_recall_at, "P": precision_at}
    for name, value in expected["imagenet_r_fraction"].items():
        kind, _, k = name.removeprefix("Real2Sketch_").partition("@")
        assert functions[kind](ranks, int(k)).mean() == pytest.approx(value, abs=1e-6)


def test_domain_metric_of_icir(golden):
    """Class = instance, domain = text: P@K there is over min(T, K)."""
    given, expected = golden("cir/basic_icir", "input.npz"), golden("cir/basic_icir", "expected.json")
    scores = golden("cir/basic_icir", "expected_scores.npz")["sum"]
    for domain_name in ("text0", "text2"):
        block = expected[f"domain_metrics_sum_{domain_name}"]
        right = [
            np.flatnonzero(
                (given["database_instance"] == c) & (given["database_text"] == domain_name)
            ).tolist()
            for c in given["query_instance"]
        ]
        ranks = target_ranks(scores, Qrels(padded(right)))
        for k in (5, 10):
            assert 100 * fraction_recall_at(ranks, k).mean() == pytest.approx(block[f"R@{k}"], abs=0.0051)
            assert 100 * capped_precision_at(ranks, k).mean() == pytest.approx(block[f"P@{k}"], abs=0.0051)
        ap = average_precision_trapezoid(ranks)
        np.testing.assert_allclose(ap, block["AP"], atol=1e-6)
        assert 100 * ap.mean() == pytest.approx(block["mAP"], abs=0.0051)
        assert len(block) == 6


def test_all_four_domains_weigh_the_same(tmp_path):
    bench = load(domain(tmp_path), "all", counts={"queries": 8, "domain": 4})
    assert [query.id for query in bench.queries[:3]] == ["cartoon-0", "cartoon-1", "origami-0"]
    assert bench.references.digest(0) == bench.references.digest(6) != bench.references.digest(1)
    ids, lists = bench.gallery.ids, {query.id: (bench.gallery.ids[3],) for query in bench.queries}
    lists["origami-1"] = (ids[2],)
    lists["toy-1"] = (ids[4],)
    found = score_rankings(bench, Rankings(lists)).metrics
    one = 1 / (1 + 1e-5) / 2  # the right one in one of two queries
    assert found["Recall@10 origami"] == pytest.approx(one)
    assert found["Recall@10"] == pytest.approx((0 + one + one + 0) / 4)


def test_damaged_lists(tmp_path):
    domain(tmp_path)
    (tmp_path / "real/n1/b.JPEG").unlink()
    with pytest.raises(MissingFiles, match=r"real/n1/b\.JPEG is missing"):
        load(tmp_path)
    (tmp_path / "imgnet_targets.txt").write_text("imgnet/real/n1/b.JPEG\n")
    with pytest.raises(BenchmarkError, match="line 1: expected a path and a label"):
        load(tmp_path)
    (tmp_path / "imgnet_targets.txt").write_text("")
    with pytest.raises(BenchmarkError, match="is empty; fetch it again"):
        load(tmp_path)


def test_published_counts(tmp_path):
    with pytest.raises(BenchmarkError, match="pictures in the domain: found 2, expected 3726"):
        data.load("domain", "cartoon", domain(tmp_path))
