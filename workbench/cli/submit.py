"""workbench submit: a method, or a ranking file -> the files that the test servers of CIRR and CIRCO take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import cases, more
from workbench.cli.base import CommandError, Encoder, app
from workbench.cli.score import Root, count_notes

SPLITS = {"cirr": "test1", "circo": "test"}  # whose targets the servers keep


@app.command()
def submit(
    benchmark: Annotated[str, typer.Option(help="cirr or circo")],
    predictions: Annotated[Path | None, typer.Option(help="whole rankings: JSON, CSV or a TREC run")] = None,
    method: Annotated[
        str | None, typer.Option(help='instead of a file: scored here, such as "pdv_f(beta=0.5)"')
    ] = None,
    split: Annotated[str | None, typer.Option(help="the split with hidden targets unless given")] = None,
    root: Root = None,
    out: Annotated[Path, typer.Option(help="the folder for the files")] = Path("submission"),
    format: Annotated[
        str | None, typer.Option(help="json, csv or trec; told by its content unless given")
    ] = None,
    encoder: Encoder = "tiny-coca",
    captions: cases.Captions = None,
    edits: cases.Edits = None,
    given: more.With = None,
) -> None:
    """Write test-server files, checked first: length, order, no picture twice, no reference, size."""
    if (predictions is None) == (method is None):
        raise CommandError("expected --predictions FILE or --method NAME, one of the two")
    split = split or SPLITS.get(benchmark, "test")
    if predictions:
        bench, texts, notes = of_file(benchmark, split, root, predictions, format)
    else:
        bench, texts, notes = of_method(benchmark, split, root, method, encoder, captions, edits, given)
    notes = [*count_notes(bench), *notes]
    if split != SPLITS.get(benchmark):
        notes.append(f"the server takes {SPLITS.get(benchmark)}, these files are of {split}")
    if not bench.gallery.whole:
        notes.append(
            "the list of the gallery was not read, so pictures that are not in it were not looked for"
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"--out {out} cannot be a folder ({error.strerror})") from error
    for name, text in texts.items():
        (out / name).write_text(text, "utf-8")
        typer.echo(f"{out / name}: {len(bench.queries):,} queries, {len(text.encode()):,} bytes")
    notes += older(benchmark, out, texts)
    for note in notes:
        typer.echo(f"note: {note}")


def older(benchmark: str, out: Path, written) -> list[str]:
    """The server's other files that lie in the folder from before: they belong to other rankings."""
    from workbench.submission import files_of

    names = [file.name for file in files_of(benchmark) if file.name not in written]
    return [f"{out / name} is of an earlier run" for name in names if (out / name).exists()]


def of_file(benchmark: str, split: str, root: Path | None, predictions: Path, format: str | None):
    """(benchmark, file name -> text, notes) from somebody's rankings; annotations are enough."""
    from workbench import data
    from workbench.data.predictions import read_rankings
    from workbench.submission import files_of, submissions_of_rankings

    files_of(benchmark)  # one without a server fails before anything is read
    rankings = read_rankings(predictions, format)
    bench = data.load(benchmark, split, root, pictures=False)
    return bench, *submissions_of_rankings(bench, rankings)


def of_method(
    benchmark: str, split: str, root: Path | None, method: str, encoder: str, captions, edits, given
):
    """The same from a method of ours; what stands in for edits that failed is a note."""
    from workbench.methods import parse_method
    from workbench.submission import files_of, submissions_of_method

    asked = parse_method(method)
    files_of(benchmark)  # one without a server fails before anything is loaded
    case = cases.load(benchmark, split, encoder, [asked], root, None, captions, edits, given)
    notes = [f"{method}, {case.encoder}"]
    if case.failures:
        notes.append(f"{len(case.failures)} captions could not be edited; the modification stands in")
    return case.benchmark, submissions_of_method(case, asked), notes
