"""`workbench caption` and `workbench recompose`: every kind of model, samples, budgets, failures that are asked again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.encode.tiny import picture
from tests.language.looking import looking_server
from tests.language.tiny_hf import write_model
from workbench import cli
from workbench.data import BENCHMARKS
from workbench.data.benchmark import Benchmark, Card, Gallery, Qrels, Query
from workbench.data.images import FolderImages
from workbench.language.cache import RecordedCaptions, RecordedEdits, Records

CHANGES = ("add a thin ring", "make it blue", "unmarked", "red")


@pytest.fixture(scope="module")
def url():
    with looking_server() as address:
        yield address


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A workbench of its own with a benchmark "toy": five pictures, four queries."""
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for i in range(5):
        picture(i).save(tmp_path / "photos" / f"{i}.png")
    (tmp_path / "data" / "toy").mkdir(parents=True)

    def load(split: str, root=None) -> Benchmark:
        images = FolderImages(tmp_path / "photos", [f"{i}.png" for i in range(5)])
        queries = tuple(Query(f"q{i}", i, images.names[i], (CHANGES[i],)) for i in range(4))
        qrels = Qrels(np.arange(1, 5)[:, None], np.arange(4)[:, None])
        card = Card("toy", "CC0-1.0", "none", "made on the spot")
        gallery = Gallery(images.names, images)
        return Benchmark("toy", split, queries, gallery, {"default": qrels}, ("hit@1",), {}, card)

    BENCHMARKS.register("toy")(load)
    yield tmp_path
    del BENCHMARKS._things["toy"]


