"""Domain conversion between every two domains: MiniDomainNet, NICO++ and LTLL, in the lists of FREEDOM.

    minidn/query_files.csv, database_files.csv     lines "minidn/sketch/ant/x.jpg sketch ant": path, domain, class
    nico/query_files.csv, database_files.csv
    ltll/full_files.csv                            queries and database in one
    minidn/clipart/ ... nico/autumn/ ...           the pictures, unpacked into the folder of their list

A split is a data set. Every query picture asks for its class in each of the other domains, in the domain's name alone
("sketch"; real pictures are asked for as "photo"), among the pictures of all domains; LTLL's own picture is among them.
The official numbers are means over the pairs of domains: mAP with the trapezoidal AP, recall as the found share.
Left out: ImageNet-R in these lists, which a script has to make first; `domain` has it as Pic2Word evaluates it.
Citation: N. Efthymiadis et al., Composed Image Retrieval for Training-Free Domain Conversion, WACV 2025.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from workbench.data.benchmark import Benchmark, BenchmarkError, Card, Gallery, Qrels, Query, Summary
from workbench.data.files import Place, Problems, padded, read_lines
from workbench.data.images import FolderImages, JoinedImages


@dataclass(frozen=True)
class _Set:
    """A data set: its lists, how its domains are asked for, and the cut-offs that are reported."""

    queries: str
    database: str
    asked_as: Mapping[str, str]
    cutoffs: tuple[int, int]
    advice: str


def _as_named(*domains: str) -> dict[str, str]:
    return {domain: domain for domain in domains}


SETS = {
    "minidn": _Set(
        "query_files.csv",
        "database_files.csv",
        {**_as_named("clipart", "painting", "sketch"), "real": "photo"},
        (50, 100),
        "DomainNet's clipart.zip, painting.zip, real.zip and sketch.zip, unpacked into minidn/",
    ),
    "nico": _Set(
        "query_files.csv",
        "database_files.csv",
        {**_as_named("autumn", "grass", "outdoor", "rock", "water"), "dim": "dimlight"},
        (50, 100),
        "NICO++'s DG benchmark, its six folders in nico/, blanks in folder names as underscores",
    ),
    "ltll": _Set(
        "full_files.csv",
        "full_files.csv",
        {"New": "Today", "Old": "Archive"},
        (5, 10),
        "LTLL, its folders New/ and Old/ in ltll/, without blanks in folder names, with underscores in file names",
    ),
}
# As the paper counts them: pictures that are queries, each of which asks once per other domain; pictures searched.
PUBLISHED = {
    "minidn": {"queries": 2519 * 3, "references": 2519},
    "nico": {"queries": 8722 * 5, "references": 8722, "gallery": 80133},
    "ltll": {"queries": 488, "gallery": 488},
}
SPLITS = tuple(PUBLISHED)
ADVICE = {
    name: f"Lists: github.com/NikosEfth/freedom (data/{name}/), whose README has the addresses. Pictures: {one.advice}."
    for name, one in SETS.items()
}
CARD = Card(
    "Domain conversion between domains",
    licence="lists MIT; pictures: each data set's terms",
    citation="Efthymiadis et al., Composed Image Retrieval for Training-Free Domain Conversion, WACV 2025",
    source="github.com/NikosEfth/freedom",
    description="The same class, or the same building, in every other domain.",
)


class _Line(NamedTuple):
    picture: str
    domain: str
    kind: str


def load(
    split: str,
    root: Path | str | None = None,
    *,
    pictures: bool = True,
    counts: Mapping[str, int] | None = None,
) -> Benchmark:
    """One data set ("minidn", "nico", "ltll"). Query ids are line numbers of its list, from 0, and the domain asked for.

    root: the folder of the list or the one above it; data/domain_pairs by default. pictures=False reads the lists only.
    counts: numbers to hold the files to instead of the published ones.
    Raises MissingFiles with all that is missing, BenchmarkError where files contradict themselves or the counts.
    """
    place = Place.of("domain_pairs", split, SPLITS, root, (split,), ADVICE.get(split, ""))
    known = SETS[split]
    queries, database, images, references = _read(place, split, known, pictures)
    rows = {line.picture: row for row, line in enumerate(database)}
    right: dict[tuple[str, str], list[int]] = {}
    for row, line in enumerate(database):
        right.setdefault((line.domain, line.kind), []).append(row)
    asked = [
        (i, line, domain)
        for i, line in enumerate(queries)
        for domain in known.asked_as
        if domain != line.domain
    ]
    if counts is None:
        counts = PUBLISHED[split] if pictures else {}
    return Benchmark(
        name="domain_pairs",
        split=split,
        queries=tuple(_query(i, line, domain, known, rows) for i, line, domain in asked),
        gallery=Gallery(tuple(line.picture for line in database), images),
        qrels={"default": Qrels(padded([right.get((domain, line.kind), []) for _, line, domain in asked]))},
        metrics=tuple(_names(known)),
        protocol={
            "gallery": "the pictures of all domains",
            "reference": "ranked" if known.queries == known.database else "not in the gallery",
            "right": "the class in the domain that is asked for",
            "text": "the domain's name",
        },
        card=replace(CARD, counts=counts),
        references=references and JoinedImages(references).some(i for i, _, _ in asked),
        summaries=tuple(Summary(name, spec, over="pair") for spec, name in _names(known).items()),
    )


def _names(known: _Set) -> dict[str, str]:
    """Metric -> what the official tables call it."""
    names = {"map_trapezoid": "mAP"}
    names |= {f"fraction_recall@{k}": f"Recall@{k}" for k in known.cutoffs}
    return names | {f"capped_precision@{k}": f"Precision@{k}" for k in known.cutoffs}


def _query(i: int, line: _Line, domain: str, known: _Set, rows: Mapping[str, int]) -> Query:
    text = known.asked_as[domain]
    tags = {"class": line.kind, "pair": f"{known.asked_as[line.domain]} to {text}"}
    return Query(f"{i}-{text}", rows.get(line.picture), line.picture, (text,), tags)


def _read(place: Place, split: str, known: _Set, pictures: bool):
    """Lines of queries and database, and their pictures (None without pictures; of LTLL's queries always)."""
    problems = Problems(place)
    files = list(dict.fromkeys((known.queries, known.database)))
    found = [problems.collect(_lines, place, split, file, known) or [] for file in files]
    images = [
        problems.collect(_pictures, place, split, files, lines) if pictures and lines else None
        for lines in found
    ]
    problems.stop()
    if len(files) == 1:
        return found[0], found[0], images[0], None
    return found[0], found[1], images[1], images[0]


def _lines(place: Place, split: str, file: str, known: _Set) -> list[_Line]:
    found = []
    for number, line in read_lines(place, f"{split}/{file}", file):
        parts = line.split(" ")
        if len(parts) != 3 or parts[1] not in known.asked_as:
            raise BenchmarkError(
                f"{split}/{file}: line {number}: expected path, domain and class, got {line!r}; domains: "
                f"{', '.join(known.asked_as)}"
            )
        found.append(_Line(parts[0].removeprefix(f"{split}/"), *parts[1:]))
    return found


def _pictures(place: Place, split: str, files: Sequence[str], lines: Sequence[_Line]) -> FolderImages:
    base = place.find(*(f"{split}/{file}" for file in files), *files).parent
    return place.pictures_at(base, [line.picture for line in lines])
