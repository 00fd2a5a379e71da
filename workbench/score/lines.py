"""Settings as points in weight space, grouped into the straight lines they lie on.

A linear method turns a setting into K weights, a point. The points of a grid mostly stand on few lines: PDV's 4,851
settings on 11 (one per beta), WeiMoCIR's 441 on 21 (one per alpha), any method with two terms on one. Along a line a
competitor's margin changes evenly, so it overtakes the target at most once, and one division finds where.

The lines are read off the weights alone: a method need not announce them. Weights may be scaled by any positive
number without changing a rank, so all are first brought to the same sum where their signs allow it; that is what
puts the weights of SLERP, which differ from query to query, on a line. Whatever stands on no line makes a line of
its own with a single point. Left out: counting, which `halfline` does; it takes how far settings `stray` from their
line into account, so that nothing found here has to be exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.arrays import Float, Int

STRAIGHT = 2e-6  # points this close to a line, relative to the weights, stand on it: float32 rounds to 6e-8
OCTAVES = 10  # one line holds no weights more than 2**10 times as large as others: the large ones round too coarsely
CORNERS = 12  # a convex hull with more corners than this costs more than it saves
PATIENCE = 16  # points in a row that stand on no line, until the rest is taken as such


@dataclass(frozen=True, eq=False)
class Lines:
    """P settings on L lines, for each of Q queries; Q = 1 where all queries share the weights.

    order: the settings, line by line. start: where each line begins in `order`, and the end. position: from 0 to 1
    along the line, rising. ends: weights at both ends, scaled. stray: sum over terms of the largest distance between
    a setting's scaled weights and its place on the line. weights: as given, in `order`.
    """

    order: Int[" P"]
    start: Int[L + 1]
    position: Float["Q P"]
    ends: Float["Q L 2 K"]
    stray: Float["Q L"]
    weights: Float["Q P K"]

    @cached_property
    def size(self) -> Float["Q L"]:
        """The largest sum of absolute weights on each line."""
        return np.abs(self.ends).sum(axis=3).max(axis=2)


def find_lines(weights: Float["P Q K"]) -> Lines:
    """Groups settings into lines that are straight for every query."""
    scaled = _same_sum(weights)
    middle = scaled[:, scaled.shape[1] // 2]
    groups = [line for bucket in _by_size(middle) for line in _collinear(middle, bucket)]
    kept = []
    for group in groups:
        kept += [group] if len(group) == 1 or _is_straight(scaled[group]) else [[p] for p in group]
    order = np.array([p for line in kept for p in line], np.int64)
    start = np.cumsum([0] + [len(line) for line in kept])
    measured = [_along(scaled[line]) for line in kept]
    return Lines(
        order,
        start,
        position=np.concatenate([position for position, _, _ in measured], axis=1),
        ends=np.stack([ends for _, ends, _ in measured], axis=1),
        stray=np.stack([stray for _, _, stray in measured], axis=1),
        weights=np.ascontiguousarray(weights[order].transpose(1, 0, 2)),
    )


def corners(lines: Lines) -> Float["Q V K"] | None:
    """Few weights whose margins bound the margins of all settings: if these agree, all agree. None: too many.

    The margin is linear in the weights, so over all settings it is extreme at a corner of their convex hull.
    """
    ends = lines.ends.reshape(len(lines.ends), -1, lines.ends.shape[3])
    ends = ends[:, np.unique(_rounded(ends), axis=1, return_index=True)[1]] if len(ends) == 1 else ends
    if ends.shape[1] <= 4:
        return ends
    if len(ends) > 1:
        return None
    points = ends[0]
    centred = points - points.mean(axis=0)
    _, spread, axes = np.linalg.svd(centred, full_matrices=False)
    rank = int((spread > 1e-5 * spread[0]).sum())
    flat = centred @ axes[:rank].T
    if rank == 1:
        return ends[:, [flat[:, 0].argmin(), flat[:, 0].argmax()]]
    if rank > 3:
        return None
    from scipy.spatial import ConvexHull

    vertices = ConvexHull(flat).vertices
    if rank == 2:
        vertices = vertices[_bends(flat[vertices])]
    return ends[:, vertices] if len(vertices) <= CORNERS else None


def _bends(polygon: Float["V 2"]) -> np.ndarray:
    """Which corners of a polygon are more than rounding errors on a side of it."""
    before, after = np.roll(polygon, 1, axis=0) - polygon, np.roll(polygon, -1, axis=0) - polygon
    area = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0])
    return area > STRAIGHT * np.abs(polygon).max() * np.sqrt((before**2).sum(axis=1) + (after**2).sum(axis=1))


def _same_sum(weights: np.ndarray) -> np.ndarray:
    """float64 weights scaled to sum to one, where every sum is clearly positive; else as they are."""
    weights = weights.astype(np.float64)
    total = weights.sum(axis=2, keepdims=True)
    return weights / total if (total > 1e-3 * np.abs(weights).sum(axis=2, keepdims=True)).all() else weights


def _by_size(points: np.ndarray) -> list[np.ndarray]:
    """Settings whose largest weights are alike within a factor of 2**OCTAVES."""
    size = np.abs(points).max(axis=1)
    known = size[size > 0]
    octave = np.log2(np.maximum(size, known.min()) / known.min()) // OCTAVES if len(known) else size
    return [np.flatnonzero(octave == o) for o in np.unique(octave)]


def _collinear(points: np.ndarray, left: np.ndarray) -> list[list[int]]:
    """Lists of settings on one line each, in order along it; greedy: the fullest line through one of a few settings."""
    found, lonely = [], 0
    scale = np.abs(points[left]).max()
    while len(left) and lonely < PATIENCE:
        through = sorted({0, len(left) // 3, len(left) // 2, len(left) - 1})
        line = max((_fullest_line(points[left], p, scale) for p in through), key=len)
        lonely = 0 if len(line) > 2 or len(line) == len(left) else lonely + 1
        found.append(left[line].tolist())
        left = np.delete(left, line)
    return found + [[p] for p in left.tolist()]


def _fullest_line(points: np.ndarray, through: int, scale: float) -> np.ndarray:
    """Which of the points stand on the line through one of them that holds most of them, in order along it."""
    offset = points - points[through]
    distance = np.sqrt((offset**2).sum(axis=1))
    far = np.flatnonzero(distance > 1e3 * STRAIGHT * scale)
    if len(far) == 0:
        return np.arange(len(points))[distance <= STRAIGHT * scale]
    heading = offset[far] / distance[far, None]
    heading *= np.sign(np.take_along_axis(heading, np.abs(heading).argmax(axis=1)[:, None], axis=1))
    # one number per heading, so that equal headings are found by counting
    mark = np.round(heading @ np.sin(1 + np.arange(points.shape[1])) * 2e3)
    _, where, votes = np.unique(mark, return_inverse=True, return_counts=True)
    best = np.array([through])
    for m in np.argsort(-votes, kind="stable")[:3]:
        voters = far[where == m]
        along = offset[voters[distance[voters].argmax()]]
        along = along / np.sqrt(along @ along)
        place = offset @ along
        stray = np.abs(offset - place[:, None] * along).max(axis=1)
        line = np.flatnonzero(stray <= STRAIGHT * scale)
        if len(line) > len(best):
            best = line[np.argsort(place[line], kind="stable")]
    return best


def _is_straight(scaled: Float["n Q K"]) -> bool:
    """Whether the settings stand on a line in the given order for every query."""
    stray = _along(scaled)[2]
    return bool((stray <= 4 * scaled.shape[2] * STRAIGHT * np.abs(scaled).max()).all())


def _along(scaled: Float["n Q K"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions (Q, n) of settings on the way from the first to the last, the ends (Q, 2, K), the stray (Q)."""
    first, way = scaled[0], scaled[-1] - scaled[0]
    length = (way**2).sum(axis=1)
    position = ((scaled - first) * way).sum(axis=2) / np.where(length > 0, length, 1)
    # settings that differ by rounding errors may stand in the wrong order; what that moves them is stray as well
    position = np.maximum.accumulate(np.clip(position, 0, 1), axis=0)
    on_line = first + position[..., None] * way
    stray = np.abs(scaled - on_line).sum(axis=2).max(axis=0)
    return position.T, scaled[[0, -1]].transpose(1, 0, 2), stray


def _rounded(points: np.ndarray) -> np.ndarray:
    return np.round(points / max(np.abs(points).max(), 1e-300), 6)
