"""Where jobs run: here, on a Dask cluster, or as SLURM jobs. Four methods, so that a batch need not know.

Work and items travel by pickle among one's own processes: a scheduler's address must be one that is trusted, and a
cluster started here listens on this machine only. On several machines the batch's folder must be one they share.
Left out: ray, mpi; a class with these four methods is an executor.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import sleep
from typing import Protocol

from workbench.batch.spec import Dask, InProcess, SpecError, Submitit

ANSWER = 30  # seconds that a scheduler may take to answer
POLL = 0.5  # seconds between two looks at a queue
HOURS = 12  # of one SLURM job, unless `timeout_min` is among the options


class Executor(Protocol):
    """Runs work on items. What `submit` gives back only `gather` understands."""

    def submit(self, work: Callable, item): ...

    def map(self, work: Callable, items: Sequence) -> list: ...

    def gather(self, handles: Sequence) -> Iterator[tuple[int, object]]:
        """(place, result) as each finishes; an exception that was raised is given as the result."""

    def close(self) -> None: ...


class _Mapped:
    def map(self, work: Callable, items: Sequence) -> list:
        return [self.submit(work, item) for item in items]

    def close(self) -> None:
        """Nothing to close."""


class InProcessExecutor(_Mapped):
    """One after the other, in this process, when gathered."""

    def submit(self, work: Callable, item):
        return lambda: work(item)

    def gather(self, handles: Sequence) -> Iterator[tuple[int, object]]:
        for place, run in enumerate(handles):
            yield place, _result_of(run)


class DaskExecutor(_Mapped):
    """A scheduler's workers. A worker that dies is replaced, and what it was doing is done again elsewhere."""

    def __init__(self, workers: int = 2, address: str | None = None):
        try:
            from distributed import Client, LocalCluster
        except ImportError:
            raise SpecError("executor dask: needs the package distributed, in the extra 'sweeps'") from None
        self.cluster = None
        if address is None:
            self.cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,  # papermill changes the working folder, which threads share
                host="127.0.0.1",
                dashboard_address=None,
                silence_logs=logging.ERROR,
            )
        try:
            self.client = Client(self.cluster or address, timeout=ANSWER)
        except (OSError, ValueError) as error:
            raise SpecError(f"executor dask: no scheduler answers at {address}: {error}") from error

    def submit(self, work: Callable, item):
        return self.client.submit(work, item, pure=False, retries=2)

    def gather(self, handles: Sequence) -> Iterator[tuple[int, object]]:
        from distributed import as_completed

        place = {future.key: i for i, future in enumerate(handles)}
        for future in as_completed(handles):
            yield place[future.key], _result_of(future.result)

    def close(self) -> None:
        self.client.close()
        if self.cluster is not None:
            self.cluster.close()


class SubmititExecutor:
    """One SLURM job per item, as an array; its logs lie in ``folder``."""

    def __init__(self, folder: Path, cluster: str = "slurm", options: dict | None = None):
        try:
            import submitit
        except ImportError:
            raise SpecError("executor submitit: needs the package submitit, in the extra 'slurm'") from None
        try:
            self.queue = submitit.AutoExecutor(folder=folder, cluster=cluster)
            self.queue.update_parameters(**{"timeout_min": 60 * HOURS, **(options or {})})
        except (RuntimeError, NameError, TypeError, ValueError) as error:
            raise SpecError(f"executor submitit: {error}") from error

    def submit(self, work: Callable, item):
        return self.queue.submit(work, item)

    def map(self, work: Callable, items: Sequence) -> list:
        return self.queue.map_array(work, items)

    def gather(self, handles: Sequence) -> Iterator[tuple[int, object]]:
        waiting = dict(enumerate(handles))
        while waiting:
            for place in [place for place, job in waiting.items() if job.done()]:
                yield place, _result_of(waiting.pop(place).result)
            sleep(POLL if waiting else 0)

    def close(self) -> None:
        """Jobs are SLURM's; what is still queued goes on."""


def make_executor(choice: InProcess | Dask | Submitit, folder: Path) -> Executor:
    """The executor a sweep file asks for. Raises SpecError where its package or its scheduler is missing."""
    if isinstance(choice, Dask):
        return DaskExecutor(choice.workers, choice.address)
    if isinstance(choice, Submitit):
        return SubmititExecutor(folder / "logs", choice.cluster, choice.options)
    return InProcessExecutor()


def _result_of(call: Callable) -> object:
    try:
        return call()
    except Exception as error:  # given back, to be told beside the job it belongs to
        return error
