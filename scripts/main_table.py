"""The main table on TinyCIR: every method that the built-in world can feed, with intervals and paired tests.

    python scripts/main_table.py --split test --markdown

Beside what `workbench evaluate` has it makes five sampled captions of each reference, edited by the rules (LDRE, SEIZE,
PDV on LDRE), a pseudo-word of each reference by textual inversion (SEARLE-OTI, PDV on it), and BASIC's corpora from
the words of TinyCIR's own world. Captions, words and rows are stored as they are made: a second run takes a minute.
What is done otherwise than published is printed under the table.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workbench import data
from workbench.case import Case, build_case
from workbench.case.wording import INVERSION_TEMPLATES
from workbench.choose import cross_choose, evaluate_chosen
from workbench.cli.evaluate import ALL_METHODS
from workbench.data.benchmark import Benchmark
from workbench.data.tinycir.words import Change, describe_values, edit_kind, word_edit
from workbench.data.tinycir.world import KINDS
from workbench.encode.clip import ClipEncoder
from workbench.encode.encoder import load_encoder
from workbench.encode.inversion import TextualInversion
from workbench.encode.store import EmbeddingStore
from workbench.evaluation import evaluate, results_table
from workbench.language.cache import MissingRecords, RecordedCaptions
from workbench.language.coca import CoCaCaptioner
from workbench.language.decoding import Decoding
from workbench.language.recompose import RuleRecomposer
from workbench.methods import (
    BASIC,
    LDRE,
    SEARLEOTI,
    SEIZE,
    BASICReleased,
    LDREPerQuery,
    Method,
    PDVFusion,
    PDVImage,
    PDVText,
    WeiMoCIRPaper,
    parse_method,
)
from workbench.methods.pdv import ENSEMBLE, pseudo_word
from workbench.paths import benchmark_root, cache_root, runs_root
from workbench.runs import evaluate_and_record, record
from workbench.sweep import grid
from workbench.tables import Table, main_table, to_markdown, to_text

METRICS = ("hit@1", "hit@10", "map@10")
CHOSEN_BY = "map@10"  # hit@10 is near its ceiling for the best methods: too many settings tie
SAMPLES, STEPS, AVERAGE, EVERY = 5, 60, 0.9, 20

PLAIN: dict[str, Method] = {name: parse_method(name) for name in ALL_METHODS}
PLAIN |= {"weimocir_paper": WeiMoCIRPaper()}
PLAIN |= {"basic": BASIC(mean="gallery"), "basic_released": BASICReleased(mean="gallery")}
PLAIN |= {"searle_oti": SEARLEOTI(), "pdv_t(on searle_oti)": PDVText(host=pseudo_word("searle_oti"))}
PLAIN |= {"pdv_i(on searle_oti)": PDVImage(host=pseudo_word("searle_oti"))}
PLAIN |= {"pdv_f(on searle_oti)": PDVFusion(host=pseudo_word("searle_oti"))}

SAMPLED: dict[str, Method] = {
    "ldre": LDRE(captions=SAMPLES),
    "ldre_per_query": LDREPerQuery(captions=SAMPLES),
}
SAMPLED |= {"seize": SEIZE(captions=SAMPLES)}
SAMPLED |= {"pdv_t(on ldre)": PDVText(host=ENSEMBLE), "pdv_i(on ldre)": PDVImage(host=ENSEMBLE)}
SAMPLED |= {"pdv_f(on ldre)": PDVFusion(host=ENSEMBLE)}

TENTHS = [round(0.1 * i, 1) for i in range(1, 10)]
FAMILIES: dict[str, list[Method]] = {
    "weighted_sum(chosen)": grid("weighted_sum", weight=TENTHS),
    "standardised_sum(chosen)": grid("standardised_sum", weight=TENTHS),
    "caption_fusion(chosen)": grid(
        "caption_fusion", alpha=TENTHS[::2], weight=TENTHS[::2], description="composed_caption"
    ),
    "basic(chosen)": grid(
        "basic", components=[250, 0], neighbours=[25, 5, 0], corner=[0.1, 0.0], mean="gallery"
    ),
    "pdv_f(chosen)": grid("pdv_f", alpha_image=[0.8, 1.4, 2.0], alpha_text=[1.0, 1.2, 1.6], beta=TENTHS),
}

OTHERWISE = (
    "Every method but those marked as chosen is at its defaults, PDV on every host at those for CIReVL. SLERP has none and "
    "stands at 0.8: its paper's number is about that, not confirmed. Not as published:",
    f"ldre, ldre_per_query, seize and PDV on ldre: {SAMPLES} captions per reference instead of 15, sampled at temperature "
    "1; all others use the greedy caption.",
    f"searle_oti and PDV on it: {STEPS} steps of inversion instead of 350, a moving average of {AVERAGE} instead of .99, "
    "8 templates, and no phrases written by a language model.",
    "weimocir, weimocir_paper: one caption per picture instead of 3.",
    "basic, basic_released: subjects are the spoken words of TinyCIR's world, styles its looks; the mean picture is the "
    f"gallery's; made-up pairs are every {EVERY}th picture and worded single changes.",
)
NOT_RUN = {
    "osrcir": "a multimodal model's descriptions of each target",
    "imagescope, imagescope_stage1": "a multimodal model's descriptions, a judge's verdicts on pictures and pairs",
    "object_terms": "a multimodal model's lists of objects that must and must not appear",
    "judge_rerank, verify_compare": "a judge's verdicts on the first pictures",
    "composed, imported_sum": "features that were imported",
    "pic2word, searle, lincir": "a published mapping network, and the CLIP model it was trained for",
}


def sampled_captions(bench: Benchmark, encoder: ClipEncoder) -> RecordedCaptions:
    """Sampled captions of the references: those that are shipped, else made and recorded under cache/."""
    references = sorted({query.reference for query in bench.queries})
    shipped = benchmark_root("tinycir") / "captions-sampled.parquet"
    try:
        known = RecordedCaptions.replay(shipped, encoder.id)
        for sample in range(SAMPLES):
            known.texts(bench.gallery.images, references, sample)
        return known
    except MissingRecords:
        path = cache_root() / "language" / "captions-tinycir-sampled.jsonl"
        return RecordedCaptions.make(CoCaCaptioner(encoder, Decoding(temperature=1.0)), path)


def corpora(
    store: EmbeddingStore, encoder: ClipEncoder, bench: Benchmark
) -> dict[str, list[str] | np.ndarray]:
    """What BASIC needs beside the case: names of things, of looks nobody mentions, and made-up pairs."""
    subjects = [
        describe_values(kind.name, {a.name: v})
        for kind in KINDS.values()
        for a in kind.spoken
        for v in a.values
    ]
    styles = [f"{v} {a.name}" for kind in KINDS.values() for a in kind.visual for v in a.values]
    rng, edits = np.random.default_rng(0), []
    for kind in KINDS.values():
        for attribute in kind.spoken:
            for old, new in zip(attribute.values, attribute.values[1:], strict=False):
                change = Change(attribute.name, old, new)
                edits.append(word_edit(kind.name, (change,), edit_kind(change), rng))
    pictures = store.images(encoder, bench.gallery.images).raw()[::EVERY]
    return {"subjects": subjects, "styles": styles, "pair_images": pictures, "pair_texts": edits}


def cases(bench: Benchmark, encoder: ClipEncoder, store: EmbeddingStore | None = None) -> tuple[Case, Case]:
    """The case with greedy captions, pseudo-words and corpora; the case with sampled captions and LDRE's ensembles."""
    store, rules = store or EmbeddingStore(), RuleRecomposer()
    wanted = [*PLAIN.values(), *(method for some in FAMILIES.values() for method in some)]
    plain = build_case(
        bench,
        encoder,
        captions=RecordedCaptions.replay(benchmark_root("tinycir") / "captions.jsonl"),
        recomposer=rules,
        pseudo_words={
            "searle_oti": TextualInversion(encoder, INVERSION_TEMPLATES, steps=STEPS, average=AVERAGE)
        },
        corpora=corpora(store, encoder, bench),
        terms=[term for method in wanted for term in method.terms],
        store=store,
    )
    several = LDRE(captions=SAMPLES)
    terms = [*several.terms, ("reference_image", "image")]
    captions = sampled_captions(bench, encoder)
    sampled = build_case(bench, encoder, captions=captions, recomposer=rules, terms=terms, store=store)
    return plain, sampled.with_parts(several.ensembles(sampled))


