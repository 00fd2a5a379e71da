"""Where methods are good, what one modality already solves, what flips between two methods, and how sure a gain is.

Takes the frames of `workbench.breakdown` and of `evaluation.results_table` as they are.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from workbench.plots.curves import check_columns
from workbench.plots.style import (
    GREY,
    MODALITY_COLOURS,
    TARGET,
    colour_of,
    headline,
    label_of,
    marker_of,
    styled,
)

LOST = MODALITY_COLOURS["text"]
KIND_COLOURS = {
    "text alone": MODALITY_COLOURS["text"],
    "image alone": MODALITY_COLOURS["image"],
    "either alone": "#CC79A7",
    "only composed": TARGET,
    "none": "#DDDDDD",
}


@styled
def breakdown_bars(frame: pd.DataFrame, title: str, metric: str | None = None) -> Figure:
    """A metric by group of queries: one bar per method and group with its interval; group sizes on the axis.

    frame: of `breakdown.breakdown`. metric: the first unless named. Raises FrameError for a missing column.
    """
    check_columns(
        "breakdown_bars", frame, "method", "metric", "by", "group", "queries", "mean", "low", "high"
    )
    metric = frame["metric"].iloc[0] if metric is None else metric
    rows = frame[frame["metric"] == metric]
    check_columns(f"breakdown_bars of {metric}", rows, "group")
    methods, groups = (list(dict.fromkeys(rows[name])) for name in ("method", "group"))
    figure = Figure(
        figsize=(1.5 + max(4.5, 0.32 * len(groups) * (len(methods) + 1)), 3.9), layout="constrained"
    )
    panel, width = figure.subplots(), 0.82 / len(methods)
    for place, method in enumerate(methods):
        some = rows[rows["method"] == method].set_index("group").loc[groups]
        x = np.arange(len(groups)) + (place - (len(methods) - 1) / 2) * width
        panel.bar(x, some["mean"], width * 0.94, color=colour_of(method), label=label_of(method))
        _whiskers(panel, x, some)
    sizes = rows.drop_duplicates("group").set_index("group")["queries"]
    panel.set_xticks(range(len(groups)), [f"{group}\n{sizes[group]:,}" for group in groups])
    panel.set_xlabel(f"{label_of(rows['by'].iloc[0])} (below: queries)")
    panel.set_ylabel(metric)
    panel.set_ylim(0, 1.02 * max(rows["high"].max(skipna=True), rows["mean"].max(), 0.05))
    panel.grid(visible=False, axis="x")
    figure.legend(loc="outside right center")
    headline(figure, title)
    return figure


@styled
def flip_bars(frame: pd.DataFrame, title: str) -> Figure:
    """Queries won to the right and lost to the left, a line per group, as shares of the group's queries.

    frame: of `breakdown.flips`. Raises FrameError for a missing column.
    """
    check_columns(
        "flip_bars", frame, "group", "method", "other", "metric", "queries", "won", "lost", "difference"
    )
    rows = frame.sort_values("difference").reset_index(drop=True)
    one, other = (label_of(rows[name].iloc[0]) for name in ("method", "other"))
    figure = Figure(figsize=(8.2, 1.6 + 0.38 * len(rows)), layout="constrained")
    panel = figure.subplots()
    for column, sign, colour, who in (("won", 1, TARGET, one), ("lost", -1, LOST, other)):
        bars = panel.barh(
            rows.index,
            sign * rows[column] / rows["queries"],
            0.7,
            color=colour,
            label=f"solved by {who} only",
        )
        panel.bar_label(bars, [str(n or "") for n in rows[column]], fontsize=8, padding=6)
    panel.plot(rows["difference"], rows.index, "D", color="black", label="difference", zorder=5)
    panel.axvline(0, color="black", linewidth=0.8)
    panel.set_yticks(
        rows.index, [f"{g} ({n:,})" for g, n in zip(rows["group"], rows["queries"], strict=True)]
    )
    panel.margins(x=0.12)
    panel.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * abs(share):.0f} %"))
    panel.set_xlabel(f"queries of the group that flip, {rows['metric'].iloc[0]} (numbers: how many)")
    panel.grid(visible=False, axis="y")
    figure.legend(loc="outside lower center", ncols=3)
    headline(figure, title)
    return figure


@styled
def necessity_bars(frame: pd.DataFrame, title: str) -> Figure:
    """Which modality solves the queries: one bar per composed method, split into kinds that add up to all queries.

    frame: of `breakdown.necessity`. Raises FrameError for a missing column.
    """
    check_columns("necessity_bars", frame, "method", "metric", "kind", "share")
    methods, kinds = (list(dict.fromkeys(frame[name])) for name in ("method", "kind"))
    table = frame.pivot(index="method", columns="kind", values="share").loc[methods, kinds]
    figure = Figure(figsize=(8.2, 1.7 + 0.5 * len(methods)), layout="constrained")
    panel, start = figure.subplots(), np.zeros(len(methods))
    for kind in kinds:
        share = table[kind].to_numpy(float)
        bars = panel.barh(
            range(len(methods)), share, 0.7, left=start, color=KIND_COLOURS.get(kind, GREY), label=kind
        )
        texts = [f"{100 * s:.0f} %" if s >= 0.04 else "" for s in share]
        panel.bar_label(
            bars, texts, label_type="center", fontsize=8, color="black" if kind == "none" else "white"
        )
        start = start + share
    panel.set_yticks(range(len(methods)), [label_of(method) for method in methods])
    panel.invert_yaxis()
    panel.set_xlim(0, 1)
    panel.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    panel.set_xlabel(f"queries, by what solves them ({frame['metric'].iloc[0]})")
    panel.grid(visible=False)
    figure.legend(loc="outside lower center", ncols=len(kinds))
    headline(figure, title)
    return figure


@styled
def gains(results: pd.DataFrame, title: str, metric: str | None = None) -> Figure:
    """Each method's difference from the baseline with its interval, in points; hollow where the corrected p is above .05.

    results: of `evaluation.results_table`. metric: the first unless named. Raises FrameError for a missing column.
    """
    needed = ("method", "metric", "baseline", "difference", "difference_low", "difference_high", "p_holm")
    check_columns("gains", results, *needed)
    metric = results["metric"].iloc[0] if metric is None else metric
    rows = results[(results["metric"] == metric) & (results["method"] != results["baseline"])]
    check_columns(f"gains of {metric}", rows, "method")
    figure = Figure(figsize=(8.2, 1.4 + 0.36 * len(rows)), layout="constrained")
    panel = figure.subplots()
    for place, row in enumerate(rows.to_dict("records")):
        colour, ends = colour_of(row["method"]), (row["difference_low"], row["difference_high"])
        panel.plot(
            [100 * end for end in ends], [place, place], color=colour, linewidth=2.2, solid_capstyle="butt"
        )
        fill = colour if row["p_holm"] <= 0.05 else "white"
        look = {"marker": marker_of(row["method"]), "color": colour, "markerfacecolor": fill, "markersize": 8}
        panel.plot(100 * row["difference"], place, **look)
    panel.axvline(0, color="black", linewidth=0.8)
    panel.set_yticks(range(len(rows)), [label_of(method) for method in rows["method"]])
    panel.invert_yaxis()
    panel.margins(y=0.08)
    panel.grid(visible=False, axis="y")
    panel.set_xlabel(
        f"{metric}: points over {label_of(rows['baseline'].iloc[0])} (hollow: Holm-corrected p > .05)"
    )
    headline(figure, title)
    return figure


def _whiskers(panel: Axes, at: np.ndarray, rows: pd.DataFrame) -> None:
    """Intervals as thin lines with a light edge, to be seen on a black bar; none where a group was too small for one."""
    kept = rows["low"].notna().to_numpy()
    for colour, width in (("white", 3), ("black", 1)):
        panel.vlines(at[kept], rows["low"][kept], rows["high"][kept], color=colour, linewidth=width, zorder=4)
