"""BASIC: what is in the picture, how it should look, and both at once.

    v, t, g          unit rows of reference image, modification, gallery image; m_v, m_t means of pictures and of words
    P                projection onto the leading directions of (1 - contrast) scatter(subjects) - contrast scatter(styles)
    v'               mean of v - m_v and its `neighbours` nearest g - m_v under P, weighed by exp(sharpness similarity)
    s_v, s_t         P v' . (g - m_v)    and    (t - m_t) . (g - m_v)
    a, b             max(s - least, 0) / |least|, with least the smallest similarity among made-up pairs, of each kind
    score            a b - corner (a + b)^2            Harris: high where both are high, low where only one is

It needs corpora beside the case's own rows (`case.corpora`): `subjects` and `styles` (names of things, and of looks),
`mean_image` (one row: the mean of many unrelated pictures), `pair_images` and `pair_texts` (made-up pairs). Limits:
components = 0 no projection, neighbours = 0 no expansion, corner = 0 a plain product, mean = "gallery" the gallery's
own mean instead of `mean_image`, mean = "" no centring, pairs = False no rescaling.

Psomas et al. (arXiv 2510.25387). Defaults: the released preset for i-CIR with CLIP ViT-L/14. That code divides both
similarities by |least| of the *pictures*, and adds 1e-5 to every entry of the scatter: `basic_released` does so, too.
Some summaries print (a - b)^2; the code has a sum. Its optional rewording of the modification is left out, and so is
searching within one instance's pictures only, which is a matter of `Qrels.candidates`.
The i-CIR baselines (image, text, their sum, their product) stand in `baselines`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from workbench.arrays import Float, check_shape, unit
from workbench.methods.base import METHODS, MethodError, check_least, usual
from workbench.methods.baselines import IMAGE, TEXT
from workbench.registry import nearest


class Centred(NamedTuple):
    """Unit rows and the means to take off them. The gallery's rows are never copied: a . (g - m) = a . g - a . m."""

    image: Float["Q D"]
    text: Float["Q D"]
    gallery: Float["N D"]
    mean_image: Float[" D"]
    mean_text: Float[" D"]

    def against_gallery(self, rows: Float["Q D"]) -> Float["Q N"]:
        return rows @ self.gallery.T - (rows @ self.mean_image)[:, None]


