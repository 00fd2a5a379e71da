"""workbench diagnose: two arrays of embeddings -> every measure of the gap and of hubs, with figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.base import CommandError, Json, app, records

if TYPE_CHECKING:
    import pandas as pd

LEFT_OUT = "left out: needs pairs"


@app.command()
def diagnose(
    images: Annotated[
        Path, typer.Option(help="image rows (N, D): .npy, .safetensors, FILE.npz or FILE.npz#NAME")
    ],
    texts: Annotated[Path, typer.Option(help="text rows (M, D), likewise")],
    out: Annotated[Path | None, typer.Option(help="folder for tables (CSV) and figures (SVG)")] = None,
    unpaired: Annotated[
        bool, typer.Option(help="row i of one does not belong to row i of the other")
    ] = False,
    most: Annotated[int, typer.Option(help="rows of each for what compares all with all", min=2)] = 2000,
    umap: Annotated[
        bool, typer.Option(help="a UMAP map too (extra: maps); its axes are not to be measured")
    ] = False,
    seed: Annotated[int, typer.Option(help="of samples, random references and UMAP")] = 0,
    as_json: Json = False,
) -> None:
    """Measure the modality gap and the hubs of anyone's embeddings: each value beside that of random ones, and how to read it.

    Rows are pairs where both files have as many (found by id where both hold "ids"), unless --unpaired; without
    pairs, what needs them is left out, by name. Nothing in the files is run.
    """
    from workbench.diagnosis import hubness, of_files, report

    if umap and out is None:
        raise CommandError("--umap draws a figure: say where to, with --out")
    if out is not None and out.exists() and not out.is_dir():
        raise CommandError(f"--out: {out} is a file, expected a folder for the report")
    sets = of_files(images, texts, unpaired)
    frame = report(sets, most, seed)
    hubs = hubness(sets, most=most, seed=seed)
    if as_json:
        typer.echo(json.dumps({"gap": records(frame), "hubness": records(hubs)}, indent=1))
    else:
        sizes = f"{len(sets.images):,} images, {len(sets.texts):,} texts, D = {sets.images.shape[1]}"
        typer.echo(f"{sets.source}: {sizes}, {'pairs' if sets.paired else 'no pairs'}")
        _print(frame)
        _print_hubness(hubs)
    if out is not None:
        _write(out, sets, most, seed, umap)


def _print(frame: pd.DataFrame) -> None:
    whole = frame["rows"].iloc[0]
    typer.echo(f"{'measure':<34}{'value':>10}{'random':>10}  range")
    for row in frame[frame["note"] == ""].to_dict("records"):
        more = [row["range"], *([f"flag: {row['flag']}"] if row["flag"] else [])]
        more += [f"on {row['rows']} rows"] if row["rows"] != whole else []
        typer.echo(f"{row['metric']:<34}{row['value']:>10.4f}{row['random']:>10.4f}  {', '.join(more)}")
    typer.echo("random: the same measure of directions drawn evenly, as many and as wide")
    left = frame.loc[frame["note"] == LEFT_OUT, "metric"]
    if len(left):
        typer.echo(f"left out, because they need pairs: {'; '.join(left)}")
    for row in frame[~frame["note"].isin(["", LEFT_OUT])].to_dict("records"):
        typer.echo(f"no value: {row['metric']} ({row['note']})")
    typer.echo("what they do not say:")
    for said, rows in frame[frame["note"] == ""].groupby("not said", sort=False):
        typer.echo(f"  {'; '.join(rows['metric'])}: {said}")


def _print_hubness(frame: pd.DataFrame) -> None:
    """Both directions side by side, each value beside that of random lists."""
    ways = list(dict.fromkeys(frame["direction"]))
    typer.echo(f"{'':<34}" + "".join(f"{way:>20}" for way in ways))
    sizes = frame.groupby("direction", sort=False)[["queries", "gallery"]].first().itertuples()
    typer.echo(f"{'':<34}" + "".join(f"{f'{row.queries:,} in {row.gallery:,}':>20}" for row in sizes))
    head = f"{'hubs, in lists of ' + '/'.join(map(str, frame['k'].unique())):<34}"
    typer.echo(head + f"{'value':>10}{'random':>10}" * len(ways) + "  range")
    for measure, rows in frame.groupby("measure", sort=False):
        values = "".join(f"{row.value:>10.4f}{row.random:>10.4f}" for row in rows.itertuples())
        typer.echo(f"{measure:<34}{values}  {rows['range'].iloc[0]}")
    typer.echo("random: mean of lists drawn at random, as many and as long. How to read them:")
    for measure, rows in frame.groupby("measure", sort=False):
        typer.echo(f"  {measure}: {' | '.join(dict.fromkeys(rows['meaning']))}")


def _write(out: Path, sets, most: int, seed: int, umap: bool) -> None:
    """CSV and SVG files, the same bytes for the same arrays (UMAP's map aside); what has no value is said, not written."""
    import pandas as pd

    from workbench.diagnosis import everything
    from workbench.errors import UserError
    from workbench.plots.curves import FrameError
    from workbench.plots.style import svg

    out.mkdir(parents=True, exist_ok=True)
    written = []
    for name, make in everything(sets, most, seed, umap).items():
        try:
            made = make()
        except (UserError, FrameError) as error:  # rows that have no such table or figure
            if name == "gap_map_umap":  # was asked for by name
                raise
            typer.echo(f"not written: {name} ({error})", err=True)
            continue
        table = isinstance(made, pd.DataFrame)
        text = made.to_csv(index=False, lineterminator="\n") if table else svg(made)
        written.append(f"{name}.{'csv' if table else 'svg'}")
        (out / written[-1]).write_text(text, "utf-8")
    typer.echo(f"wrote {', '.join(written)} to {out}", err=True)
