"""Runs on disk: one line of JSON each in runs/*.jsonl, and a Parquet file with the numbers of every query beside.

A line is written whole under a lock, after its numbers per query, so several processes may write at once and a kill
costs at most the run in flight; what a killed writer left of a line is dropped, and a last line that only lacks its
end, as some editors leave it, is kept. Secrets of the environment never land in a line or in a Parquet file. Left out:
deleting (remove the line), and search beyond what `cli` and pandas do.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd
from filelock import FileLock

from workbench.paths import inside, runs_root
from workbench.provenance import without_secrets
from workbench.runs.run import Run, RunError, parse_run

FILE = "runs.jsonl"


def append_run(run: Run, folder: Path | str | None = None, file: str = FILE) -> Run:
    """Add one run to runs/<file>; gives back what was written, secrets blotted out.

    Raises PathEscape where ``file`` leads out of the folder.
    """
    path = inside(folder_of(folder), file)
    kept = Run.model_validate(without_secrets(run.model_dump()))
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"), path.open("ab+") as lines:
        _mend_last_line(lines)
        lines.write(kept.model_dump_json().encode() + b"\n")
        lines.flush()
        os.fsync(lines.fileno())
    return kept


def read_runs(folder: Path | str | None = None) -> list[Run]:
    """Every run of runs/*.jsonl, the oldest first, each id once.

    Raises RunError naming file and line where one is not a run; what a kill left of a last line is left out.
    """
    found: dict[str, Run] = {}
    for path in sorted(folder_of(folder).glob("*.jsonl")):
        *lines, rest = path.read_bytes().split(b"\n")
        for number, line in enumerate([*lines, rest] if _is_run(rest) else lines, start=1):
            run = parse_run(line, f"{path.name}, line {number}")
            found.setdefault(run.id, run)
    return sorted(found.values(), key=lambda run: run.created)


def write_queries(id: str, frame: pd.DataFrame, folder: Path | str | None = None) -> str:
    """Keep a run's numbers per query; gives back the file's SHA-256."""
    return write_whole(_queries(id, folder), parquet(frame))


def read_queries(run: Run, folder: Path | str | None = None) -> pd.DataFrame:
    """A run's numbers per query: query, reference, tags, rank, metrics. Raises RunError where they are gone or changed."""
    path = _queries(run.id, folder)
    if not path.is_file():
        raise RunError(f"run {run.id} ({run.name}): its numbers per query are gone, expected them in {path}")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != run.digests["per query"]:
        raise RunError(f"run {run.id} ({run.name}): {path} is not what the run wrote; run it again")
    return pd.read_parquet(io.BytesIO(data))


def runs_frame(runs: Sequence[Run]) -> pd.DataFrame:
    """One row per run: its plain fields, then "params.x", "metrics.x", "notes.x" ... as columns."""
    rows = pd.json_normalize([run.model_dump() for run in runs], max_level=1)
    return rows.map(lambda value: value if isinstance(value, datetime) else _cell(value))


def export_runs(runs: Sequence[Run], path: Path | str) -> None:
    """`runs_frame` as a Parquet file; a column with values of several types is written as text.

    Raises RunError for a name that does not end in .parquet, or that is a folder's.
    """
    if Path(path).suffix != ".parquet" or Path(path).is_dir():
        raise RunError(f"{path}: expected the name of a .parquet file")
    frame = runs_frame(runs)
    mixed = [name for name in frame if frame[name].dropna().map(type).nunique() > 1]
    write_whole(Path(path), parquet(frame.astype(dict.fromkeys(mixed, "str"))))


def folder_of(folder: Path | str | None) -> Path:
    """The folder of runs: runs/ in the workbench's home unless given."""
    return runs_root() if folder is None else Path(folder)


def _queries(id: str, folder: Path | str | None) -> Path:
    return inside(folder_of(folder), f"queries/{id}.parquet")


def _cell(value):
    """Lists and mappings as text, as a column can hold them."""
    return value if value is None or isinstance(value, str | int | float) else str(value)


def parquet(frame: pd.DataFrame) -> bytes:
    """A Parquet file's content, secrets blotted out: the same for the same frame."""
    buffer = io.BytesIO()
    _without_secrets(frame).to_parquet(buffer, index=False)
    return buffer.getvalue()


def _without_secrets(frame: pd.DataFrame) -> pd.DataFrame:
    for name in frame:
        texts = {value for value in frame[name] if isinstance(value, str)}
        blotted = {text: kept for text in texts if (kept := without_secrets(text)) != text}
        if blotted:
            frame = frame.assign(**{name: [blotted.get(value, value) for value in frame[name]]})
    return frame


def write_whole(path: Path, data: bytes) -> str:
    """A file whole or not at all (temporary file, then rename); gives back its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return hashlib.sha256(data).hexdigest()


def _mend_last_line(file) -> None:
    """End a last line that is a run but for its newline, cut off any other rest; only called with the lock held."""
    size = end = file.seek(0, os.SEEK_END)
    while end and (file.seek(end - 1), file.read(1))[1] != b"\n":
        end -= 1
    file.seek(end)
    if end < size and _is_run(file.read()):
        file.write(b"\n")
    elif end < size:
        file.truncate(end)
    file.seek(0, os.SEEK_END)


def _is_run(line: bytes) -> bool:
    try:
        parse_run(line, "the last line")
    except RunError:
        return False
    return True
