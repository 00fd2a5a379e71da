"""Every measure as a record: how it is taken, in what units and range, what extremes give, what it does not say.

To add one: a function in the file of its family, and a record here; ``report`` and the command line take it up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from workbench.geometry.cosines import (
    cone_width,
    cross_cosine,
    pair_recall,
    paired_auc,
    paired_cosine,
    unpaired_cosine,
)
from workbench.geometry.distances import alignment, frechet, mmd, uniformity, union_uniformity
from workbench.geometry.gap import (
    gap_alignment,
    gap_coherence,
    gap_norm,
    gap_share,
    pair_distance,
    pair_distance_spread,
    relative_gap,
)
from workbench.geometry.separation import linear_separability, mean_separability, neighbour_purity
from workbench.geometry.spectrum import effective_rank, isoscore, participation_ratio


@dataclass(frozen=True)
class GeometryMetric:
    """One measure of two clouds: ``compute(images, texts)`` and what a reader needs beside the number.

    needs: "pairs" where row i of one must belong to row i of the other, else "sets". low, high: its range (high may
    depend on the shape, then None). extremes: what degenerate clouds give. flag: it saturates, so it is read as yes or
    no. quadratic: it compares all rows with all, so that a report takes it on a sample of large sets.
    """

    id: str
    name: str
    compute: Callable[[np.ndarray, np.ndarray], float]
    units: str
    low: int
    high: int | None
    extremes: str
    says: str
    not_said: str
    needs: Literal["pairs", "sets"] = "sets"
    flag: bool = False
    quadratic: bool = False

    @property
    def range(self) -> str:
        high = "min(N, D)" if self.high is None else f"{self.high:g}"
        return f"{self.low:g} to {high}"


_IMAGE, _TEXT = "image", "text"


def _of(which: str, measure: Callable, **options) -> Callable[[np.ndarray, np.ndarray], float]:
    """A measure of one cloud as one of two."""
    return lambda images, texts: measure(images if which == _IMAGE else texts, **options)


def _swapped(measure: Callable, **options) -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda images, texts: measure(texts, images, **options)


_GAP = [
    GeometryMetric(
        "gap_norm", "gap norm (L2M)", gap_norm, "distance between unit rows", 0, 2,
        "0: the means coincide; 2: both sets collapsed, opposite each other",
        "How far apart the two mean rows lie.",
        "Whether retrieval works: eight ways to bring it below 0.03 on the same pairs gave Recall@1 from 32 to 55.",
    ),
    GeometryMetric(
        "relative_gap", "relative gap (RMG)", relative_gap, "share", 0, 1,
        "0.5: pairs as far apart as rows of one modality; near 0: pairs coincide",
        "The distance within pairs against the distance between rows of one modality.",
        "Zero is not what a closed gap gives (about 0.4 on CLIP), and other definitions go by the same name.",
        needs="pairs",
    ),
    GeometryMetric(
        "pair_distance", "pair distance (L2I)", pair_distance, "distance between unit rows", 0, 2,
        "0: every pair coincides; 1.41: random directions",
        "How far a picture lies from its own text, on average.",
        "How much of that all pairs share (the gap) and how much is the pair's own.",
        needs="pairs",
    ),
    GeometryMetric(
        "gap_coherence", "pair-gap coherence", gap_coherence, "cosine", -1, 1,
        "1: one vector leads from every picture to its text",
        "How well the mean gap stands for each pair's own difference.",
        "That shifting along the gap is harmless: the same direction also carries content.",
        needs="pairs",
    ),
    GeometryMetric(
        "pair_distance_spread", "spread of the pair distance", pair_distance_spread, "distance between unit rows", 0, 1,
        "0: all pairs equally far apart",
        "How much the distance within pairs varies.",
        "Whether the differences point the same way; see the coherence.",
        needs="pairs",
    ),
    GeometryMetric(
        "gap_alignment", "gap on the first axis", gap_alignment, "|cosine|", 0, 1,
        "1: the union's largest spread is the gap; about 1/sqrt(D): unrelated",
        "Whether a PCA map of both modalities shows the gap as its first axis.",
        "How large the gap is: any gap larger than the other spreads gives 1.",
    ),
    *(
        GeometryMetric(
            f"gap_share_{top}", f"gap in its top {top} dimension{'s' * (top > 1)}", partial(gap_share, top=top),
            "share of the squared gap", 0, 1,
            f"{top}/D: spread evenly; 1: nowhere else",
            "Whether a few coordinates carry the gap.",
            "That these dimensions do nothing else: dropping them moves the means and costs recall.",
        )
        for top in (1, 5, 10)
    ),
]  # fmt: skip

_COSINES = [
    GeometryMetric(
        "paired_cosine", "paired cosine", paired_cosine, "cosine", -1, 1,
        "0: random directions; 1: every pair coincides",
        "How alike a picture and its own text are.",
        "Whether that is much: compare the unpaired cosine, which a shared cone raises too.",
        needs="pairs",
    ),
    GeometryMetric(
        "unpaired_cosine", "unpaired cosine", unpaired_cosine, "cosine", -1, 1,
        "0: random directions, or no direction common to both modalities",
        "How alike a picture and another's text are: the level that pairs must exceed.",
        "How much single rows scatter around it.",
        needs="pairs",
    ),
    GeometryMetric(
        "cross_cosine", "image-text cosine", cross_cosine, "cosine", -1, 1,
        "0: random directions",
        "How alike pictures and texts are, pairs or not.",
        "Anything about pairs.",
    ),
    GeometryMetric(
        "paired_auc", "paired above unpaired (AUC)", paired_auc, "probability", 0, 1,
        "0.5: pairs are no more alike than others; 1: always more",
        "How often a pair's cosine is above an unpaired one, over all queries together.",
        "Rank 1: if 1 % of the unpaired cosines are higher, a gallery of 500 holds five rivals per query.",
        needs="pairs", quadratic=True,
    ),
    *(
        GeometryMetric(
            f"cone_{which}", f"cone width, {which}s", _of(which, cone_width), "cosine", -1, 1,
            "0: spread evenly; 1: collapsed to one point",
            f"How narrow a part of the sphere the {which}s share.",
            "Whether the model discriminates inside the cone: a constant offset changes this alone.",
        )
        for which in (_IMAGE, _TEXT)
    ),
]  # fmt: skip

_SEPARATION = [
    GeometryMetric(
        "linear_separability", "linear separability", linear_separability, "held-out accuracy", 0, 1,
        "0.5: chance; 1.000 on every CLIP-like model, trained or not",
        "That some plane tells pictures from texts.",
        "How wide the gap is: it saturates long before the gap is small.",
        flag=True, quadratic=True,
    ),
    GeometryMetric(
        "mean_separability", "separable along the gap", mean_separability, "held-out accuracy", 0, 1,
        "0.5: chance; 1.000 on every CLIP-like model, trained or not",
        "That one threshold along the gap tells pictures from texts.",
        "How wide the gap is: it saturates too.",
        flag=True, quadratic=True,
    ),
    GeometryMetric(
        "neighbour_purity", "neighbour purity@10", neighbour_purity, "share", 0, 1,
        "0.5: mixed; 1.000 on CLIP-like models",
        "That a row's nearest others are of its own modality, so a mixed gallery would return one modality.",
        "Anything about galleries of one modality.",
        flag=True, quadratic=True,
    ),
]  # fmt: skip

_DISTANCES = [
    GeometryMetric(
        "mmd", "MMD squared (RBF, median)", mmd, "kernel units", -1, 2,
        "about 0: one distribution, below 0 by chance",
        "Whether the clouds differ in any way this kernel sees, means and shapes alike.",
        "In what they differ; and another bandwidth gives another number.",
        quadratic=True,
    ),
    GeometryMetric(
        "frechet", "Frechet distance", frechet, "squared distance", 0, 4,
        "0: equal means and covariances; far above 0 for few random rows",
        "Distance of the means and of the shapes, as if both were Gaussian.",
        "It is biased upwards when rows are few against D: compare at equal N only.",
    ),
    GeometryMetric(
        "alignment", "alignment (power 2)", alignment, "squared distance", 0, 4,
        "0: every pair coincides; 2: random directions",
        "2 - 2 x the paired cosine: the same fact as a distance.",
        "More than the paired cosine; lower is better only at equal uniformity.",
        needs="pairs",
    ),
    *(
        GeometryMetric(
            f"uniformity_{which}", f"uniformity, {which}s", _of(which, uniformity), "log mean kernel", -8, 0,
            "0: collapsed; about -4: spread evenly in many dimensions",
            f"How evenly the {which}s fill the sphere (lower is more even).",
            "Whether what is spread is content.",
            quadratic=True,
        )
        for which in (_IMAGE, _TEXT)
    ),
    GeometryMetric(
        "uniformity_union", "uniformity, both", union_uniformity, "log mean kernel", -8, 0,
        "0: collapsed; about -4: spread evenly in many dimensions",
        "How evenly both together fill the sphere.",
        "Evenness of either: the gap alone makes it look better than both.",
        quadratic=True,
    ),
]  # fmt: skip

_SPECTRUM = [
    GeometryMetric(
        f"{key}_{which}", f"{name}, {which}s", _of(which, measure, **options), "directions", 0, None,
        extremes, says, not_said,
    )
    for key, name, measure, options, extremes, says, not_said in (
        (
            "effective_rank", "effective rank, centred", effective_rank, {"centred": True},
            "0: collapsed; close to min(N, D): spread evenly",
            "How many directions are in use, small ones counting too.",
            "Its value at another N: it is capped by the number of rows.",
        ),
        (
            "effective_rank_uncentred", "effective rank, uncentred", effective_rank, {"centred": False},
            "1: collapsed; close to min(N, D): spread evenly",
            "The same with the mean left in, which is one dominating direction.",
            "Comparison with centred values, which papers seldom tell apart.",
        ),
        (
            "participation_ratio", "participation ratio", participation_ratio, {},
            "0: collapsed; 1: one direction; near N D / (N + D): random",
            "How many directions hold most of the variance.",
            "What the many small directions carry: retrieval uses them.",
        ),
    )
    for which in (_IMAGE, _TEXT)
] + [
    GeometryMetric(
        f"isoscore_{which}", f"IsoScore, {which}s", _of(which, isoscore), "share", 0, 1,
        "0: one direction or collapsed; 1: all directions alike",
        "How evenly the variance is spread over the D dimensions.",
        "Quality: retrieval models are far from isotropic, and few rows lower it.",
    )
    for which in (_IMAGE, _TEXT)
]  # fmt: skip

_RECALL = [
    GeometryMetric(
        f"recall_{key}", f"Recall@1, {name}", compute, "share of queries", 0, 1,
        "1/N: random rows",
        f"How many {name.split()[0]}s find their own pair first among all of these rows.",
        "A published Recall@1: that depends on how many rows there are to confuse.",
        needs="pairs", quadratic=True,
    )
    for key, name, compute in (
        ("t2i", "text to image", _swapped(pair_recall)),
        ("i2t", "image to text", pair_recall),
    )
]  # fmt: skip

GEOMETRY_METRICS: dict[str, GeometryMetric] = {
    one.id: one for one in (*_GAP, *_COSINES, *_SEPARATION, *_DISTANCES, *_SPECTRUM, *_RECALL)
}
