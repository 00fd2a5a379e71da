"""The command line: one verb per job, each a few lines over what notebooks use too.

    workbench encode      a folder's (or a benchmark's) embeddings into the store
    workbench caption     a benchmark's gallery captioned, every caption kept in its records
    workbench retrieve    one reference image + one text -> a sheet of ranked pictures
    workbench evaluate    methods on a benchmark -> a results table with intervals and paired tests

A mistake of the user's is one line on stderr and exit code 2; anything else is a bug and keeps its traceback.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:  # these cost seconds to import, and `--help` should not
    from workbench.case import Case
    from workbench.methods.base import Method

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
SHEET_SUFFIXES = (".svg", ".png", ".pdf")
SHOWN = 8  # pictures on a sheet where --k is not given
THUMBNAIL = 256  # pixels: photos would make a sheet of many megabytes
ALL_METHODS = ("image_only", "text_only", "product", "weighted_sum", "slerp", "weimocir", "cirevl")
ALL_METHODS += ("pdv_t", "pdv_i", "pdv_f")  # in the order of the table


class CommandError(ValueError):
    """The command cannot be carried out as it was given."""


def user_errors() -> tuple[type[Exception], ...]:
    """What a wrong name, file or number raises, as opposed to a bug."""
    from workbench.arrays import ArrayError
    from workbench.case import CaseError
    from workbench.data.benchmark import BenchmarkError
    from workbench.data.images import PictureError
    from workbench.encode.encoder import EncoderError
    from workbench.encode.store import StoreError
    from workbench.language.cache import MissingRecords, RecordError
    from workbench.methods import MethodError
    from workbench.metrics import MetricError
    from workbench.paths import HomeError, PathEscape
    from workbench.registry import UnknownName

    own = (
        CommandError,
        ArrayError,
        BenchmarkError,
        CaseError,
        EncoderError,
        HomeError,
        MethodError,
        MetricError,
    )
    return (*own, MissingRecords, PathEscape, PictureError, RecordError, StoreError, UnknownName)


def without_secrets(text: str) -> str:
    """`text` with the values of environment variables named ...TOKEN, ...KEY, ...SECRET, ...PASSWORD blotted out."""
    for name, value in os.environ.items():
        if value and name.upper().endswith(("TOKEN", "KEY", "SECRET", "PASSWORD")):
            text = text.replace(value, "***")
    return text


class _OneLineErrors(TyperGroup):
    """Runs a command; a user's error becomes one line and exit code 2."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except Exception as error:
            if not isinstance(error, user_errors()):
                raise
            typer.echo(f"workbench: {without_secrets(' '.join(str(error).split()))}", err=True)
            raise typer.Exit(2) from None


app = typer.Typer(
    cls=_OneLineErrors, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
)

Encoder = Annotated[
    str, typer.Option(help="tiny-coca, MODEL:TAG, MODEL:/weights.safetensors or local-dir:/folder")
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda ...; the GPU where there is one")]
Json = Annotated[bool, typer.Option("--json", help="print JSON instead")]


@app.callback()
def workbench() -> None:
    """Zero-shot composed image retrieval: a reference image plus a modification text -> ranked pictures."""


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
    from workbench.language.captions import CoCaCaptioner
    from workbench.paths import benchmark_root

    path = out or benchmark_root(benchmark) / "captions.jsonl"
    pictures = data.load(benchmark, split).gallery.images
    captioner = CoCaCaptioner(load_encoder(encoder, device=device))
    texts = RecordedCaptions.make(captioner, path).texts(pictures, range(len(pictures)))
    typer.echo(f"{len(texts):,} captions, {len(set(texts)):,} different, by {captioner.id}, in {path}")


@app.command()
def retrieve(
    reference: Annotated[Path, typer.Argument(help="the reference image")],
    text: Annotated[str, typer.Argument(help="the modification text: what should be different")],
    gallery: Annotated[Path, typer.Option(help="the folder of pictures to search")],
    encoder: Encoder = "tiny-coca",
    method: Annotated[
        str, typer.Option(help='such as "slerp" or "weighted_sum(weight=0.4)"')
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


@app.command()
def evaluate(
    benchmark: Annotated[str, typer.Option(help="such as tinycir")] = "tinycir",
    split: Annotated[str, typer.Option(help="such as val or test")] = "val",
    encoder: Encoder = "tiny-coca",
    method: Annotated[list[str] | None, typer.Option(help="again for each; all unless given")] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="again for each; the benchmark's own unless given")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="the method of the paired tests; the first of --method")
    ] = None,
    as_json: Json = False,
) -> None:
    """Score methods on a benchmark; print a table with 95 % intervals and a paired test."""
    from workbench.case import load_case
    from workbench.evaluation import evaluate, results_table
    from workbench.language.recompose import RuleRecomposer
    from workbench.methods import parse_method
    from workbench.metrics import parse_metric
    from workbench.tables import main_table, to_text

    for spec in metric or ():
        parse_metric(spec)  # a wrong name fails before anything is encoded
    methods = {text: parse_method(text) for text in method or ALL_METHODS}
    if baseline is not None and baseline not in methods:
        raise CommandError(f"--baseline {baseline}: expected one of {', '.join(methods)}")
    terms = [term for one in methods.values() for term in one.terms]
    case = load_case(benchmark, encoder, split, terms=terms, recomposer=RuleRecomposer())
    metrics = tuple(metric or case.benchmark.metrics)
    frame = evaluate(case, methods, metrics)
    results = results_table(frame, metrics, baseline or (None if method else "weighted_sum"))
    if as_json:
        setting = {"benchmark": benchmark, "split": split, "encoder": case.encoder, "captions": case.captions}
        setting |= {"recomposer": case.recomposer, "protocol": dict(case.benchmark.protocol)}
        rows = json.loads(results.to_json(orient="records"))  # NaN becomes null
        typer.echo(json.dumps({**setting, "results": rows}, indent=1))
    else:
        typer.echo(f"{benchmark} {split}: {len(case.benchmark.queries):,} queries, {case.encoder}")
        typer.echo(to_text(main_table(results)))
        typer.echo(
            "Percent of queries [95 % interval]; p: paired permutation test; clusters: shared reference images."
        )


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


def own_case(
    reference: Path, text: str, folder: Path, method: Method, encoder: str, device: str | None, least: int = 1
) -> Case:
    """A case of one query over the pictures of a folder. A reference that lies in the folder is not ranked.

    Raises CommandError, before a model is loaded, where fewer than ``least`` pictures are ranked.
    """
    import numpy as np

    from workbench.case import build_case
    from workbench.data.benchmark import Benchmark, Card, Gallery, Qrels, Query
    from workbench.data.images import FolderImages
    from workbench.encode.encoder import load_encoder

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
