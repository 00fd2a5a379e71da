"""CIRCO's loader: what is right, other arrangements, and each way the files can be wrong."""

import json
import shutil

import numpy as np
import pytest

from tests.data.layouts import CIRCO_COUNTS, CIRCO_TEST_COUNTS, circo, edit_json
from workbench import data
from workbench.data.benchmark import BenchmarkError
from workbench.data.files import MissingFiles

LISTING = "COCO2017_unlabeled/annotations/image_info_unlabeled2017.json"
PICTURES = "COCO2017_unlabeled/unlabeled2017"


def load(root, split="val", **changes):
    return data.load("circo", split, root, **{"counts": CIRCO_COUNTS, **changes})


def test_queries_and_all_their_targets(tmp_path):
    bench = load(circo(tmp_path))
    assert [query.id for query in bench.queries] == ["0", "1", "2", "3"]
    qrels = bench.qrels["default"]
    np.testing.assert_array_equal(qrels.targets, [[5, -1, -1], [8, 9, -1], [11, 12, 13], [14, 15, -1]])
    assert qrels.excluded.shape[1] == 0  # the reference is ranked
    assert bench.gallery.ids[:2] == ("1000", "1007")
    assert bench.gallery.images.names[0] == "000000001000.jpg"
    assert bench.gallery.images[0].size == (12, 10)
    assert bench.queries[1].tags == {
        "shared_concept": "a dog",
        "aspect_addition": "yes",
        "aspect_negation": "yes",
    }
    names = [summary.name for summary in bench.summaries]
    assert names[:2] == ["mAP@5", "mAP@10"]
    assert names[-3:] == ["mAP@10 addition", "mAP@10 negation", "mAP@10 viewpoint"]
    assert bench.protocol["shared concept"] == "unused"


def test_the_labelled_target_comes_first(tmp_path):
    """Recall@K looks at it alone, wherever the file lists it among the ground truths."""
    circo(tmp_path)
    edit_json(tmp_path / "annotations/val.json", lambda queries: queries[2]["gt_img_ids"].reverse())
    np.testing.assert_array_equal(load(tmp_path).qrels["default"].targets[2], [11, 13, 12])


def test_the_test_split_hides_its_targets(tmp_path):
    bench = load(circo(tmp_path, "test"), "test", counts=CIRCO_TEST_COUNTS)
    assert (bench.qrels["default"].targets == -1).all()
    assert all(name.name[:3] in ("mAP", "Rec") for name in bench.summaries)


@pytest.mark.parametrize("above", [False, True])
def test_coco_may_lie_beside_the_annotations(tmp_path, above):
    circo(tmp_path / "CIRCO")
    for name in ("annotations/image_info_unlabeled2017.json", "unlabeled2017"):
        shutil.move(tmp_path / "CIRCO/COCO2017_unlabeled" / name, tmp_path / "CIRCO" / name)
    assert len(load(tmp_path if above else tmp_path / "CIRCO").gallery) == 20


def test_annotations_alone_are_enough_to_score(tmp_path):
    circo(tmp_path)
    shutil.rmtree(tmp_path / "COCO2017_unlabeled")
    bench = data.load("circo", "val", tmp_path, pictures=False)
    assert not bench.gallery.whole
    assert len(bench.gallery) == 4 + 8
    with pytest.raises(MissingFiles) as caught:
        load(tmp_path)
    listing, folder = caught.value.problems
    assert listing.startswith(f"{LISTING} is missing")
    assert folder.startswith("the folder COCO2017_unlabeled/unlabeled2017/ is missing")
    assert "images.cocodataset.org" in str(caught.value)


def test_published_counts_are_asserted(tmp_path):
    with pytest.raises(BenchmarkError, match="queries: found 4, expected 220"):
        data.load("circo", "val", circo(tmp_path))
    with pytest.raises(BenchmarkError, match="targets: found 8, expected 9"):
        load(tmp_path, counts={"targets": 9})


