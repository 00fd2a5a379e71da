"""`workbench captions`: what is shown, compared, exported and imported is what the files hold."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from tests.encode.tiny import Pictures
from tests.test_cli import error, run
from workbench.language.cache import RecordedCaptions, RecordedEdits, Records
from workbench.language.records import Record


@pytest.fixture
def records(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kept = Records("a.jsonl")
    kept.append(
        [
            Record("x" * 64, "m@1", "a cat", {"seed": 1}, seconds=1.5, prompt_tokens=10, completion_tokens=5),
            Record("y" * 64, "m@1", "a dog", {"seed": 1}),
            Record("z" * 64, "m@1", "", {"seed": 1}, error="HTTP 500"),
        ]
    )
    return kept


def test_show_counts_texts_costs_and_failures(records):
    said = run("captions", "show", "a.jsonl").stdout
    assert "2 texts by m@1" in said and "15 tokens" in said and "1.5 s" in said
    assert "2 texts, 1 failed" in said and "a dog" in said
    assert "HTTP 500" in run("captions", "show", "a.jsonl", "--failed").stdout
    lines = run("captions", "show", "a.jsonl", "--json").stdout.splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["a cat", "a dog"]


def test_diff_tells_what_changed_by_its_exit_code_too(records):
    assert "3 same" in run("captions", "diff", "a.jsonl", "a.jsonl").stdout
    Records("b.jsonl").append([Record("x" * 64, "m@2", "a cat"), Record("y" * 64, "m@2", "a wolf")])
    said = run("captions", "diff", "a.jsonl", "b.jsonl", "--by", "input,sample", code=1).stdout
    assert "1 same, 1 changed, 0 added, 1 removed" in said
    assert "- a dog" in said and "+ a wolf" in said
    told = json.loads(run("captions", "diff", "a.jsonl", "b.jsonl", "--json", code=1).stdout)
    assert (told["added"], told["removed"]) == (2, 3)
    assert "expected some of input, model" in error(
        "captions", "diff", "a.jsonl", "b.jsonl", "--by", "inputs"
    )


def test_export_and_import_go_round(records):
    assert "3 rows" in run("captions", "export", "a.jsonl", "a.parquet").stdout
    assert list(pd.read_parquet("a.parquet").sort_values("input").text) == ["a cat", "a dog", ""]
    assert "2 texts added to b.jsonl, 1 failures" in run("captions", "import", "a.parquet", "b.jsonl").stdout
    assert "0 texts added" in run("captions", "import", "a.parquet", "b.jsonl").stdout
    assert run("captions", "diff", "a.jsonl", "b.jsonl").exit_code == 0
    assert ".parquet" in error("captions", "export", "a.jsonl", "a.csv")


@pytest.fixture
def benchmark(monkeypatch):
    """Loaded as "toy": three pictures, two queries."""
    from types import SimpleNamespace as Some

    queries = (
        Some(id="q0", reference=2, modification=("is red",)),
        Some(id="q1", reference=0, modification=("is blue",)),
    )
    toy = Some(queries=queries, gallery=Some(ids=("p0", "p1", "p2"), images=Pictures(3)))
    monkeypatch.setattr("workbench.data.load", lambda name, split: {"toy": toy}[name])


def test_cirevls_file_becomes_captions_and_edits(records, benchmark, tmp_path):
    (tmp_path / "mods.json").write_text(
        json.dumps(
            {
                "base_caption": ["a hat", "a dress"],
                "instruction": ["is red", "is blue"],
                "modified_captions": ["a red hat", "is blue"],
            }
        )
    )
    given = (
        "captions",
        "import",
        "mods.json",
        "c.jsonl",
        "--format",
        "cirevl",
        "--model",
        "gpt",
        "--benchmark",
        "toy",
    )
    said = run(*given, "--edits", "e.jsonl").stdout
    assert "2 texts added to c.jsonl" in said and "1 texts added to e.jsonl, 1 failures" in said
    assert "1 edits are the instruction itself (recorded as failures): q1" in said
    assert RecordedCaptions.replay("c.jsonl").texts(Pictures(3), [2, 0]) == ("a hat", "a dress")
    assert RecordedEdits.replay("e.jsonl").recompose("a hat", "is red") == "a red hat"
    assert "--edits" in error(*given)


def test_weimocirs_file_becomes_samples(records, benchmark, tmp_path):
    (tmp_path / "caps.json").write_text(json.dumps([{"candidate": "p1", "captions": ["a", "b"]}]))
    given = ("captions", "import", "caps.json", "w.jsonl", "--format", "weimocir")
    said = run(*given, "--model", "vlm", "--benchmark", "toy").stdout
    assert "1 pictures have fewer than 3 captions: p1" in said
    assert "2 gallery pictures have no entry: p0, p2" in said
    assert RecordedCaptions.replay("w.jsonl").texts(Pictures(3), [1], sample=1) == ("b",)
    assert "--model" in error(*given)
    assert "--benchmark" in error(*given, "--model", "vlm")


def test_mistakes_are_one_line(records):
    assert "there is no such file" in error("captions", "show", "nowhere.jsonl")
    assert "Did you mean 'weimocir'" in error("captions", "import", "a.jsonl", "b.jsonl", "--format", "weimo")
