"""WeiMoCIR: the modification text mixed into the reference image and into its caption, each facing its own view.

    query_image   = unit((1 - alpha) reference_image     + alpha modification)       faces gallery images
    query_caption = unit((1 - alpha) reference_caption_k + alpha modification)       faces gallery captions k = 1 ... K
    score = (1 - beta) query_image . image + beta mean_k query_caption_k . caption_k

The mixing happens on **raw** rows, as in the released code, so the lengths the encoder gives to pictures and texts
shift the balance. Each composed query is normalised before the views are added, so the score is linear only with
weights per query: raw lengths over the composed length, both read from the Gram matrix of the parts.

Wu et al., Training-Free Zero-Shot Composed Image Retrieval via Weighted Modality Fusion and Similarity
(arXiv 2409.04918). Defaults: its CLIP ViT-L/14 setting. alpha = .5 is its plain sum of raw rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float
from workbench.methods.base import METHODS, LinearMethod
from workbench.score.similarities import Term


def numbered(name: str, captions: int) -> tuple[str, ...]:
    """The names of several captions per picture.

    >>> numbered("caption", 3)
    ('caption', 'caption_2', 'caption_3')
    """
    return (name, *(f"{name}_{k}" for k in range(2, captions + 1)))


@METHODS.register("weimocir")
@dataclass(frozen=True)
class WeiMoCIR(LinearMethod):
    """`captions` per picture: parts reference_caption, reference_caption_2 ... face views caption, caption_2 ..."""

    alpha: float = 0.8
    beta: float = 0.1
    captions: int = 1

    @property
    def terms(self) -> tuple[Term, ...]:
        """Pairs (carrier, modification), one pair per view: the image first, then the captions."""
        carriers = ("reference_image", *numbered("reference_caption", self.captions))
        views = ("image", *numbered("caption", self.captions))
        return tuple(
            Term(part, view)
            for carrier, view in zip(carriers, views, strict=True)
            for part in (carrier, "modification")
        )

    def weights(self, gram: Float["Q R R"]) -> Float["Q K"]:
        # the terms name reference_image first, modification second, then the captions
        pairs = [self._pair(gram, carrier, 1) for carrier in (0, *range(2, 2 + self.captions))]
        shares = [1 - self.beta] + [self.beta / self.captions] * self.captions
        return np.concatenate([share * pair for share, pair in zip(shares, pairs, strict=True)], axis=1)

    def _pair(self, gram: Float["Q R R"], carrier: int, text: int) -> Float["Q 2"]:
        """Weights of unit carrier and unit text in unit((1 - alpha) carrier + alpha text)."""
        mix = np.array([1 - self.alpha, self.alpha])
        both = [carrier, text]
        small = gram[:, both][:, :, both]
        composed = np.sqrt(np.einsum("i,qij,j->q", mix, small, mix))
        raw = np.sqrt(np.einsum("qii->qi", small))
        return (mix * raw / composed[:, None]).astype(np.float32)
