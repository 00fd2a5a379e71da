"""Figures: a tidy frame or arrays in, a matplotlib Figure out. Nothing is computed and nothing is written here."""

from workbench.plots.breakdown import breakdown_bars, flip_bars, gains, necessity_bars
from workbench.plots.curves import metric_curve, rank_cdf, target_counts
from workbench.plots.hub_gallery import Captured, HubLine, hub_gallery
from workbench.plots.hubs import cause_curves, lorenz_curves, occurrence_curves, rank_change_dots, tradeoff
from workbench.plots.ladder import ladder
from workbench.plots.landscape import ablation, landscape
from workbench.plots.style import colour_of, svg
from workbench.plots.triplets import Ranked, Triplet, triplet_sheet

__all__ = [
    "Captured",
    "HubLine",
    "Ranked",
    "Triplet",
    "ablation",
    "breakdown_bars",
    "cause_curves",
    "colour_of",
    "flip_bars",
    "gains",
    "hub_gallery",
    "ladder",
    "landscape",
    "lorenz_curves",
    "metric_curve",
    "necessity_bars",
    "occurrence_curves",
    "rank_cdf",
    "rank_change_dots",
    "svg",
    "target_counts",
    "tradeoff",
    "triplet_sheet",
]
