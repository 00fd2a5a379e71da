"""One instance of every registered method that the shared tests' case can score."""

from workbench.methods import (
    LDRE,
    METHODS,
    CaptionFusion,
    ImportedSum,
    JudgeRerank,
    LDREPerQuery,
    ObjectTerms,
    Slerp,
    StandardisedSum,
    VerifyCompare,
)

# Methods with fields that no paper is known to state, or with more captions than the case has.
CHOSEN = {
    "caption_fusion": CaptionFusion(alpha=0.6, weight=0.4),
    "imported_sum": ImportedSum("modification", weight=0.3),
    "judge_rerank": JudgeRerank("weighted_sum", "verify", depth=7),
    "ldre": LDRE(captions=2),
    "ldre_per_query": LDREPerQuery(captions=2),
    "object_terms": ObjectTerms(wanted=0.5, unwanted=0.3),
    "slerp": Slerp(alpha=0.8),
    "standardised_sum": StandardisedSum(weight=0.4),
    "verify_compare": VerifyCompare("weighted_sum", "verify", 7, "compare", 3),
}


def example(name: str):
    """The method of that name: as chosen here, else at its defaults."""
    return CHOSEN[name] if name in CHOSEN else METHODS.get(name)()
