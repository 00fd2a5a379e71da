"""OSrCIR: one call of a multimodal model looks at the reference image and writes what the target looks like.

    score = target description . gallery image

Tang et al., Reason-before-Retrieve: One-Stage Reflective Chain-of-Thoughts for Training-Free Zero-Shot Composed Image
Retrieval (arXiv 2412.11077). Left out here: the call itself (a description of the reference, thoughts, reflection and
the target description as JSON); a query whose reply could not be read searches with its modification text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float
from workbench.methods.base import METHODS, LinearMethod
from workbench.score.similarities import Term


@METHODS.register("osrcir")
@dataclass(frozen=True)
class OSrCIR(LinearMethod):
    """Linear, with one weight. It differs from CIReVL in who wrote the text: a model that saw the picture."""

    terms = (Term("target_description"),)

    def weights(self, gram: Float["Q R R"]) -> Float[" K"]:
        return np.ones(1, np.float32)
