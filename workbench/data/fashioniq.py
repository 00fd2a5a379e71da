"""FashionIQ: shop pictures of dresses, shirts and tops, with two texts per pair.

    captions/cap.{dress,shirt,toptee}.{train,val,test}.json      pairs; in json/ where Pic2Word's layout is used
    image_splits/split.{category}.{split}.json                   the ids of a category's gallery
    images/{id}.png                                              .jpg in some copies

A query is ranked among the pictures of its own category, and its reference is ranked with them. Official numbers are
the unweighted means over the three categories. Choices, all named in the protocol, since none of them is rare:

    category   "all" (default), "dress", "shirt" or "toptee"
    gallery    "split": the published list; "union": only references and targets, smaller and easier (VAL, CosMo)
    join       how two texts become one query: the rule named after who uses it, see `case.wording`

A blank text (val 3, train 12, test 1) is kept as it stands: the published code joins it like any other.
Citation: H. Wu et al., Fashion IQ: A New Dataset Towards Retrieving Images by Natural Language Feedback, CVPR 2021.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, Field

from workbench.data.benchmark import (
    Benchmark,
    BenchmarkError,
    Card,
    Gallery,
    Qrels,
    Query,
    Summary,
    qrels_from_ids,
    refuse_duplicates,
)
from workbench.data.files import Id, Place, Problems, entries
from workbench.data.images import FolderImages
from workbench.registry import UnknownName, nearest

CATEGORIES = ("dress", "shirt", "toptee")
GALLERIES = {
    "split": "the published list of the category",
    "union": "references and targets of the category",
}
JOINS = ("cirevl", "searle", "pic2word", "weimocir", "imagescope", "seize")


class Counts(NamedTuple):
    """Of one category: queries, blank texts, pictures in the published list; different references and targets, and
    their union, where those were counted."""

    queries: int
    blank: int
    listed: int | None
    references: int | None = None
    targets: int | None = None
    union: int | None = None


# Counted in the published files.
COUNTED = {
    "val": {
        "dress": Counts(2017, 0, 3817, 1331, 2017, 2628),
        "shirt": Counts(2038, 1, 6346, 1541, 2038, 3089),
        "toptee": Counts(1961, 2, 5373, 1454, 1961, 2902),
    },
    "train": {
        "dress": Counts(5985, 0, 11452),
        "shirt": Counts(5988, 0, 19036),
        "toptee": Counts(6027, 12, 16121),
    },
    "test": {
        "dress": Counts(2024, 0, 3818),
        "shirt": Counts(2038, 1, 6346),
        "toptee": Counts(2056, 0, 5374),
    },
}
PUBLISHED = {
    split: {"queries": sum(counted.queries for counted in COUNTED[split].values())} for split in COUNTED
}
PUBLISHED["val"]["gallery"] = 15415  # some pictures are in two lists
SPLITS = tuple(PUBLISHED)
ADVICE = (
    "Annotations (captions/, image_splits/): github.com/XiaoxiaoGuo/fashion-iq. Pictures, as images/ID.png: the "
    "addresses listed there have rotted in part; most people use the copy that github.com/postBG/CosMo.pytorch links."
)
METRICS = ("recall@10", "recall@50")
CARD = Card(
    "FashionIQ",
    licence="annotations: Community Data License Agreement; pictures: third-party shop images",
    citation="Wu et al., Fashion IQ, CVPR 2021",
    source="github.com/XiaoxiaoGuo/fashion-iq",
    description="Shop pictures of dresses, shirts and tops; two texts say how the target differs.",
)


class _Pair(BaseModel):
    candidate: Id
    target: Id | None = None
    captions: list[str] = Field(min_length=2, max_length=2)


@dataclass(frozen=True)
class _Category:
    """One category's files: its pairs, and the ids it is ranked among (None where no list was read)."""

    name: str
    pairs: Sequence[_Pair]
    ids: tuple[str, ...] | None

    def named(self) -> tuple[str, ...]:
        """Every reference and target, in order of appearance."""
        both = chain.from_iterable((p.candidate, p.target) for p in self.pairs)
        return tuple(dict.fromkeys(id for id in both if id is not None))

    def blank(self) -> int:
        """How many texts say nothing."""
        return sum(not text.strip() for pair in self.pairs for text in pair.captions)


def load(
    split: str,
    root: Path | str | None = None,
    *,
    category: str = "all",
    gallery: str = "split",
    join: str = "cirevl",
    pictures: bool = True,
    counts: Mapping[str, int] | None = None,
) -> Benchmark:
    """One split of FashionIQ ("val", "train", or "test" with hidden targets), all categories or one.

    root: the benchmark's folder or the one above it; data/fashioniq by default. pictures=False reads annotations
    only. counts: numbers to hold the files to instead of the published ones.
    Raises MissingFiles with all that is missing, BenchmarkError where files contradict themselves or the counts,
    UnknownName for a choice that there is not.
    """
    _check_choice("category", category, ("all", *CATEGORIES))
    _check_choice("gallery", gallery, GALLERIES)
    _check_choice("join", join, JOINS)
    place = Place.of(
        "fashioniq", split, SPLITS, root, ("fashion-iq", "fashion_iq", "fashioniq_dataset"), ADVICE
    )
    chosen = CATEGORIES if category == "all" else (category,)
    problems = Problems(place)
    found = _read(problems, split, chosen, gallery, pictures)
    ranked = _gallery(problems, found, pictures)
    problems.stop()
    for one in found:
        _check_targets(one, hidden=split == "test")
    if counts is None and pictures:
        _hold(place.what, split, gallery, found)
    if counts is None:  # category by category they were compared just now; blank texts are known, not refused
        counts = {"blank_texts": sum(one.blank() for one in found)}
    return Benchmark(
        name="fashioniq",
        split=split,
        queries=tuple(query for one in found for query in _queries(one, ranked)),
        gallery=ranked,
        qrels={"default": _qrels(ranked, found)},
        metrics=METRICS,
        protocol=_protocol(category, gallery, join),
        card=replace(CARD, counts=counts),
        summaries=_summaries(found),
    )


