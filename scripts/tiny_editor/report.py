"""How well tiny-editor edits captions, beside the rules, per kind of edit.

    python scripts/tiny_editor/report.py --split val
    python scripts/tiny_editor/report.py --card

The first prints one JSON object. The second measures both splits and writes the tables into the model card,
between its two marks; run it again whenever the caption records change. Choices are made on val alone.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from accuracy import Question, edits, judge, misheard, questions, reworded

from workbench.data.tinycir import load
from workbench.data.tinycir.grammar import GrammarError
from workbench.language import RECOMPOSERS
from workbench.language.cache import MissingRecords, RecordedCaptions
from workbench.paths import data_root
from workbench.significance import bootstrap_intervals

CARD = data_root() / "models" / "tiny-editor" / "README.md"
BATCH = 64
MEASURES = ("asked", "whole", "target")
MARKS = ("<!-- results: written by report.py -->", "<!-- end of results -->")
HEADINGS = {"asked": "asked", "whole": "whole caption", "target": "target"}


def recorded_captions(split: str) -> tuple[str, dict[str, str]]:
    """(id of the caption model, reference id -> its recorded caption). Raises MissingRecords if the records are of
    other pictures."""
    bench = load(split)
    source = RecordedCaptions.replay(data_root() / "tinycir" / "captions.jsonl")
    rows = sorted({q.reference for q in bench.queries})
    texts = source.texts(bench.gallery.images, rows)
    return source.id, {bench.gallery.ids[n]: t for n, t in zip(rows, texts, strict=True)}


def sources(split: str) -> tuple[str, dict[str, list[Question]]]:
    """(caption model or why there is none, the questions by where their captions and wordings come from)."""
    true = questions(split)
    asked = {"true": true, "true, unseen wordings": reworded(true), "simulated errors": misheard(true)}
    try:
        captioner, captions = recorded_captions(split)
    except MissingRecords as error:
        return f"none: {error}", asked
    return captioner, {**asked, "tiny-coca": questions(split, captions)}


def by_rules(rules, asked: Sequence[Question]) -> list[str]:
    """The rules' edits; nothing where they say that they cannot read the change."""
    edited = []
    for q in asked:
        try:
            edited.append(rules.recompose(q.caption, q.change))
        except GrammarError:
            edited.append("")
    return edited


def rows_of(asked: Sequence[Question], edited: Sequence[str], **labels: str) -> list[dict]:
    """One row per kind of edit and one for all: shares with bootstrap intervals over references."""
    right = np.array([[judge(q, e)[m] for m in MEASURES] for q, e in zip(asked, edited, strict=True)], float)
    references = np.unique([q.reference for q in asked], return_inverse=True)[1]
    styles = np.array([q.style for q in asked])
    rows = []
    for style in ("all", *np.unique(styles).tolist()):
        chosen = (styles == style) | (style == "all")
        _, groups = np.unique(references[chosen], return_inverse=True)
        ends = bootstrap_intervals(right[chosen], groups)
        shares = {m: [round(float(end[i]), 4) for end in ends] for i, m in enumerate(MEASURES)}
        rows.append({**labels, "edit": style, "queries": int(chosen.sum()), **shares})
    return rows


def report(split: str) -> dict:
    """Everything, for one split; ``seconds`` is what tiny-editor took for the true captions."""
    editor, rules = (RECOMPOSERS.get(name)() for name in ("tiny-editor", "rules"))
    captioner, asked = sources(split)
    results, seconds = [], {}
    for source, chosen in asked.items():
        before = perf_counter()
        edited = edits(editor.model, editor.tokenizer, [(q.caption, q.change) for q in chosen], BATCH)
        seconds[source] = round(perf_counter() - before, 1)
        results += rows_of(chosen, edited, captions=source, editor="tiny-editor")
        results += rows_of(chosen, by_rules(rules, chosen), captions=source, editor="rules")
    return {
        "editor": editor.id,
        "split": split,
        "caption model": captioner,
        "queries": len(asked["true"]),
        "seconds": seconds["true"],
        "batch": BATCH,
        "threads": torch.get_num_threads(),
        "results": results,
    }


def share(ends: Sequence[float]) -> str:
    """ "97.4 % [95.8, 98.8]" """
    mean, low, high = (100 * e for e in ends)
    return f"{mean:.1f} % [{low:.1f}, {high:.1f}]"


def tables(reports: Sequence[dict]) -> str:
    """The model card's tables: everything over all edits, then per kind of edit."""
    names = " | ".join(HEADINGS[m] for m in MEASURES)
    lines = [f"Weights: `{reports[0]['editor']}`. Caption model: `{reports[0]['caption model']}`."]
    for made in reports:
        lines.append(
            f"{made['queries']} edits of {made['split']} (true captions) in batches of {made['batch']}: {made['seconds']} s, "
            f"{made['threads']} thread(s), on a machine that did other things, too."
        )
    lines.append("")
    lines += [f"| split | captions | editor | {names} |", "|---" * 6 + "|"]
    for made in reports:
        for row in (r for r in made["results"] if r["edit"] == "all"):
            shares = " | ".join(share(row[m]) for m in MEASURES)
            lines.append(f"| {made['split']} | {row['captions']} | {row['editor']} | {shares} |")
    for made in reports:
        lines += ["", f"Whole caption per kind of edit, {made['split']}:", "", *per_edit(made)]
    return "\n".join(lines)


def per_edit(made: dict) -> list[str]:
    """Rows: kinds of edit; columns: tiny-editor with each kind of caption, and the rules with the last."""
    cells = {(r["captions"], r["editor"], r["edit"]): r for r in made["results"]}
    columns = [c for c in dict.fromkeys(key[:2] for key in cells) if c[1] == "tiny-editor"]
    columns.append((columns[-1][0], "rules"))
    lines = ["| edit | queries | " + " | ".join(f"{c}: {e}" for c, e in columns) + " |"]
    lines += ["|---" * (2 + len(columns)) + "|"]
    for style in dict.fromkeys(key[2] for key in cells if key[2] != "all"):
        rows = [cells[(*c, style)] for c in columns]
        shares = " | ".join(share(row["whole"]) for row in rows)
        lines.append(f"| {style} | {rows[0]['queries']} | {shares} |")
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
    parser.add_argument(
        "--card", action="store_true", help="measure both splits and rewrite the card's tables"
    )
    args = parser.parse_args()
    if args.card:
        write_card(CARD, tables([report(split) for split in ("val", "test")]))
    else:
        print(json.dumps(report(args.split), indent=1))


if __name__ == "__main__":
    main()
