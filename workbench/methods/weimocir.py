"""WeiMoCIR: the modification text mixed into the reference, and the gallery seen as pictures and as captions.

As released, the text is mixed into the reference image and into each of its captions, each facing its own view:

    query_image   = unit((1 - alpha) reference_image     + alpha modification)       faces gallery images
    query_caption = unit((1 - alpha) reference_caption_k + alpha modification)       faces gallery captions k = 1 ... K
    score = (1 - beta) query_image . image + beta mean_k query_caption_k . caption_k

As the paper writes it, one query, query_image, faces images and captions alike.

The mixing happens on **raw** rows, as in the released code, so the lengths the encoder gives to pictures and texts
shift the balance. Each composed query is normalised before the views are added, so the score is linear only with
weights per query: raw lengths over the composed length, both read from the Gram matrix of the parts.

Wu, Lin and Yang, Training-free Zero-shot Composed Image Retrieval via Weighted Modality Fusion and Similarity (TAAI
2024, pages 77 to 90; arXiv 2409.04918). Defaults: the released code's for CLIP ViT-L/14 (.8, .1), whose authors also
report beta .15 and .2 for the larger CLIPs and take (.95, .2) for BLIP; it takes 3 captions per picture, here 1
unless `captions` says so. alpha = .5 is its plain sum of raw rows; beta = 0 needs no captions at heart, and both
readings agree there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float
from workbench.methods.base import METHODS, LinearMethod, check_least, per_term, usual
from workbench.score.naming import numbered
from workbench.score.similarities import Term


@METHODS.register("weimocir")
@dataclass(frozen=True)
class WeiMoCIR(LinearMethod):
    """As released. `captions` per picture: parts reference_caption, reference_caption_2 ... face caption, caption_2 ..."""

    alpha: float = usual(0, 1, default=0.8)
    beta: float = usual(0, 1, default=0.1)
    captions: int = usual(1, 3, default=1)
    elementwise = True

    def __post_init__(self):
        check_least(self, captions=1)

    @property
    def carriers(self) -> tuple[str, ...]:
        """What the text is mixed into, one per view: the image first, then the captions."""
        return ("reference_image", *numbered("reference_caption", self.captions))

    @property
    def terms(self) -> tuple[Term, ...]:
        """Pairs (carrier, modification), one pair per view."""
        views = ("image", *numbered("caption", self.captions))
        return tuple(
            Term(part, view)
            for carrier, view in zip(self.carriers, views, strict=True)
            for part in (carrier, "modification")
        )

    def weights(self, gram: Float["Q R R"]) -> Float["... Q K"]:
        parts = list(dict.fromkeys(term.part for term in self.terms))  # the order of the Gram matrix
        text = parts.index("modification")
        pairs = [self._pair(gram, parts.index(carrier), text) for carrier in self.carriers]
        shares = [1 - self.beta] + [self.beta / self.captions] * self.captions
        return per_term(*(share * one for share, pair in zip(shares, pairs, strict=True) for one in pair))

    def _pair(self, gram: Float["Q R R"], carrier: int, text: int) -> tuple[Float["... Q"], Float["... Q"]]:
        """Weights of unit carrier and unit text in unit((1 - alpha) carrier + alpha text)."""
        a, b, aa, bb = 1 - self.alpha, self.alpha, gram[:, carrier, carrier], gram[:, text, text]
        composed = np.sqrt(a * a * aa + 2 * a * b * gram[:, carrier, text] + b * b * bb)
        return a * np.sqrt(aa) / composed, b * np.sqrt(bb) / composed


@METHODS.register("weimocir_paper")
@dataclass(frozen=True)
class WeiMoCIRPaper(WeiMoCIR):
    """As the paper writes it: the composed reference image faces the captions, too."""

    @property
    def carriers(self) -> tuple[str, ...]:
        return ("reference_image",) * (1 + self.captions)
