"""Object composition on COCO: one object cut out of a photograph, the others named; find the photograph.

    coco_eval.csv             id,query_regions,query_class,classes; regions "x1;y1;x2;y2", classes "cat;sofa"
    val2017/000000000139.jpg  the gallery: every picture that has a line
    val2017_masked/           the same pictures, all but the query object painted white

Pic2Word's script that writes the csv draws an object at random without a seed and compares areas in different units,
so nobody's csv is anybody else's: the digest of yours is in the protocol, and numbers are comparable only under it.
A query is the crop of the masked picture; its modification is the names of the others ("cat and sofa").
Citation: K. Saito et al., Pic2Word, CVPR 2023.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from workbench.data.benchmark import Benchmark, BenchmarkError, Card, Gallery, Query, Summary, qrels_from_ids
from workbench.data.crops import Crops, cut
from workbench.data.files import Place, Problems, read_lines

PUBLISHED: dict[str, dict[str, int]] = {
    "val": {}
}  # about 4,766 queries in the paper; every csv has its own number
SPLITS = tuple(PUBLISHED)
ADVICE = (
    "coco_eval.csv and val2017_masked/: written by data/coco/prepare_data.py of "
    "github.com/google-research/composed_image_retrieval; val2017/: images.cocodataset.org/zips/val2017.zip."
)
COLUMNS = ["id", "query_regions", "query_class", "classes"]
METRICS = ("recall@1", "recall@5", "recall@10")
SUMMARIES = tuple(Summary(spec.replace("recall", "Recall"), spec) for spec in METRICS)
CARD = Card(
    "COCO object composition",
    licence="script Apache-2.0; pictures: COCO's terms",
    citation="Saito et al., Pic2Word, CVPR 2023",
    source="github.com/google-research/composed_image_retrieval",
    description="One object as a picture and the others as words; the photograph that holds them all is right.",
)


def load(
    split: str = "val",
    root: Path | str | None = None,
    *,
    pictures: bool = True,
    counts: Mapping[str, int] | None = None,
) -> Benchmark:
    """The one split, "val". Ids of queries and pictures are file names.

    root: the folder coco/ or the one above it; data/objects by default. pictures=False reads the csv only.
    Raises MissingFiles with all that is missing, BenchmarkError where a line cannot be read.
    """
    place = Place.of("objects", split, SPLITS, root, ("coco",), ADVICE)
    problems = Problems(place)
    lines = problems.collect(_lines, place)
    rows = list(csv.DictReader(lines or ()))
    names = None if lines is None else tuple(row["id"] for row in rows)
    images, masked = (
        problems.collect(place.pictures, names, folder) if pictures else None
        for folder in ("val2017", "val2017_masked")
    )
    problems.stop()
    boxes = [_box(number, row) for number, row in enumerate(rows, 2)]
    gallery = Gallery(names, images)
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
    return Benchmark(
        name="objects",
        split=split,
        queries=tuple(map(_query, rows)),
        gallery=gallery,
        qrels={"default": qrels_from_ids(gallery, [[name] for name in names])},
        metrics=METRICS,
        protocol={
            "gallery": f"the pictures of coco_eval.csv {digest}",
            "reference": "the masked object, not in the gallery",
            "right": "the labelled target",
        },
        card=replace(CARD, counts=counts or {}),
        references=masked and Crops(masked, boxes, cut),
        summaries=SUMMARIES,
    )


def _lines(place: Place) -> list[str]:
    """The header and at least one line more. Raises BenchmarkError for another header."""
    lines = [line for _, line in read_lines(place, "coco_eval.csv")]
    if lines[0].split(",")[: len(COLUMNS)] != COLUMNS or len(lines) < 2:
        raise BenchmarkError(
            f"coco_eval.csv: {len(lines)} lines, its header is {lines[0]!r}, expected {','.join(COLUMNS)} and a line "
            "per query"
        )
    return lines


def _query(row: Mapping[str, str]) -> Query:
    region = f"{row['id']} {row['query_regions'].strip()}"
    return Query(row["id"], None, region, (_text(row),), {"class": row["query_class"]})


def _box(number: int, row: Mapping[str, str]) -> tuple[int, int, int, int]:
    try:
        left, top, right, bottom = (int(float(text)) for text in row["query_regions"].split(";"))
    except (ValueError, AttributeError):
        raise BenchmarkError(
            f"coco_eval.csv: row {number}: query_regions is {row['query_regions']!r}, expected x1;y1;x2;y2"
        ) from None
    if right <= left or bottom <= top:
        raise BenchmarkError(f"coco_eval.csv: row {number}: the region {row['query_regions']!r} has no area")
    return left, top, right - left, bottom - top


def _text(row: Mapping[str, str]) -> str:
    """The other objects' names; the object's own where it is alone in its picture."""
    return " and ".join(filter(None, (row["classes"] or "").split(";"))) or row["query_class"]
