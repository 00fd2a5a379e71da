"""workbench score: anyone's ranking file -> a benchmark's official metrics."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.base import Json, app

Root = Annotated[
    Path | None, typer.Option(help="the benchmark's folder, or the one above it; data/BENCHMARK unless given")
]
Choice = Annotated[
    list[str] | None, typer.Option(help='again for each: a choice of the data set, such as "gallery=union"')
]


MAKING = {
    "caption join": "join",
    "shared concept": "",
    "text": "",
}  # rules about queries -> the choice that says them


@app.command()
def score(
    predictions: Annotated[Path, typer.Option(help="CIRCO's or CIRR's submission, JSON, CSV or a TREC run")],
    benchmark: Annotated[str, typer.Option(help="such as circo, cirr, fashioniq")],
    split: Annotated[str, typer.Option(help="such as val")] = "val",
    root: Root = None,
    format: Annotated[
        str | None, typer.Option(help="json, csv or trec; told by its content unless given")
    ] = None,
    choice: Choice = None,
    as_json: Json = False,
) -> None:
    """Score a ranking file as the benchmark's own evaluation would; only its annotation files are needed."""
    from workbench import data
    from workbench.data.predictions import read_rankings
    from workbench.official import score_rankings

    rankings = read_rankings(predictions, format)
    chosen = choices(choice)
    bench = data.load(benchmark, split, root, pictures=False, **chosen)
    scored = score_rankings(bench, rankings)
    protocol, unknown = of_a_file(bench.protocol, chosen)
    notes = [*count_notes(bench), *scored.notes]
    if unknown:
        notes.append(f"a ranking file does not say how its queries were made ({', '.join(unknown)})")
    if as_json:
        setting = {"benchmark": benchmark, "split": split, "protocol": protocol}
        setting |= {"queries": len(bench.queries), "notes": notes, "metrics": dict(scored.metrics)}
        typer.echo(json.dumps(setting, indent=1))
        return
    width = max(map(len, scored.metrics))
    typer.echo(f"{benchmark} {split}: {len(bench.queries):,} queries, {predictions.name}")
    for name, share in scored.metrics.items():
        typer.echo(f"  {name:<{width}}  {100 * share:6.2f}")
    typer.echo("percent; " + "; ".join(f"{name}: {rule}" for name, rule in protocol.items()))
    for note in notes:
        typer.echo(f"note: {note}")


def of_a_file(protocol: Mapping[str, str], chosen: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """What of a protocol holds for somebody's ranking file, and the rules that only its maker knows, unless chosen."""
    unknown = [name for name in MAKING if name in protocol and MAKING[name] not in chosen]
    return {name: rule for name, rule in protocol.items() if name not in unknown}, unknown


def choices(given: list[str] | None) -> dict[str, str]:
    """ "gallery=union" as {"gallery": "union"}. Raises CommandError for anything else."""
    from workbench.cli.base import CommandError

    pairs = [text.partition("=") for text in given or ()]
    for name, equals, value in pairs:
        if not (name.isidentifier() and equals and value) or name in ("pictures", "counts"):
            raise CommandError(
                f'--choice {name}{equals}{value}: expected NAME=VALUE, such as "gallery=union"'
            )
    return {name: value for name, _, value in pairs}


def count_notes(bench) -> list[str]:
    """Where the annotations hold another number of queries than was published."""
    from workbench.data import published

    expected = published(bench.name, bench.split).get("queries", len(bench.queries))
    if expected == len(bench.queries):
        return []
    return [
        f"the annotations hold {len(bench.queries):,} queries, {expected:,} were published: no official numbers"
    ]
