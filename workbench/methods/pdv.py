"""PDV: the difference of two texts as a direction to walk in.

    direction = composed_caption - reference_caption         (of unit rows, itself not normalised)
    PDV-T:  reference_caption + alpha_text  direction
    PDV-I:  reference_image   + alpha_image direction
    PDV-F:  (1 - beta) PDV-I + beta PDV-T                    (the two are not normalised before they are mixed)

All three are linear while the query faces one view, so PDV-F's three numbers act as two: with
gamma = (1 - beta) alpha_image + beta alpha_text the weights of (reference_image, reference_caption, composed_caption)
are (1 - beta, beta - gamma, gamma). alpha_text = beta = 1 is the host itself (CIReVL).

Osman Tursun et al., PDV: Prompt Directional Vectors for Zero-shot Composed Image Retrieval (arXiv 2502.07215).
The defaults are the paper's for CIReVL on CIRR and CIRCO with ViT-B/32 and ViT-L/14. Fields name the host's parts:
a pseudo-word method gives its own two texts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float
from workbench.methods.base import METHODS, LinearMethod
from workbench.score.similarities import Term


@METHODS.register("pdv_t")
@dataclass(frozen=True)
class PDVText(LinearMethod):
    """query = before + alpha_text (after - before): words only, pushed further (alpha_text > 1) or held back."""

    alpha_text: float = 1.2
    before: str = "reference_caption"
    after: str = "composed_caption"

    @property
    def terms(self) -> tuple[Term, ...]:
        return (Term(self.before), Term(self.after))

    def weights(self, gram: Float["Q R R"]) -> Float[" K"]:
        return np.array([1 - self.alpha_text, self.alpha_text], np.float32)


@METHODS.register("pdv_i")
@dataclass(frozen=True)
class PDVImage(LinearMethod):
    """query = reference_image + alpha_image (after - before): the picture, moved as the words moved."""

    alpha_image: float = 1.4
    before: str = "reference_caption"
    after: str = "composed_caption"

    @property
    def terms(self) -> tuple[Term, ...]:
        return (Term("reference_image"), Term(self.before), Term(self.after))

    def weights(self, gram: Float["Q R R"]) -> Float[" K"]:
        return np.array([1, -self.alpha_image, self.alpha_image], np.float32)


@METHODS.register("pdv_f")
@dataclass(frozen=True)
class PDVFusion(LinearMethod):
    """query = (1 - beta) PDV-I + beta PDV-T. beta = 1 is PDV-T, beta = 0 is PDV-I."""

    alpha_image: float = 1.4
    alpha_text: float = 1.2
    beta: float = 0.75
    before: str = "reference_caption"
    after: str = "composed_caption"

    @property
    def terms(self) -> tuple[Term, ...]:
        return (Term("reference_image"), Term(self.before), Term(self.after))

    def weights(self, gram: Float["Q R R"]) -> Float[" K"]:
        gamma = (1 - self.beta) * self.alpha_image + self.beta * self.alpha_text
        return np.array([1 - self.beta, self.beta - gamma, gamma], np.float32)
