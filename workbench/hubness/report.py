"""Every hubness measure at once, each beside what random lists give and a sentence on what it means."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from workbench.arrays import Int, check_shape
from workbench.hubness import measures
from workbench.hubness.occurrence import k_occurrence, random_k_occurrence


class Measure(NamedTuple):
    """What stands in a report: `value(n_k, k)` and how to read it; {mean} in a meaning is that of N_k."""

    value: Callable[[np.ndarray, int], float]
    range: str
    meaning: str


MEASURES: dict[str, Measure] = {
    "k_skewness": Measure(
        lambda n_k, k: measures.k_skewness(n_k),
        "0 even, up to (N-2)/sqrt(N-1)",
        "long tail of N_k to the right; not how many hubs make it",
    ),
    "robinhood": Measure(
        lambda n_k, k: measures.robinhood(n_k),
        "0 even, below 1",
        "share of places that would have to move for all to have as many; not from whom",
    ),
    "gini": Measure(
        lambda n_k, k: measures.gini(n_k),
        "0 even, up to 1 - 1/N",
        "inequality of N_k; few hubs and many anti-hubs look alike",
    ),
    "atkinson": Measure(
        lambda n_k, k: measures.atkinson(n_k),
        "0 even, up to 1 - 1/N",
        "inequality at the lower end (epsilon 0.5); not the size of hubs",
    ),
    "antihub_occurrence": Measure(
        lambda n_k, k: measures.antihub_occurrence(n_k),
        "0 to 1 of the gallery",
        "share of pictures in no list; not that they are hard to find",
    ),
    "hub_occurrence": Measure(
        lambda n_k, k: measures.hub_occurrence(n_k, 2 * np.mean(n_k)),
        "0 to 1 of places",
        "share of places held by pictures with N_k >= 2 x mean ({mean:.4g}); not how many they are",
    ),
    "hub_occurrence_2k": Measure(
        lambda n_k, k: measures.hub_occurrence(n_k, 2 * k),
        "0 to 1 of places",
        "the same with N_k >= 2k; equal where there are as many queries as pictures",
    ),
    "hubs": Measure(
        lambda n_k, k: float(len(measures.hubs(n_k))),
        "0 to N/2 pictures",
        "pictures with N_k >= 2 x mean ({mean:.4g}); not how far above",
    ),
    "max_hub": Measure(
        lambda n_k, k: measures.max_hub(n_k),
        "up to Q queries",
        "lists that hold the largest hub; grows with k and Q",
    ),
    "groupie_ratio": Measure(
        lambda n_k, k: measures.groupie_ratio(n_k),
        "above 0, up to 1/k",
        "share of places held by the largest hub; nothing of the others",
    ),
    "top_share": Measure(
        lambda n_k, k: measures.top_share(n_k),
        "0 to 1 of places",
        "share of places held by the most frequent 1 % of pictures; nothing of hubness below",
    ),
    "truncated_third_moment": Measure(
        lambda n_k, k: measures.truncated_third_moment(n_k),
        "0 or more",
        "scikit-hubness' k_skewness_truncnorm; depends on mean and spread of N_k only, is no skewness",
    ),
}


def hubness_report(
    neighbours: Int["Q k"], n_items: int, rounds: int = 100, level: float = 0.95, seed: int = 0
) -> pd.DataFrame:
    """All measures of one set of top-k lists, a row each.

    Columns: measure, k, value; random, random_low, random_high (mean and central `level` of `rounds` assignments in
    which every query draws k different pictures at random); excess (value - random); range; meaning. Excess is what
    speaks of hubness: with few places per picture, random lists are uneven, too.

    Lists come from `index.nearest(queries, gallery, k)`, `index.nearest_of_scores(scores, k)` or anywhere else; those after
    a mitigator, without the whole matrix, from `index.nearest_of_blocks(mitigate_rows(mitigator, bank, queries), Q, k)`.
    Raises ValueError for lists that name a picture outside the gallery or one twice, fewer than two rounds, or a level that is no
    share.
    """
    sizes = check_shape("neighbours", neighbours, "Q k")
    if rounds < 2 or not 0 < level < 1:
        raise ValueError(
            f"got rounds={rounds}, level={level}, expected at least 2 rounds and a level between 0 and 1"
        )
    _check_once(neighbours)
    values = _values(k_occurrence(neighbours, n_items), sizes["k"])
    drawn = np.array(
        [
            _values(n_k, sizes["k"])
            for n_k in random_k_occurrence(sizes["Q"], n_items, sizes["k"], rounds, seed)
        ]
    )
    mean = neighbours.size / n_items
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return pd.DataFrame(
        {
            "measure": list(MEASURES),
            "k": sizes["k"],
            "value": values,
            "random": drawn.mean(axis=0),
            "random_low": low,
            "random_high": high,
            "excess": values - drawn.mean(axis=0),
            "range": [measure.range for measure in MEASURES.values()],
            "meaning": [measure.meaning.format(mean=mean) for measure in MEASURES.values()],
        }
    )


def _check_once(neighbours: Int["Q k"]) -> None:
    """Raises ValueError for a list that holds a picture twice."""
    ordered = np.sort(neighbours, axis=1)
    for query in np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))[:1]:
        raise ValueError(
            f"neighbours: the list of query {query} holds a picture twice: {neighbours[query].tolist()}"
        )


def _values(n_k: np.ndarray, k: int) -> np.ndarray:
    return np.array([measure.value(n_k, k) for measure in MEASURES.values()])
