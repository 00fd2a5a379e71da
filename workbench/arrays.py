"""Arrays with named axes, and the checks every layer makes at its door.

Axis letters, everywhere and only so: **Q** queries, **N** gallery, **D** width, **K** terms, **T** targets per query
(padded with -1), **E** excluded, **C** candidates, **R** query parts, **P** sweep points, **B** bank queries.
`Float["Q D"]` in a signature is documentation for the reader and is checked at run time in the tests.

Left out: anything that knows what the rows mean.
"""

from __future__ import annotations

import jaxtyping
import numpy as np

from workbench.errors import UserError


class ArrayError(UserError, ValueError):
    """An array has the wrong shape, type or values; the message names the array."""


class Float:
    """`Float["Q N"]`: a NumPy array of any float type with these axes."""

    def __class_getitem__(cls, axes: str):
        return jaxtyping.Float[np.ndarray, axes]


class Int:
    """`Int["Q T"]`: a NumPy array of any signed integer type with these axes."""

    def __class_getitem__(cls, axes: str):
        return jaxtyping.Int[np.ndarray, axes]


def check_shape(name: str, array, axes: str, **sizes: int) -> dict[str, int]:
    """The size of each axis of `array`, after comparing with `axes` ("Q D", "Q 6") and the sizes known already.

    >>> check_shape("scores", np.zeros((3, 5), np.float32), "Q N")
    {'Q': 3, 'N': 5}
    >>> check_shape("scores", np.zeros((3, 5), np.float32), "Q N", N=4)
    Traceback (most recent call last):
    workbench.arrays.ArrayError: scores: got shape (3, 5), expected "Q N" with N=4

    Raises ArrayError for anything but a NumPy array of exactly these axes.
    """
    if not isinstance(array, np.ndarray):
        raise ArrayError(f'{name}: got a {type(array).__name__}, expected a NumPy array "{axes}"')
    letters = axes.split()
    known = dict(sizes)
    fits = array.ndim == len(letters)
    for letter, size in zip(letters, array.shape, strict=False):
        expected = int(letter) if letter.isdigit() else known.setdefault(letter, size)
        fits = fits and size == expected
    if not fits:
        given = ", ".join(f"{letter}={size}" for letter, size in sizes.items() if letter in letters)
        raise ArrayError(
            f'{name}: got shape {array.shape}, expected "{axes}"' + (f" with {given}" if given else "")
        )
    return {letter: known[letter] for letter in letters if not letter.isdigit()}


def check_finite(name: str, array: np.ndarray) -> None:
    """Raises ArrayError, naming the first bad row, where `array` holds NaN or infinity."""
    bad = ~np.isfinite(array)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ArrayError(
            f"{name}: {int(bad.sum())} of {array.size} values are NaN or infinite, the first at {where}"
        )


def check_unit(name: str, rows: np.ndarray, tolerance: float = 1e-3) -> None:
    """Raises ArrayError, naming the first bad row, where a row's length differs from 1 by more than `tolerance`."""
    lengths = _lengths(rows)
    bad = ~(np.abs(lengths - 1) <= tolerance)  # written so that NaN is bad
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ArrayError(
            f"{name}: row {where} has length {float(lengths[where]):.4g}, expected 1 (unit rows)"
        )


def unit(rows: np.ndarray, name: str = "rows") -> np.ndarray:
    """Rows (..., D) divided by their Euclidean lengths: a new float array (half precision becomes float32).

    Raises ArrayError where a row has no direction (all zeros, NaN, infinity) or the array is not of floats.
    """
    if not isinstance(rows, np.ndarray) or rows.dtype.kind != "f":
        got = rows.dtype if isinstance(rows, np.ndarray) else type(rows).__name__
        raise ArrayError(f"{name}: got {got}, expected a NumPy array of floats")
    rows = rows.astype(np.float32) if rows.dtype == np.float16 else rows
    check_finite(name, rows)
    lengths = _lengths(rows)
    bad = ~((lengths > 0) & np.isfinite(lengths))
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ArrayError(f"{name}: row {where} has length {float(lengths[where])}, so it has no direction")
    return rows / lengths[..., None]


def _lengths(rows: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("...d,...d->...", rows, rows))