def test_pictures_without_zeros_in_front_are_missing_by_name(tmp_path):
    """A copy whose files lost their twelve digits: every picture is named, none is skipped."""
    circo(tmp_path)
    for path in (tmp_path / PICTURES).iterdir():
        path.rename(path.with_name(path.name.lstrip("0")))
    with pytest.raises(MissingFiles) as caught:
        load(tmp_path)
    assert len(caught.value.problems) == 20
    assert caught.value.problems[0] == "unlabeled2017/000000001000.jpg is missing"


@pytest.mark.parametrize("written", ["{}", "{:012d}"])
def test_ids_may_be_texts_with_or_without_twelve_digits(tmp_path, written):
    circo(tmp_path)

    def as_text(queries):
        for query in queries:
            query["reference_img_id"] = written.format(query["reference_img_id"])
            query["gt_img_ids"] = [written.format(id) for id in query["gt_img_ids"]]

    edit_json(tmp_path / "annotations/val.json", as_text)
    bench = load(tmp_path)
    np.testing.assert_array_equal(bench.qrels["default"].targets[1], [8, 9, -1])
    assert bench.gallery.ids[0] == "1000"


def test_an_aspect_that_is_none_of_the_nine_is_reported_last(tmp_path):
    edit_json(
        circo(tmp_path) / "annotations/val.json", lambda q: q[0]["semantic_aspects"].insert(0, "conjunction")
    )
    named = [one.name for one in load(tmp_path).summaries if one.where is not None]
    assert named == ["mAP@10 addition", "mAP@10 negation", "mAP@10 viewpoint", "mAP@10 conjunction"]


def test_to_score_rankings_neither_texts_nor_concepts_are_needed(tmp_path):
    def less(queries):
        del queries[0]["shared_concept"]
        queries[1]["relative_caption"] = ""

    edit_json(circo(tmp_path) / "annotations/val.json", less)
    bench = data.load("circo", "val", tmp_path, pictures=False)
    assert "shared_concept" not in bench.queries[0].tags
    assert bench.queries[1].tags["shared_concept"] == "a dog"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda q: q[1].update(target_img_id=1000), "query 1: target_img_id 1000 is not among gt_img_ids"),
        (lambda q: q[1]["gt_img_ids"].append(1007), "query 1: its reference 1007 is among gt_img_ids"),
        (
            lambda q: q[2]["gt_img_ids"].append(q[2]["gt_img_ids"][1]),
            "query 2: gt_img_ids names a picture twice",
        ),
        (lambda q: q[3].update(id=0), "query id '0' occurs 2 times"),
        (lambda q: q[3].update(relative_caption=""), "blank_texts: found 1, expected 0"),
        (lambda q: q[3].pop("reference_img_id"), "entry 3: reference_img_id: Field required"),
        (lambda q: q[0]["gt_img_ids"].append(1.5), "entry 0: gt_img_ids.1: .*expected an id"),
        (
            lambda q: q[0]["gt_img_ids"].append(99),
            "targets of query 0: '99' is not among the gallery's 20 ids",
        ),
    ],
)
def test_damaged_annotations(tmp_path, damage, message):
    edit_json(circo(tmp_path) / "annotations/val.json", damage)
    with pytest.raises(BenchmarkError, match=message):
        load(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"id": 0, "reference', "it ends in the middle, as a broken download does"),
        ("", "is empty; fetch it again"),
        ("<html>not found</html>", "is not JSON"),
        ('{"a": 1, "a": 2}', "the key 'a' stands there 2 times"),
        ("[NaN]", "NaN is no JSON number"),
    ],
)
def test_broken_json(tmp_path, text, message):
    (circo(tmp_path) / "annotations/val.json").write_text(text)
    with pytest.raises(MissingFiles, match=message):
        load(tmp_path)


def test_a_list_where_an_object_belongs(tmp_path):
    circo(tmp_path)
    (tmp_path / "annotations/val.json").write_text(json.dumps({"annotations": []}))
    with pytest.raises(BenchmarkError, match="expected a list of entries, got dict"):
        load(tmp_path)
