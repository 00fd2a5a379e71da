"""Different settings with the same weights: PDV's 4,851 settings are 1,263 different queries."""

from __future__ import annotations

import numpy as np

from workbench.arrays import Float, Int


def distinct_weights(weights: Float["P K"] | Float["P Q K"]) -> tuple[Float["U Q K"], Int[" P"]]:
    """Each weighting once (Q = 1 where all queries share it), and which of them every setting has."""
    weights = np.asarray(weights, np.float32) + np.float32(0)  # -0 becomes 0
    weights = weights[:, None, :] if weights.ndim == 2 else weights
    rows = np.ascontiguousarray(weights.reshape(len(weights), -1))
    _, first, which = np.unique(
        rows.view(f"V{4 * rows.shape[1]}")[:, 0], return_index=True, return_inverse=True
    )
    return weights[first], which
