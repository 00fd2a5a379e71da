"""The compiled heart of a sweep: every competitor is looked at once and counted for all settings.

**Margin.** What a competitor scores more than the target: sum_k w_k (s_k[competitor] - s_k[target]). It beats the
target where the margin is not negative. **Half line.** Along a line of weights the margin changes evenly, from m0 at
the start to m1 at the end; so a competitor beats the target on all of the line, on none of it, or on one side of a
single **flip point** m0 / (m0 - m1). Instead of asking every competitor at every setting, one adds a mark in the
gap between settings where it flips; the running sum of the marks is its count at every setting.

**Near ties.** float32 products are off by rounding. A mark is certain where the margins at the settings on both
sides of it are larger than all errors together; there and elsewhere on the line the float64 score must then agree.
Any other pair is taken up again in float64 (`_decide`), by the formula of `exact` and setting by setting where even
float64 would be too close to call.

Needs numba (extra "sweeps"). Left out: blocks, workers, and what ranks are made of; see `counting`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

CHUNK = 512  # competitors looked at together: their margins stay in the nearest cache
HALF_ULP32, HALF_ULP64 = 2.0**-24, 2.0**-53
DROPPED, OPEN, AHEAD = 0, 1, 2


class LineTable(NamedTuple):
    """`lines.Lines` as the kernel reads it; the first axis is 1 where all queries share it, else one per query."""

    start: np.ndarray  # (L + 1,) int64
    position: np.ndarray  # (Q, P) float64
    ends: np.ndarray  # (Q, L, 2, K) float64
    ends32: np.ndarray  # (Q, L, 2, K) float32
    reach: np.ndarray  # (Q, L) float32: largest error of a margin from rounded similarities
    noise: np.ndarray  # (Q, L) float32: further error, per unit of the largest |s_k - t_k|
    stray: np.ndarray  # (Q, L) float64
    weights: np.ndarray  # (Q, P, K) float64
    spare: float  # error of a margin taken at a corner, for any item
    corners: np.ndarray  # (Q, V, K) float32; V = 0: `low` and `high` are used
    low: np.ndarray  # (Q, K) float32: the smallest of each scaled weight
    high: np.ndarray  # (Q, K) float32


class Rows(NamedTuple):
    """The (query, target) pairs whose ranks are counted."""

    query: np.ndarray  # (R,) int64: row of the block of queries
    target: np.ndarray  # (R, K) float64: similarities of the target
    gone: np.ndarray  # (R, G) int64: items that do not count; -1 pads
    candidates: np.ndarray  # (R, C) int64: count only these; C = 0: count all


class Exact(NamedTuple):
    """What float64 similarities are computed from. With `use` False the float32 ones are taken as they are."""

    use: bool
    parts: np.ndarray  # (K, q, D) float64 raw rows
    part_lengths: np.ndarray  # (K, q)
    views: np.ndarray  # (W, n, D) raw rows of a block of items
    view_lengths: np.ndarray  # (W, n)
    view_of: np.ndarray  # (K,) int64: which view each term faces; -1: a bias, taken as it is


class Scratch(NamedTuple):
    """Room to work in, one per worker."""

    state: np.ndarray  # (n,) uint8
    item: np.ndarray  # (n + 1,) int32
    close: np.ndarray  # (n + 1,) int32
    offset: np.ndarray  # (K, n) float32
    widest: np.ndarray  # (n,) float32
    margin: np.ndarray  # (4, n) float32
    known: np.ndarray  # (n,) int64: the row for which `exact` holds this item's similarities
    exact: np.ndarray  # (n, K) float64


@njit(nogil=True, cache=True)
def count(similarities, first, rows, lines, exact, scratch, ahead, marks):
    """Adds a block of items to the counts of every row. Returns the largest rounding error that was seen.

    similarities (K, q, n) float32 of items first ... first + n. ahead (R, L): competitors that beat the target at
    the line's first setting, before any mark. marks (R, P + L): + 1 where one gets ahead, - 1 where one falls
    behind; line l has its settings and one more place, for beyond the last, from start[l] + l on.
    """
    scratch.known[:] = -1
    worst = 0.0
    target32 = np.empty(similarities.shape[0], np.float32)
    for row in range(len(rows.query)):
        for k in range(len(target32)):
            target32[k] = rows.target[row, k]
        if rows.candidates.shape[1]:
            some = _candidates(first, similarities.shape[2], row, rows, scratch)
        else:
            some, always = _undecided(similarities, first, row, target32, rows, lines, scratch)
            for line in range(ahead.shape[1]):
                ahead[row, line] += always
        _offsets(similarities, rows.query[row], some, target32, scratch)
        for line in range(ahead.shape[1]):
            error = _count_line(similarities, row, line, some, rows, lines, exact, scratch, ahead, marks)
            worst = max(worst, error)
    return worst


@njit(nogil=True, cache=True)
def _candidates(first, n, row, rows, scratch):
    """Collects the row's candidates that stand in this block."""
    some = 0
    for c in range(rows.candidates.shape[1]):
        item = rows.candidates[row, c] - first
        if rows.candidates[row, c] >= 0 and 0 <= item < n:
            counts = True
            for g in range(rows.gone.shape[1]):
                counts &= rows.gone[row, g] != rows.candidates[row, c]
            scratch.item[some] = item
            some += counts
    return some


