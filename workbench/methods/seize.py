"""SEIZE: what an edit changed is counted again, gains and losses each with a weight of its own.

    s_a, s_b = unit(mean of composed captions) . g, unit(mean of reference captions) . g        (means of raw rows)
    d        = s_a - s_b
    score    = s_a + gain max(d, 0) + loss min(d, 0)

Piecewise linear: the weights of s_a and s_b depend on the sign of d, picture by picture, so it is no linear method.
With gain = loss it is PDV-T with alpha_text = 1 + gain; with both 0 it is the plain mean, as LDRE does on CIRR.

Yang et al., Semantic Editing Increment Benefits Zero-Shot Composed Image Retrieval (ACM MM 2024, pages 1245 to 1254).
Defaults: the released code's for CIRCO. Its comments list further (gain, loss): a run's name there gives (.22, 1.0)
for CIRR; (.0005, .25), for FashionIQ, belong together by their places in the lists alone. It takes 15 captions per
reference, here 1 unless `captions` says so. There, on CIRCO only, the reference image is put last; here `Qrels` says
so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float, unit
from workbench.methods.base import METHODS, check_least, usual
from workbench.score.naming import numbered
from workbench.score.similarities import Similarities, Term


@METHODS.register("seize")
@dataclass(frozen=True)
class SEIZE:
    """`captions` per reference image; how many there are is a matter of what was recorded."""

    gain: float = usual(0, 3, default=0.13)
    loss: float = usual(0, 3, default=2.1)
    captions: int = usual(1, 15, default=1)

    def __post_init__(self):
        check_least(self, captions=1)

    @property
    def terms(self) -> tuple[Term, ...]:
        names = (*numbered("composed_caption", self.captions), *numbered("reference_caption", self.captions))
        return tuple(Term(part) for part in names)

    def score(self, case) -> Float["Q N"]:
        sims = case.similarities(self.terms)
        after = self._against_gallery(sims, "composed_caption")
        change = after - self._against_gallery(sims, "reference_caption")
        return after + np.where(change > 0, np.float32(self.gain), np.float32(self.loss)) * change

    def _against_gallery(self, sims: Similarities, name: str) -> Float["Q N"]:
        mean = np.mean([sims.parts[part] for part in numbered(name, self.captions)], axis=0)
        return unit(mean, f"the mean {name}").astype(np.float32, copy=False) @ sims.unit_views["image"].T
