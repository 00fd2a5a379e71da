"""Your own benchmark: any folder of pictures and a file of questions.

    queries.csv     columns id, reference, text, and target where the right answers are known, separated by ";";
                    any other column becomes a tag
    queries.json    a list of objects with the same fields; target a text or a list
    pictures        anywhere below the folder, named by their paths in it; hidden files are left out

References and targets are paths in the folder. The reference is not ranked, unless reference="ranked".
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.data.benchmark import Benchmark, BenchmarkError, Card, Gallery, Query, qrels_from_ids
from workbench.data.files import MissingFiles, Place, Problems, read_json, read_lines
from workbench.registry import UnknownName, nearest

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
SPLITS = ("all",)
METRICS = ("recall@1", "recall@5", "recall@10", "hit@1", "map@10")
FIELDS = ("id", "reference", "text")
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
    Raises MissingFiles with every row that cannot be read and every picture that is not in the folder or empty.
    """
    if reference not in ("excluded", "ranked"):
        raise UnknownName(f"reference: got {reference!r}, expected excluded or ranked")
    place = Place.of("folder", split, (split,), root, (), ADVICE)
    problems = Problems(place)
    rows = problems.collect(_rows, place, "queries" if split == "all" else f"queries-{split}") or []
    names = _names(place.root)
    problems.collect(_check_names, place, rows, names)
    images = problems.collect(place.pictures_at, place.root, names) if pictures else None
    problems.stop()
    gallery = Gallery(names, images)
    queries = tuple(_query(row, gallery) for row in rows)
    targets = [row["target"] for row in rows]
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


def _names(root: Path) -> tuple[str, ...]:
    """Every picture below the folder, by its path in it. What is hidden (.thumbnails/, ._a.png) is none."""
    paths = (path.relative_to(root) for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)
    return tuple(sorted(path.as_posix() for path in paths if not any(p.startswith(".") for p in path.parts)))


def _rows(place: Place, stem: str) -> list[dict]:
    """The questions of STEM.json or STEM.csv. Raises MissingFiles with every row that cannot be read."""
    found, file = place.find(f"{stem}.json"), f"{stem}.csv"
    if found and place.find(file):
        raise BenchmarkError(f"{found.name} and {file} are both there; keep the one that is meant")
    given = _from_json(found) if found else _from_csv(place, file)
    rows, wrong = [], []
    for where, row in given:
        try:
            rows.append(_row(row, where))
        except BenchmarkError as error:
            wrong.append(str(error))
    lacking = [repr(row["id"]) for row in rows if not row["target"]]
    if 0 < len(lacking) < len(rows):
        wrong.append(f"no target: query {', '.join(lacking)}; give one to every query or to none")
    if wrong:
        raise MissingFiles(place.what, wrong, place.advice)
    return rows


def _check_names(place: Place, rows: Sequence[Mapping], names: Sequence[str]) -> None:
    """Raises MissingFiles with every reference and target that is no picture of the folder."""
    known = set(names)
    wrong = [
        (f"query {row['id']!r}: {role} {name!r} is not in the folder", name)
        for row in rows
        for role, some in (("reference", [row["reference"]]), ("target", row["target"]))
        for name in some
        if name not in known
    ]
    if wrong:
        first, name = wrong[0]
        problems = [f"{first}.{nearest(name, names)}", *(problem for problem, _ in wrong[1:])]
        raise MissingFiles(place.what, problems, place.advice)


def _from_json(path: Path) -> list[tuple[str, dict]]:
    rows = read_json(path)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BenchmarkError(f"{path.name}: expected a list of objects with id, reference, text and target")
    return [(f"{path.name}, entry {i}", row) for i, row in enumerate(rows)]


def _from_csv(place: Place, file: str) -> list[tuple[str, dict]]:
    """Rows by the header's names; between commas, tabs or semicolons, whichever the header has."""
    (_, header), *_ = read_lines(place, file)
    delimiter = next((one for one in ("\t", ",", ";") if one in header), ",")
    with place.find(file).open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines, delimiter=delimiter, skipinitialspace=True)
        reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
        lacking = [name for name in FIELDS if name not in reader.fieldnames]
        if lacking:
            raise BenchmarkError(
                f"{file}: the header lacks {', '.join(map(repr, lacking))}.{nearest(lacking[0], reader.fieldnames)} "
                f"It has {', '.join(reader.fieldnames)}; expected id, reference, text and, where known, target"
            )
        return [(f"{file}, row {i}", row) for i, row in enumerate(reader, 2)]


def _row(row: Mapping, where: str) -> dict:
    """The four fields as texts, targets as a list, whatever else there is as tags."""
    for name in FIELDS:
        if name not in row:
            raise BenchmarkError(f"{where}: {name!r} is missing.{nearest(name, [key for key in row if key])}")
        if row[name] in (None, ""):
            raise BenchmarkError(f"{where}: {name!r} is empty")
    if None in row or any(value is None for name, value in row.items() if name != "target"):
        raise BenchmarkError(
            f"{where}: it has more or fewer fields than the header (quote texts with commas)"
        )
    target = row.get("target") or []
    target = target.split(";") if isinstance(target, str) else target
    tags = {str(key): str(value) for key, value in row.items() if key not in (*FIELDS, "target")}
    own = {name: str(row[name]).strip() for name in FIELDS}
    return {**own, "target": [str(one).strip() for one in target if str(one).strip()], "tags": tags}


def _query(row: Mapping, gallery: Gallery) -> Query:
    reference = gallery.row(row["reference"], f"reference of query {row['id']}")
    return Query(row["id"], reference, row["reference"], (row["text"],), row["tags"])
