"""A run holds all its numbers depend on, is kept whole, is compared in words, and comes out the same again."""

import dataclasses
import json
import multiprocessing
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from tests.data import layouts
from tests.encode.tiny import write_coca
from workbench import cli, provenance
from workbench.case import Case
from workbench.case.wording import Wording
from workbench.choose import cross_choose
from workbench.evaluation import evaluate, metric_columns, results_table
from workbench.language.verdicts import Verdicts
from workbench.methods import METHODS, CIReVL, ImageOnly, PDVFusion, PDVText, TextOnly, WeightedSum
from workbench.registry import UnknownName
from workbench.runs import (
    RunError,
    append_run,
    diff,
    evaluate_and_record,
    export_runs,
    find_run,
    mixed,
    names,
    newest,
    query_frame,
    read_queries,
    read_runs,
    record,
    rerun,
    runs_frame,
)
from workbench.sweep import grid


@pytest.fixture
def case(make_case) -> Case:
    """A full case of random rows, with texts."""
    arrays = make_case(seed=5, queries=20, items=60)
    count = {"caption": 60}
    texts = {
        name: tuple(f"{name} {i}" for i in range(count.get(name, 20)))
        for name in ("modification", "reference_caption", "composed_caption", "caption")
    }
    return Case(
        arrays.benchmark, "toy@aaaa.11", "toy@aaaa.11", "rules:tinycir-1", arrays.parts, arrays.views, texts
    )


@pytest.fixture
def runs(case, tmp_path):
    """runs(methods) records them and gives the runs back."""
    return lambda *methods, of=case, **more: evaluate_and_record(of, methods, folder=tmp_path, **more)[1]


def changed(case: Case, **fields) -> Case:
    bench = {name: fields.pop(name) for name in ("protocol", "split", "qrels", "name") if name in fields}
    return replace(case, benchmark=replace(case.benchmark, **bench), **fields)


def test_a_run_holds_setting_metrics_and_digests(case, tmp_path):
    frame, (image, pdv) = evaluate_and_record(
        case, [ImageOnly(), PDVFusion(beta=0.5)], seed=3, notes={"why": "to see"}, folder=tmp_path
    )
    pd.testing.assert_frame_equal(frame, evaluate(case, [ImageOnly(), PDVFusion(beta=0.5)]))
    assert (pdv.name, pdv.method) == ("pdv_f(beta=0.5)", "pdv_f")
    assert pdv.params.items() >= {"alpha_image": 1.4, "alpha_text": 1.2, "beta": 0.5}.items()
    assert len(pdv.params) == len(dataclasses.fields(PDVFusion))
    assert (pdv.benchmark, pdv.split, pdv.queries, pdv.gallery) == ("arrays", "val", 20, 60)
    assert pdv.protocol == {"reference": "excluded"}
    assert pdv.wording == {"join": None, "prompt": "{}"}
    assert (pdv.encoder, pdv.captions, pdv.recomposer) == ("toy@aaaa.11", "toy@aaaa.11", "rules:tinycir-1")
    assert (image.captions, image.recomposer) == (None, None)  # it asks nobody for words
    assert (pdv.seed, pdv.notes) == (3, {"why": "to see"})
    rows = frame[frame["method"] == pdv.name]
    assert pdv.metrics == {metric: rows[metric].mean() for metric in case.benchmark.metrics}
    assert set(image.digests) == {
        *("code", "queries", "gallery", "qrels default", "qrels subset", "per query"),
        *("part reference_image", "view image"),
    }
    assert {"part composed_caption", "text composed_caption"} < set(pdv.digests)
    assert pdv.digests["view image"] == provenance.array_digest(case.views["image"])
    assert pdv.wall_seconds > 0
    assert pdv.versions["numpy"] == np.__version__
    assert len(pdv.commit or 40 * "?") == 40


def test_runs_come_back_from_disk_as_they_were(runs, tmp_path):
    made = runs(ImageOnly(), TextOnly()) + runs(CIReVL())
    assert read_runs(tmp_path) == made
    assert len((tmp_path / "runs.jsonl").read_text().splitlines()) == 3


