"""Two sets of rows, of pictures and of texts, from a case or from files: every measure and figure of gap and hubs.

What `workbench diagnose` and notebook 02 share. Measures are ``geometry``'s, interventions are fitted on the sets
themselves unless said otherwise (``held_out``), and each table says so.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from workbench.arrays import ArrayError, Float, check_shape, unit
from workbench.case.case import Case
from workbench.data.features import FeaturesError, read_features, rows_of
from workbench.geometry import (
    cosine_samples,
    eigenvalues,
    gap_norm,
    gap_report,
    gap_vector,
    paired_auc,
)
from workbench.geometry.published import CLIP_500, CLIP_PAIRS
from workbench.geometry.rows import GeometryError
from workbench.hubness import hubness_report, k_occurrence
from workbench.index import nearest
from workbench.interventions import (
    INTERVENTIONS,
    Calibration,
    Centring,
    Intervention,
    InterventionError,
    Shift,
    calibration_of,
)
from workbench.interventions.closing import closing_sweep, effects
from workbench.joint import lorenz_frame, occurrence_frame
from workbench.maps import joint_map
from workbench.plots import lorenz_curves, occurrence_curves
from workbench.plots.spaces import MapPanel, closing_the_gap, cosine_histograms, gap_map, spectra

LISTS = 10  # length of the lists that hubs are counted in
DRAWN = 250  # rows of each modality on a map: more are a blot
AS_IT_IS = Shift(0.0)


@dataclass(frozen=True, eq=False)
class TwoSets:
    """Image rows (N, D) and text rows (M, D); ``paired``: row i belongs to row i. ``source`` says in words what they are.

    Raises ArrayError for unlike widths, FeaturesError for pairs of unequal numbers.
    """

    images: Float["N D"]
    texts: Float["M _"]
    source: str
    paired: bool = True

    def __post_init__(self):
        check_shape("texts", self.texts, "M D", D=check_shape("images", self.images, "N D")["D"])
        if self.paired and len(self.images) != len(self.texts):
            raise FeaturesError(
                f"{self.source}: got {len(self.images):,} images and {len(self.texts):,} texts, which are no pairs"
            )

    def some(self, most: int, seed: int = 0) -> TwoSets:
        """At most ``most`` rows of each, drawn with the seed, pairs together; ``source`` says so."""
        if max(len(self.images), len(self.texts)) <= most:
            return self
        rng = np.random.default_rng(seed)
        chosen = np.sort(rng.permutation(len(self.images))[:most])
        others = chosen if self.paired else np.sort(rng.permutation(len(self.texts))[:most])
        source = f"{self.source}, {len(chosen):,} of {len(self.images):,} rows"
        return replace(self, images=self.images[chosen], texts=self.texts[others], source=source)

    def halves(self, seed: int = 0) -> tuple[TwoSets, TwoSets]:
        """Two disjoint halves, drawn with the seed, pairs together."""
        order = np.random.default_rng(seed).permutation(len(self.images))
        cut = len(order) // 2
        other = order if self.paired else np.random.default_rng(seed).permutation(len(self.texts))
        middle = cut if self.paired else len(other) // 2
        return tuple(
            replace(
                self,
                images=self.images[rows],
                texts=self.texts[more],
                source=f"{which} half of {self.source}",
            )
            for which, rows, more in (
                ("one", order[:cut], other[:middle]),
                ("the other", order[cut:], other[middle:]),
            )
        )

    @property
    def calibration(self) -> Calibration:
        return Calibration(self.images, self.texts, self.source)


def of_case(case: Case, view: str = "caption") -> TwoSets:
    """A case's gallery: its pictures and one caption of each. Raises UnknownName where the case has no such view."""
    sets = calibration_of(case, view)
    return TwoSets(sets.images, sets.texts, sets.source)


def of_files(images: Path | str, texts: Path | str, unpaired: bool = False) -> TwoSets:
    """Two files of rows, as ``data.features.read_features`` takes them (.npy, FILE.npz#NAME, .safetensors).

    Where both files hold ids, pairs are found by id; else row i belongs to row i. Sets of unlike sizes are unpaired.
    Raises FeaturesError for a file that cannot be read, and for ids of which one set lacks some.
    """
    x, y = read_features(images), read_features(texts)
    paired = not unpaired and len(x.rows) == len(y.rows)
    rows = rows_of(y, x.ids, "picture") if paired and x.ids and y.ids else np.asarray(y.rows)
    return TwoSets(np.asarray(x.rows), rows, f"{x.file} and {y.file}", paired)


