"""GeneCIS' loader and its crops."""

import pickle

import numpy as np
import pytest
from PIL import Image

from tests.data.layouts import edit_json
from tests.data.layouts import genecis_attributes as attributes
from tests.data.layouts import genecis_objects as objects
from workbench import data
from workbench.data.benchmark import BenchmarkError
from workbench.data.crops import Crops, dilated_square
from workbench.data.files import MissingFiles
from workbench.data.genecis import SPLITS
from workbench.data.predictions import Rankings
from workbench.official import score_rankings
from workbench.protocol import rules_of
from workbench.score.ranks import target_ranks

COUNTS = {"queries": 3}


def load(root, split, **changes):
    return data.load("genecis", split, root, **{"counts": COUNTS, **changes})


def test_each_template_ranks_its_own_gallery(tmp_path):
    bench = load(objects(tmp_path), "change_object")
    qrels = bench.qrels["default"]
    ids = np.array(bench.gallery.ids)
    np.testing.assert_array_equal(ids[qrels.candidates[1]], ["11", "21", "30"])
    assert ids[qrels.targets[1, 0]] == "11"
    assert bench.queries[1].reference_image == "1"
    assert bench.gallery.images[0].size == (12, 10)


def test_a_constant_scorer_gets_nothing(tmp_path):
    bench = load(objects(tmp_path), "change_object")
    scores = np.zeros((3, len(bench.gallery)), np.float32)
    assert (target_ranks(scores, bench.qrels["default"])[:, 0] == 3).all()


def test_crops_of_one_picture_are_different_pictures(tmp_path):
    bench = load(attributes(tmp_path), "focus_attribute")
    assert bench.gallery.ids[:2] == ("0:0,1,4,3", "7:1,1,4,3")
    images = pickle.loads(pickle.dumps(bench.gallery.images))
    assert len({images.digest(i) for i in range(len(images))}) == len(images) == 8
    assert images[0].size[0] == images[0].size[1]
    assert "crops" in bench.protocol["pictures"]


def every_task(root):
    for task in ("focus_attribute", "change_attribute"):
        attributes(root, task)
    for task in ("focus_object", "change_object"):
        objects(root, task)
    return root


def test_all_tasks_are_one_benchmark_whose_headline_is_their_mean(tmp_path):
    """Right in every query of one task, two of three in another, none in the rest: each task weighs the same."""
    bench = load(every_task(tmp_path), "all", counts={"queries": 12, "task": 4})
    assert [query.id for query in bench.queries[::3]] == [f"{task}-0" for task in SPLITS]
    qrels, ids = bench.qrels["default"], np.array(bench.gallery.ids)
    lists = {}
    for q, query in enumerate(bench.queries):
        target = ids[qrels.targets[q, 0]]
        others = [id for id in ids[qrels.candidates[q][qrels.candidates[q] >= 0]] if id != target]
        right = query.id.startswith("focus_attribute") or query.id in ("change_object-0", "change_object-2")
        lists[query.id] = (target, *others) if right else (others[0], target, *others[1:])
    found = score_rankings(bench, Rankings(lists)).metrics
    assert found["Recall@1"] == pytest.approx((1 + 0 + 0 + 2 / 3) / 4)
    assert found["Recall@1 change_object"] == pytest.approx(2 / 3)
    assert found["Recall@2"] == 1
    assert rules_of(bench)["strata"] == "task"


def test_all_tasks_share_pictures_and_keep_their_crops(tmp_path):
    bench = load(every_task(tmp_path), "all", counts={})
    images = bench.gallery.images
    assert len(images) == len(bench.gallery) == 8 + 10  # both attribute tasks name the same boxes
    one = {task: load(tmp_path, task, counts={}) for task in SPLITS}
    for benchmark in one.values():
        for row, id in enumerate(benchmark.gallery.ids):
            assert images.digest(bench.gallery.row(id)) == benchmark.gallery.images.digest(row)
    again = pickle.loads(pickle.dumps(images))
    assert again[17].tobytes() == images[17].tobytes()
    (tmp_path / "change_object.json").unlink()
    with pytest.raises(MissingFiles, match=r"change_object\.json is missing"):
        load(tmp_path, "all", counts={})


