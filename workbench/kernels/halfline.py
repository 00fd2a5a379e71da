"""The compiled heart of a sweep: every competitor is looked at once and counted for all settings.

**Margin.** What a competitor scores more than the target: sum_k w_k (s_k[competitor] - s_k[target]). It beats the
target where the margin is not negative. **Half line.** Along a line of weights the margin changes evenly, from m0 at
the start to m1 at the end; so a competitor beats the target on all of the line, on none of it, or on one side of a
single **flip point** m0 / (m0 - m1). Instead of asking every competitor at every setting, one adds a mark in the
gap between settings where it flips; the running sum of the marks is its count at every setting.

**Near ties.** float32 products are off by rounding. A mark is certain where the margins at the settings on both
sides of it are larger than all errors together: the float64 scores must then agree. Any other pair is taken up again
in float64 (`_decide`), by the formula of `score.exact`, and setting by setting where even float64 is too close to call.

Needs numba (extra "sweeps"). Left out: blocks, workers, and what ranks are made of; see `score.counting`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

COMPILED = {
    "nogil": True,
    "cache": True,
    "error_model": "numpy",
}  # dividing by zero gives infinity, not an exception
HALF_ULP64 = 2.0**-53
DROPPED, OPEN, AHEAD = 0, 1, 2
BYTE = 255  # as many as a byte can count
LANES = 8  # counters for items that do not move: one counter changed again and again would have to wait for itself
STRIP = 1024  # items worked on at a time: what is made of them stays in the nearest caches


class LineTable(NamedTuple):
    """`lines.Lines` as the kernel reads it; the first axis of what is marked Q is 1 where all queries share it.

    Counters of line l stand from slot[l] on. First: ahead at the first setting. Where settings stand at whole steps
    (cells > 0): the change in each step. Then the change before each further setting that has no step of its own.
    """

    start: np.ndarray  # (L + 1,) int64: settings of each line
    cells: np.ndarray  # (L,) int64: settings stand at whole numbers of so many equal steps; 0: anywhere
    slot: np.ndarray  # (L + 1,) int64
    step: np.ndarray  # (P,) int64: the whole step at which each setting stands; 0 where there are none
    counter: np.ndarray  # (P,) int64: of its line's, the one for what changes just before each setting
    position: np.ndarray  # (Q, P) float64
    ends: np.ndarray  # (Q, L, 2, K) float64
    ends32: np.ndarray  # (Q, L, 2, K) float32
    reach: np.ndarray  # (Q, L, 2) float32: largest error of the margin at each end from rounded similarities
    noise: np.ndarray  # (Q, L) float32: further error, per unit of the largest |s_k - t_k|
    stray: np.ndarray  # (Q, L) float64
    weights: np.ndarray  # (Q, P, K) float64
    centre: np.ndarray  # (Q, K) float32: all weights stand in a box around it
    axes: np.ndarray  # (Q, A, K) float32: from the centre to the sides of the box
    spare: float  # error of a margin at the box's corners, for any item


class Rows(NamedTuple):
    """The (query, target) pairs whose ranks are counted."""

    query: np.ndarray  # (R,) int64: row of the block of queries
    target: np.ndarray  # (R, K) float64: similarities of the target
    gone: np.ndarray  # (R, G) int64: items that do not count; -1 pads
    candidates: np.ndarray  # (R, C) int64, rising: count only these; C = 0: count all


class Exact(NamedTuple):
    """What float64 similarities are computed from. With `use` False the float32 ones are taken as they are."""

    use: bool
    shift: np.ndarray  # (K, q) float64: what the float32 similarities lack
    parts: np.ndarray  # (K, q, D) raw rows
    part_lengths: np.ndarray  # (K, q) float64
    views: np.ndarray  # (W, n, D) raw rows of a block of items
    view_lengths: np.ndarray  # (W, n) float64
    view_of: np.ndarray  # (K,) int64: which view each term faces; -1: a bias, taken as it is


class Scratch(NamedTuple):
    """Room to work in, one per worker."""

    state: np.ndarray  # (n,) uint8
    item: np.ndarray  # (n + 1,) int32: the open items
    offset: np.ndarray  # (K, STRIP) float32: similarities above the target's
    widest: np.ndarray  # (STRIP,) float32: the largest of them
    margin: np.ndarray  # (3, STRIP) float32
    lane: np.ndarray  # (STRIP,) float32: 1 ... LANES, again and again
    place: np.ndarray  # (STRIP,) int32: see `_even_places`; 0 where it is unclear
    tally: np.ndarray  # (2 C + 2 LANES + 1,) int32, all 0: items at each place of a line of C steps
    unclear: np.ndarray  # (STRIP + 1,) int32
    known: np.ndarray  # (n,) int64: the row for which `exact` holds this item's similarities
    exact: np.ndarray  # (n, K) float64


@njit(**COMPILED)
def count(similarities, first, rows, lines, exact, scratch, marks):
    """Adds a block of items to the counters of every row. Returns the largest rounding error that was seen.

    similarities (K, q, n) float32 of the items first ... first + n, less a shift per query; marks (R, M) int32, see `LineTable`.
    """
    scratch.known[:] = -1
    worst, target = 0.0, np.empty(len(similarities), np.float32)
    for row in range(len(rows.query)):
        query = rows.query[row]
        shared = query if len(lines.reach) > 1 else 0
        for k in range(len(target)):
            target[k] = np.float32(rows.target[row, k] - exact.shift[k, query])
        some, always = _open_items(similarities, first, row, shared, target, rows, lines, scratch)
        mine = marks[row]
        for line in range(len(lines.cells)):
            mine[lines.slot[line]] += always
        for start in range(0, some, STRIP):
            items = scratch.item[start : min(start + STRIP, some)]
            _gather(similarities, query, target, items, scratch)
            off = _count_lines(similarities, row, shared, items, rows, lines, exact, scratch, mine)
            worst = max(worst, off)
    return worst


@njit(**COMPILED)
def _open_items(similarities, first, row, shared, target, rows, lines, scratch):
    """Lists the items that may flip somewhere; returns how many, and how many are ahead at every setting."""
    query, n = rows.query[row], similarities.shape[2]
    if rows.candidates.shape[1]:
        return _candidates(first, n, rows.candidates[row], rows.gone[row], scratch.item), 0
    centre, axes = lines.centre[shared], lines.axes[shared]
    if len(target) == 3 and len(axes) == 2:
        _classify_three(similarities, query, target, centre, axes, lines.spare, scratch.state)
    else:
        for start in range(0, n, STRIP):
            strip = scratch.state[start : min(start + STRIP, n)]
            for k in range(len(target)):
                _subtract(similarities[k, query, start : start + STRIP], target[k], scratch.offset[k])
            _classify(centre, axes, scratch.offset, lines.spare, scratch.margin, strip)
    for g in range(rows.gone.shape[1]):
        item = rows.gone[row, g] - first
        if rows.gone[row, g] >= 0 and 0 <= item < n:
            scratch.state[item] = DROPPED
    return _sort_out(scratch.state, scratch.item)


@njit(**COMPILED)
def _count_lines(similarities, row, shared, items, rows, lines, exact, scratch, marks):
    """Counts the gathered items along every line. Returns the largest rounding error that was seen."""
    # single arrays from here on: to hand on whole tables would take longer than to count a line
    ends, reach, noise = lines.ends32[shared], lines.reach[shared], lines.noise[shared]
    position, start, cells, slot = lines.position[shared], lines.start, lines.cells, lines.slot
    offset, widest, lane = scratch.offset, scratch.widest, scratch.lane
    m0, m1 = scratch.margin[0], scratch.margin[1]
    place, some, worst = scratch.place, len(items), 0.0
    for line in range(len(cells)):
        counters = marks[slot[line] : slot[line + 1]]
        _weigh(ends[line, 0], offset, some, m0)
        _weigh(ends[line, 1], offset, some, m1)
        if cells[line]:
            first, last = reach[line, 0], reach[line, 1]
            _even_places(m0, m1, widest, first, last, noise[line], lane, some, cells[line], place)
            unclear = _tally(place, some, cells[line], scratch.tally, counters)
        else:
            stands = position[start[line] : start[line + 1]]
            unclear = _places(m0, m1, widest, reach[line], noise[line], some, stands, place, counters)
        if unclear:
            off = _take_up(similarities, row, line, items, place, rows, lines, exact, scratch, counters)
            worst = max(worst, off)
    return worst


@njit(**COMPILED)
def _subtract(values, less, into):
    for j in range(len(values)):
        into[j] = values[j] - less


@njit(**COMPILED, fastmath={"contract"})
def _weigh(weights, offset, n, margin):
    """margin = the weighted sum of the offsets' rows; the usual numbers of terms in one go."""
    if len(weights) == 2:
        a, b, x, y = weights[0], weights[1], offset[0], offset[1]
        for j in range(n):
            margin[j] = a * x[j] + b * y[j]
    elif len(weights) == 3:
        a, b, c, x, y, z = weights[0], weights[1], weights[2], offset[0], offset[1], offset[2]
        for j in range(n):
            margin[j] = a * x[j] + b * y[j] + c * z[j]
    elif len(weights) == 4:
        a, b, c, d = weights[0], weights[1], weights[2], weights[3]
        x, y, z, w = offset[0], offset[1], offset[2], offset[3]
        for j in range(n):
            margin[j] = a * x[j] + b * y[j] + c * z[j] + d * w[j]
    else:
        for j in range(n):
            margin[j] = weights[0] * offset[0, j]
        for k in range(1, len(weights)):
            for j in range(n):
                margin[j] += weights[k] * offset[k, j]


