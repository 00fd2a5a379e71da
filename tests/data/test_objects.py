"""Object composition: crops of masked pictures, the csv's digest in the protocol, damaged lines."""

import numpy as np
import pytest

from tests.data.layouts import OBJECTS_CSV as CSV
from tests.data.layouts import coco_objects as coco
from workbench import data
from workbench.data.benchmark import BenchmarkError, Qrels
from workbench.data.files import MissingFiles
from workbench.metrics import recall_at
from workbench.score.ranks import target_ranks


def test_lines_become_queries(tmp_path):
    bench = data.load("objects", "val", coco(tmp_path / "coco").parent)
    assert [query.modification for query in bench.queries] == [("cat and sofa",), ("car",)]
    assert bench.references[0].size == (6, 4)
    np.testing.assert_array_equal(bench.qrels["default"].targets, [[0], [1]])
    other = data.load("objects", "val", coco(tmp_path / "other", CSV.replace("dog", "cow")))
    assert other.protocol["gallery"] != bench.protocol["gallery"]


def test_missing_pictures(tmp_path):
    coco(tmp_path)
    (tmp_path / "val2017_masked/b.jpg").unlink()
    with pytest.raises(MissingFiles, match=r"val2017_masked/b\.jpg is missing"):
        data.load("objects", "val", tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CSV.replace("classes", "labels"), "its header is .* expected id,query_regions,query_class,classes"),
        (CSV.replace("7.0;6", "7.0"), "row 2: query_regions is .* expected x1;y1;x2;y2"),
        (CSV.replace("7.0;6", "1.5;6"), "row 2: the region .* has no area"),
    ],
)
def test_damaged_lines(tmp_path, text, message):
    with pytest.raises(BenchmarkError, match=message):
        data.load("objects", "val", coco(tmp_path, text))


def test_fixture_of_the_published_implementation(golden):
    given = golden("cir/pic2word_domain_object", "input.npz")
    expected = golden("cir/pic2word_domain_object", "expected.json")["coco"]
    scores = given["coco_query"] @ given["coco_image"].T
    both = {"image_to_ref": scores.T, "ref_to_image": scores}
    for way, matrix in both.items():
        ranks = target_ranks(np.ascontiguousarray(matrix), Qrels(np.arange(90)[:, None]))
        for k in (1, 5, 10, 50, 100):
            assert recall_at(ranks, k).mean() == pytest.approx(expected[f"{way}_R@{k}"], abs=1e-6)
        assert ranks.mean() == pytest.approx(expected[f"{way}_mean_rank"], abs=1e-6)
        assert (
            np.floor(np.median(ranks - 1)) + 1 == expected[f"{way}_median_rank"]
        )  # the lower of two middles
    assert len(expected) == 14
