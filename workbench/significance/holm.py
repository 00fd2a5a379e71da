"""Correction for asking many questions at once: Holm's step-down procedure, which needs no independence.

Source: Holm, A Simple Sequentially Rejective Multiple Test Procedure (1979).
"""

from __future__ import annotations

import numpy as np

from workbench.arrays import ArrayError, Float, check_shape


def holm(p: Float[" M"]) -> Float[" M"]:
    """Corrected p values: the i-th smallest (from 0) of m times m - i, never below a smaller one's, at most 1.

    A method is called different at 5 % where its corrected p is at most .05; then the chance of even one false
    "different" in the family is at most 5 %. NaN (nothing was asked) stays NaN and does not count.

    >>> holm(np.array([0.01, 0.04, np.nan, 0.03]))
    array([0.03, 0.06,  nan, 0.06])

    Raises ArrayError for a p outside 0 .. 1.
    """
    check_shape("p", p, "M")
    asked = np.flatnonzero(~np.isnan(p))
    if ((p[asked] < 0) | (p[asked] > 1)).any():
        raise ArrayError(f"p: got {p[asked].min():g} .. {p[asked].max():g}, expected shares between 0 and 1")
    order = asked[np.argsort(p[asked], kind="stable")]
    corrected = np.full(p.shape, np.nan)
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1) if len(order) else steps
    return corrected
