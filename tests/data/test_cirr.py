"""CIRR's loader: what is right, other codebases' folders, and each way the files can be wrong."""

import pickle
import shutil

import numpy as np
import pytest

from tests.data.layouts import CIRR_COUNTS, cirr, edit_json
from workbench import data
from workbench.data.benchmark import BenchmarkError
from workbench.data.cirr import PUBLISHED
from workbench.data.files import MissingFiles
from workbench.paths import PathEscape
from workbench.registry import UnknownName


def load(root, split="val", **changes):
    return data.load("cirr", split, root, **{"counts": CIRR_COUNTS, **changes})


def test_pairs_become_queries(tmp_path):
    bench = load(cirr(tmp_path))
    assert [query.id for query in bench.queries] == ["100", "101", "102", "103", "104", "105"]
    names = bench.gallery.ids
    first = bench.queries[0]
    assert (first.reference_image, first.modification) == (names[0], ("make it number 0",))
    default, subset = bench.qrels["default"], bench.qrels["subset"]
    np.testing.assert_array_equal(default.targets[:, 0], [3, 9, 4, 10, 5, 11])
    np.testing.assert_array_equal(default.excluded[:, 0], [0, 6, 1, 7, 2, 8])
    np.testing.assert_array_equal(subset.candidates[0], [1, 2, 3, 4, 5])
    assert bench.gallery.images[3].size == (12, 10)
    assert pickle.loads(pickle.dumps(bench)).gallery.images.digest(3) == bench.gallery.images.digest(3)
    assert bench.protocol["reference"] == "excluded"
    names = [summary.name for summary in bench.summaries]
    assert names[-2:] == ["Recall_subset@3", "Avg (Recall@5, Recall_subset@1)"]


def test_the_test_split_hides_its_targets(tmp_path):
    bench = load(cirr(tmp_path, "test1"), "test1")
    assert (bench.qrels["default"].targets == -1).all()
    assert bench.qrels["subset"].candidates.shape == (6, 5)


@pytest.mark.parametrize("annotations", ["cirr", "CIRR", ""])
@pytest.mark.parametrize("above", [False, True])
def test_folders_of_other_codebases(tmp_path, annotations, above):
    """SEARLE and CIReVL: annotations in cirr/ beside dev/; Pic2Word and ImageScope: all in CIRR/; and one folder up."""
    cirr(tmp_path / "CIRR", annotations=annotations)
    assert len(load(tmp_path if above else tmp_path / "CIRR").queries) == 6


def test_pictures_may_be_a_link(tmp_path):
    cirr(tmp_path / "here")
    shutil.move(tmp_path / "here" / "dev", tmp_path / "elsewhere")
    (tmp_path / "here" / "dev").symlink_to(tmp_path / "elsewhere")
    assert load(tmp_path / "here").gallery.images[0].size == (12, 10)


def test_extra_files_change_nothing(tmp_path):
    cirr(tmp_path)
    cirr(tmp_path, "test1")
    (tmp_path / "dev" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "captions" / "cap.rc2.val.json~").write_text("[")
    assert len(load(tmp_path).gallery) == 12


def test_published_counts_are_asserted_unless_others_are_given(tmp_path):
    cirr(tmp_path)
    with pytest.raises(BenchmarkError, match="queries: found 6, expected 4181"):
        data.load("cirr", "val", tmp_path)
    assert PUBLISHED["test1"]["gallery"] == 2315
    assert data.published("cirr", "val") == PUBLISHED["val"]


def test_annotations_alone_are_enough_to_score(tmp_path):
    cirr(tmp_path)
    shutil.rmtree(tmp_path / "dev")
    listed = data.load("cirr", "val", tmp_path, pictures=False)
    assert listed.gallery.whole
    shutil.rmtree(tmp_path / "image_splits")
    named = data.load("cirr", "val", tmp_path, pictures=False)
    assert not named.gallery.whole
    assert named.gallery.images is None
    assert [q.id for q in named.queries] == [q.id for q in listed.queries]


def test_every_missing_or_empty_picture_is_named(tmp_path):
    cirr(tmp_path)
    names = [f"dev-{i}-0-img{i % 2}.png" for i in range(12)]
    for i in (1, 4):
        (tmp_path / "dev" / names[i]).unlink()
    (tmp_path / "dev" / names[7]).write_bytes(b"")
    with pytest.raises(MissingFiles) as caught:
        load(tmp_path)
    assert caught.value.problems == (
        f"dev/{names[1]} is missing",
        f"dev/{names[4]} is missing",
        f"dev/{names[7]} is empty (0 bytes)",
    )
    assert "NLVR2" in str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).problems == caught.value.problems


