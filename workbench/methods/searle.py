"""SEARLE: the reference image as one made-up word, found by optimisation (OTI) or by a network trained on such words.

    score = "a photo of $ that {modification}" . gallery image       $ stands for the picture's pseudo-word

Of two modifications both orders are read, and the unit rows averaged.
Baldrati et al., Zero-Shot Composed Image Retrieval with Textual Inversion (ICCV 2023).
Left out here: inversion and network (`encode.inversion`, `encode.pseudo_tokens`) and the sentences (`case.wording`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float
from workbench.methods.base import METHODS, LinearMethod
from workbench.score.similarities import Term


@METHODS.register("searle")
@dataclass(frozen=True)
class SEARLE(LinearMethod):
    """The word comes from the mapping network Phi. Linear, with one weight."""

    terms = (Term("composed_pseudo_word:searle"),)

    def weights(self, gram: Float["Q R R"]) -> Float[" K"]:
        return np.ones(1, np.float32)


@METHODS.register("searle_oti")
@dataclass(frozen=True)
class SEARLEOTI(SEARLE):
    """The word is optimised for each picture by itself."""

    terms = (Term("composed_pseudo_word:searle_oti"),)
