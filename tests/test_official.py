"""Anyone's ranking file to official numbers: the published implementations' values, the refusals, the command."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.data.layouts import circo, cirr, edit_json, fashioniq, write_json
from workbench import cli, data
from workbench.data.predictions import PredictionsError, Rankings
from workbench.official import score_rankings, summarise

PERCENT = 1e-4  # the reference went through float32


def run(*arguments, code=0):
    result = CliRunner().invoke(cli.app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def score(benchmark: str, root: Path, predictions: Path, *more) -> dict:
    command = (
        "score",
        "--benchmark",
        benchmark,
        "--root",
        root,
        "--predictions",
        predictions,
        "--json",
        *more,
    )
    return json.loads(run(*command).stdout)


def refused(benchmark: str, root: Path, predictions: Path, *more) -> str:
    result = run(
        "score", "--benchmark", benchmark, "--root", root, "--predictions", predictions, *more, code=2
    )
    (line,) = result.stderr.splitlines()
    return line


@pytest.fixture
def circo_fixture(golden, tmp_path):
    """CIRCO's annotation file around the fixture's ids, and the published implementation's submission file."""
    truths = [
        [id for id in row if id] for row in golden("cir/circo_features", "input.npz")["gt_ids"].tolist()
    ]
    queries = [
        {
            "id": q,
            "reference_img_id": 10**6 + q,
            "target_img_id": int(right[0]),
            "relative_caption": "is red",
            "shared_concept": "thing",
            "gt_img_ids": [int(id) for id in right],
            "semantic_aspects": ["negation"] if q % 3 else ["addition", "viewpoint"],
        }
        for q, right in enumerate(truths)
    ]
    write_json(tmp_path / "CIRCO/annotations/val.json", queries)
    submission = golden("cir/circo_features", "expected_submission.json")
    return tmp_path / "CIRCO", write_json(tmp_path / "mine.json", submission), submission, truths


def naive_ap(listed, right, k):
    hits = [i for i, picture in enumerate(listed[:k], 1) if picture in right]
    return sum(n / i for n, i in enumerate(hits, 1)) / min(len(right), k)


@pytest.mark.parametrize("above", [False, True])
def test_circo_submission_scores_as_the_published_implementation_says(circo_fixture, golden, above):
    root, mine, submission, truths = circo_fixture
    found = score("circo", root.parent if above else root, mine)
    expected = golden("cir/circo_features", "expected.json")["single_percent"]
    for name, value in expected.items():
        assert 100 * found["metrics"][name.replace("recall", "Recall")] == pytest.approx(value, abs=PERCENT)
    chosen = [q for q in range(len(truths)) if q % 3]
    aspect = np.mean([naive_ap(submission[str(q)], truths[q], 10) for q in chosen])
    assert found["metrics"]["mAP@10 negation"] == pytest.approx(aspect, abs=1e-12)
    plain = np.mean([naive_ap(submission[str(q)], right, 25) for q, right in enumerate(truths)])
    assert found["metrics"]["mAP@25"] == pytest.approx(plain, abs=1e-12)
    assert found["protocol"]["reference"] == "ranked"
    assert "shared concept" not in found["protocol"]
    assert found["notes"] == [
        "the annotations hold 40 queries, 220 were published: no official numbers",
        "a ranking file does not say how its queries were made (shared concept)",
    ]


def test_every_format_gives_the_same_numbers(circo_fixture, tmp_path):
    root, mine, submission, _ = circo_fixture
    expected = score("circo", root, mine)["metrics"]
    numbers = {query: [int(id) for id in ids] for query, ids in submission.items()}
    padded = {query: [f"unlabeled2017/{int(id):012d}.jpg" for id in ids] for query, ids in submission.items()}
    rows = [(q, id, i) for q, ids in submission.items() for i, id in enumerate(ids, 1)]
    csv = "query,picture,rank\n" + "".join(f"{q},{id},{i}\n" for q, id, i in rows[::-1])
    trec = "".join(f"{q} Q0 {id} {i} {1 / i} me\n" for q, id, i in rows)
    for name, text in (
        ("i.json", json.dumps(numbers)),
        ("p.json", json.dumps(padded)),
        ("c", csv),
        ("t", trec),
    ):
        (tmp_path / name).write_text(text)
        assert score("circo", root, tmp_path / name)["metrics"] == expected
    notes = score("circo", root, tmp_path / "p.json")["notes"]
    assert any("ids were read without folder, ending or zeros in front" in note for note in notes)