def test_numbers_per_query_come_back_ready_for_the_table(case, runs, tmp_path):
    made = runs(ImageOnly(), TextOnly())
    frame = query_frame(made, folder=tmp_path)
    again = evaluate(case, [ImageOnly(), TextOnly()])
    pd.testing.assert_frame_equal(frame, again, check_dtype=False)
    pd.testing.assert_frame_equal(results_table(frame, ["hit@5"]), results_table(again, ["hit@5"]))
    assert metric_columns(query_frame(made, ["map@5"], tmp_path)) == ["map@5"]
    with pytest.raises(RunError, match=r"has no hit@50. Did you mean 'hit@5'\?"):
        query_frame(made, ["hit@50"], tmp_path)


def test_numbers_per_query_that_were_touched_are_refused(runs, tmp_path):
    (run,) = runs(ImageOnly())
    path = tmp_path / "queries" / f"{run.id}.parquet"
    frame = pd.read_parquet(path)
    frame["hit@5"] = 1.0
    frame.to_parquet(path, index=False)
    with pytest.raises(RunError, match=f"{run.id}.*is not what the run wrote"):
        read_queries(run, tmp_path)
    path.unlink()
    with pytest.raises(RunError, match="are gone"):
        read_queries(run, tmp_path)


def test_a_frame_of_another_case_is_refused(case, tmp_path):
    frame = evaluate(case, [ImageOnly()])
    with pytest.raises(
        RunError, match="the frame has 19 rows, expected one for each of the case's 20 queries"
    ):
        record(case, ImageOnly(), frame.iloc[1:], folder=tmp_path)


def test_nested_choices_are_no_run(case, tmp_path):
    frame = cross_choose({"sum": grid(WeightedSum, weight=[0.2, 0.8])}, case, "hit@5", folds=2)
    with pytest.raises(RunError, match="each fold has its own setting; a run has one"):
        record(case, WeightedSum(), frame, folder=tmp_path)
    assert read_runs(tmp_path) == []


# -- kept whole


def test_a_line_cut_by_a_kill_is_dropped_and_the_next_run_lands(runs, tmp_path):
    first, second = runs(ImageOnly(), TextOnly())
    path = tmp_path / "runs.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    assert read_runs(tmp_path) == [first]
    (third,) = runs(CIReVL())
    assert read_runs(tmp_path) == [first, third]
    assert second.id.encode() not in path.read_bytes()


def test_a_last_line_without_its_end_is_a_run_all_the_same(runs, tmp_path):
    """As an editor leaves the file that somebody removed a line from."""
    first, second = runs(ImageOnly(), TextOnly())
    path = tmp_path / "runs.jsonl"
    path.write_bytes(path.read_bytes()[:-1])
    assert read_runs(tmp_path) == [first, second]
    (third,) = runs(CIReVL())
    assert read_runs(tmp_path) == [first, second, third]


def test_what_was_evaluated_before_something_failed_is_kept(runs, tmp_path):
    with pytest.raises(KeyError):
        runs(ImageOnly(), ByVerdict("nobody"), TextOnly())
    assert [run.name for run in read_runs(tmp_path)] == ["image_only"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda line: line[:40], r"runs.jsonl, line 1 is not a run: the line: Invalid JSON"),
        (lambda line: line.replace('"hit@5":', '"hit@5":"much","x":'), r"line 1 is not a run: metrics.hit@5"),
        (lambda line: line.replace('"split":', '"slit":'), r"line 1 is not a run: split: Field required"),
        (lambda line: line.replace('"format":1', '"format":2'), r"line 1 is not a run: format"),
        (lambda line: line.replace('"id":"', '"id":"../'), r"line 1 is not a run: id: String should match"),
    ],
)
def test_a_line_that_is_no_run_is_named(runs, tmp_path, damage, said):
    runs(ImageOnly(), TextOnly())
    path = tmp_path / "runs.jsonl"
    first, second = path.read_text().splitlines()
    assert damage(first) != first
    path.write_text(f"{damage(first)}\n{second}\n")
    with pytest.raises(RunError, match=said):
        read_runs(tmp_path)


