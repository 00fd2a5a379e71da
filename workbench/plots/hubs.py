"""Figures of hubness: how often pictures are found, who holds the places, why, and what taming hubs does.

The caller computes (`joint.frames`, `joint.joint_table`) and says the finding in the title. Pictures: `hub_gallery`.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, PercentFormatter, StrMethodFormatter

from workbench.plots.curves import check_columns
from workbench.plots.style import GREY, TARGET, colour_of, headline, label_of, marker_of, percent, styled

RANDOM = "random lists"
LOOKS = (  # of mitigators, in order of appearance: no two share colour or marker
    ("#0072B2", "o"),
    ("#D55E00", "^"),
    ("#009E73", "s"),
    ("#CC79A7", "D"),
    ("#E69F00", "v"),
    ("#332288", "P"),
    ("#882255", "X"),
    ("#56B4E9", "p"),
    ("#999933", "*"),
    ("#661100", "h"),
)
CHANGES = {"kept": (GREY, "o"), "fixed": (TARGET, "^"), "broken": ("#D55E00", "v")}


@styled
def occurrence_curves(frame: pd.DataFrame, title: str, hub_from: int | None = None) -> Figure:
    """The share of pictures that are in at least so many lists, both axes logarithmic; anti-hubs in the legend.

    frame: of `joint.occurrence_frame` (method, n_k, at_least). hub_from: the N_k at which hubs begin, as a line.
    Raises FrameError for a missing column.
    """
    check_columns("occurrence_curves", frame, "method", "n_k", "at_least")
    figure = Figure(figsize=(8.2, 4.2), layout="constrained")
    panel = figure.subplots()
    for method, curve in frame.groupby("method", sort=False):
        never = 1 - curve.loc[curve["n_k"] == 1, "at_least"].sum()
        some = curve[curve["n_k"] >= 1]
        text = f"{label_of(method)} (in no list: {percent(never)})"
        panel.plot(some["n_k"], some["at_least"], label=text, **_line_look(method))
    panel.set(xscale="log", yscale="log")
    if hub_from is not None:
        panel.axvline(hub_from, color=GREY, linewidth=1)
        at = (hub_from, 0.02)
        panel.annotate(
            f" hubs: {hub_from} lists or more", at, xycoords=("data", "axes fraction"), color=GREY, fontsize=8
        )
    panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:g} %"))
    panel.set_xlabel("k-occurrence N_k: in how many of the lists a picture is (log scale)")
    panel.set_ylabel("pictures in at least so many lists")
    figure.legend(loc="outside lower center", ncols=2)
    headline(figure, title)
    return figure


@styled
def lorenz_curves(frame: pd.DataFrame, title: str) -> Figure:
    """Who holds the places: pictures in order of N_k, and the share of all places that they hold together.

    frame: of `joint.lorenz_frame` (method, pictures, places, gini). Raises FrameError for a missing column.
    """
    check_columns("lorenz_curves", frame, "method", "pictures", "places", "gini")
    figure = Figure(figsize=(7.4, 4.2), layout="constrained")
    panel = figure.subplots()
    panel.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, label="all alike (Gini 0)")
    for method, curve in frame.groupby("method", sort=False):
        look = _line_look(method) | {"marker": None}
        panel.plot(
            curve["pictures"],
            curve["places"],
            label=f"{label_of(method)} (Gini {curve['gini'].iloc[0]:.2f})",
            **look,
        )
    panel.set(xlim=(0, 1), ylim=(0, 1))
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    panel.set_xlabel("pictures of the gallery, the least frequent first")
    panel.set_ylabel("places that they hold together")
    figure.legend(loc="outside right center")
    headline(figure, title)
    return figure


@styled
def cause_curves(
    frame: pd.DataFrame, title: str, ylabel: str = "k-skewness", random: float | None = None
) -> Figure:
    """One panel per cause: what is turned along the axis, and what comes of it, with an interval as a band.

    frame: columns cause (the axis label), value, line, mean, low, high. random: the value of random lists, dotted.
    Raises FrameError for a missing column.
    """
    check_columns("cause_curves", frame, "cause", "value", "line", "mean", "low", "high")
    causes = list(dict.fromkeys(frame["cause"]))
    figure = Figure(figsize=(1.2 + 3.6 * len(causes), 3.8), layout="constrained")
    panels = figure.subplots(1, len(causes), sharey=True, squeeze=False)[0]
    for panel, cause in zip(panels, causes, strict=True):
        lines = frame[frame["cause"] == cause].groupby("line", sort=False)
        for (colour, marker), (name, line) in zip(LOOKS, lines, strict=False):
            panel.plot(line["value"], line["mean"], color=colour, marker=marker, label=name)
            panel.fill_between(
                line["value"], line["low"], line["high"], color=colour, alpha=0.18, linewidth=0
            )
        if random is not None:
            panel.axhline(random, color=GREY, linestyle=":", label=RANDOM)
        panel.set_xlabel(cause)
    panels[0].legend(loc="upper left")
    panels[0].set_ylabel(ylabel)
    headline(figure, title)
    return figure


@styled
def tradeoff(frame: pd.DataFrame, title: str, close: float | None = None) -> Figure:
    """What a mitigator changes in recall against what it changes in skewness, one panel per method, paired intervals.

    Filled: an inductive bank; open: a transductive one. The method as it is stands at 0, its values over the panel.
    close: a second row that shows only what lies within so much of no change in recall (0.08: eight points).
    frame: rows of `joint.joint_table` for one metric and one intervention (method, mitigator, transductive, metric,
    mean, difference, skewness, skewness_difference, and the ends of both differences: difference_low ...). Raises
    FrameError for a missing column, ValueError for more than ten mitigators.
    """
    ends = [f"{name}_{end}" for name in ("difference", "skewness_difference") for end in ("low", "high")]
    needed = ("method", "mitigator", "transductive", "metric", "mean", "difference")
    check_columns("tradeoff", frame, *needed, "skewness", "skewness_difference", *ends)
    methods = list(dict.fromkeys(frame["method"]))
    names = [name for name in dict.fromkeys(frame["mitigator"]) if name != "none"]
    if len(names) > len(LOOKS):
        raise ValueError(f"tradeoff: got {len(names)} mitigators, at most {len(LOOKS)} can be told apart")
    looks, rows = dict(zip(names, LOOKS, strict=False)), 1 if close is None else 2
    figure = Figure(figsize=(1.2 + 3.3 * len(methods), 1.2 + 3.4 * rows), layout="constrained")
    grid = figure.subplots(rows, len(methods), sharex="row", sharey="row", squeeze=False)
    for row, within in zip(grid, (None, close), strict=False):
        for panel, method in zip(row, methods, strict=True):
            _tradeoff_panel(panel, frame[frame["method"] == method], looks, within)
        where = "" if within is None else ", close up"
        row[0].set_ylabel(f"change of {frame['metric'].iloc[0]} in points{where}")
    for panel, method in zip(grid[0], methods, strict=True):
        mine = frame[frame["method"] == method]
        plain = mine[mine["mitigator"] == "none"].iloc[0]
        panel.set_title(f"{label_of(method)}\n", pad=2)
        text = f"as it is: {plain['metric']} {percent(plain['mean'], 1)}, skewness {plain['skewness']:.2f}"
        panel.text(0, 1.01, text, transform=panel.transAxes, fontsize=8, color=GREY)
    for panel in grid[-1]:
        panel.set_xlabel("change of k-skewness")
    marks = (zip(*panel.get_legend_handles_labels(), strict=True) for panel in grid[0])
    handles = {text: mark for some in marks for mark, text in some}
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=4, fontsize=8)
    headline(figure, title)
    return figure


@styled
def rank_change_dots(frame: pd.DataFrame, k: int, title: str) -> Figure:
    """The target's rank before and after, a dot per pair of ranks, its area the number of queries; lines at k.

    frame: of `joint.rank_changes` (method, before, after, queries, change). Raises FrameError for a missing column.
    """
    check_columns("rank_change_dots", frame, "method", "before", "after", "queries", "change")
    methods = list(dict.fromkeys(frame["method"]))
    figure = Figure(figsize=(1.0 + 3.5 * len(methods), 4.3), layout="constrained")
    panels = figure.subplots(1, len(methods), sharey=True, sharex=True, squeeze=False)[0]
    worst = max(frame["before"].max(), frame["after"].max()) * 1.3
    for panel, method in zip(panels, methods, strict=True):
        mine = frame[frame["method"] == method]
        panel.plot([0.8, worst], [0.8, worst], color="#BBBBBB", linewidth=0.8)
        for change, (colour, marker) in CHANGES.items():
            dots = mine[mine["change"] == change]
            text = f"{change}: {dots['queries'].sum()}"
            size = 9 * dots["queries"] ** 0.5
            look = {"marker": marker, "alpha": 0.7, "linewidths": 0, "label": text}
            panel.scatter(dots["before"], dots["after"], size, colour, **look)
        for line in (panel.axvline, panel.axhline):
            line(k + 0.5, color=GREY, linewidth=0.8, linestyle="--")
        panel.set(xscale="log", yscale="log", xlim=(0.8, worst), ylim=(0.8, worst))
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        panel.set_title(label_of(method))
        panel.set_xlabel("rank before (log scale)")
        panel.legend(loc="upper left", fontsize=8)
    panels[0].set_ylabel("rank after (log scale)")
    headline(figure, title)
    return figure


def _line_look(method: str) -> dict:
    if method == RANDOM:
        return {"color": GREY, "linestyle": ":", "marker": None}
    return {"color": colour_of(method), "marker": marker_of(method)}


def _tradeoff_panel(panel: Axes, mine: pd.DataFrame, looks: dict, within: float | None) -> None:
    """One method's marks; only those no further than `within` from no change in recall, where it is given."""
    shown = mine[mine["mitigator"] != "none"]
    if within is not None:
        shown = shown[shown["difference"].abs() <= within]
        panel.set_ylim(-within, within)
    for row in shown.to_dict("records"):
        _mark(panel, row, *looks[row["mitigator"]])
    for line in (panel.axhline, panel.axvline):
        line(0, color="black", linewidth=0.9)
    panel.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:+.0f}"))


def _mark(panel: Axes, row: dict, colour: str, marker: str) -> None:
    """One setting's two differences with their intervals."""
    x, y = row["skewness_difference"], row["difference"]
    panel.errorbar(
        x,
        y,
        xerr=[[x - row["skewness_difference_low"]], [row["skewness_difference_high"] - x]],
        yerr=[[y - row["difference_low"]], [row["difference_high"] - y]],
        color=colour,
        marker=marker,
        markersize=7,
        markerfacecolor="white" if row["transductive"] else colour,
        elinewidth=0.7,
        alpha=0.9,
        linestyle="none",
        label=f"{label_of(row['mitigator'])} ({'transductive' if row['transductive'] else 'inductive'})",
    )
