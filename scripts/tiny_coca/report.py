"""What tiny-coca can do, and whether the phenomena the notebooks teach are there.

    python scripts/tiny_coca/report.py --split val
    python scripts/tiny_coca/report.py --split test

Prints one JSON object. Methods' settings are chosen on validation data only: --split test uses the validation
choices as they are.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

import numpy as np
import pandas as pd

from workbench import geometry
from workbench.arrays import unit
from workbench.case import Case, build_case, load_case
from workbench.data.tinycir import attributes, description_benchmark
from workbench.data.tinycir.grammar import GrammarError, parse_description, parse_edit
from workbench.data.tinycir.world import KINDS
from workbench.encode.encoder import load_encoder
from workbench.evaluation import evaluate, results_table
from workbench.hubness.occurrence import k_occurrence, k_skewness, random_k_skewness
from workbench.methods import CIReVL, ImageOnly, PDVFusion, TextOnly, WeightedSum, WeiMoCIR
from workbench.score.ranks import top_k

WEIGHTS = tuple(round(w, 2) for w in np.arange(0.1, 1.0, 0.1))
BETAS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)


def describe_to_picture(split: str, encoder: str) -> dict[str, float]:
    """hit@1 and hit@10 of descriptions over the whole gallery (any picture that fits the description)."""
    bench = description_benchmark(split)
    case = build_case(bench, load_encoder(encoder), terms=TextOnly().terms)
    frame = evaluate(case, {"description": TextOnly()})
    return {m: float(frame[m].mean()) for m in ("hit@1", "hit@10")} | {"queries": len(frame)}


def caption_accuracy(case: Case) -> dict[str, float]:
    """Share of gallery captions that name each spoken attribute rightly, per kind and attribute, and over all."""
    truth = attributes()
    right: dict[str, list[bool]] = {}
    for id, caption in zip(case.benchmark.gallery.ids, case.texts["caption"], strict=True):
        card = truth[id]
        try:
            kind, said = parse_description(caption)
        except GrammarError:
            kind, said = "", {}
        for attribute in KINDS[card["kind"]].spoken:
            name = attribute.name
            ok = kind == card["kind"] and said.get(name) == card[name]
            right.setdefault(f"{card['kind']}.{name}", []).append(ok)
    every = [ok for oks in right.values() for ok in oks]
    return {name: float(np.mean(oks)) for name, oks in right.items()} | {"all": float(np.mean(every))}


def shows_what_was_asked(case: Case, k: int = 10) -> float:
    """Share of text-only's top k that have every attribute value the modification text asks for."""
    truth, bench = attributes(), case.benchmark
    best = top_k(TextOnly().score(case), k, bench.qrels["default"])
    shown = []
    for query, row in zip(bench.queries, best, strict=True):
        asked = parse_edit(query.modification[0], query.tags["kind"])
        cards = [truth[bench.gallery.ids[n]] for n in row]
        shown += [all(card.get(a) == v for a, v in asked.items()) for card in cards]
    return float(np.mean(shown))


def gap(case: Case) -> dict[str, object]:
    """Gap and cones of gallery pictures and their captions, and what translating the gap away does to PDV-F."""
    images, texts = case.views["image"], case.views["caption"]
    before, after = (
        evaluate(case, {"before": PDVFusion()}),
        evaluate(translated(case), {"after": PDVFusion()}),
    )
    moved = results_table(pd.concat([before, after]), ["hit@1"], "before").iloc[1]
    return {
        "gap_norm": geometry.gap_norm(images, texts),
        "gap_alignment": geometry.gap_alignment(images, texts),
        "cone_image": geometry.cone_width(images),
        "cone_text": geometry.cone_width(texts),
        "translated_hit@1": [float(moved[c]) for c in ("difference", "difference_low", "difference_high")],
    }