def _append_many(line: str, folder: str, count: int) -> None:
    from workbench.runs.run import new_id, parse_run

    for _ in range(count):
        append_run(parse_run(line, "given").model_copy(update={"id": new_id()}), folder)


@pytest.mark.slow
def test_several_processes_write_at_once(runs, tmp_path):
    (run,) = runs(ImageOnly())
    spawn = multiprocessing.get_context("spawn")
    arguments = (run.model_dump_json(), str(tmp_path), 15)
    workers = [spawn.Process(target=_append_many, args=arguments) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert len(read_runs(tmp_path)) == 46


def test_a_file_outside_the_folder_is_refused(runs, tmp_path):
    (run,) = runs(ImageOnly())
    with pytest.raises(ValueError, match="leads out of"):
        append_run(run, tmp_path, "../elsewhere.jsonl")


@pytest.mark.parametrize("variable", ["HF_TOKEN", "OPENAI_API_KEY", "MY_SECRET", "db_password", "DB_PASSWD"])
def test_no_secret_lands_in_a_run(case, tmp_path, monkeypatch, variable):
    secret = 'hush-"\\ü-1234'
    monkeypatch.setenv(variable, secret)
    spoken = changed(case, protocol={f"asked {secret}": f"with {secret}"}, captions=f"vlm?key={secret}")
    evaluate_and_record(spoken, {f"x {secret}": CIReVL()}, notes={"note": secret}, folder=tmp_path)
    kept = (tmp_path / "runs.jsonl").read_text()
    assert secret not in kept
    assert json.dumps(secret)[1:-1] not in kept
    assert "hush" not in kept
    (run,) = read_runs(tmp_path)
    assert run.notes == {"note": "***"}
    assert run.captions == "vlm?key=***"
    rows = read_queries(run, tmp_path)
    assert set(rows["captions"]) == {"vlm?key=***"}
    assert "hush" not in rows.to_json()


def test_a_short_secret_does_not_eat_the_digests(runs, tmp_path, monkeypatch):
    monkeypatch.setenv("CI_TOKEN", "1")
    (run,) = runs(ImageOnly(), notes={"a": "1", "b": "10 queries"})
    assert run.notes == {"a": "***", "b": "10 queries"}
    assert read_runs(tmp_path) == [run]


def test_export_as_parquet(runs, tmp_path):
    made = runs(ImageOnly(), WeightedSum(weight=0.25), CIReVL())
    export_runs(made, tmp_path / "all.parquet")
    frame = pd.read_parquet(tmp_path / "all.parquet")
    assert frame["id"].tolist() == [run.id for run in made]
    assert frame["metrics.hit@5"].tolist() == [run.metrics["hit@5"] for run in made]
    assert frame["params.weight"].tolist()[1] == 0.25
    assert frame["created"].dt.tz is not None
    assert len(runs_frame(made)) == 3


# -- parameters


@dataclass(frozen=True)
class Odd(TextOnly):
    """A method with fields of every kind."""

    pair: tuple = (1, 2.5)
    host: object = PDVText(alpha_text=2.0)
    rows: object = None


@pytest.fixture
def odd():
    METHODS.register("odd")(Odd)
    yield Odd
    del METHODS._things["odd"]


def test_parameters_of_every_kind_are_written_and_read_again(odd, case, runs):
    (run,) = runs(odd(pair=(3, np.float32(0.5))))
    assert run.params["pair"] == [3, 0.5]
    assert run.params["host"]["method"] == "pdv_t"
    assert rerun(run, case).same
    from workbench.runs.rerun import method_of

    assert method_of(run) == odd(pair=(3, 0.5))


def test_an_array_is_kept_as_its_digest_and_cannot_be_made_again(odd, case, tmp_path):
    method = odd(rows=np.zeros(3))
    run = record(case, method, evaluate(case, {"odd": method}), name="odd", folder=tmp_path)
    assert run.params["rows"] == {"sha256": provenance.array_digest(np.zeros(3))}
    with pytest.raises(RunError, match="of which only the digest was kept"):
        rerun(run, case)


def test_a_parameter_that_cannot_be_written_is_refused_by_name(odd, runs):
    with pytest.raises(RunError, match=r"Odd.rows is a set, expected text, numbers"):
        runs(odd(rows={1}))


# -- compared


def test_diff_of_the_same_setting_says_so(runs):
    first, second = runs(CIReVL()) + runs(CIReVL())
    said = diff(first, second)
    assert said[0] == "the same setting, inputs, code and versions"
    assert f"metrics: hit@5 {first.metrics['hit@5']!r} in both" in said


def test_diff_of_two_methods_names_their_parameters_too(runs):
    first, second = runs(PDVText(alpha_text=1.0)) + runs(PDVFusion(alpha_text=3.0, beta=0.5))
    said = diff(first, second)
    assert said[:2] == ["method: pdv_t → pdv_f", "parameters: alpha_text 1.0 → 3.0"]
    assert "parameters: beta 0.5 only in the second" in said


def test_diff_says_where_nothing_recorded_explains_the_metrics(runs):
    (first,) = runs(CIReVL())
    second = first.model_copy(update={"metrics": dict.fromkeys(first.metrics, 0.5)})
    assert diff(first, second)[1].startswith("nothing that is recorded explains the metrics")
    assert not [said for said in diff(first, first) if "explains" in said]


def test_what_the_runs_of_one_table_do_not_share_is_said(case, runs):
    made = runs(ImageOnly(), CIReVL(), WeightedSum())
    assert mixed(made) == []
    texts = {**case.texts, "composed_caption": case.texts["composed_caption"][::-1]}
    (other,) = runs(PDVText(), of=changed(case, texts=texts))
    (said,) = mixed([*made, other])
    assert said == (
        f"caption cache: the composed caption texts changed (between runs {made[1].id} and {other.id})"
    )
    older = made[0].model_copy(update={"digests": {**made[0].digests, "code": 64 * "0"}})
    assert mixed([older, *made[1:]])[-1].startswith("made by 2 states of the package's sources, at commits ")


def test_diff_names_parameters_and_the_change_of_the_metrics(runs):
    first, second = runs(PDVText(alpha_text=1.0)) + runs(PDVText(alpha_text=3.0))
    said = diff(first, second)
    assert said[0] == "parameters: alpha_text 1.0 → 3.0"
    a, b = first.metrics["map@5"], second.metrics["map@5"]
    assert a != b
    assert f"metrics: map@5 {a!r} → {b!r} ({b - a:+.6f})" in said


def test_diff_tells_changed_words_from_changed_rows(case, runs):
    (first,) = runs(CIReVL())
    rows = {**case.parts, "composed_caption": case.parts["composed_caption"][::-1].copy()}
    words = {**case.texts, "composed_caption": case.texts["composed_caption"][::-1]}
    (second,) = runs(CIReVL(), of=changed(case, parts=rows, texts=words))
    (third,) = runs(CIReVL(), of=changed(case, parts=rows))
    assert diff(first, second)[0] == "caption cache: the composed caption texts changed"
    assert len([s for s in diff(first, second) if not s.startswith("metrics")]) == 1
    assert diff(first, third)[0].startswith("rows: part composed caption changed")


def test_diff_tells_what_of_a_model_changed_and_nothing_that_follows(case, runs):
    (first,) = runs(ImageOnly())
    for id, said in (
        ("toy@bbbb.11", "encoder: other weights, toy@aaaa.11 → toy@bbbb.11"),
        ("toy@aaaa.22", "encoder: inputs prepared differently, toy@aaaa.11 → toy@aaaa.22"),
        ("big@cccc.33", "encoder: another model, toy@aaaa.11 → big@cccc.33"),
    ):
        views = {**case.views, "image": case.views["image"] + 1}
        (second,) = runs(ImageOnly(), of=changed(case, encoder=id, views=views))
        assert [s for s in diff(first, second) if not s.startswith("metrics")] == [said]


@dataclass(frozen=True)
class ByVerdict:
    """A method that is not linear and reads more of a case than its terms."""

    judge: str = "m"
    terms = (("modification", "image"),)

    def score(self, case):
        fits = case.verdicts[self.judge].fits
        return np.array(
            [[fits[q.id].get(id, 0.0) for id in case.benchmark.gallery.ids] for q in case.benchmark.queries]
        )


@pytest.fixture(autouse=True, scope="module")
def _registered_while_these_tests_run():
    METHODS.register("by_verdict")(ByVerdict)
    yield
    del METHODS._things["by_verdict"]


def test_what_methods_that_are_not_linear_read_is_digested_too(case, runs):
    fits = {query.id: {"picture-3": 1.0} for query in case.benchmark.queries}
    corpora = {"subjects": np.ones((3, 16), np.float32)}
    first = changed(case, verdicts={"m": Verdicts("m", fits)}, corpora=corpora)
    second = changed(first, verdicts={"m": Verdicts("m", {q: {"picture-4": 1.0} for q in fits})})
    third = changed(first, corpora={"subjects": np.zeros((3, 16), np.float32)})
    (one,), (two,), (three,) = (runs(ByVerdict(), of=of) for of in (first, second, third))
    assert diff(one, two)[0] == "verdicts m changed"
    assert diff(one, three)[0].startswith("rows: corpus subjects changed")
    (linear,) = runs(ImageOnly(), of=first)
    assert not [name for name in linear.digests if name.startswith(("verdicts", "corpus"))]


def test_diff_names_the_makers_of_pseudo_words(case, runs):
    made = [runs(CIReVL(), of=changed(case, makers={"pseudo_word": id}))[0] for id in ("oti@1", "oti@2")]
    assert diff(*made)[0] == "pseudo-words: pseudo_word oti@1 → oti@2"


def test_diff_names_versions_and_code(runs):
    (first,) = runs(ImageOnly())
    versions = {**first.versions, "numpy": "1.0"}
    del versions["pandas"]
    second = first.model_copy(update={"versions": versions, "digests": {**first.digests, "code": 64 * "0"}})
    said = diff(first, second)
    assert f"versions: numpy {first.versions['numpy']} → 1.0" in said
    assert f"versions: pandas {first.versions['pandas']} only in the first" in said
    assert any(s.startswith("code: the package's sources changed, commit ") for s in said)
    third = first.model_copy(update={"commit": "f" * 40, "dirty": False})
    assert diff(first, third)[0].endswith("→ ffffffffff; the package's sources are the same")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"protocol": {"reference": "kept"}}, "protocol: reference excluded → kept"),
        ({"split": "test"}, "split: val → test"),
        ({"name": "other"}, "benchmark: arrays → other"),
    ],
)
def test_runs_of_another_question_are_not_compared(case, runs, tmp_path, fields, said):
    (first,), (second,) = runs(ImageOnly()), runs(TextOnly(), of=changed(case, **fields))
    with pytest.raises(RunError, match=f"{first.id}.*{second.id}.*cannot be compared: {said}"):
        query_frame([first, second], folder=tmp_path)
    words = diff(first, second)
    assert words[0] == said
    assert words[-1] == "the metrics cannot be compared"
    assert not [word for word in words if word.startswith("metrics:")]


