"""The still twin of the map widget: both modalities on one map, the N_k curve and the measures beside it, pictures below.

Arrays and frames in, a Figure out; which points, classes and pictures is the caller's choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from PIL import Image

from workbench.plots.style import GREY, TARGET, headline, styled

AREAS = (5, 14, 40)  # points squared: small, middle, large
NOW = "#0072B2"


@styled
def space_map(
    points: np.ndarray,
    codes: np.ndarray,
    classes: Sequence[tuple[str, str, int]],
    axis_labels: tuple[str, str],
    n_k: Mapping[str, np.ndarray],
    measures: pd.DataFrame,
    title: str,
    lines: np.ndarray | None = None,
    selected: np.ndarray | None = None,
    pictures: Sequence[tuple[Image.Image, str, bool]] = (),
    notes: Sequence[str] = (),
) -> Figure:
    """points (P, 2) with a class each: codes (P,) into `classes`, (name, colour, size 0 to 2).

    n_k: by name ("before", "now"), N_k per gallery picture. measures: a row each, the columns' numbers as given.
    lines (L, 2, 2): pairs to connect. selected: points to ring. pictures: (picture, caption, is a target), at most ten
    are shown. notes: sentences below it all. Raises ValueError where points and codes differ in number.
    """
    if len(points) != len(codes):
        raise ValueError(
            f"space_map: got {len(points)} points and {len(codes)} codes; they must be equally many"
        )
    pictures = list(pictures)[:10]
    figure = Figure(figsize=(11, 5.2 + 1.5 * bool(pictures) + 0.13 * len(notes)), layout="constrained")
    rows = [5.2, 1.5] if pictures else [5.2]
    upper = figure.add_gridspec(len(rows), 1, height_ratios=rows)
    body = upper[0].subgridspec(2, 2, width_ratios=[1.6, 1])
    _points(figure.add_subplot(body[:, 0]), points, codes, classes, axis_labels, lines, selected)
    _curve(figure.add_subplot(body[0, 1]), n_k)
    _table(figure.add_subplot(body[1, 1]), measures)
    if pictures:
        strip = upper[1].subgridspec(1, 10)
        for column, (picture, caption, right) in enumerate(pictures):
            _picture(figure.add_subplot(strip[column]), picture, caption, right)
    if notes:
        figure.supxlabel("\n".join(notes), x=0.01, ha="left", fontsize=7.5, color=GREY)
    headline(figure, title)
    return figure


def _points(panel: Axes, points, codes, classes, axis_labels, lines, selected) -> None:
    if lines is not None and len(lines):
        panel.add_collection(LineCollection(lines, colors=GREY, linewidths=0.5, alpha=0.35, zorder=1))
    for code, (name, colour, size) in enumerate(classes):
        mine = points[codes == code]
        if len(mine):
            panel.scatter(
                *mine.T,
                s=AREAS[size],
                color=colour,
                linewidths=0,
                alpha=0.7,
                zorder=2 + size,
                label=f"{name} ({len(mine):,})",
            )
    if selected is not None and len(selected):
        panel.scatter(
            *points[selected].T,
            s=70,
            facecolors="none",
            edgecolors="black",
            zorder=6,
            label=f"selected ({len(selected):,})",
        )
    panel.set(xlabel=axis_labels[0], ylabel=axis_labels[1])
    panel.set_aspect("equal", adjustable="datalim")
    panel.legend(loc="upper left", fontsize=8, markerscale=1.6)


def _curve(panel: Axes, n_k: Mapping[str, np.ndarray]) -> None:
    """Pictures by N_k, the most frequent first."""
    looks = [{"color": GREY, "linestyle": ":"}, {"color": NOW}]
    for (name, counts), look in zip(n_k.items(), looks, strict=False):
        ordered = np.sort(counts)[::-1]
        panel.step(np.arange(1, len(ordered) + 1), ordered, where="post", label=name, **look)
    panel.set_xscale("log")
    panel.set(
        xlabel="pictures, the most frequent first (log scale)", ylabel="lists that it is in", ylim=(0, None)
    )
    panel.legend(loc="upper right")


def _table(panel: Axes, measures: pd.DataFrame) -> None:
    panel.axis("off")
    cells = [
        [f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}" for value in row]
        for row in measures.to_numpy()
    ]
    table = panel.table(
        cells,
        rowLabels=list(measures.index),
        colLabels=list(measures),
        loc="center right",
        colWidths=[0.22] * len(measures.columns),
    )
    table.auto_set_font_size(False)
    table.set_fontsize(9)
    table.scale(1, 1.25)
    for cell in table.get_celld().values():
        cell.set_linewidth(0.3)


def _picture(panel: Axes, picture: Image.Image, caption: str, right: bool) -> None:
    panel.imshow(picture, interpolation="none")
    panel.set(xticks=[], yticks=[])
    panel.set_title(caption, fontsize=7, fontweight="normal", loc="center", pad=3)
    for spine in panel.spines.values():
        spine.set(visible=True, color=TARGET if right else "#CCCCCC", linewidth=2.8 if right else 0.8)
