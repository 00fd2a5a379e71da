"""workbench retrieve: one reference image + one text -> a sheet of ranked pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.base import CommandError, Device, Encoder, Json, app
from workbench.cli.encode import pictures_in

if TYPE_CHECKING:  # these cost seconds to import, and `--help` should not
    from workbench.case import Case
    from workbench.methods.base import Method

SHEET_SUFFIXES = (".svg", ".png", ".pdf")
SHOWN = 8  # pictures on a sheet where --k is not given
THUMBNAIL = 256  # pixels: photos would make a sheet of many megabytes


@app.command()
def retrieve(
    reference: Annotated[Path, typer.Argument(help="the reference image")],
    text: Annotated[str, typer.Argument(help="the modification text: what should be different")],
    gallery: Annotated[Path, typer.Option(help="the folder of pictures to search")],
    encoder: Encoder = "tiny-coca",
    method: Annotated[
        str, typer.Option(help='such as "product" or "weighted_sum(weight=0.4)"')
    ] = "weighted_sum",
    k: Annotated[int | None, typer.Option(min=1, help=f"how many to show; {SHOWN}, or all there are")] = None,
    out: Annotated[Path, typer.Option(help="the sheet: .svg, .png or .pdf")] = Path("retrieved.svg"),
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Search a folder with one reference image and one text; print the ranking and draw it."""
    from workbench.methods import parse_method
    from workbench.score.ranks import top_k

    if out.suffix not in SHEET_SUFFIXES:
        raise CommandError(f"--out {out}: got {out.suffix!r}, expected one of {', '.join(SHEET_SUFFIXES)}")
    asked = parse_method(method)
    case = own_case(reference, text, gallery, asked, encoder, device, k or 1)
    qrels = case.benchmark.qrels["default"]
    ranked = len(case.benchmark.gallery) - int((qrels.excluded >= 0).sum())
    scores = asked.score(case)
    best = top_k(scores, min(SHOWN, ranked) if k is None else k, qrels)[0].tolist()
    found = [(case.benchmark.gallery.ids[n], float(scores[0, n])) for n in best]
    draw_sheet(case, reference, method, best, [score for _, score in found], out)
    if as_json:
        rows = [{"rank": i, "picture": id, "score": s} for i, (id, s) in enumerate(found, 1)]
        typer.echo(json.dumps({"encoder": case.encoder, "method": method, "results": rows}, indent=1))
    else:
        typer.echo("\n".join(f"{i:>3}  {score:.4f}  {id}" for i, (id, score) in enumerate(found, 1)))
        typer.echo(f"sheet: {out}")


def own_case(
    reference: Path, text: str, folder: Path, method: Method, encoder: str, device: str | None, least: int = 1
) -> Case:
    """A case of one query over the pictures of a folder. A reference that lies in the folder is not ranked.

    Raises CommandError, before a model is loaded, for an empty text and where fewer than ``least`` pictures are ranked.
    """
    import numpy as np

    from workbench.case import build_case
    from workbench.data.benchmark import Benchmark, Card, Gallery, Qrels, Query
    from workbench.data.images import FolderImages
    from workbench.encode.encoder import load_encoder

    if not text.strip():
        raise CommandError("the modification text is empty; it says what should be different")
    pictures, own = pictures_in(folder), FolderImages(reference.parent, [reference.name])
    if len(pictures) < 2:
        raise CommandError(f"{folder} holds one picture, {pictures.names[0]}; ranking needs at least two")
    own[0]  # a reference that cannot be read fails before the model is loaded
    same = [i for i, name in enumerate(pictures.names) if (folder / name).resolve() == reference.resolve()]
    row = same[0] if same else None
    ranked = len(pictures) - len(same[:1])
    if ranked < least:
        raise CommandError(f"--k {least}: {folder} has {ranked} pictures to rank")
    query = Query("own", row, reference.name, (text,))
    qrels = Qrels(np.array([[-1]]), np.array([[-1 if row is None else row]]))
    card = Card("own pictures", "the user's", "", str(folder))
    benchmark = Benchmark(
        "own", "own", (query,), Gallery(pictures.names, pictures), {"default": qrels}, (), {}, card
    )
    model = load_encoder(encoder, device=device)
    return build_case(benchmark, model, terms=method.terms, references=None if same else own)


def draw_sheet(
    case: Case, reference: Path, method: str, best: list[int], scores: list[float], out: Path
) -> None:
    """The reference, the text and the best pictures with their scores, as one file."""
    from workbench.data.images import open_picture
    from workbench.plots.style import svg
    from workbench.plots.triplets import Ranked, Triplet, triplet_sheet

    def small(picture):
        picture.thumbnail((THUMBNAIL, THUMBNAIL))
        return picture

    captions = [f"{i}   {score:.3f}" for i, score in enumerate(scores, 1)]
    ranked = Ranked([small(case.benchmark.gallery.images[n]) for n in best], [False] * len(best), captions)
    own = small(open_picture(reference.read_bytes(), reference.name))
    (text,) = case.benchmark.queries[0].modification
    title = f"{len(best)} of {len(case.benchmark.gallery):,} pictures, by {case.encoder.partition('@')[0]}"
    sheet = triplet_sheet([Triplet(own, text, {method: ranked})], title)
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".svg":
        out.write_text(svg(sheet), "utf-8")
    else:
        sheet.savefig(out, dpi=150)