def _protocol(category: str, gallery: str, join: str) -> dict[str, str]:
    rules = {"category": category, "gallery": GALLERIES[gallery], "reference": "ranked"}
    return {**rules, "right": "the labelled target", "caption join": join}


def _check_choice(choice: str, value: str, known) -> None:
    if value not in known:
        raise UnknownName(
            f"{choice}: got {value!r}.{nearest(value, known)} FashionIQ has: {', '.join(known)}"
        )


def _read(
    problems: Problems, split: str, chosen: Sequence[str], gallery: str, pictures: bool
) -> list[_Category]:
    """Each category as far as its files are there; what lacks is collected."""
    place, found = problems.place, []
    for name in chosen:
        file, listing = f"cap.{name}.{split}.json", f"image_splits/split.{name}.{split}.json"
        read = problems.collect(place.read, f"captions/{file}", f"json/{file}", file)
        one = _Category(name, () if read is None else entries(read, _Pair, file), None)
        if gallery == "union":
            one = replace(one, ids=one.named())
        elif pictures or place.find(listing):
            listed = problems.collect(place.read, listing)
            one = one if listed is None else replace(one, ids=_ids(listed, listing))
        found.append(one)
    return found


def _ids(listed, file: str) -> tuple[str, ...]:
    if not isinstance(listed, list) or not all(type(id) in (str, int) for id in listed):
        raise BenchmarkError(f"{file}: expected a list of picture ids")
    ids = tuple(map(str, listed))
    refuse_duplicates(f"{file}: id", ids)
    return ids


def _check_targets(one: _Category, hidden: bool) -> None:
    lacking = [i for i, pair in enumerate(one.pairs) if pair.target is None]
    if lacking and not hidden:
        raise BenchmarkError(
            f"cap.{one.name}: {len(lacking)} pairs have no target, the first is entry {lacking[0]}"
        )


def _hold(what: str, split: str, gallery: str, found: Sequence[_Category]) -> None:
    """Each category's own counts; raises BenchmarkError with all that are wrong."""
    wrong = []
    for one in found:
        counted = COUNTED[split][one.name]
        for name, got, expected in (
            ("queries", len(one.pairs), counted.queries),
            ("gallery", len(one.ids), counted.listed if gallery == "split" else counted.union),
            ("references", len({pair.candidate for pair in one.pairs}), counted.references),
            ("targets", len({pair.target for pair in one.pairs}), counted.targets),
            ("blank texts", one.blank(), counted.blank),
        ):
            if expected not in (None, got):
                wrong.append(f"{one.name}: {name}: found {got}, expected {expected}")
    if wrong:
        raise BenchmarkError(f"{what}: {'; '.join(wrong)}")


def _gallery(problems: Problems, found: Sequence[_Category], pictures: bool) -> Gallery:
    whole = all(one.ids is not None for one in found)
    listed = (one.ids if one.ids and (whole or pictures) else one.named() for one in found)
    ids = tuple(dict.fromkeys(chain.from_iterable(listed)))
    return Gallery(ids, problems.collect(_pictures, problems.place, ids) if pictures else None, whole)


def _pictures(place: Place, ids: Sequence[str]) -> FolderImages:
    """id.png, or id.jpg where a copy of the pictures has that. Raises MissingFiles with every missing picture."""
    folders = ("images", "image_data", "resized_image")
    folder = place.find(*folders)
    there = {path.name for path in folder.iterdir()} if folder is not None and folder.is_dir() else set()
    endings = (".png", ".jpg", ".jpeg")
    usual = next((end for end in endings if any(name.endswith(end) for name in there)), ".png")
    names = [next((id + end for end in endings if id + end in there), id + usual) for id in ids]
    return place.pictures(names or None, *folders)


def _queries(one: _Category, gallery: Gallery) -> list[Query]:
    return [
        Query(
            f"{one.name}-{i}",
            gallery.row(pair.candidate, f"candidate of entry {i} of cap.{one.name}"),
            pair.candidate,
            tuple(pair.captions),
            {"category": one.name},
        )
        for i, pair in enumerate(one.pairs)
    ]


def _qrels(gallery: Gallery, found: Sequence[_Category]) -> Qrels:
    targets = [[] if pair.target is None else [pair.target] for one in found for pair in one.pairs]
    if len(found) == 1 or not gallery.whole:  # the gallery is the category's own, or nobody knows it
        return qrels_from_ids(gallery, targets)
    candidates = np.full((len(targets), max(len(one.ids) for one in found)), -1, np.int32)
    start = 0
    for one in found:  # a category's list is looked up once, not once per query
        end = start + len(one.pairs)
        candidates[start:end, : len(one.ids)] = [gallery.row(id) for id in one.ids]
        start = end
    return Qrels(qrels_from_ids(gallery, targets).targets, candidates=candidates)


def _summaries(found: Sequence[_Category]) -> tuple[Summary, ...]:
    """The mean over categories, and each category."""
    names = {spec: spec.replace("recall", "Recall") for spec in METRICS}
    means = tuple(Summary(name, spec, over="category") for spec, name in names.items())
    if len(found) == 1:
        return means
    return means + tuple(
        Summary(f"{name} {one.name}", spec, where=("category", one.name))
        for one in found
        for spec, name in names.items()
    )
