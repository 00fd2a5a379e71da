"""GeneCIS: four tasks of conditional similarity, each template with a small gallery of its own.

    {focus_attribute,change_attribute,focus_object,change_object}.json     templates, in genecis/ of the repository
    val2017/{id:012d}.jpg                      object tasks: COCO 2017 validation
    VG_100K/{id}.jpg, VG_100K_2/{id}.jpg       attribute tasks: Visual Genome 1.2, cropped around the object

The files put the target first; here it is one candidate among the others, and ties count against it: a constant
scorer gets nothing. The condition is a bare word ("apple", "red"). The headline is the mean of Recall@1 over tasks.
A split is a task. Counts of the attribute files were not published in a form we could check.
Citation: S. Vaze et al., GeneCIS: A Benchmark for General Conditional Image Similarity, CVPR 2023.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, Field

from workbench.data.benchmark import Benchmark, BenchmarkError, Card, Gallery, Query, Summary, qrels_from_ids
from workbench.data.crops import Crops
from workbench.data.files import Id, MissingFiles, Place, entries
from workbench.data.images import FolderImages

PUBLISHED = {
    "focus_attribute": {},
    "change_attribute": {},
    "focus_object": {"queries": 1960, "gallery": 2198, "condition": 97},
    "change_object": {"queries": 1960, "gallery": 2739, "condition": 109},
}
SPLITS = tuple(PUBLISHED)
ADVICE = (
    "Templates: github.com/facebookresearch/genecis (genecis/*.json). Pictures: COCO 2017 val "
    "(images.cocodataset.org/zips/val2017.zip) as val2017/; Visual Genome 1.2, both parts, as VG_100K/ and VG_100K_2/."
)
METRICS = ("recall@1", "recall@2", "recall@3")
CARD = Card(
    "GeneCIS",
    licence="CC BY-NC 4.0; pictures: COCO's and Visual Genome's terms",
    citation="Vaze et al., GeneCIS, CVPR 2023",
    source="github.com/facebookresearch/genecis",
    description="A reference, a word, and a gallery of 10 to 15 in which one picture is right.",
)
PROTOCOL = {
    "gallery": "the template's own",
    "reference": "not in the gallery",
    "right": "the labelled target; ties count against it",
    "text": "the bare condition",
}


class _Picture(BaseModel):
    val_image_id: Id | None = None
    image_id: Id | None = None
    instance_bbox: tuple[float, float, float, float] | None = None

    def key(self, cropped: bool) -> str:
        """The picture's id; for a crop its box too, since one picture holds several objects."""
        if not cropped:
            return self.val_image_id
        return f"{self.image_id}:" + ",".join(f"{number:g}" for number in self.instance_bbox)


class _Template(BaseModel):
    reference: _Picture
    target: _Picture
    gallery: list[_Picture] = Field(min_length=1)
    condition: str

    def all(self) -> list[_Picture]:
        return [self.reference, self.target, *self.gallery]


def load(
    split: str,
    root: Path | str | None = None,
    *,
    pictures: bool = True,
    counts: Mapping[str, int] | None = None,
) -> Benchmark:
    """One task of GeneCIS. The gallery holds every picture a template names, references too; each query ranks its own.

    root: the benchmark's folder or the one above it; data/genecis by default. pictures=False reads the templates only.
    counts: numbers to hold the files to instead of the published ones.
    Raises MissingFiles with all that is missing, BenchmarkError where files contradict themselves or the counts.
    """
    place = Place.of("genecis", split, SPLITS, root, ("coco", "visual_genome", "vg", "images"), ADVICE)
    file = f"{split}.json"
    templates = entries(place.read(templates=(file, f"annotations/{file}"))["templates"], _Template, file)
    cropped = split.endswith("attribute")
    _check(templates, file, cropped)
    seen = {one.key(cropped): one for template in templates for one in template.all()}
    images = _pictures(place, list(seen.values()), cropped) if pictures else None
    gallery = Gallery(tuple(seen), images)
    targets = [[template.target.key(cropped)] for template in templates]
    candidates = [[one.key(cropped) for one in (t.target, *t.gallery)] for t in templates]
    if counts is None:
        counts = PUBLISHED[split] if pictures else {}
    return Benchmark(
        name="genecis",
        split=split,
        queries=tuple(_query(i, template, gallery, cropped) for i, template in enumerate(templates)),
        gallery=gallery,
        qrels={"default": qrels_from_ids(gallery, targets, candidates=candidates)},
        metrics=METRICS,
        protocol={**PROTOCOL, "pictures": "crops, dilated by 0.7, on black squares"} if cropped else PROTOCOL,
        card=replace(CARD, counts=counts),
        summaries=tuple(Summary(spec.replace("recall", "Recall"), spec) for spec in METRICS),
    )


def _check(templates: Sequence[_Template], file: str, cropped: bool) -> None:
    needed = ("image_id", "instance_bbox") if cropped else ("val_image_id",)
    wrong = [
        f"entry {i}: a picture has no {name}"
        for i, template in enumerate(templates)
        for one in template.all()
        for name in needed
        if getattr(one, name) is None
    ]
    sizes = [
        i
        for i, template in enumerate(templates)
        for one in template.all()
        if cropped and not wrong and (min(one.instance_bbox[:2]) < 0 or min(one.instance_bbox[2:]) <= 0)
    ]
    wrong += [f"entry {i}: a box has no area or starts outside its picture" for i in sizes]
    if wrong:
        raise BenchmarkError(f"{file}: {len(wrong)} contradictions: {'; '.join(wrong[:5])}")


def _query(i: int, template: _Template, gallery: Gallery, cropped: bool) -> Query:
    reference = template.reference.key(cropped)
    return Query(
        str(i), gallery.row(reference), reference, (template.condition,), {"condition": template.condition}
    )


def _pictures(place: Place, seen: Sequence[_Picture], cropped: bool) -> Sequence:
    if not cropped:
        names = [f"{int(one.val_image_id):012d}.jpg" for one in seen]
        return place.pictures(names, "val2017", "coco/val2017", "images/val2017")
    parts = [place.find(name, f"images/{name}") for name in ("VG_100K", "VG_100K_2", "VG_All")]
    folders = [folder.resolve() for folder in parts if folder is not None]
    there = {path.name: path for folder in reversed(folders) for path in folder.iterdir()}
    names = [f"{one.image_id}.jpg" for one in seen]
    missing = list(
        dict.fromkeys(name for name in names if name not in there or not there[name].stat().st_size)
    )
    if missing:
        problems = [
            f"VG_100K/{name} is {'empty (0 bytes)' if name in there else 'missing'}" for name in missing
        ]
        raise MissingFiles(place.what, problems, place.advice)
    base = folders[0].parent
    return Crops(
        FolderImages(base, [str(there[n].relative_to(base)) for n in names]), [p.instance_bbox for p in seen]
    )
