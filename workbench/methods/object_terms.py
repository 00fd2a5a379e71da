"""Object terms: a description of the target, objects that must be there, objects that must not. In the manner of CoTMR.

    score = c . g + wanted mean_i p_i . g - unwanted mean_j n_j . g
    c description of the target, p_i objects that must appear, n_j objects that must not (unit rows), g gallery image

CoTMR (arXiv 2502.20826) scores so at two scales; its weights are not confirmed, hence the other name and no
defaults. The parts wanted_objects and unwanted_objects are the means of their objects' unit rows, and a query that
names none has a row of almost no length. Similarities are taken of unit rows, so each weight is multiplied by the
row's length: linear, with weights per query.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float
from workbench.methods.base import METHODS, LinearMethod, per_term, usual
from workbench.score.similarities import Term


@METHODS.register("object_terms")
@dataclass(frozen=True)
class ObjectTerms(LinearMethod):
    """wanted = unwanted = 0 is the description alone."""

    wanted: float = usual(0, 1)
    unwanted: float = usual(0, 1)
    description: str = "target_description"
    elementwise = True

    @property
    def terms(self) -> tuple[Term, ...]:
        return (Term(self.description), Term("wanted_objects"), Term("unwanted_objects"))

    def weights(self, gram: Float["Q R R"]) -> Float["... Q K"]:
        wanted, unwanted = (np.sqrt(gram[:, r, r]) for r in (1, 2))
        return per_term(1, self.wanted * wanted, -self.unwanted * unwanted)
