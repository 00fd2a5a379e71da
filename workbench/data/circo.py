"""CIRCO: everyday photographs, and for every query all pictures that are right.

    annotations/{val,test}.json                                          queries; test's targets are kept by a server
    COCO2017_unlabeled/annotations/image_info_unlabeled2017.json         the gallery, 123,403 pictures
    COCO2017_unlabeled/unlabeled2017/000000000123.jpg                    the pictures; ids have no zeros in front

The reference stays in the ranking. Column 0 of the targets is the picture the text was written for: Recall@K counts
only that, mAP@K all of them. The shared concept ("shared_concept") is a tag and enters no query, as in the papers;
some later work uses it, and its numbers are no match for these.
Citation: A. Baldrati et al., Zero-Shot Composed Image Retrieval with Textual Inversion, ICCV 2023.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel

from workbench.data.benchmark import (
    Benchmark,
    BenchmarkError,
    Card,
    Gallery,
    Query,
    Summary,
    qrels_from_ids,
)
from workbench.data.files import Id, NumberId, Place, Problems, entries

# gallery: from the paper; the rest counted in the published files
PUBLISHED = {
    "val": {"queries": 220, "gallery": 123403, "references": 220, "targets": 916},
    "test": {"queries": 800, "gallery": 123403, "references": 798},
}
SPLITS = tuple(PUBLISHED)
ADVICE = (
    "Annotations: github.com/miccunifi/CIRCO (annotations/). Pictures and image_info_unlabeled2017.json: COCO 2017 "
    "unlabeled (images.cocodataset.org: zips/unlabeled2017.zip, annotations/image_info_unlabeled2017.zip), into "
    "COCO2017_unlabeled/unlabeled2017 and COCO2017_unlabeled/annotations."
)
CARD = Card(
    "CIRCO",
    licence="annotations CC BY-NC 4.0; pictures: COCO's terms",
    citation="Baldrati et al., Zero-Shot Composed Image Retrieval with Textual Inversion, ICCV 2023",
    source="github.com/miccunifi/CIRCO",
    description="Photographs of COCO 2017 unlabeled, with several right answers to a query.",
)
PROTOCOL = {
    "gallery": "all of COCO 2017 unlabeled",
    "reference": "ranked",
    "right": "mAP: every ground truth; Recall: the labelled target",
    "shared concept": "unused",
}
ASPECTS = (
    "cardinality",
    "addition",
    "negation",
    "direct_addressing",
    "compare_change",
    "comparative_statement",
)
ASPECTS += ("statement_with_conjunction", "spatial_relations_background", "viewpoint")
METRICS = tuple(f"map@{k}" for k in (5, 10, 25, 50)) + tuple(f"recall@{k}" for k in (5, 10, 25, 50))
FOLDERS = ("COCO2017_unlabeled/", "coco2017_unlabeled/", "coco/", "")


class _Query(BaseModel):
    id: Id
    reference_img_id: NumberId
    relative_caption: str
    shared_concept: str | None = None
    target_img_id: NumberId | None = None
    gt_img_ids: list[NumberId] = []
    semantic_aspects: list[str] = []


class _Picture(BaseModel):
    id: NumberId
    file_name: str


class _Listing(BaseModel):
    images: list[_Picture]


def load(
    split: str,
    root: Path | str | None = None,
    *,
    pictures: bool = True,
    counts: Mapping[str, int] | None = None,
) -> Benchmark:
    """One split of CIRCO ("val", or "test" with hidden targets).

    root: the benchmark's folder or the one above it; data/circo by default. pictures=False reads the annotations
    only. counts: numbers to hold the files to instead of the published ones.
    Raises MissingFiles with all that is missing, BenchmarkError where files contradict themselves or the counts.
    """
    place = Place.of("circo", split, SPLITS, root, ("circo-main", "circo_dataset"), ADVICE)
    asked = f"annotations/{split}.json"
    listing = tuple(f"{folder}annotations/image_info_unlabeled2017.json" for folder in FOLDERS)
    problems = Problems(place)
    read = problems.collect(place.read, asked, f"{split}.json")
    listed = problems.collect(place.read, *listing) if pictures else None
    there = listed
    if pictures and read is not None and listed is None:
        # without the list, which is a problem already, the annotations say which pictures to look for at least
        ids = filter(str.isdecimal, _named(entries(read, _Query, asked)).ids)
        there = {"images": [{"id": id, "file_name": f"{int(id):012d}.jpg"} for id in ids]}
    gallery = problems.collect(_gallery, place, there, listing[0]) if pictures else None
    problems.stop()
    asked_for = entries(read, _Query, asked)
    _check(asked_for, asked, hidden=split == "test")
    gallery = gallery or _named(asked_for)
    if counts is None and pictures:
        counts = PUBLISHED[split]
    if counts is None:  # rankings can be scored without a look at the texts
        counts = {"blank_texts": sum(not one.relative_caption.strip() for one in asked_for)}
    return Benchmark(
        name="circo",
        split=split,
        queries=tuple(_query(one, gallery) for one in asked_for),
        gallery=gallery,
        qrels={"default": qrels_from_ids(gallery, [_targets(one) for one in asked_for])},
        metrics=METRICS,
        protocol=PROTOCOL,
        card=replace(CARD, counts=counts),
        summaries=_summaries(asked_for),
    )


def _check(queries: Sequence[_Query], file: str, hidden: bool) -> None:
    """Raises BenchmarkError with the queries whose targets are missing or contradict each other."""
    wrong = []
    for query in queries:
        if hidden and query.target_img_id is None:
            continue
        if query.target_img_id is None or query.target_img_id not in query.gt_img_ids:
            wrong.append(f"query {query.id}: target_img_id {query.target_img_id} is not among gt_img_ids")
        if query.reference_img_id in query.gt_img_ids:
            wrong.append(f"query {query.id}: its reference {query.reference_img_id} is among gt_img_ids")
        if len(set(query.gt_img_ids)) < len(query.gt_img_ids):
            wrong.append(f"query {query.id}: gt_img_ids names a picture twice")
    if wrong:
        raise BenchmarkError(f"{file}: {len(wrong)} contradictions: {'; '.join(wrong[:5])}")


def _gallery(place: Place, listing, file: str) -> Gallery | None:
    listed = None if listing is None else entries([listing], _Listing, file)[0].images
    names = None if listed is None else [picture.file_name for picture in listed]
    images = place.pictures(names, *(f"{folder}unlabeled2017" for folder in FOLDERS))
    return None if listed is None else Gallery(tuple(picture.id for picture in listed), images)


def _named(queries: Sequence[_Query]) -> Gallery:
    """The pictures that the annotations name: without a picture or the listing of COCO, rankings can be scored."""
    named = [id for query in queries for id in (query.reference_img_id, *_targets(query))]
    return Gallery(tuple(dict.fromkeys(named)), whole=False)


def _targets(query: _Query) -> list[str]:
    """The labelled target first, then the other ground truths."""
    if query.target_img_id is None:
        return []
    return [query.target_img_id, *(id for id in query.gt_img_ids if id != query.target_img_id)]


def _query(entry: _Query, gallery: Gallery) -> Query:
    row = gallery.row(entry.reference_img_id, f"reference of query {entry.id}")
    tags = {} if entry.shared_concept is None else {"shared_concept": entry.shared_concept}
    tags |= {f"aspect_{a}": "yes" for a in entry.semantic_aspects}
    return Query(entry.id, row, entry.reference_img_id, (entry.relative_caption,), tags)


def _summaries(queries: Sequence[_Query]) -> tuple[Summary, ...]:
    """What the official script prints: mAP@K, Recall@K, and mAP@10 of the queries with each semantic aspect.

    Its nine aspects come first, in its order; others that a file names, as they come.
    """
    plain = [Summary(spec.replace("map", "mAP").replace("recall", "Recall"), spec) for spec in METRICS]
    there = dict.fromkeys(aspect for query in queries for aspect in query.semantic_aspects)
    aspects = [a for a in ASPECTS if a in there] + [a for a in there if a not in ASPECTS]
    return (
        *plain,
        *(Summary(f"mAP@10 {a}", "map@10", where=(f"aspect_{a}", "yes")) for a in aspects),
    )
