"""LinCIR: SEARLE's sentences with a mapping network that was trained on text alone.

    score = "a photo of $ that {modification}" . gallery image       $ stands for the picture's pseudo-word

Gu et al., Language-only Efficient Training of Zero-shot Composed Image Retrieval (CVPR 2024).
Left out here: the network (`encode.pseudo_tokens`) and the sentences (`case.wording`). The published file named
lincir_large.pt is a demonstration checkpoint, not the paper's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float
from workbench.methods.base import METHODS, LinearMethod
from workbench.score.similarities import Term


@METHODS.register("lincir")
@dataclass(frozen=True)
class LinCIR(LinearMethod):
    """Linear, with one weight."""

    terms = (Term("composed_pseudo_word:lincir"),)

    def weights(self, gram: Float["Q R R"]) -> Float[" K"]:
        return np.ones(1, np.float32)
