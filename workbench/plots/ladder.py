"""Methods as a ladder: each with its mean and interval, one panel per metric."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from workbench.plots.curves import check_columns
from workbench.plots.style import colour_of, headline, label_of, marker_of, styled


@styled
def ladder(results: pd.DataFrame, title: str, metrics: Sequence[str] | None = None) -> Figure:
    """One line per method in the order given, its mean and interval on each metric; the baseline's mean as a dotted line.

    results: of `evaluation.results_table`. metrics: all unless given. Raises FrameError for a missing column.
    """
    check_columns("ladder", results, "method", "metric", "mean", "low", "high", "baseline", "level")
    metrics = list(dict.fromkeys(results["metric"])) if metrics is None else list(metrics)
    methods = list(dict.fromkeys(results["method"]))
    figure = Figure(figsize=(1.8 + 2.7 * len(metrics), 1.5 + 0.34 * len(methods)), layout="constrained")
    figure.get_layout_engine().set(wspace=0.06)
    panels = figure.subplots(1, len(metrics), squeeze=False, sharey=True)[0]
    for panel, metric in zip(panels, metrics, strict=True):
        rows = results[results["metric"] == metric].set_index("method")
        check_columns(f"ladder of {metric}", rows, "mean")
        for place, method in enumerate(methods):
            look = {"color": colour_of(method), "marker": marker_of(method), "clip_on": False}
            ends = [rows.loc[method, end] for end in ("low", "high")]
            panel.plot(ends, [place, place], color=look["color"], linewidth=2.2, solid_capstyle="butt")
            panel.plot(rows.loc[method, "mean"], place, markersize=5.5, **look)
        panel.axvline(rows.loc[rows["baseline"].iloc[0], "mean"], color="black", linestyle=":", linewidth=1)
        panel.set_xlim(0, 1)
        panel.set_xticks([0, 0.25, 0.5, 0.75, 1])
        panel.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        panel.set_xlabel(metric)
    panels[0].set_yticks(range(len(methods)), [label_of(method) for method in methods])
    panels[0].invert_yaxis()
    headline(figure, title)
    return figure
