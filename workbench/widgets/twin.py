"""The still picture of an explorer's answer: the same question, results, scores, marks and bars as the live board."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from PIL import Image

from workbench.plots.style import GREY, MODALITY_COLOURS, TARGET, headline, styled
from workbench.widgets.answer import Answer, Ranking
from workbench.widgets.grid import SOURCE_WORDS, moved, name_of
from workbench.widgets.thumbnails import SIDE

PER_LINE = 10  # results in a line
HATCHES = {"image": "", "text": "////", "caption": "||||"}  # patterns as on the board


class Line(NamedTuple):
    """One line of pictures: a slice of the results, or (None) the targets further down."""

    ranking: Ranking
    part: slice | None

    @property
    def tiles(self) -> list[tuple[int, str]]:
        """(row of the gallery, what stands above it), from left to right."""
        ranking = self.ranking
        if self.part is None:
            return [(row, f"{ranking.ranks[row]:,} ✓") for row in ranking.lower[:PER_LINE]]
        return [
            (int(ranking.rows[place]), _above(ranking, place))
            for place in range(self.part.start, self.part.stop)
        ]

    @property
    def bars(self) -> bool:
        return self.part is not None and bool(self.ranking.contributions)


@styled
def twin(answer: Answer, pictures: Sequence | None, reference: Image.Image | None) -> Figure:
    """pictures: the gallery's; None where there are none at hand: frames are empty then."""
    lines = [line for ranking in answer.rankings.values() for line in _lines(ranking)]
    heights = [height for line in lines for height in (1.0, 0.38 if line.bars else 0.02)]
    figure = Figure(figsize=(11.5, 0.8 + 1.3 * sum(heights)), layout="constrained")
    grid = figure.add_gridspec(len(heights), 2, width_ratios=[1.6, 8], height_ratios=heights)
    figure.get_layout_engine().set(w_pad=0.04, h_pad=0.02, wspace=0.01, hspace=0.01)
    _question(figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[1:, 0]), answer, reference)
    for place, line in enumerate(lines):
        axes = figure.add_subplot(grid[2 * place, 1])
        _results(axes, line, pictures)
        if line.part is None:
            axes.set_title("Further down:", fontsize=8, fontweight="normal", pad=2)
        elif line.part.start == 0:
            axes.set_title(f"{name_of(line.ranking)}: {answer.standing(line.ranking)}", fontsize=9, pad=4)
        _bars(figure.add_subplot(grid[2 * place + 1, 1]), line)
    _legend(figure, answer)
    headline(figure, f"{answer.reference}: “{textwrap.shorten(answer.texts['modification'], 80)}”")
    return figure


def _lines(ranking: Ranking) -> list[Line]:
    shown = len(ranking.rows)
    parts = [slice(start, min(start + PER_LINE, shown)) for start in range(0, shown, PER_LINE)]
    return [Line(ranking, part) for part in (*parts, *([None] if ranking.lower else []))]


def _above(ranking: Ranking, place: int) -> str:
    """Rank, tick, score, and the rank by the other method."""
    right = int(ranking.rows[place]) in ranking.ranks
    text = f"{place + 1}{' ✓' if right else ''}   {ranking.scores[place]:.3f}"
    return f"{text}  {moved(place + 1, ranking.moved[place])}" if ranking.moved else text


def _question(above: Axes, below: Axes, answer: Answer, reference: Image.Image | None) -> None:
    for axes in (above, below):
        axes.axis("off")
    if reference is not None:
        above.imshow(_small(reference))
    above.set_title("reference image", fontsize=8, fontweight="normal", loc="center", pad=3)
    lines = []
    for name, text in answer.texts.items():
        lines += [f"{name.replace('_', ' ')}:", *textwrap.wrap(f"“{text}”", 26, max_lines=5), ""]
    lines += textwrap.wrap("".join(f"Note: {note}. " for note in answer.notes), 28)
    below.text(0, 1, "\n".join(lines), ha="left", va="top", fontsize=7.5, transform=below.transAxes)


def _results(axes: Axes, line: Line, pictures: Sequence | None) -> None:
    """Pictures side by side in one pair of axes: forty pairs would take a second to draw."""
    axes.axis("off")
    for x, (row, above) in enumerate(line.tiles):
        if pictures is not None:
            small = _small(pictures[row])
            width, height = (0.9 * side / max(small.size) for side in small.size)
            left, bottom = x + 0.5 - width / 2, 0.5 - height / 2
            axes.imshow(small, extent=(left, left + width, bottom, bottom + height), aspect="auto")
        colour, thick = (TARGET, 3) if row in line.ranking.ranks else ("#CCCCCC", 0.8)
        frame = Rectangle((x + 0.04, 0.04), 0.92, 0.92, fill=False, edgecolor=colour, linewidth=thick)
        axes.add_patch(frame)
        axes.text(x + 0.5, 1.03, above, ha="center", va="bottom", fontsize=6.5)
    axes.set(xlim=(0, PER_LINE), ylim=(0, 1.22))


def _bars(axes: Axes, line: Line) -> None:
    """What each score is made of; all lines of a ranking have one scale."""
    axes.axis("off")
    if not line.bars:
        return
    shown = len(line.ranking.rows)
    low, high = np.zeros(shown), np.zeros(shown)
    for source, values in line.ranking.contributions.items():
        look = {"color": MODALITY_COLOURS[source], "hatch": HATCHES[source], "edgecolor": "white"}
        start = np.where(values > 0, high, low)[line.part]
        places = np.arange(len(start)) + 0.5
        axes.bar(places, values[line.part], 0.7, bottom=start, linewidth=0, **look)
        low, high = low + np.minimum(values, 0), high + np.maximum(values, 0)
    axes.axhline(0, color="black", linewidth=0.7)
    axes.set(xlim=(0, PER_LINE), ylim=(low.min(), max(high.max(), low.min() + 1e-9)))


def _legend(figure: Figure, answer: Answer) -> None:
    used = dict.fromkeys(source for one in answer.rankings.values() for source in one.contributions)
    marks = [
        Patch(
            facecolor=MODALITY_COLOURS[source],
            hatch=HATCHES[source],
            edgecolor="white",
            label=SOURCE_WORDS[source],
        )
        for source in used
    ]
    what = "above the gallery's mean" if answer.view.centred else "in each score"
    if marks:
        figure.legend(
            handles=marks,
            loc="outside lower right",
            ncols=3,
            fontsize=7.5,
            title=f"share {what} of",
            title_fontsize=7.5,
        )
    why = [one.no_bars for one in answer.rankings.values() if one.no_bars]
    if why:
        figure.supxlabel("; ".join(dict.fromkeys(why)), x=0.01, ha="left", fontsize=7.5, color=GREY)


def _small(picture: Image.Image) -> Image.Image:
    small = picture.copy()
    small.thumbnail((SIDE, SIDE))
    return small
