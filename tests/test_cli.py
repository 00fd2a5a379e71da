"""Each verb does its job on made-up pictures with a model made on the spot; each mistake is one line and exit code 2."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.encode.tiny import picture, write_coca
from workbench import cli
from workbench.cli.base import without_secrets
from workbench.data import BENCHMARKS
from workbench.data.benchmark import Benchmark, Card, Gallery, Qrels, Query
from workbench.data.images import FolderImages


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return f"local-dir:{write_coca(tmp_path_factory.mktemp('models') / 'toy')}"


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A workbench of its own, with a folder of six pictures, one of them deeper."""
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos" / "deeper").mkdir(parents=True)
    for i in range(5):
        picture(i).save(tmp_path / "photos" / f"{i}.png")
    picture(5).save(tmp_path / "photos" / "deeper" / "5.JPG")
    (tmp_path / "photos" / "notes.txt").write_text("not a picture")
    picture(99).save(tmp_path / "mine.png")
    return tmp_path


def run(*arguments: str, code: int = 0):
    result = CliRunner().invoke(cli.app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def error(*arguments: str) -> str:
    """The one line that a mistake leaves on stderr."""
    result = run(*arguments, code=2)
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("workbench: ")
    return line


def test_retrieve_ranks_a_folder_and_draws_the_sheet(home, model):
    arguments = ("retrieve", "mine.png", "the cat in red", "--gallery", "photos", "--encoder", model)
    said = run(*arguments).stdout.splitlines()
    assert sorted(line.split()[-1] for line in said[:6]) == [
        "0.png",
        "1.png",
        "2.png",
        "3.png",
        "4.png",
        "deeper/5.JPG",
    ]
    scores = [float(line.split()[1]) for line in said[:6]]
    assert scores == sorted(scores, reverse=True)
    assert said[6:] == ["sheet: retrieved.svg"]
    sheet = (home / "retrieved.svg").read_text()
    assert sheet.count("data:image/png;base64") == 7
    first = sheet
    run(*arguments)
    assert (home / "retrieved.svg").read_text() == first


def test_retrieve_as_json_with_a_method_of_ones_own(home, model):
    arguments = (
        "--gallery",
        "photos",
        "--encoder",
        model,
        "--method",
        "slerp(alpha=0.3)",
        "--k",
        "2",
        "--json",
    )
    said = json.loads(run("retrieve", "mine.png", "red cat", *arguments, "--out", "sheets/a.png").stdout)
    assert said["method"] == "slerp(alpha=0.3)"
    assert [row["rank"] for row in said["results"]] == [1, 2]
    assert Image.open(home / "sheets" / "a.png").size[0] > 300


def test_image_only_finds_the_reference_unless_it_is_the_very_file(home, model):
    arguments = ("red", "--gallery", "photos", "--encoder", model, "--method", "image_only", "--json")
    picture(3).save(home / "copy.png")
    copy = json.loads(run("retrieve", "copy.png", *arguments).stdout)["results"]
    assert copy[0]["picture"] == "3.png"
    assert copy[0]["score"] == pytest.approx(1, abs=1e-5)
    itself = json.loads(run("retrieve", "photos/3.png", *arguments).stdout)["results"]
    assert "3.png" not in {row["picture"] for row in itself}
    assert len(itself) == 5


def test_encode_fills_the_store_once(home, model):
    said = run("encode", "photos", "--encoder", model).stdout
    assert said.startswith("6 pictures, 16 numbers each, by toy@")
    (shard,) = (home / "cache" / "embeddings").glob("images-*/*.npy")
    before = shard.stat().st_mtime_ns
    run("encode", "photos", "--encoder", model)
    assert shard.stat().st_mtime_ns == before


@pytest.fixture
def toy_benchmark(home):
    """Six pictures, four queries, registered as "toy"."""
    (home / "data" / "toy").mkdir(parents=True)

    def load(split: str, root=None) -> Benchmark:
        images = FolderImages(home / "photos", [f"{i}.png" for i in range(5)])
        queries = tuple(Query(f"q{i}", i, images.names[i], ("the red cat",)) for i in range(4))
        qrels = Qrels(np.arange(1, 5)[:, None], np.arange(4)[:, None])
        card = Card("toy", "CC0-1.0", "none", "made on the spot")
        return Benchmark(
            "toy",
            split,
            queries,
            Gallery(images.names, images),
            {"default": qrels},
            ("hit@1", "map@5"),
            {},
            card,
        )

    BENCHMARKS.register("toy")(load)
    yield
    del BENCHMARKS._things["toy"]


@pytest.mark.usefixtures("toy_benchmark")
def test_caption_records_every_picture_once(home, model):
    arguments = ("caption", "--benchmark", "toy", "--encoder", model, "--out", "captions.jsonl")
    assert "captions" in run(*arguments).stdout
    records = (home / "captions.jsonl").read_bytes()
    pictures = len({json.loads(line)["input"] for line in records.splitlines()})
    assert pictures == len(records.splitlines()) > 1
    run(*arguments)
    assert (home / "captions.jsonl").read_bytes() == records


@pytest.mark.usefixtures("toy_benchmark")
def test_evaluate_prints_a_table_with_intervals_and_a_test(model):
    arguments = (
        "--benchmark",
        "toy",
        "--encoder",
        model,
        "--method",
        "image_only",
        "--method",
        "weighted_sum(weight=0.2)",
    )
    table = run("evaluate", *arguments).stdout
    assert table.startswith("toy val: 4 queries, toy@")
    for word in ("image only", "weighted sum(weight=0.2)", "hit@1 %", "map@5 %", "hit@1 over image only"):
        assert word in table
    said = json.loads(run("evaluate", *arguments, "--metric", "hit@2", "--json").stdout)
    assert [row["metric"] for row in said["results"]] == ["hit@2", "hit@2"]
    assert said["results"][0]["p"] is None
    assert 0 < said["results"][1]["p"] <= 1


@pytest.mark.usefixtures("toy_benchmark")
@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--method", "slurp"), "Did you mean 'slerp'?"),
        (("--method", "slerp(alhpa=1)"), "slerp has no 'alhpa'. Did you mean 'alpha'? It has alpha"),
        (("--method", "slerp(0.3)"), 'expected "name" or "name(field=value, ...)"'),
        (("--method", "__import__('os')"), 'expected "name" or "name(field=value, ...)"'),
        (("--method", "slerp(alpha='much')"), "slerp: alpha is 'much', expected float"),
        (("--method", "weighted_sum(weight='much')"), "weight is 'much', expected float such as 0.5"),
        (
            ("--method", "slerp"),
            "slerp needs alpha=...: no paper is known to state a value, so there is no default",
        ),
        (("--method", "cirevl"), "captions: got none"),
        (("--method", "product", "--baseline", "text_only"), "--baseline text_only: expected one of product"),
        (("--method", "product", "--metric", "recal@1"), "Did you mean 'recall'?"),
        (("--benchmark", "toys"), "toy"),
    ],
)
def test_a_mistake_is_one_line(model, arguments, part):
    assert part in error("evaluate", "--benchmark", "toy", "--encoder", model, *arguments)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("none.png", "red", "--gallery", "photos"), "none.png: there is no such picture"),
        (("photos/notes.txt", "red", "--gallery", "photos"), "notes.txt: not a picture"),
        (("mine.png", " ", "--gallery", "photos"), "the modification text is empty"),
        (("mine.png", "the cat " * 40, "--gallery", "photos"), "tokens"),
        (("mine.png", "red", "--gallery", "nowhere"), "nowhere is not a folder"),
        (("mine.png", "red", "--gallery", "empty"), "empty holds no picture"),
        (("mine.png", "red", "--gallery", "broken"), "bad.png"),
        (("mine.png", "red", "--gallery", "photos", "--k", "9"), "9"),
        (
            ("mine.png", "red", "--gallery", "photos", "--out", "sheet.docx"),
            "got '.docx', expected one of .svg",
        ),
        (("mine.png", "red", "--gallery", "photos", "--method", "weimocir"), "captions: got none"),
    ],
)
def test_a_wrong_picture_text_or_folder_is_one_line(home, model, arguments, part):
    (home / "empty").mkdir()
    (home / "broken").mkdir()
    (home / "broken" / "bad.png").write_bytes(b"\x89PNG nothing more")
    assert part in error("retrieve", *arguments, "--encoder", model)


