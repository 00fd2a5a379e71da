"""Imported features: the same numbers as the model they came from, scored, swept, recorded and done again."""

import json
import re

import numpy as np
import pytest
from safetensors.numpy import save_file
from typer.testing import CliRunner

from tests.data import layouts
from workbench import cli
from workbench.arrays import unit
from workbench.case import CaseError, load_case
from workbench.case.imported import benchmark_for, case_of_imports, import_features
from workbench.data.benchmark import BenchmarkError
from workbench.data.features import Features, FeaturesError
from workbench.evaluation import evaluate
from workbench.methods import Composed, ImportedSum, TextOnly, WeightedSum
from workbench.paths import data_root
from workbench.runs import evaluate_and_record, rerun
from workbench.sweep import grid, sweep


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    (tmp_path / "data").mkdir()
    return tmp_path


def run(*arguments, code: int = 0) -> str:
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stderr if code else result.stdout


def features(rows, ids) -> Features:
    return Features(rows, tuple(ids), "rows.npy")


def imports_of(case, names=("a",), seed: int = 0, widths=(16,)):
    """Random rows for the case's benchmark, given in other orders than its own."""
    rng = np.random.default_rng(seed)
    bench, found = case.benchmark, []
    for name, width in zip(names, widths, strict=True):
        q, n = rng.permutation(len(bench.queries)), rng.permutation(len(bench.gallery))
        queries, gallery = rng.normal(size=(len(q), width)), rng.normal(size=(len(n), width))
        parts = {"composed": features(queries[q], [bench.queries[i].id for i in q])}
        views = {"image": features(gallery[n], [bench.gallery.ids[i] for i in n])}
        found.append(import_features(bench, name, parts, views))
    return found


def test_two_models_stand_side_by_side(make_case):
    case = make_case()
    one, two = imports_of(case, ("a", "b"), widths=(16, 24))
    both = case_of_imports(case.benchmark, [one, two])
    assert set(both.parts) == {"composed", "composed:a", "composed:b"}
    assert both.encoder.startswith("imported:a+b@")

    def cosines(some):
        return unit(some.parts["composed"]) @ unit(some.views["image"]).T

    np.testing.assert_allclose(Composed().score(both), cosines(one), atol=1e-6)
    np.testing.assert_allclose(Composed("composed:b").score(both), cosines(two), atol=1e-6)
    mixed = ImportedSum("composed:b", weight=0.3).score(both)
    np.testing.assert_allclose(mixed, 0.7 * cosines(one) + 0.3 * cosines(two), atol=1e-6)


def test_its_weights_are_swept_exactly_and_end_at_the_two_models(make_case):
    case = make_case()
    both = case_of_imports(case.benchmark, imports_of(case, ("a", "b"), widths=(16, 16)))
    settings = grid("imported_sum", second="composed:b", weight=np.linspace(0, 1, 5))
    frame = sweep(settings, both, metrics=["map@5"]).set_index("weight")["value"]
    for weight, method in ((0.0, Composed()), (1.0, Composed("composed:b"))):
        assert frame[weight] == evaluate(both, [method], ["map@5"])["map@5"].mean()


def test_terms_that_were_not_imported_are_named(make_case):
    case = make_case()
    with pytest.raises(
        CaseError, match=r"imported:a@\w{12} has no part 'modification'.*It has: composed:a, composed"
    ):
        case_of_imports(case.benchmark, imports_of(case), TextOnly().terms)


@pytest.fixture
def theirs(home):
    """A small CIRR whose features lie in files, in an order of their own, for all of CIRR's usual spellings of ids."""
    layouts.cirr(home / "cirr")
    rng = np.random.default_rng(0)
    names = [f"dev-{i}-0-img{i % 2}" for i in range(12)]
    order, asked = rng.permutation(12), rng.permutation(6)
    gallery = rng.normal(size=(12, 8)).astype(np.float32)
    composed = gallery[rng.permutation(12)[:6]] + 0.1 * rng.normal(size=(6, 8)).astype(np.float32)
    np.save(home / "q.npy", composed[asked])
    (home / "q.json").write_text(json.dumps([100 + int(q) for q in asked]))
    save_file({"g": gallery[order]}, home / "g.safetensors")
    (home / "g.txt").write_text("\n".join(f"{names[i]}.png" for i in order))
    return home, composed, gallery


def arguments(home, *more) -> list:
    files = ("--queries", home / "q.npy", "--query-ids", home / "q.json")
    files += ("--gallery", home / "g.safetensors", "--gallery-ids", home / "g.txt")
    return ["import-embeddings", "theirs", "--benchmark", "cirr", "--root", home / "cirr", *files, *more]


@pytest.fixture
def counts(monkeypatch):
    from workbench.data import cirr

    monkeypatch.setitem(cirr.PUBLISHED, "val", layouts.CIRR_COUNTS)