@njit(nogil=True, cache=True)
def _undecided(similarities, first, row, target32, rows, lines, scratch):
    """Collects the items that may flip somewhere; counts those that are ahead at every setting.

    The margin is linear in the weights, so over all settings it lies between its values at the corners.
    """
    query = rows.query[row]
    shared = query if len(lines.reach) > 1 else 0
    n = similarities.shape[2]
    for start in range(0, n, CHUNK):
        stop = min(start + CHUNK, n)
        _extremes(similarities[:, query, start:stop], target32, shared, lines, scratch)
        low, high = scratch.margin[0], scratch.margin[1]
        spare = np.float32(lines.spare)
        for j in range(stop - start):
            scratch.state[start + j] = np.uint8(high[j] >= -spare) + np.uint8(low[j] > spare)
    for g in range(rows.gone.shape[1]):
        item = rows.gone[row, g] - first
        if rows.gone[row, g] >= 0 and 0 <= item < n:
            scratch.state[item] = DROPPED
    always, some = _sort_out(scratch.state, n, scratch.item)
    return some, always


@njit(nogil=True, cache=True)
def _extremes(similarities, target32, shared, lines, scratch):
    """The lowest and highest margin of each item over all settings, into scratch.margin[0] and [1]."""
    n_terms, n = similarities.shape
    low, high, total = scratch.margin[0], scratch.margin[1], scratch.margin[2]
    offset = scratch.offset
    for k in range(n_terms):
        for j in range(n):
            offset[k, j] = similarities[k, j] - target32[k]
    n_corners = lines.corners.shape[1]
    for corner in range(n_corners):
        _weigh(lines.corners[shared, corner], offset, n, total)
        for j in range(n):
            low[j] = total[j] if corner == 0 or total[j] < low[j] else low[j]
            high[j] = total[j] if corner == 0 or total[j] > high[j] else high[j]
    if n_corners == 0:
        low[:n] = 0
        high[:n] = 0
        for k in range(n_terms):
            least, most = lines.low[shared, k], lines.high[shared, k]
            for j in range(n):
                a, b = least * offset[k, j], most * offset[k, j]
                low[j] += a if a < b else b
                high[j] += b if a < b else a


@njit(nogil=True, cache=True)
def _offsets(similarities, query, some, target32, scratch):
    """Similarities above the target's, of the collected items, side by side; and the largest of each item."""
    for c in range(some):
        scratch.widest[c] = 0
    for k in range(similarities.shape[0]):
        for c in range(some):
            value = similarities[k, query, scratch.item[c]] - target32[k]
            scratch.offset[k, c] = value
            scratch.widest[c] = max(scratch.widest[c], abs(value))


