"""Where CIReVL's queries are lost between picture, caption, edit and search, on a benchmark whose truth is known.

The error budget puts each of several captioners before each of several editors: the difference between two cells is
what replacing one link costs or gains. Such differences do not add up, so both orders of replacing are given. The
error sources look at what came first instead, and name the link that made it wrong.
Left out: how the truth is written (``language.oracle``), percent and figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from workbench.arrays import Float, unit
from workbench.case import Case, build_case
from workbench.data.benchmark import Benchmark
from workbench.data.tinycir import descriptions
from workbench.data.tinycir.grammar import GrammarError, apply_edit, parse_description
from workbench.evaluation import evaluate, results_table
from workbench.methods import CIReVL
from workbench.metrics import measure
from workbench.score.naming import numbered, take_apart
from workbench.score.ranks import target_ranks, top_k
from workbench.score.similarities import Term

AND = " + "  # between captioner and editor in the name of a chain
SOURCES = ("right", "looks left unsaid", "encoder", "caption", "edit", "caption and edit")


def chain_cases(
    benchmark: Benchmark, encoder, captions: Mapping[str, object], edits: Mapping[str, object], **more
) -> dict[str, Case]:
    """A case for every pair of caption source and recomposer, by name: "oracle + rules". more: see ``build_case``."""
    terms = (*CIReVL().terms, Term("reference_caption"))
    return {
        f"{who}{AND}{how}": build_case(
            benchmark, encoder, captions=source, recomposer=recomposer, terms=terms, **more
        )
        for who, source in captions.items()
        for how, recomposer in edits.items()
    }


def error_budget(cases: Mapping[str, Case], metrics: Sequence[str]) -> pd.DataFrame:
    """The frame of ``evaluate`` for CIReVL on each case, the method being the case's name."""
    return pd.concat(
        [evaluate(case, {name: CIReVL()}, metrics) for name, case in cases.items()], ignore_index=True
    )


