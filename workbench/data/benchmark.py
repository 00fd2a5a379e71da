"""What is asked, of what, and what counts as right: Query, Gallery, Qrels, Card, Benchmark.

Everything that ranks works on indices into the gallery; ids are for people and files. Left out: reading of files
(one loader per data set) and every number computed from embeddings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from workbench.arrays import Int
from workbench.errors import UserError
from workbench.registry import nearest


class BenchmarkError(UserError, ValueError):
    """A benchmark contradicts itself; the message names the query, id or count."""


@dataclass(frozen=True)
class Query:
    """One question. `reference` is the row of the reference image in the gallery, None where it is not in it.

    `reference_image` is the reference's id: the gallery's id for that row where there is one. Queries that share it
    are not independent, so it is also the cluster that `significance` resamples.
    """

    id: str
    reference: int | None
    reference_image: str
    modification: tuple[str, ...]
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Gallery:
    """The pictures that are ranked. `images` is a lazy sequence of pictures, None where only embeddings are at hand.

    whole: False where the ids are only those that the annotations name: enough to score somebody's ranking.
    """

    ids: tuple[str, ...]
    images: Sequence | None = None
    whole: bool = True

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Id to row. Raises BenchmarkError for a duplicate id."""
        refuse_duplicates("gallery id", self.ids)
        return {id: row for row, id in enumerate(self.ids)}

    def row(self, id: str, asked_by: str = "") -> int:
        """The row of one id. Raises BenchmarkError, with the nearest id, where the gallery has none."""
        if id not in self.index:
            who = f"{asked_by}: " if asked_by else ""
            raise BenchmarkError(
                f"{who}{id!r} is not among the gallery's {len(self)} ids.{nearest(id, self.ids)}"
            )
        return self.index[id]


@dataclass(frozen=True, eq=False)
class Qrels:
    """What counts as right, by row of the gallery. -1 pads and is never an index.

    targets: every right answer; column 0 is THE labelled target.
    excluded: never ranked (CIRR: the reference image).
    candidates: where given, only these are ranked (CIRR subset, GeneCIS, i-CIR).

    Raises BenchmarkError where a field is no integer matrix, rows differ in number, or a row names a picture twice.
    """

    targets: Int["Q T"]
    excluded: Int["Q E"] | None = None
    candidates: Int["Q C"] | None = None

    def __post_init__(self):
        targets = _index_matrix("targets", self.targets)
        if targets.shape[1] == 0:
            raise BenchmarkError(
                "targets: got no column; a query needs room for one target (-1 where it is hidden)"
            )
        empty = np.empty((len(targets), 0), np.int32)
        excluded = empty if self.excluded is None else _index_matrix("excluded", self.excluded)
        candidates = None if self.candidates is None else _index_matrix("candidates", self.candidates)
        for name, matrix in (("excluded", excluded), ("candidates", candidates)):
            if matrix is not None and len(matrix) != len(targets):
                raise BenchmarkError(f"{name}: got {len(matrix)} rows, expected {len(targets)} as in targets")
        object.__setattr__(self, "targets", targets)
        object.__setattr__(self, "excluded", excluded)
        object.__setattr__(self, "candidates", candidates)

    def __len__(self) -> int:
        return len(self.targets)

    def rows(self, queries) -> Qrels:
        """The same for some of the queries (a slice, or an array of rows)."""
        candidates = None if self.candidates is None else self.candidates[queries]
        return Qrels(self.targets[queries], self.excluded[queries], candidates)

    def check(self, n_queries: int, n_gallery: int, name: str = "qrels") -> None:
        """Raises BenchmarkError where the number of rows or an index does not fit the queries and the gallery."""
        if len(self) != n_queries:
            raise BenchmarkError(
                f"{name}: got {len(self)} rows, expected one for each of {n_queries} queries"
            )
        for part, matrix in (
            ("targets", self.targets),
            ("excluded", self.excluded),
            ("candidates", self.candidates),
        ):
            if matrix is not None and (matrix >= n_gallery).any():
                query, column = np.argwhere(matrix >= n_gallery)[0]
                raise BenchmarkError(
                    f"{name}.{part}: query {query} points at row {matrix[query, column]}, "
                    f"but the gallery has {n_gallery} pictures"
                )


