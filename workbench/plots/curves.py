"""Curves and bars over tidy frames: a metric along a parameter, where the targets rank, how many targets there are.

The caller gives the title, which states what the figure shows, and the numbers, intervals included.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from workbench.plots.style import GREY, METHOD_COLOURS, colour_of, headline, label_of, marker_of, styled


class FrameError(ValueError):
    """A frame lacks a column that the figure or table needs; the message names both."""


def check_columns(what: str, frame: pd.DataFrame, *columns: str) -> None:
    """Raises FrameError where `frame` is empty or lacks one of `columns`."""
    missing = [name for name in columns if name not in frame.columns]
    if missing or frame.empty:
        need = f"lacks {', '.join(missing)}" if missing else "is empty"
        raise FrameError(
            f"{what}: the frame {need}; it has {', '.join(map(str, frame.columns)) or 'no columns'}"
        )


@styled
def metric_curve(frame: pd.DataFrame, parameter: str, title: str, xlabel: str | None = None) -> Figure:
    """A metric along a parameter: one line per method with its interval as a band, one panel per metric.

    frame: columns method, metric, <parameter>, mean, low, high (shares of 1). Raises FrameError for a missing column.
    """
    check_columns("metric_curve", frame, "method", "metric", parameter, "mean", "low", "high")
    metrics = list(dict.fromkeys(frame["metric"]))
    figure = Figure(figsize=(1.2 + 4.1 * len(metrics), 3.9), layout="constrained")
    panels = figure.subplots(1, len(metrics), squeeze=False)[0]
    for panel, metric in zip(panels, metrics, strict=True):
        for method, line in frame[frame["metric"] == metric].groupby("method", sort=False):
            _band(panel, line.sort_values(parameter), parameter, method)
        panel.set_xlabel(xlabel or parameter)
        panel.set_ylabel(metric)
        panel.set_ylim(0, 1)
    panels[0].legend(loc="best")
    headline(figure, title)
    return figure


@styled
def rank_cdf(frame: pd.DataFrame, n_gallery: int, title: str) -> Figure:
    """Where the targets rank: for each k, the share of queries with a target among the first k. One step line per method.

    frame: columns method, rank (1-based, one row per query, the best target's). Raises FrameError for a missing column.
    """
    check_columns("rank_cdf", frame, "method", "rank")
    figure = Figure(figsize=(8.2, 4.2), layout="constrained")
    panel = figure.subplots()
    for method, group in frame.groupby("method", sort=False):
        look = {"color": colour_of(method), "marker": marker_of(method), "markevery": 0.08}
        ranks, queries = np.unique(group["rank"].to_numpy(np.float64), return_counts=True)
        panel.plot(
            ranks, np.cumsum(queries) / len(group), label=label_of(method), drawstyle="steps-post", **look
        )
    chance = np.geomspace(1, n_gallery, 200)
    panel.plot(chance, chance / n_gallery, color=GREY, linestyle=":", label="random order, one target")
    panel.set_xscale("log")
    panel.set_xlim(1, n_gallery)
    panel.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    panel.set_xlabel("k: the first k of the gallery (log scale)")
    panel.set_ylabel("share of queries with a target in the first k")
    panel.set_ylim(0, 1)
    figure.legend(loc="outside right center")
    headline(figure, title)
    return figure


@styled
def target_counts(frame: pd.DataFrame, title: str) -> Figure:
    """How many targets a query has: one bar per number of targets, the count of queries on top.

    frame: columns targets, queries. Raises FrameError for a missing column.
    """
    check_columns("target_counts", frame, "targets", "queries")
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    panel = figure.subplots()
    bars = panel.bar(frame["targets"], frame["queries"], color=METHOD_COLOURS["weighted_sum"], width=0.8)
    panel.bar_label(bars, fontsize=8, padding=2)
    panel.grid(visible=False, axis="x")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.set_xlabel("targets of the query (pictures of the gallery that fit)")
    panel.set_ylabel("queries")
    panel.margins(y=0.1)
    headline(figure, title)
    return figure


def _band(panel: Axes, line: pd.DataFrame, parameter: str, method: str) -> None:
    colour, x = colour_of(method), line[parameter].to_numpy(np.float64)
    panel.plot(x, line["mean"], color=colour, marker=marker_of(method), label=label_of(method))
    panel.fill_between(x, line["low"], line["high"], color=colour, alpha=0.18, linewidth=0)
