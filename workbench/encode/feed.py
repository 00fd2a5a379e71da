"""Pictures on their way to a model: read, decoded, prepared, encoded; each stage timed, the first three in processes.

With workers = 0 everything happens in this process. With more, that many spawned processes read, decode and prepare
batches ahead of the model, in their order: what pays on a GPU, while on a CPU they take cores from the model.
Every picture is opened once before the first is encoded, so that all bad ones are met at once, by name. Workers end
with the process that they work for, however it ends. Left out: the model itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context, parent_process
from threading import Thread
from time import perf_counter

import numpy as np
from PIL import Image

from workbench.data.images import PictureError, open_picture, refuse
from workbench.encode.encoder import Encoder
from workbench.errors import UserError
from workbench.progress import progress_bar

STAGES = ("checking", "reading", "decoding", "preprocessing", "waiting", "model")


class WorkerDied(UserError, RuntimeError):
    """A process that prepares pictures ended by itself; says what to try."""


@dataclass(frozen=True)
class Throughput:
    """How long what took, in seconds. With workers, reading to preprocessing are theirs, added up."""

    pictures: int
    seconds: float
    workers: int
    stages: dict[str, float]

    @property
    def slowest(self) -> str:
        """The stage to look at first; each worker's share counts."""
        mine = {
            s: t / (self.workers if s in STAGES[1:4] and self.workers else 1) for s, t in self.stages.items()
        }
        return max((s for s in mine if s != "waiting"), key=mine.get)

    def __str__(self) -> str:
        """One line: pictures, pace, what was slow."""
        if not self.pictures:
            return "nothing to encode: all rows were in the store"
        where = f" (stages before the model in {self.workers} processes)" if self.workers else ""
        parts = ", ".join(f"{name} {took:.1f} s" for name, took in self.stages.items() if took >= 0.05)
        pace = self.pictures / max(self.seconds, 1e-9)
        return (
            f"{self.pictures:,} picture{'s' * (self.pictures != 1)} in {self.seconds:.1f} s, {pace:,.1f} a second; "
            f"slowest: {self.slowest}; {parts}{where}"
        )


@dataclass(eq=False)
class Feed:
    """Gives the rows of batches of pictures, each a list of their numbers, in the order in which they were planned.

    images: ``len``, ``[i]``, and ``read(i) -> bytes`` where reading and decoding can be told apart. An encoder with
    ``prepare`` (picture to tensor, picklable) and ``encode_prepared`` has its preprocessing timed, or done by workers.
    """

    encoder: Encoder
    images: Sequence
    workers: int = 0
    progress: bool = True
    stages: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    pictures: int = 0
    started: float | None = None
    _ready: Generator | None = None

    def plan(self, parts: Sequence[Sequence[int]]) -> None:
        """Says which batches will be asked for; opens every picture of them once. Raises PictureError naming all bad ones."""
        self.started = perf_counter()
        self.pictures = sum(map(len, parts))
        if len(parts) < 2:  # nothing to prepare ahead, and starting processes takes seconds
            self.workers = 0
        source = Source(self.images, keep=False)
        opened = self._from_workers(source, parts) if self.workers else map(source.__getitem__, parts)
        with contextlib.closing(opened) if self.workers else contextlib.nullcontext():
            show = self.progress and len(parts) > 1
            checked = progress_bar(opened, show=show, total=len(parts), desc="check images", unit="batch")
            refuse([problem for batch in checked for problem in batch.problems], len(self.images))
        self.stages["checking"] = perf_counter() - self.started
        if self.workers:
            self._ready = self._from_workers(self._source, parts)

    def __call__(self, part: Sequence[int]) -> np.ndarray:
        """The rows of one batch, as the encoder gave them: the store checks them."""
        start = perf_counter()
        if self._ready is not None:
            batch = next(self._ready)
            self.stages["waiting"] += perf_counter() - start
        else:
            batch = self._source[part]
        refuse(batch.problems, len(self.images))
        for name, took in zip(STAGES[1:4], batch.seconds, strict=True):
            self.stages[name] += took
        start = perf_counter()
        inputs = batch.inputs
        rows = self.encoder.encode_images(inputs) if batch.raw else self.encoder.encode_prepared(inputs)
        self.stages["model"] += perf_counter() - start
        return rows

    @property
    def _source(self) -> Source:
        return Source(self.images, getattr(self.encoder, "prepare", None))

    def close(self) -> None:
        """Lets the workers go."""
        if self._ready is not None:
            self._ready.close()

    @property
    def throughput(self) -> Throughput:
        took = 0.0 if self.started is None else perf_counter() - self.started
        return Throughput(self.pictures, took, self.workers, dict(self.stages))

    def _from_workers(self, source: Source, parts: Sequence[Sequence[int]]) -> Generator[Batch, None, None]:
        """The batches in order; each worker is two ahead at most."""
        workers, context = min(self.workers, len(parts)), get_context("spawn")
        with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(source,)) as pool:
            todo = iter(parts)
            asked = deque(pool.submit(_work, part) for part in islice(todo, 2 * workers))
            try:
                while asked:
                    with _told(workers):
                        batch = asked.popleft().result()
                        asked.extend(pool.submit(_work, part) for part in islice(todo, 1))
                    yield batch
            finally:  # whoever stops early does not wait for batches that nobody wants
                pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _told(workers: int) -> Generator[None, None, None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise WorkerDied(
            f"one of the {workers} processes that prepare pictures ended by itself: killed for want of memory (try "
            'fewer workers, or 0), or started by a script without `if __name__ == "__main__":`. What was encoded is kept'
        ) from error


@dataclass(frozen=True, eq=False)
class Batch:
    """What came of a batch: inputs of the model (or pictures: `raw`), seconds by stage, or the problems of bad pictures."""

    inputs: object
    raw: bool
    seconds: tuple[float, float, float]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Source:
    """Batches by the numbers of their pictures, opened and prepared (prepare None: as they are); without `keep` only opened."""

    images: Sequence
    prepare: object | None = None
    keep: bool = True

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, part: Sequence[int]) -> Batch:
        seconds, inputs, problems = np.zeros(3), [], []
        for i in part:
            start = perf_counter()
            try:
                picture, read = self._picture(i, start)
            except PictureError as error:  # told as text: an error that crosses processes loses its type
                problems.append(str(error))
                continue
            decoded = perf_counter()
            if self.keep:
                inputs.append(picture if self.prepare is None else self.prepare(picture))
            seconds += (read - start, decoded - read, perf_counter() - decoded)
        if problems or self.prepare is None:
            return Batch(inputs, True, tuple(seconds), tuple(problems))
        return Batch(np.stack([np.asarray(one) for one in inputs]), False, tuple(seconds))

    def _picture(self, i: int, start: float) -> tuple[Image.Image, float]:
        """The picture, and when it had been read."""
        if not hasattr(self.images, "read"):
            return self.images[i], start
        data = self.images.read(i)
        read = perf_counter()
        return open_picture(data, self.images.names[i]), read


_mine: list[Source] = []  # in a worker process: what its batches come from


def _begin(source: Source) -> None:
    _mine[:] = [source]
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches all; who asked for the work lets the workers go
    if (
        "torch" in sys.modules
    ):  # as many workers as cores, each with as many threads, would be in each other's way
        sys.modules["torch"].set_num_threads(1)
    # a worker waits for work on a pipe that it holds open itself: without this it would outlive a killed parent
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent_process().join()
    os._exit(1)


def _work(part: Sequence[int]) -> Batch:
    return _mine[0][part]
