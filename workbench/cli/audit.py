"""workbench audit: a sheet of the first pictures to mark right answers in, and the metrics with and without them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import cases, more
from workbench.cli.base import Encoder, app
from workbench.cli.score import Choice, Root

audit_app = typer.Typer(
    no_args_is_help=True, help="Right answers that nobody labelled: marked by hand, rescored."
)
app.add_typer(audit_app, name="audit")

Methods = Annotated[list[str], typer.Option("--method", help="again for each that is compared")]
Benchmark = Annotated[str, typer.Option(help="such as tinycir")]
Split = Annotated[str, typer.Option(help="such as val")]


@audit_app.command()
def sheet(
    out: Annotated[Path, typer.Argument(help="the CSV to write; fill its column mark with 1 or 0")],
    method: Methods,
    benchmark: Benchmark = "tinycir",
    split: Split = "val",
    encoder: Encoder = "tiny-coca",
    root: Root = None,
    choice: Choice = None,
    captions: cases.Captions = None,
    edits: cases.Edits = None,
    given: more.With = None,
    k: Annotated[int, typer.Option(min=1, help="how many pictures a method")] = 10,
    sample: Annotated[int | None, typer.Option(min=1, help="how many queries; all unless given")] = None,
    seed: Annotated[int, typer.Option(help="which queries are drawn")] = 0,
) -> None:
    """Write the first pictures of every query, of all methods together, as a CSV with an empty column for marks."""
    from workbench import audit
    from workbench.methods import parse_method

    methods = {text: parse_method(text) for text in method}
    case = cases.load(benchmark, split, encoder, methods.values(), root, choice, captions, edits, given)
    rows = audit.sheet(case, methods, k, sample, seed)
    audit.write_sheet(rows, out)
    typer.echo(
        f"{len(rows):,} pictures of {rows['query'].nunique():,} queries in {out}: mark 1 for right, 0 for wrong"
    )


@audit_app.command()
def rescore(
    marks: Annotated[Path, typer.Argument(help="the CSV with its marks")],
    method: Methods,
    benchmark: Benchmark = "tinycir",
    split: Split = "val",
    encoder: Encoder = "tiny-coca",
    root: Root = None,
    choice: Choice = None,
    captions: cases.Captions = None,
    edits: cases.Edits = None,
    given: more.With = None,
    metric: Annotated[list[str] | None, typer.Option(help="again for each; the benchmark's own")] = None,
) -> None:
    """Metrics without and with the marked pictures as right answers, and how many queries changed."""
    from workbench import audit
    from workbench.methods import parse_method
    from workbench.tables import audit_table, to_text

    methods = {text: parse_method(text) for text in method}
    case = cases.load(benchmark, split, encoder, methods.values(), root, choice, captions, edits, given)
    found = audit.read_marks(marks, case.benchmark)
    metrics = metric or list(case.benchmark.metrics)
    frame = audit.rescore(case, methods, found, metrics)
    right = sum(map(len, found.right.values()))
    typer.echo(f"{found.judged:,} pictures judged, {right:,} of them right, for {len(found.right):,} queries")
    typer.echo(to_text(audit_table(audit.changes(frame, metrics))))
