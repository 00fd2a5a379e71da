"""LDRE: many captions of the reference, each edited, and an ensemble that trusts the edits that change most.

    a_i, b_i   caption i after and before its edit (unit rows), i = 1 ... n
    change_i   = sum over queries of the `nearest` largest of max(b_i . g - a_i . g, 0) over gallery images g
    w          = softmax((change_i / max_i change_i) / temperature)
    score      = sum_i w_i a_i . g                        (the sum is not normalised; no rank depends on that)

As released, the changes are added up over **all queries of the split**, so there is one weight vector and a query's
result depends on which others are asked with it (`transductive`). `ldre_per_query` is our variant without that: each
query has its own weights. Given its weights the score is linear, but they come from the gallery, not from the parts.

Yang et al., LDRE: LLM-based Divergent Reasoning and Ensemble for Zero-Shot Composed Image Retrieval (SIGIR 2024,
pages 80 to 90). Defaults: the released code's for CIRCO (15 captions, the 5 largest changes, temperature .04). On
CIRR that code takes the plain mean instead: see `SEIZE(0, 0)`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float
from workbench.methods.base import METHODS, MethodError, check_least, usual
from workbench.score.naming import numbered
from workbench.score.similarities import Similarities, Term


@METHODS.register("ldre")
@dataclass(frozen=True)
class LDRE:
    """As released: one weight per caption for the whole split. One caption: CIReVL. Huge temperature: equal weights."""

    captions: int = usual(1, 15, default=15)
    nearest: int = usual(1, 50, default=5)
    temperature: float = usual(0.01, 1, default=0.04)
    transductive = True  # scores of one query depend on which others are asked

    def __post_init__(self):
        check_least(self, captions=1, nearest=1)
        if not self.temperature > 0:
            raise MethodError(
                f"{type(self).__name__}: temperature is {self.temperature!r}, expected more than 0"
            )

    @property
    def terms(self) -> tuple[Term, ...]:
        """The edited captions, then the captions as they were."""
        return tuple(Term(part) for part in (*self._after, *self._before))

    def score(self, case) -> Float["Q N"]:
        sims = case.similarities(self.terms)
        weights = self.caption_weights(sims)
        return sims.combine(np.concatenate([weights, np.zeros_like(weights)], axis=1))

    def caption_weights(self, sims: Similarities) -> Float["Q C"]:
        """The weight of each of the C captions; as released, the same in every row."""
        change = self._changes(sims).sum(axis=0, keepdims=True)
        return np.repeat(self._softmax(change), sims.n_queries, axis=0)

    def ensembles(self, case) -> dict[str, Float["Q D"]]:
        """The two ensembles as query parts, so that PDV can walk from one to the other: `pdv.ENSEMBLE`."""
        sims = case.similarities(self.terms)
        weights = self.caption_weights(sims)

        def mixed(parts: tuple[str, ...]) -> Float["Q D"]:
            return sum(weights[:, i, None] * sims.unit_parts[part] for i, part in enumerate(parts))

        return {"reference_ensemble": mixed(self._before), "composed_ensemble": mixed(self._after)}

    @property
    def _after(self) -> tuple[str, ...]:
        return numbered("composed_caption", self.captions)

    @property
    def _before(self) -> tuple[str, ...]:
        return numbered("reference_caption", self.captions)

    def _changes(self, sims: Similarities) -> Float["Q C"]:
        """How far each edit pushes pictures away: the sum of its `nearest` largest losses of similarity."""
        gallery, least = sims.unit_views["image"], max(0, sims.n_items - self.nearest)
        changes = np.empty((sims.n_queries, self.captions), np.float32)
        for rows in sims.query_slices(copies=3):
            for i, (after, before) in enumerate(zip(self._after, self._before, strict=True)):
                loss = (sims.unit_parts[before][rows] - sims.unit_parts[after][rows]) @ gallery.T
                largest = np.partition(loss, least, axis=1)[:, least:]
                changes[rows, i] = np.maximum(largest, 0).sum(axis=1)
        return changes

    def _softmax(self, change: Float["q C"]) -> Float["q C"]:
        most = change.max(axis=1, keepdims=True)
        share = np.divide(change, most, out=np.zeros_like(change), where=most > 0)
        power = np.exp((share - share.max(axis=1, keepdims=True)) / self.temperature)
        return (power / power.sum(axis=1, keepdims=True)).astype(np.float32)


@METHODS.register("ldre_per_query")
@dataclass(frozen=True)
class LDREPerQuery(LDRE):
    """Our variant: every query weighs its own captions, so no result depends on the other queries."""

    transductive = False

    def caption_weights(self, sims: Similarities) -> Float["Q C"]:
        return self._softmax(self._changes(sims))
