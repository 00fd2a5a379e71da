"""Your own folder: CSV and JSON, with targets and without, and each way a line can be wrong."""

import numpy as np
import pytest

from tests.data.layouts import own_folder as own
from tests.data.layouts import write_json
from workbench import data
from workbench.data.benchmark import BenchmarkError
from workbench.data.files import MissingFiles
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
        ("id,refrence,text\n1,a.png,red\n", "row 2: 'reference' is missing. Did you mean 'refrence'"),
        ("id,reference,text\n1,a.png,\n", "row 2: 'text' is missing"),
        ("id,reference,text\n1,a.png,red, blue\n", "row 2: it has more or fewer fields than the header"),
        ("id,reference,text,target\n1,a.png,red,b.png\n2,a.png,old,\n", "query '2' has no target"),
        (
            "id,reference,text\n1,z.png,red\n",
            "reference of query 1: 'z.png' is not among the gallery's 3 ids",
        ),
        ("id,reference,text\n1,../a.png,red\n", "is not among the gallery's 3 ids"),
        ("id,reference,text,target\n1,a.png,red,a.png\n", "query '1' excludes its own labelled target"),
        ("id,reference,text\n1,a.png,red\n1,b.png,red\n", "query id '1' occurs 2 times"),
    ],
)
def test_damaged_lines(tmp_path, text, message):
    with pytest.raises(BenchmarkError, match=message):
        data.load("folder", "all", own(tmp_path, text))


def test_no_questions_and_wrong_choices(tmp_path):
    with pytest.raises(MissingFiles, match=r"queries\.csv is missing .* Write queries\.csv with the columns"):
        data.load("folder", "all", tmp_path)
    with pytest.raises(UnknownName, match="reference: got 'kept', expected excluded or ranked"):
        data.load("folder", "all", own(tmp_path), reference="kept")
    write_json(tmp_path / "queries.json", {"id": 1})
    with pytest.raises(BenchmarkError, match="expected a list of objects"):
        data.load("folder", "all", tmp_path)
