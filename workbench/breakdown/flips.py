"""Queries that flip between two methods: a mean that rises by 3 points may hide 5 won and 2 lost."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.breakdown.frames import clusters_within, grouping, in_order, solved_by
from workbench.significance import holm, permutation_p


def flips(
    frame: pd.DataFrame,
    method: str,
    other: str,
    metric: str,
    by: str | pd.Series = "edit",
    seed: int = 0,
    unit: str = "cluster",
) -> pd.DataFrame:
    """Queries that `method` solves and `other` does not, and the other way round, by group: does a gain hide losses?

    One row per group: by, group, method, other, metric, queries, both, won, lost, neither, difference (of shares),
    p (sign flips of clusters; missing with fewer than two clusters), p_holm (over groups). `metric` is 0 or 1 per
    query. Raises UnknownName and EvaluationError as `breakdown` does.
    """
    frame = frame.reset_index(drop=True)
    first, solved = solved_by(frame, metric, [method, other])
    name, group = grouping(frame, by)
    of_query = group[first.index]
    rows = []
    for key in in_order(group):
        here = (of_query == key).to_numpy()
        ours, theirs = solved[here].T
        gain = ours.astype(float) - theirs
        groups = clusters_within(first[here], unit)
        p = np.nan if groups is None else permutation_p(gain[:, None], groups, seed=seed)[0]
        counts = (ours & theirs, ours & ~theirs, ~ours & theirs, ~ours & ~theirs)
        rows.append((key, len(gain), *(int(count.sum()) for count in counts), gain.mean(), p))
    columns = ["group", "queries", "both", "won", "lost", "neither", "difference", "p"]
    table = pd.DataFrame(rows, columns=columns).assign(p_holm=lambda t: holm(t["p"].to_numpy(float)))
    names = {"by": name, "method": method, "other": other, "metric": metric}
    return table.assign(**names)[[*names, *columns, "p_holm"]]


def flipped_queries(frame: pd.DataFrame, method: str, other: str, metric: str) -> pd.DataFrame:
    """The queries that flip between two methods, those won first, each by how far the labelled target moved.

    One row per query: query, reference, its tags, won (or lost), rank of `method`, rank_other. Raises as `flips`.
    """
    first, solved = solved_by(frame, metric, [method, other])
    rows, others = first.set_index("query"), frame[frame["method"] == other].set_index("query")
    tags = [name for name in frame if name.startswith("tag_")]
    table = rows[["reference", *tags]].assign(won=solved[:, 0], rank=rows["rank"])
    table = table.assign(rank_other=others.loc[rows.index, "rank"])[solved[:, 0] != solved[:, 1]]
    moved = np.abs(np.log(table["rank"] / table["rank_other"]))
    order = np.lexsort([-moved, ~table["won"]])
    return table.iloc[order].reset_index()
