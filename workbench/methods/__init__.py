"""Methods: query parts and gallery views -> scores. One file per paper; importing this package registers them all."""

from workbench.methods.base import METHODS, LinearMethod, Method, MethodError, label, parse_method
from workbench.methods.baselines import ImageOnly, Product, Slerp, TextOnly, WeightedSum
from workbench.methods.cirevl import CIReVL
from workbench.methods.pdv import PDVFusion, PDVImage, PDVText
from workbench.methods.weimocir import WeiMoCIR

__all__ = [
    "METHODS",
    "CIReVL",
    "ImageOnly",
    "LinearMethod",
    "Method",
    "MethodError",
    "PDVFusion",
    "PDVImage",
    "PDVText",
    "Product",
    "Slerp",
    "TextOnly",
    "WeiMoCIR",
    "WeightedSum",
    "label",
    "parse_method",
]
