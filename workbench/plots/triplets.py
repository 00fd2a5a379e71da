"""Sheets of pictures: reference image, modification text, and what was found, with the targets marked.

One block per query; within it one line of pictures per method, so that two methods can be read against each other.
A target has a thick green frame and a tick in its caption: colour alone decides nothing.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from workbench.plots.style import GREY, TARGET, colour_of, headline, label_of, styled

CELL = 1.15  # inches: one picture with its caption


@dataclass(frozen=True)
class Ranked:
    """What one method put first: pictures in order, which of them are targets, and a caption for each."""

    pictures: Sequence[Image.Image]
    is_target: Sequence[bool]
    captions: Sequence[str] | None = None  # "1", "2" ... where not given

    def __post_init__(self):
        captions = len(self.pictures) if self.captions is None else len(self.captions)
        if not len(self.pictures) == len(self.is_target) == captions:
            raise ValueError(
                f"Ranked: got {len(self.pictures)} pictures, {len(self.is_target)} target marks and "
                f"{captions} captions; they must be equally many"
            )


@dataclass(frozen=True)
class Triplet:
    """One composed query and what was found for it: label (a method's name) -> Ranked."""

    reference: Image.Image
    modification: str
    results: Mapping[str, Ranked]


@styled
def triplet_sheet(triplets: Sequence[Triplet], title: str) -> Figure:
    """One block per query: the reference and its modification text on the left, a line of pictures per result.

    Raises ValueError where there is nothing to show.
    """
    lines = [(t, label) for t in triplets for label in t.results]
    if not lines:
        raise ValueError("triplet_sheet: got no query with a result to show")
    width = max(len(t.results[label].pictures) for t, label in lines)
    figure = Figure(figsize=(CELL * (width + 3.1), (CELL + 0.28) * len(lines) + 0.5), layout="constrained")
    grid = figure.add_gridspec(len(lines), width + 2, width_ratios=[1, 1.9, *[1] * width])
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03, wspace=0.01, hspace=0.02)
    for row, (triplet, label) in enumerate(lines):
        if label == next(iter(triplet.results)):
            framed_picture(figure.add_subplot(grid[row, 0]), triplet.reference, "reference image", GREY, 1.2)
        _words(figure.add_subplot(grid[row, 1]), triplet, label)
        ranked = triplet.results[label]
        for column, (picture, right) in enumerate(zip(ranked.pictures, ranked.is_target, strict=True)):
            caption = ranked.captions[column] if ranked.captions else str(column + 1)
            axes = figure.add_subplot(grid[row, column + 2])
            colour, thick = (TARGET, 3.2) if right else ("#CCCCCC", 0.8)
            framed_picture(axes, picture, f"{caption} ✓".strip() if right else caption, colour, thick)
    headline(figure, title)
    return figure


def framed_picture(axes: Axes, picture: Image.Image, caption: str, colour: str, thick: float) -> None:
    """The picture's own pixels (no resampling) in a frame, its caption above."""
    axes.imshow(picture, interpolation="none")
    axes.set(xticks=[], yticks=[])
    axes.set_title(caption, fontsize=8, fontweight="normal", loc="center", pad=4, color="black")
    for spine in axes.spines.values():
        spine.set(visible=True, color=colour, linewidth=thick)


def _words(axes: Axes, triplet: Triplet, label: str) -> None:
    """The modification text beside the query's first line, the method's name beside each."""
    axes.axis("off")
    first = label == next(iter(triplet.results))
    if first:
        text = textwrap.fill(f"“{triplet.modification}”", 22, max_lines=4)
        axes.text(0.5, 0.66, text, ha="center", va="center", fontsize=9, style="italic")
    axes.text(
        0.98,
        0.15 if first else 0.5,
        f"{label_of(label)} →",
        ha="right",
        va="center",
        fontsize=9,
        color=colour_of(label),
    )
