"""Figures: a tidy frame or arrays in, a matplotlib Figure out. Nothing is computed and nothing is written here."""

from workbench.plots.curves import metric_curve, rank_cdf, target_counts
from workbench.plots.style import colour_of, svg
from workbench.plots.triplets import Ranked, Triplet, triplet_sheet

__all__ = [
    "Ranked",
    "Triplet",
    "colour_of",
    "metric_curve",
    "rank_cdf",
    "svg",
    "target_counts",
    "triplet_sheet",
]
