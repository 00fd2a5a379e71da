"""Who is captured by which hub, and what it costs: held to loops that follow the definition word by word."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from workbench.arrays import ArrayError, unit
from workbench.capture import hub_capture
from workbench.data.benchmark import Qrels
from workbench.methods import ImageOnly, WeightedSum
from workbench.registry import UnknownName
from workbench.score.ranks import target_ranks, top_k


@pytest.fixture
def case(make_case):
    """Words that point roughly at the target: many just miss it."""
    made = make_case(3, queries=60, items=90, width=6)
    pictures = unit(made.views["image"])
    noise = np.random.default_rng(5).normal(size=(60, 6)).astype(np.float32)
    words = pictures[made.benchmark.qrels["default"].targets[:, 0]] + 0.4 * noise
    return replace(made, parts={**made.parts, "modification": words})


def rank_without(scores, qrels, query, gone):
    """The best target's rank in one query when some pictures are taken out of its list where they are no targets."""
    targets = {int(n) for n in qrels.targets[query] if n >= 0}
    left_out = {int(n) for n in qrels.excluded[query] if n >= 0} | (set(gone) - targets)
    best = max(scores[query, n] for n in targets - left_out)
    others = [n for n in range(scores.shape[1]) if n not in left_out | targets]
    return 1 + sum(scores[query, n] >= best for n in others)


@pytest.mark.parametrize("at", [1, 4, 8])
def test_places_and_losses_follow_the_definition(case, at):
    k, method, qrels = 8, WeightedSum(0.8), case.benchmark.qrels["default"]
    found = hub_capture(case, method, k, at=at, hub_at=1.2)
    scores = method.score(case)
    lists = top_k(scores, k, qrels)
    n_k = np.array([(lists == n).sum() for n in range(90)])
    hubs = {n for n in range(90) if n_k[n] >= 1.2 * k * 60 / 90}
    assert (found.n_k == n_k).all() and set(found.hubs["item"]) == hubs
    lost = {}
    for q in range(60):
        targets = set(qrels.targets[q].tolist())
        rank = rank_without(scores, qrels, q, ())
        wrong = [n for n in lists[q].tolist() if n in hubs - targets]
        # nobody is lost whose target is inside, or is not inside without the hubs of its list
        if rank > at >= rank_without(scores, qrels, q, wrong):
            h = [n for n in wrong if rank_without(scores, qrels, q, [n]) < rank]
            lost |= {(q, n): (1 / len(h), rank_without(scores, qrels, q, [n]) <= at) for n in h}
    assert len(lost) >= 4
    places = found.places.set_index(["query", "item"])
    assert len(places) == sum(n in hubs for n in lists.ravel().tolist())
    for (q, n), row in places.iterrows():
        share, robbed = lost.get((q, n), (0, False))
        assert row["lost"] == pytest.approx(share) and row["robbed"] == robbed
        assert row["right"] == (n in qrels.targets[q]) and lists[q, row["place"] - 1] == n
        assert row["target_rank"] == target_ranks(scores, qrels)[q].min()
        assert scores[q, row["target"]] == scores[q, qrels.targets[q]].max()
    assert found.summary["lost"] == pytest.approx(sum(share for share, _ in lost.values()) / 60)


def test_the_charge_is_the_shapley_value(case):
    """Over all orders in which hubs leave, the share of orders in which this one's leaving lets the target in."""
    at, scores, qrels = 4, WeightedSum(0.8).score(case), case.benchmark.qrels["default"]
    places = hub_capture(case, WeightedSum(0.8), 8, at=at, hub_at=1.2).places
    tried = 0
    for q, rows in places[places["lost"] > 0].groupby("query"):
        hubs = rows["item"].tolist()
        if len(hubs) < 2:
            continue
        sets = [frozenset(some) for size in range(len(hubs) + 1) for some in combinations(hubs, size)]
        inside = {gone: int(rank_without(scores, qrels, q, gone) <= at) for gone in sets}
        mine = hubs[0]
        worth = [
            np.mean([inside[s | {mine}] - inside[s] for s in sets if mine not in s and len(s) == size])
            for size in range(len(hubs))
        ]
        assert rows["lost"].iloc[0] == pytest.approx(np.mean(worth))
        tried += 1
    assert tried


