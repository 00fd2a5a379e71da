"""What a map of both modalities shows of one case and method, and what the gap and mitigation sliders do to it.

    space = Space(case, CIReVL(), k=10)
    before, now = space.at(Setting()), space.at(Setting(gap=0.5, alpha=0.25))
    now.images, now.texts            places on the map         now.capture      hubs, whom they capture, recall lost
    space.classes("N_k", now)        a class per point, with its colour and its words

The gap is closed by a shift fitted on the gallery (`space.calibration.source` says on what). Hubs are held down by NNN
half by half: each half of the queries is corrected by what the other half shows (as `joint.MitigatedHalves` does). PCA's axes are
those of the untouched calibration rows, as many texts as pictures (else thousands of pictures outvote the few texts, and
the gap is not on the map): points move, the axes do not. UMAP has no axes to move along, so its points stay.
Left out: everything that is drawn (`spacemap`, `plots.space`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from workbench.arrays import Float, Int, unit
from workbench.capture import Capture, hub_capture
from workbench.case import Case
from workbench.errors import UserError
from workbench.geometry import gap_norm
from workbench.hubness import NNN
from workbench.interventions import Calibration, Shift, calibration_of, intervene
from workbench.joint.banks import bank_of_queries, fair_scores
from workbench.joint.mitigated import halves
from workbench.maps import JointMap, joint_map
from workbench.methods import Method
from workbench.registry import UnknownName, nearest
from workbench.score.ranks import target_ranks

TEXTS = ("composed_caption", "reference_caption", "modification")
BANK = "each half of the queries for the other; those about one reference image stay together"
BANK_NEIGHBOURS = 16  # NNN's k, or as many queries as count for every picture where these are fewer


class SpaceError(UserError, ValueError):
    """A map cannot be made of this case as asked; says what would do."""


@dataclass(frozen=True)
class Setting:
    """Where the sliders stand. gap: share of it that is closed. alpha: NNN's strength (1/2 ranks as CSLS)."""

    gap: float = 0.0
    alpha: float = 0.0


@dataclass(frozen=True, eq=False)
class Moment:
    """What one setting gives: places on the map, the gap that is left, each query's best rank, and the hubs."""

    setting: Setting
    images: Float["N 2"]
    texts: Float["Q 2"]
    gap: float
    ranks: Int[" Q"]
    capture: Capture

    def measures(self) -> dict[str, float]:
        """The numbers that stand beside the map, by the words they are shown with."""
        found = self.capture.summary
        return {
            "gap norm": self.gap,
            f"hit@{found['at']:.0f}": found["hit"],
            "lost to hubs": found["lost"],
            f"skewness of N_{found['k']:.0f}": found["skewness"],
            "hubs": found["hubs"],
            "never found": found["antihubs"],
        }


