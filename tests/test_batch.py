"""A sweep file is checked whole before anything runs; what ran is kept, marked, found again and summed up."""

import json
import os
from pathlib import Path

import nbformat
import pytest
from filelock import FileLock
from typer.testing import CliRunner

from workbench import cli, provenance
from workbench.batch import (
    InProcessExecutor,
    SpecError,
    check_values,
    make_executor,
    notebook_parameters,
    plan,
    read_spec,
    run_batch,
)
from workbench.batch import job as jobs
from workbench.batch.spec import Dask, Submitit, job_name

ROOT = Path(__file__).resolve().parents[1]
PARAMETERS = """alpha_text = 1.2  # how far to walk
seed = 0  # of the draws
method = "pdv_t"  # which
axes = {"alpha_text": [0.0, 2.0, 21]}  # what is varied
ks = [1, 5, 10]  # cut-offs
quick: bool = False  # leave out the slow part
limit = None  # of the queries
figures = "figures"  # where to"""


def write_notebook(path: Path, *cells: str, parameters: str | None = PARAMETERS) -> Path:
    """A notebook of code cells, the first tagged "parameters"."""
    book = nbformat.v4.new_notebook()
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    if parameters is not None:
        book.cells.append(nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    book.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(book, path)
    return path


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A workbench of its own, with a notebook beside the sweep files."""
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.setattr(provenance, "code_digest", lambda: "0" * 64)
    write_notebook(tmp_path / "tiny.ipynb", "print(alpha_text, seed)")
    return tmp_path


@pytest.fixture
def sweep(home):
    """sweep("seed: 1") is the path of a sweep file of tiny.ipynb with that text."""

    def write(text: str, name: str = "sweep", notebook: str = "tiny.ipynb") -> Path:
        (home / f"{name}.yaml").write_text(f"notebook: {notebook}\n{text}\n")
        return home / f"{name}.yaml"

    return write


# -- what a sweep file may hold


def test_cases_times_grid_over_common_parameters(sweep):
    spec = read_spec(
        sweep(
            "parameters: {seed: 7}\ncases: [{method: a}, {method: b, seed: 8}]\ngrid: {alpha_text: [0.5, 1], quick: [true, false]}"
        )
    )
    settings = spec.settings()
    assert len(settings) == 8
    assert settings[0] == {"seed": 7, "method": "a", "alpha_text": 0.5, "quick": True}
    assert settings[7] == {"seed": 8, "method": "b", "alpha_text": 1, "quick": False}
    assert spec.varying() == ["method", "seed", "alpha_text", "quick"]
    assert (spec.out, spec.timeout, spec.retries, spec.executor.kind) == ("sweep", 600, 1, "in-process")


def test_a_job_is_named_by_what_sets_it_apart_and_by_its_digest(sweep, home):
    first, second = plan(read_spec(sweep('parameters: {figures: "runs/pdv/{job}"}\ngrid: {seed: [1, 2]}')))
    assert first.name == f"seed=1-{first.digest[:8]}"
    assert first.parameters["figures"] == f"runs/pdv/{first.name}"
    assert first.digest != second.digest
    assert first.folder == str(home / "runs" / "sweep")
    assert job_name({"a": "../../etc/passwd", "b": 0.5, "c": "x" * 99}, ["a", "b", "c"], "f" * 64) == (
        "a=etc-passwd,b=0.5,c=" + "x" * 59 + "-ffffffff"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("retrys: 2", r"there is no field retrys. Did you mean 'retries'\?"),
        ("timeout: 0", "timeout: Input should be greater than 0"),
        ("timeout: ", "timeout: Input should be a valid integer"),
        ("grid: {seed: []}", "grid.seed: List should have at least 1 item"),
        ("grid: {seed: 3}", "grid.seed: Input should be a valid list"),
        ("cases: []", "cases: List should have at least 1 item"),
        ("executor: desk", "executor: Input tag 'desk'"),
        (
            "executor: {kind: dask, wokers: 3}",
            r"there is no field executor.dask.wokers. Did you mean 'workers'\?",
        ),
        ("seed: [1, 2", "is not YAML"),
        ("grid: {seed: [1], method: [a], seed: [2]}", "is not YAML: 'seed' is given twice"),
        ("retries: 0\ntimeout: 9\nretries: 2", "is not YAML: 'retries' is given twice"),
        ("parameters: !!python/object/apply:os.getcwd []", "is not YAML: could not determine a constructor"),
    ],
)
def test_a_wrong_field_is_named(sweep, text, said):
    with pytest.raises(SpecError, match=rf"sweep.yaml.*{said}"):
        read_spec(sweep(text))


def test_a_misspelt_field_is_named_before_the_gap_it_leaves(home):
    (home / "typo.yaml").write_text("notebok: tiny.ipynb")
    with pytest.raises(SpecError, match=r"there is no field notebok\. Did you mean 'notebook'\?"):
        read_spec(home / "typo.yaml")


def test_common_values_may_be_merged(sweep):
    spec = read_spec(sweep("cases:\n  - &one {seed: 1, method: a}\n  - {<<: *one, seed: 2}"))
    assert [one["seed"] for one in spec.settings()] == [1, 2]
    assert [one["method"] for one in spec.settings()] == ["a", "a"]


def test_a_file_that_is_no_sweep(sweep, home):
    (home / "list.yaml").write_text("[1, 2]")
    with pytest.raises(SpecError, match="expected fields such as notebook:, got list"):
        read_spec(home / "list.yaml")
    with pytest.raises(SpecError, match="there is no such sweep file"):
        read_spec(home / "none.yaml")
    with pytest.raises(SpecError, match=r"there is no notebook .*none.ipynb"):
        plan(read_spec(sweep("", notebook="none.ipynb")))
    with pytest.raises(SpecError, match="is not a notebook"):
        plan(read_spec(sweep("", notebook="list.yaml")))


@pytest.mark.parametrize("out", ["../elsewhere", "/tmp/elsewhere"])
def test_nothing_is_written_outside_runs(sweep, out):
    with pytest.raises(ValueError, match="leads out of"):
        plan(read_spec(sweep(f"out: {out}")))


def test_ambiguous_settings_are_refused(sweep):
    with pytest.raises(SpecError, match="'seed' is set by a case and by the grid"):
        read_spec(sweep("cases: [{seed: 1}]\ngrid: {seed: [2]}")).settings()
    with pytest.raises(SpecError, match="jobs 1 and 3 are the same"):
        read_spec(sweep("grid: {seed: [1, 2, 1]}")).settings()


# -- names and types, before a kernel starts


def test_parameters_are_read_from_the_notebook(home):
    found = notebook_parameters(home / "tiny.ipynb")
    assert list(found) == ["alpha_text", "seed", "method", "axes", "ks", "quick", "limit", "figures"]
    assert found["axes"] == {"alpha_text": [0.0, 2.0, 21]}
    assert found["limit"] is None


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (None, "has 0 cells tagged 'parameters', expected one"),
        ("alpha = 1 + seed", "must hold only lines such as alpha = 0.5"),
        ("import os", "must hold only lines such as alpha = 0.5"),
        ("alpha = ", "must hold only lines such as alpha = 0.5"),
        ("alpha: float", "must hold only lines such as alpha = 0.5"),
        ("alpha = __import__('os').getpid()", "must hold only lines such as alpha = 0.5"),
    ],
)
def test_parameters_must_be_literals(home, cell, said):
    path = write_notebook(home / "odd.ipynb", "print(1)", parameters=cell)
    with pytest.raises(SpecError, match=f"odd.ipynb.* {said}"):
        notebook_parameters(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "alhpa_text: 1.0",
            r"tiny.ipynb has no parameter 'alhpa_text'. Did you mean 'alpha_text'\? It has alpha_text, seed",
        ),
        ("seed: abc", "seed is 'abc', expected int such as 0"),
        ("seed: 1.0", "seed is 1.0, expected int such as 0"),
        ("seed: true", "seed is True, expected int such as 0"),
        ("quick: 1", "quick is 1, expected bool such as False"),
        (
            "alpha_text: 1e-3",
            "alpha_text is '1e-3', expected float such as 1.2; YAML reads 1e-3 as text, write 1.0e-3",
        ),
        ("method: 3", "method is 3, expected str such as 'pdv_t'"),
        ("axes: [1, 2]", r"axes is \[1, 2\], expected dict"),
        (
            "ks: [1, five]",
            r"ks is \[1, 'five'\], whose 'five' is not int: expected a list such as \[1, 5, 10\]",
        ),
        ("limit: 2020-01-01", r"which cannot be handed to a notebook \(date\)"),
    ],
)
def test_a_typo_or_a_wrong_type_stops_everything_before_it_starts(sweep, home, monkeypatch, text, said):
    monkeypatch.setattr(jobs, "_execute", lambda *_: pytest.fail("a kernel was started"))
    with pytest.raises(SpecError, match=said):
        run_batch(read_spec(sweep(f"cases: [{{}}, {{{text}}}]")))
    assert not (home / "runs").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "axes: {alpha_txt: [0.0, 2.0, 3]}",
            r"tiny.ipynb: axes is .* for method 'pdv_t': PDVText has no 'alpha_txt'\. Did you mean 'alpha_text'\?",
        ),
        ("method: pdv_tt", r"no method is called 'pdv_tt'\. Did you mean 'pdv_"),
        ("method: slerp", r"Slerp has no 'alpha_text'"),  # the notebook's own axes are another method's
        ("axes: {alpha_text: 0.5}", r"the axis 'alpha_text' is 0\.5, expected \[start, stop, count\]"),
        ("axes: {alpha_text: [0.0, 2.0, 1]}", "got 1 as the count, expected 2 or more"),
    ],
)
def test_a_typo_within_a_grid_stops_everything_before_it_starts(sweep, home, monkeypatch, text, said):
    cell = "settings = grid(method, **axis_values(method, axes))"
    write_notebook(home / "tiny.ipynb", "%matplotlib inline\n# axis_values", cell)
    monkeypatch.setattr(jobs, "_execute", lambda *_: pytest.fail("a kernel was started"))
    with pytest.raises(SpecError, match=said):
        run_batch(read_spec(sweep(f"cases: [{{}}, {{{text}}}]")))
    assert not (home / "runs").exists()


def test_an_integer_will_do_for_a_float_and_anything_for_none(home):
    known = notebook_parameters(home / "tiny.ipynb")
    check_values({"alpha_text": 1, "limit": 3, "ks": [], "axes": {"x": [1, "y", {"z": None}]}}, known, "tiny")


# -- what is kept


@pytest.fixture
def executions(monkeypatch):
    """Notebooks are not run but noted; those of a method in `broken` fail that many times."""

    class Executions(list):
        """The jobs, in order."""

    noted = Executions()
    noted.broken = {}

    def execute(job, trial):
        noted.append(job)
        trial.write_text(f"notebook of {job.name}")
        if noted.broken.get(job.parameters.get("method"), 0) > 0:
            noted.broken[job.parameters["method"]] -= 1
            raise ValueError(f"no such\n method, token {os.environ.get('A_TOKEN')}")

    monkeypatch.setattr(jobs, "_execute", execute)
    return noted


def test_done_jobs_are_not_run_again(sweep, home, executions):
    spec = read_spec(sweep("grid: {seed: [1, 2, 3]}"))
    first = run_batch(spec)
    assert [one.status for one in first.outcomes] == ["done"] * 3
    assert len(executions) == 3
    second = run_batch(spec)
    assert [one.status for one in second.outcomes] == ["kept"] * 3
    assert len(executions) == 3
    wider = run_batch(read_spec(sweep("grid: {seed: [0, 1, 2, 3]}")))
    assert [one.status for one in wider.outcomes] == ["done", "kept", "kept", "kept"]
    run_batch(spec, again=True)
    assert len(executions) == 7
    assert not list((home / "runs" / "sweep" / "trials").iterdir())


def test_whatever_the_result_depends_on_makes_a_job_new(sweep, home, executions, monkeypatch):
    spec = read_spec(sweep("grid: {seed: [1]}"))
    run_batch(spec)
    write_notebook(home / "tiny.ipynb", "print('something else')")
    assert run_batch(spec).count("done") == 1
    monkeypatch.setattr(provenance, "code_digest", lambda: "1" * 64)
    assert run_batch(spec).count("done") == 1
    assert run_batch(read_spec(sweep("parameters: {seed: 2}"))).count("done") == 1
    assert run_batch(spec).count("kept") == 1
    book = nbformat.read(home / "tiny.ipynb", as_version=4)
    book.cells.append(nbformat.v4.new_markdown_cell("prose"))
    book.cells[1].outputs = [nbformat.v4.new_output("stream", text="said")]
    nbformat.write(book, home / "tiny.ipynb")
    assert run_batch(spec).count("kept") == 1  # neither prose nor outputs change a result


def test_a_notebook_that_was_lost_or_touched_is_run_again(sweep, home, executions):
    spec = read_spec(sweep("grid: {seed: [1, 2, 3]}"))
    first, second, third = run_batch(spec).jobs
    folder = home / "runs" / "sweep"
    (folder / f"{first.name}.ipynb").unlink()
    (folder / f"{second.name}.ipynb").write_text("touched")
    assert [one.status for one in run_batch(spec).outcomes] == ["done", "done", "kept"]
    (folder / "done" / f"{third.digest}.json").write_text('{"sha')  # cut short
    assert [one.status for one in run_batch(spec).outcomes] == ["kept", "kept", "done"]


def test_failures_are_tried_again_kept_and_linked(sweep, home, executions, monkeypatch):
    monkeypatch.setenv("A_TOKEN", "hush-1234")
    executions.broken = {"once": 1, "always": 99}
    said = []
    summary = run_batch(
        read_spec(sweep("cases: [{method: fine}, {method: once}, {method: always}]")), tell=said.append
    )
    assert [(one.status, one.attempts) for one in summary.outcomes] == [
        ("done", 1),
        ("done", 2),
        ("failed", 2),
    ]
    failed = summary.outcomes[2]
    assert failed.error == "ValueError: no such method, token ***"
    assert (summary.path.parent / failed.notebook).read_text() == f"notebook of {failed.name}"
    assert len(list((summary.path.parent / "failed").iterdir())) == 3
    text = summary.path.read_text()
    assert "2 done, 1 failed" in text
    assert f"[{failed.name}]({failed.notebook})" in text
    assert said[2] == f"[3/3] failed  0 s  {failed.name}  ValueError: no such method, token *** (2 attempts)"
    assert [one["status"] for one in json.loads((summary.path.parent / "summary.json").read_text())] == [
        "done",
        "done",
        "failed",
    ]
    executions.broken = {}
    assert [
        one.status
        for one in run_batch(
            read_spec(sweep("cases: [{method: fine}, {method: once}, {method: always}]"))
        ).outcomes
    ] == ["kept", "kept", "done"]


def test_without_retries_a_failure_is_one_attempt(sweep, executions):
    executions.broken = {"once": 1}
    summary = run_batch(read_spec(sweep("retries: 0\nparameters: {method: once}")))
    assert (summary.outcomes[0].status, summary.outcomes[0].attempts, len(executions)) == ("failed", 1, 1)


class Losing(InProcessExecutor):
    """Loses the worker of the second job, as a cluster may."""

    def submit(self, work, item):
        if "seed=2" in item.name:
            return lambda: (_ for _ in ()).throw(ConnectionError("the worker is gone"))
        return super().submit(work, item)


def test_a_lost_worker_fails_its_job_only(sweep, executions):
    spec = read_spec(sweep("grid: {seed: [1, 2, 3]}"))
    summary = run_batch(spec, executor=Losing())
    assert [one.status for one in summary.outcomes] == ["done", "failed", "done"]
    assert summary.outcomes[1].error == "ConnectionError: the worker is gone"
    assert [one.status for one in run_batch(spec).outcomes] == ["kept", "done", "kept"]


class Stopping(InProcessExecutor):
    """Control-C after the first job."""

    def gather(self, handles):
        yield 0, handles[0]()
        raise KeyboardInterrupt


def test_a_batch_that_is_stopped_has_a_summary_and_goes_on_later(sweep, home, executions):
    spec = read_spec(sweep("grid: {seed: [1, 2]}"))
    with pytest.raises(KeyboardInterrupt):
        run_batch(spec, executor=Stopping())
    assert "1 done, 1 waiting" in (home / "runs" / "sweep" / "summary.md").read_text()
    assert [one.status for one in run_batch(spec).outcomes] == ["kept", "done"]


def test_two_batches_do_not_write_to_one_folder(sweep, home, executions):
    spec = read_spec(sweep("grid: {seed: [1]}"))
    run_batch(spec)
    with (
        FileLock(home / "runs" / "sweep" / ".lock"),
        pytest.raises(SpecError, match="another batch is writing to"),
    ):
        run_batch(spec)


# -- executors


def test_in_process_gives_back_results_and_exceptions_in_order():
    executor = InProcessExecutor()
    results = dict(executor.gather(executor.map(lambda x: 6 / x, [1, 0, 3])))
    assert (results[0], results[2]) == (6, 2)
    assert isinstance(results[1], ZeroDivisionError)


def test_an_executor_that_cannot_be_had_says_why(tmp_path, monkeypatch):
    with pytest.raises(SpecError, match="executor submitit"):  # there is no sbatch here
        make_executor(Submitit(options={"slurm_partitoin": "gpu"}), tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(SpecError, match="needs the package distributed, in the extra 'sweeps'"):
        make_executor(Dask(), tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "submitit", None)
    with pytest.raises(SpecError, match="needs the package submitit, in the extra 'slurm'"):
        make_executor(Submitit(), tmp_path)


# -- the command line


def said(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(cli.app, ["batch", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def test_batch_from_the_command_line(sweep, home, executions, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    path = sweep("cases: [{method: fine}, {method: always}]")
    listed = said(path, "--dry-run")
    assert [line.split("-")[0] for line in listed.splitlines()] == ["method=fine", "method=always"]
    assert not executions
    executions.broken = {"always": 99}
    output = said(path, code=1)
    assert "1 done, 0 done before, 1 failed:" in output
    executions.broken = {}
    assert "1 done, 1 done before, 0 failed:" in said(path)
    assert "2 done, 0 done before" in said(path, "--again")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--executor", "desk"), "--executor desk: Did you mean 'dask'?"),
        (("--executor", "in-process", "--workers", "2"), "--executor in-process takes no --workers"),
        (("--address", "tcp://127.0.0.1:1"), "no scheduler answers at tcp://127.0.0.1:1"),
    ],
)
def test_a_mistake_is_one_line(sweep, executions, arguments, part, monkeypatch):
    monkeypatch.setattr("workbench.batch.executors.ANSWER", 1)
    line = said(sweep("parameters: {seed: 1}"), *arguments, code=2).splitlines()[-1]
    assert line.startswith("workbench: ")
    assert part in line


# -- the sweeps that come with the project


SWEEPS = sorted((ROOT / "sweeps").glob("*.yaml"))


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_the_projects_sweeps_fit_their_notebooks(path):
    spec = read_spec(path)
    assert spec.settings()
    assert spec.notebook.parent == ROOT / "notebooks"
    assert spec.notebook.exists()
    known = notebook_parameters(spec.notebook)
    for values in spec.settings():
        check_values(values, known, spec.notebook)
