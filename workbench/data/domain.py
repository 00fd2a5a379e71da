"""Domain conversion: this thing, as a cartoon. ImageNet-R as Pic2Word prepared it.

    imgnet_real_query.txt     lines "imgnet/real/.../x.JPEG class", 10,000 photographs of 200 classes
    imgnet_targets.txt        lines "imgnet/imagenet-r/.../cartoon_2.jpg label", 16,983 pictures
    imagenet-r/, real/        the pictures

label = class + 1000 x domain (cartoon, origami, toy, sculpture; 4: real, the distractors). A split is a target
domain; every photograph asks for its class in that domain. "all" is the four of them, whose ids begin with the domain,
and the mean over them that papers print. Recall@K is the found share of the right pictures, not a
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
from workbench.data.images import FolderImages, JoinedImages

FILES = ("imgnet_real_query.txt", "imgnet_targets.txt")
DOMAINS = ("cartoon", "origami", "toy", "sculpture")
ALL = "all"
PUBLISHED = {domain: {"queries": 10000, "gallery": 16983} for domain in DOMAINS}
PUBLISHED[ALL] = {"queries": 40000, "gallery": 16983}
IN_DOMAIN = {"cartoon": 3726, "origami": 550, "toy": 1511, "sculpture": 1196}
SPLITS = DOMAINS  # "all" holds nothing that these do not
ADVICE = (
    "Lists: github.com/google-research/composed_image_retrieval (data/imgnet/). Pictures: ImageNet-R "
    "(github.com/hendrycks/imagenet-r) as imagenet-r/ and ImageNet's validation pictures as real/, in class folders."
)
METRICS = ("fraction_recall@10", "fraction_recall@50")
PROTOCOL = {
    "gallery": "all four domains and the photographs",
    "reference": "not in the gallery",
    "right": "the class in the domain that is asked for; Recall is the found share",
}
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
    known = (*SPLITS, ALL)
    place = Place.of("domain", split, known, root, ("imgnet", "imagenet_r", "dtin"), ADVICE)
    queries, targets, images, references = _read(place, pictures)
    domains = DOMAINS if split == ALL else (split,)
    right: dict[int, list[int]] = {}
    for row, (_, label) in enumerate(targets):
        right.setdefault(label, []).append(row)
    if counts is None and pictures:
        _hold(domains, right)
    lists = [right.get(label + _offset(domain), []) for domain in domains for _, label in queries]
    stated = PUBLISHED[split] if counts is None and pictures else counts or {}
    return Benchmark(
        name="domain",
        split=split,
        queries=tuple(query for domain in domains for query in _queries(queries, domain, split == ALL)),
        gallery=Gallery(tuple(path for path, _ in targets), images),
        qrels={"default": Qrels(padded(lists))},
        metrics=METRICS,
        protocol=PROTOCOL,
        card=replace(CARD, counts={"without_target": sum(not rows for rows in lists), **stated}),
        references=references and JoinedImages(*[references] * len(domains)),
        summaries=_summaries(split),
    )


def _offset(domain: str) -> int:
    return 1000 * DOMAINS.index(domain)


def _queries(lines: Sequence[tuple[str, int]], domain: str, named: bool) -> list[Query]:
    """Every photograph, asked for in this domain; named: the id begins with it."""
    text = f"{'an' if domain[0] == 'o' else 'a'} {domain}"
    return [
        Query(
            f"{domain}-{i}" if named else str(i),
            None,
            path,
            (text,),
            {"class": str(label), "domain": domain},
        )
        for i, (path, label) in enumerate(lines)
    ]


def _summaries(split: str) -> tuple[Summary, ...]:
    """Recall@K; over all domains their mean, and each domain's own."""
    names = {spec: spec.replace("fraction_recall", "Recall") for spec in METRICS}
    if split != ALL:
        return tuple(Summary(name, spec) for spec, name in names.items())
    means = [Summary(name, spec, over="domain") for spec, name in names.items()]
    own = [Summary(f"{names[m]} {d}", m, where=("domain", d)) for d in DOMAINS for m in METRICS]
    return (*means, *own)


def _hold(domains: Sequence[str], right: Mapping[int, Sequence[int]]) -> None:
    """Each domain's own number of pictures."""
    for domain in domains:
        labels = range(_offset(domain), _offset(domain) + 1000)
        found = sum(len(right.get(label, ())) for label in labels)
        if found != IN_DOMAIN[domain]:
            raise BenchmarkError(
                f"domain {domain}: pictures in the domain: found {found}, expected {IN_DOMAIN[domain]}"
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
