"""One notebook run by papermill, wherever a worker is: tried again, kept when it fails, marked when it is done.

    <folder>/<name>.ipynb             done: moved here whole
    <folder>/done/<digest>.json       the marker, written last; found again by digest
    <folder>/failed/<name>.1.ipynb    each attempt that failed, up to the cell that did
    <folder>/trials/                  what is running; a killed worker leaves its trial here

Left out: isolation. A notebook is code, and runs with the rights of whoever starts it.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from workbench.batch.spec import Job
from workbench.provenance import without_secrets

KERNEL = "python3"  # of the environment that runs the batch
START_TIMEOUT = 120  # seconds for a kernel to come up on a busy machine
SOCKET_PATH = 90  # characters; systems allow some hundred for the whole path
MESSAGE = 300  # characters of an error that are kept in the summary


@dataclass(frozen=True)
class Outcome:
    """How a job went. status: done, failed, or kept (done before). notebook: inside the batch's folder."""

    name: str
    status: str
    notebook: str | None = None
    seconds: float = 0.0
    attempts: int = 0
    error: str = ""


def run_job(job: Job) -> Outcome:
    """Run a job's notebook, at most 1 + retries times. A failure is an outcome, not an exception."""
    before, error, kept = perf_counter(), "", None
    for attempt in range(1, job.retries + 2):
        trial = Path(job.folder, "trials", f"{job.name}.{secrets.token_hex(4)}.ipynb")
        trial.parent.mkdir(parents=True, exist_ok=True)
        try:
            _execute(job, trial)
        except Exception as problem:  # whatever a notebook or its kernel does, the other jobs go on
            error = said_of(problem, job.timeout)
            kept = _keep_failed(job, trial, attempt)
            continue
        outcome = Outcome(job.name, "done", f"{job.name}.ipynb", _since(before), attempt)
        return _finish(job, trial, outcome)
    return Outcome(job.name, "failed", kept, _since(before), job.retries + 1, error)


def finished(job: Job) -> Outcome | None:
    """The outcome of a job that is done already: its marker is there and its notebook is the one that was marked."""
    marker = Path(job.folder, "done", f"{job.digest}.json")
    try:
        kept = json.loads(marker.read_text("utf-8"))
        digest = hashlib.sha256(Path(job.folder, f"{job.name}.ipynb").read_bytes()).hexdigest()
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    if kept.get("sha256") != digest:
        return None
    return Outcome(job.name, "kept", f"{job.name}.ipynb", kept["seconds"], kept["attempts"])


def _execute(job: Job, trial: Path) -> None:
    import papermill  # the `notebooks` extra
    from traitlets.config import Config

    with _environment(TQDM_DISABLE="1"), tempfile.TemporaryDirectory(prefix="wb-") as private:
        papermill.execute_notebook(
            job.notebook,
            str(trial),
            parameters=job.parameters,
            kernel_name=KERNEL,
            start_timeout=START_TIMEOUT,
            execution_timeout=job.timeout,
            progress_bar=False,
            cwd=str(Path(job.notebook).parent),
            config=Config({"KernelManager": _sockets(private)}),
        )


def _sockets(folder: str) -> dict[str, str]:
    """Sockets in a folder of the job's own: nobody listens in, and no two kernels race for a port.

    The path must be said: left to itself, every kernel started in one folder takes the same. One that is too long for
    a socket leaves papermill's TCP ports.
    """
    return {"transport": "ipc", "ip": f"{folder}/k"} if len(folder) < SOCKET_PATH else {}


def _finish(job: Job, trial: Path, outcome: Outcome) -> Outcome:
    """Move the notebook into place, then mark it: a kill in between costs one run and never lies."""
    digest = hashlib.sha256(trial.read_bytes()).hexdigest()
    os.replace(trial, Path(job.folder, f"{job.name}.ipynb"))
    marker = asdict(outcome) | {"sha256": digest, "finished": datetime.now(UTC).isoformat(timespec="seconds")}
    write_whole(Path(job.folder, "done", f"{job.digest}.json"), json.dumps(marker, indent=1))
    return outcome


def _keep_failed(job: Job, trial: Path, attempt: int) -> str | None:
    if not trial.is_file():  # it failed before papermill wrote anything
        return None
    kept = Path(job.folder, "failed", f"{job.name}.{attempt}.ipynb")
    kept.parent.mkdir(exist_ok=True)
    shutil.move(trial, kept)
    return f"failed/{kept.name}"


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.write_text(text, "utf-8")
    os.replace(temporary, path)


def said_of(problem: Exception, timeout: int | None = None) -> str:
    """One line: which error, in which cell, without secrets. timeout: the limit that a cell may have run into."""
    if (
        timeout is not None and type(problem).__name__ == "CellTimeoutError"
    ):  # its own words are the whole cell
        return f"CellTimeoutError: a cell took more than {timeout} s; it is the last one with a number in the notebook"
    name, value = getattr(problem, "ename", type(problem).__name__), getattr(problem, "evalue", str(problem))
    cell = f"cell {problem.exec_count}: " if getattr(problem, "exec_count", None) else ""
    value = " ".join(str(value).split())
    return without_secrets(f"{cell}{name}: {value}" if value else f"{cell}{name}")[:MESSAGE]


def _since(before: float) -> float:
    return round(perf_counter() - before, 3)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Environment variables that a kernel started here inherits."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
