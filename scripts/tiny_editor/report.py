"""How well tiny-editor edits captions, beside the rules, per kind of edit.

    python scripts/tiny_editor/report.py --split val
    python scripts/tiny_editor/report.py --card

The first prints one JSON object. The second measures both splits and writes the tables into the model card,
between its two marks; run it again whenever the caption records change. Choices are made on val alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
from accuracy import Question, edits, judge, load_editor, questions, reworded

from workbench.data.tinycir import load
from workbench.language.cache import RecordedCaptions
from workbench.language.recompose import RuleRecomposer
from workbench.paths import data_root
from workbench.significance import bootstrap_intervals

MEASURES = ("asked", "whole", "target")
MARKS = ("<!-- results: written by report.py -->", "<!-- end of results -->")
HEADINGS = {"asked": "asked", "whole": "whole caption", "target": "target"}


def recorded_captions(split: str) -> tuple[str, dict[str, str]]:
    """(id of the caption model, reference id -> its recorded caption)."""
    bench = load(split)
    source = RecordedCaptions.replay(data_root() / "tinycir" / "captions.jsonl")
    rows = sorted({q.reference for q in bench.queries})
    texts = source.texts(bench.gallery.images, rows)
    return source.id, {bench.gallery.ids[n]: t for n, t in zip(rows, texts, strict=True)}


def by_rules(asked: Sequence[Question]) -> list[str]:
    """The edits of the rule recomposer; nothing where it cannot read."""
    rules, texts = RuleRecomposer(), []
    for q in asked:
        try:
            texts.append(rules.recompose(q.caption, q.change))
        except ValueError:
            texts.append("")
    return texts


def rows_of(asked: Sequence[Question], edited: Sequence[str], **labels: str) -> list[dict]:
    """One row per kind of edit and one for all: shares with bootstrap intervals over references."""
    right = np.array([[judge(q, e)[m] for m in MEASURES] for q, e in zip(asked, edited, strict=True)], float)
    references = np.unique([q.reference for q in asked], return_inverse=True)[1]
    styles = np.array([q.style for q in asked])
    rows = []
    for style in ("all", *dict.fromkeys(sorted(styles))):
        chosen = (styles == style) | (style == "all")
        _, groups = np.unique(references[chosen], return_inverse=True)
        ends = bootstrap_intervals(right[chosen], groups)
        shares = {m: [round(float(end[i]), 4) for end in ends] for i, m in enumerate(MEASURES)}
        rows.append({**labels, "edit": style, "queries": int(chosen.sum()), **shares})
    return rows


def report(split: str, folder: Path) -> dict:
    """Everything, for one split."""
    model, tokenizer = load_editor(folder)
    captioner, captions = recorded_captions(split)
    results = []
    for source, asked in (("oracle", questions(split)), (captioner, questions(split, captions))):
        before = perf_counter()
        edited = edits(model, tokenizer, [(q.caption, q.change) for q in asked])
        seconds = perf_counter() - before
        results += rows_of(asked, edited, captions=source, editor="tiny-editor")
        results += rows_of(asked, by_rules(asked), captions=source, editor="rules")
    unseen = reworded(questions(split))
    edited = edits(model, tokenizer, [(q.caption, q.change) for q in unseen])
    results += rows_of(unseen, edited, captions="oracle, unseen wordings", editor="tiny-editor")
    results += rows_of(unseen, by_rules(unseen), captions="oracle, unseen wordings", editor="rules")
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()[:12]
    return {
        "editor": f"tiny-editor@{digest}",
        "split": split,
        "captions": captioner,
        "seconds": round(seconds, 2),
        "queries": len(asked),
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "results": results,
    }


def share(ends: Sequence[float]) -> str:
    """ "97.4 % [95.8, 98.8]" """
    mean, low, high = (100 * e for e in ends)
    return f"{mean:.1f} % [{low:.1f}, {high:.1f}]"


def tables(reports: Sequence[dict]) -> str:
    """The model card's tables: everything over all edits, then per kind of edit."""
    names = " | ".join(HEADINGS[m] for m in MEASURES)
    lines = [f"Weights {reports[0]['editor']}; captions by {reports[0]['captions']}.", ""]
    lines += [f"| split | captions | editor | {names} |", "|---" * 6 + "|"]
    for made in reports:
        for row in (r for r in made["results"] if r["edit"] == "all"):
            shares = " | ".join(share(row[m]) for m in MEASURES)
            lines.append(f"| {made['split']} | {row['captions']} | {row['editor']} | {shares} |")
    for made in reports:
        lines += ["", f"Whole caption per kind of edit, {made['split']}:", "", *per_edit(made)]
    return "\n".join(lines)


def per_edit(made: dict) -> list[str]:
    """Rows: kinds of edit; columns: captions x editor."""
    columns = list(dict.fromkeys((r["captions"], r["editor"]) for r in made["results"]))
    cells = {(r["captions"], r["editor"], r["edit"]): r for r in made["results"]}
    styles = [r["edit"] for r in made["results"] if (r["captions"], r["editor"]) == columns[0]]
    lines = ["| edit | queries | " + " | ".join(f"{c}: {e}" for c, e in columns) + " |"]
    lines += ["|---" * (2 + len(columns)) + "|"]
    for style in styles[1:]:
        count = cells[(*columns[0], style)]["queries"]
        shares = " | ".join(share(cells[(*c, style)]["whole"]) for c in columns)
        lines.append(f"| {style} | {count} | {shares} |")
    return lines


def write_card(path: Path, text: str) -> None:
    """Put the text between the card's two marks. Raises ValueError if it has not both."""
    card = path.read_text("utf-8")
    if any(card.count(mark) != 1 for mark in MARKS):
        raise ValueError(f"{path} must hold each of {MARKS} once")
    before, rest = card.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    path.write_text(f"{before}{MARKS[0]}\n\n{text}\n\n{MARKS[1]}{after}", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", choices=("val", "test"), default="val")
    parser.add_argument("--model", type=Path, default=data_root() / "models" / "tiny-editor")
    parser.add_argument(
        "--card", action="store_true", help="measure both splits and rewrite the card's tables"
    )
    args = parser.parse_args()
    if args.card:
        write_card(args.model / "README.md", tables([report(s, args.model) for s in ("val", "test")]))
    else:
        print(json.dumps(report(args.split, args.model), indent=1))


if __name__ == "__main__":
    main()
