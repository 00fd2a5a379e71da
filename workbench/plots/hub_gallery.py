"""A sheet of hubs: each hub's picture, what it does in words, and some of the queries that it captures."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from PIL import Image

from workbench.plots.style import GREY, TARGET, headline, styled
from workbench.plots.triplets import CELL, framed_picture

HUB = "#D55E00"  # the frame of a hub


@dataclass(frozen=True)
class Captured:
    """One captured query: its reference, what was asked, its best target (None where hidden) and the ranks in words."""

    reference: Image.Image
    modification: str
    target: Image.Image | None
    caption: str


@dataclass(frozen=True)
class HubLine:
    """A hub, what it does in words, and some of the queries that it captures."""

    picture: Image.Image
    caption: str
    captured: Sequence[Captured]


@styled
def hub_gallery(lines: Sequence[HubLine], title: str) -> Figure:
    """One line per hub: the hub, what it does, then the queries it captures, each reference -> best target.

    Raises ValueError where there is nothing to show.
    """
    if not lines:
        raise ValueError("hub_gallery: got no hub to show")
    width = max(len(line.captured) for line in lines)
    size = (CELL * (2.3 + 2.5 * width), (CELL + 0.8) * len(lines) + 0.4)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.add_gridspec(len(lines), 2 + 2 * width, width_ratios=[1, 1.3, *[1.1, 1.1] * width])
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.06, wspace=0.01, hspace=0.04)
    for row, line in enumerate(lines):
        framed_picture(figure.add_subplot(grid[row, 0]), line.picture, "hub", HUB, 2.4)
        words = figure.add_subplot(grid[row, 1])
        words.axis("off")
        words.text(0, 0.5, line.caption, va="center", fontsize=8)
        for column, query in enumerate(line.captured):
            _captured(figure, grid, row, 2 + 2 * column, query)
    headline(figure, title)
    return figure


def _captured(figure: Figure, grid, row: int, column: int, query: Captured) -> None:
    asked = figure.add_subplot(grid[row, column])
    framed_picture(asked, query.reference, "reference image", GREY, 1.0)
    text = textwrap.fill(f"“{query.modification}”", 24, max_lines=3)
    asked.set_xlabel(text, fontsize=7, style="italic", loc="left")
    target = figure.add_subplot(grid[row, column + 1])
    if query.target is None:
        target.axis("off")
    else:
        framed_picture(target, query.target, "best target ✓", TARGET, 2.4)
    target.set_xlabel(query.caption, fontsize=7)
