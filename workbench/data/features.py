"""Rows that somebody's own model made: read from a file, put into a benchmark's order by their ids.

    FILE.npy                     one (n, D) array of floats
    FILE.npz, FILE.safetensors   one such array; FILE.npz#NAME where it holds several
    ids                          a .txt (one per line), .json (a list) or .csv (the column "id", or its only one);
                                 or an array "ids" in the same .npz

A row is found by its id, never by its place. Nothing is unpickled. Left out: what the rows mean.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.arrays import Float
from workbench.data.benchmark import BenchmarkError
from workbench.data.files import read_json
from workbench.data.ids import find_row, plain_rows
from workbench.errors import UserError
from workbench.registry import nearest

ID_SUFFIXES = (".txt", ".json", ".csv")


class FeaturesError(UserError, ValueError):
    """A file of features cannot be read, or does not fit the benchmark; names the file, the id and what was expected."""


@dataclass(frozen=True, eq=False)
class Features:
    """n rows as a file holds them, and their ids (None: the file names none). `file`: for messages."""

    rows: np.ndarray
    ids: tuple[str, ...] | None
    file: str


def read_features(path: Path | str, ids: Path | str | None = None) -> Features:
    """The rows of FILE or FILE#NAME, with the ids in another file, or in the same .npz.

    Raises FeaturesError where a file is missing, no such file, holds no or several (n, D) arrays of floats, or where
    rows and ids differ in number.
    """
    file, _, name = str(path).partition("#")
    file = Path(file).expanduser()
    readers = {".npy": _from_npy, ".npz": _from_npz, ".safetensors": _from_safetensors}
    if file.suffix not in readers:
        raise FeaturesError(f"{file.name}: expected one of {', '.join(readers)}")
    if not file.is_file():
        raise FeaturesError(f"{file}: there is no such file")
    rows, own = readers[file.suffix](file, name)
    named = own if ids is None else read_ids(ids)
    if named is not None and len(named) != len(rows):
        header = f"; is {named[0]!r} a header? call it id" if len(named) == len(rows) + 1 else ""
        raise FeaturesError(
            f"{file.name} has {len(rows):,} rows, but there are {len(named):,} ids for them{header}"
        )
    return Features(rows, named, file.name)


def read_ids(path: Path | str) -> tuple[str, ...]:
    """The ids of a .txt, .json or .csv file, in their order. Raises FeaturesError where it cannot be read so."""
    path = Path(path).expanduser()
    if path.suffix not in ID_SUFFIXES:
        raise FeaturesError(f"{path.name}: ids are read from {', '.join(ID_SUFFIXES)}")
    try:
        ids = _json_ids(path) if path.suffix == ".json" else _text_ids(path)
    except BenchmarkError as error:
        raise FeaturesError(str(error)) from error
    if not ids:
        raise FeaturesError(f"{path.name} holds no id")
    return tuple(ids)


def rows_of(features: Features, wanted: Sequence[str], what: str, spare: str = "refuse") -> Float["n D"]:
    """The rows of the wanted ids, in their order, as float32.

    `what`: "query" or "picture", for messages. spare="drop" leaves rows of other ids away. An id that is unknown as it
    stands may be written as a file name, with zeros or with folders in front.
    Raises FeaturesError for ids that are missing, stand there twice or were not asked for, and for a row that holds
    NaN or infinity, or is all zeros.
    """
    if features.ids is None:
        raise FeaturesError(
            f"{features.file} does not say which row is which {what}: give the ids in a file of their own"
        )
    place = _places(features, wanted, what)
    if spare == "refuse" and len(place) < len(features.ids):
        used = set(place.values())
        other = [id for row, id in enumerate(features.ids) if row not in used]
        raise FeaturesError(
            f"{features.file}: {len(other):,} of {len(features.ids):,} rows belong to no {what} of the benchmark, the "
            f"first to {other[0]!r}.{nearest(other[0], wanted)} Should they be left away, say so (--drop-others)"
        )
    rows = np.asarray(features.rows[np.fromiter(place.values(), np.int64, len(place))])
    with np.errstate(over="ignore"):  # what does not fit into float32 becomes infinite and is refused
        rows = rows.astype(np.float32, copy=False)
    _check_rows(rows, list(place), features.file, what)
    return rows


def _places(features: Features, wanted: Sequence[str], what: str) -> dict[str, int]:
    """Wanted id -> row."""
    id, times = Counter(features.ids).most_common(1)[0]
    if times > 1:
        raise FeaturesError(f"{features.file}: the {what} {id!r} has {times} rows, expected one")
    known: Mapping[str, int] = {id: row for row, id in enumerate(features.ids)}
    if any(id not in known for id in wanted):
        known = _as_written(features, wanted, what)
    missing = [id for id in wanted if id not in known]
    if missing:
        raise FeaturesError(
            f"{features.file}: {len(missing):,} of {len(wanted):,} {_several(what)} have no row, the first is "
            f"{missing[0]!r}.{nearest(missing[0], features.ids)} Its ids are such as {features.ids[0]!r}"
        )
    return {id: known[id] for id in wanted}


def _as_written(features: Features, wanted: Sequence[str], what: str) -> dict[str, int]:
    """Wanted id -> row, ids being written as file names, with zeros or with folders in front (`ids.find_row`)."""
    index, plain = {id: n for n, id in enumerate(wanted)}, plain_rows(wanted)
    found: dict[str, int] = {}
    for row, id in enumerate(features.ids):
        n = find_row(id, index, plain)
        if n is not None and found.setdefault(wanted[n], row) != row:
            first = features.ids[found[wanted[n]]]
            raise FeaturesError(
                f"{features.file}: the {what} {wanted[n]!r} has 2 rows, as {first!r} and {id!r}, expected one"
            )
    return found


def _check_rows(rows: np.ndarray, ids: Sequence[str], file: str, what: str) -> None:
    largest = np.abs(rows).max(axis=1, initial=0)
    for wrong, why in ((~np.isfinite(largest), "holds NaN or infinity"), (largest == 0, "is all zeros")):
        if wrong.any():
            first = ids[int(np.argmax(wrong))]
            raise FeaturesError(
                f"{file}: the row of {what} {first!r} {why} ({int(wrong.sum()):,} of {len(ids):,} such rows)"
            )


def _several(what: str) -> str:
    return "queries" if what == "query" else f"{what}s"


def _from_npy(path: Path, name: str) -> tuple[np.ndarray, None]:
    if name:
        raise FeaturesError(f"{path.name}#{name}: a .npy file holds one array, without a name")
    try:
        rows = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise FeaturesError(f"{path.name} is no .npy file of numbers ({_why(error)})") from error
    if not _are_rows(rows.dtype, rows.shape):
        raise FeaturesError(f"{path.name} holds {rows.dtype} {rows.shape}, expected (n, D) floats")
    return rows, None


def _why(error: Exception) -> str:
    """numpy's reason; where it is a pickle, numpy would advise to load it."""
    if "pickle" in str(error) or "Python objects" in str(error):
        return "it holds Python objects, which are never unpickled; save rows with astype('float32'), ids with astype(str)"
    return str(error)


