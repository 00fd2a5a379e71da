"""caption -> recompose -> evaluate by command line, on every benchmark from its own folder, with the built-in models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.data import layouts
from workbench import cli, data
from workbench.case import load_case
from workbench.data import circo, cirr, domain, domain_pairs, fashioniq, genecis, icir
from workbench.data.images import each_once
from workbench.language.cache import RecordedCaptions, RecordedEdits

MODELS = Path(__file__).parents[1] / "data" / "models"
CAPTION_METHODS = ("image_only", "weighted_sum", "cirevl", "pdv_f")
pytestmark = pytest.mark.filterwarnings("ignore:.*could not edit")


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A workbench of its own with the built-in models; benchmarks lie elsewhere, and are as small as they are."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "models").symlink_to(MODELS)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.chdir(tmp_path)
    for module in (circo, cirr, domain, domain_pairs, fashioniq, genecis, icir):
        for split in module.PUBLISHED:
            monkeypatch.setitem(module.PUBLISHED, split, {})
    monkeypatch.setitem(
        fashioniq.COUNTED, "val", dict.fromkeys(fashioniq.CATEGORIES, fashioniq.Counts(3, 0, None))
    )
    for name in domain.DOMAINS:
        monkeypatch.setitem(domain.IN_DOMAIN, name, {"cartoon": 2}.get(name, 1))
    return tmp_path


def run(verb: str, *arguments, code: int = 0) -> str:
    result = CliRunner().invoke(cli.app, [verb, *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


def genecis_all(root: Path) -> Path:
    for task in ("focus_attribute", "change_attribute"):
        layouts.genecis_attributes(root, task)
    for task in ("focus_object", "change_object"):
        layouts.genecis_objects(root, task)
    return root


def folder_with_targets(root: Path) -> Path:
    lines = ("id,reference,text,target", "1,a.png,make it red,b.png", "2,b.png,larger,deeper/c.jpg")
    return layouts.own_folder(root, "\n".join(lines) + "\n")


CASES = {
    "cirr": (layouts.cirr, "val", (), ["Recall@1", "Recall_subset@1", "Avg (Recall@5, Recall_subset@1)"]),
    "circo": (layouts.circo, "val", (), ["mAP@5", "Recall@10", "mAP@10 addition"]),
    "fashioniq": (layouts.fashioniq, "val", ("join=searle",), ["Recall@10", "Recall@50 toptee"]),
    "genecis": (genecis_all, "all", (), ["Recall@1", "Recall@3 focus_object"]),
    "icir": (layouts.icir, "test", (), ["mAP", "mmAP", "minmAP"]),
    "domain": (layouts.domain, "cartoon", (), ["Recall@10"]),
    "domain_pairs": (layouts.domain_pairs, "minidn", (), ["mAP", "Precision@50"]),
    "objects": (layouts.coco_objects, "val", (), ["Recall@1"]),
    "folder": (folder_with_targets, "all", ("reference=ranked",), ["recall@1", "map@10"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_whole_chain_on_a_benchmark_from_its_own_folder(home, name):
    build, split, choices, official = CASES[name]
    where = ["--benchmark", name, "--split", split, "--root", build(home / "elsewhere")]
    where += [word for choice in choices for word in ("--choice", choice)]
    bench = data.load(name, split, home / "elsewhere", **dict(choice.split("=") for choice in choices))
    pictures = len(bench.gallery) + (len(each_once(bench.references)[0]) if bench.references else 0)
    encoded = run("encode", *where).splitlines()
    assert sum(int(line.split()[0]) for line in encoded if line[0].isdigit()) == pictures
    assert "captions by tiny-coca@" in run("caption", *where)
    captions = RecordedCaptions.replay(home / "data" / name / "captions.jsonl")
    assert run("caption", *where).startswith("0 captions")
    ran = CliRunner().invoke(cli.app, ["recompose", *map(str, where)])
    edits = home / "data" / name / "edits.jsonl"
    known = RecordedEdits.replay(edits).records
    assert len(known) + len(known.failures()) > 0
    assert ran.exit_code == bool(known.failures()), ran.output
    stored = len(list((home / "cache" / "embeddings").glob("images-*")))
    methods = [word for method in CAPTION_METHODS for word in ("--method", method)]
    said = json.loads(run("evaluate", *where, "--edits", edits, *methods, "--json"))
    assert said["captions"] == captions.id
    assert len(list((home / "cache" / "embeddings").glob("images-*"))) == stored, "what encode made was found"
    assert said["recomposer"].startswith("tiny-editor")
    assert set(said["official"]) == set(CAPTION_METHODS)
    assert set(official) <= set(said["official"]["cirevl"])
    assert all(0 <= value <= 1 for own in said["official"].values() for value in own.values())
    for choice in choices:
        value = choice.partition("=")[2]
        assert value in said["protocol"].values()


def naive_cirr(case) -> dict[str, float]:
    """CIRR's numbers of image only, written out: sort, take the reference out, look for the target."""
    unit = {name: rows / np.linalg.norm(rows, axis=1, keepdims=True) for name, rows in case.parts.items()}
    image = case.views["image"] / np.linalg.norm(case.views["image"], axis=1, keepdims=True)
    order = np.argsort(-(unit["reference_image"] @ image.T), axis=1)
    found: dict[str, list[bool]] = {}
    for q, query in enumerate(case.benchmark.queries):
        target = case.benchmark.qrels["default"].targets[q, 0]
        members = case.benchmark.qrels["subset"].candidates[q]
        listed = [n for n in order[q] if n != query.reference]
        for k in (1, 5, 10, 50):
            found.setdefault(f"Recall@{k}", []).append(target in listed[:k])
        for k in (1, 2, 3):
            some = [n for n in listed if n in members]
            found.setdefault(f"Recall_subset@{k}", []).append(target in some[:k])
    numbers = {name: float(np.mean(values)) for name, values in found.items()}
    return numbers | {
        "Avg (Recall@5, Recall_subset@1)": (numbers["Recall@5"] + numbers["Recall_subset@1"]) / 2
    }


