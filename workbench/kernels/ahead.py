"""How many pictures score at least as high as a target: the compiled inner loop of one setting.

Where `halfline` counts for all settings of a grid, this counts for one, so that it costs next to nothing beside the
matrix product. Scores within rounding error of the target's are not counted but listed; the caller decides them.

Counts are float32 sums, so that eight scores are compared side by side; they are exact below 2**24.
Needs numba (extra "sweeps"). Left out: blocks, workers, and what ranks are made of; see `score.once` and `score.ranks`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

# adding ones in another order changes nothing; dividing by zero gives infinity, not an exception
COMPILED = {"nogil": True, "cache": True, "error_model": "numpy", "fastmath": {"reassoc", "contract"}}
PIECE = 2**22  # scores counted in one float32
FEW = 128  # squares added up in one float32
STRIP = 128  # scores looked at together where some are near


class Asked(NamedTuple):
    """The (query, target) pairs whose ranks are counted, in the order of their queries."""

    query: np.ndarray  # (R,) int64: row of the block of queries
    low: np.ndarray  # (R,) float32: below, a score is surely behind the target's
    high: np.ndarray  # (R,) float32: from here on it is surely ahead
    gone: np.ndarray  # (Q, G) int64: items that do not count; -1 pads
    candidates: np.ndarray  # (Q, C) int64, rising: count only these; C = 0: count all


class Near(NamedTuple):
    """Room for pairs that are too close to call."""

    row: np.ndarray  # (M,) int64: of `Asked`
    item: np.ndarray  # (M,) int64
    score: np.ndarray  # (M,) float32


@njit(**COMPILED)
def inverse_lengths(rows, into):
    """One over each row's Euclidean length: infinite, zero or NaN where a row has no direction.

    Squares are added up in float32, a few at a time, and those sums in float64: fast, and off by 4 ULP at most. Rows
    whose squares would be lost in float32 are taken again in float64.
    """
    for i in range(len(rows)):
        total = 0.0
        for start in range(0, rows.shape[1], FEW):
            some, part = rows[i, start : start + FEW], np.float32(0)
            for d in range(len(some)):
                part += some[d] * some[d]
            total += np.float64(part)
        if not 1e-20 < total < 1e20:
            total = 0.0
            for d in range(rows.shape[1]):
                total += np.float64(rows[i, d]) * np.float64(rows[i, d])
        into[i] = np.float32(1 / np.sqrt(total))


@njit(**COMPILED)
def count(products, scale, bias, first, asked, values, items, near, ahead):
    """Adds a block of items to every row's count. Returns how many pairs are near; beyond the room they are not listed.

    products (V, Q, n): one per view, of the items first ... first + n; scale (V, n). bias (1 or Q, n), or (0, 0).
    values (n,) float32 and items (n,) int64 are room to work in; ahead (R,) int64 is added to.
    """
    close, last, some = 0, -1, 0
    for row in range(len(asked.query)):
        query = asked.query[row]
        if query != last:
            last = query
            _scores(products[:, query], scale, bias, query, values)
            some = _drop(first, asked.gone[query], asked.candidates[query], values, items)
        low, high = asked.low[row], asked.high[row]
        sure, near_too = _at_least_both(values[:some], high, low)
        ahead[row] += sure
        if near_too > sure:
            close = _list(
                row, first, values[:some], low, high, items, asked.candidates.shape[1] > 0, near, close
            )
    return close


@njit(**COMPILED)
def _list(row, first, values, low, high, items, chosen, near, close):
    """Lists the values between two thresholds behind the first `close`; most strips hold none and are only counted."""
    for start in range(0, len(values), STRIP):
        strip = values[start : start + STRIP]
        sure, near_too = _at_least_both(strip, high, low)
        if near_too > sure:
            for c in range(len(strip)):
                if strip[c] >= low and strip[c] < high:
                    if close < len(near.row):
                        near.row[close] = row
                        near.item[close] = first + (items[start + c] if chosen else start + c)
                        near.score[close] = strip[c]
                    close += 1
    return close


@njit(**COMPILED)
def _scores(products, scale, bias, query, values):
    """The scores of one query: its products by view, divided by the items' lengths, and the bias."""
    for j in range(products.shape[1]):
        values[j] = products[0, j] * scale[0, j]
    for v in range(1, len(products)):
        for j in range(products.shape[1]):
            values[j] += products[v, j] * scale[v, j]
    if len(bias):
        mine = bias[query if len(bias) > 1 else 0]
        for j in range(products.shape[1]):
            values[j] += mine[j]


@njit(**COMPILED)
def _drop(first, gone, candidates, values, items):
    """Sinks what does not count; of candidates, brings those of this block to the front. Returns how many are left."""
    n = len(values)
    for g in range(len(gone)):
        if gone[g] >= first and gone[g] < first + n:
            values[gone[g] - first] = -np.inf
    if len(candidates) == 0:
        return n
    begin, end = np.searchsorted(candidates, first), np.searchsorted(candidates, first + n)
    for c in range(begin, end):
        items[c - begin] = candidates[c] - first
        values[c - begin] = values[candidates[c] - first]
    return end - begin


@njit(**COMPILED)
def _at_least_both(values, high, low):
    """How many values of a block are not below each of two thresholds."""
    one, other = np.float32(0), np.float32(0)
    for j in range(len(values)):
        one += np.float32(1) if values[j] >= high else np.float32(0)
        other += np.float32(1) if values[j] >= low else np.float32(0)
    return int(one), int(other)


@njit(**COMPILED)
def _at_least(values, threshold):
    """How many values are not below a threshold."""
    total = 0
    for start in range(0, len(values), PIECE):
        piece, found = values[start : start + PIECE], np.float32(0)
        for j in range(len(piece)):
            found += np.float32(1) if piece[j] >= threshold else np.float32(0)
        total += int(found)
    return total


@njit(**COMPILED)
def at_least(scores, query, threshold, counts):
    """Counts of a given matrix (Q, N): how many scores of row query[r] are at least threshold[r]; queries rise.

    Returns whether the matrix holds no NaN: each row is read once for both.
    """
    row, numbers = 0, 0
    for q in range(len(scores)):
        numbers += _at_least(scores[q], -np.inf)
        while row < len(query) and query[row] == q:
            counts[row] = _at_least(scores[q], threshold[row])
            row += 1
    return numbers == scores.size
