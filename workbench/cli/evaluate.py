"""workbench evaluate: methods on a benchmark -> a results table with intervals and paired tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli import cases, more
from workbench.cli.base import CommandError, Encoder, Json, app, records
from workbench.cli.score import Choice, Root

if TYPE_CHECKING:  # these cost seconds to import, and `--help` should not
    import pandas as pd

    from workbench.case import Case

ALL_METHODS = ("image_only", "text_only", "product", "weighted_sum", "slerp(alpha=0.8)", "weimocir", "cirevl")
ALL_METHODS += ("pdv_t", "pdv_i", "pdv_f")  # in the order of the table


@app.command()
def evaluate(
    benchmark: Annotated[str, typer.Option(help="such as tinycir")] = "tinycir",
    split: Annotated[str, typer.Option(help="such as val or test")] = "val",
    encoder: Encoder = "tiny-coca",
    root: Root = None,
    choice: Choice = None,
    captions: cases.Captions = None,
    edits: cases.Edits = None,
    given: more.With = None,
    method: Annotated[
        list[str] | None, typer.Option(help='again for each, such as "pdv_f(beta=0.5)"; ten unless given')
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="again for each; the benchmark's own unless given")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="the method of the paired tests; the first of --method")
    ] = None,
    record: Annotated[bool, typer.Option(help="keep a run of each method; see workbench runs")] = True,
    as_json: Json = False,
) -> None:
    """Score methods on a benchmark; print a table with 95 % intervals and a paired test, and the official numbers.

    Methods: image_only, text_only, weighted_sum, slerp, product, standardised_sum, cirevl, pdv_t, pdv_i, pdv_f,
    weimocir, weimocir_paper, ldre, ldre_per_query, seize, pic2word, searle, searle_oti, lincir, basic, basic_released,
    osrcir, imagescope_stage1, imagescope, caption_fusion, object_terms, judge_rerank, verify_compare, composed and
    imported_sum (features of your own: --encoder imported:NAME, see import-embeddings), and what other
    packages announce. What some need beside captions and rules is given by --with: a mapping network, descriptions of
    the targets, a judge's verdicts, lists of words. PDV on LDRE: ask for ldre(captions=...) beside it.
    """
    from workbench.evaluation import evaluate, results_table
    from workbench.metrics import parse_metric
    from workbench.runs import evaluate_and_record

    for spec in metric or ():
        parse_metric(spec)  # a wrong name fails before anything is encoded
    methods = _methods(method, encoder)
    if baseline is not None and baseline not in methods:
        raise CommandError(f"--baseline {baseline}: expected one of {', '.join(methods)}")
    case = cases.load(benchmark, split, encoder, methods.values(), root, choice, captions, edits, given)
    metrics = tuple(metric or case.benchmark.metrics)
    frame = evaluate_and_record(case, methods, metrics)[0] if record else evaluate(case, methods, metrics)
    usual = "weighted_sum" if "weighted_sum" in methods and not method else None
    results = results_table(frame, metrics, baseline or usual)
    typer.echo((_as_json if as_json else _as_text)(case, frame, results))


def _methods(asked: list[str] | None, encoder: str) -> dict:
    """The methods by their labels; unless asked for any, all that need captions at most, or imported rows."""
    from workbench.case.imported import is_imported
    from workbench.methods import parse_method

    usual = ("composed",) if is_imported(encoder) else ALL_METHODS
    return {text: parse_method(text) for text in asked or usual}


def _as_json(case: Case, frame: pd.DataFrame, results: pd.DataFrame) -> str:
    from workbench.official import official_numbers
    from workbench.published import beside

    bench = case.benchmark
    setting = {
        "benchmark": bench.name,
        "split": bench.split,
        "encoder": case.encoder,
        "captions": case.captions,
    }
    setting |= {"recomposer": case.recomposer, "protocol": dict(bench.protocol)}
    setting |= {"official": official_numbers(bench, frame), "results": records(results)}
    return json.dumps({**setting, "published": records(beside(results))}, indent=1)


def _as_text(case: Case, frame: pd.DataFrame, results: pd.DataFrame) -> str:
    from workbench.official import official_numbers
    from workbench.published import beside
    from workbench.tables import main_table, official_table, published_table, to_text

    bench = case.benchmark
    texts = [
        f"{bench.name} {bench.split}: {len(bench.queries):,} queries, {case.encoder}",
        to_text(main_table(results)),
    ]
    if bench.summaries:
        texts += ["", to_text(official_table(official_numbers(bench, frame), bench.protocol))]
    papers = beside(results)
    if len(papers):
        texts += ["", to_text(published_table(papers))]
    return "\n".join(texts)
