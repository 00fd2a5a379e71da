"""Where the queries of a chain of models are lost, and how far sampled captions agree."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from workbench.plots.curves import check_columns
from workbench.plots.style import GREY, METHOD_COLOURS, MODALITY_COLOURS, TARGET, headline, percent, styled

SOURCE_LOOKS = {  # colour and hatch: no part is told by colour alone
    "right": (TARGET, ""),
    "looks left unsaid": ("#BBBBBB", ""),
    "encoder": (MODALITY_COLOURS["image"], "//"),
    "caption": (MODALITY_COLOURS["caption"], ".."),
    "edit": ("#CC79A7", "xx"),
    "caption and edit": (MODALITY_COLOURS["text"], "++"),
}


@styled
def error_source_bars(frame: pd.DataFrame, title: str, named: int = 8) -> Figure:
    """One bar per chain of captioner and editor, split by which link put the first picture there.

    frame: of ``breakdown.error_sources`` (columns method, query, source). Parts of at least ``named`` queries bear
    their number. Raises FrameError for a missing column.
    """
    check_columns("error_source_bars", frame, "method", "query", "source")
    counts = frame.groupby(["method", "source"], sort=False).size().unstack(fill_value=0)
    chains = list(dict.fromkeys(frame["method"]))[::-1]
    figure = Figure(figsize=(8.6, 1.5 + 0.42 * len(chains)), layout="constrained")
    panel, left = figure.subplots(), pd.Series(0, index=chains)
    for source, (colour, hatch) in SOURCE_LOOKS.items():
        if source not in counts:
            continue
        width = counts.loc[chains, source]
        bars = panel.barh(
            chains,
            width,
            0.72,
            left=left,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            linewidth=0,
            label=source,
        )
        texts = [str(n) if n >= named else "" for n in width]
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.2, "alpha": 0.85}
        panel.bar_label(bars, texts, label_type="center", fontsize=8, bbox=box)
        left = left + width
    panel.set_xlabel("queries, by what made the first picture right or wrong")
    panel.set_xlim(0, left.max())
    panel.grid(visible=False)
    figure.legend(loc="outside lower center", ncols=3)
    headline(figure, title)
    return figure


@styled
def agreement_bars(solved: pd.Series, samples: int, title: str, what: str) -> Figure:
    """How many queries are solved by none, one, ... or all of several sampled captions.

    solved: per query, by how many samples. what: what solved means, for the axis.
    """
    counts = solved.value_counts().reindex(range(samples + 1), fill_value=0)
    colours = [GREY, *[METHOD_COLOURS["cirevl"]] * (samples - 1), TARGET]
    figure = Figure(figsize=(6.4, 3.3), layout="constrained")
    panel = figure.subplots()
    bars = panel.bar(counts.index, counts, 0.8, color=colours)
    panel.bar_label(bars, [f"{n}\n{percent(n / len(solved))}" for n in counts], fontsize=8, padding=2)
    panel.margins(y=0.18)
    panel.grid(visible=False, axis="x")
    panel.set_xlabel(f"sampled captions (of {samples}) that lead to {what}")
    panel.set_ylabel("queries")
    headline(figure, title)
    return figure
