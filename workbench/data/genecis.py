"""GeneCIS: four tasks of conditional similarity, each template with a small gallery of its own.

    {focus_attribute,change_attribute,focus_object,change_object}.json     templates, in genecis/ of the repository
    val2017/{id:012d}.jpg                      object tasks: COCO 2017 validation
    VG_100K/{id}.jpg, VG_100K_2/{id}.jpg       attribute tasks: Visual Genome 1.2, cropped around the object

The files put the target first; here it is one candidate among the others, and ties count against it: a constant
scorer gets nothing. The condition is a bare word ("apple", "red"). A split is a task, or "all": every task's queries,
whose ids begin with the task, and the headline, the mean of Recall@1 over the four tasks. Counts of the attribute
files were not published in a form we could check.
Citation: S. Vaze et al., GeneCIS: A Benchmark for General Conditional Image Similarity, CVPR 2023.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, Field

from workbench.data.benchmark import Benchmark, BenchmarkError, Card, Gallery, Query, Summary, qrels_from_ids
from workbench.data.crops import Crops
from workbench.data.files import Id, MissingFiles, NumberId, Place, Problems, entries
from workbench.data.images import FolderImages, JoinedImages

PUBLISHED = {
    "focus_attribute": {},
    "change_attribute": {},
    "focus_object": {"queries": 1960, "gallery": 2198, "condition": 97},
    "change_object": {"queries": 1960, "gallery": 2739, "condition": 109},
}
SPLITS = tuple(PUBLISHED)  # "all" holds nothing that these do not
ADVICE = (
    "Templates: github.com/facebookresearch/genecis (genecis/*.json). Pictures: COCO 2017 val "
    "(images.cocodataset.org/zips/val2017.zip) as val2017/; Visual Genome 1.2, both parts, as VG_100K/ and VG_100K_2/."
)
ALL = "all"
VISUAL_GENOME = ("VG_100K", "VG_100K_2", "VG_100K_all", "VG_All")
CROPPED = "crops, dilated by 0.7, on black squares"
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
    val_image_id: NumberId | None = None
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

    def ranked(self) -> list[_Picture]:
        return [self.target, *self.gallery]


@dataclass(frozen=True, eq=False)
class _Task:
    """One task's templates; the attribute tasks are about crops."""

    name: str
    templates: Sequence[_Template]

    @property
    def cropped(self) -> bool:
        return self.name.endswith("attribute")

    def key(self, picture: _Picture) -> str:
        return picture.key(self.cropped)

    @cached_property
    def seen(self) -> dict[str, _Picture]:
        """Every picture that a template names, references too, by key."""
        return {self.key(one): one for t in self.templates for one in (t.reference, *t.ranked())}

    def pictures(self, place: Place) -> Sequence:
        """Raises MissingFiles with every picture that is missing or empty, or the folder of all of them."""
        if not self.cropped:
            names = [f"{int(one.val_image_id):012d}.jpg" for one in self.seen.values()]
            return place.pictures(names or None, "val2017", "coco/val2017", "images/val2017")
        found = [place.find(name, f"images/{name}") for name in VISUAL_GENOME]
        folders = [folder.resolve() for folder in found if folder is not None]
        if not folders:
            place.pictures([f"{one.image_id}.jpg" for one in self.seen.values()] or None, *VISUAL_GENOME)
        return _crops(place, folders, list(self.seen.values()))

    def queries(self, gallery: Gallery, named: bool) -> list[Query]:
        """A query per template; named: the id begins with the task."""
        return [
            Query(
                f"{self.name}-{i}" if named else str(i),
                gallery.row(self.key(template.reference)),
                self.key(template.reference),
                (template.condition,),
                {"condition": template.condition, "task": self.name},
            )
            for i, template in enumerate(self.templates)
        ]


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
    known = (*SPLITS, ALL)
    place = Place.of("genecis", split, known, root, ("coco", "visual_genome", "vg", "images"), ADVICE)
    problems = Problems(place)
    asked = SPLITS if split == ALL else (split,)
    tasks = [_Task(name, problems.collect(_templates, place, name) or ()) for name in asked]
    images = [problems.collect(task.pictures, place) for task in tasks] if pictures else []
    problems.stop()
    if counts is None and pictures:
        counts = PUBLISHED.get(split, {})
    return _benchmark(split, tasks, images, counts or {})


