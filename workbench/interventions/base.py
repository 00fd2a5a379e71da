"""What an intervention is: a rule, the calibration set it is fitted on, and the two affine maps that come of it.

    z' = unit((unit(z) - shift_m) matrix_m)        m: image or text

Every intervention of this package has this form, so one class applies them all and a run can name what was fitted on
what. Raw lengths of rows are lost: the maps are about directions (``cases.intervene`` puts the lengths back).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from workbench.arrays import Float, check_shape, unit
from workbench.errors import UserError
from workbench.provenance import array_digest, text_digest
from workbench.registry import Registry

INTERVENTIONS = Registry("intervention", entry_point_group="workbench.interventions")
BLOCK_ROWS = 8192  # rows in float64 at a time, so that a large gallery is not held twice


class InterventionError(UserError, ValueError):
    """An intervention cannot be fitted or applied as asked; says what would do."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """The rows that means and spreads are taken from; ``source`` says in words which, and stands beside every result.

    The two sets need not be pairs. Statistics of the rows that are then scored flatter an intervention: say so in
    ``source`` where it is so. Raises ArrayError for rows without direction or of two widths.
    """

    images: Float["N D"]
    texts: Float["M _"]
    source: str

    def __post_init__(self):
        width = check_shape("calibration images", self.images, "N D")["D"]
        check_shape("calibration texts", self.texts, "M D", D=width)
        if not self.source.strip():
            raise InterventionError(
                "calibration: source is empty, expected words that say which rows these are"
            )
        if not (len(self.images) and len(self.texts)):
            raise InterventionError(f"calibration: got {len(self.images)} images and {len(self.texts)} texts")

    @cached_property
    def unit_images(self) -> Float["N D"]:
        return unit(self.images.astype(np.float64), "calibration images")

    @cached_property
    def unit_texts(self) -> Float["M D"]:
        return unit(self.texts.astype(np.float64), "calibration texts")

    @cached_property
    def mean_image(self) -> Float[" D"]:
        return self.unit_images.mean(axis=0)

    @cached_property
    def mean_text(self) -> Float[" D"]:
        return self.unit_texts.mean(axis=0)

    @property
    def gap(self) -> Float[" D"]:
        """Mean image - mean text."""
        return self.mean_image - self.mean_text

    @property
    def gap_direction(self) -> Float[" D"]:
        """The gap as a unit row. Raises InterventionError where the two means coincide."""
        length = np.linalg.norm(self.gap)
        if length < 1e-12:
            raise InterventionError(
                f"calibration {self.source!r}: the two means coincide, so the gap has no direction"
            )
        return self.gap / length

    @cached_property
    def digest(self) -> str:
        """SHA-256 of both arrays."""
        return text_digest([array_digest(self.images), array_digest(self.texts)])


@dataclass(frozen=True, eq=False)
class Affine:
    """z -> (z - shift) matrix; a matrix of one axis is a diagonal, None is the identity."""

    shift: Float[" D"]
    matrix: np.ndarray | None = None

    @cached_property
    def rounding(self) -> float:
        """As long as a moved row may be by rounding alone."""
        scale = np.sqrt(len(self.shift)) if self.matrix is None else np.linalg.norm(self.matrix)
        return float(8 * np.finfo(np.float64).eps * scale * (1 + np.linalg.norm(self.shift)))

    def __call__(self, rows: Float["n D"]) -> Float["n D"]:
        moved = rows - self.shift
        if self.matrix is None:
            return moved
        return moved * self.matrix if self.matrix.ndim == 1 else moved @ self.matrix


@dataclass(frozen=True, eq=False)
class Fitted:
    """An intervention with the numbers it took from its calibration set, ready for any rows of the same width.

    ``id`` names the rule, its parameters and the calibration set (source, sizes, digest): what a run records.
    """

    id: str
    image_map: Affine
    text_map: Affine
    mean_image: Float[" D"]
    mean_text: Float[" D"]
    renormalise: bool = True

    def images(self, rows: Float["n D"]) -> Float["n D"]:
        """Image rows, made unit, moved, and made unit again; a new array of the rows' own float type.

        Raises ArrayError for another width, and for a row that has no direction before or after.
        """
        return self._apply(self.image_map, rows, "image rows")

    def texts(self, rows: Float["n D"]) -> Float["n D"]:
        """The same for text rows."""
        return self._apply(self.text_map, rows, "text rows")

    def _apply(self, move: Affine, rows: np.ndarray, name: str) -> np.ndarray:
        check_shape(name, rows, "n D", D=len(move.shift))
        made = np.empty(rows.shape, np.float64 if rows.dtype == np.float64 else np.float32)
        for start in range(0, len(rows), BLOCK_ROWS):
            part = slice(start, start + BLOCK_ROWS)
            moved = move(unit(rows[part].astype(np.float64), name))
            if self.renormalise:
                nowhere = np.linalg.norm(moved, axis=1) <= move.rounding
                moved = unit(np.where(nowhere[:, None], 0, moved), f"{name} after {self.id}")
            made[part] = moved
        return made


@dataclass(frozen=True)
class Intervention:
    """A rule with its parameters. ``renormalise``: rows are made unit again after they were moved.

    To add one: a frozen dataclass with `maps`, under ``@INTERVENTIONS.register(...)``.
    """

    renormalise: bool = field(default=True, kw_only=True)

    def maps(self, calibration: Calibration) -> tuple[Affine, Affine]:
        """What happens to images and to texts."""
        raise NotImplementedError

    def fit(self, calibration: Calibration) -> Fitted:
        """Take means (and what else the rule needs) from the calibration set. Raises InterventionError where it cannot."""
        image_map, text_map = self.maps(calibration)
        sizes = f"{len(calibration.images)} images, {len(calibration.texts)} texts"
        return Fitted(
            f"{label(self)} fitted on {calibration.source} ({sizes}, {calibration.digest[:12]})",
            image_map,
            text_map,
            calibration.mean_image,
            calibration.mean_text,
            self.renormalise,
        )


def label(intervention: Intervention) -> str:
    """The registered name and whatever differs from its defaults.

    >>> from workbench.interventions import Centring
    >>> label(Centring()), label(Centring(alpha=0.5))
    ('centring', 'centring(alpha=0.5)')
    """
    kind = type(intervention)
    name = next((n for n in INTERVENTIONS.names() if INTERVENTIONS.get(n) is kind), kind.__name__)
    fields = ((f.name, f.default, getattr(intervention, f.name)) for f in dataclasses.fields(intervention))
    changed = [f"{name}={value!r}" for name, default, value in fields if value != default]
    return f"{name}({', '.join(changed)})" if changed else name


def check_range(name: str, value: float | int, low: float | int, high: float | int = np.inf) -> None:
    """Raises InterventionError for a parameter outside its range (NaN always is)."""
    if not low <= value <= high:
        raise InterventionError(f"{name}: got {value}, expected {low:g} to {high:g}")
