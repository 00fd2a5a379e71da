"""How rows are shared out: in blocks that memory allows, or one share per thread."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from typing import TypeVar

Made = TypeVar("Made")
TOGETHER = 64  # queries that are better multiplied together than apart


def query_shares(n: int, most: int) -> list[slice]:
    """Shares of n queries to be counted side by side: an even number of at most ``most``; few queries stay together.

    They do not depend on how many workers there are, and neither do the sums over queries that follow.

    >>> query_shares(2000, 512), query_shares(100, 512)
    ([slice(0, 500, None), slice(500, 1000, None), slice(1000, 1500, None), slice(1500, 2000, None)], [slice(0, 100, None)])
    """
    number = -(-n // max(1, most))
    number += number % 2 if n >= 2 * TOGETHER else 0
    return list(equal_slices(n, -(-n // max(1, number))))


def equal_slices(n: int, step: int) -> Iterator[slice]:
    """Slices of n things, all as good as equal, of at most ``step`` (1 at least).

    >>> list(equal_slices(7, 3))
    [slice(0, 3, None), slice(3, 6, None), slice(6, 7, None)]
    """
    step = -(-n // -(-n // max(1, step))) if n else 1
    return (slice(start, min(start + step, n)) for start in range(0, n, step))


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def side_by_side(jobs: Sequence[Callable[[], Made]], workers: int) -> list[Made]:
    """What the jobs return; a single worker is this thread, since a new one would first have to wait its turn."""
    if workers == 1 or len(jobs) == 1:
        return [job() for job in jobs]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda job: job(), jobs))  # an error leaves undone what was not begun


@contextmanager
def one_blas_thread_each() -> Iterator[bool]:
    """One thread per matrix product, so that workers do not fight for cores; False where that cannot be had."""
    if find_spec("threadpoolctl") is None:
        yield False
        return
    with _blas().limit(limits=1, user_api="blas"):
        yield True


@cache
def _blas():
    """NumPy's BLAS, which is loaded by now; to look for it takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