@njit(nogil=True, cache=True)
def _count_line(similarities, row, line, some, rows, lines, exact, scratch, ahead, marks):
    """Marks where the collected items flip along one line."""
    query = rows.query[row]
    shared = query if len(lines.reach) > 1 else 0
    begin, n_settings = lines.start[line], lines.start[line + 1] - lines.start[line]
    m0, m1, error, state = scratch.margin[0], scratch.margin[1], scratch.margin[2], scratch.state
    reach, noise = lines.reach[shared, line], lines.noise[shared, line]
    for end in range(2):
        _weigh(lines.ends32[shared, line, end], scratch.offset, some, scratch.margin[end])
    for c in range(some):
        error[c] = reach + noise * scratch.widest[c]
    for c in range(some):
        below = (m0[c] < -error[c]) & (m1[c] < -error[c])
        above = (m0[c] > error[c]) & (m1[c] > error[c])
        state[c] = np.uint8(1) - np.uint8(below) + np.uint8(above)
    always, close = _sort_out(state, some, scratch.close)
    worst = 0.0
    position = lines.position[shared, begin : begin + n_settings]
    for i in range(close):
        c = scratch.close[i]
        gap = _gap(m0[c], m1[c], error[c], position)
        if gap < 0:
            off = _decide(similarities, row, line, scratch.item[c], rows, lines, exact, scratch, ahead, marks)
            worst = max(worst, off)
        elif m0[c] > 0:
            always += 1
            marks[row, begin + line + gap] -= 1
        else:
            marks[row, begin + line + gap] += 1
    ahead[row, line] += always
    return worst


@njit(nogil=True, cache=True)
def _weigh(weights, offset, n, margin):
    """margin = the weighted sum of the offsets' rows."""
    for j in range(n):
        margin[j] = weights[0] * offset[0, j]
    for k in range(1, len(weights)):
        for j in range(n):
            margin[j] += weights[k] * offset[k, j]


@njit(nogil=True, cache=True)
def _sort_out(state, n, open_ones):
    """Lists which are OPEN; returns how many are AHEAD and how many are open. Written without branches."""
    ahead, some = 0, 0
    for j in range(n):
        ahead += state[j] == AHEAD
    for j in range(n):
        open_ones[some] = j
        some += state[j] == OPEN
    return ahead, some


@njit(nogil=True, cache=True)
def _gap(m0, m1, error, position):
    """The first setting past the flip point, or -1 where a setting beside it is too close to call."""
    slope = m1 - m0
    if not (m0 < -error or m0 > error) or not (m1 < -error or m1 > error):
        return -1
    flip = -m0 / slope
    guess = min(int(flip * len(position)), len(position) - 1)
    while guess > 0 and position[guess - 1] >= flip:
        guess -= 1
    while position[guess] < flip:
        guess += 1
    if guess == 0:
        return -1
    left, right = m0 + position[guess - 1] * slope, m0 + position[guess] * slope
    if m0 < 0:
        return guess if left < -error and right > error else -1
    return guess if left > error and right < -error else -1


