"""CIRR (rc2): pairs of NLVR2 photographs with a text that leads from one to the other.

    captions/cap.rc2.{val,test1,train}.json      pairs; test1's targets are kept by a server
    image_splits/split.rc2.{...}.json            picture -> file, the gallery of the split
    dev/, test1/, train/                         the pictures

SEARLE and CIReVL keep both annotation folders in a folder cirr/ beside the pictures; that is found as well. The
reference is taken out of the ranking. "subset" ranks only the five other pictures of the pair's set of six.
Left out: target_soft, which no metric uses, and captions_ext.
Citation: Z. Liu et al., Image Retrieval on Real-life Images with Pre-trained Vision-and-Language Models, ICCV 2021.
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
from workbench.data.files import Id, Place, Problems, entries
from workbench.data.images import FolderImages
from workbench.paths import inside_lexically

# Counted in the published files; the paper says 4,184 val queries. test1: the text of pair 27098 is empty.
PUBLISHED = {
    "val": {"queries": 4181, "gallery": 2297, "references": 2165, "set": 503},
    "test1": {"queries": 4148, "gallery": 2315, "references": 2178, "blank_texts": 1},
    "train": {"gallery": 16939},
}
SPLITS = tuple(PUBLISHED)
FOLDERS = {"val": "dev", "test1": "test1", "train": "train"}
ADVICE = (
    "Annotations (captions/, image_splits/): branch cirr_dataset of github.com/Cuberick-Orion/CIRR, into the "
    "benchmark's folder. Pictures: NLVR2's, on request through its form (lil.nlp.cornell.edu/nlvr), "
    "so that dev/, test1/ and train/ lie beside captions/."
)
CARD = Card(
    "CIRR",
    licence="annotations MIT; pictures: NLVR2's terms",
    citation="Liu et al., Image Retrieval on Real-life Images, ICCV 2021",
    source="github.com/Cuberick-Orion/CIRR, rc2",
    description="Photographs from sets of six similar ones, with a text that leads from one to another.",
)
PROTOCOL = {
    "gallery": "the pictures of the split",
    "reference": "excluded",
    "subset": "the five other pictures of the set",
    "right": "the labelled target",
    "text": "as it stands, also where it is blank",
}
METRICS = tuple(f"recall@{k}" for k in (1, 5, 10, 50)) + tuple(f"subset:recall@{k}" for k in (1, 2, 3))
SUMMARIES = (
    *(
        Summary(spec.replace("subset:recall", "Recall_subset").replace("recall", "Recall"), spec)
        for spec in METRICS
    ),
    Summary("Avg (Recall@5, Recall_subset@1)", "recall@5", averaged_with=("subset:recall@1",)),
)


class _Set(BaseModel):
    id: Id
    members: list[str]


class _Pair(BaseModel):
    pairid: Id
    reference: str
    target_hard: str | None = None
    caption: str
    img_set: _Set


def load(
    split: str,
    root: Path | str | None = None,
    *,
    pictures: bool = True,
    counts: Mapping[str, int] | None = None,
) -> Benchmark:
    """One split of CIRR ("val", "test1" with hidden targets, "train").

    root: the benchmark's folder or the one above it; data/cirr by default. pictures=False reads the annotations
    only. counts: numbers to hold the files to instead of the published ones.
    Raises MissingFiles with all that is missing, BenchmarkError where files contradict themselves or the counts.
    """
    place = Place.of("cirr", split, SPLITS, root, ("cirr_dataset", "cirr-dataset"), ADVICE)
    captions, listing = f"captions/cap.rc2.{split}.json", f"image_splits/split.rc2.{split}.json"
    problems = Problems(place)
    read = problems.collect(place.read, captions, Path(captions).name)
    listings = (listing, Path(listing).name)
    listed = problems.collect(place.read, *listings) if pictures or place.find(*listings) else None
    there = listed
    if pictures and read is not None and listed is None and split != "train":
        # without the list, which is a problem already, the pairs say which pictures to look for
        there = {name: f"{FOLDERS[split]}/{name}.png" for name in _named(entries(read, _Pair, captions)).ids}
    images = problems.collect(_pictures, place, there, split, listing) if pictures else None
    problems.stop()
    pairs = entries(read, _Pair, captions)
    _check(pairs, captions, hidden=split == "test1")
    gallery = _named(pairs) if listed is None else Gallery(tuple(_files(listed, listing)), images)
    if counts is None:
        counts = PUBLISHED[split] if pictures else {}
    if split == "train" or not pictures:  # nobody counted the blank texts there
        counts = {"blank_texts": sum(not pair.caption.strip() for pair in pairs), **counts}
    return Benchmark(
        name="cirr",
        split=split,
        queries=tuple(_query(pair, gallery) for pair in pairs),
        gallery=gallery,
        qrels=_qrels(gallery, pairs),
        metrics=METRICS,
        protocol=PROTOCOL,
        card=replace(CARD, counts=counts),
        summaries=SUMMARIES,
    )


def _check(pairs: Sequence[_Pair], file: str, hidden: bool) -> None:
    """Raises BenchmarkError with the pairs whose target is missing or who stand outside their own set."""
    wrong = [f"pair {p.pairid} has no target_hard" for p in pairs if p.target_hard is None and not hidden]
    for pair in pairs:
        named = [pair.reference] + ([] if pair.target_hard is None else [pair.target_hard])
        wrong += [
            f"pair {pair.pairid}: {n!r} is not in its img_set" for n in named if n not in pair.img_set.members
        ]
    if wrong:
        raise BenchmarkError(f"{file}: {len(wrong)} contradictions: {'; '.join(wrong[:5])}")


def _named(pairs: Sequence[_Pair]) -> Gallery:
    """The pictures that the pairs name: without the split's list, rankings can be scored."""
    named = [name for pair in pairs for name in (pair.reference, *pair.img_set.members)]
    return Gallery(tuple(dict.fromkeys(named)), whole=False)


def _files(listing, file: str) -> dict[str, str]:
    """Picture names and files. Raises BenchmarkError where the list is something else."""
    if not isinstance(listing, dict) or not all(isinstance(path, str) for path in listing.values()):
        raise BenchmarkError(f"{file}: expected an object of picture names and files")
    return listing


def _pictures(place: Place, listing, split: str, file: str) -> FolderImages | None:
    """The pictures lie in one folder (dev/, test1/, train/), which may be a link to where they are kept."""
    folder = FOLDERS[split]
    plain = None if listing is None else [inside_lexically(path) for path in _files(listing, file).values()]
    folders = {path.partition("/")[0] for path in plain or ()}
    if folders - {folder}:
        raise BenchmarkError(f"{file}: the pictures lie in {sorted(folders)[:5]}, expected {folder}/ alone")
    names = None if plain is None else [path.partition("/")[2] for path in plain]
    return place.pictures(names, folder, f"images/{folder}", f"img_raw/{folder}")


def _query(pair: _Pair, gallery: Gallery) -> Query:
    row = gallery.row(pair.reference, f"reference of pair {pair.pairid}")
    return Query(pair.pairid, row, pair.reference, (pair.caption,), {"set": pair.img_set.id})


def _qrels(gallery: Gallery, pairs: Sequence[_Pair]) -> dict:
    targets = [[pair.target_hard] if pair.target_hard else [] for pair in pairs]
    references = [[pair.reference] for pair in pairs]
    others = [[name for name in pair.img_set.members if name != pair.reference] for pair in pairs]
    return {
        "default": qrels_from_ids(gallery, targets, references),
        "subset": qrels_from_ids(gallery, targets, references, others),
    }
