"""What every measure here does at its door: unit rows in float64, enough of them, of one width."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from workbench.arrays import Float, check_shape, unit
from workbench.errors import UserError

BLOCK_BYTES = 64 * 2**20
COINCIDE = 1e-9  # shorter than this, a vector between unit rows is rounding


class GeometryError(UserError, ValueError):
    """A measure has no value for these rows; the message says which rows would give one."""


def unit64(rows: Float["n D"], name: str = "rows", least: int = 1) -> Float["n D"]:
    """Unit rows in float64. Raises ArrayError for rows without direction, GeometryError for fewer than ``least``."""
    check_shape(name, rows, "n D")
    if len(rows) < least:
        wanted = {1: "a row", 2: "two rows"}.get(least, f"{least} rows")
        raise GeometryError(f"{name}: needs {wanted}, got {len(rows)}")
    return unit(rows.astype(np.float64), name)


def both(images: Float["N D"], texts: Float["M D"], least: int = 1) -> tuple[Float["N D"], Float["M D"]]:
    """Unit rows of both modalities. Raises ArrayError also where they are not of one width."""
    check_shape("texts", texts, "M D", D=check_shape("images", images, "N D")["D"])
    return unit64(images, "images", least), unit64(texts, "texts", least)


def pairs(images: Float["N D"], texts: Float["M D"], least: int = 1) -> tuple[Float["N D"], Float["N D"]]:
    """The same where row i of one belongs to row i of the other, so M is N. Raises GeometryError where it is not."""
    if len(images) != len(texts):
        raise GeometryError(
            f"pairs: got {len(images)} images and {len(texts)} texts, expected as many, in the same order"
        )
    return both(images, texts, least)


def blocks(rows: int, columns: int) -> Iterator[slice]:
    """Slices of rows of a (rows, columns) float64 matrix that fit one block of memory."""
    step = max(1, BLOCK_BYTES // (8 * max(1, columns)))
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))