@njit(nogil=True, cache=True)
def _decide(similarities, row, line, item, rows, lines, exact, scratch, ahead, marks):
    """Counts one near tie along one line in float64. Returns the rounding error of its float32 similarities."""
    query = rows.query[row]
    worst = 0.0
    if scratch.known[item] != row:
        worst = _look_up(similarities, query, item, exact, scratch.exact[item])
        scratch.known[item] = row
    mine, target = scratch.exact[item], rows.target[row]
    shared = query if len(lines.reach) > 1 else 0
    m0, m1, widest, size = 0.0, 0.0, 0.0, 0.0
    for k in range(len(target)):
        offset = mine[k] - target[k]
        m0 += lines.ends[shared, line, 0, k] * offset
        m1 += lines.ends[shared, line, 1, k] * offset
        widest = max(widest, abs(offset))
        size += max(abs(lines.ends[shared, line, 0, k]), abs(lines.ends[shared, line, 1, k])) * (
            abs(mine[k]) + abs(target[k])
        )
    if widest == 0:  # equal similarities, equal scores: a tie, at every setting
        ahead[row, line] += 1
        return worst
    error = lines.stray[shared, line] * widest + 8 * len(target) * HALF_ULP64 * size
    begin, place = lines.start[line], lines.start[line] + line
    beats = False
    for p in range(begin, lines.start[line + 1]):
        margin = m0 + lines.position[shared, p] * (m1 - m0)
        now = (
            margin > 0
            if abs(margin) > error
            else _score(lines.weights[shared, p], mine) >= _score(lines.weights[shared, p], target)
        )
        if p == begin:
            ahead[row, line] += now
        elif now != beats:
            marks[row, place + p - begin] += 1 if now else -1
        beats = now
    return worst


@njit(nogil=True, cache=True)
def _look_up(similarities, query, item, exact, into):
    """The exact similarities of one pair; returns how far the float32 ones are off."""
    worst = 0.0
    for k in range(len(into)):
        into[k] = similarities[k, query, item]
        view = exact.view_of[k]
        if exact.use and view >= 0:
            value = _dot(exact.parts[k, query], exact.views[view, item])
            value /= exact.part_lengths[k, query] * exact.view_lengths[view, item]
            worst = max(worst, abs(value - into[k]))
            into[k] = value
    return worst


@njit(nogil=True, cache=True)
def _dot(a, b):
    """`exact.dots` of two rows, in the same order."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    whole = len(a) - len(a) % 8
    for d in range(0, whole, 8):
        s0 += np.float64(a[d]) * np.float64(b[d])
        s1 += np.float64(a[d + 1]) * np.float64(b[d + 1])
        s2 += np.float64(a[d + 2]) * np.float64(b[d + 2])
        s3 += np.float64(a[d + 3]) * np.float64(b[d + 3])
        s4 += np.float64(a[d + 4]) * np.float64(b[d + 4])
        s5 += np.float64(a[d + 5]) * np.float64(b[d + 5])
        s6 += np.float64(a[d + 6]) * np.float64(b[d + 6])
        s7 += np.float64(a[d + 7]) * np.float64(b[d + 7])
    rest = np.zeros(8)
    for d in range(whole, len(a)):
        rest[d - whole] = np.float64(a[d]) * np.float64(b[d])
    s0, s1, s2, s3 = s0 + rest[0], s1 + rest[1], s2 + rest[2], s3 + rest[3]
    s4, s5, s6, s7 = s4 + rest[4], s5 + rest[5], s6 + rest[6], s7 + rest[7]
    return ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))


@njit(nogil=True, cache=True)
def _score(weights, similarities):
    """`exact.weighed` of one pair, in the same order."""
    total = weights[0] * similarities[0]
    for k in range(1, len(similarities)):
        total += weights[k] * similarities[k]
    return total


@njit(nogil=True, cache=True)
def settle(lines_start, ahead, marks, counts):
    """Running sums: competitors ahead of each row's target at every setting, (R, P) in the order of the lines."""
    for row in range(len(ahead)):
        for line in range(len(lines_start) - 1):
            total = ahead[row, line]
            for p in range(lines_start[line], lines_start[line + 1]):
                total += marks[row, p + line]
                counts[row, p] = total


@njit(nogil=True, cache=True)
def lengths(rows):
    """`exact.lengths`, in the same order."""
    out = np.empty(len(rows))
    for i in range(len(rows)):
        out[i] = np.sqrt(_dot(rows[i], rows[i]))
    return out


@njit(nogil=True, cache=True)
def dots(parts, query, views):
    """`exact.dots` of parts[query[i]] and views[i], in the same order."""
    out = np.empty(len(views))
    for i in range(len(views)):
        out[i] = _dot(parts[query[i]], views[i])
    return out
