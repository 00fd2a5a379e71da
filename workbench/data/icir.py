"""i-CIR: particular objects, each with a database of its own full of near misses.

    database_files.csv, query_files.csv     lines "picture,text,instance", no header; in annotations/ of the web copy
    database/, query/                       the pictures

A query searches only its instance's database. A picture is right where instance and text both match; hard negatives
share one of the two. Queries' pictures are in no gallery. mAP is over queries, mmAP the mean over instances of their
means, minmAP of their worst query.
Citation: B. Psomas et al., Instance-Level Composed Image Retrieval, NeurIPS 2025 (v1.0.0).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from workbench.data.benchmark import Benchmark, BenchmarkError, Card, Gallery, Qrels, Query, Summary
from workbench.data.files import Place, Problems, padded, read_lines

PUBLISHED = {"test": {"queries": 1883, "instance": 202}}  # the database has about 750 thousand pictures
SPLITS = tuple(PUBLISHED)
FILES = ("query_files.csv", "database_files.csv")
ADVICE = (
    "vrg.fel.cvut.cz/icir/icir_v1.0.0.tar.gz, unpacked: database/, query/, database_files.csv and query_files.csv in "
    "one folder. The WebDataset copy has to be unpacked into the same folders."
)
CARD = Card(
    "i-CIR",
    licence="CC BY-NC-SA 4.0",
    citation="Psomas et al., Instance-Level Composed Image Retrieval, NeurIPS 2025",
    source="github.com/billpsomas/icir, v1.0.0",
    description="Particular objects under a named change, among hard negatives of the same object and the same text.",
)
PROTOCOL = {
    "gallery": "the database of the query's instance",
    "reference": "not in the gallery",
    "right": "instance and text both match",
    "AP": "trapezoidal, over T + 1e-5",
}


SUMMARIES = (
    Summary("mAP", "map_trapezoid"),
    Summary("mmAP", "map_trapezoid", over="instance"),
    Summary("minmAP", "map_trapezoid", over="instance", within="min"),
)


class _Line(NamedTuple):
    picture: str
    text: str
    instance: str


def load(
    split: str = "test",
    root: Path | str | None = None,
    *,
    pictures: bool = True,
    counts: Mapping[str, int] | None = None,
) -> Benchmark:
    """i-CIR, whose one split is called "test" here. Query ids are line numbers of query_files.csv, from 0.

    root: the benchmark's folder or the one above it; data/icir by default. pictures=False reads the lists only.
    counts: numbers to hold the files to instead of the published ones.
    Raises MissingFiles with all that is missing, BenchmarkError where files contradict themselves or the counts.
    """
    place = Place.of("icir", split, SPLITS, root, ("i-cir", "icir_v1.0.0", "annotations"), ADVICE)
    queries, database, images, references = _read(place, pictures)
    _check_once(database)
    rows, of_instance, right = _index(database)
    lacking = [i for i, q in enumerate(queries) if (q.instance, q.text) not in right]
    if lacking:
        raise BenchmarkError(
            f"query_files.csv: {len(lacking)} queries have no right answer in database_files.csv, the first is line "
            f"{lacking[0] + 1}: {','.join(queries[lacking[0]])}"
        )
    if counts is None:
        counts = PUBLISHED[split] if pictures else {}
    return Benchmark(
        name="icir",
        split=split,
        queries=tuple(
            Query(str(i), None, q.picture, (q.text,), {"instance": q.instance}) for i, q in enumerate(queries)
        ),
        gallery=Gallery(tuple(rows), images),
        qrels={
            "default": Qrels(
                padded([right[q.instance, q.text] for q in queries]),
                candidates=padded([of_instance[q.instance] for q in queries]),
            )
        },
        metrics=("map_trapezoid",),
        protocol=PROTOCOL,
        card=replace(CARD, counts=counts),
        references=references,
        summaries=SUMMARIES,
    )


def _read(place: Place, pictures: bool):
    """Lines of queries and database, and the pictures of the database and of the queries (None without pictures)."""
    problems = Problems(place)
    queries, database = (problems.collect(_lines, place, file) or [] for file in FILES)
    names = list(dict.fromkeys(line.picture for line in database)), [line.picture for line in queries]
    images, references = (
        problems.collect(_pictures, place, some) if pictures and some else None for some in names
    )
    problems.stop()
    return queries, database, images, references


def _check_once(database: Sequence[_Line]) -> None:
    """Raises BenchmarkError where an instance's database names a picture again: it would be ranked at two places."""
    first: dict[tuple[str, str], int] = {}
    for number, line in enumerate(database, 1):
        earlier = first.setdefault((line.instance, line.picture), number)
        if earlier != number:
            raise BenchmarkError(
                f"database_files.csv: line {number} names {line.picture!r} of {line.instance!r} again, after line {earlier}"
            )


def _index(
    database: Sequence[_Line],
) -> tuple[dict[str, int], dict[str, list[int]], dict[tuple[str, str], list[int]]]:
    """Picture -> row, instance -> rows, (instance, text) -> rows. A picture may stand in several databases."""
    rows: dict[str, int] = {}
    of_instance: dict[str, list[int]] = {}
    right: dict[tuple[str, str], list[int]] = {}
    for line in database:
        row = rows.setdefault(line.picture, len(rows))
        of_instance.setdefault(line.instance, []).append(row)
        right.setdefault((line.instance, line.text), []).append(row)
    return rows, of_instance, right


def _lines(place: Place, file: str) -> list[_Line]:
    """Split at every comma, as the released code does: a text with a comma in it would be cut, so it is refused."""
    fields = [(number, line.split(",")) for number, line in read_lines(place, file)]
    wrong = [number for number, parts in fields if len(parts) != 3]
    if wrong:
        raise BenchmarkError(
            f"{file}: line {wrong[0]}: expected picture,text,instance ({len(wrong)} such lines)"
        )
    return [_Line(*parts) for _, parts in fields]


def _pictures(place: Place, names):
    """Paths in the lists start at the benchmark's folder, or at the one above it (icir/database/...)."""
    base = place.find(*FILES).parent
    some = names[:: 1 + len(names) // 1000]  # the first of them may be the one that is missing
    there = (folder for folder in (base, base.parent) if any((folder / name).exists() for name in some))
    return place.pictures_at(next(there, base), names)
