"""What a point's colour says: its modality, the kind of edit, how often a picture is found, or a change of rank.

Always classes with words and a count, at most eight, never a colour scale that has to be guessed from. Colours are from
`plots.style`; classes that matter also get larger points, so that no reading rests on colour alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from workbench.arrays import Int
from workbench.plots.style import GREY, METHOD_COLOURS, MODALITY_COLOURS, TARGET
from workbench.registry import UnknownName, nearest
from workbench.widgets.space import Moment, Space

SMALL, MIDDLE, LARGE = 0, 1, 2  # places in `spacemap.SIZES`
PALE = "#BBBBBB"  # points that this colouring says nothing about
KINDS = tuple(
    METHOD_COLOURS[name] for name in ("slerp", "weighted_sum", "cirevl", "product", "pdv_t", "weimocir")
)


@dataclass(frozen=True)
class PointClass:
    """One class of points: its words, colour and size."""

    name: str
    colour: str
    size: int = SMALL


@dataclass(frozen=True, eq=False)
class Colouring:
    """A class for every point, pictures first, then texts."""

    title: str
    classes: tuple[PointClass, ...]
    codes: Int[" P"]

    def counts(self) -> list[tuple[PointClass, int]]:
        """Each class with its number of points; classes without any are left out."""
        found = np.bincount(self.codes, minlength=len(self.classes))
        return [(one, int(n)) for one, n in zip(self.classes, found, strict=True) if n]


def modality(space: Space, now: Moment, before: Moment) -> Colouring:
    """Pictures and texts."""
    words = space.text_part.replace("_", " ")
    classes = (
        PointClass("image", MODALITY_COLOURS["image"]),
        PointClass(f"text: {words}", MODALITY_COLOURS["text"], MIDDLE),
    )
    return Colouring("modality", classes, np.repeat([0, 1], [len(now.images), len(now.texts)]))


def edit_kind(space: Space, now: Moment, before: Moment) -> Colouring:
    """Texts by the benchmark's first tag of their query (TinyCIR: the kind of edit); the rarest kinds share a class."""
    queries = space.case.benchmark.queries
    tag = next((name for query in queries for name in query.tags), None)
    kinds = [query.tags.get(tag, "no tag") for query in queries]
    common = [kind for kind, _ in Counter(kinds).most_common(len(KINDS))]
    classes = [PointClass("image", PALE)]
    classes += [PointClass(kind, colour, MIDDLE) for kind, colour in zip(common, KINDS, strict=False)]
    classes += [PointClass("other kinds", GREY, MIDDLE)]
    codes = [common.index(kind) + 1 if kind in common else len(classes) - 1 for kind in kinds]
    title = f"kind of {tag}" if tag else "kind of edit"
    return Colouring(title, tuple(classes), np.concatenate([np.zeros(len(now.images), int), codes]))


def occurrence(space: Space, now: Moment, before: Moment) -> Colouring:
    """Pictures by how many lists they are in: never, below a hub, a hub, twice a hub."""
    hub = int(now.capture.summary["hub_from"])
    classes = (
        PointClass(f"text: {space.text_part.replace('_', ' ')}", PALE),
        PointClass("N_k = 0: never found", "#56B4E9"),
        PointClass(f"N_k below {hub}", MODALITY_COLOURS["image"]),
        PointClass(f"hub: N_k from {hub}", MODALITY_COLOURS["caption"], MIDDLE),
        PointClass(f"hub: N_k from {2 * hub}", METHOD_COLOURS["pdv_t"], LARGE),
    )
    n_k = now.capture.n_k
    codes = 1 + (n_k >= 1) + (n_k >= hub) + (n_k >= 2 * hub)
    return Colouring(f"N_{space.k}", classes, np.concatenate([codes, np.zeros(len(now.texts), int)]))


def rank_change(space: Space, now: Moment, before: Moment) -> Colouring:
    """Texts by what the sliders did to the rank of their query's best target."""
    classes = (
        PointClass("image", PALE),
        PointClass("same rank", GREY, MIDDLE),
        PointClass("better rank", TARGET, LARGE),
        PointClass("worse rank", MODALITY_COLOURS["text"], LARGE),
    )
    codes = np.select([now.ranks < before.ranks, now.ranks > before.ranks], [2, 3], 1)
    return Colouring("rank change", classes, np.concatenate([np.zeros(len(now.images), int), codes]))


COLOURINGS = {"modality": modality, "kind of edit": edit_kind, "N_k": occurrence, "rank change": rank_change}


def colouring(by: str, space: Space, now: Moment, before: Moment) -> Colouring:
    """The colouring of that name. Raises UnknownName for another than `COLOURINGS` has."""
    if by not in COLOURINGS:
        raise UnknownName(f"no colouring {by!r}.{nearest(by, COLOURINGS)} Known: {', '.join(COLOURINGS)}")
    return COLOURINGS[by](space, now, before)