def frame_of(reported: tuple[Case, Case], val: Case, runs: Path | None = None) -> pd.DataFrame:
    """A row per method and query of the reported cases, settings chosen on the case of val; runs: where to keep them.

    On val itself a chosen method has no single setting, so no run is kept of it.
    """
    frames = []
    for case, some in zip(reported, (PLAIN, SAMPLED), strict=True):
        kept = runs and evaluate_and_record(case, some, METRICS, folder=runs)[0]
        frames.append(evaluate(case, some, METRICS) if kept is None else kept)
    if reported[0].benchmark.split == val.benchmark.split:
        return pd.concat([*frames, cross_choose(FAMILIES, val, CHOSEN_BY, METRICS)], ignore_index=True)
    chosen = evaluate_chosen(FAMILIES, val, CHOSEN_BY, reported[0], METRICS)
    for name, rows in chosen.groupby("method", sort=False) if runs else ():
        record(reported[0], parse_method(rows["setting"].iloc[0]), rows, name=name, folder=runs)
    return pd.concat([*frames, chosen], ignore_index=True)


def table_of(frame: pd.DataFrame, metrics: Sequence[str] = METRICS) -> Table:
    """Compared with the even weighted sum, by the metric that settings are chosen by."""
    return main_table(results_table(frame, metrics, baseline="weighted_sum"), tested=CHOSEN_BY)


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--split", choices=["val", "test"], default="val")
    ask.add_argument("--markdown", action="store_true")
    ask.add_argument("--record", action="store_true", help="keep a run of each method; see workbench runs")
    ask.add_argument(
        "--queries", type=Path, help="keep each method's numbers per query in this .parquet file"
    )
    given = ask.parse_args()

    encoder = load_encoder("tiny-coca")
    val = cases(data.load("tinycir", "val"), encoder)
    reported = val if given.split == "val" else cases(data.load("tinycir", given.split), encoder)
    frame = frame_of(reported, val[0], runs_root() if given.record else None)
    if given.queries:
        frame.to_parquet(given.queries)
    print((to_markdown if given.markdown else to_text)(table_of(frame)))
    print("\n" + "\n".join(f"- {line}" for line in OTHERWISE))
    print("\nNot run:" + "".join(f"\n- {names}: needs {what}" for names, what in NOT_RUN.items()))


if __name__ == "__main__":
    main()
