"""Ranking files: what somebody retrieved, whoever made it and with whatever model.

    .json     {"query": [picture, ...], ...}, best first; CIRCO's submission is one, CIRR's two are, with "version"
              and "metric" beside the queries
    .csv      a header with query, picture and rank or score, a row per retrieved picture; or, without one,
              a row per query: the query, then its pictures, best first
    TREC run  query Q0 picture rank score tag

Ids stay as they are written; numbers become texts. Left out: what the ids mean, which the benchmark knows.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from workbench.data.benchmark import BenchmarkError
from workbench.data.files import read_json
from workbench.errors import UserError

FORMATS = ("json", "csv", "trec")
DELIMITERS = ("\t", ",", ";")
CIRR_KINDS = ("recall", "recall_subset")
HEADERS = {
    "query": ("query", "query_id", "qid", "pairid", "pair_id"),
    "picture": (
        "picture",
        "picture_id",
        "image",
        "image_id",
        "img_id",
        "docid",
        "doc_id",
        "prediction",
        "candidate",
    ),
    "rank": ("rank", "position"),
    "score": ("score", "similarity"),
}


class PredictionsError(UserError, ValueError):
    """A ranking file cannot be read, or does not fit the benchmark; names the file, query and picture."""


@dataclass(frozen=True)
class Rankings:
    """Query id -> picture ids, best first. `kind`: which of CIRR's two server files it is, None for any other file."""

    lists: Mapping[str, tuple[str, ...]]
    kind: str | None = None
    format: str = "json"


def read_rankings(path: Path | str, format: str | None = None) -> Rankings:
    """A ranking file in any known format, recognised by its content unless `format` says which ("json", "csv", "trec").

    Raises PredictionsError where the file cannot be read, or lists a picture twice for a query.
    """
    path = Path(path)
    if format is not None and format not in FORMATS:
        raise PredictionsError(f"format {format!r}: expected one of {', '.join(FORMATS)}")
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise PredictionsError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise PredictionsError(f"{path} cannot be read as text ({error})") from error
    format = format or _recognise(text, path)
    kind = None
    if format == "json":
        lists, kind = _from_json(path)
    else:
        lists = {"csv": _from_csv, "trec": _from_trec}[format](text, path)
    for query, pictures in lists.items():
        if len(set(pictures)) < len(pictures):
            twice = next(p for i, p in enumerate(pictures) if p in pictures[:i])
            raise PredictionsError(f"{path.name}: query {query!r} lists picture {twice!r} twice")
    if not lists:
        raise PredictionsError(f"{path.name}: holds no ranking")
    return Rankings(lists, kind, format)


def _recognise(text: str, path: Path) -> str:
    first = text.lstrip().partition("\n")[0]
    if first.startswith(("{", "[")):
        return "json"
    if len(fields := first.split()) == 6 and fields[1].upper() in ("Q0", "0"):  # which nobody reads
        return "trec"
    if any(delimiter in first for delimiter in DELIMITERS):
        return "csv"
    raise PredictionsError(
        f"{path.name}: its first line {first[:60]!r} is no JSON, CSV or TREC run (query Q0 picture rank score tag)"
    )


def _from_json(path: Path) -> tuple[dict[str, tuple[str, ...]], str | None]:
    try:
        parsed = read_json(path)
    except BenchmarkError as error:
        raise PredictionsError(str(error)) from error
    if not isinstance(parsed, dict):
        raise PredictionsError(
            f"{path.name}: expected an object of queries and lists, got a {type(parsed).__name__}"
        )
    version, kind = parsed.pop("version", None), parsed.pop("metric", None)
    if kind is not None and kind not in CIRR_KINDS:
        raise PredictionsError(f"{path.name}: metric is {kind!r}, expected one of {', '.join(CIRR_KINDS)}")
    if kind is not None and version != "rc2":
        raise PredictionsError(f'{path.name}: version is {version!r}, expected "rc2"')
    lists = {}
    for query, pictures in parsed.items():
        if not isinstance(pictures, list):
            raise PredictionsError(
                f"{path.name}: query {query!r} holds {repr(pictures)[:60]}, expected a list of pictures"
            )
        wrong = [picture for picture in pictures if type(picture) not in (str, int)]  # True is a bool, no int
        if wrong:
            raise PredictionsError(
                f"{path.name}: query {query!r} lists {wrong[0]!r}, expected a text or a whole number"
            )
        lists[query] = tuple(map(str, pictures))
    return lists, kind


