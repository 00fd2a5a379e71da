"""workbench check: what is ready, and every problem of what is not."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from tests.data.layouts import CIRR_COUNTS, circo, cirr, edit_json
from workbench import cli
from workbench.data.check import check
from workbench.registry import UnknownName


def test_a_whole_split_is_ready(tmp_path):
    (one,) = check("cirr", cirr(tmp_path), ["val"], counts=CIRR_COUNTS)
    assert one.problems == ()
    assert one.counts == {"queries": 6, "pictures": 12, "references": 6, "targets": 6}


def test_blank_texts_that_are_known_are_counted(tmp_path):
    edit_json(cirr(tmp_path) / "captions/cap.rc2.val.json", lambda pairs: pairs[3].update(caption=" "))
    (one,) = check("cirr", tmp_path, ["val"], counts={**CIRR_COUNTS, "blank_texts": 1})
    assert (one.problems, one.counts["blank texts"]) == ((), 1)


def test_every_picture_that_cannot_be_decoded_is_named(tmp_path):
    cirr(tmp_path)
    for i in (2, 5):
        path = tmp_path / "dev" / f"dev-{i}-0-img{i % 2}.png"
        path.write_bytes(path.read_bytes()[:80])
    (tmp_path / "dev" / "dev-8-0-img0.png").write_text("<html>404</html>")
    (one,) = check("cirr", tmp_path, ["val"], counts=CIRR_COUNTS)
    assert [problem.split(":")[0] for problem in one.problems] == [
        f"dev/dev-{i}-0-img{i % 2}.png" for i in (2, 5, 8)
    ]
    (quick,) = check("cirr", tmp_path, ["val"], decode=False, counts=CIRR_COUNTS)
    assert quick.problems == ()


def run(*arguments):
    result = CliRunner().invoke(cli.app, [str(word) for word in arguments])
    assert isinstance(result.exception, SystemExit | None)
    return result


def test_a_half_downloaded_cirr(tmp_path):
    """val's annotations, most of its pictures, nothing of the other splits: one report names all of it."""
    cirr(tmp_path)
    for i in range(9, 12):
        (tmp_path / "dev" / f"dev-{i}-0-img{i % 2}.png").unlink()
    result = run("check", "cirr", "--root", tmp_path)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0] == "cirr val: 3 problems"
    assert lines[1:4] == [f"  dev/dev-{i}-0-img{i % 2}.png is missing" for i in range(9, 12)]
    assert lines[4] == "cirr test1: 3 problems"
    assert lines[5].startswith("  captions/cap.rc2.test1.json is missing (looked in ")
    assert lines[7].startswith("  the folder test1/ is missing (looked in ")
    assert lines[-1].startswith("How to get it: Annotations (captions/, image_splits/): branch cirr_dataset")


def test_missing_and_unreadable_pictures_are_listed_together(tmp_path):
    cirr(tmp_path)
    (tmp_path / "dev" / "dev-9-0-img1.png").unlink()
    (tmp_path / "dev" / "dev-2-0-img0.png").write_bytes(b"")
    (tmp_path / "dev" / "dev-8-0-img0.png").write_text("<html>404</html>")
    (one,) = check("cirr", tmp_path, ["val"], counts=CIRR_COUNTS)
    assert one.problems == (
        "dev/dev-2-0-img0.png is empty (0 bytes)",
        "dev/dev-9-0-img1.png is missing",
        "dev/dev-8-0-img0.png: not a picture in a known format",
    )
    (quick,) = check("cirr", tmp_path, ["val"], decode=False, counts=CIRR_COUNTS)
    assert len(quick.problems) == 2


def test_wrong_counts_are_a_problem_and_json_says_the_same(tmp_path):
    circo(tmp_path)
    result = run("check", "circo", "--root", tmp_path, "--split", "val", "--quick", "--json")
    assert result.exit_code == 1
    (one,) = json.loads(result.stdout)
    assert one["problems"] == [
        "queries: found 4, expected 220; gallery: found 20, expected 123403; references: found 4, expected 220; "
        "targets: found 8, expected 916"
    ]
    assert one["advice"].startswith("Annotations: github.com/miccunifi/CIRCO")


def test_wrong_counts_hide_no_broken_picture(tmp_path):
    """Every number is off, and so is a picture: one report has all of it."""
    cirr(tmp_path)
    (tmp_path / "dev" / "dev-8-0-img0.png").write_bytes(b"GIF89a")
    (one,) = check("cirr", tmp_path, ["val"])
    counts, picture = one.problems
    assert counts.startswith("queries: found 6, expected 4181; gallery: found 12, expected 2297")
    assert picture.startswith("dev/dev-8-0-img0.png: ")


@pytest.mark.parametrize(
    ("build", "name", "listing", "lost"),
    [
        (cirr, "cirr", "image_splits/split.rc2.val.json", "dev/dev-3-0-img1.png"),
        (
            circo,
            "circo",
            "COCO2017_unlabeled/annotations/image_info_unlabeled2017.json",
            "COCO2017_unlabeled/unlabeled2017/000000001000.jpg",
        ),
    ],
)
def test_a_missing_list_of_pictures_hides_no_missing_picture(tmp_path, build, name, listing, lost):
    build(tmp_path)
    (tmp_path / listing).write_text('{"images": [')
    (tmp_path / lost).unlink()
    (one,) = check(name, tmp_path, ["val"])
    first, second = one.problems
    assert "ends in the middle" in first
    assert second == "/".join(lost.split("/")[-2:]) + " is missing"


def test_more_problems_than_a_message_holds_are_all_listed(tmp_path):
    cirr(tmp_path)
    shutil.rmtree(tmp_path / "dev")
    (tmp_path / "dev").mkdir()
    result = run("check", "cirr", "--root", tmp_path, "--split", "val")
    assert result.stdout.count(" is missing") == 12


def test_tinycir_needs_no_root(tmp_path):
    assert run("check", "tinycir", "--quick").stdout.splitlines()[0].endswith("ready")


def test_an_unknown_benchmark_is_no_finding(tmp_path):
    with pytest.raises(UnknownName, match="Did you mean 'cirr'"):
        list(check("cirrr", tmp_path))