class Space:
    """Gallery pictures and one text per query on one map, under a method's rankings.

    texts: the query part whose rows are the map's texts, the first of `TEXTS` at hand unless given. how: pca or umap.
    Raises SpaceError for a case without a gallery view `image`, UnknownName for a part that is not at hand or not of
    texts. `at` raises as `capture.hub_capture` and `maps.joint_map`, and where there are too few queries for a bank.
    """

    def __init__(self, case: Case, method: Method, k: int = 10, texts: str | None = None, how: str = "pca"):
        if "image" not in case.views:
            raise SpaceError(
                "a map needs the gallery view 'image'; load the case with a term that asks for it"
            )
        at_hand = [name for name in TEXTS if name in case.parts]
        if not at_hand:
            raise SpaceError(f"a map needs texts: the case has none of the query parts {', '.join(TEXTS)}")
        if texts is not None and texts not in at_hand:
            raise UnknownName(
                f"no text part {texts!r}.{nearest(texts, at_hand)} At hand: {', '.join(at_hand)}"
            )
        self.case, self.method, self.k = case, method, k
        self.text_part, self.text_parts, self.how = texts or at_hand[0], at_hand, how
        self.at = lru_cache(maxsize=64)(self._at)
        self._scored, self._biased = lru_cache(maxsize=4)(self._score), lru_cache(maxsize=4)(self._bias)

    @property
    def labelled(self) -> Int[" Q"]:
        """The row of each query's labelled target, -1 where it is hidden."""
        return self.case.benchmark.qrels["default"].targets[:, 0]

    @cached_property
    def calibration(self) -> Calibration:
        """What the shift is fitted on: the gallery's pictures and captions, else the pictures and the map's texts."""
        if "caption" in self.case.views:
            return calibration_of(self.case)
        images, texts = self._rows(self.case)
        words = self.text_part.replace("_", " ")
        return Calibration(images, texts, f"gallery pictures and each query's {words}")

    @cached_property
    def map(self) -> JointMap:
        """The map that the axes are from: of the calibration rows (PCA), or of the points themselves (UMAP)."""
        if self.how != "pca":
            return joint_map(*self._rows(self.case), how=self.how)
        images, texts = self.calibration.images, self.calibration.texts
        return joint_map(images, np.resize(texts, (max(len(images), len(texts)), texts.shape[1])))

    def _at(self, setting: Setting) -> Moment:
        """Everything anew for one setting of the sliders; remembered for the last 64."""
        case, scores = self._scored(setting.gap)
        scores = scores + np.float32(setting.alpha) * self._biased(setting.gap) if setting.alpha else scores
        images, texts = self._rows(case)
        ranks = target_ranks(scores, case.benchmark.qrels["default"]).min(axis=1)
        capture = hub_capture(case, self.method, self.k, scores=scores)
        return Moment(setting, *self._places(images, texts), gap_norm(images, texts), ranks, capture)

    def _score(self, gap: float) -> tuple[Case, Float["Q N"]]:
        """The case with a share of its gap closed, and the method's scores on one scale."""
        case = intervene(self._small, Shift(share=gap).fit(self.calibration)) if gap else self._small
        return case, fair_scores(case, self.method)

    def _bias(self, gap: float) -> Float["Q N"]:
        """What NNN with alpha 1 adds to each score; the bank of each half of the queries is the other half."""
        case, scores = self._scored(gap)
        bias = np.empty_like(scores)
        for mine in (self._half == 0, self._half == 1):
            bank = bank_of_queries(case, self.method, BANK, ~mine, scores=scores)
            counted = int(np.isfinite(bank.scores).sum(axis=0).min())
            bias[mine] = NNN(max(1, min(BANK_NEIGHBOURS, counted)), 1.0).fit(bank).bias
        return bias

    @cached_property
    def _half(self) -> Int[" Q"]:
        return halves(self.case)

    @cached_property
    def _small(self) -> Case:
        """The case with only the rows that the method and the map look at: the others need not be moved."""
        parts = {term[0] for term in self.method.terms} | {self.text_part}
        views = {term[1] for term in self.method.terms} | {"image"}
        return replace(
            self.case,
            parts={name: rows for name, rows in self.case.parts.items() if name in parts},
            views={name: rows for name, rows in self.case.views.items() if name in views},
        )

    def _rows(self, case: Case) -> tuple[Float["N D"], Float["Q D"]]:
        return np.asarray(case.views["image"]), np.asarray(case.parts[self.text_part])

    def _places(self, images: Float["N D"], texts: Float["Q D"]) -> Sequence[Float["n 2"]]:
        if self.map.explained is None:
            return self.map[:2]
        start, axes = self._axes
        return [unit(rows) @ axes.astype(np.float32) + start for rows in (images, texts)]

    @cached_property
    def _axes(self) -> tuple[Float[" D"], Float["D 2"]]:
        """PCA is linear: its centre and axes follow from where it puts the calibration's pictures."""
        rows = self.calibration.unit_images
        affine = np.column_stack([rows, np.ones(len(rows))])
        found = np.linalg.lstsq(affine.T @ affine, affine.T @ self.map.images, rcond=None)[0]
        return found[-1], found[:-1]
