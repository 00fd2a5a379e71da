"""A sweep kept beside a run: the run is of one setting, the file has the means of all settings it was chosen among.

A setting of a grid that nobody looks at query by query is a row of a Parquet file, not a run: hundreds of runs that
share everything but two numbers would bury the ones that were meant. The file is named by its content, and the run's
notes name it, so that the map behind a choice is found again and cannot change unseen.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pandas as pd

from workbench.paths import inside
from workbench.runs.run import Run, RunError
from workbench.runs.store import folder_of, parquet, write_whole

NOTE = "sweep"  # the note that names the file


def write_sweep(swept: pd.DataFrame, folder: Path | str | None = None) -> dict[str, str]:
    """Keep a frame of `sweep` in runs/sweeps/; gives back the notes that lead from a run to it."""
    data = parquet(swept)
    name = f"sweeps/{hashlib.sha256(data).hexdigest()}.parquet"
    write_whole(inside(folder_of(folder), name), data)
    return {NOTE: name}


def read_sweep(run: Run, folder: Path | str | None = None) -> pd.DataFrame:
    """The sweep a run's setting was chosen in.

    Raises RunError where the run names none, or where the file is gone or is not what was written.
    """
    if NOTE not in run.notes:
        raise RunError(
            f"run {run.id} ({run.name}) was chosen in no sweep that was kept; its notes: {run.notes}"
        )
    path = inside(folder_of(folder), run.notes[NOTE])
    if not path.is_file():
        raise RunError(f"run {run.id} ({run.name}): its sweep is gone, expected in {path}")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != path.stem:
        raise RunError(f"run {run.id} ({run.name}): {path} is not what was written; sweep again")
    return pd.read_parquet(io.BytesIO(data))