def test_hubs_add_up_to_the_summary(case):
    found = hub_capture(case, ImageOnly(), 5)
    hubs, places, summary = found.hubs, found.places, found.summary
    assert hubs["lost"].sum() / 60 == pytest.approx(summary["lost"]) and hubs["n_k"].is_monotonic_decreasing
    assert (hubs["right"] + hubs["wrong"] == hubs["n_k"]).all()
    assert places["robbed"].sum() == hubs["robbed"].sum()
    assert summary["hub_places"] == hubs["n_k"].sum() / 300
    assert summary["antihubs"] == (found.n_k == 0).mean()
    assert summary["hub_from"] == np.ceil(2 * 300 / 90)


def test_the_reference_is_left_out_as_the_benchmark_says(case):
    found = hub_capture(case, ImageOnly(), 5, hub_at=0.1)  # whoever occurs is a hub
    reference = np.array([query.reference for query in case.benchmark.queries])
    excluded = case.benchmark.qrels["default"].excluded[:, 0] >= 0
    places = found.places[excluded[found.places["query"]]]
    assert len(places) and (places["item"] != reference[places["query"]]).all()


def test_places_given_up_evenly_are_as_simulated(case):
    """Each place above the target goes with the hubs' share; the closed form against drawing."""
    method, k, at = WeightedSum(0.8), 8, 4
    found = hub_capture(case, method, k, at=at, hub_at=1.2)
    ranks = target_ranks(method.score(case), case.benchmark.qrels["default"]).min(axis=1)
    above = np.where(ranks > at, np.minimum(ranks - 1, k), 0)
    share = (found.places["place"] < found.places["target_rank"])[
        found.places["target_rank"] > at
    ].sum() / above.sum()
    rng = np.random.default_rng(0)
    won = [(rng.binomial(above, share) >= ranks - at) & (ranks > at) for _ in range(4000)]
    assert found.summary["lost_evenly"] == pytest.approx(np.mean(won), abs=0.003)


def test_hubs_by_chance_are_as_simulated(case):
    found = hub_capture(case, ImageOnly(), 8, hub_at=1.5)
    rng = np.random.default_rng(0)
    drawn = [np.argsort(rng.random((60, 90)), axis=1)[:, :8].ravel() for _ in range(300)]
    times = np.stack([np.bincount(items, minlength=90) for items in drawn])
    many = (times >= found.summary["hub_from"]).sum(axis=1).mean()
    assert found.summary["hubs_by_chance"] == pytest.approx(many, abs=0.7)


def test_one_picture_before_everybody_robs_everybody_it_can(case):
    bench = case.benchmark
    scores = np.tile(-np.arange(90, dtype=np.float32), (60, 1))  # all queries see the same order
    targets = np.full((60, 1), 3)  # place 4, behind pictures 0, 1, 2
    bench = replace(bench, qrels={"default": Qrels(targets)})
    found = hub_capture(replace(case, benchmark=bench), ImageOnly(), 3, scores=scores)
    assert found.hubs["item"].tolist() == [0, 1, 2] and found.hubs["robbed"].tolist() == [60] * 3
    assert found.hubs["lost"].tolist() == pytest.approx([20] * 3)
    assert found.summary["lost"] == 1 and found.summary["hit"] == 0


def test_hidden_targets_lose_nothing(case):
    bench = replace(case.benchmark, qrels={"default": Qrels(np.full((60, 1), -1))})
    found = hub_capture(replace(case, benchmark=bench), ImageOnly(), 5)
    assert found.summary["lost"] == found.summary["lost_evenly"] == 0
    assert (found.places["target"] == -1).all() and found.places["target_picture"].isna().all()


def test_what_does_not_fit_is_named(case):
    with pytest.raises(ArrayError, match="at: got 6, expected 1 to k = 5"):
        hub_capture(case, ImageOnly(), 5, at=6)
    with pytest.raises(ArrayError, match="hub_at"):
        hub_capture(case, ImageOnly(), 5, hub_at=0)
    with pytest.raises(UnknownName, match="Did you mean 'default'"):
        hub_capture(case, ImageOnly(), 5, qrels="defualt")
    with pytest.raises(ArrayError, match="scores"):
        hub_capture(case, ImageOnly(), 5, scores=np.zeros((2, 90), np.float32))
