"""Your own benchmark: any folder of pictures and a file of questions.

    queries.csv     columns id, reference, text, and target where the right answers are known, separated by ";";
                    any other column becomes a tag
    queries.json    a list of objects with the same fields; target a text or a list
    pictures        anywhere below the folder, named by their paths in it

References and targets are paths in the folder. The reference is not ranked, unless reference="ranked".
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from workbench.data.benchmark import Benchmark, BenchmarkError, Card, Gallery, Query, qrels_from_ids
from workbench.data.files import Place, read_json, read_lines
from workbench.registry import UnknownName, nearest

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
SPLITS = ("all",)
METRICS = ("recall@1", "recall@5", "recall@10", "hit@1", "map@10")
ADVICE = "Write queries.csv with the columns id,reference,text,target into the folder of pictures; see data/README.md."


def load(
    split: str = "all",
    root: Path | str | None = None,
    *,
    reference: str = "excluded",
    pictures: bool = True,
    counts: Mapping[str, int] | None = None,
) -> Benchmark:
    """The folder's questions, searched in all its pictures. `split`: queries.csv is "all", queries-mine.csv is "mine".

    Without any target the ranking can be looked at and not measured. reference: "excluded" or "ranked".
    Raises MissingFiles without a file of questions, BenchmarkError for a line that cannot be read or a picture that is
    not in the folder.
    """
    if reference not in ("excluded", "ranked"):
        raise UnknownName(f"reference: got {reference!r}, expected excluded or ranked")
    place = Place.of("folder", split, (split,), root, (), ADVICE)
    stem = "queries" if split == "all" else f"queries-{split}"
    found = place.find(f"{stem}.json")
    rows = _from_json(found) if found else _from_csv(place, f"{stem}.csv")
    names = tuple(
        sorted(
            p.relative_to(place.root).as_posix()
            for p in place.root.rglob("*")
            if p.suffix.lower() in SUFFIXES
        )
    )
    gallery = Gallery(names, place.pictures_at(place.root, names) if pictures else None)
    queries = tuple(_query(row, gallery) for row in rows)
    targets = [row["target"] for row in rows]
    if any(targets) and not all(targets):
        lacking = rows[next(i for i, target in enumerate(targets) if not target)]["id"]
        raise BenchmarkError(f"query {lacking!r} has no target; give one to every query or to none")
    excluded = [[query.reference_image] for query in queries] if reference == "excluded" else None
    return Benchmark(
        name="folder",
        split=split,
        queries=queries,
        gallery=gallery,
        qrels={"default": qrels_from_ids(gallery, targets, excluded)},
        metrics=METRICS if any(targets) else (),
        protocol={"gallery": "all pictures of the folder", "reference": reference, "right": "any target"},
        card=Card("your folder", "yours", "", "your folder", counts=counts or {}),
    )


def _from_json(path: Path) -> list[dict]:
    rows = read_json(path)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BenchmarkError(f"{path.name}: expected a list of objects with id, reference, text and target")
    return [_row(row, f"{path.name}, entry {i}") for i, row in enumerate(rows)]


def _from_csv(place: Place, file: str) -> list[dict]:
    lines = [line for _, line in read_lines(place, file)]
    return [_row(row, f"{file}, row {i}") for i, row in enumerate(csv.DictReader(lines), 2)]


def _row(row: Mapping, where: str) -> dict:
    """The four fields as texts, targets as a list, whatever else there is as tags."""
    for name in ("id", "reference", "text"):
        if name not in row or row[name] in (None, ""):
            raise BenchmarkError(f"{where}: {name!r} is missing.{nearest(name, [key for key in row if key])}")
    if None in row or any(value is None for name, value in row.items() if name != "target"):
        raise BenchmarkError(
            f"{where}: it has more or fewer fields than the header (quote texts with commas)"
        )
    target = row.get("target") or []
    target = target.split(";") if isinstance(target, str) else target
    fixed = ("id", "reference", "text", "target")
    tags = {str(key): str(value) for key, value in row.items() if key not in fixed}
    own = {name: str(row[name]).strip() for name in fixed[:3]}
    return {**own, "target": [str(one).strip() for one in target if str(one).strip()], "tags": tags}


def _query(row: Mapping, gallery: Gallery) -> Query:
    reference = gallery.row(row["reference"], f"reference of query {row['id']}")
    return Query(row["id"], reference, row["reference"], (row["text"],), row["tags"])
