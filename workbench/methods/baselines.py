"""Baselines from two embeddings, the reference image v and the modification text t (unit rows, g a gallery image).

What they leave out: any words for the reference image. See `cirevl` for the bridge through language.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float
from workbench.methods.base import METHODS, LinearMethod, per_term, usual
from workbench.score.similarities import Term

IMAGE, TEXT = Term("reference_image"), Term("modification")


@METHODS.register("image_only")
@dataclass(frozen=True)
class ImageOnly(LinearMethod):
    """score = v . g: pictures like the reference."""

    terms = (IMAGE,)

    def weights(self, gram: Float["Q R R"]) -> Float[" K"]:
        return np.ones(1, np.float32)


@METHODS.register("text_only")
@dataclass(frozen=True)
class TextOnly(LinearMethod):
    """score = t . g: pictures like the modification text."""

    terms = (TEXT,)

    def weights(self, gram: Float["Q R R"]) -> Float[" K"]:
        return np.ones(1, np.float32)


@METHODS.register("weighted_sum")
@dataclass(frozen=True)
class WeightedSum(LinearMethod):
    """query = unit((1 - weight) v + weight t); weight 0 is image only, 1 is text only. Equal parts by default."""

    weight: float = usual(0, 1, default=0.5)
    terms = (IMAGE, TEXT)
    elementwise = True

    def weights(self, gram: Float["Q R R"]) -> Float["... K"]:
        return per_term(1 - self.weight, self.weight)


@METHODS.register("slerp")
@dataclass(frozen=True)
class Slerp(LinearMethod):
    """Walks a fraction `alpha` of the way from v to t on the sphere. Linear with weights per query:

        (sin((1 - alpha) angle), sin(alpha angle)) / sin(angle),    angle = arccos(v . t)

    Nearly parallel or opposite pairs (|v . t| > .9995) are mixed in a straight line, as in the released code.
    Source: Jang et al., Spherical Linear Interpolation and Text-Anchoring (ECCV 2024, pages 239 to 254), whose code
    this follows. By others' summaries it takes .9 on CIRR, .8 on CIRCO and FashionIQ; the paper itself was not read:
    hence no default.
    """

    alpha: float = usual(0, 1)
    terms = (IMAGE, TEXT)
    elementwise = True

    def weights(self, gram: Float["Q R R"]) -> Float["... Q K"]:
        cosine = gram[:, 0, 1] / np.sqrt(gram[:, 0, 0] * gram[:, 1, 1])
        straight = np.abs(cosine) > 0.9995
        angle = np.arccos(np.where(straight, 0.0, cosine))
        line = (1 - self.alpha, self.alpha)
        return per_term(*(np.where(straight, way, np.sin(way * angle) / np.sin(angle)) for way in line))


@METHODS.register("product")
@dataclass(frozen=True)
class Product:
    """score = max(v . g, 0) max(t . g, 0): both must match. Not linear.

    Negative similarities count as 0, as in the i-CIR evaluation (Psomas et al., 2025), so whole tails can tie.
    """

    terms = (IMAGE, TEXT)

    def score(self, case) -> Float["Q N"]:
        similarities = case.similarities(self.terms)
        return np.maximum(similarities[IMAGE], 0) * np.maximum(similarities[TEXT], 0)


@METHODS.register("standardised_sum")
@dataclass(frozen=True)
class StandardisedSum:
    """score = (1 - weight) z(v . g) + weight z(t . g), z: a query's similarities with mean 0 and deviation 1.

    In the manner of WeiCom (the sum that FREEDOM and i-CIR compare with), whose details are not confirmed: hence the
    other name, and no default. Not linear: the deviations come from the gallery, not from the parts.
    weight = 0 ranks as image only, weight = 1 as text only.
    """

    weight: float = usual(0, 1)
    terms = (IMAGE, TEXT)

    def score(self, case) -> Float["Q N"]:
        similarities = case.similarities(self.terms)
        image, text = (_standardised(similarities[term]) for term in self.terms)
        return (1 - np.float32(self.weight)) * image + np.float32(self.weight) * text


def _standardised(scores: Float["Q N"]) -> Float["Q N"]:
    """Each row with mean 0 and deviation 1; a row of equals is all 0."""
    mean = scores.mean(axis=1, keepdims=True, dtype=np.float64)
    deviation = scores.std(axis=1, keepdims=True, dtype=np.float64)
    varied = np.ptp(scores, axis=1, keepdims=True) > 0
    return np.where(varied, (scores - mean) / np.where(varied, deviation, 1), 0).astype(np.float32)
