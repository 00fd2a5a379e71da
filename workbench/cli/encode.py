"""workbench encode: a folder's pictures into the store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.base import CommandError, Device, Encoder, app

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")


@app.command()
def encode(
    folder: Annotated[Path, typer.Argument(help="a folder of pictures, searched with its subfolders")],
    encoder: Encoder = "tiny-coca",
    device: Device = None,
) -> None:
    """Encode a folder's pictures into the store, where every later command finds them."""
    from workbench.encode.encoder import load_encoder
    from workbench.encode.store import EmbeddingStore

    pictures = pictures_in(folder)
    model, store = load_encoder(encoder, device=device), EmbeddingStore()
    rows = store.images(model, pictures)
    typer.echo(f"{len(rows):,} pictures, {rows.dim} numbers each, by {model.id}, in {store.root}")


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
