"""Distances from scores: d = top - s, where `top` is the score of two rows that are the same."""

from __future__ import annotations

import numpy as np

from workbench.hubness.base import MitigatorError


def check_distances(who: str, near: np.ndarray, top: float, what: str, first: int = 0) -> None:
    """Raises MitigatorError for a typical distance that is not above 0: nothing can be measured in units of it."""
    bad = np.flatnonzero(~(near > 0))
    if len(bad):
        raise MitigatorError(
            f"{who}: {what} {first + bad[0]} stands {near[bad[0]]:.3g} from its nearest, expected above 0. Either it "
            f"coincides with them, or top={top} is not the score of two rows that are the same"
        )
