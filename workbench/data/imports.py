"""Imported features, kept: one safetensors file each, rows with their ids, under a name.

    <data>/imported/<benchmark>/<split>/<name>.safetensors

Query parts and gallery views as a case has them: `composed` and `image`, where a model gives no more. Rows stay as
they were given (float32); who scores makes unit rows of them. Left out: making cases of it (`case.imported`).
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from workbench.arrays import Float
from workbench.data.features import Features, FeaturesError
from workbench.paths import data_root, inside
from workbench.provenance import array_digest, text_digest
from workbench.registry import nearest

FORMAT = "workbench-import-1"
UNIT = 1e-3  # rows this close to length 1 are said to be unit rows


@dataclass(frozen=True, eq=False)
class Import:
    """Rows of one model for one benchmark's split: by part for its queries, by view for its pictures.

    rules: how the queries were worded, in the words of the benchmark's protocol, as far as whoever imported them said.
    """

    name: str
    benchmark: str
    split: str
    queries: tuple[str, ...]
    gallery: tuple[str, ...]
    parts: Mapping[str, Float["Q D"]]
    views: Mapping[str, Float["N D"]]
    rules: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def id(self) -> str:
        """ "imported:NAME@" and 12 hex digits over all ids and rows."""
        arrays = [f"{name} {array_digest(rows)}" for name, rows in sorted(self.arrays.items())]
        return f"imported:{self.name}@{text_digest([*self.queries, '', *self.gallery, '', *arrays])[:12]}"

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """All rows, by "part composed", "view image"."""
        parts = {f"part {name}": rows for name, rows in self.parts.items()}
        return parts | {f"view {name}": rows for name, rows in self.views.items()}

    @property
    def width(self) -> int:
        return next(iter(self.views.values())).shape[1]

    def lengths(self) -> str:
        """How long the rows are, in words: "part composed: 8.1 to 12.3"."""
        said = []
        for name, rows in self.arrays.items():
            sizes = np.sqrt(np.einsum("nd,nd->n", rows, rows))
            low, high = float(sizes.min()), float(sizes.max())
            unit = max(abs(low - 1), abs(high - 1)) <= UNIT
            said.append(f"{name}: {'unit rows' if unit else f'rows of length {low:.4g} to {high:.4g}'}")
        return "; ".join(said)

    def features(self, name: str) -> Features:
        """The rows of a part or view, with their ids."""
        if name in self.parts:
            return Features(self.parts[name], self.queries, f"import {self.name!r}, part {name}")
        return Features(self.views[name], self.gallery, f"import {self.name!r}, view {name}")


def write_import(imported: Import, replace: bool = False) -> Path:
    """Keeps an import. Raises FeaturesError where the name is taken (unless `replace`) or no name of a file, and where
    rows differ in width."""
    path = path_of(imported.benchmark, imported.split, imported.name)
    widths = {name: rows.shape[1] for name, rows in imported.arrays.items()}
    if len(set(widths.values())) > 1:
        raise FeaturesError(f"rows that are compared must be equally wide, got {widths}")
    if path.exists() and not replace:
        raise FeaturesError(
            f"{imported.name!r} was imported for {imported.benchmark} {imported.split} already; --replace"
        )
    from safetensors.numpy import save_file

    keys = ("name", "benchmark", "split", "queries", "gallery", "id", "rules")
    facts = {key: getattr(imported, key) for key in keys}
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        arrays = {name: np.ascontiguousarray(rows) for name, rows in imported.arrays.items()}
        save_file(arrays, temporary, {"format": FORMAT, "facts": json.dumps(facts)})
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def read_import(benchmark: str, split: str, name: str) -> Import:
    """A kept import. Raises FeaturesError where there is none of that name, or the file is not what was written."""
    path = path_of(benchmark, split, name)
    if not path.is_file():
        known = import_names(benchmark, split)
        raise FeaturesError(
            f"nothing was imported as {name!r} for {benchmark} {split}.{nearest(name, known)} "
            f"There is: {', '.join(known) or 'nothing'}; see workbench import-embeddings --help"
        )
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
            facts = json.loads((file.metadata() or {})["facts"])
        found = Import(
            facts["name"],
            facts["benchmark"],
            facts["split"],
            tuple(facts["queries"]),
            tuple(facts["gallery"]),
            _of_kind(arrays, "part "),
            _of_kind(arrays, "view "),
            dict(facts.get("rules", {})),
        )
        same = found.id == facts["id"]
    except (SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise FeaturesError(f"{path} is no kept import ({error}); import it again with --replace") from error
    if not same:
        raise FeaturesError(f"{path} is not what was written; import it again with --replace")
    return found


def import_names(benchmark: str, split: str) -> list[str]:
    """What was imported for a benchmark's split."""
    folder = path_of(benchmark, split, "x").parent
    return sorted(path.stem for path in folder.glob("[!.]*.safetensors"))


def path_of(benchmark: str, split: str, name: str) -> Path:
    """Where an import is kept. Raises FeaturesError for a name that is none."""
    for what, text in (("benchmark", benchmark), ("split", split), ("name", name)):
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", text):
            raise FeaturesError(f"{what} {text!r}: expected letters, digits, '_', '-' and '.'")
    return inside(data_root(), Path("imported") / benchmark / split / f"{name}.safetensors")


def _of_kind(arrays: Mapping[str, np.ndarray], kind: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(kind): rows for name, rows in arrays.items() if name.startswith(kind)}
