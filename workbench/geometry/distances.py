"""Distances between the two clouds as distributions, and how evenly a cloud fills the sphere.

    MMD^2        mean k(x, x') + mean k(y, y') - 2 mean k(x, y)         k = exp(-d^2 / median d^2), unbiased
    Frechet      |gap|^2 + tr(C_x + C_y - 2 (C_x C_y)^1/2)              C: covariances (n - 1)
    alignment    mean_i |x_i - y_i|^power
    uniformity   log mean_{i<j} exp(-t |z_i - z_j|^2)

MMD: Gretton et al. (JMLR 2012). Frechet distance of Gaussians: Dowson and Landau (1982). Alignment and uniformity: Wang
and Isola (ICML 2020).
"""

from __future__ import annotations

import numpy as np

from workbench.arrays import Float
from workbench.geometry.rows import COINCIDE, GeometryError, blocks, both, pairs, unit64


def mmd(images: Float["N D"], texts: Float["M D"], bandwidth: float | None = None) -> float:
    """Unbiased MMD^2 with kernel exp(-d^2 / bandwidth): about 0 for one distribution (slightly negative at times).

    bandwidth: the median squared distance between two rows of the union unless given; holds all of these at once.
    Raises GeometryError for fewer than two rows of either, or where more than half of all rows coincide.
    """
    x, y = both(images, texts, least=2)
    n, m = len(x), len(y)
    union = np.concatenate([x, y])
    squared = np.maximum(2 - 2 * (union @ union.T), 0)
    if bandwidth is None:
        bandwidth = float(np.median(squared[np.triu_indices(n + m, 1)]))
    if bandwidth < COINCIDE:
        raise GeometryError("MMD: half of all distances are 0, so the median is no bandwidth; give one")
    kernel = np.exp(-squared / bandwidth)
    np.fill_diagonal(kernel, 0)
    own = kernel[:n, :n].sum() / (n * (n - 1)) + kernel[n:, n:].sum() / (m * (m - 1))
    return float(own - 2 * kernel[:n, n:].mean())


def frechet(images: Float["N D"], texts: Float["M D"]) -> float:
    """Squared Frechet distance of the two Gaussians with the clouds' means and covariances; 0 where these are equal.

    Biased upwards where rows are few against D, so compare at equal numbers only. The last term is the sum of the
    singular values of X Y^T (centred, scaled): no matrix root, nothing to clip, and n < D is no special case.
    Raises GeometryError for fewer than two rows of either.
    """
    x, y = both(images, texts, least=2)
    gap = x.mean(axis=0) - y.mean(axis=0)
    a, b = ((z - z.mean(axis=0)) / np.sqrt(len(z) - 1) for z in (x, y))
    small_a, small_b = (np.linalg.qr(z, mode="r") for z in (a, b))  # at most D x D
    shared = np.linalg.svd(small_a @ small_b.T, compute_uv=False).sum()
    return float(gap @ gap + (a * a).sum() + (b * b).sum() - 2 * shared)


def alignment(images: Float["N D"], texts: Float["M D"], power: float = 2.0) -> float:
    """Mean distance within pairs to a power, from 0 to 2^power; at power 2 it is 2 - 2 x the paired cosine."""
    x, y = pairs(images, texts)
    return float((np.linalg.norm(x - y, axis=1) ** power).mean())


def uniformity(rows: Float["N D"], t: float = 2.0) -> float:
    """log of the mean kernel between two different rows, from -4 t to 0 (all rows the same); lower is more even.

    Raises GeometryError for fewer than two rows.
    """
    z = unit64(rows, "uniformity", least=2)
    n, total = len(z), 0.0
    for part in blocks(n, n):
        kernel = np.exp(-t * np.maximum(2 - 2 * (z[part] @ z.T), 0))
        kernel[np.arange(len(kernel)), np.arange(part.start, part.stop)] = 0  # a row with itself
        total += float(kernel.sum())
    return float(np.log(total / (n * (n - 1))))


def union_uniformity(images: Float["N D"], texts: Float["M D"], t: float = 2.0) -> float:
    """Uniformity of both modalities together; a gap makes it look more even than either is."""
    return uniformity(np.concatenate(both(images, texts)), t)
