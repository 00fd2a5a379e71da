"""A case: one benchmark, split, encoder and source of captions, as rows that are ready to score.

    query part (Q, D)       made from
    reference_image         the reference's picture
    reference_caption       what a captioner wrote about it
    modification            the query's modification text(s), joined by a named rule
    composed_caption        the reference caption, edited by a recomposer as the modification asks
    gallery view (N, D)
    image                   each picture
    caption                 what the captioner wrote about it

Rows are raw, as the encoder gave them; ``Similarities`` makes unit rows of them. Nothing is computed that
the asked terms do not need, texts are checked and encoded before pictures, and everything goes through
the store. To add a query part: one property in ``build``, one row above and in the glossary.
"""

from workbench.case.build import build_case, load_case
from workbench.case.case import Case
from workbench.case.wording import JOINS, CaseError, Wording

__all__ = ["JOINS", "Case", "CaseError", "Wording", "build_case", "load_case"]