def translated(case: Case) -> Case:
    """The case with its gap closed: pictures and texts, of queries and gallery alike, moved half the gap vector each."""
    half = geometry.gap_vector(case.views["image"], case.views["caption"]) / 2

    def move(name: str, rows: np.ndarray) -> np.ndarray:
        away = -half if name in ("image", "reference_image") else half
        return unit(unit(rows) + away).astype(np.float32)

    parts = {name: move(name, rows) for name, rows in case.parts.items()}
    return replace(case, parts=parts, views={name: move(name, rows) for name, rows in case.views.items()})


def hubs(case: Case, method, k: int = 10) -> dict[str, float]:
    """k-skewness of a method's rankings beside the largest of 100 random assignments."""
    bench = case.benchmark
    best = top_k(method.score(case), k, bench.qrels["default"])
    chance = random_k_skewness(len(best), len(bench.gallery), k)
    skewness = k_skewness(k_occurrence(best, len(bench.gallery)))
    return {"k_skewness": skewness, "random_mean": float(chance.mean()), "random_max": float(chance.max())}


def central_prior(case: Case) -> dict[str, float]:
    """How often the most central of the subset's five pictures is the target: a guess without any query."""
    rules = case.benchmark.qrels["subset"]
    rows = unit(case.views["image"])[rules.candidates]
    likeness = (rows @ rows.transpose(0, 2, 1)).sum(axis=2)
    guess = rules.candidates[np.arange(len(rows)), likeness.argmax(axis=1)]
    right = guess == rules.targets[:, 0]
    half = 1.96 * float(np.sqrt(0.2 * 0.8 / len(right)))
    return {"right": float(right.mean()), "chance_low": 0.2 - half, "chance_high": 0.2 + half}


def table(case: Case, weight: float, beta: float) -> list[dict]:
    """hit@1 and hit@10 of each method with interval, and the paired difference from CIReVL."""
    methods = {
        "image_only": ImageOnly(),
        "text_only": TextOnly(),
        f"weighted_sum({weight})": WeightedSum(weight),
        "cirevl": CIReVL(),
        "pdv_f": PDVFusion(),
        "weimocir(0)": WeiMoCIR(beta=0.0),
        f"weimocir({beta})": WeiMoCIR(beta=beta),
    }
    metrics = ["hit@1", "hit@10", "subset:recall@1"]
    results = results_table(evaluate(case, methods, metrics), metrics, "cirevl")
    kept = ["method", "metric", "mean", "low", "high", "difference", "difference_low", "difference_high", "p"]
    return results[kept].round(4).to_dict("records")


def choose(case: Case) -> tuple[float, float]:
    """Chosen on validation data: the text weight of the best sum, and the beta at which WeiMoCIR's caption view
    changes hit@10 most, up or down."""
    sums = {w: evaluate(case, {"x": WeightedSum(w)}, ["hit@10"])["hit@10"].mean() for w in WEIGHTS}
    weis = {b: evaluate(case, {"x": WeiMoCIR(beta=b)}, ["hit@10"])["hit@10"].mean() for b in BETAS}
    return max(sums, key=sums.get), max(BETAS[1:], key=lambda b: abs(weis[b] - weis[0.0]))


def report(split: str, encoder: str) -> dict:
    """Everything, for one split."""
    weight, beta = choose(load_case("tinycir", encoder, "val"))
    case = load_case("tinycir", encoder, split)
    return {
        "encoder": case.encoder,
        "split": split,
        "description_to_picture": describe_to_picture(split, encoder),
        "captions": caption_accuracy(case),
        "failed_edits": len(case.failures),
        "text_only_shows_what_was_asked": shows_what_was_asked(case),
        "gap": gap(case),
        "hubs": {"cirevl": hubs(case, CIReVL()), "pdv_f": hubs(case, PDVFusion())},
        "central_prior": central_prior(case),
        "results": table(case, weight, beta),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", choices=("val", "test"), default="val")
    parser.add_argument("--encoder", default="tiny-coca")
    args = parser.parse_args()
    print(json.dumps(report(args.split, args.encoder), indent=1))


if __name__ == "__main__":
    main()
