"""What an inverter is: who makes a pseudo-word of a picture. See ``pseudo_tokens`` and ``inversion`` for two kinds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from workbench.arrays import Float


@runtime_checkable
class Inverter(Protocol):
    """Pictures' raw rows to words of W numbers. ``id`` names all that a word depends on beside the row."""

    id: str
    width: int

    def words(self, rows: Float["n D"], names: Sequence[str]) -> Float["n W"]:
        """One word per row; ``names`` are content digests, from which random numbers are drawn."""
