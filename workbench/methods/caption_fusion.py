"""Caption fusion: picture and modification, mixed, plus a description of the target. In the manner of SQUARE.

    query = (1 - weight) unit((1 - alpha) v + alpha t) + weight c          v, t, c unit rows
    v reference image, t modification text, c description of the target

SQUARE's first stage (arXiv 2509.26330) adds a description of the target, written by a multimodal model, to such a
mix of picture and text. Its weights, and whether it mixes raw or unit rows, are not confirmed: hence the other name,
unit rows, and no defaults. Linear with weights per query, since the mix is normalised before it meets c.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float
from workbench.methods.base import METHODS, LinearMethod, per_term, usual
from workbench.score.similarities import Term


@METHODS.register("caption_fusion")
@dataclass(frozen=True)
class CaptionFusion(LinearMethod):
    """weight = 0 is the weighted sum, weight = 1 the description alone, alpha = 1 leaves the picture out."""

    alpha: float = usual(0, 1)
    weight: float = usual(0, 1)
    description: str = "target_description"
    elementwise = True

    @property
    def terms(self) -> tuple[Term, ...]:
        return (Term("reference_image"), Term("modification"), Term(self.description))

    def weights(self, gram: Float["Q R R"]) -> Float["... Q K"]:
        cosine = gram[:, 0, 1] / np.sqrt(gram[:, 0, 0] * gram[:, 1, 1])
        a, b = 1 - self.alpha, self.alpha
        pair = (1 - self.weight) / np.sqrt(a * a + b * b + 2 * a * b * cosine)
        return per_term(a * pair, b * pair, self.weight)
