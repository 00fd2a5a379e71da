"""Domain conversion between every two domains: who is asked for what, the means over pairs, damaged lists."""

import numpy as np
import pytest

from tests.data.layouts import domain_pairs
from tests.encode.tiny import FakeEncoder, rows_asked_for
from workbench import data
from workbench.case import build_case
from workbench.data.benchmark import BenchmarkError
from workbench.data.files import MissingFiles
from workbench.data.predictions import Rankings
from workbench.encode.store import EmbeddingStore
from workbench.metrics import average_precision_trapezoid
from workbench.official import score_rankings
from workbench.protocol import rules_of
from workbench.registry import UnknownName


def load(root, split="minidn", **changes):
    return data.load("domain_pairs", split, root, **{"counts": {}, **changes})


@pytest.mark.parametrize("above", [False, True])
def test_every_picture_asks_for_its_class_in_every_other_domain(tmp_path, above):
    domain_pairs(tmp_path / "minidn")
    bench = load(
        tmp_path if above else tmp_path / "minidn", counts={"queries": 8 * 3, "references": 8, "pair": 12}
    )
    first = bench.queries[0]
    assert (first.id, first.reference_image, first.modification) == (
        "0-painting",
        "clipart/ant/q0.jpg",
        ("painting",),
    )
    assert first.tags == {"class": "ant", "pair": "clipart to painting"}
    assert first.reference is None
    assert [query.modification[0] for query in bench.queries[:3]] == ["painting", "sketch", "photo"]
    ids, targets = np.array(bench.gallery.ids), bench.qrels["default"].targets
    assert ids[targets[2]].tolist() == ["real/ant/d0.jpg", "real/ant/d1.jpg"]
    assert len(bench.references) == 24
    assert [bench.references.digest(0)] * 3 == [bench.references.digest(i) for i in range(3)]
    assert bench.metrics == (
        "map_trapezoid",
        "fraction_recall@50",
        "fraction_recall@100",
        "capped_precision@50",
        "capped_precision@100",
    )


def test_ltlls_pictures_are_queries_and_database_at_once(tmp_path):
    bench = load(domain_pairs(tmp_path, "ltll"), "ltll")
    assert len(bench.queries) == len(bench.gallery) == 8
    assert bench.references is None
    assert bench.queries[0].reference == 0
    assert bench.queries[0].modification == ("Today",)
    assert bench.queries[-1].modification == ("Archive",)
    assert bench.protocol["reference"] == "ranked"
    assert bench.qrels["default"].excluded.shape[1] == 0


def test_official_numbers_are_means_over_pairs(tmp_path):
    """All found for one pair of domains, nothing but the last place for the others."""
    bench = load(domain_pairs(tmp_path), pictures=False)
    ids, lists = bench.gallery.ids, {}
    for query, targets in zip(bench.queries, bench.qrels["default"].targets, strict=True):
        right = [ids[n] for n in targets]
        others = [id for id in ids if id not in right]
        best = query.tags["pair"] == "clipart to photo"
        lists[query.id] = tuple(right + others if best else others + right)
    found = score_rankings(bench, Rankings(lists)).metrics
    good, bad = (average_precision_trapezoid(np.array([ranks]))[0] for ranks in ((1, 2), (15, 16)))
    assert found["mAP"] == pytest.approx((good + 11 * bad) / 12)
    assert list(found) == ["mAP", "Recall@50", "Recall@100", "Precision@50", "Precision@100"]
    assert rules_of(bench)["strata"] == "pair"


def test_a_reference_is_encoded_once_however_often_it_asks(tmp_path):
    bench, log = load(domain_pairs(tmp_path / "minidn")), tmp_path / "log"
    store = EmbeddingStore(tmp_path / "store", progress=False)
    case = build_case(bench, FakeEncoder(log=log), terms=[("reference_image", "image")], store=store)
    assert rows_asked_for(log) == 8 + 16
    expected = FakeEncoder().encode_images([bench.references[i] for i in range(24)])
    np.testing.assert_array_equal(case.parts["reference_image"], expected)


def test_what_is_missing_is_named_together(tmp_path):
    domain_pairs(tmp_path)
    (tmp_path / "query_files.csv").unlink()
    (tmp_path / "sketch/axe/d1.jpg").unlink()
    (tmp_path / "real/ant/d0.jpg").write_bytes(b"")
    with pytest.raises(MissingFiles) as caught:
        load(tmp_path)
    first, *others = (problem.partition(" (looked")[0] for problem in caught.value.problems)
    assert first == "minidn/query_files.csv is missing"
    assert [problem.partition("/")[2] for problem in others] == [
        "real/ant/d0.jpg is empty (0 bytes)",
        "sketch/axe/d1.jpg is missing",
    ]
    assert "github.com/NikosEfth/freedom (data/minidn/)" in caught.value.advice


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("minidn/sketch/ant/x.jpg sketch", "query_files.csv: line 9: expected path, domain and class"),
        ("minidn/sketch/ant/x.jpg sketsch ant", "domains: clipart, painting, sketch, real"),
        ("minidn/sketch/bee/q0.jpg sketch bee", "has no labelled target"),
    ],
)
def test_damaged_lists(tmp_path, line, message):
    domain_pairs(tmp_path)
    with (tmp_path / "query_files.csv").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(BenchmarkError, match=message):
        load(tmp_path, pictures=False)


def test_published_counts_and_splits(tmp_path):
    with pytest.raises(BenchmarkError, match="queries: found 24, expected 7557"):
        data.load("domain_pairs", "minidn", domain_pairs(tmp_path))
    with pytest.raises(BenchmarkError, match=r"domain_pairs has no split 'minidm'\. Did you mean 'minidn'"):
        load(tmp_path, "minidm")
    with pytest.raises(UnknownName, match="Did you mean 'domain_pairs'"):
        data.load("domain_pair", "minidn", tmp_path)