def test_the_table_says_the_protocol(circo_fixture):
    root, mine, *_ = circo_fixture
    lines = run("score", "--benchmark", "circo", "--root", root, "--predictions", mine).stdout.splitlines()
    assert lines[0] == "circo val: 40 queries, mine.json"
    assert lines[1].split()[0] == "mAP@5"
    assert "reference: ranked" in lines[-3]
    assert lines[-2].startswith("note: the annotations hold 40 queries")
    assert "shared concept" in lines[-1]


def test_a_caption_join_belongs_to_a_ranking_file_only_where_somebody_says_so(tmp_path):
    bench = data.load("fashioniq", "val", fashioniq(tmp_path), pictures=False)
    lists = {
        q.id: [bench.gallery.ids[i] for i in bench.qrels["default"].candidates[0]] for q in bench.queries
    }
    mine = write_json(tmp_path / "mine.json", lists)
    assert "caption join" not in score("fashioniq", tmp_path, mine)["protocol"]
    said = score("fashioniq", tmp_path, mine, "--choice", "join=searle")
    assert said["protocol"]["caption join"] == "searle"
    assert not any("how its queries were made" in note for note in said["notes"])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda s: s["3"].append(s["3"][0]), "query '3' lists picture .* twice"),
        (lambda s: s["3"].append("00" + s["3"][0]), "query '3' lists one picture twice"),
        (lambda s: s.pop("7"), "1 of 40 queries of circo val have no ranking: '7'; every query"),
        (lambda s: s["7"].clear(), "1 of 40 queries of circo val have no ranking: '7'; every query"),
        (lambda s: s.update({"40": ["1"]}), "1 of the ranked queries are not in circo val: '40'"),
        (
            lambda s: s["3"].append("12.0"),
            "query '3': '12.0' is no picture of circo, whose pictures are numbers",
        ),
        (
            lambda s: [ids.__setitem__(slice(None), [f"9{i}" for i in ids]) for ids in s.values()],
            "no listed picture is",
        ),
    ],
)
def test_refusals(circo_fixture, tmp_path, damage, message):
    root, mine, *_ = circo_fixture
    edit_json(mine, damage)
    assert re.search(message, refused("circo", root, mine))


def test_hidden_targets_are_pointed_to_submit(tmp_path):
    circo(tmp_path, "test")
    mine = write_json(tmp_path / "mine.json", {str(q): [1000] for q in range(4)})
    said = refused("circo", tmp_path, mine, "--split", "test")
    assert "targets of circo test are hidden" in said
    assert said.endswith("workbench submit")


def test_lists_shorter_than_k_are_scored_and_said(circo_fixture):
    """The official script takes what a list does not hold as not found."""
    root, mine, submission, truths = circo_fixture
    edit_json(mine, lambda s: [ids.__delitem__(slice(10, None)) for ids in s.values()])
    found = score("circo", root, mine)
    short = np.mean([naive_ap(submission[str(q)][:10], right, 50) for q, right in enumerate(truths)])
    assert found["metrics"]["mAP@50"] == pytest.approx(short, abs=1e-12)
    assert any(note.startswith("map@50: some lists hold fewer than 50") for note in found["notes"])


