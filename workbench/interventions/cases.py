"""An intervention on a whole case: every query part and gallery view moved as its modality is, the lengths kept.

Which modality a name is of: `reference_image` and the view `image` are pictures; captions, edits, modification texts,
pseudo-words (sentences, after all) are texts; of corpora (BASIC) `pair_images` and `mean_image` are pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from workbench.case.case import Case
from workbench.interventions.base import Calibration, Fitted, InterventionError
from workbench.registry import UnknownName, nearest

Modality = Literal["image", "text"]
PICTURES = ("reference_image", "image", "mean_image", "pair_images")  # the last two are corpora
COMPOSED = ("composed",)


def intervene(case: Case, fitted: Fitted, modalities: Mapping[str, Modality] | None = None) -> Case:
    """The case as every method would meet it after the intervention; the given one is left as it is.

    Directions are moved, raw lengths stay (WeiMoCIR composes raw rows), so an intervention that moves nothing changes
    nothing. The new case's ``interventions`` name what was done, in order. The case is not asked whether its own rows
    are the calibration set: ``fitted.id`` says what it was.

    modalities: "image" or "text" for parts, views and corpora by name, over what `modality_of` says.
    Raises InterventionError for a fitted one that does not renormalise (scoring makes rows unit anyway), and for a part
    that is of no modality.
    """
    if not fitted.renormalise:
        raise InterventionError(
            f"{fitted.id}: fitted with renormalise=False, but a case's rows are made unit when they are scored"
        )

    def moved(table: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {
            name: _moved(rows, fitted, (modalities or {}).get(name) or modality_of(name))
            for name, rows in table.items()
        }

    return replace(
        case,
        parts=moved(case.parts),
        views=moved(case.views),
        corpora=moved(case.corpora),
        interventions=(*case.interventions, fitted.id),
    )


def modality_of(name: str) -> Modality:
    """Which tower a part, view or corpus of that name comes from. Raises InterventionError for a composed query's row.

    >>> modality_of("reference_image"), modality_of("caption_2"), modality_of("pseudo_word:searle")
    ('image', 'text', 'text')
    """
    if name.partition(":")[0] in COMPOSED:
        raise InterventionError(
            f"part {name!r} was composed by a model, so it is of neither modality; say which map it takes: "
            f'intervene(case, fitted, {{"{name}": "image"}})'
        )
    return "image" if name in PICTURES else "text"


def calibration_of(case: Case, texts: str = "caption", source: str | None = None) -> Calibration:
    """A case's gallery as calibration set: its pictures, and the view ``texts``; no query is looked at.

    Fitted on the case's own gallery this is transductive in the gallery; take another split's case to be inductive.
    Raises UnknownName where the case has no such view.
    """
    for view in ("image", texts):
        if view not in case.views:
            raise UnknownName(
                f"no view is called {view!r}.{nearest(view, case.views)} At hand: {', '.join(case.views)}"
            )
    named = f"{case.benchmark.name} {case.benchmark.split}, gallery pictures and {texts}s"
    return Calibration(np.asarray(case.views["image"]), np.asarray(case.views[texts]), source or named)


def _moved(rows: np.ndarray, fitted: Fitted, modality: Modality) -> np.ndarray:
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    made = fitted.images(rows) if modality == "image" else fitted.texts(rows)
    return (made * lengths).astype(made.dtype)
