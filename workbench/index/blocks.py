"""How much is held at a time."""

from __future__ import annotations

from collections.abc import Iterator

BLOCK_CELLS = 2**24  # scores: 64 MiB in float32


def slices(n: int, cells_each: int, cells: int | None = None) -> Iterator[slice]:
    """Slices of n things, each of `cells_each` scores, with at most `cells` (BLOCK_CELLS) together; one at least.

    >>> list(slices(5, cells_each=10, cells=20))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = max(1, (BLOCK_CELLS if cells is None else cells) // max(1, cells_each))
    return (slice(start, min(start + step, n)) for start in range(0, n, step))
