"""Ranking files: every format gives the same lists, and what cannot be read is named."""

import json

import pytest

from workbench.data.predictions import PredictionsError, read_rankings

LISTS = {"0": ("30", "10", "20"), "1": ("10", "20", "30")}


def write(tmp_path, text: str, name: str = "file"):
    path = tmp_path / name
    path.write_text(text)
    return path


JSON = json.dumps({"0": [30, 10, 20], "1": ["10", "20", "30"]})
CSV = "query,picture,rank\n0,10,2\n0,30,1\n1,10,1\n1,20,2\n1,30,3\n0,20,3\n"
SCORES = "image_id\tqid\tsimilarity\n30\t0\t.9\n10\t0\t.5\n20\t0\t-1\n10\t1\t3\n20\t1\t2\n30\t1\t1\n"
WIDE = "0,30,10,20\n1,10,20,30\n"
SEMICOLONS = CSV.replace(",", ";")
TREC = "0 Q0 30 1 .9 me\n0 Q0 10 2 .5 me\n0 Q0 20 3 .1 me\n\n1 Q0 30 3 1 me\n1 Q0 20 2 2 me\n1 Q0 10 1 2 me\n"


@pytest.mark.parametrize(
    ("text", "format"),
    [
        (JSON, "json"),
        (CSV, "csv"),
        (SEMICOLONS, "csv"),
        (SCORES, "csv"),
        (WIDE, "csv"),
        (TREC, "trec"),
        (TREC.replace(" Q0 ", "\t0\t"), "trec"),
    ],
)
def test_every_format_gives_the_same_lists(tmp_path, text, format):
    rankings = read_rankings(write(tmp_path, text))
    assert dict(rankings.lists) == LISTS
    assert (rankings.format, rankings.kind) == (format, None)
    assert dict(read_rankings(write(tmp_path, text), format).lists) == LISTS


def test_ranks_that_all_stand_at_zero_leave_the_order_to_the_scores(tmp_path):
    text = "0 Q0 10 0 .5 me\n0 Q0 30 0 .9 me\n"
    assert read_rankings(write(tmp_path, text)).lists["0"] == ("30", "10")


@pytest.mark.parametrize("kind", ["recall", "recall_subset"])
def test_the_two_server_files_of_cirr(tmp_path, kind):
    text = json.dumps({"version": "rc2", "metric": kind, "12": ["a", "b"]})
    rankings = read_rankings(write(tmp_path, text))
    assert (dict(rankings.lists), rankings.kind) == ({"12": ("a", "b")}, kind)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"0": [1, 2, 1]}', "query '0' lists picture '1' twice"),
        ('{"0": [1, 2, "1"]}', "query '0' lists picture '1' twice"),
        ('{"0": [1], "0": [2]}', "the key '0' stands there 2 times"),
        ('{"0": [1.5]}', "query '0' lists 1.5"),
        ('{"0": [true]}', "query '0' lists True"),
        ('{"0": 1}', "query '0' holds 1, expected a list"),
        ("[1]", "expected an object of queries and lists, got a list"),
        ("{}", "holds no ranking"),
        ('{"0": [1', "it ends in the middle"),
        ('{"metric": "map", "0": [1]}', "metric is 'map', expected one of recall, recall_subset"),
        ('{"metric": "recall", "version": "rc1", "0": [1]}', "version is 'rc1', expected \"rc2\""),
        ("query,rank\n0,1\n", "has no picture"),
        ("query,picture\n0,1\n", "has no rank or score"),
        ("query,picture,rank\n0,1\n", "row 2: got 2 fields, expected 3"),
        ("query,picture,rank\n0,1,first\n", "has the rank 'first', expected a number"),
        ("query,picture,score\n0,1,nan\n", "has the score 'nan', expected a number"),
        ("query,picture,score\n0,1,.5\n0,2,.5\n", "'1' and '2' at the same place; give each its rank"),
        ("query,picture,rank\n0,1,1\n0,2,1\n", "'1' and '2' at the same place"),
        ("query,picture,rank\n0,1,1\n0,1,2\n", "query '0' lists picture '1' twice"),
        ("0,1,1\n0,2,2\n", "needs the header query,picture,rank"),
        ("0 Q0 1 1 .5 me\n0 Q0 2 2 .9 me\n", "ranks '1' before '2', which has the higher score"),
        ("0 Q0 1 1 .5 me\n0 Q0 2\n", "line 2: got 3 fields"),
        ("hello\n", "is no JSON, CSV or TREC run"),
        ("", "is no JSON, CSV or TREC run"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, text, message):
    with pytest.raises(PredictionsError, match=message):
        read_rankings(write(tmp_path, text))


def test_wrong_paths_and_formats(tmp_path):
    with pytest.raises(PredictionsError, match="there is no such file"):
        read_rankings(tmp_path / "no.json")
    with pytest.raises(PredictionsError, match="cannot be read as text"):
        read_rankings(tmp_path)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PredictionsError, match="cannot be read as text"):
        read_rankings(tmp_path / "bytes")
    with pytest.raises(PredictionsError, match="format 'xml': expected one of json, csv, trec"):
        read_rankings(tmp_path, "xml")
