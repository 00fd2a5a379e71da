"""Methods: query parts and gallery views -> scores. One file per paper; importing this package registers them all.

baselines       image_only, text_only, weighted_sum, slerp, product, standardised_sum
texts           cirevl, ldre, ldre_per_query, seize, osrcir, imagescope_stage1, weimocir, weimocir_paper
pseudo-words    pic2word, searle, searle_oti, lincir
on any host     pdv_t, pdv_i, pdv_f
corpora         basic, basic_released
with a judge    imagescope, judge_rerank, verify_compare
imported rows   composed, imported_sum
in the manner of papers whose weights are not confirmed: caption_fusion, object_terms, judge_rerank, verify_compare
"""

from workbench.methods.base import METHODS, LinearMethod, Method, MethodError, default_of, label, parse_method
from workbench.methods.baselines import (
    ImageOnly,
    Product,
    Slerp,
    StandardisedSum,
    TextOnly,
    WeightedSum,
)
from workbench.methods.basic import BASIC, BASICReleased
from workbench.methods.caption_fusion import CaptionFusion
from workbench.methods.cirevl import CIReVL
from workbench.methods.composed import Composed, ImportedSum
from workbench.methods.imagescope import ImageScope, ImageScopeFirst
from workbench.methods.judge_rerank import JudgeRerank, VerifyCompare
from workbench.methods.ldre import LDRE, LDREPerQuery
from workbench.methods.lincir import LinCIR
from workbench.methods.object_terms import ObjectTerms
from workbench.methods.osrcir import OSrCIR
from workbench.methods.pdv import PDVFusion, PDVImage, PDVText
from workbench.methods.pic2word import Pic2Word
from workbench.methods.searle import SEARLE, SEARLEOTI
from workbench.methods.seize import SEIZE
from workbench.methods.weimocir import WeiMoCIR, WeiMoCIRPaper

__all__ = [
    "BASIC",
    "LDRE",
    "METHODS",
    "SEARLE",
    "SEARLEOTI",
    "SEIZE",
    "BASICReleased",
    "CIReVL",
    "CaptionFusion",
    "Composed",
    "ImageOnly",
    "ImageScope",
    "ImageScopeFirst",
    "ImportedSum",
    "JudgeRerank",
    "LDREPerQuery",
    "LinCIR",
    "LinearMethod",
    "Method",
    "MethodError",
    "OSrCIR",
    "ObjectTerms",
    "PDVFusion",
    "PDVImage",
    "PDVText",
    "Pic2Word",
    "Product",
    "Slerp",
    "StandardisedSum",
    "TextOnly",
    "VerifyCompare",
    "WeiMoCIR",
    "WeiMoCIRPaper",
    "WeightedSum",
    "default_of",
    "label",
    "parse_method",
]