@METHODS.register("basic")
@dataclass(frozen=True)
class BASIC:
    """Both similarities on their own scale. Not linear."""

    contrast: float = usual(0, 1, default=0.2)
    components: int = usual(0, 500, default=250)
    neighbours: int = usual(0, 100, default=25)
    sharpness: float = usual(0, 1, default=0.1)
    corner: float = usual(0, 1, default=0.1)
    mean: str = "mean_image"
    pairs: bool = True
    terms = (IMAGE, TEXT)

    def __post_init__(self):
        check_least(self, components=0, neighbours=0)

    def score(self, case) -> Float["Q N"]:
        rows = self._centred(case)
        project = self._projection(case, rows)
        image = (
            self._expanded(rows, rows.image @ project) @ project if self.neighbours else rows.image @ project
        )
        a, b = rows.against_gallery(image), rows.against_gallery(rows.text)
        if self.pairs:
            (least_image, least_text), (scale_image, scale_text) = self._scales(case, rows)
            a, b = (a - least_image) / scale_image, (b - least_text) / scale_text
        a, b = np.maximum(a, 0), np.maximum(b, 0)
        return (a * b - self.corner * (a + b) ** 2).astype(np.float32, copy=False)

    def _centred(self, case) -> Centred:
        sims = case.similarities(self.terms)
        image, text = (sims.unit_parts[part] for part, _ in self.terms)
        gallery = sims.unit_views["image"]
        if not self.mean:
            nothing = np.zeros(image.shape[1], np.float32)
            return Centred(image, text, gallery, nothing, nothing)
        mean_image = gallery.mean(axis=0) if self.mean == "gallery" else self._mean_image(case)
        mean_text = unit(corpus(case, "subjects")).mean(axis=0)
        return Centred(image - mean_image, text - mean_text, gallery, mean_image, mean_text)

    def _mean_image(self, case) -> Float[" D"]:
        rows = corpus(case, self.mean)
        if len(rows) != 1:
            raise MethodError(
                f"corpus {self.mean!r}: got {len(rows)} rows, expected 1, the mean of many pictures' unit rows"
            )
        return rows[0]

    def _projection(self, case, rows: Centred) -> Float["D D"]:
        """Onto the leading eigenvectors whose eigenvalues are positive, by more than rounding.

        Fewer words than dimensions leave directions without any; what rounding makes of their zeros must not choose.
        """
        width = rows.image.shape[1]
        if not self.components:
            return np.eye(width, dtype=np.float32)
        subjects, styles = (unit(corpus(case, name, 2).astype(np.float64)) for name in ("subjects", "styles"))
        if self.mean:  # in float64: a rounded mean would leave a direction that is none
            subjects, styles = subjects - subjects.mean(axis=0), styles - subjects.mean(axis=0)
        values, vectors = np.linalg.eigh(self._contrast(_scatter(subjects), _scatter(styles)))
        rounding = width * np.finfo(np.float64).eps * np.abs(values).max()
        n_kept = min(self.components, np.count_nonzero(values > rounding))
        kept = vectors[:, width - n_kept :]  # their eigenvalues ascend
        return (kept @ kept.T).astype(np.float32)

    def _contrast(self, subjects: np.ndarray, styles: np.ndarray) -> np.ndarray:
        return (1 - self.contrast) * subjects - self.contrast * styles

    def _expanded(self, rows: Centred, projected: Float["Q D"]) -> Float["Q D"]:
        """Each query with its nearest pictures, weighed by similarity; the query itself counts as similarity 1."""
        found = rows.against_gallery(projected)
        n_nearest = min(self.neighbours, found.shape[1])
        near = np.argpartition(found, -n_nearest, axis=1)[:, -n_nearest:]
        similarity = np.concatenate(
            [np.take_along_axis(found, near, axis=1), np.ones((len(near), 1))], axis=1
        )
        weights = np.exp(self.sharpness * similarity)
        weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
        pictures = np.array([w[:-1] @ rows.gallery[items] for w, items in zip(weights, near, strict=True)])
        own = weights[:, -1:]
        return pictures - (1 - own) * rows.mean_image + own * rows.image

    def _scales(self, case, rows: Centred) -> tuple[tuple[float, float], tuple[float, float]]:
        """The least similarity among the made-up pairs, picture to picture and text to picture, and the divisors."""
        images = unit(corpus(case, "pair_images")) - rows.mean_image
        texts = unit(corpus(case, "pair_texts")) - rows.mean_text
        least = float((images @ images.T).min()), float((texts @ images.T).min())
        return least, self._divisors(*least)

    def _divisors(self, least_image: float, least_text: float) -> tuple[float, float]:
        return abs(least_image), abs(least_text)


@METHODS.register("basic_released")
@dataclass(frozen=True)
class BASICReleased(BASIC):
    """With the released code's two quirks."""

    def _contrast(self, subjects: np.ndarray, styles: np.ndarray) -> np.ndarray:
        return super()._contrast(subjects, styles) + 1e-5

    def _divisors(self, least_image: float, least_text: float) -> tuple[float, float]:
        return abs(least_image), abs(least_image)


def corpus(case, name: str, least: int = 1) -> Float["M D"]:
    """Raw rows of one of the case's corpora.

    Raises MethodError where the case was made without it or it has fewer rows than `least`, ArrayError for rows of
    another width than the pictures'.
    """
    if name not in case.corpora:
        raise MethodError(
            f"this case has no corpus {name!r}.{nearest(name, case.corpora)} "
            f"It has: {', '.join(case.corpora) or 'none'}; give it as build_case(corpora={{{name!r}: texts or rows}}), "
            f"or --with corpus.{name}=FILE"
        )
    rows = case.corpora[name]
    check_shape(f"corpus {name!r}", rows, "M D", D=case.views["image"].shape[1])
    if len(rows) < least:
        raise MethodError(f"corpus {name!r}: got {len(rows)} rows, expected {least} or more")
    return rows


def _scatter(rows: Float["M D"]) -> np.ndarray:
    return rows.T @ rows / (len(rows) - 1)
