"""FashionIQ's loader: categories, both galleries, join rules, copies of the pictures, and damaged files."""

import numpy as np
import pytest

from tests.data.layouts import FASHIONIQ_COUNTS, edit_json, fashioniq, write_json
from workbench import data
from workbench.case.wording import JOINS as WORDED
from workbench.data.benchmark import BenchmarkError
from workbench.data.fashioniq import COUNTED, JOINS
from workbench.data.files import MissingFiles
from workbench.data.predictions import Rankings
from workbench.official import score_rankings
from workbench.registry import UnknownName


def load(root, split="val", **changes):
    return data.load("fashioniq", split, root, **{"counts": FASHIONIQ_COUNTS, **changes})


def test_three_categories_each_ranked_among_its_own(tmp_path):
    bench = load(fashioniq(tmp_path))
    assert [query.id for query in bench.queries[:4]] == ["dress-0", "dress-1", "dress-2", "shirt-0"]
    assert bench.queries[3].tags == {"category": "shirt"}
    assert bench.queries[0].modification == ("is dress 0.", "has no sleeves")
    qrels = bench.qrels["default"]
    assert qrels.excluded.shape[1] == 0  # the reference is ranked
    own = {bench.gallery.ids[row] for row in qrels.candidates[3]}
    assert own == {f"B01{i:03d}" for i in range(7)} | {"B00006"}
    assert bench.gallery.ids[qrels.targets[3, 0]] == "B01003"
    assert bench.gallery.images[0].size == (12, 10)
    assert bench.protocol["gallery"] == "the published list of the category"


def test_one_category_is_a_benchmark_with_its_own_gallery(tmp_path):
    bench = load(fashioniq(tmp_path), category="shirt", counts={"queries": 3, "gallery": 8})
    assert bench.qrels["default"].candidates is None
    assert [summary.name for summary in bench.summaries] == ["Recall@10", "Recall@50"]
    assert bench.protocol["category"] == "shirt"


def test_the_union_gallery_is_smaller_and_says_so(tmp_path):
    bench = load(fashioniq(tmp_path), gallery="union", category="dress", counts={"gallery": 6})
    assert sorted(bench.gallery.ids) == [f"B00{i:03d}" for i in range(6)]
    assert bench.protocol["gallery"] == "references and targets of the category"
    assert bench.protocol != load(tmp_path, category="dress", counts={}).protocol


@pytest.mark.parametrize("join", JOINS)
def test_six_join_rules_are_part_of_the_protocol(tmp_path, join):
    assert load(fashioniq(tmp_path), join=join).protocol["caption join"] == join


def test_the_case_words_every_rule():
    assert set(WORDED) == set(JOINS)


def test_the_test_split_hides_its_targets(tmp_path):
    bench = load(fashioniq(tmp_path, "test"), "test")
    assert (bench.qrels["default"].targets == -1).all()


@pytest.mark.parametrize(
    ("folder", "captions", "ending"),
    [("fashionIQ_dataset", "captions", ".png"), ("fashion-iq", "json", ".jpg"), (".", "captions", ".jpg")],
)
def test_folders_of_other_codebases(tmp_path, folder, captions, ending):
    fashioniq(tmp_path / folder, captions=captions, ending=ending)
    bench = load(tmp_path)
    assert bench.gallery.images.names[0] == f"B00000{ending}"
    assert bench.gallery.images[0].size == (12, 10)


def test_every_missing_picture_is_named(tmp_path):
    fashioniq(tmp_path)
    for id in ("B00001", "B02003"):
        (tmp_path / "images" / f"{id}.png").unlink()
    (tmp_path / "images" / "B01002.png").write_bytes(b"")
    with pytest.raises(MissingFiles) as caught:
        load(tmp_path)
    assert caught.value.problems == (
        "images/B00001.png is missing",
        "images/B01002.png is empty (0 bytes)",
        "images/B02003.png is missing",
    )


def test_a_missing_picture_is_named_as_the_others_are(tmp_path):
    fashioniq(tmp_path, ending=".jpg")
    (tmp_path / "images" / "B00001.jpg").unlink()
    with pytest.raises(MissingFiles) as caught:
        load(tmp_path)
    assert caught.value.problems == ("images/B00001.jpg is missing",)


def test_every_missing_annotation_is_named(tmp_path):
    fashioniq(tmp_path)
    (tmp_path / "captions" / "cap.shirt.val.json").unlink()
    (tmp_path / "image_splits" / "split.toptee.val.json").unlink()
    with pytest.raises(MissingFiles) as caught:
        load(tmp_path)
    assert [problem.split(" (")[0] for problem in caught.value.problems] == [
        "captions/cap.shirt.val.json is missing",
        "image_splits/split.toptee.val.json is missing",
    ]