def test_official_numbers_of_cirr_are_those_of_a_plain_sort(home):
    root = layouts.cirr(home / "elsewhere")
    said = json.loads(
        run("evaluate", "--benchmark", "cirr", "--root", root, "--method", "image_only", "--json")
    )
    case = load_case("cirr", "tiny-coca", "val", root=root, terms=[("reference_image", "image")])
    assert said["official"]["image_only"] == pytest.approx(naive_cirr(case), abs=1e-12)
    table = run("evaluate", "--benchmark", "cirr", "--root", root, "--method", "image_only")
    share = 100 * said["official"]["image_only"]["Avg (Recall@5, Recall_subset@1)"]
    assert f"Avg (Recall@5, Recall_subset@1) {share:.2f}" in " ".join(table.split())
    assert table.count("reference: excluded") == 2, "the protocol stands under both tables"


def test_captions_of_references_alone_are_enough_for_cirevl(home):
    where = ["--benchmark", "circo", "--root", layouts.circo(home / "elsewhere")]
    assert run("caption", *where, "--references-only").startswith("4 captions")
    run("evaluate", *where, "--method", "cirevl")
    said = CliRunner().invoke(cli.app, ["evaluate", *map(str, where), "--method", "weimocir"])
    assert "has no caption by tiny-coca" in said.stderr


def many_cirr(root: Path) -> Path:
    """CIRR test1 with enough pictures for 50 names a query."""
    layouts.cirr(root, "test1")
    listing = root / "image_splits" / "split.rc2.test1.json"
    more = {f"test1-{i}-1-img0": f"./test1/test1-{i}-1-img0.png" for i in range(45)}
    layouts.edit_json(listing, lambda names: names.update(more))
    for i, file in enumerate(more.values()):
        layouts.write_picture(root / file, 500 + i)
    return root