def _benchmark(split: str, tasks: Sequence[_Task], images: Sequence, counts: Mapping[str, int]) -> Benchmark:
    parts = [(task, template) for task in tasks for template in task.templates]
    gallery = _gallery(tasks, images)
    cropped = {task.cropped for task in tasks}
    return Benchmark(
        name="genecis",
        split=split,
        queries=tuple(query for task in tasks for query in task.queries(gallery, split == ALL)),
        gallery=gallery,
        qrels={
            "default": qrels_from_ids(
                gallery,
                [[task.key(template.target)] for task, template in parts],
                candidates=[[task.key(one) for one in template.ranked()] for task, template in parts],
            )
        },
        metrics=METRICS,
        protocol={**PROTOCOL, "pictures": CROPPED} if True in cropped else PROTOCOL,
        card=replace(CARD, counts=counts),
        summaries=_summaries(split),
    )


def _gallery(tasks: Sequence[_Task], images: Sequence) -> Gallery:
    """Every picture of the tasks once: two tasks may name the same one."""
    rows: dict[str, int] = {}
    for i, key in enumerate(key for task in tasks for key in task.seen):
        rows.setdefault(key, i)
    if not images:
        return Gallery(tuple(rows))
    joined = images[0] if len(images) == 1 else JoinedImages(*images).some(rows.values())
    return Gallery(tuple(rows), joined)


def _summaries(split: str) -> tuple[Summary, ...]:
    """Recall@K; over all tasks their mean, and each task's own."""
    names = {spec: spec.replace("recall", "Recall") for spec in METRICS}
    if split != ALL:
        return tuple(Summary(name, spec) for spec, name in names.items())
    means = [Summary(name, spec, over="task") for spec, name in names.items()]
    own = [Summary(f"{names[m]} {task}", m, where=("task", task)) for task in SPLITS for m in METRICS]
    return (*means, *own)


def _templates(place: Place, task: str) -> list[_Template]:
    file = f"{task}.json"
    templates = entries(place.read(file, f"annotations/{file}"), _Template, file)
    _check(templates, file, _Task(task, templates).cropped)
    return templates


def _check(templates: Sequence[_Template], file: str, cropped: bool) -> None:
    needed = ("image_id", "instance_bbox") if cropped else ("val_image_id",)
    wrong = [
        f"entry {i}: a picture has no {name}"
        for i, template in enumerate(templates)
        for one in (template.reference, *template.ranked())
        for name in needed
        if getattr(one, name) is None
    ]
    sizes = [
        i
        for i, template in enumerate(templates)
        for one in (template.reference, *template.ranked())
        if cropped and not wrong and (min(one.instance_bbox[:2]) < 0 or min(one.instance_bbox[2:]) <= 0)
    ]
    wrong += [f"entry {i}: a box has no area or starts outside its picture" for i in sizes]
    wrong += [
        f"entry {i}: val_image_id {one.val_image_id!r} is no number of COCO's"
        for i, template in enumerate(templates)
        for one in (template.reference, *template.ranked())
        if not cropped and one.val_image_id is not None and not one.val_image_id.isdecimal()
    ]
    if wrong:
        raise BenchmarkError(f"{file}: {len(wrong)} contradictions: {'; '.join(wrong[:5])}")


def _crops(place: Place, folders: Sequence[Path], seen: Sequence[_Picture]) -> Crops:
    """The boxes of Visual Genome's pictures, which lie in two folders, or in one where somebody joined them."""
    there = {path.name: path for folder in reversed(folders) for path in folder.iterdir()}
    names = [f"{one.image_id}.jpg" for one in seen]
    bad = {name: "missing" for name in names if name not in there}
    bad |= {name: "empty (0 bytes)" for name in names if name in there and not there[name].stat().st_size}
    base = Path(os.path.commonpath(folders))
    good = [name for name in names if name not in bad]
    files = FolderImages(base, [there[name].relative_to(base).as_posix() for name in good])
    if bad:
        problems = [f"VG_100K/{name} is {bad[name]}" for name in dict.fromkeys(names) if name in bad]
        raise MissingFiles(place.what, problems, place.advice, [files])
    return Crops(files, [one.instance_bbox for one in seen])