def test_imported_from_files_the_numbers_are_those_of_the_rows(theirs, counts):
    home, composed, gallery = theirs
    said = run(*arguments(home))
    assert "6 queries, 12 pictures, 8 numbers each" in said
    assert "part composed: rows of length" in said and "scored by cosine, as unit rows" in said
    case = load_case("cirr", "imported:theirs", "val", root=home / "cirr")
    np.testing.assert_array_equal(case.parts["composed"], composed)
    np.testing.assert_array_equal(case.views["image"], gallery)
    scores = unit(composed) @ unit(gallery).T
    frame = evaluate(case, [Composed()])
    for row, query in enumerate(case.benchmark.queries):
        target = int(case.benchmark.qrels["default"].targets[row, 0])
        ahead = (scores[row] > scores[row, target]).sum() - (
            scores[row, query.reference] > scores[row, target]
        )
        assert frame["rank"][row] == 1 + ahead


def test_annotations_are_enough(theirs, counts):
    home, composed, _ = theirs
    for picture in (home / "cirr" / "dev").iterdir():
        picture.unlink()
    run(*arguments(home))
    case = load_case("cirr", "imported:theirs", "val", root=home / "cirr")
    assert case.benchmark.gallery.images is None
    np.testing.assert_array_equal(case.parts["composed"], composed)


def test_without_the_list_of_pictures_the_features_are_the_gallery_if_they_are_as_many(
    theirs, counts, monkeypatch
):
    home, *_ = theirs
    run(*arguments(home))
    whole = evaluate(load_case("cirr", "imported:theirs", "val", root=home / "cirr"), [Composed()])
    for path in [*(home / "cirr" / "dev").iterdir(), home / "cirr/image_splits/split.rc2.val.json"]:
        path.unlink()
    run(*arguments(home, "--replace"))
    case = load_case("cirr", "imported:theirs", "val", root=home / "cirr")
    assert case.benchmark.gallery.whole
    again = evaluate(case, [Composed()])
    assert again[list(case.benchmark.metrics)].equals(whole[list(case.benchmark.metrics)])
    monkeypatch.setitem(layouts.CIRR_COUNTS, "gallery", 13)
    with pytest.raises(BenchmarkError, match="got 12 pictures, the gallery has 13"):
        load_case("cirr", "imported:theirs", "val", root=home / "cirr")


def test_mistakes_on_the_command_line_are_one_line(theirs, counts):
    home, composed, _ = theirs
    (home / "q.json").write_text("[100, 101, 102, 103, 104, 999]")
    assert "1 of 6 queries have no row, the first is '105'" in run(*arguments(home), code=2)
    np.save(home / "q.npy", np.ones((6, 9), np.float32))
    (home / "q.json").write_text("[100, 101, 102, 103, 104, 105]")
    assert "'part composed': 9, 'view image': 8" in run(*arguments(home), code=2)
    bare = [a for a in arguments(home) if a not in ("--query-ids", home / "q.json")]
    assert "does not say which row is which query" in run(*bare, code=2)
    np.save(home / "q.npy", composed)
    assert "--in-order is for rows without ids" in run(*bare, "--in-order", code=2)
    no_ids = [a for a in bare if a not in ("--gallery-ids", home / "g.txt")]
    run(*no_ids, "--in-order")
    case = load_case("cirr", "imported:theirs", "val", root=home / "cirr")
    np.testing.assert_array_equal(case.parts["composed"], composed)


@pytest.fixture
def circo(home, monkeypatch):
    """A small CIRCO without pictures, and a function that imports features of it with more arguments."""
    from workbench.data import circo

    monkeypatch.setitem(circo.PUBLISHED, "val", layouts.CIRCO_COUNTS)
    monkeypatch.setitem(circo.PUBLISHED, "test", layouts.CIRCO_TEST_COUNTS)
    layouts.circo(home / "circo")
    rng = np.random.default_rng(0)
    np.savez(home / "q.npz", rows=rng.normal(size=(4, 8)), ids=np.arange(4))
    ids = [f"{1000 + 7 * i:012d}.jpg" for i in range(20)]
    np.savez(home / "g.npz", rows=rng.normal(size=(20, 8)), ids=ids)
    files = [
        "--benchmark",
        "circo",
        "--root",
        home / "circo",
        "--queries",
        home / "q.npz",
        "--gallery",
        home / "g.npz",
    ]
    return lambda name, *more, code=0: run("import-embeddings", name, *files, *more, code=code)


