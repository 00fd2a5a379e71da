"""ImageScope: several descriptions of the target, then every promise checked, then the leaders compared.

    stage 1   score = mean_k (1 - weight) d_k . image + weight d_k . caption           d_k description k of the target
    stage 2   the best `depth`, sorted again by how many of the query's propositions a judge finds true of each
    stage 3   of the best `compared`, in order, the first that a judge says yes to moves to the top

Luo et al., ImageScope: Unifying Language-Guided Image Retrieval via Large Multimodal Model Collective Reasoning
(arXiv 2503.10166). Defaults: the released code's (weight .15, the best 20, the best 3); how many descriptions there
are is a matter of what was recorded. Stage 1 is linear; the whole is not. Stages 2 and 3 re-sort by verdicts that
come with the case: `verify` holds the counts, `compare` the yes or no.
Left out: writing descriptions and propositions, and asking. The released code's first 2,400 queries of CIRR
validation, and its leaving the reference in, are no part of the method: `Qrels` decides what is ranked.
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.arrays import Float
from workbench.methods.base import METHODS, LinearMethod, check_least, per_term, usual
from workbench.methods.judge_rerank import promote, rerank
from workbench.score.naming import numbered
from workbench.score.similarities import Term


@METHODS.register("imagescope_stage1")
@dataclass(frozen=True)
class ImageScopeFirst(LinearMethod):
    """Stage 1 alone. weight = 0 with one description is OSrCIR's score."""

    weight: float = usual(0, 1, default=0.15)
    descriptions: int = usual(1, 5, default=1)
    elementwise = True

    def __post_init__(self):
        check_least(self, descriptions=1)

    @property
    def terms(self) -> tuple[Term, ...]:
        parts = numbered("target_description", self.descriptions)
        return tuple(Term(part, view) for view in ("image", "caption") for part in parts)

    def weights(self, gram: Float["Q R R"]) -> Float["... K"]:
        views = ((1 - self.weight) / self.descriptions, self.weight / self.descriptions)
        return per_term(*(share for share in views for _ in range(self.descriptions)))


@METHODS.register("imagescope")
@dataclass(frozen=True)
class ImageScope:
    """All three stages. depth = compared = 0 is stage 1."""

    weight: float = usual(0, 1, default=0.15)
    descriptions: int = usual(1, 5, default=1)
    depth: int = usual(0, 100, default=20)
    compared: int = usual(0, 20, default=3)
    verify: str = "verify"
    compare: str = "compare"

    def __post_init__(self):
        check_least(self, descriptions=1, depth=0, compared=0)

    @property
    def terms(self) -> tuple[Term, ...]:
        return ImageScopeFirst(self.weight, self.descriptions).terms

    def score(self, case) -> Float["Q N"]:
        scores = ImageScopeFirst(self.weight, self.descriptions).score(case)
        return promote(rerank(scores, case, self.verify, self.depth), case, self.compare, self.compared)