def budget_grid(frame: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Means of an error budget as a table: a row per captioner, a column per editor."""
    means = frame.groupby("method", sort=False)[metric].mean()
    pairs = pd.MultiIndex.from_tuples(
        [tuple(name.split(AND)) for name in means.index], names=["captions", "edits"]
    )
    grid = means.set_axis(pairs).unstack("edits")
    return grid.loc[
        list(dict.fromkeys(pairs.get_level_values(0))), list(dict.fromkeys(pairs.get_level_values(1)))
    ]


def substitutions(frame: pd.DataFrame, start: str, end: str, metric: str, seed: int = 0) -> pd.DataFrame:
    """What replacing the captions and the edits of one chain by another's gains, in both orders.

    start, end: names such as "tiny-coca + tiny-editor". One row per order and step: order, replaced, before, after
    (means), difference, low, high (its 95 % interval), p (paired sign-flip test).
    """
    (caption, edit), (new_caption, new_edit) = (name.split(AND) for name in (start, end))
    between = {"captions first": f"{new_caption}{AND}{edit}", "edits first": f"{caption}{AND}{new_edit}"}
    rows = []
    for order, middle in between.items():
        replaced = ("captions", "edits") if order == "captions first" else ("edits", "captions")
        for what, one, two in zip(replaced, (start, middle), (middle, end), strict=True):
            pair = frame[frame["method"].isin([one, two])]
            result = results_table(pair, [metric], baseline=one, seed=seed).set_index("method")
            gain = result.loc[two]
            rows.append(
                {
                    "order": order,
                    "replaced": what,
                    "before": result.loc[one, "mean"],
                    "after": gain["mean"],
                    "difference": gain["difference"],
                    "low": gain["difference_low"],
                    "high": gain["difference_high"],
                    "p": gain["p"],
                }
            )
    return pd.DataFrame(rows)


def sampled_case(benchmark: Benchmark, encoder, captions, recomposer, samples: int, **more) -> Case:
    """A case with the captions and composed captions of several samples per reference. more: see ``build_case``."""
    terms = (*CIReVL(samples).terms, *map(Term, numbered("reference_caption", samples)))
    return build_case(benchmark, encoder, captions=captions, recomposer=recomposer, terms=terms, **more)


def sample_spread(case: Case, metrics: Sequence[str]) -> pd.DataFrame:
    """What each sampled caption leads to by itself: a row per sample and query of a ``sampled_case``.

    Columns: sample (from 1), query, right (1 where the caption names all the values that the truth names, and no
    other), then the metrics. TinyCIR only.
    """
    qrels, gallery = case.benchmark.qrels["default"], unit(case.views["image"])
    samples = [name for name in case.parts if take_apart(name).base == "composed_caption"]
    frames = []
    for name in samples:
        number = take_apart(name).number
        right = captions_right(case, number)
        ranks = {"default": target_ranks(unit(case.parts[name]) @ gallery.T, qrels)}
        queries = [query.id for query in case.benchmark.queries]
        frames.append(
            pd.DataFrame({"sample": number, "query": queries, "right": right, **measure(ranks, metrics)})
        )
    return pd.concat(frames, ignore_index=True)


def captions_right(case: Case, sample: int = 1) -> Float[" Q"]:
    """1 for a query whose reference caption names all the values that the truth names, and no other; else 0.

    NaN where that cannot be said: on any benchmark but TinyCIR, and for a case without reference captions.
    """
    queries, name = case.benchmark.queries, numbered("reference_caption", sample)[-1]
    if case.benchmark.name != "tinycir" or name not in case.texts:
        return np.full(len(queries), np.nan)
    truth = descriptions()
    pairs = zip(case.texts[name], queries, strict=True)
    return np.array([float(meaning(text) == meaning(truth[query.reference_image])) for text, query in pairs])


def error_sources(cases: Mapping[str, Case]) -> pd.DataFrame:
    """Which link of the chain put a wrong picture first; one row per chain and query: method, query, source.

    right: a target is first. looks left unsaid: the first picture fits all the words asked for, but not what no word
    mentions. encoder: the composed caption says what is asked for, and yet the first picture does not show it.
    caption: the caption was wrong, and its right edit keeps the error; edit: the caption would have done, the edit is
    wrong; caption and edit: both. TinyCIR only: texts are compared by the attribute values that they name.
    """
    said = descriptions()
    rows = []
    for name, case in cases.items():
        qrels, ids = case.benchmark.qrels["default"], case.benchmark.gallery.ids
        first = top_k(CIReVL().score(case), 1, qrels)[:, 0]
        texts = zip(case.texts["reference_caption"], case.texts["composed_caption"], strict=True)
        for q, (query, (caption, composed)) in enumerate(zip(case.benchmark.queries, texts, strict=True)):
            wanted = said[ids[qrels.targets[q, 0]]]
            if first[q] in qrels.targets[q]:
                source = "right"
            elif said[ids[first[q]]] == wanted:
                source = "looks left unsaid"
            else:
                source = wrong_link(caption, query.modification[0], composed, wanted)
            rows.append((name, query.id, source))
    return pd.DataFrame(rows, columns=["method", "query", "source"])


def wrong_link(caption: str, modification: str, composed: str, wanted: str) -> str:
    """caption, edit, caption and edit, or encoder where the composed caption says what is wanted.

    >>> wrong_link("a mint planet with one moon", "two moons please", "a mint planet", "a mint planet with two moons")
    'edit'
    """
    if meaning(composed) == meaning(wanted):
        return "encoder"
    try:
        edited = meaning(apply_edit(caption, modification))
    except GrammarError:  # a caption of no kind of picture
        edited = None
    if edited == meaning(wanted):
        return "edit"
    return "caption" if edited == meaning(composed) else "caption and edit"


def meaning(text: str) -> tuple[str, dict[str, str]] | str:
    """The kind of picture and the attribute values that a text names; the text itself where it names no kind."""
    try:
        return parse_description(text)
    except GrammarError:
        return text