@njit(**COMPILED)
def _classify(centre, axes, offset, spare, room, state):
    """Which items of a strip are ahead, or behind, at every setting.

    The margin is linear in the weights: over a box of weights it is its value at the centre, give or take what each
    axis can add.
    """
    n, least = len(state), np.float32(spare)
    middle, along, swing = room[0], room[1], room[2]
    _weigh(centre, offset, n, middle)
    for j in range(n):
        swing[j] = least
    for axis in range(len(axes)):
        _weigh(axes[axis], offset, n, along)
        for j in range(n):
            swing[j] += abs(along[j])
    for j in range(n):
        state[j] = np.uint8(middle[j] >= -swing[j]) + np.uint8(middle[j] > swing[j])


@njit(**COMPILED, fastmath={"contract"})
def _classify_three(similarities, query, target, centre, axes, spare, state):
    """The same for three terms and two axes, PDV's, in one go."""
    x, y, z = similarities[0, query], similarities[1, query], similarities[2, query]
    c0, c1, c2, least = centre[0], centre[1], centre[2], np.float32(spare)
    a0, a1, a2, b0, b1, b2 = axes[0, 0], axes[0, 1], axes[0, 2], axes[1, 0], axes[1, 1], axes[1, 2]
    t0, t1, t2 = target[0], target[1], target[2]
    for j in range(len(state)):
        u, v, w = x[j] - t0, y[j] - t1, z[j] - t2
        middle = c0 * u + c1 * v + c2 * w
        swing = abs(a0 * u + a1 * v + a2 * w) + abs(b0 * u + b1 * v + b2 * w) + least
        state[j] = np.uint8(middle >= -swing) + np.uint8(middle > swing)