@dataclass(frozen=True)
class Card:
    """Where a benchmark comes from. `counts` are published numbers that `Benchmark.validate` holds it to: queries,
    gallery, references (distinct), targets (all that are labelled), blank_texts and without_target (0 unless stated),
    or the number of different values of a tag."""

    name: str
    licence: str
    citation: str
    source: str
    description: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """One number of a set's official report, under the name its own evaluation gives it: a metric over queries.

    where: only the queries whose tag has this value, such as ("aspect_negation", "yes").
    over: the tag whose values weigh the same (FashionIQ's mean over categories); within: how the queries of one value
    become a number first, "mean" or "min" (i-CIR's worst query). averaged_with: further metrics that are averaged with
    it, each weighing the same (CIRR's mean of Recall@5 and Recall_subset@1).
    """

    name: str
    metric: str
    where: tuple[str, str] | None = None
    over: str | None = None
    within: str = "mean"
    averaged_with: tuple[str, ...] = ()

    @property
    def metrics(self) -> tuple[str, ...]:
        """All metrics it is made of."""
        return (self.metric, *self.averaged_with)


@dataclass(frozen=True, eq=False)
class Benchmark:
    """Queries, the gallery they search, and what counts as right.

    qrels: "default" is the main rule; others ("subset", "with_reference") are named in metrics: "subset:recall@1".
    protocol: every choice that changes numbers (gallery rule, reference excluded or not, caption-join rule ...).
    references: pictures of the queries whose reference is not in the gallery, in the order of those queries.
    summaries: the set's official numbers, where they are more than each metric's mean.
    """

    name: str
    split: str
    queries: tuple[Query, ...]
    gallery: Gallery
    qrels: Mapping[str, Qrels]
    metrics: tuple[str, ...]
    protocol: Mapping[str, str]
    card: Card
    references: Sequence | None = None
    summaries: tuple[Summary, ...] = ()

    @cached_property
    def clusters(self) -> Int[" Q"]:
        """A number per query; queries with the same reference image share it."""
        numbers: dict[str, int] = {}
        return np.array([numbers.setdefault(q.reference_image, len(numbers)) for q in self.queries], np.int32)

    def validate(self) -> None:
        """Raises BenchmarkError with the first wrong count, index, duplicate or empty text, by name."""
        from workbench.data.validation import validate  # the checks fill a file of their own

        validate(self)


def qrels_from_ids(
    gallery: Gallery,
    targets: Sequence[Sequence[str]],
    excluded: Sequence[Sequence[str]] | None = None,
    candidates: Sequence[Sequence[str]] | None = None,
) -> Qrels:
    """Qrels from lists of ids per query.

    Raises BenchmarkError, naming query and id, for an id not in the gallery or twice in one list.
    """

    def rows(name: str, lists: Sequence[Sequence[str]], least: int = 0) -> Int["Q W"]:
        matrix = np.full((len(lists), max([least, *map(len, lists)])), -1, np.int32)
        for query, ids in enumerate(lists):
            matrix[query, : len(ids)] = [gallery.row(id, f"{name} of query {query}") for id in ids]
            refuse_duplicates(f"{name} of query {query}: id", ids)
        return matrix

    return Qrels(
        rows("targets", targets, least=1),  # a hidden target is a pad
        None if excluded is None else rows("excluded", excluded),
        None if candidates is None else rows("candidates", candidates),
    )


def _index_matrix(name: str, array) -> Int["Q W"]:
    if not isinstance(array, np.ndarray) or array.dtype.kind != "i" or array.ndim != 2:
        got = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise BenchmarkError(f"{name}: got {got}, expected a matrix of integers, one row per query")
    if array.size and (array.min() < -1 or array.max() > np.iinfo(np.int32).max):
        raise BenchmarkError(f"{name}: indices must lie between -1 (a pad) and 2**31 - 1, got {array.min()}")
    ordered = np.sort(array, axis=1)
    twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    if twice.any():
        query, column = np.argwhere(twice)[0]
        raise BenchmarkError(f"{name}: query {query} names row {ordered[query, column]} twice")
    matrix = array.astype(np.int32)
    matrix.flags.writeable = False
    return matrix


def refuse_duplicates(what: str, ids: Sequence[str]) -> None:
    """Raises BenchmarkError for an id that stands there more than once."""
    id, times = Counter(ids).most_common(1)[0] if ids else ("", 0)
    if times > 1:
        raise BenchmarkError(f"{what} {id!r} occurs {times} times")
