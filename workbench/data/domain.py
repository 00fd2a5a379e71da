"""Domain conversion: this thing, as a cartoon. ImageNet-R as Pic2Word prepared it.

    imgnet_real_query.txt     lines "imgnet/real/.../x.JPEG class", 10,000 photographs of 200 classes
    imgnet_targets.txt        lines "imgnet/imagenet-r/.../cartoon_2.jpg label", 16,983 pictures
    imagenet-r/, real/        the pictures

label = class + 1000 x domain (cartoon, origami, toy, sculpture; 4: real, the distractors). A split is a target
domain; every photograph asks for its class in that domain. Recall@K is the found share of the right pictures, not a
hit rate, and queries whose class the domain lacks count as 0; their number is stated on the card.
Left out: FREEDOM's lists for other data sets, which are `domain_pairs`.
Citation: K. Saito et al., Pic2Word, CVPR 2023; D. Hendrycks et al., The Many Faces of Robustness, ICCV 2021.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from workbench.data.benchmark import Benchmark, BenchmarkError, Card, Gallery, Qrels, Query, Summary
from workbench.data.files import Place, Problems, padded, read_lines
from workbench.data.images import FolderImages

FILES = ("imgnet_real_query.txt", "imgnet_targets.txt")
DOMAINS = ("cartoon", "origami", "toy", "sculpture")
PUBLISHED = {domain: {"queries": 10000, "gallery": 16983} for domain in DOMAINS}
IN_DOMAIN = {"cartoon": 3726, "origami": 550, "toy": 1511, "sculpture": 1196}
SPLITS = DOMAINS
ADVICE = (
    "Lists: github.com/google-research/composed_image_retrieval (data/imgnet/). Pictures: ImageNet-R "
    "(github.com/hendrycks/imagenet-r) as imagenet-r/ and ImageNet's validation pictures as real/, in class folders."
)
METRICS = ("fraction_recall@10", "fraction_recall@50")
PROTOCOL = {"gallery": "all four domains and the photographs", "reference": "not in the gallery"}
SUMMARIES = tuple(Summary(spec.replace("fraction_recall", "Recall"), spec) for spec in METRICS)
CARD = Card(
    "ImageNet-R domain conversion",
    licence="lists Apache-2.0; pictures: ImageNet's and ImageNet-R's terms",
    citation="Saito et al., Pic2Word, CVPR 2023",
    source="github.com/google-research/composed_image_retrieval",
    description="Photographs of 200 classes; the same class is asked for as a cartoon, origami, toy or sculpture.",
)


def load(
    split: str,
    root: Path | str | None = None,
    *,
    pictures: bool = True,
    counts: Mapping[str, int] | None = None,
) -> Benchmark:
    """One target domain. Query ids are line numbers of the query list, from 0; modifications are "a cartoon".

    root: the folder imgnet/ or the one above it; data/domain by default. pictures=False reads the lists only.
    counts: numbers to hold the files to instead of the published ones.
    Raises MissingFiles with all that is missing, BenchmarkError where files contradict themselves or the counts.
    """
    place = Place.of("domain", split, SPLITS, root, ("imgnet", "imagenet_r", "dtin"), ADVICE)
    queries, targets, images, references = _read(place, pictures)
    offset = 1000 * DOMAINS.index(split)
    right: dict[int, list[int]] = {}
    for row, (_, label) in enumerate(targets):
        right.setdefault(label, []).append(row)
    if counts is None and pictures:
        _hold(split, sum(len(rows) for label, rows in right.items() if offset <= label < offset + 1000))
    if counts is None:
        counts = PUBLISHED[split] if pictures else {}
    lists = [right.get(label + offset, []) for _, label in queries]
    counts = {"without_target": sum(not rows for rows in lists), **counts}
    article = "an" if split[0] == "o" else "a"
    return Benchmark(
        name="domain",
        split=split,
        queries=tuple(
            Query(str(i), None, path, (f"{article} {split}",), {"class": str(label), "domain": split})
            for i, (path, label) in enumerate(queries)
        ),
        gallery=Gallery(tuple(path for path, _ in targets), images),
        qrels={"default": Qrels(padded(lists))},
        metrics=METRICS,
        protocol={**PROTOCOL, "right": f"the class as {article} {split}; Recall is the found share"},
        card=replace(CARD, counts=counts),
        references=references,
        summaries=SUMMARIES,
    )


def _read(place: Place, pictures: bool):
    """Lines of queries and targets, and the pictures of the targets and of the queries (None without pictures)."""
    problems = Problems(place)
    queries, targets = (problems.collect(_lines, place, file) for file in FILES)
    images, references = (
        problems.collect(_pictures, place, some) if pictures and some else None for some in (targets, queries)
    )
    problems.stop()
    return queries, targets, images, references


def _hold(split: str, found: int) -> None:
    if found != IN_DOMAIN[split]:
        raise BenchmarkError(
            f"domain {split}: pictures in the domain: found {found}, expected {IN_DOMAIN[split]}"
        )


def _lines(place: Place, file: str) -> list[tuple[str, int]]:
    """Path and label of every line. Paths start with imgnet/, the folder that holds the list."""
    found = []
    for number, line in read_lines(place, file):
        path, _, label = line.rpartition(" ")
        if not path or not label.isdigit():
            raise BenchmarkError(f"{file}: line {number}: expected a path and a label, got {line!r}")
        found.append((path.strip().removeprefix("imgnet/"), int(label)))
    return found


def _pictures(place: Place, lines: Sequence[tuple[str, int]]) -> FolderImages:
    return place.pictures_at(place.find(*FILES).parent, [path for path, _ in lines])
