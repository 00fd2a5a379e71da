"""Hubs in composed rankings: which queries a hub captures, whether it is right there, and what recall it costs.

    captured = hub_capture(case, CIReVL())
    captured.summary                                       one number each: skewness, hubs, what is lost to them
    captured.hubs                                          a row per hub, the most frequent first
    captured.places.query("item == 17")                    the queries that hub 17 captures, their targets, their ranks

What "lost to hubs" means here. A hub's place in a query's list of k is *wrong* where the hub is no target. Give up
every wrong place that a hub holds above the query's best target, and move up what stands below: a query whose best
target was outside the first `at` and is then inside was **lost to hubs**. Several hubs may be needed for that; each of
the h hubs above such a target is charged 1 / h, which is the Shapley value of "enough of them are gone", so charges add
up to the queries lost. A query is **robbed by one hub alone** where its best target stands at `at` + 1.
It is a statement about these lists, not about a cure: what moves up may be a hub elsewhere, and a real mitigator moves
targets, too. Giving up places always helps, so the same share of places, spread evenly over lists, stands beside it.

With many pictures and few queries most hubs are chance: `hubs_by_chance` says how many a random assignment would have.
Left out: cures (`joint`), other measures of hubness (`hubness`).

Sources: hubs and "bad" occurrences: Radovanovic et al., Hubs in Space (JMLR 2010); the charging is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import bdtrc

from workbench.arrays import ArrayError, Float, Int, check_shape
from workbench.data.benchmark import Benchmark, Qrels
from workbench.hubness.measures import antihub_occurrence, k_skewness
from workbench.hubness.occurrence import k_occurrence
from workbench.methods.base import Method
from workbench.registry import UnknownName, nearest
from workbench.score.ranks import ranked_targets, target_ranks, top_k


@dataclass(frozen=True, eq=False)
class Capture:
    """What the hubs of one method's rankings do.

    n_k: per gallery picture, in how many of the Q lists of k it is (zeros included; mean k Q / N).
    hubs: item (row of the gallery), picture (its id), n_k, times_mean, right and wrong (places where it is a target
    and where not), robbed (queries lost to it alone), lost (queries charged to it). places: one row per hub and list
    that it is in: item, picture, query (row), query_id, reference, modification, place (1 to k), right, target (row of
    the best target, -1 where none is ranked), target_picture, target_rank, robbed, lost (1 / h, or 0).
    summary: see `hub_capture`.
    """

    n_k: Int[" N"]
    hubs: pd.DataFrame
    places: pd.DataFrame
    summary: pd.Series


def hub_capture(
    case,
    method: Method,
    k: int = 10,
    *,
    at: int | None = None,
    hub_at: float = 2.0,
    qrels: str = "default",
    scores: Float["Q N"] | None = None,
) -> Capture:
    """The hubs of a method's rankings, the queries they capture, and the recall lost to them.

    k: length of the lists that N_k counts. at: the cut-off of the recall that is asked about, k unless given, at most
    k. hub_at: a hub is in at least so many times as many lists as the mean picture. qrels: what is ranked (the
    reference is left out where they say so) and what is right. scores: looked at instead of the method's own, such as
    those after a mitigator.

    summary: k, at, mean (of N_k), hub_from (the N_k from which a picture is a hub), skewness, antihubs (share of the
    gallery with N_k = 0), hubs, hubs_by_chance, hub_places (share of all places), right_places (share of hubs' places
    that are right), hit (share of queries with a target in the first `at`), lost (share of queries lost to hubs),
    lost_evenly (the same if as many places were given up whoever holds them).

    Raises UnknownName for qrels that the benchmark lacks, ArrayError for `at` or `hub_at` out of range, scores of
    another shape or fewer than k ranked pictures.
    """
    bench, at = case.benchmark, k if at is None else at
    if not 1 <= at <= k:
        raise ArrayError(f"at: got {at}, expected 1 to k = {k}")
    if not hub_at > 0:
        raise ArrayError(f"hub_at: got {hub_at}, expected more than 0")
    if qrels not in bench.qrels:
        raise UnknownName(
            f"{bench.name} has no qrels {qrels!r}.{nearest(qrels, bench.qrels)} Known: {', '.join(bench.qrels)}"
        )
    scores = method.score(case) if scores is None else scores
    check_shape("scores", scores, "Q N", Q=len(bench.queries), N=len(bench.gallery))
    lists = _Lists.of(scores, bench.qrels[qrels], k, at)
    n_k = k_occurrence(lists.items, scores.shape[1])
    hubs = n_k >= hub_at * n_k.mean()
    places = _places(lists, hubs, bench)
    return Capture(n_k, _hubs(places, n_k), places, _summary(lists, n_k, hubs, hub_at, places))


@dataclass(frozen=True, eq=False)
class _Lists:
    """The first k of every query, and where its best target stands."""

    items: np.ndarray  # (Q, k)
    right: np.ndarray  # (Q, k) bool
    target: np.ndarray  # (Q,) row of the best target, -1 where none is ranked
    rank: np.ndarray  # (Q,) its rank; NEVER where none is ranked
    at: int

    @classmethod
    def of(cls, scores: np.ndarray, qrels: Qrels, k: int, at: int) -> _Lists:
        items = top_k(scores, k, qrels)
        ranks = target_ranks(scores, qrels).astype(np.int64)
        best = np.arange(len(ranks)), ranks.argmin(axis=1)
        target = np.where(ranked_targets(qrels).any(axis=1), qrels.targets[best], -1)
        right = (items[:, :, None] == qrels.targets[:, None, :]).any(axis=2)
        return cls(items, right, target, ranks[best], at)

    @property
    def above(self) -> np.ndarray:
        """(Q, k) bool: the places above the best target of a query that has none among the first `at`."""
        place = np.arange(1, self.items.shape[1] + 1)
        return (place < self.rank[:, None]) & (self.rank > self.at)[:, None]


def _places(lists: _Lists, hubs: np.ndarray, bench: Benchmark) -> pd.DataFrame:
    """A row per place that a hub holds."""
    held = hubs[lists.items]
    in_the_way = held & lists.above  # no target stands above the best one: these are wrong
    count = in_the_way.sum(axis=1)
    lost = (lists.rank > lists.at) & (lists.rank - count <= lists.at)
    query, column = np.nonzero(held)
    item, target, ids = lists.items[query, column], lists.target[query], np.array(bench.gallery.ids)
    mine = in_the_way[query, column]
    asked = [bench.queries[q] for q in query]
    return pd.DataFrame(
        {
            "item": item,
            "picture": ids[item],
            "query": query,
            "query_id": [one.id for one in asked],
            "reference": [one.reference_image for one in asked],
            "modification": [" / ".join(one.modification) for one in asked],
            "place": column + 1,
            "right": lists.right[query, column],
            "target": target,
            "target_picture": np.where(target >= 0, ids[target], None),
            "target_rank": lists.rank[query],
            "robbed": mine & (lists.rank[query] == lists.at + 1),
            "lost": np.where(mine & lost[query], 1 / np.maximum(count[query], 1), 0.0),
        }
    )


def _hubs(places: pd.DataFrame, n_k: np.ndarray) -> pd.DataFrame:
    """A row per hub, by N_k, then by row."""
    by_hub = places.groupby("item")
    frame = pd.DataFrame(
        {
            "picture": by_hub["picture"].first(),
            "n_k": by_hub.size(),
            "times_mean": by_hub.size() / n_k.mean(),
            "right": by_hub["right"].sum(),
            "wrong": by_hub.size() - by_hub["right"].sum(),
            "robbed": by_hub["robbed"].sum(),
            "lost": by_hub["lost"].sum(),
        }
    )
    return frame.reset_index().sort_values(["n_k", "item"], ascending=[False, True], ignore_index=True)


def _summary(
    lists: _Lists, n_k: np.ndarray, hubs: np.ndarray, hub_at: float, places: pd.DataFrame
) -> pd.Series:
    (n_queries, k), n_items = lists.items.shape, len(n_k)
    hub_from = int(np.ceil(hub_at * n_k.mean()))
    return pd.Series(
        {
            "k": k,
            "at": lists.at,
            "mean": n_k.mean(),
            "hub_from": hub_from,
            "skewness": k_skewness(n_k),
            "antihubs": antihub_occurrence(n_k),
            "hubs": int(hubs.sum()),
            "hubs_by_chance": n_items * float(_at_least(hub_from, n_queries, k / n_items)),
            "hub_places": len(places) / (n_queries * k),
            "right_places": places["right"].mean(),
            "hit": np.mean(lists.rank <= lists.at),
            "lost": places["lost"].sum() / n_queries,
            "lost_evenly": _lost_evenly(lists, hubs),
        }
    )


def _at_least(times: np.ndarray | int, draws: np.ndarray | int, chance: float) -> np.ndarray:
    """The chance of at least so many successes in so many draws (``scipy.stats`` has it, and takes a second to load)."""
    return np.where(np.less_equal(times, draws), bdtrc(np.subtract(times, 1), draws, chance), 0.0)


def _lost_evenly(lists: _Lists, hubs: np.ndarray) -> float:
    """The share of queries that would be won if as many places above targets were given up, drawn from all alike."""
    above = lists.above
    if not above.any():
        return 0.0
    share = (hubs[lists.items] & above).sum() / above.sum()
    missing = lists.rank - lists.at  # so many places must be given up
    won = _at_least(missing, above.sum(axis=1), share)
    return float(np.where(lists.rank > lists.at, won, 0.0).mean())