def test_published_counts_are_asserted_per_category(tmp_path):
    with pytest.raises(
        BenchmarkError,
        match=r"fashioniq val: dress: queries: found 3, expected 2017; .*shirt: gallery: found",
    ):
        data.load("fashioniq", "val", fashioniq(tmp_path))
    assert data.published("fashioniq", "val") == {"queries": 6016, "gallery": 15415}
    assert sum(counted.blank for counted in COUNTED["val"].values()) == 3


def target_gone(pairs):
    del pairs[1]["target"]


def unknown_target(pairs):
    pairs[1]["target"] = "B077"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (target_gone, "cap.dress: 1 pairs have no target, the first is entry 1"),
        (unknown_target, "'B077' is not among the gallery's 22 ids"),
        (lambda pairs: pairs[0]["captions"].pop(), "entry 0: captions: List should have at least 2 items"),
        (
            lambda pairs: pairs[0]["captions"].append("x"),
            "entry 0: captions: List should have at most 2 items",
        ),
        (lambda pairs: pairs[2]["captions"].__setitem__(0, "  "), "blank_texts: found 1, expected 0"),
    ],
)
def test_damaged_pairs(tmp_path, damage, message):
    edit_json(fashioniq(tmp_path) / "captions/cap.dress.val.json", damage)
    with pytest.raises(BenchmarkError, match=message):
        load(tmp_path)


def test_a_known_blank_text_is_kept_as_it_stands(tmp_path):
    edit_json(
        fashioniq(tmp_path) / "captions/cap.dress.val.json",
        lambda p: p[2].update(captions=["", "and is blue"]),
    )
    bench = load(tmp_path, counts={**FASHIONIQ_COUNTS, "blank_texts": 1})
    assert bench.queries[2].modification == ("", "and is blue")


def test_a_picture_that_stands_twice_in_a_list(tmp_path):
    edit_json(fashioniq(tmp_path) / "image_splits/split.dress.val.json", lambda ids: ids.append(ids[2]))
    with pytest.raises(BenchmarkError, match=r"split\.dress\.val\.json: id 'B00002' occurs 2 times"):
        load(tmp_path, category="dress", counts={})


def test_a_list_that_is_none(tmp_path):
    write_json(fashioniq(tmp_path) / "image_splits/split.dress.val.json", {"a": 1})
    with pytest.raises(BenchmarkError, match=r"split\.dress\.val\.json: expected a list of picture ids"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("choice", "value", "near"),
    [("category", "dres", "dress"), ("gallery", "unions", "union"), ("join", "seizes", "seize")],
)
def test_choices_that_there_are_not(tmp_path, choice, value, near):
    with pytest.raises(UnknownName, match=f"{choice}: got '{value}'. Did you mean '{near}'"):
        load(fashioniq(tmp_path), **{choice: value})


@pytest.mark.parametrize("lists", [True, False])
def test_categories_weigh_the_same(tmp_path, lists):
    """Dress all found, shirt one of three within 10, toptee none: the mean over categories, not over queries."""
    fashioniq(tmp_path)
    if not lists:
        for path in (tmp_path / "image_splits").iterdir():
            path.unlink()
    edit_json(tmp_path / "captions/cap.dress.val.json", lambda pairs: pairs.pop())
    bench = data.load("fashioniq", "val", tmp_path, pictures=False)
    ids = bench.gallery.ids
    lists = {}
    for query, target in zip(bench.queries, bench.qrels["default"].targets[:, 0], strict=True):
        right = query.id.startswith("dress") or query.id == "shirt-1"
        own = [id for id in ids if id[2] == ids[target][2] and id != ids[target]]
        lists[query.id] = (ids[target],) if right else tuple(own[:5])
    found = score_rankings(bench, Rankings(lists)).metrics
    assert found["Recall@10"] == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert found["Recall@10 shirt"] == pytest.approx(1 / 3)


def test_fixture_of_the_published_implementation(golden, tmp_path):
    """The recall fixture as a category: 60 queries, 150 pictures, whole rankings scored from lists."""
    given, expected = golden("cir/fiq_recall", "input.npz"), golden("cir/fiq_recall", "expected.json")
    names = given["gallery_names"].tolist()
    targets = given["target_names"].tolist()
    pairs = [{"candidate": names[q], "target": t, "captions": ["is", "red"]} for q, t in enumerate(targets)]
    write_json(tmp_path / "captions/cap.dress.val.json", pairs)
    write_json(tmp_path / "image_splits/split.dress.val.json", names)
    bench = data.load("fashioniq", "val", tmp_path, pictures=False, category="dress")

    def unit(rows):
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    order = np.argsort(-(unit(given["query"]) @ unit(given["gallery"]).T), axis=1)
    lists = {f"dress-{q}": tuple(names[i] for i in row) for q, row in enumerate(order)}
    found = score_rankings(bench, Rankings(lists), ("recall@10", "recall@50")).metrics
    for k in (10, 50):
        value = expected["metrics_percent"]["cirevl"][f"Recall@{k}"]
        assert 100 * found[f"Recall@{k}"] == pytest.approx(value, abs=1e-4)