def _from_csv(text: str, path: Path) -> dict[str, tuple[str, ...]]:
    first = text.lstrip().partition("\n")[0]
    delimiter = next((one for one in DELIMITERS if one in first), ",")
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    names = [name.strip().lower() for name in rows[0]]
    column = {kind: names.index(name) for kind, known in HEADERS.items() for name in known if name in names}
    if "query" not in column:
        return _wide(rows, path)
    missing = "picture" if "picture" not in column else "rank or score"
    if "picture" not in column or not column.keys() & {"rank", "score"}:
        raise PredictionsError(f"{path.name}: its header {','.join(rows[0])!r} has no {missing}")
    found = []
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(names):
            raise PredictionsError(f"{path.name}, row {number}: got {len(row)} fields, expected {len(names)}")
        cells = {kind: row[i].strip() for kind, i in column.items()}
        found.append((cells["query"], cells["picture"], cells.get("rank"), cells.get("score")))
    return _ordered(found, path)


def _wide(rows: Sequence[Sequence[str]], path: Path) -> dict[str, tuple[str, ...]]:
    """A row per query. Two columns, or a query that comes again, would be a table without its header."""
    queries = [row[0].strip() for row in rows]
    if len(set(queries)) < len(queries) or any(len(row) < 2 for row in rows):
        raise PredictionsError(
            f"{path.name}: its first row {','.join(rows[0])[:60]!r} names no columns, and rows are not one per query; "
            "a row per retrieved picture needs the header query,picture,rank"
        )
    return {
        query: tuple(cell.strip() for cell in row[1:] if cell.strip())
        for query, row in zip(queries, rows, strict=True)
    }


def _from_trec(text: str, path: Path) -> dict[str, tuple[str, ...]]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if fields and len(fields) != 6:
            raise PredictionsError(
                f"{path.name}, line {number}: got {len(fields)} fields, expected query Q0 picture rank score tag"
            )
        if fields:
            found.append((fields[0], fields[2], fields[3], fields[4]))
    return _ordered(found, path)


def _ordered(rows: Sequence[tuple], path: Path) -> dict[str, tuple[str, ...]]:
    """Rows (query, picture, rank or None, score or None) as lists, by rank where there is one, else by score.

    Raises PredictionsError for two equal ranks, for two equal scores without ranks, and where the two contradict.
    """
    grouped: dict[str, list[tuple[float, float, str]]] = {}
    for query, picture, rank, score in rows:
        place = _number(rank, "rank", query, path)
        grouped.setdefault(query, []).append((place, -_number(score, "score", query, path), picture))
    lists = {}
    for query, found in grouped.items():
        found.sort(key=lambda one: one[:2])
        for (rank, score, first), (next_rank, next_score, second) in pairwise(found):
            if (rank, score) == (next_rank, next_score) or (rank == next_rank and rank):
                raise PredictionsError(
                    f"{path.name}: query {query!r} has {first!r} and {second!r} at the same place; give each its rank"
                )
            if score > next_score:
                raise PredictionsError(
                    f"{path.name}: query {query!r} ranks {first!r} before {second!r}, which has the higher score"
                )
        lists[query] = tuple(picture for _, _, picture in found)
    return lists


def _number(text: str | None, what: str, query: str, path: Path) -> float:
    try:
        number = 0.0 if text is None else float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise PredictionsError(f"{path.name}: query {query!r} has the {what} {text!r}, expected a number")
    return number