def run(verb: str, *arguments, code: int = 0):
    result = CliRunner().invoke(cli.app, [verb, "--benchmark", "toy", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def pictures():
    return BENCHMARKS.get("toy")("val").gallery.images


def test_captions_of_a_server_several_per_picture(home, url):
    asked = (
        "--captioner",
        url,
        "--model",
        "looker",
        "--prompt",
        "short",
        "--out",
        "c.jsonl",
        "--workers",
        "2",
    )
    said = run("caption", *asked, "--samples", "3", "--temperature", "0.7").stdout
    assert said.startswith("15 captions by looker@127.0.0.1 made, 0 recorded before; 450 tokens")
    captions = RecordedCaptions.replay(home / "c.jsonl")
    assert captions.samples == 3
    assert len(set(captions.texts(pictures(), range(5), 2))) == 5
    before = (home / "c.jsonl").read_bytes()
    again = run("caption", *asked, "--samples", "3", "--temperature", "0.7").stdout
    assert again.startswith("0 captions by looker@127.0.0.1 made, 15 recorded before; 0 tokens")
    assert (home / "c.jsonl").read_bytes() == before


def test_a_budget_stops_and_the_next_run_goes_on(home, url):
    asked = ("--captioner", url, "--model", "looker", "--out", "c.jsonl", "--workers", "1")
    stopped = run("caption", *asked, "--max-calls", "2", code=1)
    assert "stopped: the budget of 2 calls is used up" in stopped.stderr
    assert "0 failed, 3 not asked: run the same command again" in stopped.stderr
    assert run("caption", *asked).stdout.startswith("3 captions by looker@127.0.0.1 made, 2 recorded before")


def test_captions_of_a_transformers_folder(home):
    write_model("blip", home / "blip")
    asked = ("--captioner", home / "blip", "--max-tokens", "8", "--out", "c.jsonl", "--batch-size", "2")
    said = run(
        "caption", *asked, "--samples", "2", "--temperature", "1", "--top-p", "0.9", "--seed", "4"
    ).stdout
    assert said.startswith("10 captions by blip@")
    assert {record.sample for record in Records(home / "c.jsonl")} == {0, 1}
    for record in Records(home / "c.jsonl"):
        assert record.options == {
            "decoding": "sampling",
            "temperature": 1.0,
            "top_p": 0.9,
            "seed": 4,
            "max_tokens": 8,
            "dtype": "float32",
        }


@pytest.fixture
def captioned(home, url):
    run("caption", "--captioner", url, "--model", "looker", "--out", home / "data" / "toy" / "captions.jsonl")
    return home


def test_edits_by_a_server_failures_are_listed_and_asked_again(captioned, url):
    asked = ("--recomposer", url, "--model", "looker")
    result = run("recompose", *asked, code=1)
    assert result.stdout.startswith("3 edits by looker@127.0.0.1 made, 0 recorded before; 120 tokens")
    assert "failed: 'unmarked', sample 0: 0 lines begin with 'Edited caption:'" in result.stderr
    assert "1 failed, 0 not asked" in result.stderr
    edits = RecordedEdits.replay(captioned / "data" / "toy" / "edits.jsonl")
    captions = RecordedCaptions.replay(captioned / "data" / "toy" / "captions.jsonl")
    (caption,) = captions.texts(pictures(), [3])
    assert edits.recompose(caption, "red") == f"{caption}, red"
    again = run("recompose", *asked, code=1)
    assert again.stdout.startswith("0 edits by looker@127.0.0.1 made, 3 recorded before; 30 tokens")


def test_edits_by_a_transformers_folder_say_what_became_of_each(captioned):
    write_model("editor", captioned / "editor", end=4.0)
    asked = (
        "--recomposer",
        captioned / "editor",
        "--prompt",
        "tiny-editor",
        "--max-tokens",
        "12",
        "--out",
        "e.jsonl",
    )
    result = CliRunner().invoke(cli.app, ["recompose", "--benchmark", "toy", *map(str, asked)])
    assert result.exit_code in (0, 1), result.output
    records = Records(captioned / "e.jsonl")
    assert len(records) + len(records.failures()) == 4
    assert result.exit_code == bool(records.failures())
    assert result.stdout.startswith(f"{len(records)} edits by editor@")


def test_edits_by_rules_fail_on_captions_they_cannot_read(captioned):
    result = run("recompose", "--recomposer", "rules", "--out", "e.jsonl", code=1)
    assert "0 edits by rules:tinycir-1 made" in result.stdout
    assert result.stderr.count("failed: ") == 4
    assert "no kind of picture named" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("caption", "--samples", "3"), "add --temperature, such as 0.7"),
        (("caption", "--samples", "0"), "--samples 0: expected 1 or more"),
        (("caption", "--temperature", "0.7"), "--out is missing: a file of its own"),
        (("caption", "--captioner", "blipp", "--out", "c"), "no captioner is called 'blipp'"),
        (("caption", "--captioner", "http://127.0.0.1:1/v1", "--out", "c"), "--model is missing"),
        (("caption", "--model", "m"), "--model and --key are for servers"),
        (("caption", "--workers", "3"), "are for servers; this model runs here"),
        (("caption", "--top-p", "2"), "top_p: got 2.0, expected more than 0, at most 1"),
        (("caption", "--captioner", "http://a:b@c/v1", "--model", "m", "--out", "c"), "password or query"),
        (("caption", "--prompt", "shrt"), "Did you mean 'short'"),
        (("caption", "--prompt", "garment"), "is for the task 'edit', expected 'caption'"),
        (
            ("recompose", "--recomposer", "rulse"),
            "asked for the captions of one model, the file holds no record",
        ),
    ],
)
@pytest.mark.usefixtures("home")
def test_mistakes_are_one_line(arguments, problem):
    result = run(*arguments, code=2)
    (line,) = result.stderr.splitlines()
    assert line.startswith("workbench: ") and problem in line


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--recomposer", "rulse"), "no recomposer is called 'rulse'. Did you mean 'rules'"),
        (("--recomposer", "rules", "--prompt", "garment"), "rules has its own prompt and decoding"),
        (("--recomposer", "/no/such/folder"), "no model folder /no/such/folder"),
    ],
)
def test_mistakes_in_the_name_of_a_recomposer(captioned, arguments, problem):
    assert problem in run("recompose", *arguments, code=2).stderr


def test_a_command_in_a_process_of_its_own_keeps_the_key_to_itself(home, url):
    """The server's key comes from the environment and appears in nothing that the command leaves behind."""
    key = "planted-key-4711"
    arguments = [
        "caption",
        "--benchmark",
        "tinycir",
        "--captioner",
        url,
        "--model",
        "m",
        "--key",
        "MY_SERVER",
    ]
    arguments += ["--out", str(home / "c.jsonl"), "--max-calls", "3"]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", "from workbench.cli import app; app()", *arguments],
        cwd=root,
        env={**os.environ, "MY_SERVER": key, "PYTHONPATH": str(root), "WORKBENCH_HOME": str(root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    assert len((home / "c.jsonl").read_text().splitlines()) == 3
    left = [done.stdout, done.stderr, *(p.read_text() for p in home.rglob("*.jsonl"))]
    assert not any(key in text for text in left)
    assert json.loads((home / "c.jsonl").read_text().splitlines()[0])["model"] == "m@127.0.0.1"