def test_how_queries_were_worded_is_said_by_whoever_imports_them(circo, home):
    """MagicLens joins CIRCO's shared concept to its text: its numbers are not ours unless somebody says so."""
    from workbench.protocol import ProtocolMismatch, join

    said = circo("silent")
    assert 'shared concept: not said for imported features; say it (--rule "shared concept=...")' in said
    assert "not said" not in circo("plain", "--rule", "shared concept=unused")
    circo("joined", "--rule", "shared concept = joined to the text")
    protocols, frames = {}, {}
    for name in ("silent", "plain", "joined"):
        case = load_case("circo", f"imported:{name}", "val", root=home / "circo")
        protocols[name] = case.benchmark.protocol["shared concept"]
        frames[name] = evaluate(case, {name: Composed()})
    assert protocols == {
        "silent": "not said for imported features",
        "plain": "unused",
        "joined": "joined to the text",
    }
    for one in ("silent", "joined"):
        with pytest.raises(ProtocolMismatch, match="shared concept"):
            join(frames["plain"], frames[one])
    with pytest.raises(CaseError, match="shared concept: plain: unused, joined: joined to the text"):
        load_case("circo", "imported:plain+joined", "val", root=home / "circo")
    for rule, message in {
        "shared concpt=unused": "no rule 'shared concpt'.*Did you mean 'shared concept'",
        "gallery=mine": "It has: shared concept",
        "shared concept": "expected RULE=VALUE",
    }.items():
        assert re.search(message, circo("wrong", "--rule", rule, code=2))


def test_imported_queries_are_not_joined_again(home):
    with pytest.raises(CaseError, match=r'say which rule was followed.*--rule "caption join=searle"'):
        benchmark_for("fashioniq", "val", None, home, {"join": "searle"})


def test_the_next_command_is_said_as_it_has_to_be_given(circo, home):
    line = circo("next", "--choice", "x=1", code=2)  # circo has no choices: one line, no traceback
    assert "x" in line
    assert circo("next").splitlines()[-1] == (
        f"now: workbench evaluate --benchmark circo --split val --root {home / 'circo'} --encoder imported:next"
    )
    layouts.circo(home / "circo", "test")
    assert re.fullmatch(
        r"now: workbench submit .* --encoder imported:next --method composed",
        circo("next", "--split", "test").splitlines()[-1],
    )


def test_an_import_of_another_list_is_noticed_when_it_is_scored(theirs, counts):
    home, *_ = theirs
    run(*arguments(home))

    def other(pairs):
        pairs[0]["pairid"] = 555

    layouts.edit_json(home / "cirr/captions/cap.rc2.val.json", other)
    with pytest.raises(FeaturesError, match=r"part composed: 1 of 6 queries have no row, the first is '555'"):
        load_case("cirr", "imported:theirs", "val", root=home / "cirr")


@pytest.mark.slow
def test_tiny_coca_s_rows_give_its_metrics_to_the_last_digit(home, monkeypatch):
    """Exported, imported under another order, evaluated by the command line, recorded, and done again."""
    monkeypatch.delenv("WORKBENCH_HOME")
    case = load_case("tinycir", terms=[*WeightedSum().terms, ("composed_caption", "image")])
    own = evaluate(case, {"cirevl": Composed("composed_caption"), "sum": WeightedSum(0.4)})
    (home / "data" / "tinycir").symlink_to(data_root() / "tinycir")
    monkeypatch.setenv("WORKBENCH_HOME", str(home))
    bench, order = case.benchmark, np.random.default_rng(0).permutation(len(case.benchmark.gallery))
    ids = np.array([query.id for query in bench.queries])
    np.savez(home / "q.npz", composed=case.parts["composed_caption"], ids=ids)
    np.savez(home / "t.npz", t=case.parts["modification"][::-1], ids=ids[::-1])
    np.savez(home / "r.npz", r=case.parts["reference_image"], ids=ids)
    np.savez(home / "g.npz", g=case.views["image"][order], ids=np.array(bench.gallery.ids)[order])
    files = ["--queries", home / "q.npz", "--queries", f"modification={home / 't.npz'}"]
    files += ["--queries", f"reference_image={home / 'r.npz'}", "--gallery", home / "g.npz"]
    run("import-embeddings", "tc", "--benchmark", "tinycir", *files)
    said = json.loads(run("evaluate", "--encoder", "imported:tc", "--no-record", "--json"))
    assert said["encoder"].startswith("imported:tc@")
    means = own[own["method"] == "cirevl"][list(bench.metrics)].mean()
    assert {row["metric"]: row["mean"] for row in said["results"]} == pytest.approx(
        dict(means), abs=1e-9
    )  # ten digits
    imported = load_case("tinycir", "imported:tc")
    frame, runs = evaluate_and_record(
        imported, {"cirevl": Composed(), "sum": WeightedSum(0.4)}, folder=home / "runs"
    )
    assert frame[list(bench.metrics)].equals(own[list(bench.metrics)])
    assert runs[0].encoder == imported.encoder
    assert rerun(runs[0]).same
