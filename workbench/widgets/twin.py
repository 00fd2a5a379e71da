"""The still picture of an explorer's answer: the same question, results, scores, marks and bars as the live board."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from PIL import Image

from workbench.plots.style import GREY, MODALITY_COLOURS, TARGET, headline, styled
from workbench.widgets.answer import Answer, Ranking
from workbench.widgets.grid import SOURCE_WORDS, name_of
from workbench.widgets.thumbnails import SIDE

PER_LINE = 10  # results in a line
HATCHES = {"image": "", "text": "////", "caption": "||||"}  # patterns as on the board


@styled
def twin(answer: Answer, pictures: Sequence | None, reference: Image.Image | None) -> Figure:
    """pictures: the gallery's, None where there are none at hand (then ids would say nothing, and boxes stay grey)."""
    blocks = [(ranking, line) for ranking in answer.rankings.values() for line in _lines(ranking)]
    figure = Figure(figsize=(11.5, 0.8 + 1.8 * len(blocks)), layout="constrained")
    ratios = [height for ranking, _ in blocks for height in (1.0, 0.38 if ranking.contributions else 0.02)]
    grid = figure.add_gridspec(len(ratios), 2, width_ratios=[1.6, 8], height_ratios=ratios)
    figure.get_layout_engine().set(w_pad=0.04, h_pad=0.02, wspace=0.01, hspace=0.01)
    _question(figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[1:, 0]), answer, reference)
    for place, (ranking, line) in enumerate(blocks):
        axes = figure.add_subplot(grid[2 * place, 1])
        _results(axes, ranking, line, pictures)
        if line.start == 0:
            axes.set_title(f"{name_of(ranking)}: {answer.standing(ranking)}", fontsize=9, pad=4)
        _bars(figure.add_subplot(grid[2 * place + 1, 1]), ranking, line)
    _legend(figure, answer)
    headline(figure, f"{answer.reference}: “{textwrap.shorten(answer.texts['modification'], 80)}”")
    return figure


def _lines(ranking: Ranking) -> list[slice]:
    shown = len(ranking.rows)
    return [slice(start, min(start + PER_LINE, shown)) for start in range(0, shown, PER_LINE)]


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


def _results(axes: Axes, ranking: Ranking, line: slice, pictures: Sequence | None) -> None:
    """Pictures side by side in one pair of axes: forty pairs would take a second to draw."""
    axes.axis("off")
    axes.set(xlim=(0, PER_LINE), ylim=(0, 1.22))
    for x, place in enumerate(range(line.start, line.stop)):
        row = int(ranking.rows[place])
        right = row in ranking.ranks
        if pictures is not None:
            small = _small(pictures[row])
            width, height = (0.9 * side / max(small.size) for side in small.size)
            left, bottom = x + 0.5 - width / 2, 0.5 - height / 2
            axes.imshow(small, extent=(left, left + width, bottom, bottom + height), aspect="auto")
        colour, thick = (TARGET, 3) if right else ("#CCCCCC", 0.8)
        frame = Rectangle((x + 0.04, 0.04), 0.92, 0.92, facecolor="none", edgecolor=colour, linewidth=thick)
        axes.add_patch(frame)
        caption = f"{place + 1}{' ✓' if right else ''}   {ranking.scores[place]:.3f}"
        if ranking.moved:
            there = ranking.moved[place]
            caption += f"  {'▲' if there < place + 1 else '▼' if there > place + 1 else '='}{there:,}"
        axes.text(x + 0.5, 1.03, caption, ha="center", va="bottom", fontsize=6.5)
    axes.set(xlim=(0, PER_LINE), ylim=(0, 1.22))


def _bars(axes: Axes, ranking: Ranking, line: slice) -> None:
    """What each score is made of; all lines of a ranking have one scale."""
    axes.axis("off")
    if not ranking.contributions:
        return
    low, high = np.zeros(len(ranking.rows)), np.zeros(len(ranking.rows))
    for source, values in ranking.contributions.items():
        look = {"color": MODALITY_COLOURS[source], "hatch": HATCHES[source], "edgecolor": "white"}
        start = np.where(values > 0, high, low)
        places = np.arange(line.stop - line.start) + 0.5
        axes.bar(places, values[line], 0.7, bottom=start[line], linewidth=0, **look)
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
