"""What the loaders of real benchmarks share: finding files under a root, reading them, saying what lacks.

Every problem is collected before anything is raised: somebody whose download broke wants the whole list. Left out:
anything that knows a data set, and the decoding of pictures (`images`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
from pydantic import BaseModel, BeforeValidator, TypeAdapter, ValidationError

from workbench.arrays import Int
from workbench.data.benchmark import BenchmarkError
from workbench.data.images import FolderImages
from workbench.paths import benchmark_root
from workbench.registry import nearest

SHOWN = 20  # problems in one message; `MissingFiles.problems` and `workbench check` have them all


class MissingFiles(BenchmarkError):
    """Files are missing or unusable. `problems` names every one of them, `advice` says where to get them.

    there: the pictures that are in their place, which nobody has opened yet.
    """

    def __init__(self, what: str, problems: Sequence[str], advice: str, there: Sequence[FolderImages] = ()):
        self.what, self.problems, self.advice = what, tuple(problems), advice
        self.there = tuple(there)
        more = len(problems) - SHOWN
        shown = "; ".join(problems[:SHOWN]) + (
            f"; and {more:,} more (workbench check lists all)" if more > 0 else ""
        )
        number = "1 problem" if len(problems) == 1 else f"{len(problems):,} problems"
        super().__init__(f"{what}: {number}: {shown}. {advice}")

    def __reduce__(self):
        return type(self), (self.what, self.problems, self.advice, self.there)


def _id(value) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise ValueError(f"expected an id (a text or a whole number), got {value!r}")
    return str(value)


def _number(value) -> str:
    text = _id(value)
    return str(int(text)) if text.isdecimal() else text


Id = Annotated[str, BeforeValidator(_id)]  # files write the same id as 12 or "12"
NumberId = Annotated[str, BeforeValidator(_number)]  # and COCO's as "000000000012" too
Entry = TypeVar("Entry", bound=BaseModel)


@dataclass(frozen=True)
class Place:
    """A benchmark's folder, as the user gave it: the folder itself, one above it, or another codebase's arrangement.

    names: what the folder is called elsewhere (lower case). advice: what to download, and where it belongs.
    """

    what: str
    root: Path
    names: tuple[str, ...]
    advice: str

    @classmethod
    def of(
        cls, loader: str, split: str, splits: Iterable[str], root: Path | str | None, names, advice
    ) -> Place:
        """The place of one split, data/<loader> unless a root is given. Raises BenchmarkError, with the nearest, for a
        split that there is not."""
        if split not in splits:
            raise BenchmarkError(
                f"{loader} has no split {split!r}.{nearest(split, splits)} It has: {', '.join(splits)}"
            )
        root = benchmark_root(loader) if root is None else Path(root).expanduser()
        return cls(f"{loader} {split}", root, (loader, *names), advice)

    def bases(self) -> list[Path]:
        """The root, then its subfolders of the known names, then theirs. Raises BenchmarkError without a root."""
        if not self.root.is_dir():
            raise BenchmarkError(f"{self.what}: {self.root} is not a folder. {self.advice}")
        found = [self.root]
        for base in found:  # grows while it is walked
            if len(base.relative_to(self.root).parts) < 2:
                found += sorted(p for p in base.iterdir() if p.name.lower() in self.names and p.is_dir())
        return found

    def find(self, *relatives: str) -> Path | None:
        """The first of the relative paths that exists, in the order given, under any base."""
        bases = self.bases()
        return next((base / path for path in relatives for base in bases if (base / path).exists()), None)

    def read(self, *relatives: str):
        """Parsed JSON of the first of these relative paths that exists. Raises MissingFiles where there is none, or
        where it cannot be read."""
        path = self.find(*relatives)
        if path is None:
            problem = f"{relatives[0]} is missing (looked in {self.looked()})"
            raise MissingFiles(self.what, [problem], self.advice)
        try:
            return read_json(path)
        except BenchmarkError as error:
            raise MissingFiles(self.what, [str(error)], self.advice) from error

    def looked(self) -> str:
        """The folders that were searched, for an error."""
        return ", ".join(str(base) for base in self.bases())

    def pictures(self, names: Sequence[str] | None, *folders: str) -> FolderImages | None:
        """The named pictures in the first of these folders that exists, each there and not empty.

        names: None where the list of them is missing itself; then only the folder is looked for.
        Raises MissingFiles with every missing or empty picture.
        """
        folder = self.find(*folders)
        if folder is None:
            which = "" if names is None else f", with {len(names):,} pictures"
            problem = f"the folder {folders[0]}/ is missing{which} (looked in {self.looked()})"
            raise MissingFiles(self.what, [problem], self.advice)
        return None if names is None else self.pictures_at(folder, names)

    def pictures_at(self, folder: Path, names: Sequence[str]) -> FolderImages:
        """The named pictures in this folder, each there and not empty. Raises as `pictures`."""
        images = FolderImages(folder.resolve(), names)
        problems = list(dict.fromkeys(images.problems()))
        if problems:
            bad = {problem.rsplit(" is ", 1)[0] for problem in problems}
            there = FolderImages(images.root, [name for name in images.names if name not in bad])
            problems = [f"{folder.name}/{problem}" for problem in problems]
            raise MissingFiles(self.what, problems, self.advice, [there])
        return images


@dataclass
class Problems:
    """What is missing in several steps: somebody whose download broke wants to hear of all of it at once.

    `pairs = problems.collect(place.read, "pairs.json")` and so on for every file and folder; then `problems.stop()`.
    """

    place: Place
    found: list[str] = field(default_factory=list)
    there: list[FolderImages] = field(default_factory=list)

    def collect(self, step: Callable, *given):
        """What the step gives; None where files are missing, whose problems are kept."""
        try:
            return step(*given)
        except MissingFiles as error:
            self.found += error.problems
            self.there += error.there
            return None

    def stop(self) -> None:
        """Raises MissingFiles with all that was collected, where there is any."""
        if self.found:
            found = list(dict.fromkeys(self.found))
            raise MissingFiles(self.place.what, found, self.place.advice, self.there)


def read_json(path: Path):
    """A JSON file. Raises BenchmarkError where it is missing, empty, cut off, not JSON, or names a key twice."""
    try:
        data = path.read_bytes()
        if not data.strip():
            raise BenchmarkError(f"{path} is empty; fetch it again")
        return json.loads(data, object_pairs_hook=_each_key_once, parse_constant=_no_constant)
    except FileNotFoundError:
        raise BenchmarkError(f"{path} is missing") from None
    except OSError as error:
        raise BenchmarkError(f"{path} cannot be read ({error.strerror})") from error
    except _Twice as error:
        raise BenchmarkError(f"{path}: {error}") from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BenchmarkError(f"{path} is not JSON ({_why(data, error)}); fetch it again") from error


def _why(data: bytes, error: Exception) -> str:
    """Cut off in the middle, something else altogether (a page of a web site, a pointer of Git LFS), or a typing error."""
    data = data.strip()
    if data[:1] not in (b"[", b"{"):
        return f"it begins with {data[:40].decode('utf-8', 'replace').splitlines()[0]!r}"
    return str(error) if data[-1:] in (b"]", b"}") else "it ends in the middle, as a broken download does"


class _Twice(ValueError):
    """A key that stands twice in one JSON object, of which a plain parser silently keeps the last."""


def _each_key_once(pairs: list[tuple[str, object]]) -> dict:
    found = dict(pairs)
    if len(found) < len(pairs):
        key, times = Counter(key for key, _ in pairs).most_common(1)[0]
        raise _Twice(f"the key {key!r} stands there {times} times")
    return found


def _no_constant(name: str):
    raise _Twice(f"{name} is no JSON number")


def entries(data, model: type[Entry], file: str) -> list[Entry]:
    """A list of annotation entries, checked field by field; unknown fields are ignored.

    Raises BenchmarkError with the first wrong entries and their number.
    """
    try:
        return TypeAdapter(list[model]).validate_python(data)
    except ValidationError as error:
        found = error.errors(include_url=False)
        wrong = [_wrong(problem, hint=not i) for i, problem in enumerate(found)]
        raise BenchmarkError(
            f"{file}: {len(wrong)} wrong fields: {'; '.join(wrong[:5])}{' ...' if len(wrong) > 5 else ''}"
        ) from None


def _wrong(problem: Mapping, hint: bool) -> str:
    """One wrong field; hint: with what stands there instead, which is the same for all."""
    if not problem["loc"]:
        return f"expected a list of entries, got {type(problem['input']).__name__}"
    where, *field = problem["loc"]
    name = ".".join(str(part) for part in field)
    there = problem["input"]
    said = ""
    if hint and problem["type"] == "missing" and isinstance(there, Mapping):
        said = "." + (nearest(name, there) or f" It has: {', '.join(map(str, there))}")
    return f"entry {where}: {name}: {problem['msg']}{said}" if name else f"entry {where}: {problem['msg']}"


def read_lines(place: Place, *relatives: str) -> list[tuple[int, str]]:
    """Number (from 1) and text of every line that is not blank, of the first of these files that exists.

    Raises MissingFiles where there is none, BenchmarkError where it is no text or has no line.
    """
    path = place.find(*relatives)
    if path is None:
        raise MissingFiles(
            place.what, [f"{relatives[0]} is missing (looked in {place.looked()})"], place.advice
        )
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BenchmarkError(f"{path} cannot be read as text ({error})") from error
    found = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise BenchmarkError(f"{path} is empty; fetch it again")
    return found


def padded(lists: Sequence[Sequence[int]]) -> Int["Q W"]:
    """Rows of unequal length as one matrix, filled up with -1; at least one column."""
    matrix = np.full((len(lists), max([1, *map(len, lists)])), -1, np.int32)
    for query, rows in enumerate(lists):
        matrix[query, : len(rows)] = rows
    return matrix
