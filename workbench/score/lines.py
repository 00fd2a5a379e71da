"""Settings as points in weight space, grouped into the straight lines they lie on.

A linear method turns a setting into K weights, a point. The points of a grid mostly stand on few lines: PDV's 4,851
settings on 11 (one per beta), WeiMoCIR's 441 on 21 (one per alpha), any method with two terms on one. Along a line a
competitor's margin changes evenly, so it overtakes the target at most once, and one division finds where.

The lines are read off the weights alone: a method need not announce them. Weights may be scaled by any positive
number without changing a rank, so they are also tried with their sums made equal; that is what puts the weights of
SLERP, which differ from query to query, on a line. Whatever stands on no line makes a line of
its own with a single point. Left out: counting, which `halfline` does; it takes how far settings `stray` from their
line into account, so that nothing found here has to be exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from workbench.arrays import Float, Int

STRAIGHT = 2e-6  # points this close to a line, relative to the weights, stand on it: float32 rounds to 6e-8
OCTAVES = 10  # one line holds no weights more than 2**10 times as large as others: the large ones round too coarsely
FAR = 64  # a line of weights 2**64 times smaller than others would be lost beside them in float32
CELLS = 1024  # equal steps on a line at most
SPARE = 4  # equal steps per setting on a line at most
EVEN = 1e-6  # positions this close to a whole step stand on it
VOTERS = 200  # points asked where the fullest line leads
PATIENCE = 16  # points in a row that stand on no line, until the rest is taken as such


@dataclass(frozen=True, eq=False)
class Lines:
    """P settings on L lines, for each of Q queries; Q = 1 where all queries share the weights.

    order: the settings, line by line. start: where each line begins in `order`, and the end. position: from 0 to 1
    along the line, rising. cells: into how many equal steps the line falls so that settings stand at whole ones; 0:
    they stand anywhere. ends: weights at both ends, scaled. stray: how far a setting's scaled weights are from their
    place on the line at most, summed over terms. weights: as given, in `order`.
    """

    order: Int[" P"]
    start: Int[" S"]
    cells: Int[" L"]
    position: Float["Q P"]
    ends: Float["Q L 2 K"]
    stray: Float["Q L"]
    weights: Float["Q P K"]

    @property
    def place(self) -> Int[" P"]:
        """Where each setting stands in `order`."""
        return np.argsort(self.order)

    @property
    def step(self) -> Int[" P"]:
        """The whole step at which each setting stands, for every query; 0 where its line has none."""
        return np.round(self.position[0] * np.repeat(self.cells, np.diff(self.start))).astype(np.int64)


class Line(NamedTuple):
    """Settings on one line, in order along it."""

    members: Int[" n"]
    cells: int
    position: Float["n Q"]
    stray: Float[" Q"]


def find_lines(weights: Float["P Q K"]) -> Lines:
    """Groups settings into lines that are straight for every query."""
    # the terms' axis first: sums over a few terms are fast so
    scaled, found = _fewest_lines(np.ascontiguousarray(weights.transpose(2, 0, 1), np.float64))
    order = np.concatenate([line.members for line in found])
    return Lines(
        order,
        start=np.cumsum([0] + [len(line.members) for line in found]),
        cells=np.array([line.cells for line in found]),
        position=np.concatenate([line.position for line in found]).T,
        ends=np.stack([scaled[:, line.members[[0, -1]]] for line in found]).transpose(3, 0, 2, 1),
        stray=np.stack([line.stray for line in found], axis=1),
        weights=np.ascontiguousarray(weights[order].transpose(1, 0, 2)),
    )


def in_reach(lines: Lines) -> Lines:
    """The same lines, scaled by powers of two so that float32 holds what is computed from their ends.

    All of a query's lines alike, so that they stay on a plane; one much smaller than the largest by itself.
    """
    exponent = np.frexp(np.abs(lines.ends).max(axis=(2, 3)))[1]
    largest = exponent.max(axis=1, keepdims=True)
    scale = np.ldexp(1.0, -np.where(exponent < largest - FAR, exponent, largest))
    return replace(lines, ends=lines.ends * scale[..., None, None], stray=lines.stray * scale)


def box(lines: Lines) -> tuple[Float["Q K"], Float["Q A K"]]:
    """Centre and half axes of a box that holds all weights: what agrees all over it agrees at every setting.

    Along the principal axes of the lines' ends; where all queries share weights whose outline is a parallelogram, as
    that of PDV, the parallelogram itself.
    """
    ends = lines.ends.reshape(len(lines.ends), -1, lines.ends.shape[3])
    middle = ends.mean(axis=1)
    _, spread, axes = np.linalg.svd(ends - middle[:, None], full_matrices=False)
    rank = max(1, int((spread > 1e-5 * spread.max()).sum(axis=1).max())) if spread.max() > 0 else 1
    axes = axes[:, :rank]
    along = np.einsum("qek,qak->qea", ends - middle[:, None], axes)
    if len(ends) == 1 and rank == 2:
        outline = _parallelogram(ends[0], along[0])
        if outline is not None:
            return outline
    least, most = along.min(axis=1), along.max(axis=1)
    return (
        middle + np.einsum("qa,qak->qk", (least + most) / 2, axes),
        (most - least)[..., None] / 2 * axes,
    )


def _parallelogram(points: Float["E K"], flat: Float["E 2"]) -> tuple[np.ndarray, np.ndarray] | None:
    """Centre and half sides, if the convex hull of the points (given flat, too) is a parallelogram."""
    from scipy.spatial import ConvexHull

    hull = ConvexHull(flat).vertices
    corners = points[hull[_bends(flat[hull])]]
    if (
        len(corners) != 4
        or np.abs(corners[0] + corners[2] - corners[1] - corners[3]).max() > STRAIGHT * np.abs(points).max()
    ):
        return None
    sides = np.stack([corners[1] - corners[0], corners[3] - corners[0]]) / 2
    return corners.mean(axis=0)[None], sides[None]


def _bends(polygon: Float["V 2"]) -> np.ndarray:
    """Which corners of a polygon are more than rounding errors on a side of it."""
    before, after = np.roll(polygon, 1, axis=0) - polygon, np.roll(polygon, -1, axis=0) - polygon
    area = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0])
    return area > STRAIGHT * np.abs(polygon).max() * np.sqrt((before**2).sum(axis=1) + (after**2).sum(axis=1))


def _fewest_lines(weights: Float["K P Q"]) -> tuple[Float["K P Q"], list[Line]]:
    """The weights, scaled as puts them on few lines, and those lines."""
    tried = []
    for scaled in _scalings(weights):
        tried.append((scaled, _grouped(scaled)))
        if len(tried[-1][1]) ** 2 <= weights.shape[1]:  # no more than a grid of as many rows as columns has
            break
    return min(tried, key=lambda one: len(one[1]))


def _scalings(weights: Float["K P Q"]) -> Iterator[Float["K P Q"]]:
    """The weights as they are, and scaled to sum to one where every sum is clearly positive."""
    yield weights
    total = weights.sum(axis=0)
    positive = (total > 1e-3 * np.abs(weights).sum(axis=0)).all()
    if positive and np.ptp(total) > STRAIGHT * np.abs(total).max():
        yield weights / total


def _grouped(scaled: Float["K P Q"]) -> list[Line]:
    """Lines read off one query, kept where they are straight for all."""
    middle = np.ascontiguousarray(scaled[:, :, scaled.shape[2] // 2])
    found = []
    for members in (line for bucket in _by_size(middle) for line in _collinear(middle, bucket)):
        points = scaled[:, members]
        line = _line(members, points)
        straight = (line.stray <= 4 * len(points) * STRAIGHT * np.abs(points).max()).all()
        found += [line] if straight else [_line(one, scaled[:, one]) for one in members[:, None]]
    return found


def _by_size(points: Float["K P"]) -> list[Int[" n"]]:
    """Settings whose largest weights are alike within a factor of 2**OCTAVES."""
    size = np.abs(points).max(axis=0)
    known = size[size > 0]
    octave = np.log2(np.maximum(size, known.min()) / known.min()) // OCTAVES if len(known) else size
    return [np.flatnonzero(octave == o) for o in np.unique(octave)]


def _collinear(points: Float["K P"], left: Int[" n"]) -> list[Int[" m"]]:
    """Settings on one line each, in order along it; greedy: a full line through one of two settings."""
    found, lonely = [], 0
    scale = np.abs(points[:, left]).max()
    while len(left) and lonely < PATIENCE:
        some = points[:, left]
        line = _fullest_line(some, 0, scale)
        if len(line) ** 2 < len(left):  # not one of the few lines that a grid stands on
            line = max(line, _fullest_line(some, len(left) // 2, scale), key=len)
        lonely = 0 if len(line) > 2 or len(line) == len(left) else lonely + 1
        found.append(left[line])
        left = np.delete(left, line)
    return found + list(left[:, None])


def _fullest_line(points: Float["K P"], through: int, scale: float) -> Int[" m"]:
    """Which of the points stand on the line through one of them that holds most of them, in order along it."""
    offset = points - points[:, through, None]
    distance = np.sqrt((offset**2).sum(axis=0))
    far = np.flatnonzero(distance > 1e3 * STRAIGHT * scale)
    if len(far) == 0:
        return np.flatnonzero(distance <= STRAIGHT * scale)
    share = 1 + len(far) // VOTERS
    far = far[::share]
    # one number per heading, so that equal headings, and opposite ones, are found by counting
    mark = np.abs(np.round(np.sin(1 + np.arange(len(points))) @ offset[:, far] / distance[far] * 2e3))
    _, where, votes = np.unique(mark, return_inverse=True, return_counts=True)
    best = np.array([through])
    for m in np.argsort(-votes, kind="stable")[:3]:
        if votes[m] * share < len(best):
            break
        voters = far[where == m]
        along = offset[:, voters[distance[voters].argmax()]]
        along = along / np.sqrt(along @ along)
        place = along @ offset
        stray = np.abs(offset - along[:, None] * place).max(axis=0)
        line = np.flatnonzero(stray <= STRAIGHT * scale)
        if len(line) > len(best):
            best = line[np.argsort(place[line], kind="stable")]
    return best


def _line(members: Int[" n"], points: Float["K n Q"]) -> Line:
    """Where settings stand on the way from the first to the last, in whole steps if possible, and how far off."""
    first, way = points[:, :1], points[:, -1:] - points[:, :1]
    length = (way**2).sum(axis=0)
    position = ((points - first) * way).sum(axis=0) / np.where(length > 0, length, 1)
    # settings that differ by rounding errors may stand in the wrong order; what that moves them is stray as well
    position = np.maximum.accumulate(np.clip(position, 0, 1), axis=0)
    cells = _cells(position)
    position = np.round(position * cells) / cells if cells else position
    stray = np.abs(points - first - position * way).sum(axis=0).max(axis=0)
    return Line(members, cells, position, stray)


def _cells(position: Float["n Q"]) -> int:
    """Into how many equal steps a line falls so that all settings stand at whole ones; 0 where no number does.

    They stand at the same ones for every query, and there are not many more steps than settings: each has a counter.
    """
    gaps = np.diff(position[:, 0])
    gaps = gaps[gaps > EVEN]
    if len(gaps) == 0 or (position[-1] < 1).any() or np.ptp(position, axis=1).max() > 2 * EVEN:
        return 0
    fewest = max(1, round(1 / gaps.min()))
    for cells in range(fewest, min(CELLS, SPARE * len(position)) + 1, fewest):
        if (np.abs(position - np.round(position * cells) / cells) <= EVEN).all():
            return cells
    return 0
