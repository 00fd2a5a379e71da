"""An intervention on a whole case: every query part and gallery view moved as its modality is, the lengths kept.

Which modality a name is of: `reference_image` and the view `image` are pictures; captions, edits, modification texts,
pseudo-words (sentences, after all) and corpora are texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from workbench.case.case import Case
from workbench.interventions.base import Calibration, Fitted, InterventionError
from workbench.registry import UnknownName, nearest

PICTURES = ("reference_image", "image")


def intervene(case: Case, fitted: Fitted) -> Case:
    """The case as every method would meet it after the intervention; the given one is left as it is.

    Directions are moved, raw lengths stay (WeiMoCIR composes raw rows), so an intervention that moves nothing changes
    nothing. The new case's ``interventions`` name what was done, in order. The case is not asked whether its own rows
    are the calibration set: ``fitted.id`` says what it was.

    Raises InterventionError for one that does not renormalise: scoring makes rows unit anyway.
    """
    if not fitted.renormalise:
        raise InterventionError(
            f"{fitted.id}: fitted with renormalise=False, but a case's rows are made unit when they are scored"
        )

    def moved(table: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: _moved(rows, fitted, is_picture(name)) for name, rows in table.items()}

    return replace(
        case,
        parts=moved(case.parts),
        views=moved(case.views),
        corpora={name: _moved(rows, fitted, False) for name, rows in case.corpora.items()},
        interventions=(*case.interventions, fitted.id),
    )


def is_picture(name: str) -> bool:
    """Whether a query part or gallery view was encoded by the image tower.

    >>> is_picture("reference_image"), is_picture("caption_2"), is_picture("pseudo_word:searle")
    (True, False, False)
    """
    return name in PICTURES


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


def _moved(rows: np.ndarray, fitted: Fitted, picture: bool) -> np.ndarray:
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    made = fitted.images(rows) if picture else fitted.texts(rows)
    return (made * lengths).astype(made.dtype)
