"""Test-server files: the published implementation's, and everything the server would refuse is refused here."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.data.layouts import circo, cirr, edit_json, write_json
from workbench import cli, data
from workbench.data.predictions import PredictionsError, Rankings
from workbench.registry import UnknownName
from workbench.score.ranks import top_k
from workbench.submission import (
    SubmissionError,
    submissions,
    submissions_of_method,
    submissions_of_rankings,
)


@pytest.fixture
def fixture(golden, tmp_path):
    """CIRR test1 around the fixture's names, its similarities, and the two files of the published implementation."""
    given = golden("cir/cirr_submission", "input.npz")
    pairs = [
        {"pairid": int(p), "reference": str(r), "caption": "more", "img_set": {"id": int(p), "members": m}}
        for p, r, m in zip(
            given["pair_ids"], given["reference_names"], given["members"].tolist(), strict=True
        )
    ]
    write_json(tmp_path / "captions/cap.rc2.test1.json", pairs)
    listing = {name: f"./test1/{name}.png" for name in given["gallery_names"].tolist()}
    write_json(tmp_path / "image_splits/split.rc2.test1.json", listing)
    expected = [
        golden("cir/cirr_submission", f"expected_{name}.json") for name in ("recall", "recall_subset")
    ]
    bench = data.load("cirr", "test1", tmp_path, pictures=False)
    return bench, given["query"] @ given["gallery"].T, expected, tmp_path


def test_both_files_of_cirr_from_scores(fixture):
    bench, scores, expected, _ = fixture
    tops = {name: top_k(scores, k, bench.qrels[name]) for name, k in (("default", 50), ("subset", 3))}
    texts = submissions(bench, tops)
    assert [json.loads(text) for text in texts.values()] == expected
    assert list(texts) == ["cirr_recall.json", "cirr_recall_subset.json"]


def test_the_command_writes_both_from_whole_rankings(fixture):
    bench, scores, expected, root = fixture
    order = np.argsort(-scores, axis=1)
    lists = {
        query.id: [bench.gallery.ids[i] for i in row] for query, row in zip(bench.queries, order, strict=True)
    }
    mine = write_json(root / "mine.json", lists)
    command = ["submit", "--benchmark", "cirr", "--root", root, "--predictions", mine, "--out", root / "out"]
    result = CliRunner().invoke(cli.app, [str(word) for word in command])
    assert result.exit_code == 0, result.output
    assert "80 lists hold the reference image, which is not ranked: it was taken out" in result.stdout
    written = [
        json.loads((root / "out" / name).read_text())
        for name in ("cirr_recall.json", "cirr_recall_subset.json")
    ]
    assert written == expected


def test_the_command_says_what_it_did_not_check_and_what_it_did_not_write(fixture):
    bench, scores, _, root = fixture
    order = np.argsort(-scores, axis=1)
    lists = {
        query.id: [bench.gallery.ids[i] for i in row] for query, row in zip(bench.queries, order, strict=True)
    }
    mine, out = write_json(root / "mine.json", lists), root / "out"
    command = ["submit", "--benchmark", "cirr", "--root", root, "--predictions", mine, "--out", out]

    def run(*words):
        return CliRunner().invoke(cli.app, [str(word) for word in words])

    assert "earlier run" not in run(*command).stdout
    write_json(mine, {query: names[:52] for query, names in lists.items()})
    again = run(*command).stdout
    assert f"note: {out / 'cirr_recall_subset.json'} is of an earlier run" in again
    not_looked_for = (
        "the list of the gallery was not read, so pictures that are not in it were not looked for"
    )
    assert not_looked_for not in again
    (root / "image_splits/split.rc2.test1.json").unlink()
    assert not_looked_for in run(*command).stdout
    taken = run(*command[:-1], mine)
    assert (taken.exit_code, "cannot be a folder" in taken.stderr) == (2, True)
    other = run("submit", "--benchmark", "fashioniq", "--root", root, "--predictions", mine)
    assert "fashioniq has no test server; these have: cirr, circo" in other.stderr


