"""Build TinyCIR from nothing: lay it out, draw it, prove it, write it.

    python -m workbench.data.tinycir.build --out data/tinycir

The same packages and seed give the same bytes (Linux x86-64): pictures are 128 x 128 lossless WebP
in one uncompressed archive with fixed order and dates; annotations are JSON. `prove` checks the
promises of the benchmark before a byte is written, and is run again on the shipped files by the tests.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from tqdm import tqdm

from workbench.data.tinycir.compose import Layout, Question, lay_out
from workbench.data.tinycir.draw import SIZE, Nuisance, draw
from workbench.data.tinycir.grammar import apply_edit, parse_description, parse_edit
from workbench.data.tinycir.words import describe
from workbench.data.tinycir.world import KINDS, Card, is_held_out

SEED = 20261122
VERSION = "2"
ARCHIVE = "pictures.zip"


class BuildError(AssertionError):
    """A promise of the benchmark does not hold; the message names the query or picture."""


def encode(card: Card, nuisance: Nuisance) -> bytes:
    """One picture as lossless WebP bytes."""
    out = io.BytesIO()
    draw(card, nuisance).save(out, "WEBP", lossless=True, quality=100, method=4)
    return out.getvalue()


def nuisance_of(position: int, seed: int = SEED) -> Nuisance:
    """The nuisance of the card at a position of the layout: its own stream, so any one can be redrawn alone."""
    return Nuisance.draw(np.random.default_rng([seed, 2, position]))


def names_of(layout: Layout, seed: int = SEED) -> list[str]:
    """An id per card, shuffled: the order of the gallery tells nothing about families."""
    order = np.random.default_rng([seed, 3]).permutation(len(layout.cards))
    return [f"tc-{rank:04d}" for rank in order]


def prove(layout: Layout) -> None:
    """Raises BuildError at the first broken promise: readable edits, no query its own answer, nothing leaked."""
    for card in layout.cards:
        if not is_held_out(card):
            raise BuildError(f"{card} is a combination that training may use")
        if parse_description(describe(card)) != (card.kind, _spoken(card)):
            raise BuildError(f"description {describe(card)!r} does not read back as {card}")
    for number, q in enumerate(layout.questions):
        _prove_question(number, q, layout)


def _prove_question(number: int, q: Question, layout: Layout) -> None:
    reference, target = layout.cards[q.reference], layout.cards[q.target]
    asked = parse_edit(q.modification, reference.kind)
    if asked != {c.attribute: c.new for c in q.changes}:
        raise BuildError(f"query {number}: {q.modification!r} reads as {asked}, it was made from {q.changes}")
    if reference.with_(**asked) != target or reference == target:
        raise BuildError(f"query {number}: {q.modification!r} does not lead from {reference} to {target}")
    if apply_edit(describe(reference), q.modification) != describe(target):
        raise BuildError(f"query {number}: the edited description is not the target's")
    if sum(layout.cards[i] == target for i in q.subset) != 1:
        raise BuildError(f"query {number}: its subset holds more than one picture that fits")


def _spoken(card: Card) -> dict[str, str]:
    return {a.name: card[a.name] for a in KINDS[card.kind].spoken}


def draw_all(layout: Layout, workers: int) -> Iterator[bytes]:
    """Every picture in layout order, with a progress bar. Raises BuildError if two are alike pixel for pixel."""
    seen: dict[str, int] = {}
    jobs = (layout.cards, map(nuisance_of, range(len(layout.cards))))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        drawn = pool.map(encode, *jobs, chunksize=32)
        for i, data in enumerate(
            tqdm(drawn, total=len(layout.cards), desc="drawing TinyCIR", unit="picture")
        ):
            digest = hashlib.sha256(data).hexdigest()
            if digest in seen:
                raise BuildError(f"pictures {seen[digest]} and {i} are the same, pixel for pixel")
            seen[digest] = i
            yield data


def write_archive(path: Path, members: dict[str, bytes]) -> None:
    """An uncompressed zip, members by name, dates fixed: the same pictures give the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            archive.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), members[name])


def gallery_record(layout: Layout, names: list[str]) -> list[dict]:
    """The annotation of every picture, ordered by id."""
    rows = [
        {"id": name, "kind": card.kind, **dict(card.items()), "description": describe(card), "drawn": i}
        for i, (name, card) in enumerate(zip(names, layout.cards, strict=True))
    ]
    return sorted(rows, key=lambda r: r["id"])


def query_records(layout: Layout, names: list[str], split: str) -> list[dict]:
    """The annotation of every query of a split; targets are all pictures that fit, the labelled one first."""
    fits: dict[Card, list[str]] = {}
    for name, card in zip(names, layout.cards, strict=True):
        fits.setdefault(card, []).append(name)
    rows = []
    for number, q in enumerate(x for x in layout.questions if x.split == split):
        target = names[q.target]
        others = sorted(n for n in fits[layout.cards[q.target]] if n != target)
        rows.append(
            {
                "id": f"{split}-{number:04d}",
                "reference": names[q.reference],
                "modification": q.modification,
                "targets": [target, *others],
                "subset": [names[i] for i in q.subset],
                "edit": {c.attribute: [c.old, c.new] for c in q.changes},
                "tags": {"edit": q.tag, "kind": layout.cards[q.reference].kind},
            }
        )
    return rows


def build(out: Path, workers: int = 2) -> None:
    """Everything, into a folder. Raises BuildError before anything is written if a promise does not hold."""
    layout = lay_out(SEED)
    prove(layout)
    names = names_of(layout)
    out.mkdir(parents=True, exist_ok=True)
    pictures = dict(zip((f"{n}.webp" for n in names), draw_all(layout, workers), strict=True))
    write_archive(out / ARCHIVE, pictures)
    digest = hashlib.sha256((out / ARCHIVE).read_bytes()).hexdigest()
    gallery = gallery_record(layout, names)
    about = {"version": VERSION, "seed": SEED, "pixels": SIZE, "pictures": len(gallery), "sha256": digest}
    write_json(out / "gallery.json", {"about": about, "pictures": gallery})
    for split in ("val", "test"):
        write_json(out / f"{split}.json", query_records(layout, names, split))


def write_json(path: Path, value) -> None:
    """JSON with one record a line, so that diffs can be read."""
    if isinstance(value, dict):
        records = ",\n".join(json.dumps(r) for r in value["pictures"])
        path.write_text(f'{{"about": {json.dumps(value["about"])},\n"pictures": [\n{records}\n]}}\n')
    else:
        path.write_text("[\n" + ",\n".join(json.dumps(r) for r in value) + "\n]\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Build TinyCIR.")
    parser.add_argument("--out", type=Path, default=Path("data/tinycir"))
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    build(args.out, args.workers)
    for path in sorted(args.out.iterdir()):
        print(f"{path.stat().st_size:>10,}  {path}")


if __name__ == "__main__":
    main()
