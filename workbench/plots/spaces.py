"""Both modalities in one picture: the joint map, the cosines, what closing the gap does, spectra.

Coordinates, samples and tidy frames come in (``workbench.maps``, ``geometry``, ``interventions.closing``); nothing is
computed here. Pictures are blue circles and texts orange triangles everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from workbench.arrays import Float
from workbench.plots.curves import FrameError, check_columns
from workbench.plots.style import GREY, MODALITY_COLOURS, headline, styled

COSINE_LOOKS = {
    "paired": ("#009E73", "-"),
    "unpaired": (GREY, "--"),
    "image-text": (GREY, "--"),
    "image-image": (MODALITY_COLOURS["image"], "-"),
    "text-text": (MODALITY_COLOURS["text"], "--"),
}
WAYS = {"t2i": ("text", "text → image", "^"), "i2t": ("image", "image → text", "o")}
AMOUNTS = {
    "shift": "share of the gap taken away (1: means meet)",
    "centring": "α: share of each mean taken away",
}


class MapPanel(NamedTuple):
    """One map: coordinates of both modalities, what its axes are, and the distance of the means in all D dimensions."""

    title: str
    images: Float["N 2"]
    texts: Float["M 2"]
    axis_labels: tuple[str, str]
    gap: float


@styled
def gap_map(panels: Sequence[MapPanel], title: str, lines: bool = True) -> Figure:
    """Maps side by side on shared axes, the two means (crosses) joined, their true distance (of D axes) written on it.

    lines: a thin line from each picture to its text, row i to row i. Raises FrameError where rows cannot be paired so.
    """
    figure = Figure(figsize=(0.6 + 4.6 * len(panels), 4.6), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False, sharex=True, sharey=True)[0]
    for place, panel in zip(axes, panels, strict=True):
        if lines:
            if len(panel.images) != len(panel.texts):
                raise FrameError(
                    f"gap_map: {len(panel.images)} images and {len(panel.texts)} texts are no pairs; say lines=False"
                )
            ends = np.stack([panel.images, panel.texts], axis=1)
            place.add_collection(LineCollection(ends, colors="#888888", linewidths=0.4, alpha=0.25, zorder=1))
        for name, rows, marker in (("image", panel.images, "o"), ("text", panel.texts, "^")):
            look = {"color": MODALITY_COLOURS[name], "marker": marker, "linewidths": 0}
            place.scatter(rows[:, 0], rows[:, 1], s=10, alpha=0.55, label=f"{name}s", zorder=2, **look)
        _means(place, panel)
        place.set_title(panel.title, fontsize=10, fontweight="normal")
        place.set_xlabel(panel.axis_labels[0])
        place.set_ylabel(panel.axis_labels[1])
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    headline(figure, title)
    return figure


@styled
def cosine_histograms(samples: Mapping[str, Float[" n"]], title: str, auc: float | None = None) -> Figure:
    """Distributions of cosines: between the modalities on the left, within each on the right, means marked.

    samples: of ``geometry.cosine_samples``. auc: how often a paired cosine is above an unpaired one. Raises FrameError
    for a kind that has no colour here.
    """
    unknown = [name for name in samples if name not in COSINE_LOOKS]
    if unknown or not samples:
        raise FrameError(
            f"cosine_histograms: got {unknown or 'no samples'}, expected {', '.join(COSINE_LOOKS)}"
        )
    low, high = (f([f(values) for values in samples.values()]) for f in (np.min, np.max))
    bins = np.linspace(
        low - 0.02, high + 0.02, 121
    )  # all the same cosine is a bar, not a division by nothing
    figure = Figure(figsize=(9.4, 3.7), layout="constrained")
    for panel, kinds, what in zip(
        figure.subplots(1, 2, sharex=True),
        (("paired", "unpaired", "image-text"), ("image-image", "text-text")),
        ("between the modalities", "within a modality (the cones)"),
        strict=True,
    ):
        for kind in (kind for kind in kinds if kind in samples):
            colour, dash = COSINE_LOOKS[kind]
            values = samples[kind]
            panel.hist(values, bins, density=True, color=colour, histtype="stepfilled", alpha=0.22)
            panel.hist(
                values, bins, density=True, color=colour, histtype="step", linestyle=dash, linewidth=1.4
            )
            panel.axvline(
                values.mean(), color=colour, linestyle=dash, label=f"{kind}: mean {values.mean():.2f}"
            )
        panel.set_title(what, fontsize=10, fontweight="normal")
        panel.set_xlabel("cosine")
        panel.set_ylabel("density")
        said = f"AUC {auc:.3f}" if auc is not None and "paired" in kinds else None
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.2), "ncols": 2}
        panel.legend(fontsize=8, title=said, title_fontsize=8, handlelength=3, **below)
    headline(figure, title)
    return figure


@styled
def closing_the_gap(frame: pd.DataFrame, title: str) -> Figure:
    """Recall, gap and hubs along two ways of bringing the means together: shifting both modalities, centring each.

    frame: of ``interventions.closing_sweep``. Raises FrameError for a missing column.
    """
    columns = ("way", "amount", "gap_norm", "relative_gap", *(f"skewness {way}" for way in WAYS))
    check_columns("closing_the_gap", frame, *columns, *(f"recall@{k} {way}" for way in WAYS for k in (1, 5)))
    ways = list(dict.fromkeys(frame["way"]))
    figure = Figure(figsize=(1.4 + 4.2 * len(ways), 7.6), layout="constrained")
    grid = figure.subplots(3, len(ways), squeeze=False, sharex="col", sharey="row")
    for column, way in zip(grid.T, ways, strict=True):
        rows = frame[frame["way"] == way].sort_values("amount")
        _recalls(column[0], rows)
        column[1].plot(rows["amount"], rows["gap_norm"], color="black", marker="s", label="gap norm (L2M)")
        column[1].plot(
            rows["amount"], rows["relative_gap"], color=GREY, marker="D", ls="--", label="relative gap (RMG)"
        )
        for name, (modality, said, marker) in WAYS.items():
            look = {"color": MODALITY_COLOURS[modality], "marker": marker, "label": said}
            column[2].plot(rows["amount"], rows[f"skewness {name}"], **look)
        for panel in column:
            panel.axvline(0, color=GREY, linewidth=0.8)
            panel.set_ylim(bottom=min(0, panel.get_ylim()[0]))
        column[0].set_title(way, fontsize=10)
        column[2].set_xlabel(AMOUNTS.get(way, "amount"))
    for panel, said in zip(grid[:, 0], ("share of queries", "gap", "k-skewness (k = 10)"), strict=True):
        panel.set_ylabel(said)
        panel.legend(fontsize=8, loc="best", handlelength=4)
    headline(figure, title)
    return figure


@styled
def spectra(eigenvalues: Mapping[str, Float[" D"]], gap: Float[" D"], title: str) -> Figure:
    """How many directions each modality uses (eigenvalues as shares), and in how many dimensions the gap lies.

    eigenvalues: of "image" and "text", largest first. gap: the gap vector. Raises FrameError where a modality
    has collapsed to one point, or there is no gap.
    """
    if not (np.any(gap) and all(np.any(values > 0) for values in eigenvalues.values())):
        raise FrameError("spectra: a modality has no spread, or the means coincide")
    figure = Figure(figsize=(9.4, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, values in eigenvalues.items():
        shares = values / values.sum()
        shares = shares[shares > 1e-8]  # below is rounding: with N rows, D - N + 1 directions hold nothing
        look = {"color": MODALITY_COLOURS[name], "linestyle": "-" if name == "image" else "--"}
        left.plot(np.arange(1, len(shares) + 1), shares, label=f"{name}s", **look)
    left.set(xscale="log", yscale="log", xlabel="direction, largest first", ylabel="share of the variance")
    left.legend()
    squared = np.sort(gap**2)[::-1]
    count = np.arange(1, len(squared) + 1)
    right.plot(count, np.cumsum(squared) / squared.sum(), color="black", label="this gap")
    right.plot(count, count / len(count), color=GREY, linestyle=":", label="spread evenly")
    right.set(
        xscale="log", ylim=(0, 1.02), xlabel="dimensions, largest first", ylabel="share of the squared gap"
    )
    right.legend()
    headline(figure, title)
    return figure


def _means(place: Axes, panel: MapPanel) -> None:
    image, text = panel.images.mean(axis=0), panel.texts.mean(axis=0)
    place.plot(*np.stack([image, text]).T, color="black", marker="x", markersize=7, linewidth=1.6, zorder=3)
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5}
    where = {"xytext": (0, 9), "textcoords": "offset points", "ha": "center", "fontsize": 9}
    place.annotate(f"distance of the means {panel.gap:.2f}", (image + text) / 2, bbox=box, zorder=4, **where)


def _recalls(panel: Axes, rows: pd.DataFrame) -> None:
    for name, (modality, said, marker) in WAYS.items():
        for k, dash in ((1, "-"), (5, "--")):
            look = {"color": MODALITY_COLOURS[modality], "marker": marker, "linestyle": dash}
            panel.plot(rows["amount"], rows[f"recall@{k} {name}"], label=f"Recall@{k}, {said}", **look)