def sets_of(case: Case, features: Sequence[str] = ()) -> TwoSets:
    """The rows of two files where they are given, else the case's gallery. Raises FeaturesError for one or three."""
    if not features:
        return of_case(case)
    if len(features) != 2:
        raise FeaturesError(f"features: got {len(features)} files, expected two: image rows, text rows")
    return of_files(*features)


def report(sets: TwoSets, most: int = 2000, seed: int = 0) -> pd.DataFrame:
    """`geometry.gap_report` of the sets."""
    return gap_report(sets.images, sets.texts, paired=sets.paired, most=most, seed=seed)


def hubness(sets: TwoSets, k: int = LISTS, most: int = 2000, seed: int = 0) -> pd.DataFrame:
    """`hubness_report` of texts searching images and of images searching texts, by cosine.

    ``direction``, and how many ``queries`` searched how many of the ``gallery``, come first. On at most ``most``
    rows of each, drawn with the seed. Lists are of k, or of the whole gallery where it is smaller.
    """
    frames = []
    for direction, (lists, n_items) in _lists(sets, k, most, seed).items():
        frame = hubness_report(lists, n_items, seed=seed)
        whose = pd.DataFrame({"direction": direction, "queries": len(lists), "gallery": n_items}, frame.index)
        frames.append(pd.concat([whose, frame], axis=1))
    return pd.concat(frames, ignore_index=True)


def _lists(sets: TwoSets, k: int, most: int, seed: int) -> dict[str, tuple[np.ndarray, int]]:
    """Per direction, the lists of neighbours and the size of the gallery."""
    some = sets.some(most, seed)
    x, y = (unit(rows.astype(np.float32)) for rows in (some.images, some.texts))
    both = {"text to image": (y, x), "image to text": (x, y)}
    return {name: (nearest(q, g, min(k, len(g))), len(g)) for name, (q, g) in both.items()}


def beside_clip(frame: pd.DataFrame) -> pd.DataFrame:
    """A report to read: each measure with its value, that of random directions and of real CLIP, and what it does not say.

    Flags say yes or no.
    """
    said = frame["flag"] + " (" + frame["value"].map("{:.3f}".format) + ")"
    clip = frame["id"].map(CLIP_500).map("{:.3g}".format).replace("nan", "")
    return pd.DataFrame(
        {
            "measure": frame["metric"],
            "here": said.where(frame["flag"] != "", frame["value"].map("{:.3g}".format)),
            "random": frame["random"].map("{:.2g}".format),
            CLIP_PAIRS: clip,
            "what it does not say": frame["not said"],
        }
    )


def closing(
    sets: TwoSets, shares: Sequence[float] | None = None, held_out: bool = False, seed: int = 0
) -> pd.DataFrame:
    """`interventions.closing_sweep`, fitted on the same rows; held_out: on one half, measured on the other."""
    fitted, scored = sets.halves(seed) if held_out else (sets, sets)
    more = {} if shares is None else {"shares": shares}
    return closing_sweep(scored.images, scored.texts, fitted.calibration, **more)


def interventions_table(
    sets: TwoSets, rules: Mapping[str, Intervention] | None = None, held_out: bool = False, seed: int = 0
) -> pd.DataFrame:
    """`interventions.closing.effects` of the given rules, or of every registered one at its defaults, after "none".

    A rule that these rows do not allow (whitening a collapsed set) has no values, and its reason in ``note``.
    """
    rules = rules or {"none": AS_IT_IS} | {name: INTERVENTIONS.get(name)() for name in INTERVENTIONS.names()}
    fitted, scored = sets.halves(seed) if held_out else (sets, sets)
    rows = []
    for name, rule in rules.items():
        try:
            row = effects(scored.images, scored.texts, {name: rule}, fitted.calibration).assign(note="")
        except (InterventionError, GeometryError, ArrayError) as error:
            said = {"intervention": name, "fitted on": fitted.source, "note": str(error)}
            row = pd.DataFrame([said])
        rows.append(row)
    return pd.concat(rows, ignore_index=True)


