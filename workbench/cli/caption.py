"""workbench caption: a benchmark's gallery captioned, every caption kept in its records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.base import Device, Encoder, app


@app.command()
def caption(
    benchmark: Annotated[str, typer.Option(help="such as tinycir")] = "tinycir",
    split: Annotated[str, typer.Option(help="such as val or test")] = "val",
    encoder: Encoder = "tiny-coca",
    out: Annotated[
        Path | None, typer.Option(help="the records; data/BENCHMARK/captions.jsonl unless given")
    ] = None,
    device: Device = None,
) -> None:
    """Caption every gallery picture with a CoCa; what is recorded already is not made again."""
    from workbench import data
    from workbench.encode.encoder import load_encoder
    from workbench.language.cache import RecordedCaptions
    from workbench.language.coca import CoCaCaptioner
    from workbench.paths import benchmark_root

    path = out or benchmark_root(benchmark) / "captions.jsonl"
    pictures = data.load(benchmark, split).gallery.images
    captioner = CoCaCaptioner(load_encoder(encoder, device=device))
    texts = RecordedCaptions.make(captioner, path).texts(pictures, range(len(pictures)))
    typer.echo(f"{len(texts):,} captions, {len(set(texts)):,} different, by {captioner.id}, in {path}")
