"""Figures: a tidy frame or arrays in, a matplotlib Figure out. Nothing is computed and nothing is written here."""

from workbench.plots.breakdown import breakdown_bars, flip_bars, gains, necessity_bars
from workbench.plots.curves import metric_curve, rank_cdf, target_counts
from workbench.plots.ladder import ladder
from workbench.plots.landscape import ablation, landscape
from workbench.plots.style import colour_of, svg
from workbench.plots.triplets import Ranked, Triplet, triplet_sheet

__all__ = [
    "Ranked",
    "Triplet",
    "ablation",
    "breakdown_bars",
    "colour_of",
    "flip_bars",
    "gains",
    "ladder",
    "landscape",
    "metric_curve",
    "necessity_bars",
    "rank_cdf",
    "svg",
    "target_counts",
    "triplet_sheet",
]
