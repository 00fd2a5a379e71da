"""PDV: the difference of two texts as a direction to walk in.

    direction = after - before                         (of unit rows, itself not normalised)
    PDV-T:  before + alpha_text  direction
    PDV-I:  reference_image + alpha_image direction
    PDV-F:  (1 - beta) PDV-I + beta PDV-T              (the two are not normalised before they are mixed)

`before` and `after` are a host's two texts, without the modification and with it; a host is that pair of parts:

    CAPTIONS               reference_caption, composed_caption              CIReVL
    pseudo_word("searle")  "a photo of $", "a photo of $ that {...}"        SEARLE, LinCIR, Pic2Word
    ENSEMBLE               reference_ensemble, composed_ensemble            LDRE, on case.with_parts(LDRE().ensembles(case))

All three are linear while the query faces one view, so PDV-F's three numbers act as two: with
gamma = (1 - beta) alpha_image + beta alpha_text the weights of (reference_image, before, after) are
(1 - beta, beta - gamma, gamma). alpha_text = beta = 1 is the host itself.

Tursun et al., PDV: Prompt Directional Vectors for Zero-shot Composed Image Retrieval (WACV 2026, pages 7740 to 7749;
arXiv 2502.07215). The defaults are those of Table 2 (CIRCO and CIRR) for CIReVL with ViT-B/32, L/14 and G/14. Others,
as (beta, alpha_image, alpha_text): Table 1 (FashionIQ): CIReVL (.75, 1.4, 1.4) with B/32, (.55, 1, 1.3) with L/14,
(.6, 1.4, 1.4) with G/14; SEARLE (.9, 1.1, .9) with B/32, (.8, 1.2, 1) with L/14; Pic2Word (.8, 1, 1). Table 2: SEARLE
(.9, 1.4, 1.2) with B/32, (.85, 1.4, 1.2) with L/14; Pic2Word (.85, 1.2, 1); LDRE (.75, 1.4, 1.4) throughout. The
tables were read in transcripts, without page numbers, and their settings were chosen by looking at benchmark results.
The template of a pseudo-word without a modification is not confirmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from workbench.arrays import Float
from workbench.methods.base import METHODS, LinearMethod, per_term, usual
from workbench.score.similarities import Term

CAPTIONS = ("reference_caption", "composed_caption")
ENSEMBLE = ("reference_ensemble", "composed_ensemble")


def pseudo_word(source: str) -> tuple[str, str]:
    """The host parts of a pseudo-word method: "searle", "searle_oti", "lincir", "pic2word"."""
    return (f"pseudo_word:{source}", f"composed_pseudo_word:{source}")


@cache
def _terms(*parts: str) -> tuple[Term, ...]:
    """Made once: a grid asks for those of thousands of settings."""
    return tuple(map(Term, parts))


@METHODS.register("pdv_t")
@dataclass(frozen=True)
class PDVText(LinearMethod):
    """query = before + alpha_text (after - before): words only, pushed further (alpha_text > 1) or held back."""

    alpha_text: float = usual(0, 3, default=1.2)
    host: tuple[str, str] = CAPTIONS
    elementwise = True

    @property
    def terms(self) -> tuple[Term, ...]:
        return _terms(*self.host)

    def weights(self, gram: Float["Q R R"]) -> Float["... K"]:
        return per_term(1 - self.alpha_text, self.alpha_text)


@METHODS.register("pdv_i")
@dataclass(frozen=True)
class PDVImage(LinearMethod):
    """query = reference_image + alpha_image (after - before): the picture, moved as the words moved."""

    alpha_image: float = usual(0, 3, default=1.4)
    host: tuple[str, str] = CAPTIONS
    elementwise = True

    @property
    def terms(self) -> tuple[Term, ...]:
        return _terms("reference_image", *self.host)

    def weights(self, gram: Float["Q R R"]) -> Float["... K"]:
        return per_term(1, -self.alpha_image, self.alpha_image)


@METHODS.register("pdv_f")
@dataclass(frozen=True)
class PDVFusion(LinearMethod):
    """query = (1 - beta) PDV-I + beta PDV-T. beta = 1 is PDV-T, beta = 0 is PDV-I."""

    alpha_image: float = usual(0, 3, default=1.4)
    alpha_text: float = usual(0, 3, default=1.2)
    beta: float = usual(0, 1, default=0.75)
    host: tuple[str, str] = CAPTIONS
    elementwise = True

    @property
    def terms(self) -> tuple[Term, ...]:
        return _terms("reference_image", *self.host)

    def weights(self, gram: Float["Q R R"]) -> Float["... K"]:
        gamma = (1 - self.beta) * self.alpha_image + self.beta * self.alpha_text
        return per_term(1 - self.beta, self.beta - gamma, gamma)
