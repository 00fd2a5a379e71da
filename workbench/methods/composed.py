"""Composed queries that somebody else's model made: imported rows, alone or summed.

    composed       score = q . g
    imported_sum   score = (1 - weight) a . g_a + weight b . g_b

A part "composed:NAME" is that of the import NAME and faces its view "image:NAME"; parts without a name face "image".
Left out: how the rows came about, which only who made them knows. See `case.imported`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float
from workbench.methods.base import METHODS, LinearMethod, per_term
from workbench.score.naming import take_apart
from workbench.score.similarities import Term


def facing(part: str) -> Term:
    """A part with the gallery view of the same maker.

    >>> facing("composed:sprc"), facing("modification")
    (Term(part='composed:sprc', view='image:sprc'), Term(part='modification', view='image'))
    """
    source = take_apart(part).source
    return Term(part, f"image:{source}" if source else "image")


@METHODS.register("composed")
@dataclass(frozen=True)
class Composed(LinearMethod):
    """score = q . g, q being the row of the part as it was imported."""

    part: str = "composed"

    @property
    def terms(self) -> tuple[Term, ...]:
        return (facing(self.part),)

    def weights(self, gram: Float["Q R R"]) -> Float[" K"]:
        return np.ones(1, np.float32)


@METHODS.register("imported_sum")
@dataclass(frozen=True)
class ImportedSum(LinearMethod):
    """Two imported parts, of one import or of two: weight 0 is the first alone, 1 the second."""

    second: str
    first: str = "composed"
    weight: float = 0.5
    elementwise = True

    @property
    def terms(self) -> tuple[Term, ...]:
        return (facing(self.first), facing(self.second))

    def weights(self, gram: Float["Q R R"]) -> Float["... K"]:
        return per_term(1 - self.weight, self.weight)
