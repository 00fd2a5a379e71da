"""Measures of the modality gap: where two clouds of rows lie, how wide and how even they are, how far apart.

Rows are made unit first, in float64; the sign of the gap is image - text. One file per family (``gap``, ``cosines``,
``distances``, ``spectrum``, ``separation``); ``metrics`` lists every measure with its units, range, references and what
it does not say, and ``report`` takes them all. What can be done about a gap is in ``workbench.interventions``.
"""

from workbench.geometry.cosines import (
    cone_width,
    cosine_samples,
    cross_cosine,
    pair_recall,
    paired_auc,
    paired_cosine,
    unpaired_cosine,
)
from workbench.geometry.distances import alignment, frechet, mmd, uniformity, union_uniformity
from workbench.geometry.gap import (
    close_gap,
    gap_alignment,
    gap_coherence,
    gap_direction,
    gap_norm,
    gap_share,
    gap_vector,
    pair_distance,
    pair_distance_spread,
    relative_gap,
)
from workbench.geometry.metrics import GEOMETRY_METRICS, GeometryMetric
from workbench.geometry.report import gap_report
from workbench.geometry.rows import GeometryError
from workbench.geometry.separation import linear_separability, mean_separability, neighbour_purity
from workbench.geometry.spectrum import effective_rank, eigenvalues, isoscore, participation_ratio

__all__ = [
    "GEOMETRY_METRICS",
    "GeometryError",
    "GeometryMetric",
    "alignment",
    "close_gap",
    "cone_width",
    "cosine_samples",
    "cross_cosine",
    "effective_rank",
    "eigenvalues",
    "frechet",
    "gap_alignment",
    "gap_coherence",
    "gap_direction",
    "gap_norm",
    "gap_report",
    "gap_share",
    "gap_vector",
    "isoscore",
    "linear_separability",
    "mean_separability",
    "mmd",
    "neighbour_purity",
    "pair_distance",
    "pair_distance_spread",
    "pair_recall",
    "paired_auc",
    "paired_cosine",
    "participation_ratio",
    "relative_gap",
    "uniformity",
    "union_uniformity",
    "unpaired_cosine",
]
