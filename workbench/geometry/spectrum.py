"""How many directions a cloud uses, from its singular values or the eigenvalues of its covariance.

    effective rank       exp(entropy(s / sum s))              s: singular values, centred or not (say which)
    participation ratio  (sum l)^2 / sum l^2                  l: eigenvalues of the covariance
    IsoScore             ((D - e^2 (D - sqrt D))^2 - D) / (D (D - 1)),   e = |l sqrt D / |l| - 1| / sqrt(2 (D - sqrt D))

A cloud that has collapsed to one point uses no direction: all three are 0 then (the effective rank uncentred is 1).
Effective rank: Roy and Vetterli (2007), RankMe (Garrido et al., ICML 2023; its 1e-7 is left out). IsoScore: Rudman et
al. (2022).
"""

from __future__ import annotations

import numpy as np

from workbench.arrays import Float
from workbench.geometry.rows import COINCIDE, GeometryError, unit64


def effective_rank(rows: Float["N D"], centred: bool = True) -> float:
    """From 0 (collapsed; 1 uncentred) to min(N, D): the number of equal singular values with the same entropy.

    Raises GeometryError for fewer than two rows.
    """
    values = np.sqrt(_eigenvalues(unit64(rows, "effective rank", least=2), centred))
    if values.sum() == 0:
        return 0.0
    shares = values / values.sum()
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def participation_ratio(rows: Float["N D"]) -> float:
    """From 0 (collapsed) or 1 (one direction) to min(N - 1, D) (all directions alike)."""
    values = eigenvalues(rows)
    return float(values.sum() ** 2 / (values**2).sum()) if values.any() else 0.0


def isoscore(rows: Float["N D"]) -> float:
    """From 0 (one direction, or collapsed) to 1 (all D alike); few rows against D lower it.

    Raises GeometryError for fewer than two rows or dimensions.
    """
    values = eigenvalues(rows)
    d = len(values)
    if d < 2:
        raise GeometryError("IsoScore: needs two dimensions, got 1")
    if not values.any():
        return 0.0
    scaled = values * np.sqrt(d) / np.linalg.norm(values)
    defect = np.linalg.norm(scaled - 1) / np.sqrt(2 * (d - np.sqrt(d)))
    return float(((d - defect**2 * (d - np.sqrt(d))) ** 2 - d) / (d * (d - 1)))


def eigenvalues(rows: Float["N D"]) -> Float[" D"]:
    """Eigenvalues of the covariance of unit rows, largest first; all 0 for a collapsed cloud.

    Raises GeometryError for fewer than two rows.
    """
    return _eigenvalues(unit64(rows, "spectrum", least=2), centred=True)


def _eigenvalues(z: Float["n D"], centred: bool) -> Float[" D"]:
    if centred:
        z = z - z.mean(axis=0)
        if np.linalg.norm(z) / np.sqrt(len(z)) < COINCIDE:
            return np.zeros(z.shape[1])
    values = np.zeros(z.shape[1])
    found = np.linalg.svd(z, compute_uv=False) if len(z) < z.shape[1] else _by_covariance(z)
    values[: len(found)] = found**2
    return values / (len(z) - 1)


def _by_covariance(z: Float["n D"]) -> Float[" D"]:
    """Singular values where rows are many: those of the triangle of a QR decomposition, D x D."""
    return np.linalg.svd(np.linalg.qr(z, mode="r"), compute_uv=False)
