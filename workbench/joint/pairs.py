"""Hubness of pairs, both directions, and what makes it: anyone's rows, or simulated ones with one cause turned up.

The *prior* of a gallery row is its mean score with all queries. It says who is near everybody: where N_k follows it,
hubs are central rows, and anything that only changes the prior (a translation of the queries does exactly that)
makes or unmakes them. Where N_k does not follow it, hubs are local: near many queries of one kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from workbench.arrays import Float, Int, check_shape, unit
from workbench.case.case import Case
from workbench.data.benchmark import Card
from workbench.data.simulate import Clouds, clouds, one_to_one
from workbench.hubness.measures import antihub_occurrence, gini, k_skewness, max_hub
from workbench.hubness.occurrence import k_occurrence
from workbench.index import nearest, nearest_of_scores


def pair_case(images: Float["N D"], texts: Float["N D"], name: str = "pairs") -> Case:
    """Pairs as a case: text i searches all the pictures, and picture i alone is right. `TextOnly` scores it.

    What mitigators do to anyone's pairs is then `joint_table`'s question. Raises ArrayError for rows that are no pairs.
    """
    check_shape("texts", texts, "N D", **check_shape("images", images, "N D"))
    counts = {"queries": len(texts), "gallery": len(images)}
    card = Card(name, "unknown", "unknown", "rows that somebody's model made", counts=counts)
    bench = replace(one_to_one(len(images)), name=name, card=card)
    return Case(bench, name, None, None, {"modification": texts}, {"image": images})


def pair_hubness(images: Float["N D"], texts: Float["M D"], k: int = 10) -> pd.DataFrame:
    """Hubness of texts searching pictures and of pictures searching texts, a row each. The sets need not be pairs.

    Columns: direction, k, k_skewness, gini, antihubs (share), max_hub, prior (rank correlation of N_k with the mean
    score, -1 to 1; NaN where either is constant). Rows are made unit. Raises ArrayError for rows of two widths.
    """
    check_shape("texts", texts, "M D", D=check_shape("images", images, "N D")["D"])
    images, texts = unit(images, "images"), unit(texts, "texts")
    rows = []
    for direction, queries, gallery in (("text to image", texts, images), ("image to text", images, texts)):
        n_k = k_occurrence(nearest(queries, gallery, k), len(gallery))
        prior = gallery @ queries.mean(axis=0)
        rows.append(
            {
                "direction": direction,
                "k": k,
                "k_skewness": k_skewness(n_k),
                "gini": gini(n_k),
                "antihubs": antihub_occurrence(n_k),
                "max_hub": max_hub(n_k),
                "prior": _rank_correlation(n_k, prior),
            }
        )
    return pd.DataFrame(rows)


def _rank_correlation(n_k: Int[" N"], prior: Float[" N"]) -> float:
    from scipy.stats import spearmanr  # takes a second to load

    rounding = 8 * np.finfo(prior.dtype).eps * np.abs(prior).max()
    return float(spearmanr(n_k, prior).statistic) if np.ptp(n_k) and np.ptp(prior) > rounding else np.nan


def cause_frame(
    cause: str,
    values: Sequence[float],
    lines: Mapping[str, Mapping[str, float]],
    *,
    k: int = 10,
    rounds: int = 3,
    seed: int = 0,
    **fixed,
) -> pd.DataFrame:
    """k-skewness of texts searching simulated pictures while one parameter of `clouds` takes several values.

    lines: names and what else is changed on each. fixed: the other parameters. Columns for `plots.cause_curves`: cause,
    value, line, mean, low, high (mean, least and most of `rounds` clouds), and ratio (mean): the spread of the prior
    over the spread of scores that is left without it. Raises SimulationError for values that no cloud can have.
    """
    rows = []
    for line, changes in lines.items():
        for value in values:
            made = [
                _skewness_and_ratio(clouds(**{**fixed, **changes, cause: value, "seed": seed + i}), k)
                for i in range(rounds)
            ]
            skewness, ratio = np.array(made).T
            ends = {"mean": skewness.mean(), "low": skewness.min(), "high": skewness.max()}
            rows.append({"cause": cause, "value": value, "line": line, **ends, "ratio": ratio.mean()})
    return pd.DataFrame(rows)


def _skewness_and_ratio(toy: Clouds, k: int) -> tuple[float, float]:
    scores = toy.texts @ toy.images.T
    n_k = k_occurrence(nearest_of_scores(scores, k), len(toy.images))
    prior = scores.mean(axis=0)
    return k_skewness(n_k), float(prior.std() / (scores - prior).std())