def test_other_targets_under_the_same_name_are_not_compared(case, runs, tmp_path):
    qrels = dict(case.benchmark.qrels)
    qrels["default"] = replace(qrels["default"], targets=qrels["default"].targets[:, ::-1])
    made = runs(ImageOnly()) + runs(TextOnly(), of=changed(case, qrels=qrels))
    with pytest.raises(RunError, match="qrels default changed under the same name"):
        query_frame(made, folder=tmp_path)


def test_names_say_what_sets_runs_apart(case, runs):
    made = runs(ImageOnly(), TextOnly()) + runs(ImageOnly(), of=changed(case, encoder="big@cccc.33"))
    assert names(made) == ["image_only [toy]", "text_only", "image_only [big]"]
    twice = made[:1] + runs(ImageOnly())
    assert names(twice) == [f"image_only #{run.id}" for run in twice]
    assert newest(twice) == twice[1:]


# -- done again


def test_a_run_comes_out_the_same_to_the_last_digit(case, runs):
    for run in runs(ImageOnly(), PDVFusion(beta=0.3), WeightedSum(weight=0.37)):
        done = rerun(run, case)
        assert done.same
        assert done.metrics == run.metrics
        assert done.said[0] == "the same setting, inputs, code and versions"


def test_a_rerun_says_which_input_changed(case, runs):
    (run,) = runs(ImageOnly())
    rng = np.random.default_rng(0)
    views = {**case.views, "image": rng.normal(size=case.views["image"].shape).astype(np.float32)}
    done = rerun(run, changed(case, views=views))
    assert not done.same
    assert done.said[0].startswith("rows: view image changed")
    assert not rerun(run, changed(case, protocol={"reference": "kept"})).said[0].startswith("rows")


