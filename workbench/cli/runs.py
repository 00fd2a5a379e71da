"""workbench runs: what was evaluated, why two runs differ, all of them in one table, one of them done again."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli import cases
from workbench.cli import more as others
from workbench.cli.base import CommandError, Json, app
from workbench.cli.score import Choice, Root

if TYPE_CHECKING:  # pydantic and pandas cost a second, and `--help` should not
    from workbench.runs import Run

runs_app = typer.Typer(no_args_is_help=True, help="Every evaluated setting, kept in runs/*.jsonl.")
app.add_typer(runs_app, name="runs")

Id = Annotated[str, typer.Argument(help="a run's id, or how it begins")]
Benchmark = Annotated[str | None, typer.Option(help="only this one")]
Split = Annotated[str | None, typer.Option(help="only this one")]


@runs_app.command("list")
def list_(
    benchmark: Benchmark = None,
    split: Split = None,
    last: Annotated[int, typer.Option(min=1, help="how many, the newest at the end")] = 20,
    as_json: Json = False,
) -> None:
    """The runs, one line each."""
    from workbench.runs import names

    runs = chosen((), benchmark, split)
    shown = runs[-last:]
    if as_json:
        typer.echo(json.dumps([run.model_dump(mode="json") for run in shown], indent=1))
        return
    questions, called = [f"{run.benchmark} {run.split}" for run in shown], names(shown)
    wide, wider = (max(map(len, column), default=0) for column in (questions, called))
    for run, question, name in zip(shown, questions, called, strict=True):
        numbers = [f"{metric} {value:.4f}" for metric, value in run.metrics.items()]
        if run.chosen:
            numbers.append(f"best of {run.chosen.get('settings', '?')} on {run.chosen.get('chosen_on', '?')}")
        when = f"{run.created.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        typer.echo("  ".join([run.id, when, question.ljust(wide), name.ljust(wider), *numbers]))
    typer.echo(f"{len(shown)} of {len(runs)} runs")


@runs_app.command()
def show(id: Id) -> None:
    """Everything that is known of one run."""
    from workbench.runs import find_run, read_runs

    typer.echo(find_run(read_runs(), id).model_dump_json(indent=1))


@runs_app.command()
def diff(first: Id, second: Id) -> None:
    """Why two runs differ, one sentence each."""
    from workbench import runs as kept

    runs = kept.read_runs()
    typer.echo("\n".join(kept.diff(kept.find_run(runs, first), kept.find_run(runs, second))))


@runs_app.command()
def table(
    ids: Annotated[list[str] | None, typer.Argument(help="which runs; all unless given")] = None,
    benchmark: Benchmark = None,
    split: Split = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="again for each; those that all the runs have")
    ] = None,
    baseline: Annotated[str | None, typer.Option(help="the run of the paired tests; the first")] = None,
    form: Annotated[str, typer.Option("--format", help="text, markdown, latex or html")] = "text",
    unit: Annotated[
        str, typer.Option(help="of resampling: cluster (queries that share a reference), or query")
    ] = "cluster",
) -> None:
    """Runs of one question as a table with intervals and paired tests; of equal settings the newest counts."""
    from workbench import tables
    from workbench.evaluation import results_table
    from workbench.published import beside
    from workbench.runs import mixed, names, query_frame

    writers = {"text": tables.to_text, "markdown": tables.to_markdown}
    writers |= {"latex": tables.to_latex, "html": tables.to_html}
    if form not in writers:
        raise CommandError(f"--format {form}: expected one of {', '.join(writers)}")
    runs = _of_one_question(ids or (), benchmark, split)
    metrics, left_out = (metric, []) if metric else _shared(runs)
    results = results_table(query_frame(runs, metrics), metrics, baseline, unit=unit)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tables.ChosenOnReported)  # the table says it
        main = tables.main_table(results)
    notes = [f"Left out, for not all of these runs have them: {', '.join(left_out)}."] if left_out else []
    shown = [replace(main, notes=(*main.notes, *notes), warnings=(*main.warnings, *mixed(runs)))]
    official = {name: run.official for name, run in zip(names(runs), runs, strict=True) if run.official}
    if official:
        shown.append(tables.official_table(official, runs[0].protocol))
    papers = beside(results)
    if len(papers):
        shown.append(tables.published_table(papers))
    typer.echo("\n\n".join(map(writers[form], shown)))


def _shared(runs: list[Run]) -> tuple[list[str], list[str]]:
    """The metrics that all runs have, in the first one's order, and the others. Raises CommandError where all are others."""
    known = list(dict.fromkeys(name for run in runs for name in run.metrics))
    shared = [name for name in known if all(name in run.metrics for run in runs)]
    if not shared:
        raise CommandError(
            f"these {len(runs)} runs have no metric in common: {', '.join(known)}; choose runs by id, or one --metric"
        )
    return shared, [name for name in known if name not in shared]


def _of_one_question(ids: list[str] | tuple, benchmark: str | None, split: str | None) -> list[Run]:
    """The runs for one table. Raises CommandError where there are none, RunError where they answer several questions."""
    from workbench.runs import RunError, check_comparable, newest

    runs = chosen(ids, benchmark, split)
    if not runs:
        raise CommandError("there are no such runs; make some: workbench evaluate")
    try:
        check_comparable(runs)
    except RunError as error:
        raise RunError(f"{error}. Say which question: --benchmark, --split, or the runs' ids") from error
    return runs if ids else newest(runs)


@runs_app.command()
def rerun(
    id: Id,
    encoder: Annotated[
        str | None, typer.Option(help="where the run's id does not say: local-dir:/folder")
    ] = None,
    root: Root = None,
    choice: Choice = None,
    captions: cases.Captions = None,
    edits: cases.Edits = None,
    given: others.With = None,
) -> None:
    """Evaluate a run again: the same metrics to the last digit, or exit code 1 and what differs.

    Records hold no path: what the run was given by --root, --choice, --captions, --edits or --with is given again.
    """
    from workbench import runs as kept
    from workbench.case import Wording
    from workbench.runs.rerun import hints, method_of, recomposer_name

    run, case = kept.find_run(kept.read_runs(), id), None
    if root or choice or captions or edits or given:
        name = encoder or run.encoder.partition("@")[0]
        more = {"wording": Wording(**run.wording)}
        if run.recomposer and not edits:
            more["recomposer"] = recomposer_name(run.recomposer)
        where = (root, choice, captions, edits, given)
        with hints(run, encoder):
            case = cases.load(run.benchmark, run.split, name, [method_of(run)], *where, **more)
    done = kept.rerun(run, case, encoder)
    typer.echo("\n".join(done.said))
    typer.echo("the same to the last digit" if done.same else "not the same")
    if not done.same:
        raise typer.Exit(1)


@runs_app.command()
def export(path: Annotated[Path, typer.Argument(help="a Parquet file")]) -> None:
    """All runs as one Parquet file, a row each."""
    from workbench.runs import export_runs, read_runs

    runs = read_runs()
    export_runs(runs, path)
    typer.echo(f"{len(runs)} runs in {path}")


def chosen(ids: list[str] | tuple, benchmark: str | None, split: str | None) -> list[Run]:
    """The runs with these ids (all, where none is given) of this benchmark and split."""
    from workbench.runs import find_run, read_runs

    runs = read_runs()
    runs = [find_run(runs, id) for id in ids] if ids else runs
    return [run for run in runs if benchmark in (None, run.benchmark) and split in (None, run.split)]
