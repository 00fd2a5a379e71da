"""workbench submit: a ranking file -> the files that the test servers of CIRR and CIRCO take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.base import app
from workbench.cli.score import Root


@app.command()
def submit(
    predictions: Annotated[Path, typer.Option(help="whole rankings: JSON, CSV or a TREC run")],
    benchmark: Annotated[str, typer.Option(help="cirr or circo")],
    split: Annotated[str | None, typer.Option(help="the split with hidden targets unless given")] = None,
    root: Root = None,
    out: Annotated[Path, typer.Option(help="the folder for the files")] = Path("submission"),
    format: Annotated[
        str | None, typer.Option(help="json, csv or trec; told by its content unless given")
    ] = None,
) -> None:
    """Write test-server files, checked first: length, order, no picture twice, no reference, size."""
    from workbench import data
    from workbench.data.predictions import read_rankings
    from workbench.submission import submissions_of_rankings

    rankings = read_rankings(predictions, format)
    split = split or {"cirr": "test1", "circo": "test"}.get(benchmark, "test")
    bench = data.load(benchmark, split, root, pictures=False)
    texts, notes = submissions_of_rankings(bench, rankings)
    out.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (out / name).write_text(text, "utf-8")
        typer.echo(f"{out / name}: {len(bench.queries):,} queries, {len(text.encode()):,} bytes")
    for note in notes:
        typer.echo(f"note: {note}")