def test_an_unknown_model_says_what_to_do_without_a_network(home):
    said = error("retrieve", "mine.png", "red", "--gallery", "photos", "--encoder", "ViT-B-23:openai")
    assert "Did you mean" in said
    assert "local-dir:" in said


def test_a_gallery_of_one_is_refused_before_a_model_is_loaded(home):
    (home / "one").mkdir()
    picture(0).save(home / "one" / "only.png")
    said = error("retrieve", "mine.png", "red", "--gallery", "one", "--encoder", "no-such-model")
    assert "one holds one picture, only.png; ranking needs at least two" in said


@pytest.mark.usefixtures("toy_benchmark")
def test_what_is_wrong_without_a_model_is_said_before_one_is_loaded(home):
    nothing = ("--encoder", "no-such-model")
    said = error("evaluate", "--benchmark", "toy", *nothing, "--metric", "recal@1")
    assert "Did you mean 'recall'?" in said
    said = error("retrieve", "photos/3.png", "red", "--gallery", "photos", *nothing, "--k", "6")
    assert "--k 6: photos has 5 pictures to rank" in said


def test_secrets_never_reach_an_error_message(monkeypatch):
    monkeypatch.setenv("SOME_HUB_TOKEN", "hf_abc123")
    assert without_secrets("401 for Bearer hf_abc123") == "401 for Bearer ***"


def test_a_bug_keeps_its_traceback(monkeypatch):
    def broken(folder):
        raise ZeroDivisionError

    monkeypatch.setattr(cli.encode, "pictures_in", broken)
    with pytest.raises(ZeroDivisionError):
        run("encode", ".")


def test_help_needs_no_torch():
    code = "import sys, workbench.cli; print(sorted({'torch', 'pandas', 'matplotlib'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "[]\n"
