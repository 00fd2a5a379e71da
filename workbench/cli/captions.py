"""workbench captions: what the records hold, what differs between two files, one file to share, files of others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.base import CommandError, Json, app

captions_app = typer.Typer(
    no_args_is_help=True, help="Texts that models wrote: captions and edited captions."
)
app.add_typer(captions_app, name="captions")

File = Annotated[Path, typer.Argument(help="records: .jsonl or .parquet")]


@captions_app.command()
def show(
    records: File,
    failed: Annotated[
        bool, typer.Option("--failed", help="list what failed and was not answered since")
    ] = False,
    last: Annotated[int, typer.Option(min=0, help="how many texts to print, the newest at the end")] = 5,
    as_json: Json = False,
) -> None:
    """How many texts by whom, at what cost, what failed, and a few of them."""
    kept = open_records(records)
    shown = list(kept.failures() if failed else kept)[-last:] if last else []
    if as_json:
        typer.echo("".join(record.line() for record in shown), nl=False)
        return
    for model, options, prompt in kept.sources():
        mine = [r for r in kept if (r.key.model, r.key.options, r.key.prompt) == (model, options, prompt)]
        tokens = sum((r.prompt_tokens or 0) + (r.completion_tokens or 0) for r in mine)
        typer.echo(
            f"{len(mine):,} texts by {model}  options {options}  prompt {prompt or 'none'}  "
            f"{1 + max(r.sample for r in mine)} per input at most  {tokens:,} tokens  {sum(r.seconds for r in mine):,.1f} s"
        )
    typer.echo(f"{len(kept):,} texts, {len(kept.failures()):,} failed and not answered since")
    for record in shown:
        typer.echo(f"  {record.input[:12]}  {record.error or record.text}")


@captions_app.command()
def diff(
    before: File,
    after: File,
    by: Annotated[
        str, typer.Option(help="fields of the key that must agree; input,sample compares two models")
    ] = "input,model,options,prompt,sample",
    last: Annotated[int, typer.Option(min=0, help="how many changed texts to print")] = 20,
    as_json: Json = False,
) -> None:
    """What another file of records says otherwise. Exit code 1 if anything differs."""
    from workbench.language.archive import diff as compare
    from workbench.language.records import Key

    fields = tuple(name.strip() for name in by.split(","))
    if not fields or not set(fields) <= set(Key._fields):
        raise CommandError(f"--by: got {by!r}, expected some of {', '.join(Key._fields)}")
    found = compare(open_records(before), open_records(after), fields)
    numbers = {"same": found.same} | {n: len(getattr(found, n)) for n in ("changed", "added", "removed")}
    changed = [
        {"input": a.input, "before": a.error or a.text, "after": b.error or b.text} for a, b in found.changed
    ]
    if as_json:
        typer.echo(json.dumps({**numbers, "texts": changed}, ensure_ascii=False, indent=1))
    else:
        typer.echo(", ".join(f"{number:,} {name}" for name, number in numbers.items()))
        for each in changed[:last]:
            typer.echo(f"  {each['input'][:12]}\n  - {each['before']}\n  + {each['after']}")
    if found.changed or found.added or found.removed:
        raise typer.Exit(1)


@captions_app.command()
def export(records: File, out: Annotated[Path, typer.Argument(help="a .parquet file")]) -> None:
    """All answers and open failures as one Parquet file; `replay` reads it like the records themselves."""
    from workbench.language.archive import write_parquet

    if out.suffix != ".parquet":
        raise CommandError(f"out: got {str(out)!r}, expected a name that ends in .parquet")
    rows = write_parquet(open_records(records), out)
    typer.echo(f"{rows:,} rows, {out.stat().st_size:,} bytes, in {out}")


@captions_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="records to merge, or another project's JSON file")],
    out: Annotated[
        Path, typer.Argument(help="the .jsonl that takes the captions (or whatever records are merged)")
    ],
    format: Annotated[str, typer.Option(help="records, cirevl or weimocir")] = "records",
    model: Annotated[
        str | None, typer.Option(help="who wrote the texts; needed for other projects' files")
    ] = None,
    benchmark: Annotated[
        str | None, typer.Option(help="the benchmark whose queries or pictures they are about")
    ] = None,
    split: Annotated[str, typer.Option(help="such as val or test")] = "val",
    edits: Annotated[
        Path | None, typer.Option(help="cirevl: the .jsonl that takes the edited captions")
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="weimocir: captions per picture")] = 3,
) -> None:
    """Add texts from elsewhere; a text that is there already stays. Counts are checked and gaps told."""
    if format == "records":
        kept = open_records(file)
        return _write([*kept, *kept.failures()], out)
    found = _imported(file, format, model, benchmark, split, samples)
    if found.edits and edits is None:
        raise CommandError(f"--edits: got none, but {file.name} holds {len(found.edits):,} edited captions")
    if found.captions:
        _write(found.captions, out)
    if found.edits:
        _write(found.edits, edits)
    for finding in found.findings:
        typer.echo(f"  {finding}")


def open_records(path: Path):
    """The records of a file that must be there."""
    from workbench.language.records import Records

    if not path.is_file():
        raise CommandError(f"{path}: there is no such file")
    return Records(path)


def _imported(file: Path, format: str, model: str | None, benchmark: str | None, split: str, samples: int):
    from workbench import data
    from workbench.language.importers import import_cirevl, import_weimocir
    from workbench.registry import nearest

    if format not in ("cirevl", "weimocir"):
        known = ("records", "cirevl", "weimocir")
        raise CommandError(f"--format: got {format!r}, expected {', '.join(known)}.{nearest(format, known)}")
    if model is None:
        raise CommandError("--model: got none; say who wrote the texts, such as gpt-3.5-turbo")
    if benchmark is None:
        if format == "weimocir":
            raise CommandError("--benchmark: got none; captions are found by the pictures' content")
        return import_cirevl(file, model)
    asked = data.load(benchmark, split)
    if format == "cirevl":
        return import_cirevl(file, model, asked.queries, asked.gallery.images)
    return import_weimocir(file, model, asked.gallery.ids, asked.gallery.images, samples)


def _write(found, path: Path) -> None:
    from workbench.language.records import Records

    kept = Records(path)
    before = len(kept), len(kept.failures())
    kept.append(found)
    typer.echo(
        f"{len(kept) - before[0]:,} texts added to {path}, {len(kept.failures()) - before[1]:,} failures; "
        f"{len(found):,} were given, it holds {len(kept):,}"
    )
