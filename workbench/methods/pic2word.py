"""Pic2Word: the reference image as one made-up word, read in a sentence with the modification.

    score = "a photo of $, {modification}" . gallery image           $ stands for the picture's pseudo-word

The word comes from a mapping network trained on pictures alone. Two modifications stand in one sentence, the second
first. As in its own evaluation, domain conversion asks for "a {domain} of $", and object composition for "a photo of $
and {the object's class} and {the others}". Saito et al., Pic2Word: Mapping Pictures to Words for Zero-shot Composed Image Retrieval (CVPR 2023).
Left out here: the network (`encode.pseudo_tokens`) and the sentences (`case.wording`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float
from workbench.methods.base import METHODS, LinearMethod
from workbench.score.similarities import Term


@METHODS.register("pic2word")
@dataclass(frozen=True)
class Pic2Word(LinearMethod):
    """Linear, with one weight: all that is special about it happens before a case is scored."""

    terms = (Term("composed_pseudo_word:pic2word"),)

    def weights(self, gram: Float["Q R R"]) -> Float[" K"]:
        return np.ones(1, np.float32)