def test_short_lists_make_the_file_they_are_long_enough_for(fixture):
    bench, scores, expected, _ = fixture
    best = top_k(scores, 50, bench.qrels["default"])
    lists = {
        q.id: tuple(bench.gallery.ids[i] for i in row) for q, row in zip(bench.queries, best, strict=True)
    }
    texts, notes = submissions_of_rankings(bench, Rankings(lists))
    assert list(texts) == ["cirr_recall.json"]
    assert any("cirr_recall_subset.json: query" in note and "3 are needed" in note for note in notes)
    with pytest.raises(
        SubmissionError, match=r"cirr_recall\.json: query '12060' lists 49 pictures that may be in it"
    ):
        submissions_of_rankings(bench, Rankings({q: names[:49] for q, names in lists.items()}, "recall"))
    threes = {query: names for query, names in expected[1].items() if query.isdigit()}
    assert list(submissions_of_rankings(bench, Rankings(threes, "recall_subset"))[0]) == [
        "cirr_recall_subset.json"
    ]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda tops, bench: tops["default"][:, :49], "has 49 pictures, expected 50"),
        (lambda tops, bench: np.repeat(tops["default"][:, :25], 2, axis=1), "names a picture twice"),
        (
            lambda tops, bench: np.concatenate(
                [bench.qrels["default"].excluded, tops["default"][:, :49]], axis=1
            ),
            "names its own reference",
        ),
        (lambda tops, bench: tops["default"][:-1], "got 79 lists for 80 queries"),
    ],
)
def test_what_the_server_would_refuse(fixture, damage, message):
    bench, scores, *_ = fixture
    tops = {"default": top_k(scores, 50, bench.qrels["default"])}
    with pytest.raises(SubmissionError, match=message):
        submissions(bench, {"default": damage(tops, bench)})


def test_the_subset_file_holds_members_only(fixture):
    bench, scores, *_ = fixture
    with pytest.raises(SubmissionError, match="not one of its set"):
        submissions(bench, {"subset": top_k(scores, 3, bench.qrels["default"])})


def test_the_size_limit(fixture, monkeypatch):
    bench, scores, *_ = fixture
    monkeypatch.setattr("workbench.submission.MAX_BYTES", 1000)
    with pytest.raises(SubmissionError, match="bytes are more than the 1,000 allowed"):
        submissions(bench, {"default": top_k(scores, 50, bench.qrels["default"])})


def test_circo_writes_numbers_and_keeps_the_reference(tmp_path):
    bench = data.load("circo", "test", circo(tmp_path, "test"), pictures=False)
    listed = tuple(str(1000 + i) for i in range(50))
    texts, _ = submissions_of_rankings(bench, Rankings({str(q): listed for q in range(4)}))
    content = json.loads(texts["circo.json"])
    assert list(content) == ["0", "1", "2", "3"]
    assert content["0"] == list(range(1000, 1050))


def test_numbers_and_places_are_what_circos_server_reads(tmp_path):
    circo(tmp_path, "test")
    bench = data.load("circo", "test", tmp_path, pictures=False)
    listed = tuple(str(1000 + i) for i in range(49))
    lists = {str(q): (*listed, "x7" if q == 2 else "7") for q in range(4)}
    with pytest.raises(
        PredictionsError, match="query '2': 'x7' is no picture of circo, whose pictures are numb"
    ):
        submissions_of_rankings(bench, Rankings(lists))
    rows = np.tile(np.arange(50), (4, 1))
    with pytest.raises(SubmissionError, match="query '0' names 'x7', expected a number"):
        submissions(bench, {"default": rows}, (*listed, "x7"))
    edit_json(tmp_path / "annotations/test.json", lambda queries: queries.reverse())
    turned = data.load("circo", "test", tmp_path, pictures=False)
    whole = dict.fromkeys(lists, (*listed, "7"))
    with pytest.raises(SubmissionError, match="the query at place 0 is '3', and the server goes by place"):
        submissions_of_rankings(turned, Rankings(whole))


def test_both_files_rank_a_set_in_one_order(fixture):
    bench, scores, *_ = fixture
    tops = {name: top_k(scores, k, bench.qrels[name]) for name, k in (("default", 50), ("subset", 3))}
    both = [set(a) & set(b) for a, b in zip(tops["default"].tolist(), tops["subset"].tolist(), strict=True)]
    several = [q for q, rows in enumerate(both) if len(rows) > 1]
    assert several, "the fixture has sets of which the whole ranking lists two"
    with pytest.raises(
        SubmissionError, match=f"query '{bench.queries[several[0]].id}': .* in different orders"
    ):
        submissions(bench, {**tops, "subset": tops["subset"][:, ::-1]})


def test_a_method_writes_both_files_of_cirr(fixture, make_case):
    """From a case's own scores, as from the same scores by hand; a benchmark without a server is named."""
    bench, scores, expected, _ = fixture

    class AsGiven:
        terms = ()

        def score(self, case):
            return scores

    case = make_case()
    object.__setattr__(case, "benchmark", bench)
    texts = submissions_of_method(case, AsGiven())
    assert [json.loads(text) for text in texts.values()] == expected
    with pytest.raises(UnknownName, match="arrays has no test server"):
        submissions_of_method(make_case(), AsGiven())


def test_ids_and_benchmarks_that_there_are_not(tmp_path, make_case):
    bench = data.load("cirr", "test1", cirr(tmp_path, "test1"), pictures=False)
    with pytest.raises(PredictionsError, match="is not among the gallery's 12 pictures"):
        submissions_of_rankings(bench, Rankings({q.id: ("test1-99-0-img0",) for q in bench.queries}))
    with pytest.raises(UnknownName, match="arrays has no test server; these have: cirr, circo"):
        submissions(make_case().benchmark, {})
