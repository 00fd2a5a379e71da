"""Does a query need both modalities, or does one alone already solve it?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.breakdown.frames import solved_by
from workbench.protocol import groups_of
from workbench.significance import bootstrap_intervals

KINDS = ("text alone", "image alone", "either alone", "only composed", "none")


def necessity(
    frame: pd.DataFrame,
    metric: str,
    composed: Sequence[str] | str,
    text: str = "text_only",
    image: str = "image_only",
    seed: int = 0,
    unit: str = "cluster",
) -> pd.DataFrame:
    """Does a query need both modalities? One row per composed method and kind of query, shares adding up to 1.

    Kinds, each query in exactly one: "text alone" (text solves it, image does not), "image alone", "either alone"
    (each half solves it by itself), "only composed" (neither half does, the composed method does), "none".
    kept: the share of the kind's queries that the composed method solves; where a half alone solves it, 1 - kept is
    what composing loses. `metric` must be 0 or 1 per query, as "hit@10" is. Columns: method, metric, kind, queries,
    share, low, high, kept. Raises UnknownName and EvaluationError as `breakdown` does.
    """
    composed = [composed] if isinstance(composed, str) else list(composed)
    first, solved = solved_by(frame, metric, [text, image, *composed])
    groups = groups_of(first, unit)
    by_text, by_image = solved[:, 0], solved[:, 1]
    tables = []
    for method, ours in zip(composed, solved[:, 2:].T, strict=True):
        neither = ~by_text & ~by_image
        kinds = [
            by_text & ~by_image,
            ~by_text & by_image,
            by_text & by_image,
            neither & ours,
            neither & ~ours,
        ]
        kinds = np.stack(kinds, axis=1)
        mean, low, high = bootstrap_intervals(kinds.astype(float), groups, seed=seed)
        count = kinds.sum(axis=0)
        kept = np.divide((kinds & ours[:, None]).sum(axis=0), count, where=count > 0, out=np.full(5, np.nan))
        columns = {"queries": count, "share": mean, "low": low, "high": high, "kept": kept}
        tables.append(pd.DataFrame({"method": method, "metric": metric, "kind": KINDS, **columns}))
    return pd.concat(tables, ignore_index=True)
