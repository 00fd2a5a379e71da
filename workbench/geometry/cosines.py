"""Cosines within a modality (the cone), within pairs, and between rows that do not belong together."""

from __future__ import annotations

import numpy as np

from workbench.arrays import Float, Int
from workbench.geometry.rows import blocks, both, pairs, unit64


def cone_width(rows: Float["N D"]) -> float:
    """Mean cosine between two different rows of one modality, from -1/(N-1) to 1; CLIP: about 0.5.

    Raises ValueError for fewer than two rows.

    >>> cone_width(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    0.3333333333333333
    """
    rows = unit64(rows, "cone width", least=2)
    n, total = len(rows), rows.sum(axis=0)
    return float((total @ total - n) / (n * (n - 1)))


def paired_cosine(images: Float["N D"], texts: Float["M D"]) -> float:
    """Mean cosine within a pair, from -1 to 1; 0 for random directions. CLIP on COCO: about 0.3."""
    x, y = pairs(images, texts)
    return float(np.einsum("nd,nd->n", x, y).mean())


def unpaired_cosine(images: Float["N D"], texts: Float["M D"]) -> float:
    """Mean cosine between an image and the text of another, from -1 to 1. Raises GeometryError for fewer than two pairs."""
    x, y = pairs(images, texts, least=2)
    n = len(x)
    everything = x.sum(axis=0) @ y.sum(axis=0)
    return float((everything - np.einsum("nd,nd->", x, y)) / (n * (n - 1)))


def cross_cosine(images: Float["N D"], texts: Float["M D"]) -> float:
    """Mean cosine between images and texts, from -1 to 1; needs no pairs."""
    x, y = both(images, texts)
    return float(x.mean(axis=0) @ y.mean(axis=0))


def paired_auc(images: Float["N D"], texts: Float["M D"]) -> float:
    """How often a pair's cosine is above an unpaired one's (ROC-AUC, ties count half): 0.5 no better than chance, 1 always.

    All N (N - 1) unpaired cosines are counted, block by block. Raises GeometryError for fewer than two pairs.
    """
    x, y = pairs(images, texts, least=2)
    n = len(x)
    paired = np.sort(np.einsum("nd,nd->n", x, y))
    wins = 0.0
    for rows in blocks(n, n):
        cosines = x[rows] @ y.T
        others = np.ones_like(cosines, bool)
        others[np.arange(len(cosines)), np.arange(rows.start, rows.stop)] = False
        unpaired = cosines[others]
        below, up_to = (np.searchsorted(paired, unpaired, side) for side in ("left", "right"))
        wins += float((n - up_to).sum() + (up_to - below).sum() / 2)
    return wins / (n * n * (n - 1))


def pair_recall(queries: Float["N D"], gallery: Float["M D"], k: int = 1) -> float:
    """Share of queries whose own pair ranks among the first ``k``, a tie counting against it; k/N for random rows."""
    return float(np.mean(pair_ranks(*pairs(queries, gallery)) <= k))


def pair_ranks(queries: Float["N D"], gallery: Float["N D"]) -> Int[" N"]:
    """The rank of each query's own pair by inner product of the rows as they are, a tie counting against it."""
    ranks = np.empty(len(queries), np.int64)
    for rows in blocks(len(queries), len(gallery)):
        scores = queries[rows] @ gallery.T
        own = scores[np.arange(len(scores)), np.arange(rows.start, rows.stop)]
        ranks[rows] = (scores >= own[:, None]).sum(axis=1)
    return ranks


def cosine_samples(
    images: Float["N D"], texts: Float["M D"], paired: bool, most: int = 200_000, seed: int = 0
) -> dict[str, Float[" n"]]:
    """Cosines for histograms: "image-image", "text-text", and "paired" and "unpaired", or "image-text" without pairs.

    Of each kind at most ``most``, drawn with the seed; every pair's own cosine is always there.
    """
    x, y = (pairs if paired else both)(images, texts, least=2)
    rng = np.random.default_rng(seed)
    samples = {"paired": np.einsum("nd,nd->n", x, y)} if paired else {}
    samples["unpaired" if paired else "image-text"] = _between(x, y, most, rng, distinct=paired)
    samples["image-image"] = _between(x, x, most, rng, distinct=True)
    samples["text-text"] = _between(y, y, most, rng, distinct=True)
    return samples


def _between(x, y, most: int, rng: np.random.Generator, distinct: bool) -> Float[" n"]:
    """Cosines of rows of x and y at different places: all of them where they are few, else a sample."""
    n, m = len(x), len(y)
    if n * m <= most:
        left, right = (places.ravel() for places in np.indices((n, m)))
    else:
        left, right = rng.integers(0, n, most), rng.integers(0, m, most)
    kept = left != right if distinct else np.ones(len(left), bool)
    return np.einsum("nd,nd->n", x[left[kept]], y[right[kept]])
