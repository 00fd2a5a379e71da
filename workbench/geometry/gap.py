"""Where the two modalities lie: the gap between their means, pair by pair, and which dimensions it lives in.

    gap      = mean unit image - mean unit text               (the mean of unit rows is not made unit again)
    L2M      = |gap|          L2I = mean_i |x_i - y_i|
    RMG      = m / (m + (I + T) / 2)    m = (1 - mean_i x_i . y_i) / 2,   I, T = (1 - cone width) / 2

Gap: Liang et al., Mind the Gap (NeurIPS 2022). L2I and RMG: Schrodi et al., Two effects, one trigger (ICLR 2025), in the
form of its released code; a copy elsewhere leaves out the halves and gets other numbers under the same name.
"""

from __future__ import annotations

import numpy as np

from workbench.arrays import Float, unit
from workbench.geometry.cosines import cone_width, paired_cosine
from workbench.geometry.rows import COINCIDE, GeometryError, both, pairs

LEAST_DISTANCE = 1e-3  # the released code's floor for m, where pairs coincide


def gap_vector(images: Float["N D"], texts: Float["M D"]) -> Float[" D"]:
    """Mean of unit image rows - mean of unit text rows."""
    x, y = both(images, texts)
    return x.mean(axis=0) - y.mean(axis=0)


def gap_norm(images: Float["N D"], texts: Float["M D"]) -> float:
    """Length of the gap vector (L2M), from 0 to 2. CLIP on COCO: about 0.8."""
    return float(np.linalg.norm(gap_vector(images, texts)))


def gap_direction(images: Float["N D"], texts: Float["M D"]) -> Float[" D"]:
    """The gap vector as a unit row. Raises GeometryError where the two means coincide."""
    gap = gap_vector(images, texts)
    length = np.linalg.norm(gap)
    if length < COINCIDE:
        raise GeometryError("the means of images and texts coincide: the gap has no direction")
    return gap / length


def pair_distance(images: Float["N D"], texts: Float["M D"]) -> float:
    """Mean distance within a pair (L2I), from 0 to 2; sqrt(2) for random directions."""
    return float(_distances(images, texts).mean())


def pair_distance_spread(images: Float["N D"], texts: Float["M D"]) -> float:
    """Standard deviation of the distance within a pair: near 0, every pair is as far apart as every other."""
    return float(_distances(images, texts).std())


def relative_gap(images: Float["N D"], texts: Float["M D"]) -> float:
    """RMG, from 0 to 1: the distance within pairs against that between rows of one modality. 0.5 for random directions.

    A closed gap is not 0 here. m is at least 0.001, as in the released code. Raises GeometryError for fewer than two
    pairs, or where both modalities have collapsed and nothing is left to compare with.
    """
    x, y = pairs(images, texts, least=2)
    within = (1 - paired_cosine(x, y)) / 2
    within = within if within > 0 else LEAST_DISTANCE
    apart = ((1 - cone_width(x)) / 2 + (1 - cone_width(y)) / 2) / 2
    if apart < COINCIDE:
        raise GeometryError("relative gap: each modality has collapsed to one point")
    return float(within / (within + apart))


def gap_coherence(images: Float["N D"], texts: Float["M D"]) -> float:
    """Mean cosine of a pair's own difference with the gap, from -1 to 1: 1 where every pair has the same difference.

    A pair that coincides counts as 0. Raises GeometryError where the means coincide.
    """
    x, y = pairs(images, texts)
    difference, lengths = x - y, _distances(x, y)
    apart = lengths > COINCIDE
    along = difference @ gap_direction(x, y)
    return float(np.where(apart, along / np.where(apart, lengths, 1.0), 0.0).mean())


def gap_share(images: Float["N D"], texts: Float["M D"], top: int) -> float:
    """Share of the squared gap in its ``top`` largest dimensions, from top/D (evenly spread) to 1.

    Raises GeometryError where the means coincide, or there are fewer than ``top`` dimensions.
    """
    squared = gap_direction(images, texts) ** 2
    if not 1 <= top <= len(squared):
        raise GeometryError(f"gap share: got top={top}, expected 1 to {len(squared)} dimensions")
    return float(np.sort(squared)[::-1][:top].sum())


def gap_alignment(images: Float["N D"], texts: Float["M D"]) -> float:
    """|cosine| between the gap vector and the first principal axis of both modalities together, from 0 to 1.

    Near 1, the largest spread of the union *is* the gap: a picture of separation, not a measure of it.
    Raises GeometryError where the means coincide.
    """
    union = np.concatenate(both(images, texts))
    centred = union - union.mean(axis=0)
    axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    return float(abs(axis @ gap_direction(images, texts)))


def close_gap(
    images: Float["N D"], texts: Float["M D"], share: float = 1.0
) -> tuple[Float["N D"], Float["M D"]]:
    """Both modalities moved towards each other along the gap vector, half of ``share`` each, and made unit again.

    share 0 changes nothing, 1 closes the gap of the means before the rows are made unit again. For other rows than
    those the gap is taken from, and other ways, see ``workbench.interventions``.
    """
    half = share / 2 * gap_vector(images, texts)
    return (unit(unit(images) - half).astype(np.float32), unit(unit(texts) + half).astype(np.float32))


def _distances(images: Float["N D"], texts: Float["M D"]) -> Float[" N"]:
    x, y = pairs(images, texts)
    return np.linalg.norm(x - y, axis=1)
