"""The joint table: its rows are what evaluating each setting alone gives; the jackknife is the plain one."""

import numpy as np
import pytest

from workbench.arrays import ArrayError
from workbench.evaluation import evaluate
from workbench.hubness import CSLS, NNN
from workbench.hubness.occurrence import k_occurrence, k_skewness
from workbench.joint import MitigatedHalves, captions_bank, joint_table, skewness_interval
from workbench.methods import CIReVL, PDVFusion
from workbench.score.ranks import top_k
from workbench.significance import paired_test


@pytest.fixture
def case(make_case):
    return make_case(1, queries=40, items=60)


def test_rows_are_what_each_setting_gives_alone(case):
    mitigators = {"NNN": NNN(4, 0.75)}
    table = joint_table({"as it is": case}, [CIReVL(), PDVFusion()], mitigators, ["hit@5"], k=5)
    assert len(table) == 2 * (1 + 2)
    qrels = case.benchmark.qrels["default"]
    for row in table.to_dict("records"):
        plain = {"cirevl": CIReVL(), "pdv_f": PDVFusion()}[row["method"]]
        method = plain
        if row["mitigator"] != "none":
            own = row["bank"] == "same half"
            assert row["transductive"] == own
            assert row["source"].endswith(f"the {row['bank']} of the queries")
            method = MitigatedHalves(plain, mitigators[row["mitigator"]], own)
        hits = evaluate(case, {"x": method}, [row["metric"]])[row["metric"]].to_numpy()
        before = evaluate(case, {"x": plain}, [row["metric"]])[row["metric"]].to_numpy()
        assert row["mean"] == pytest.approx(hits.mean())
        test = paired_test(hits, before, case.benchmark.clusters)
        assert row["difference"] == pytest.approx(test.difference)
        assert (row["wins"], row["losses"]) == (test.wins, test.losses)
        n_k = k_occurrence(top_k(method.score(case), 5, qrels), 60)
        assert row["skewness"] == pytest.approx(k_skewness(n_k))
        assert row["antihubs"] == (n_k == 0).mean()
        assert row["skewness_low"] <= row["skewness"] <= row["skewness_high"]


def test_the_first_case_is_what_interventions_are_compared_with(case, make_case):
    moved = make_case(7, queries=40, items=60)
    table = joint_table({"as it is": case, "moved": moved}, [CIReVL()], {}, ["hit@5"], k=5)
    assert table["intervention"].tolist() == ["as it is", "moved"]
    assert table["difference"][1] == pytest.approx(table["mean"][1] - table["mean"][0])
    assert table["skewness_difference"].tolist() == pytest.approx(
        [0, table["skewness"][1] - table["skewness"][0]]
    )


def test_other_banks_come_with_what_makes_them(case):
    banks = {"captions": captions_bank}
    table = joint_table({"as it is": case}, {"C": CIReVL()}, [CSLS(4)], ["hit@5"], banks=banks, k=5)
    assert table[["method", "mitigator", "bank"]].to_numpy().tolist() == [
        ["C", "none", "none"],
        ["C", "csls(k=4)", "captions"],
    ]
    assert not table["transductive"].any()
    assert table["source"].tolist() == ["", "captions of the gallery, 60, inductive"]


@pytest.mark.parametrize("paired", [False, True])
def test_the_interval_is_the_plain_jackknife(paired):
    rng = np.random.default_rng(0)
    lists, others = (np.argsort(rng.random((30, 20)) ** 3, axis=1)[:, :4] for _ in range(2))
    clusters = np.arange(30) // 2

    def skewness(some):
        mine = k_skewness(k_occurrence(lists[some], 20))
        return mine - k_skewness(k_occurrence(others[some], 20)) if paired else mine

    parts = np.array([skewness(clusters != c) for c in range(15)])
    half = 1.96 * np.sqrt(14 / 15 * ((parts - parts.mean()) ** 2).sum())
    whole = skewness(slice(None))
    found = skewness_interval(lists, 20, clusters, others if paired else None)
    assert found == pytest.approx((whole, whole - half, whole + half))


def test_equal_lists_differ_by_nothing_and_equal_shares_have_no_skewness():
    lists = np.array([[0, 1], [2, 3], [0, 1], [2, 3]])
    assert skewness_interval(lists, 4, np.arange(4), lists) == (0, 0, 0)
    assert skewness_interval(lists, 4, np.array([0, 0, 1, 1])) == (0, 0, 0)


def test_one_cluster_is_refused():
    with pytest.raises(ArrayError, match="leaving one out needs at least 2"):
        skewness_interval(np.array([[0, 1]]), 4, np.zeros(1, int))