def _from_npz(path: Path, name: str) -> tuple[np.ndarray, tuple[str, ...] | None]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise FeaturesError(f"{path.name} is no .npz file of plain arrays ({_why(error)})") from error
    held = {key: (array.dtype, array.shape) for key, array in arrays.items()}
    rows = arrays[_one_of({key: _are_rows(*one) for key, one in held.items()}, name, path)]
    ids = arrays.get("ids")
    if ids is not None and (ids.ndim != 1 or ids.dtype.kind not in "Uiu"):
        raise FeaturesError(
            f"{path.name}: ids is {ids.dtype} {ids.shape}, expected a list of texts or whole numbers"
        )
    return rows, None if ids is None else tuple(map(str, ids.tolist()))


def _from_safetensors(path: Path, name: str) -> tuple[np.ndarray, None]:
    from safetensors import SafetensorError, safe_open

    floats = {"F16", "F32", "F64"}
    try:
        with safe_open(path, framework="numpy") as file:
            slices = {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
            held = {key: (one.get_dtype(), one.get_shape()) for key, one in slices.items()}
            key = _one_of({key: len(shape) == 2 for key, (_, shape) in held.items()}, name, path)
            if held[key][0] not in floats:
                raise FeaturesError(
                    f"{path.name}: {key} is {held[key][0]}, expected one of {', '.join(sorted(floats))}"
                )
            return file.get_tensor(key), None
    except SafetensorError as error:
        raise FeaturesError(f"{path.name} is no .safetensors file ({error})") from error


def _are_rows(dtype: np.dtype, shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 and dtype.kind == "f"


def _one_of(fits: Mapping[str, bool], name: str, path: Path) -> str:
    """The array asked for by name, or the only one that fits."""
    if name and name not in fits:
        raise FeaturesError(
            f"{path.name} has no array {name!r}.{nearest(name, fits)} It has: {', '.join(fits)}"
        )
    found = [key for key, fit in fits.items() if fit and name in ("", key)]
    if len(found) != 1:
        raise FeaturesError(
            f"{path.name} holds {len(found)} arrays of (n, D) floats ({', '.join(found) or ', '.join(fits) or 'nothing'}), "
            f"expected one; name it: {path.name}#NAME"
        )
    return found[0]


def _json_ids(path: Path) -> list[str]:
    ids = read_json(path)
    if not isinstance(ids, list) or any(isinstance(id, bool) or not isinstance(id, str | int) for id in ids):
        raise FeaturesError(f"{path.name}: expected a list of texts or whole numbers")
    return [str(id) for id in ids]


def _text_ids(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FeaturesError(f"{path} cannot be read as text ({error})") from error
    if path.suffix == ".txt":
        return [line.strip() for line in text.splitlines() if line.strip()]
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if len(header) > 1 and "id" not in header:
        raise FeaturesError(f"{path.name}: its header {','.join(rows[0])!r} has no column 'id'")
    column = header.index("id") if "id" in header else 0
    return [row[column].strip() for row in (rows[1:] if "id" in header else rows) if len(row) > column]
