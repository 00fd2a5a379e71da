"""Interventions that only translate: towards each other along the gap, or each modality to the origin.

    Shift          image - share/2 gap,  text + share/2 gap        share 1: the means meet, before rows are made unit
    UnitShift      the same along gap/|gap|: the distance is absolute, so the gap closes at distance |gap|, not at 1
    Centring       image - alpha mean_image,  text - alpha mean_text
    JointCentring  both - (mean_image + mean_text) / 2

Liang et al., Mind the Gap (NeurIPS 2022) shift by a unit vector; centring each modality is what I0T and GR-CLIP do.
Closing the gap and centring both bring the means together, and are not the same: a shift keeps what the two
modalities' means share (their common direction), centring takes it away.
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.interventions.base import (
    INTERVENTIONS,
    Affine,
    Calibration,
    Intervention,
    InterventionError,
    check_range,
)

SHARES = {"both": (0.5, 0.5), "image": (1.0, 0.0), "text": (0.0, 1.0)}


@INTERVENTIONS.register("shift")
@dataclass(frozen=True)
class Shift(Intervention):
    """Translation along the gap by a share of it; negative shares widen it. ``moved``: which modality goes, both, image or text.

    Raises InterventionError for another ``moved`` than both, image or text.
    """

    share: float = 1.0
    moved: str = "both"

    def __post_init__(self):
        check_range("share", self.share, float("-inf"))
        if self.moved not in SHARES:
            raise InterventionError(f"moved: got {self.moved!r}, expected one of {', '.join(SHARES)}")

    def maps(self, calibration: Calibration) -> tuple[Affine, Affine]:
        image, text = SHARES[self.moved]
        step = self.share * calibration.gap
        return Affine(image * step), Affine(-text * step)


@INTERVENTIONS.register("unit_shift")
@dataclass(frozen=True)
class UnitShift(Intervention):
    """Translation along the gap's unit vector, half of ``distance`` each way: Liang's parametrisation."""

    distance: float = 1.0

    def __post_init__(self):
        check_range("distance", self.distance, float("-inf"))

    def maps(self, calibration: Calibration) -> tuple[Affine, Affine]:
        step = self.distance / 2 * calibration.gap_direction
        return Affine(step), Affine(-step)


@INTERVENTIONS.register("centring")
@dataclass(frozen=True)
class Centring(Intervention):
    """Each modality's mean taken away, times ``alpha``. The gap is not exactly 0 after it, as rows are made unit again."""

    alpha: float = 1.0

    def __post_init__(self):
        check_range("alpha", self.alpha, float("-inf"))

    def maps(self, calibration: Calibration) -> tuple[Affine, Affine]:
        return Affine(self.alpha * calibration.mean_image), Affine(self.alpha * calibration.mean_text)


@INTERVENTIONS.register("joint_centring")
@dataclass(frozen=True)
class JointCentring(Intervention):
    """One mean for both, halfway between the modalities' own, taken away: the gap stays, and fills more of the sphere."""

    def maps(self, calibration: Calibration) -> tuple[Affine, Affine]:
        middle = (calibration.mean_image + calibration.mean_text) / 2
        return Affine(middle), Affine(middle)