@njit(**COMPILED)
def _sort_out(state, item):
    """Lists the OPEN items and counts those AHEAD, without branches."""
    some, always = 0, 0
    for start in range(0, len(state), BYTE):
        strip, ahead = state[start : start + BYTE], np.uint8(0)
        for j in range(len(strip)):
            ahead = np.uint8(ahead + np.uint8(strip[j] == AHEAD))
        always += ahead
    for j in range(len(state)):
        item[some] = j
        some += state[j] == OPEN
    return some, always


@njit(**COMPILED)
def _candidates(first, n, candidates, gone, item):
    """Lists the candidates that stand in this block; they rise."""
    some = 0
    for c in range(len(candidates)):
        if candidates[c] >= first and candidates[c] < first + n:
            counts = True
            for g in range(len(gone)):
                counts &= gone[g] != candidates[c]
            item[some] = candidates[c] - first
            some += counts
    return some


@njit(**COMPILED)
def _gather(similarities, query, target, items, scratch):
    """Puts the items' offsets side by side, and finds the largest of each."""
    widest = scratch.widest
    for c in range(len(items)):
        widest[c] = 0
    for k in range(len(target)):
        values, mine, less = similarities[k, query], scratch.offset[k], target[k]
        for c in range(len(items)):
            mine[c] = values[items[c]] - less
        for c in range(len(items)):
            widest[c] = abs(mine[c]) if abs(mine[c]) > widest[c] else widest[c]


