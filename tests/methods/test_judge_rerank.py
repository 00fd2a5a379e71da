"""Re-sorting by verdicts: a naive twin that sorts, ties, borders, what is excluded, and ImageScope's three stages."""

import dataclasses
import json

import numpy as np
import pytest

from workbench.data.benchmark import Qrels
from workbench.language.verdicts import MissingVerdict, Verdicts
from workbench.methods import (
    ImageScope,
    ImageScopeFirst,
    JudgeRerank,
    MethodError,
    VerifyCompare,
    WeightedSum,
)
from workbench.methods.judge_rerank import best, promote, rerank
from workbench.score.ranks import top_k


def naive_order(case, scores, depth, compared):
    """One list of ids per query, by Python's own stable sort."""
    ids, orders = case.benchmark.gallery.ids, []
    excluded = case.benchmark.qrels["default"].excluded
    for q, query in enumerate(case.benchmark.queries):
        ranked = [n for n in np.argsort(-scores[q], kind="stable").tolist() if n not in excluded[q]]
        head = sorted(ranked[:depth], key=lambda n, id=query.id: -case.verdicts["verify"].of(id, ids[n]))
        order = head + ranked[depth:]
        for n in order[:compared]:
            if case.verdicts["compare"].of(query.id, ids[n]) > 0:
                order.remove(n)
                order.insert(0, n)
                break
        orders.append(order)
    return orders


def order_of(case, scores):
    qrels = Qrels(np.full((12, 1), -1), case.benchmark.qrels["default"].excluded)
    return top_k(scores, 39, qrels).tolist()


@pytest.mark.parametrize("depth", [0, 1, 7, 39, 100])
@pytest.mark.parametrize("compared", [0, 1, 3, 12])
def test_naive_sort(make_case, depth, compared):
    case = make_case(seed=27)
    expected = [order[:39] for order in naive_order(case, WeightedSum().score(case), depth, compared)]
    method = VerifyCompare("weighted_sum", "verify", depth, "compare", compared)
    assert [
        order[: len(e)] for order, e in zip(order_of(case, method.score(case)), expected, strict=True)
    ] == expected
    if compared == 0:
        alone = JudgeRerank("weighted_sum", "verify", depth)
        np.testing.assert_array_equal(alone.score(case), method.score(case))


def test_imagescope_is_its_three_stages(make_case):
    case = make_case(seed=28)
    first = ImageScopeFirst(0.15, 2).score(case)
    expected = [order[:39] for order in naive_order(case, first, 20, 3)]
    found = order_of(case, ImageScope(descriptions=2).score(case))
    assert [order[: len(e)] for order, e in zip(found, expected, strict=True)] == expected
    np.testing.assert_array_equal(ImageScope(descriptions=2, depth=0, compared=0).score(case), first)


def test_depth_zero_is_the_base(make_case):
    case = make_case(seed=29)
    np.testing.assert_array_equal(
        JudgeRerank("slerp(alpha=0.4)", "verify", 0).score(case), rerank(_slerp(case), case, "verify", 0)
    )
    np.testing.assert_array_equal(_slerp(case), JudgeRerank("slerp(alpha=0.4)", "verify", 0).score(case))


def _slerp(case):
    from workbench.methods import Slerp

    return Slerp(0.4).score(case)


def test_verdicts_below_the_border_and_on_excluded_pictures_are_not_needed(make_case):
    case = make_case(seed=30)
    scores = WeightedSum().score(case)
    excluded = case.benchmark.qrels["default"].excluded
    few = {}
    for q, query in enumerate(case.benchmark.queries):
        items = best(scores[q], 5, excluded[q][excluded[q] >= 0])
        assert len(items) == 5
        assert not set(items.tolist()) & set(excluded[q].tolist())
        few[query.id] = {
            case.benchmark.gallery.ids[n]: case.verdicts["verify"].of(query.id, case.benchmark.gallery.ids[n])
            for n in items
        }
    sparse = dataclasses.replace(case, verdicts={"verify": Verdicts("m@1", few)})
    np.testing.assert_array_equal(rerank(scores, sparse, "verify", 5), rerank(scores, case, "verify", 5))
    with pytest.raises(
        MissingVerdict, match=r"m@1 has no verdict on 'picture-\d+' for query 'q0' \(5 on others\)"
    ):
        rerank(scores, sparse, "verify", 6)


def test_ties_over_the_border_are_left_alone():
    row = np.array([5.0, 4.0, 4.0, 4.0, 1.0])
    assert best(row, 1, np.array([], int)).tolist() == [0]
    assert best(row, 2, np.array([], int)).tolist() == [0]
    assert best(row, 4, np.array([], int)).tolist() == [0, 1, 2, 3]
    assert best(row, 3, np.array([2])).tolist() == [0, 1, 3]
    assert best(np.ones(5), 3, np.array([], int)).tolist() == []


def test_equal_scores_with_equal_verdicts_stay_equal(make_case):
    case = make_case(seed=31)
    same = {q.id: dict.fromkeys(case.benchmark.gallery.ids, 1.0) for q in case.benchmark.queries}
    even = dataclasses.replace(case, verdicts={"verify": Verdicts("m@1", same)})
    scores = np.tile(np.float32([3, 3, 2, 2] + [0] * 36), (12, 1))
    after = rerank(scores, even, "verify", 6)
    for row, gone in zip(after, case.benchmark.qrels["default"].excluded[:, 0], strict=True):
        if gone not in (0, 1):
            assert row[0] == row[1] > row[2:].max()
    np.testing.assert_array_equal(promote(np.zeros_like(scores), even, "verify", 3), 0)


def test_a_judge_that_is_not_there_is_named(make_case):
    with pytest.raises(MethodError, match=r"no verdicts 'verfy'. Did you mean 'verify'.*Verdicts\.read"):
        JudgeRerank("text_only", "verfy", 5).score(make_case())


def test_scores_given_are_not_written_into(make_case):
    case = make_case(seed=32)
    scores = WeightedSum().score(case)
    kept = scores.copy()
    rerank(scores, case, "verify", 9)
    promote(scores, case, "compare", 9)
    np.testing.assert_array_equal(scores, kept)


def test_a_grid_is_an_order(make_case, tmp_path):
    """A marked grid's answer, read from a file, puts the named ones first and leaves the others as they were."""
    case = make_case(seed=33)
    scores, lines, ids = WeightedSum().score(case), [], case.benchmark.gallery.ids
    shown = order_of(case, scores)
    for query, order in zip(case.benchmark.queries, shown, strict=True):
        grid = [ids[n] for n in order[:6]]
        lines.append({"judge": "m@1", "query": query.id, "shown": grid, "order": [grid[4], grid[1]]})
    path = tmp_path / "grid.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)) + "\n")
    judged = dataclasses.replace(case, verdicts={"grid": Verdicts.read(path)})
    found = order_of(case, JudgeRerank("weighted_sum", "grid", 6).score(judged))
    for new, old in zip(found, shown, strict=True):
        assert new[:6] == [old[4], old[1], old[0], old[2], old[3], old[5]]
        assert new[6:] == old[6:]
