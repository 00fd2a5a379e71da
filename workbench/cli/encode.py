"""workbench encode: the pictures of a folder or a benchmark into the store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.base import CommandError, Device, Encoder, app
from workbench.cli.score import Choice, Root, choices

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")


@app.command()
def encode(
    folder: Annotated[
        Path | None, typer.Argument(help="a folder of pictures, searched with its subfolders")
    ] = None,
    benchmark: Annotated[str | None, typer.Option(help="instead of a folder, such as cirr")] = None,
    split: Annotated[str, typer.Option(help="of the benchmark, such as val")] = "val",
    root: Root = None,
    choice: Choice = None,
    encoder: Encoder = "tiny-coca",
    device: Device = None,
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="processes that open and prepare pictures; one per core on a GPU, else 0"),
    ] = None,
) -> None:
    """Encode pictures into the store, where every later command finds them: a folder's, or a benchmark's gallery and
    the references outside it. Says what took how long; killed, it goes on where it was."""
    from workbench.encode.encoder import load_encoder
    from workbench.encode.store import EmbeddingStore

    if (folder is None) == (benchmark is None):
        raise CommandError("expected a folder of pictures, or --benchmark, one of the two")
    sets = [pictures_in(folder)] if folder else pictures_of(benchmark, split, root, choice)
    model = load_encoder(encoder, device=device)
    if workers is None:  # on a CPU they would only take cores from the model
        workers = 0 if model.device.type == "cpu" else os.cpu_count() or 1
    store = EmbeddingStore(workers=workers)
    for pictures in sets:
        rows = store.images(model, pictures)
        typer.echo(f"{len(rows):,} pictures, {rows.dim} numbers each, by {model.id}, in {store.root}")
        typer.echo(f"  {store.throughput}")


def pictures_of(benchmark: str, split: str, root: Path | None, choice: list[str] | None) -> list:
    """The gallery's pictures, then those of references outside it, where there are any, each once."""
    from workbench import data
    from workbench.data.images import each_once

    loaded = data.load(benchmark, split, root, **choices(choice))
    return [loaded.gallery.images, *([each_once(loaded.references)[0]] if loaded.references else [])]


def pictures_in(folder: Path):
    """The pictures of a folder and its subfolders, in order of their names. Raises CommandError where there are none."""
    from workbench.data.images import FolderImages

    if not folder.is_dir():
        raise CommandError(f"{folder} is not a folder")
    names = sorted(
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES
    )
    if not names:
        raise CommandError(f"{folder} holds no picture ({', '.join(PICTURE_SUFFIXES)})")
    return FolderImages(folder, names)
