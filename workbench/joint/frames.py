"""Tidy frames of N_k and of rank changes, ready for `plots.hubs`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import bdtrc

from workbench.arrays import Int
from workbench.evaluation import values_by_method
from workbench.hubness.measures import gini, lorenz_curve
from workbench.hubness.occurrence import random_k_occurrence

RANDOM = "random lists"


def occurrence_frame(n_k: Mapping[str, Int[" N"]], n_queries: int, k: int) -> pd.DataFrame:
    """For each named N_k and for random lists: the share of pictures in at least so many lists.

    Columns: method, n_k (0 up to the largest that occurs), at_least. Of random lists the share is exact: a picture is
    in each of the Q lists with chance k / N.
    """
    frames = []
    for name, counts in n_k.items():
        tail = np.cumsum(np.bincount(counts)[::-1])[::-1] / len(counts)
        frames.append(pd.DataFrame({"method": name, "n_k": np.arange(len(tail)), "at_least": tail}))
    times, n_items = np.arange(n_queries + 1), len(next(iter(n_k.values())))
    chance = bdtrc(times - 1, n_queries, k / n_items)
    seen = chance * n_items >= 0.5  # fewer than half a picture is none
    random = {"method": RANDOM, "n_k": times[seen], "at_least": chance[seen]}
    return pd.concat([*frames, pd.DataFrame(random)], ignore_index=True)


def lorenz_frame(n_k: Mapping[str, Int[" N"]], n_queries: int, k: int, seed: int = 0) -> pd.DataFrame:
    """For each named N_k and for random lists: the share of places held by the least frequent pictures.

    Random lists are drawn twenty times, and the N_k of the same place in order added up: one draw wavers.
    Columns: method, pictures (share, the least frequent first), places (share that they hold together), gini.
    """
    n_items = len(next(iter(n_k.values())))
    draws = random_k_occurrence(n_queries, n_items, k, rounds=20, seed=seed)
    drawn = np.sum([np.sort(one) for one in draws], axis=0)
    frames = []
    for name, counts in {**n_k, RANDOM: drawn}.items():
        pictures, places = lorenz_curve(counts)
        frames.append(
            pd.DataFrame({"method": name, "pictures": pictures, "places": places, "gini": gini(counts)})
        )
    return pd.concat(frames, ignore_index=True)


def rank_changes(frame: pd.DataFrame, before: str, k: int) -> pd.DataFrame:
    """How the labelled target's rank changes from the method `before` to each other method of a frame of `evaluate`.

    One row per other method and pair of ranks that occurs. Columns: method, before, after, queries (how many), change:
    "fixed" (into the first k), "broken" (out of them), "kept" (inside or outside both times).
    Raises EvaluationError where the methods answered different queries.
    """
    names = list(dict.fromkeys(frame["method"]))
    first = frame[frame["method"] == before]
    ranks = values_by_method(frame, first["query"], ["rank"])[:, :, 0].astype(np.int64)
    old, tables = ranks[:, names.index(before)], []
    for column, name in enumerate(names):
        if name == before:
            continue
        pairs = pd.DataFrame({"method": name, "before": old, "after": ranks[:, column]})
        tables.append(pairs.groupby(list(pairs), sort=True).size().rename("queries").reset_index())
    table = pd.concat(tables, ignore_index=True)
    inside, then = table["before"] <= k, table["after"] <= k
    return table.assign(change=np.select([~inside & then, inside & ~then], ["fixed", "broken"], "kept"))
