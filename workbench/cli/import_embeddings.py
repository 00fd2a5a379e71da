"""workbench import-embeddings: a model's own features -> a case that is scored, ablated and diagnosed like any other."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.base import CommandError, app
from workbench.cli.score import Choice, Root, choices

if TYPE_CHECKING:  # these cost seconds to import, and `--help` should not
    from workbench.data.benchmark import Benchmark
    from workbench.data.imports import Import

QUERIES = "(Q, D) rows: [PART=]FILE.npy, .npz or .safetensors, again for each; PART is composed unless named"
GALLERY = "(N, D) rows: [VIEW=]FILE, again for each; VIEW is image unless named"
RULES = (
    'again for each: how the queries were worded where the benchmark has a rule on it, such as "caption join=cirevl" '
    '(fashioniq) or "shared concept=unused" (circo); what is not said here is not compared with other runs'
)


@app.command("import-embeddings")
def import_embeddings(
    name: Annotated[str, typer.Argument(help="what to call the model, such as magiclens")],
    benchmark: Annotated[str, typer.Option(help="such as cirr")],
    queries: Annotated[list[str], typer.Option(help=QUERIES)],
    gallery: Annotated[list[str], typer.Option(help=GALLERY)],
    query_ids: Annotated[
        Path | None, typer.Option(help=".txt, .json or .csv: which query each row is")
    ] = None,
    gallery_ids: Annotated[Path | None, typer.Option(help="the same for pictures")] = None,
    split: Annotated[str, typer.Option(help="such as val")] = "val",
    rule: Annotated[list[str] | None, typer.Option(help=RULES)] = None,
    root: Root = None,
    choice: Choice = None,
    in_order: Annotated[
        bool, typer.Option("--in-order", help="rows without ids stand in the benchmark's own order")
    ] = False,
    drop_others: Annotated[
        bool, typer.Option("--drop-others", help="leave rows of other queries and pictures away")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="of an import with the same name")] = False,
) -> None:
    """Keep a model's features of one benchmark's split; afterwards "imported:NAME" is an encoder's name everywhere.

    Rows are put in the benchmark's order by their ids; nothing is unpickled, no picture is needed.

    Then: workbench evaluate --benchmark B --split S --encoder imported:NAME --method composed
    """
    from workbench.case.imported import benchmark_for, import_features
    from workbench.data.features import read_features
    from workbench.data.imports import path_of, write_import

    path_of(benchmark, split, name)  # a name that is none fails before anything is read
    parts = {part: read_features(file, query_ids) for part, file in _named(queries, "composed").items()}
    views = {view: read_features(file, gallery_ids) for view, file in _named(gallery, "image").items()}
    bench = benchmark_for(benchmark, split, next(iter(views.values())).ids, root, choices(choice))
    if in_order:
        parts = _in_order(parts, [query.id for query in bench.queries])
        views = _in_order(views, bench.gallery.ids)
    spare = "drop" if drop_others else "refuse"
    kept = import_features(bench, name, parts, views, spare, dict(_rule(text) for text in rule or ()))
    write_import(kept, replace)
    _say(kept, bench, root, choice)


def _say(kept: Import, bench: Benchmark, root: Path | None, choice: list[str] | None) -> None:
    """What was kept, what nobody said about it, and the command that goes on with it."""
    from workbench.case.imported import UNSAID, WORDED

    typer.echo(
        f"{kept.id}: {len(kept.queries):,} queries, {len(kept.gallery):,} pictures, {kept.width} numbers each\n"
        f"  {kept.lengths()}; scored by cosine, as unit rows"
    )
    for worded in sorted(set(WORDED) & set(bench.protocol) - set(kept.rules)):
        typer.echo(f'  {worded}: {UNSAID}; say it (--rule "{worded}=...") to compare them with other runs')
    where = f"--benchmark {kept.benchmark} --split {kept.split}"
    where += f" --root {shlex.quote(str(root))}" if root else ""
    where += "".join(f" --choice {shlex.quote(text)}" for text in choice or ())
    hidden = bool((bench.qrels["default"].targets < 0).all())
    verb, method = ("submit", " --method composed") if hidden else ("evaluate", "")
    typer.echo(f"now: workbench {verb} {where} --encoder imported:{kept.name}{method}")


def _rule(text: str) -> tuple[str, str]:
    """ "caption join=cirevl" as its two sides."""
    name, equals, value = (side.strip() for side in text.partition("="))
    if not (name and equals and value):
        raise CommandError(f'--rule {text}: expected RULE=VALUE, such as "shared concept=unused"')
    return name, value


def _named(given: list[str], usual: str) -> dict[str, str]:
    """ "modification=t.npy" as {"modification": "t.npy"}; a file alone is the usual part or view."""
    named: dict[str, str] = {}
    for text in given:
        name, equals, file = text.partition("=")
        name, file = (name, file) if equals else (usual, text)
        if name in named or not name.isidentifier() or not file:
            raise CommandError(
                f"{text}: expected NAME=FILE with a name of its own, such as modification=texts.npy"
            )
        named[name] = file
    return named


def _in_order(features: dict, ids) -> dict:
    """Rows that the user says stand in the benchmark's order: as many as there are ids, and none named otherwise."""
    from dataclasses import replace

    for some in features.values():
        if some.ids is not None:
            raise CommandError(f"{some.file}: --in-order is for rows without ids, and these have some")
        if len(some.rows) != len(ids):
            raise CommandError(f"{some.file}: {len(some.rows):,} rows, the benchmark has {len(ids):,}")
    return {name: replace(some, ids=tuple(ids)) for name, some in features.items()}
