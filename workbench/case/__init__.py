"""A case: one benchmark, split, encoder and source of captions, as rows that are ready to score.

    query part (Q, D)             made from
    reference_image               the reference's picture
    reference_caption             what a captioner wrote about it; reference_caption_2 ... further captions
    modification                  the query's modification text(s), joined by a named rule
    composed_caption              the reference caption, edited by a recomposer as the modification asks; _2 ...
    target_description            what a model that saw reference and modification expects of the target; _2 ...
    wanted_objects                the mean row of the objects that it says must appear
    unwanted_objects              ... must not appear
    pseudo_word:NAME              "a photo of $", $ being the word that NAME makes of the reference's picture
    composed_pseudo_word:NAME     "a photo of $ that {modification}", as NAME words it
    gallery view (N, D)
    image                         each picture
    caption                       what the captioner wrote about it; caption_2 ... further captions

NAME is searle, searle_oti, lincir or pic2word. Rows are raw, as the encoder gave them; ``Similarities`` makes unit
rows of them. Nothing is computed that the asked terms do not need, texts are checked and encoded before pictures,
and everything goes through the store. To add a query part: a method in ``texts`` or ``rows``, its name in
``ingredients``, one row above and in the glossary.
"""

from workbench.case.build import build_case, load_case
from workbench.case.case import Case
from workbench.case.wording import JOINS, PSEUDO_PROMPTS, CaseError, Wording

__all__ = [
    "JOINS",
    "PSEUDO_PROMPTS",
    "Case",
    "CaseError",
    "Wording",
    "build_case",
    "load_case",
]