@pytest.fixture
def cirr_fixture(golden, tmp_path):
    """CIRR's caption file around the fixture, and whole rankings by the fixture's features."""
    given = golden("cir/cirr_recall", "input.npz")
    pairs = [
        {
            "pairid": 500 + q,
            "reference": str(r),
            "target_hard": str(t),
            "caption": "more",
            "img_set": {"id": q, "members": m},
        }
        for q, (r, t, m) in enumerate(
            zip(given["reference_names"], given["target_names"], given["members"].tolist(), strict=True)
        )
    ]
    write_json(tmp_path / "CIRR/captions/cap.rc2.val.json", pairs)
    order = np.argsort(-(given["query"] @ given["gallery"].T), axis=1)
    lists = {str(500 + q): given["gallery_names"][row].tolist() for q, row in enumerate(order)}
    return tmp_path / "CIRR", lists, pairs


def cirr_expected(golden, names):
    single = golden("cir/cirr_recall", "expected.json")["single"]
    return {
        name: single[name.replace("Recall_subset", "group_recall").replace("Recall", "recall")]
        for name in names
    }


def test_cirr_whole_rankings_and_both_server_files(cirr_fixture, golden, tmp_path):
    root, lists, pairs = cirr_fixture
    recall, subset = [f"Recall@{k}" for k in (1, 5, 10, 50)], [f"Recall_subset@{k}" for k in (1, 2, 3)]
    header = {"version": "rc2"}
    files = {"whole": (lists, recall + subset)}
    tops, threes = {}, {}
    for pair in pairs:
        names = [name for name in lists[str(pair["pairid"])] if name != pair["reference"]]
        tops[str(pair["pairid"])] = names[:50]
        threes[str(pair["pairid"])] = [name for name in names if name in pair["img_set"]["members"]][:3]
    files["recall"] = ({**header, "metric": "recall", **tops}, recall)
    files["subset"] = ({**header, "metric": "recall_subset", **threes}, subset)
    for name, (content, metrics) in files.items():
        found = score("cirr", root, write_json(tmp_path / f"{name}.json", content))
        average = ["Avg (Recall@5, Recall_subset@1)"] if name == "whole" else []
        assert list(found["metrics"]) == metrics + average
        for whole in average:
            both = found["metrics"]["Recall@5"] + found["metrics"]["Recall_subset@1"]
            assert found["metrics"][whole] == pytest.approx(both / 2, abs=1e-12)
        for metric, value in cirr_expected(golden, metrics).items():
            assert 100 * found["metrics"][metric] == pytest.approx(value, abs=PERCENT)
        assert any("hold the reference image" in note for note in found["notes"]) == (name == "whole")


def test_subset_metrics_are_left_out_where_lists_are_too_short(cirr_fixture, tmp_path):
    root, lists, _ = cirr_fixture
    short = {query: names[:20] for query, names in lists.items()}
    found = score("cirr", root, write_json(tmp_path / "short.json", short))
    assert "Recall_subset@1" not in found["metrics"]
    assert any(note.startswith("subset:recall@1 is left out") for note in found["notes"])


def test_ids_outside_a_known_gallery_are_refused(tmp_path):
    cirr(tmp_path)
    lists = {str(100 + q): ("dev-9-0-img1", "dev-33-0-img0") for q in range(6)}
    bench = data.load("cirr", "val", tmp_path, pictures=False)
    with pytest.raises(PredictionsError, match="'dev-33-0-img0' is not among the gallery's 12 pictures"):
        score_rankings(bench, Rankings(lists))


def test_groups_of_a_summary(make_case):
    """Without summaries of its own a benchmark reports each metric's mean."""
    bench = make_case().benchmark
    values = {"recall@5": np.arange(12) / 12}
    assert summarise(bench, values) == {"recall@5": pytest.approx(5.5 / 12)}


@pytest.mark.parametrize("choice", ["gallery", "=x", "counts=3", "pictures=no"])
def test_choices_that_cannot_be_read(tmp_path, choice):
    mine = write_json(tmp_path / "mine.json", {"0": [1]})
    assert "expected NAME=VALUE" in refused("circo", tmp_path, mine, "--choice", choice)
