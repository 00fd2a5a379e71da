"""What can be done to two clouds after the encoder: fitted on a stated calibration set, applied to any rows.

    calibration = Calibration(images, texts, source="TinyCIR test: gallery pictures and their captions")
    fitted = Centring().fit(calibration)
    fitted.images(rows), fitted.texts(rows)        other rows, moved; never the calibration's own by accident
    intervene(case, fitted)                        a case that every method can score

One file per family: ``translation`` (shifts, centring), ``scaling`` (z-score, whitening), ``projection``; ``cases``
takes an intervention to a case, ``closing`` measures what translating along the gap does to retrieval.
"""

from workbench.interventions.base import (
    INTERVENTIONS,
    Affine,
    Calibration,
    Fitted,
    Intervention,
    InterventionError,
    label,
)
from workbench.interventions.cases import calibration_of, intervene
from workbench.interventions.projection import DropGapDimensions, ProjectOutGap
from workbench.interventions.scaling import Whitening, ZScore
from workbench.interventions.translation import Centring, JointCentring, Shift, UnitShift

__all__ = [
    "INTERVENTIONS",
    "Affine",
    "Calibration",
    "Centring",
    "DropGapDimensions",
    "Fitted",
    "Intervention",
    "InterventionError",
    "JointCentring",
    "ProjectOutGap",
    "Shift",
    "UnitShift",
    "Whitening",
    "ZScore",
    "calibration_of",
    "intervene",
    "label",
]
