"""What an intervention does to retrieval between pairs: gap, recall both ways, hubs, one row per setting.

Recall and hubs are taken over all given rows: the image-to-text direction ranks every text for every picture, and the
other way round, by inner product: of unit rows, unless the rule does not renormalise. Where rows are the calibration
set itself, say so beside the result (`Fitted.id` does).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from workbench.arrays import Float
from workbench.geometry.cosines import pair_ranks
from workbench.geometry.gap import gap_norm, relative_gap
from workbench.geometry.rows import blocks
from workbench.hubness.occurrence import k_occurrence, k_skewness
from workbench.interventions.base import Calibration, Intervention, label
from workbench.interventions.translation import Centring, Shift

SHARES = tuple(np.arange(-10, 21, 2.5) / 10)  # -1 to 2 gaps


def effects(
    images: Float["N D"],
    texts: Float["M D"],
    rules: Mapping[str, Intervention] | Iterable[Intervention],
    calibration: Calibration,
    k: int = 10,
) -> pd.DataFrame:
    """A row per rule: intervention, gap_norm, relative_gap, recall@1 and @5 and k-skewness each way (t2i, i2t), fitted on.

    Row i of ``images`` belongs to row i of ``texts``. k: of the lists whose skewness is taken, at most N.
    Raises GeometryError for other than pairs, and what fitting raises.
    """
    named = rules if isinstance(rules, Mapping) else {label(rule): rule for rule in rules}
    rows = []
    for name, rule in named.items():
        fitted = rule.fit(calibration)
        x, y = fitted.images(images).astype(np.float64), fitted.texts(texts).astype(np.float64)
        row = {"intervention": name, "gap_norm": gap_norm(x, y), "relative_gap": relative_gap(x, y)}
        for way, queries, gallery in (("t2i", y, x), ("i2t", x, y)):
            ranks = pair_ranks(queries, gallery)
            row |= {f"recall@{cut} {way}": float(np.mean(ranks <= cut)) for cut in (1, 5)}
            row[f"skewness {way}"] = k_skewness(k_occurrence(_nearest(queries, gallery, k), len(gallery)))
        rows.append(row | {"fitted on": calibration.source})
    return pd.DataFrame(rows)


def closing_sweep(
    images: Float["N D"],
    texts: Float["M D"],
    calibration: Calibration,
    shares: Iterable[float] = SHARES,
    k: int = 10,
) -> pd.DataFrame:
    """`effects` of shifting both modalities along the gap (share: 0 as it is, 1 closed), and of centring (alpha).

    Columns before those of `effects`: way ("shift" or "centring") and amount.
    """
    ways = {"shift": Shift, "centring": Centring}
    settings = [
        (way, float(amount)) for way in ways for amount in shares if way == "shift" or 0 <= amount <= 1.5
    ]
    rules = {f"{way} {amount:g}": ways[way](amount) for way, amount in settings}
    frame = effects(images, texts, rules, calibration, k)
    way, amount = zip(*settings, strict=True)
    return pd.concat([pd.DataFrame({"way": way, "amount": amount}), frame], axis=1)


def _nearest(queries: Float["N D"], gallery: Float["M D"], k: int) -> np.ndarray:
    k = min(k, len(gallery))
    found = np.empty((len(queries), k), np.int64)
    for part in blocks(len(queries), len(gallery)):
        found[part] = np.argpartition(-(queries[part] @ gallery.T), k - 1, axis=1)[:, :k]
    return found