def test_a_missing_folder_is_one_problem(tmp_path):
    cirr(tmp_path)
    shutil.rmtree(tmp_path / "dev")
    with pytest.raises(MissingFiles) as caught:
        load(tmp_path)
    (problem,) = caught.value.problems
    assert problem.startswith("the folder dev/ is missing, with 12 pictures")


def test_all_annotation_problems_come_at_once(tmp_path):
    cirr(tmp_path)
    (tmp_path / "image_splits" / "split.rc2.val.json").unlink()
    path = tmp_path / "captions" / "cap.rc2.val.json"
    path.write_text(path.read_text()[:200])
    with pytest.raises(MissingFiles) as caught:
        load(tmp_path)
    cut, missing = caught.value.problems
    assert "cap.rc2.val.json is not JSON" in cut
    assert missing.startswith("image_splits/split.rc2.val.json is missing (looked in ")


def test_a_root_that_is_not_there(tmp_path):
    with pytest.raises(BenchmarkError, match="is not a folder"):
        load(tmp_path / "no")


def test_wrong_splits_and_choices(tmp_path):
    with pytest.raises(BenchmarkError, match="Did you mean 'test1'"):
        load(cirr(tmp_path), "test")
    with pytest.raises(UnknownName, match="cirr has no choice 'gallry'"):
        load(tmp_path, gallry="union")


def pairs_of(root):
    return root / "captions" / "cap.rc2.val.json"


def drop_target(pairs):
    del pairs[2]["target_hard"]


def blank(pairs):
    pairs[3]["caption"] = " "


def twice(pairs):
    pairs[1]["pairid"] = pairs[0]["pairid"]


def as_text(pairs):
    for pair in pairs:
        pair["pairid"] = str(pair["pairid"])


def stranger(pairs):
    pairs[4]["target_hard"] = "dev-99-0-img0"


def no_caption(pairs):
    pairs[5]["capton"] = pairs[5].pop("caption")


def true_id(pairs):
    pairs[5]["pairid"] = True


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (drop_target, "pair 102 has no target_hard"),
        (blank, r"blank_texts: found 1, expected 0 \(the first: query '103'\)"),
        (twice, "query id '100' occurs 2 times"),
        (stranger, "pair 104: 'dev-99-0-img0' is not in its img_set"),
        (no_caption, r"entry 5: caption: Field required. Did you mean 'capton'\?"),
        (true_id, "entry 5: pairid: Value error, expected an id"),
    ],
)
def test_damaged_pairs(tmp_path, damage, message):
    edit_json(pairs_of(cirr(tmp_path)), damage)
    with pytest.raises(BenchmarkError, match=message):
        load(tmp_path)


def test_ids_may_be_texts(tmp_path):
    edit_json(pairs_of(cirr(tmp_path)), as_text)
    assert load(tmp_path).queries[0].id == "100"


def test_a_known_blank_text_is_kept_as_it_stands(tmp_path):
    edit_json(pairs_of(cirr(tmp_path)), blank)
    bench = load(tmp_path, counts={**CIRR_COUNTS, "blank_texts": 1})
    assert bench.queries[3].modification == (" ",)


@pytest.mark.parametrize("path", ["../secret.png", "/etc/passwd", "./dev/../../x.png", "dev\\..\\x.png"])
def test_no_path_leads_out(tmp_path, path):
    cirr(tmp_path)
    edit_json(
        tmp_path / "image_splits" / "split.rc2.val.json",
        lambda listing: listing.update({"dev-0-0-img0": path}),
    )
    with pytest.raises(PathEscape):
        load(tmp_path)


def test_a_gallery_without_a_target_is_refused(tmp_path):
    """The bug of galleries made of references only: targets would be missing."""
    cirr(tmp_path)
    edit_json(tmp_path / "image_splits" / "split.rc2.val.json", lambda listing: listing.pop("dev-3-0-img1"))
    with pytest.raises(BenchmarkError, match="'dev-3-0-img1' is not among the gallery's 11 ids"):
        load(tmp_path)
