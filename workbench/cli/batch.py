"""workbench batch: a sweep file -> one executed notebook per setting, and a summary that links them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.base import app


@app.command()
def batch(
    sweep: Annotated[Path, typer.Argument(help="a sweep file, such as sweeps/pdv.yaml")],
    executor: Annotated[
        str | None, typer.Option(help="in-process, dask or submitit, instead of the file's")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Dask workers on this machine")] = None,
    address: Annotated[str | None, typer.Option(help="a Dask scheduler that runs already")] = None,
    again: Annotated[bool, typer.Option("--again", help="run what is done already, too")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="check everything, list the jobs, run none")
    ] = False,
) -> None:
    """Run a notebook once per setting of a sweep file, checked before it starts, done settings left alone."""
    from workbench.batch import plan, read_spec, run_batch

    spec = with_executor(read_spec(sweep), executor, workers, address)
    if dry_run:
        for job in plan(spec):
            typer.echo(f"{job.name}  {job.parameters}")
        return
    summary = run_batch(spec, again=again)
    kept, done, failed = (summary.count(status) for status in ("kept", "done", "failed"))
    typer.echo(f"{done} done, {kept} done before, {failed} failed: {summary.path}")
    if failed:
        raise typer.Exit(1)


def with_executor(spec, executor: str | None, workers: int | None, address: str | None):
    """The sweep file's content with the command line's executor. Raises CommandError where the options do not fit."""
    from pydantic import ValidationError

    from workbench.batch.spec import KINDS
    from workbench.cli.base import CommandError
    from workbench.registry import nearest

    given = {name: value for name, value in (("workers", workers), ("address", address)) if value is not None}
    kind = executor or ("dask" if given else spec.executor.kind)
    if kind not in KINDS:
        raise CommandError(f"--executor {kind}:{nearest(kind, KINDS)} expected one of {', '.join(KINDS)}")
    own = spec.executor.model_dump() if spec.executor.kind == kind else {"kind": kind}
    try:
        return spec.model_copy(update={"executor": KINDS[kind].model_validate(own | given)})
    except ValidationError:
        raise CommandError(f"--executor {kind} takes no --{' or --'.join(given)}; they are dask's") from None