@njit(**COMPILED, fastmath={"contract"})
def _even_places(m0, m1, widest, reach0, reach1, noise, lane, some, cells, place):
    """On a line of equal steps: where each item flips, by a product and a rounding.

    0: unclear; then, each as long as the line: it gets ahead in that step; it falls behind in that step; then, LANES
    each: it is ahead all along; it is behind all along.

    Margins and their errors change evenly, so all settings are clear if the first, the last and the one nearest to
    the flip are. Everything is multiplied by the number of steps, and float32, so that eight items fit side by side.
    """
    zero, one, steps = np.float32(0), np.float32(1), np.float32(cells)
    both, behind = np.float32(2 * cells), np.float32(2 * cells + LANES)
    first, last, noise = reach0 * steps, reach1 * steps, noise * steps
    more = reach1 - reach0
    # the setting on the flip's other side has a larger margin, but perhaps a larger error
    beside = first + abs(more)
    for c in range(some):
        a, slope, rises = m0[c] * steps, m1[c] - m0[c], m1[c] > zero
        flip = -a / slope
        flip = flip if flip > zero else zero  # NaN too
        flip = flip if flip < steps else steps
        nearest = np.rint(flip)
        moves = (a > zero) != rises
        error = noise * widest[c]
        clear = abs(a + nearest * slope) > beside + nearest * more + error
        clear &= (abs(a) > first + error) & (abs(m1[c] * steps) > last + error)
        there = np.floor(flip) + one + (zero if rises else steps)
        still = lane[c] + (both if rises else behind)
        there = there if moves else still
        place[c] = np.int32(there if clear else zero)


@njit(**COMPILED)
def _places(m0, m1, widest, reach, noise, some, position, place, counters):
    """On a line with settings anywhere: where each item flips, by halving; counted at once. 0 where it is unclear."""
    last, unclear = len(position) - 1, False
    for c in range(some):
        a, b, rises, error = m0[c], m1[c], m1[c] > 0, noise * widest[c]
        place[c] = 1
        clear = abs(a) > reach[0] + error and abs(b) > reach[1] + error
        if clear and (a > 0) == rises:
            counters[0] += rises
        elif clear:
            p = min(max(_first_from(position, -a / (b - a)), 1), last)
            at, before = position[p], position[p - 1]
            right, left = a + at * (b - a), a + before * (b - a)
            clear = abs(right) > reach[0] + at * (reach[1] - reach[0]) + error
            clear &= abs(left) > reach[0] + before * (reach[1] - reach[0]) + error
            clear &= ((right > 0) == rises) & ((left > 0) != rises)
            if clear:
                counters[0] += a > 0
                counters[p] += 1 if rises else -1
        if not clear:
            place[c] = 0
            unclear = True
    return unclear


@njit(**COMPILED)
def _tally(place, some, cells, tally, counters):
    """Counts items by place, then what changes in each step; returns whether some place is unclear."""
    for c in range(some):
        tally[np.uintp(place[c])] += 1  # unsigned: not looked at for being negative
    ahead, still = np.int32(0), 2 * cells
    for step in range(1, cells + 1):
        counters[step] += tally[step] - tally[cells + step]
        ahead += tally[cells + step]
    for lane in range(1, LANES + 1):
        ahead += tally[still + lane]
    counters[0] += ahead
    unclear = tally[0] > 0
    tally[: still + 2 * LANES + 1] = 0
    return unclear


@njit(**COMPILED)
def _first_from(position, value):
    """The first setting of a line that stands at `value` or behind it; their number if none does."""
    begin, end = 0, len(position)
    while begin < end:
        middle = (begin + end) // 2
        if position[middle] < value:
            begin = middle + 1
        else:
            end = middle
    return begin


@njit(**COMPILED)
def _take_up(similarities, row, line, items, place, rows, lines, exact, scratch, counters):
    """Decides the items without a clear place in float64. Returns the largest rounding error that was seen."""
    worst, unclear, found = 0.0, scratch.unclear, 0
    for c in range(len(items)):  # listed first, without branches
        unclear[found] = items[c]
        found += place[c] == 0
    query, target, known, similar = rows.query[row], rows.target[row], scratch.known, scratch.exact
    shared, begin, end = query if len(lines.reach) > 1 else 0, lines.start[line], lines.start[line + 1]
    ends, stray, before = lines.ends[shared, line], lines.stray[shared, line], lines.counter[begin:end]
    position, weights = lines.position[shared, begin:end], lines.weights[shared, begin:end]
    for u in range(found):
        item = unclear[u]
        mine = similar[item]
        if known[item] != row:
            worst = max(worst, _look_up(similarities, query, item, exact, mine))
            known[item] = row
        _decide(mine, target, ends, stray, position, weights, before, counters)
    return worst


