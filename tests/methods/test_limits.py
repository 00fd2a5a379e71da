"""Every registered method at the setting where it becomes a simpler one: the same rank of every picture."""

import dataclasses

import numpy as np
import pytest

from workbench.methods import (
    BASIC,
    LDRE,
    METHODS,
    SEARLE,
    SEARLEOTI,
    SEIZE,
    BASICReleased,
    CaptionFusion,
    CIReVL,
    Composed,
    ImageOnly,
    ImageScope,
    ImageScopeFirst,
    ImportedSum,
    JudgeRerank,
    LDREPerQuery,
    LinCIR,
    ObjectTerms,
    OSrCIR,
    PDVFusion,
    PDVImage,
    PDVText,
    Pic2Word,
    Product,
    Slerp,
    StandardisedSum,
    TextOnly,
    VerifyCompare,
    WeightedSum,
    WeiMoCIR,
    WeiMoCIRPaper,
)

OFF = {"components": 0, "neighbours": 0, "corner": 0.0, "mean": "", "pairs": False}
CIREVL, OSRCIR, SLERP = CIReVL(), OSrCIR(), Slerp(0.8)
IMAGE, TEXT, BEFORE = ImageOnly(), TextOnly(), Composed("reference_caption")

LIMITS = {
    "basic": [(BASIC(**OFF), Product())],
    "basic_released": [(BASICReleased(**OFF), Product())],
    "caption_fusion": [
        (CaptionFusion(0.3, 0.0), WeightedSum(0.3)),
        (CaptionFusion(0.3, 1.0), OSRCIR),
        (CaptionFusion(1.0, 0.0), TEXT),
        (CaptionFusion(0.0, 0.0), IMAGE),
    ],
    "cirevl": [(CIREVL, Composed("composed_caption"))],
    "composed": [(Composed("modification"), TEXT)],
    "image_only": [(IMAGE, Composed("reference_image"))],
    "imagescope": [(ImageScope(depth=0, compared=0), ImageScopeFirst())],
    "imagescope_stage1": [(ImageScopeFirst(weight=0.0), OSRCIR)],
    "imported_sum": [
        (ImportedSum("modification", "reference_image", weight), WeightedSum(weight))
        for weight in (0.0, 0.4, 1.0)
    ],
    "judge_rerank": [(JudgeRerank("slerp(alpha=0.8)", "verify", 0), SLERP)],
    "ldre": [(LDRE(captions=1), CIREVL), (LDRE(2, temperature=1e9), CIReVL(2))],
    "ldre_per_query": [(LDREPerQuery(captions=1), CIREVL), (LDREPerQuery(2, temperature=1e9), CIReVL(2))],
    "lincir": [(LinCIR(), Composed("stands in"))],
    "object_terms": [(ObjectTerms(0.0, 0.0), OSRCIR)],
    "osrcir": [(OSRCIR, Composed("target_description"))],
    "pdv_f": [
        (PDVFusion(alpha_text=1.0, beta=1.0), CIREVL),
        (PDVFusion(beta=1.0), PDVText()),
        (PDVFusion(beta=0.0), PDVImage()),
    ],
    "pdv_i": [(PDVImage(0.0), IMAGE)],
    "pdv_t": [(PDVText(1.0), CIREVL), (PDVText(0.0), BEFORE)],
    "pic2word": [(Pic2Word(), Composed("stands in"))],
    "product": [(Product(), BASIC(**OFF))],
    "searle": [(SEARLE(), Composed("stands in"))],
    "searle_oti": [(SEARLEOTI(), Composed("stands in"))],
    "seize": [(SEIZE(0.0, 0.0), CIREVL), (SEIZE(0.4, 0.4), PDVText(1.4))],
    "slerp": [(Slerp(0.0), IMAGE), (Slerp(1.0), TEXT)],
    "standardised_sum": [(StandardisedSum(0.0), IMAGE), (StandardisedSum(1.0), TEXT)],
    "text_only": [(TEXT, Composed("modification"))],
    "verify_compare": [
        (VerifyCompare("slerp(alpha=0.8)", "verify", 0, "compare", 0), SLERP),
        (
            VerifyCompare("slerp(alpha=0.8)", "verify", 7, "compare", 0),
            JudgeRerank("slerp(alpha=0.8)", "verify", 7),
        ),
    ],
    "weighted_sum": [(WeightedSum(0.0), IMAGE), (WeightedSum(1.0), TEXT)],
    "weimocir": [(WeiMoCIR(0.0, 0.0), IMAGE), (WeiMoCIR(1.0, 0.0), TEXT)],
    "weimocir_paper": [(WeiMoCIRPaper(1.0, 0.0), TEXT), (WeiMoCIRPaper(0.3, 0.0), WeiMoCIR(0.3, 0.0))],
}


def ranks(scores: np.ndarray) -> np.ndarray:
    """(Q, N): each picture's rank among all, ties counted against it."""
    return (scores[:, None, :] >= scores[:, :, None]).sum(axis=2)


def test_every_registered_method_has_a_limit():
    assert set(LIMITS) == set(METHODS.names())


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("seed", [41, 42])
def test_at_its_limit_it_ranks_as_the_simpler_one(name, seed, make_case):
    case = make_case(seed)
    same = {
        part: case.parts["modification"] for part in case.parts if part.startswith("composed_pseudo_word")
    }
    case = dataclasses.replace(case, parts=case.parts | same | {"stands in": case.parts["modification"]})
    for method, simpler in LIMITS[name]:
        assert type(method) is METHODS.get(name)
        np.testing.assert_array_equal(
            ranks(method.score(case)), ranks(simpler.score(case)), err_msg=str(method)
        )


WITH_SETTINGS = [
    name
    for name in LIMITS
    if dataclasses.fields(METHODS.get(name))
    and name not in ("cirevl", "composed")  # theirs only name the input
]


@pytest.mark.parametrize("name", WITH_SETTINGS)
def test_away_from_its_limit_it_does_not(name, make_case):
    """No setting is without effect: a method at an ordinary setting differs from each of its limits."""
    from tests.methods.examples import example

    case = make_case(43)
    scores = ranks(example(name).score(case))
    for _, simpler in LIMITS[name]:
        if simpler != example(name):
            assert (ranks(simpler.score(case)) != scores).any(), simpler