def test_a_rerun_of_a_method_that_is_gone_says_so(case, runs):
    (run,) = runs(ImageOnly())
    with pytest.raises(UnknownName, match=r"no method is called 'image_onyl'. Did you mean 'image_only'"):
        rerun(run.model_copy(update={"method": "image_onyl"}), case)
    with pytest.raises(RunError, match="image_only has no 'blur' any more"):
        rerun(run.model_copy(update={"params": {"blur": 1}}), case)


def test_a_rerun_says_what_its_record_has_no_path_of(case, runs, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    (run,) = runs(ImageOnly())
    with pytest.raises(
        RunError, match=r"benchmark 'folder' was not found at .* say where it lies: --root FOLDER"
    ):
        rerun(run.model_copy(update={"benchmark": "folder", "split": "all"}))
    with pytest.raises(RunError, match="the mitigator csls was behind its scores"):
        rerun(run.model_copy(update={"mitigator": "csls"}), case)
    with pytest.raises(
        RunError, match=r"no recomposer has the id 'server/x'.* give its records, --edits FILE"
    ):
        rerun(run.model_copy(update={"recomposer": "server/x"}))


@pytest.mark.slow
def test_a_run_of_a_model_in_a_folder_is_made_again_where_the_folder_is_given(tmp_path, monkeypatch):
    layouts.own_folder(
        tmp_path / "pictures", "id,reference,text,target\n1,a.png,red,b.png\n2,b.png,big,a.png\n"
    )
    model = f"local-dir:{write_coca(tmp_path / 'mine')}"
    for name, value in (("WORKBENCH_HOME", str(tmp_path)), ("TQDM_DISABLE", "1")):
        monkeypatch.setenv(name, value)
    where = ["--root", str(tmp_path / "pictures"), "--choice", "reference=ranked"]
    asked = ["--benchmark", "folder", "--split", "all", "--method", "image_only", "--encoder", model, *where]
    assert CliRunner().invoke(cli.app, ["evaluate", *asked]).exit_code == 0
    (run,) = read_runs()
    assert str(tmp_path) not in run.model_dump_json()
    hint = said("rerun", run.id, *where, code=2)
    assert f"run {run.id}: its encoder is {run.encoder}, and no model is called 'mine'" in hint
    assert "give it again: --encoder MODEL:/weights.safetensors or --encoder local-dir:/folder" in hint
    assert said("rerun", run.id, *where, "--encoder", model).endswith("the same to the last digit\n")
    other = f"local-dir:{write_coca(tmp_path / 'elsewhere' / 'mine', seed=1)}"
    assert said("rerun", run.id, *where, "--encoder", other, code=None).startswith(
        "encoder: other weights, mine@"
    )


# -- the command line


def said(*arguments: str, code: int | None = 0) -> str:
    result = CliRunner().invoke(cli.app, ["runs", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert code in (None, result.exit_code), result.output
    return result.output


@pytest.fixture
def home(tmp_path, monkeypatch, case):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    evaluate_and_record(case, [ImageOnly(), TextOnly(), CIReVL()])
    return read_runs()


def test_list_and_show(home):
    lines = said("list").splitlines()
    assert [line.split()[0] for line in lines[:3]] == [run.id for run in home]
    assert lines[-1] == "3 of 3 runs"
    assert f"hit@5 {home[0].metrics['hit@5']:.4f}" in lines[0]
    assert json.loads(said("list", "--last", "1", "--json"))[0]["id"] == home[2].id
    assert said("list", "--split", "test").strip() == "0 of 0 runs"
    shown = json.loads(said("show", home[1].id[:9]))
    assert shown["digests"] == home[1].digests


def test_diff_table_and_export(home, tmp_path):
    assert said("diff", home[0].id, home[1].id).startswith("method: image_only → text_only")
    table = said("table", "--metric", "hit@5")
    assert "hit@5 over image only" in table
    assert "CIReVL" in table
    assert said("table", home[1].id, home[2].id, "--format", "latex").startswith(r"\begin{tabular}")
    assert "3 runs in" in said("export", str(tmp_path / "x" / "runs.parquet"))
    assert len(pd.read_parquet(tmp_path / "x" / "runs.parquet")) == 3


def test_the_table_takes_queries_alone_only_when_asked(home):
    assert "clusters (reference images)" in said("table", "--metric", "hit@5")
    assert "each query on its own" in said("table", "--metric", "hit@5", "--unit", "query")
    assert said("table", "--metric", "hit@5", "--format", "html").startswith("<table>")


def test_the_table_has_the_metrics_that_all_runs_share_and_says_which_it_leaves_out(home, case):
    assert "Left out" not in said("table")
    evaluate_and_record(case, [PDVText()], ["map@5", "hit@1"])
    table = said("table")
    assert "map@5 %" in table and "hit@5 %" not in table
    assert "not all of these runs have them: recall@5, hit@5, subset:recall@1, hit@1." in table
    evaluate_and_record(case, [WeightedSum()], ["hit@2"])
    assert "runs have no metric in common: " in said("table", code=2)


def test_a_choice_is_said_in_list_and_table_and_nowhere_else(home, case, recwarn):
    rows = evaluate(case, {"best": WeightedSum(weight=0.3)}).assign(
        chosen_on="val", chosen_by="hit@5", settings=9, setting="weighted_sum(weight=0.3)"
    )
    record(case, WeightedSum(weight=0.3), rows, name="best")
    assert said("list").splitlines()[3].endswith("  best of 9 on val")
    assert "WARNING: † best was the best of 9 settings" in said("table", "--metric", "hit@5")
    assert not [one for one in recwarn if "best of" in str(one.message)]


def test_a_table_of_several_questions_or_of_unlike_inputs_says_so(home, case):
    texts = {**case.texts, "composed_caption": case.texts["composed_caption"][::-1]}
    evaluate_and_record(changed(case, texts=texts), [PDVText()])
    assert "WARNING: caption cache: the composed caption texts changed (between runs " in said("table")
    evaluate_and_record(changed(case, split="test"), [ImageOnly()])
    assert "split: val → test. Say which question: --benchmark, --split, or the runs' ids" in said(
        "table", code=2
    )
    assert "PDV-T" in said("table", "--split", "val")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("show", "zzz"), "no single run is called 'zzz'"),
        (("show", ""), "no single run is called ''"),
        (("table", "--split", "test"), "there are no such runs; make some: workbench evaluate"),
        (("table", "--format", "word"), "--format word: expected one of text, markdown, latex, html"),
        (("export", "runs.csv"), "runs.csv: expected the name of a .parquet file"),
        (("table", "--unit", "image"), "unit: got 'image', expected 'cluster' or 'query'"),
        (("table", "--metric", "hit@6"), "has no hit@6. Did you mean 'hit@5'?"),
    ],
)
def test_a_mistake_is_one_line(home, arguments, part):
    output = said(*arguments, code=2)
    assert part in output
    assert len(output.splitlines()) == 1


def test_find_run_needs_a_single_match(home):
    twin = home[0].model_copy(update={"id": home[0].id[:6] + "ffff"})
    with pytest.raises(RunError, match="2 runs begin so"):
        find_run([home[0], twin], home[0].id[:6])


def test_wording_is_part_of_the_setting(case, runs):
    made = runs(TextOnly()) + runs(TextOnly(), of=changed(case, wording=Wording(prompt="a photo of {}")))
    assert diff(*made)[0] == "wording: prompt {} → a photo of {}"