def test_a_method_becomes_the_files_of_the_test_server(home):
    root = many_cirr(home / "elsewhere")
    where = ("--benchmark", "cirr", "--root", root)
    written = run("submit", *where, "--method", "weighted_sum", "--out", home / "out").splitlines()
    assert [line.partition(":")[0].rpartition("/")[2] for line in written[:2]] == [
        "cirr_recall.json",
        "cirr_recall_subset.json",
    ]
    assert written[2].startswith("note: weighted_sum, tiny-coca@")
    whole, subset = (
        json.loads((home / "out" / f"cirr_recall{name}.json").read_text()) for name in ("", "_subset")
    )
    assert (whole.pop("metric"), subset.pop("metric")) == ("recall", "recall_subset")
    bench = data.load("cirr", "test1", root)
    assert list(whole) == ["version", *(query.id for query in bench.queries)] == list(subset)
    for query in bench.queries:
        assert len(set(whole[query.id])) == 50
        assert query.reference_image not in whole[query.id]
        members = {bench.gallery.ids[n] for n in bench.qrels["subset"].candidates[int(query.id) - 100]}
        assert set(subset[query.id]) < members
    said = CliRunner().invoke(
        cli.app, ["evaluate", *map(str, where), "--split", "test1", "--method", "image_only"]
    )
    assert said.exit_code == 2
    assert "its targets are hidden, so nothing can be measured here" in said.stderr


def test_a_method_becomes_circos_file(home):
    """Numbers of pictures, the reference among them where it is near; test has 40 pictures more than it needs."""
    root = layouts.circo(home / "elsewhere", "test")
    coco = root / "COCO2017_unlabeled"
    more = [{"id": 5000 + i, "file_name": f"{5000 + i:012d}.jpg"} for i in range(40)]
    listing = coco / "annotations" / "image_info_unlabeled2017.json"
    layouts.edit_json(listing, lambda content: content["images"].extend(more))
    for one in more:
        layouts.write_picture(coco / "unlabeled2017" / one["file_name"], one["id"])
    where = ("--benchmark", "circo", "--root", root, "--method", "image_only", "--out", home / "out")
    assert "circo.json: 4 queries" in run("submit", *where)
    content = json.loads((home / "out" / "circo.json").read_text())
    assert list(content) == ["0", "1", "2", "3"]
    for q, names in enumerate(content.values()):
        assert len(set(names)) == 50
        assert names[0] == 1000 + 7 * q, "of itself a picture is the nearest, and CIRCO ranks the reference"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "expected --predictions FILE or --method NAME, one of the two"),
        (("--method", "product", "--predictions", "x.json"), "one of the two"),
        (("--method", "slurp"), "Did you mean 'slerp'"),
        (("--method", "product", "--benchmark", "icir"), "icir has no test server; these have: cirr, circo"),
    ],
)
def test_mistakes_in_submit_are_one_line(home, arguments, message):
    said = CliRunner().invoke(cli.app, ["submit", "--benchmark", "cirr", *arguments])
    assert said.exit_code == 2
    (line,) = said.stderr.splitlines()
    assert message in line


@pytest.mark.slow
def test_runs_keep_the_official_numbers_and_refuse_another_protocol(home):
    """One set under two join rules, and under two galleries: each has its table, no table has both."""
    where = [
        "--benchmark",
        "fashioniq",
        "--root",
        layouts.fashioniq(home / "elsewhere"),
        "--method",
        "text_only",
    ]
    rows = {
        choice: json.loads(run("evaluate", *where, "--choice", choice, "--json"))
        for choice in ("join=cirevl", "join=seize", "gallery=union")
    }
    runs = json.loads(run("runs", "list", "--json"))
    assert [one["protocol"]["caption join"] for one in runs] == ["cirevl", "seize", "cirevl"]
    for one, said in zip(runs, rows.values(), strict=True):
        assert one["official"] == said["official"]["text_only"]
        table = run("runs", "table", one["id"])
        assert f"Recall@10 toptee {100 * one['official']['Recall@10 toptee']:.2f}" in " ".join(table.split())
        assert f"caption join: {one['protocol']['caption join']}" in table
    for other, key in ((1, "caption join"), (2, "gallery")):
        said = CliRunner().invoke(cli.app, ["runs", "table", runs[0]["id"], runs[other]["id"]])
        assert said.exit_code == 2
        assert "cannot be compared" in said.stderr
        assert key in said.stderr
    assert CliRunner().invoke(cli.app, ["runs", "table"]).exit_code == 2, "nor are all runs one table"
    again = ("rerun", runs[2]["id"], "--root", home / "elsewhere")
    assert "the same to the last digit" in run("runs", *again, "--choice", "gallery=union")
    assert "protocol: gallery" in run("runs", *again, code=1)
