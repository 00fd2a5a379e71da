"""Your own folder: CSV and JSON, with targets and without, and each way a line can be wrong."""

import numpy as np
import pytest

from tests.data.layouts import own_folder as own
from tests.data.layouts import write_json
from workbench import data
from workbench.data.benchmark import BenchmarkError
from workbench.data.files import MissingFiles
from workbench.data.predictions import Rankings
from workbench.official import score_rankings
from workbench.registry import UnknownName


def test_a_csv_of_questions(tmp_path):
    bench = data.load("folder", "all", own(tmp_path))
    assert bench.gallery.ids == ("a.png", "b.png", "deeper/c.jpg")
    assert bench.queries[0].modification == ("in red, please",)
    assert bench.queries[0].tags == {"kind": "colour"}
    np.testing.assert_array_equal(bench.qrels["default"].targets, [[1, 2], [0, -1]])
    np.testing.assert_array_equal(bench.qrels["default"].excluded, [[0], [1]])
    ranked = data.load("folder", "all", tmp_path, reference="ranked")
    assert ranked.qrels["default"].excluded.shape[1] == 0
    assert ranked.protocol != bench.protocol


def test_a_json_of_questions_and_a_split_by_name(tmp_path):
    own(tmp_path)
    write_json(
        tmp_path / "queries-mine.json", [{"id": 7, "reference": "a.png", "text": "old", "target": ["b.png"]}]
    )
    assert data.load("folder", "mine", tmp_path).queries[0].id == "7"


def test_without_targets_there_is_nothing_to_measure(tmp_path):
    bench = data.load("folder", "all", own(tmp_path, "id,reference,text\n1,a.png,red\n"))
    assert bench.metrics == ()
    assert (bench.qrels["default"].targets == -1).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,refrence,text\n1,a.png,red\n", "the header lacks 'reference'. Did you mean 'refrence'"),
        ("reference,words\na.png,red\n", "the header lacks 'id', 'text'"),
        ("id,reference,text\n1,a.png,\n", "row 2: 'text' is empty"),
        ("id,reference,text\n1,a.png,red, blue\n", "row 2: it has more or fewer fields than the header"),
        ("id,reference,text,target\n1,a.png,red,b.png\n2,a.png,old,\n", "no target: query '2'; give one"),
        ("id,reference,text\n1,z.png,red\n", "query '1': reference 'z.png' is not in the folder"),
        (
            "id,reference,text\n1,../a.png,red\n",
            "reference '../a.png' is not in the folder. Did you mean 'a.png'",
        ),
        ("id,reference,text,target\n1,a.png,red,a.png\n", "query '1' excludes its own labelled target"),
        ("id,reference,text\n1,a.png,red\n1,b.png,red\n", "query id '1' occurs 2 times"),
    ],
)
def test_damaged_lines(tmp_path, text, message):
    with pytest.raises(BenchmarkError, match=message):
        data.load("folder", "all", own(tmp_path, text))


def test_everything_that_is_wrong_is_said_at_once(tmp_path):
    own(tmp_path, "id,reference,text,target\n1,a.png,,b.png\n2,x.png,red,y.png\n3,b.png,red,\n")
    (tmp_path / "deeper" / "c.jpg").write_bytes(b"")
    with pytest.raises(MissingFiles) as caught:
        data.load("folder", "all", tmp_path)
    assert caught.value.problems == (
        "queries.csv, row 2: 'text' is empty",
        "no target: query '3'; give one to every query or to none",
        f"{tmp_path.name}/deeper/c.jpg is empty (0 bytes)",
    )
    (tmp_path / "queries.csv").write_text("id,reference,text,target\n2,x.png,red,y.png\n3,b.png,red,z.png\n")
    with pytest.raises(MissingFiles) as caught:
        data.load("folder", "all", tmp_path, pictures=False)
    assert caught.value.problems == (
        "query '2': reference 'x.png' is not in the folder. Did you mean 'b.png'?",
        "query '2': target 'y.png' is not in the folder",
        "query '3': target 'z.png' is not in the folder",
    )


@pytest.mark.parametrize(
    "text",
    [
        "id, reference, text, target\n1, a.png, red and big, b.png\n",
        "id\treference\ttext\ttarget\n1\ta.png\tred and big\tb.png\n",
        "\ufeffid;reference;text;target\r\n1;a.png;red and big;b.png\r\n",
    ],
)
def test_tables_as_spreadsheets_write_them(tmp_path, text):
    (query,) = data.load("folder", "all", own(tmp_path, text)).queries
    assert (query.reference, query.modification) == (0, ("red and big",))


def test_a_text_may_run_over_two_lines(tmp_path):
    (query,) = data.load(
        "folder", "all", own(tmp_path, 'id,reference,text\n1,a.png,"red\n\nand big"\n')
    ).queries
    assert query.modification == ("red\n\nand big",)


def test_hidden_files_are_no_pictures_and_two_files_of_questions_are_one_too_many(tmp_path):
    own(tmp_path)
    (tmp_path / "._a.png").write_bytes(b"x")
    (tmp_path / ".thumbnails").mkdir()
    (tmp_path / ".thumbnails" / "a.png").write_bytes(b"x")
    assert len(data.load("folder", "all", tmp_path).gallery) == 3
    write_json(tmp_path / "queries.json", [])
    with pytest.raises(BenchmarkError, match=r"queries\.json and queries\.csv are both there"):
        data.load("folder", "all", tmp_path)


def test_a_list_of_all_that_is_ranked_is_not_short(tmp_path):
    bench = data.load("folder", "all", own(tmp_path))
    lists = {"1": ("b.png", "deeper/c.jpg"), "2": ("a.png", "deeper/c.jpg")}
    assert score_rankings(bench, Rankings(lists)).notes == ()


def test_no_questions_and_wrong_choices(tmp_path):
    with pytest.raises(MissingFiles, match=r"queries\.csv is missing .* Write queries\.csv with the columns"):
        data.load("folder", "all", tmp_path)
    with pytest.raises(UnknownName, match="reference: got 'kept', expected excluded or ranked"):
        data.load("folder", "all", own(tmp_path), reference="kept")
    (tmp_path / "queries.csv").unlink()
    write_json(tmp_path / "queries.json", {"id": 1})
    with pytest.raises(BenchmarkError, match="expected a list of objects"):
        data.load("folder", "all", tmp_path)
