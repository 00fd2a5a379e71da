"""How rows are shared out: in blocks that memory allows, or one share per thread."""

from __future__ import annotations

from collections.abc import Iterator


def equal_slices(n: int, step: int) -> Iterator[slice]:
    """Slices of n things, all as good as equal, of at most ``step`` (1 at least).

    >>> list(equal_slices(7, 3))
    [slice(0, 3, None), slice(3, 6, None), slice(6, 7, None)]
    """
    step = -(-n // -(-n // max(1, step))) if n else 1
    return (slice(start, min(start + step, n)) for start in range(0, n, step))