def map_figure(
    sets: TwoSets,
    title: str,
    rules: Mapping[str, Intervention] | None = None,
    how: str = "pca",
    seed: int = 0,
    cache: Path | str | None = None,
) -> Figure:
    """A map per intervention, each fitted anew on at most 250 drawn rows; the distance of the means is that of all rows.

    rules: "as they are", "shifted by the gap" and "centred" unless given.
    """
    rules = rules or {
        "as they are": AS_IT_IS,
        "shifted by the whole gap": Shift(1.0),
        "each mean taken away": Centring(),
    }
    panels = []
    for name, rule in rules.items():
        fitted = rule.fit(sets.calibration)
        moved = replace(sets, images=fitted.images(sets.images), texts=fitted.texts(sets.texts))
        drawn = moved.some(DRAWN, seed)
        found = joint_map(drawn.images, drawn.texts, how, seed, cache)
        gap = gap_norm(moved.images, moved.texts)
        panels.append(MapPanel(name, found.images, found.texts, found.axis_labels, gap))
    return gap_map(panels, title, lines=sets.paired)


def cosine_figure(sets: TwoSets, title: str, most: int = 2000, seed: int = 0) -> Figure:
    """Histograms of cosines between and within the modalities, with the AUC where there are pairs."""
    some = sets.some(most, seed)
    samples = cosine_samples(some.images, some.texts, some.paired, seed=seed)
    auc = paired_auc(some.images, some.texts) if some.paired else None
    return cosine_histograms(samples, title, auc)


def spectra_figure(sets: TwoSets, title: str) -> Figure:
    """Eigenvalues of each modality, and in how many dimensions the gap lies."""
    values = {"image": eigenvalues(sets.images), "text": eigenvalues(sets.texts)}
    return spectra(values, gap_vector(sets.images, sets.texts), title)


def hub_figures(
    sets: TwoSets, k: int = LISTS, most: int = 2000, seed: int = 0
) -> dict[str, Callable[[], Figure]]:
    """What draws N_k and its Lorenz curve of texts searching images, each beside random lists."""
    lists, n_items = _lists(sets, k, most, seed)["text to image"]
    n_k, n_queries, k = {"texts searching pictures": k_occurrence(lists, n_items)}, *lists.shape
    hub_from = int(np.ceil(2 * k * n_queries / n_items))
    words = f"{n_queries:,} texts searching {n_items:,} pictures"

    def occurrence() -> Figure:
        title = f"How often each picture is among the first {k}: {words}"
        return occurrence_curves(occurrence_frame(n_k, n_queries, k), title, hub_from)

    def lorenz() -> Figure:
        return lorenz_curves(lorenz_frame(n_k, n_queries, k, seed), f"Who holds the places: {words}")

    return {"k_occurrence": occurrence, "lorenz": lorenz}


def everything(
    sets: TwoSets, most: int = 2000, seed: int = 0, umap: bool = False
) -> dict[str, Callable[[], pd.DataFrame | Figure]]:
    """What makes each table and each figure, by name; what needs pairs is not there without them."""
    some, alone = sets.some(most, seed), {"as they are": AS_IT_IS}
    swept = functools.cache(lambda: closing(some))
    made = {
        "metrics": functools.partial(report, sets, most, seed),
        "hubness": functools.partial(hubness, sets, LISTS, most, seed),
        "gap_map": lambda: map_figure(sets, _gap_title(sets), seed=seed),
        "cosine_histograms": lambda: cosine_figure(
            sets, "Cosines between and within the modalities", most, seed
        ),
        "spectra": lambda: spectra_figure(sets, "Directions in use, and those of the gap"),
    }
    if umap:
        made["gap_map_umap"] = lambda: map_figure(sets, "Neighbours, not distances", alone, "umap", seed)
    if sets.paired:
        made |= {"closing": swept, "interventions": lambda: interventions_table(some)}
        title = "What bringing the means together does to retrieval (fitted on the same rows)"
        made["closing_the_gap"] = lambda: closing_the_gap(swept(), title)
    return made | hub_figures(sets, LISTS, most, seed)


def _gap_title(sets: TwoSets) -> str:
    return f"The means lie {gap_norm(sets.images, sets.texts):.2f} apart"
