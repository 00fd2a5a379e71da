"""Distances from scores: d = top - s, where `top` is the score of two rows that are the same."""

from __future__ import annotations

import numpy as np

from workbench.hubness.base import MitigatorError


def check_distances(who: str, near: np.ndarray, top: float, what: str, first: int = 0) -> None:
    """Raises MitigatorError for a typical distance of 0, or no more than rounding: it is no unit to measure in."""
    rounding = 4 * np.finfo(near.dtype).eps * abs(top)
    bad = np.flatnonzero(~(near > rounding))
    if len(bad):
        raise MitigatorError(
            f"{who}: {what} {first + bad[0]} stands {near[bad[0]]:.3g} from its nearest, expected above 0. Either it "
            f"coincides with them, or top={top} is not the score of two rows that are the same"
        )