@njit(**COMPILED)
def _decide(mine, target, ends, stray, position, weights, before, counters):
    """Counts one near tie along one line: only settings that float64 margins leave open are asked one by one."""
    m0, m1, widest, size = 0.0, 0.0, 0.0, 0.0
    for k in range(len(target)):
        offset = mine[k] - target[k]
        first, last = ends[0, k], ends[1, k]
        m0 += first * offset
        m1 += last * offset
        widest = max(widest, abs(offset))
        size += max(abs(first), abs(last)) * (abs(mine[k]) + abs(target[k]))
    if widest == 0:  # equal similarities, equal scores: a tie, at every setting
        counters[0] += 1
        return
    error = stray * widest + 8 * len(target) * HALF_ULP64 * size
    low, high = 0, len(position)  # settings in between are asked
    if abs(m1 - m0) > 1e-3 * error:
        flip, width = -m0 / (m1 - m0), error / abs(m1 - m0) + 1e-12
        low, high = _first_from(position, flip - width), _first_from(position, flip + width)
    beats = m0 > 0
    if low > 0:
        counters[0] += beats
    for p in range(low, min(high + 1, len(position))):
        now = m1 > 0
        if p < high:
            now = _score(weights[p], mine) >= _score(weights[p], target)
        if p == 0:
            counters[0] += now
        elif now != beats:
            counters[before[p]] += 1 if now else -1
        beats = now


@njit(**COMPILED)
def _look_up(similarities, query, item, exact, into):
    """The exact similarities of one pair; returns how far the float32 ones are off."""
    worst = 0.0
    for k in range(len(into)):
        into[k] = similarities[k, query, item] + exact.shift[k, query]
        view = exact.view_of[k]
        if exact.use and view >= 0:
            value = _dot(exact.parts[k, query], exact.views[view, item])
            value /= exact.part_lengths[k, query] * exact.view_lengths[view, item]
            worst = max(worst, abs(value - into[k]))
            into[k] = value
    return worst


@njit(**COMPILED)
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


@njit(**COMPILED)
def _score(weights, similarities):
    """`exact.weighed` of one pair, in the same order."""
    total = weights[0] * similarities[0]
    for k in range(1, len(similarities)):
        total += weights[k] * similarities[k]
    return total


@njit(**COMPILED)
def settle(lines, marks, ranks):
    """At every setting one more than the competitors ahead of each row's target (R, P); marks become running sums."""
    for row in range(len(marks)):
        for line in range(len(lines.cells)):
            slot, begin, cells = lines.slot[line], lines.start[line], lines.cells[line]
            mine, running, own = marks[row, slot : lines.slot[line + 1]], np.int32(1), np.int32(0)
            for step in range(cells + 1):
                running += mine[step]
                mine[step] = running
            for p in range(begin, lines.start[line + 1]):
                own += mine[lines.counter[p]] if lines.counter[p] > cells else np.int32(0)
                ranks[row, p] = own + mine[lines.step[p]]


@njit(**COMPILED)
def _unit(row, into):
    """The unit row in float32; returns the row's length, and whether float32 allows that."""
    length = np.sqrt(_dot(row, row))
    scale = np.float32(1 / length)
    for d in range(len(row)):
        into[d] = np.float32(row[d]) * scale
    return length, (length > 1e-30) & (length < 1e30)


@njit(**COMPILED)
def unit_rows(rows, less, into):
    """Unit rows, less one and the same row, in float32; returns whether all lengths allow that."""
    all_fine = True
    for i in range(len(rows)):
        _, fine = _unit(rows[i], into[i])
        all_fine &= fine
        for d in range(rows.shape[1]):
            into[i, d] -= less[d]
    return all_fine


@njit(**COMPILED)
def face(rows, middle, units, lengths, dots):
    """Of each row the unit row in float32, the length, and how far its direction goes along `middle`.

    Returns whether all lengths allow that.
    """
    all_fine = True
    for i in range(len(rows)):
        lengths[i], fine = _unit(rows[i], units[i])
        all_fine &= fine
        dots[i] = _dot(rows[i], middle) / lengths[i]
    return all_fine


@njit(**COMPILED)
def lengths(rows):
    """`exact.lengths`, in the same order."""
    out = np.empty(len(rows))
    for i in range(len(rows)):
        out[i] = np.sqrt(_dot(rows[i], rows[i]))
    return out


@njit(**COMPILED)
def dots(parts, query, views):
    """`exact.dots` of parts[query[i]] and views[i], in the same order."""
    out = np.empty(len(views))
    for i in range(len(views)):
        out[i] = _dot(parts[query[i]], views[i])
    return out
