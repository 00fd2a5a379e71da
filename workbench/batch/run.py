"""A sweep file's jobs: all of them checked first, the ones that are done left alone, the others run and summed up."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic

from filelock import FileLock, Timeout
from tqdm.auto import tqdm

from workbench import provenance
from workbench.batch.check import (
    check_grids,
    check_values,
    grid_parameters,
    notebook_parameters,
    source_digest,
)
from workbench.batch.executors import Executor, make_executor
from workbench.batch.job import Outcome, finished, run_job, said_of, write_whole
from workbench.batch.spec import Job, Spec, SpecError, job_name
from workbench.progress import progress_bar

WRITE_EVERY = 1.0  # seconds between two summaries


@dataclass(frozen=True)
class Summary:
    """Every job's outcome, in the order of the sweep file; ``path`` is the same as Markdown, with links."""

    jobs: tuple[Job, ...]
    outcomes: tuple[Outcome, ...]
    path: Path

    def count(self, status: str) -> int:
        return sum(outcome.status == status for outcome in self.outcomes)


def plan(spec: Spec) -> list[Job]:
    """The jobs, every name and type held against the notebook. Raises SpecError before anything is started."""
    known, source = notebook_parameters(spec.notebook), source_digest(spec.notebook)
    grids, jobs = grid_parameters(spec.notebook, known), []
    for values in spec.settings():
        check_values(values, known, spec.notebook)
        check_grids(known | values, grids, spec.notebook)
        digest = _digest(source, values)
        name = job_name(values, spec.varying(), digest)
        filled = {key: _filled(value, name) for key, value in values.items()}
        jobs.append(
            Job(name, digest, str(spec.notebook), filled, str(spec.folder), spec.timeout, spec.retries)
        )
    return jobs


def run_batch(
    spec: Spec,
    *,
    again: bool = False,
    executor: Executor | None = None,
    tell: Callable[[str], None] = tqdm.write,
) -> Summary:
    """Run every job that is not done yet; ``again`` runs them all. tell: gets a line for each that finishes.

    Raises SpecError before anything is started, and where another batch is writing to the same folder.
    """
    jobs, folder = plan(spec), spec.folder
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            shutil.rmtree(folder / "trials", ignore_errors=True)  # what a killed batch was running
            known = {} if again else {job.name: done for job in jobs if (done := finished(job))}
            return _run(spec, jobs, known, executor, tell)
    except Timeout:
        raise SpecError(f"another batch is writing to {folder}; wait for it, or give another out:") from None


def _run(spec: Spec, jobs: list[Job], outcomes: dict[str, Outcome], executor, tell) -> Summary:
    todo, written = [job for job in jobs if job.name not in outcomes], -WRITE_EVERY
    if outcomes:
        tell(f"{len(outcomes)} of {len(jobs)} notebooks were done before")
    try:
        with progress_bar(total=len(jobs), initial=len(outcomes), desc=spec.out, unit="notebook") as bar:
            for outcome in _outcomes(spec, todo, executor):
                outcomes[outcome.name] = outcome
                bar.update()
                tell(f"[{len(outcomes)}/{len(jobs)}] {_line(outcome)}")
                if monotonic() - written >= WRITE_EVERY:
                    _write_summary(spec, jobs, outcomes)
                    written = monotonic()
    finally:
        path = _write_summary(spec, jobs, outcomes)
    return Summary(tuple(jobs), tuple(outcomes[job.name] for job in jobs), path)


def _outcomes(spec: Spec, jobs: list[Job], executor: Executor | None) -> Iterator[Outcome]:
    """Each job's outcome as it comes; a job whose worker was lost for good has failed."""
    if not jobs:
        return
    own = executor is None
    executor = make_executor(spec.executor, spec.folder) if own else executor
    try:
        for place, result in executor.gather(executor.map(run_job, jobs)):
            lost = isinstance(result, Exception)
            yield Outcome(jobs[place].name, "failed", error=said_of(result)) if lost else result
    finally:
        if own:
            executor.close()


def _digest(source: str, values: dict) -> str:
    """What a result depends on: the notebook's code, its parameters, the package's version and sources."""
    what = [source, values, provenance.versions()["workbench"], provenance.code_digest()]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def _filled(value, name: str):
    return value.replace("{job}", name) if isinstance(value, str) else value


def _line(outcome: Outcome) -> str:
    """One line for the terminal.

    >>> _line(Outcome("seed=1-0a0b0c0d", "failed", "failed/x.ipynb", 3.21, 2, "cell 3: ValueError: no"))
    'failed  3 s  seed=1-0a0b0c0d  cell 3: ValueError: no (2 attempts)'
    """
    said = [outcome.status, f"{outcome.seconds:.0f} s", outcome.name, outcome.error]
    attempts = f" ({outcome.attempts} attempts)" if outcome.attempts > 1 else ""
    return "  ".join(part for part in said if part) + attempts


def _write_summary(spec: Spec, jobs: list[Job], outcomes: dict[str, Outcome]) -> Path:
    """summary.md for people and summary.json for programs, both whole at any time."""
    import pandas as pd  # with what tables need it costs seconds, for which every worker would wait

    from workbench.tables import to_markdown

    shown = [outcomes.get(job.name, Outcome(job.name, "waiting")) for job in jobs]
    rows = [
        {
            "notebook": f"[{one.name}]({one.notebook})" if one.notebook else one.name,
            "status": one.status,
            **{name: str(job.parameters.get(name, "")) for name in spec.varying()},
            "seconds": f"{one.seconds:.1f}",
            "attempts": one.attempts,
            "error": one.error,
        }
        for job, one in zip(jobs, shown, strict=True)
    ]
    counts = pd.Series([one.status for one in shown]).value_counts()
    said = ", ".join(f"{count} {status}" for status, count in counts.items())
    text = f"# {spec.out}: {spec.notebook.name}\n\n{said}\n\n{to_markdown(pd.DataFrame(rows))}\n"
    write_whole(spec.folder / "summary.md", text)
    write_whole(spec.folder / "summary.json", json.dumps([asdict(one) for one in shown], indent=1))
    return spec.folder / "summary.md"
