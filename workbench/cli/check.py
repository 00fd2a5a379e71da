"""workbench check: is a benchmark's folder whole, and what is missing."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from workbench.cli.base import Json, app
from workbench.cli.score import Choice, Root, choices


@app.command()
def check(
    benchmark: Annotated[str, typer.Argument(help="such as cirr")],
    root: Root = None,
    split: Annotated[list[str] | None, typer.Option(help="again for each; all unless given")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="look for the files, open no picture")] = False,
    choice: Choice = None,
    as_json: Json = False,
) -> None:
    """Load every split, compare its counts, open its pictures; list all that is missing and where to get it.

    Exit code 1 where a split has a problem.
    """
    from workbench.data.check import check

    found = list(check(benchmark, root, split, decode=not quick, **choices(choice)))
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], indent=1))
    else:
        advice = ""
        for one in found:
            held = ", ".join(f"{number:,} {name}" for name, number in one.counts.items())
            problems = f"{len(one.problems):,} problem{'s' * (len(one.problems) > 1)}"
            state = problems if one.problems else "ready"
            typer.echo(f"{benchmark} {one.split}: " + (f"{held}; {state}" if held else state))
            for problem in one.problems:
                typer.echo(f"  {problem}")
            advice = one.advice or advice
        if advice:
            typer.echo(f"How to get it: {advice}")
    if any(one.problems for one in found):
        raise typer.Exit(1)
