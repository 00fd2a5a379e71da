"""A metric over two parameters, as a map with contour lines; and ablations over one parameter or two.

Sequential colours from dark to light (cividis: the same order for every form of colour vision), contour lines with their
value, and marks for single settings. Takes frames of `sweep` (value) and of `results_table` (mean, low, high) alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from workbench.plots.curves import FrameError, check_columns
from workbench.plots.style import colour_of, headline, label_of, marker_of, styled

MAP = "cividis"
MARKS = "*os^DvPX<>"  # the best first


@styled
def landscape(
    frame: pd.DataFrame,
    x: str,
    y: str,
    title: str,
    marks: Mapping[str, tuple[float, float] | Mapping[str, tuple[float, float]]] | None = None,
    xlabel: str | None = None,
    ylabel: str | None = None,
) -> Figure:
    """A metric as a map over the parameters x and y, one panel per metric (and method), contour lines on it.

    frame: columns method, metric, x, y, and value or mean (shares of 1); one row per point. marks: points to show by
    name, such as {"chosen on val": (0.3, 0.6)}; or such points per method, for its panels only. Raises FrameError for a
    missing column, a point given twice, a grid with holes, or more names of points than there are signs for them.
    """
    check_columns("landscape", frame, "method", "metric", x, y)
    panels = list(frame.groupby(["method", "metric"], sort=False))
    points, signs = _points(marks or {}, [method for (method, _), _ in panels])
    figure = Figure(figsize=(1.0 + 4.3 * len(panels), 4.4), layout="constrained")
    for panel, ((method, metric), rows) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
    ):
        _map(figure, panel, rows, x, y, metric)
        for name, point in points[method].items():
            style = {"marker": signs[name], "color": "white", "markeredgecolor": "black", "linestyle": "none"}
            size = 12 if signs[name] == "*" else 8
            panel.plot(*point, label=name, markersize=size, zorder=5, clip_on=False, **style)
        panel.set_xlabel(xlabel or label_of(x))
        panel.set_ylabel(ylabel or label_of(y))
        panel.set_title(label_of(method))
    if signs:
        named = {line.get_label(): line for one in figure.axes for line in one.lines}
        handles = [named[name] for name in signs]
        figure.legend(handles=handles, loc="outside lower center", ncols=min(len(signs), 2 + 2 * len(panels)))
    headline(figure, title)
    return figure


def _points(marks: Mapping, methods: Sequence[str]) -> tuple[dict[str, Mapping], dict[str, str]]:
    """Each method's points, and the sign of each name, the same on all panels."""
    apart = any(isinstance(value, Mapping) for value in marks.values())
    points = {method: marks.get(method, {}) if apart else marks for method in methods}
    names = list(dict.fromkeys(name for some in points.values() for name in some))
    if len(names) > len(MARKS):
        raise FrameError(f"landscape: got {len(names)} names of points, expected at most {len(MARKS)}")
    return points, dict(zip(names, MARKS, strict=False))


@styled
def ablation(
    frame: pd.DataFrame, axes: tuple[str, ...], title: str, reference: Mapping[str, float] | None = None
) -> Figure:
    """What one parameter or two do to a metric: lines with interval bands, or a map.

    frame: columns method, metric, each of `axes`, and value or mean; bands where it has low and high. One axis: a line
    per method, a panel per metric. Two axes: the `landscape` of each method and metric. reference: values of the axes
    to mark, such as the paper's default. Raises FrameError for a missing column, or other than one or two axes.
    """
    if len(axes) == 2:
        marks = {"default": tuple(reference[name] for name in axes)} if reference else None
        return landscape(frame, *axes, title, marks=marks)
    if len(axes) != 1:
        raise FrameError(
            f"ablation: got {len(axes)} axes, expected one or two; fix the others by a query of the frame"
        )
    (axis,) = axes
    check_columns("ablation", frame, "method", "metric", axis)
    metrics = list(dict.fromkeys(frame["metric"]))
    figure = Figure(figsize=(1.2 + 4.1 * len(metrics), 3.9), layout="constrained")
    for panel, metric in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True):
        for method, line in frame[frame["metric"] == metric].groupby("method", sort=False):
            _line(panel, line.sort_values(axis), axis, method)
        if reference:
            panel.axvline(reference[axis], color="black", linestyle=":", linewidth=1.2, label="default")
        panel.set_xlabel(label_of(axis))
        panel.set_ylabel(metric)
    figure.legend(*panel.get_legend_handles_labels(), loc="outside right center")
    headline(figure, title)
    return figure


def _line(panel: Axes, line: pd.DataFrame, axis: str, method: str) -> None:
    x, colour = line[axis].to_numpy(float), colour_of(method)
    every = max(1, len(x) // 12)  # markers tell lines apart; more of them hide the line
    panel.plot(
        x, _values(line), color=colour, marker=marker_of(method), markevery=every, label=label_of(method)
    )
    if {"low", "high"} <= set(line):
        panel.fill_between(x, line["low"], line["high"], color=colour, alpha=0.18, linewidth=0)


def _map(figure: Figure, panel: Axes, rows: pd.DataFrame, x: str, y: str, metric: str) -> None:
    """Cells around their points, contour lines through them."""
    if rows.duplicated([x, y]).any():
        twice = rows[rows.duplicated([x, y])].iloc[0]
        raise FrameError(
            f"landscape: {x}={twice[x]:g}, {y}={twice[y]:g} comes twice; fix the other parameters by a query of the frame"
        )
    grid = rows.assign(_value=_values(rows)).pivot(index=y, columns=x, values="_value")
    if grid.isna().any().any() or min(grid.shape) < 2:
        raise FrameError(
            f"landscape: expected a full grid of at least 2 x 2 points, got {len(rows)} for {grid.shape}"
        )
    xs, ys, values = grid.columns.to_numpy(float), grid.index.to_numpy(float), grid.to_numpy(float)
    mesh = panel.pcolormesh(xs, ys, values, cmap=MAP, shading="nearest", rasterized=True)
    if values.max() > values.min():
        lines = panel.contour(
            xs,
            ys,
            values,
            levels=MaxNLocator(6).tick_values(values.min(), values.max()),
            colors="white",
            linewidths=0.9,
        )
        labels = panel.clabel(lines, fontsize=7, fmt="%.2f")
        edge = [withStroke(linewidth=2.2, foreground="black", alpha=0.5)]  # to be seen on light cells too
        lines.set_path_effects(edge)
        for text in labels:
            text.set_path_effects(edge)
    panel.grid(visible=False)
    bar = figure.colorbar(mesh, ax=panel, shrink=0.9)
    bar.set_label(metric)
    bar.outline.set_visible(False)


def _values(rows: pd.DataFrame) -> np.ndarray:
    name = next((name for name in ("value", "mean") if name in rows), None)
    if name is None:
        raise FrameError(f"the frame lacks value or mean; it has {', '.join(map(str, rows.columns))}")
    return rows[name].to_numpy(float)
