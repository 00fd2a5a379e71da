"""Where the two modalities lie: the gap between them and the width of their cones.

Rows are made unit first, then averaged; a centroid is not made unit again. The sign of the gap is
image - text. Left out for now: the other measures of the gap, and interventions beyond translation.

Liang et al., Mind the Gap (NeurIPS 2022, arXiv 2203.02053).
"""

from __future__ import annotations

import numpy as np

from workbench.arrays import Float, unit


def gap_vector(images: Float["N D"], texts: Float["M D"]) -> Float[" D"]:
    """mean of unit image rows - mean of unit text rows."""
    return unit(images).mean(axis=0, dtype=np.float64) - unit(texts).mean(axis=0, dtype=np.float64)


def gap_norm(images: Float["N D"], texts: Float["M D"]) -> float:
    """Length of the gap vector (L2M), from 0 to 2. CLIP on COCO: about 0.8."""
    return float(np.linalg.norm(gap_vector(images, texts)))


def cone_width(rows: Float["N D"]) -> float:
    """Mean cosine between two different rows of one modality, from -1/(N-1) to 1; CLIP: about 0.5.

    Raises ValueError for fewer than two rows.

    >>> cone_width(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    0.3333333333333333
    """
    n = len(rows)
    if n < 2:
        raise ValueError(f"cone width needs two rows, got {n}")
    total = unit(rows).sum(axis=0, dtype=np.float64)
    return float((total @ total - n) / (n * (n - 1)))


def gap_alignment(images: Float["N D"], texts: Float["M D"]) -> float:
    """|cosine| between the gap vector and the first principal axis of both modalities together, from 0 to 1.

    Near 1, the largest spread of the union *is* the gap: a picture of separation, not a measure of it.
    """
    union = np.concatenate([unit(images), unit(texts)]).astype(np.float64)
    axis = np.linalg.svd(union - union.mean(axis=0), full_matrices=False)[2][0]
    gap = gap_vector(images, texts)
    return float(abs(axis @ gap) / np.linalg.norm(gap))


def close_gap(
    images: Float["N D"], texts: Float["M D"], share: float = 1.0
) -> tuple[Float["N D"], Float["M D"]]:
    """Both modalities moved towards each other along the gap vector, half of ``share`` each, and made unit again.

    share 0 changes nothing, 1 closes the gap of the means before the rows are made unit again.
    """
    half = share / 2 * gap_vector(images, texts)
    return (unit(unit(images) - half).astype(np.float32), unit(unit(texts) + half).astype(np.float32))
