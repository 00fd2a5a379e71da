"""CIReVL: search with the words for the picture one wants.

A captioner describes the reference image, a language model edits the description as the modification text asks, and
the edited description (the composed caption) is the query; the reference image itself is not used any more.

Karthik et al., Vision-by-Language for Training-Free Compositional Image Retrieval, ICLR 2024 (arXiv 2310.09291).
Left out here: captioning and editing, which `language` does before a case is scored. On one task of GeneCIS
(focus_attribute) the released code adds the reference image's unit row to the query; that is not done here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float
from workbench.methods.base import METHODS, LinearMethod, check_least, usual
from workbench.score.naming import numbered
from workbench.score.similarities import Term


@METHODS.register("cirevl")
@dataclass(frozen=True)
class CIReVL(LinearMethod):
    """score = mean_k composed caption_k . gallery image: of several captions the similarities are averaged.

    The released code asks for one caption; that is the default. Linear, the same weights for every query.
    """

    captions: int = usual(1, 15, default=1)

    def __post_init__(self):
        check_least(self, captions=1)

    @property
    def terms(self) -> tuple[Term, ...]:
        return tuple(Term(part) for part in numbered("composed_caption", self.captions))

    def weights(self, gram: Float["Q R R"]) -> Float[" K"]:
        return np.full(self.captions, 1 / self.captions, np.float32)