def test_every_missing_picture_is_named(tmp_path):
    attributes(tmp_path)
    (tmp_path / "genecis/VG_100K/7.jpg").unlink()
    (tmp_path / "genecis/VG_100K_2/9.jpg").write_bytes(b"")
    with pytest.raises(MissingFiles) as caught:
        load(tmp_path, "focus_attribute")
    assert caught.value.problems == ("VG_100K/7.jpg is missing", "VG_100K/9.jpg is empty (0 bytes)")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda t: t[0]["target"].pop("instance_bbox"), "entry 0: a picture has no instance_bbox"),
        (lambda t: t[1]["gallery"].append(t[1]["target"]), "candidates of query 1: id .* occurs 2 times"),
        (lambda t: t[1]["gallery"][0].update(instance_bbox=[0, 0, 0, 5]), "entry 1: a box has no area"),
        (lambda t: t[1].pop("condition"), "entry 1: condition: Field required"),
    ],
)
def test_damaged_templates(tmp_path, damage, message):
    edit_json(attributes(tmp_path) / "genecis/focus_attribute.json", damage)
    with pytest.raises(BenchmarkError, match=message):
        load(tmp_path, "focus_attribute")


def test_an_id_that_is_no_number(tmp_path):
    edit_json(objects(tmp_path) / "change_object.json", lambda t: t[1]["target"].update(val_image_id="../1"))
    with pytest.raises(BenchmarkError, match=r"entry 1: val_image_id '\.\./1' is no number of COCO's"):
        load(tmp_path, "change_object")


def test_published_counts(tmp_path):
    with pytest.raises(BenchmarkError, match="queries: found 3, expected 1960"):
        data.load("genecis", "change_object", objects(tmp_path))


def test_lists_are_scored_without_pictures(tmp_path):
    bench = data.load("genecis", "change_object", objects(tmp_path), pictures=False)
    lists = {"0": ("10", "20", "30"), "1": ("21", "11", "30"), "2": ("30", "22", "12")}
    found = score_rankings(bench, Rankings(lists)).metrics
    assert found == {"Recall@1": pytest.approx(1 / 3), "Recall@2": pytest.approx(2 / 3), "Recall@3": 1.0}


def test_lists_that_hold_no_right_answer_count_as_nothing(tmp_path, golden):
    bench = data.load("genecis", "change_object", objects(tmp_path), pictures=False)
    lists = {"0": ("20", "30"), "1": ("21", "30"), "2": ("22", "30")}
    found = score_rankings(bench, Rankings(lists)).metrics
    assert set(found.values()) == {golden("cir/genecis_recall", "expected.json")["get_recall_no_hit"]}


def test_crops_of_the_published_implementation(golden):
    given, expected = golden("cir/genecis_crop", "input.npz"), golden("cir/genecis_crop", "expected.npz")
    picture = Image.fromarray(given["image"])
    for box in given["boxes_xywh"].tolist():
        np.testing.assert_array_equal(
            np.asarray(dilated_square(picture, box)), expected["_".join(map(str, box))]
        )


def test_a_crop_without_dilation_is_the_box_on_a_square():
    picture = Image.fromarray(np.arange(300, dtype=np.uint8).repeat(3).reshape(10, 30, 3)[:, :30])
    crop = np.asarray(dilated_square(picture, (2, 3, 6, 4), 0.0))
    assert crop.shape == (6, 6, 3)
    np.testing.assert_array_equal(crop[1:5], np.asarray(picture)[3:7, 2:8])
    assert not crop[0].any()
    assert not crop[5].any()
    assert len(Crops([picture], [(0, 0, 1, 1)])) == 1
