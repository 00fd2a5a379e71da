"""The metrics that the reference implementations print for their own outputs, from our scores, ranks and hubness measures.

Their ranks share ties out evenly, ours count them against the target (design): `rank - ties / 2` is theirs.
"""

import numpy as np
import pytest
from scipy.stats import gmean

from tests.hubness.test_published import Reduction, moved
from workbench.data.benchmark import Qrels
from workbench.hubness import (
    CSLS,
    DIS,
    NICDM,
    NNN,
    Bank,
    DisSimLocal,
    DualDIS,
    DualIS,
    InvertedSoftmax,
    InvGC,
    InvGCLocal,
    LocalScaling,
    MutualProximity,
    k_occurrence,
    mitigate,
)
from workbench.hubness.measures import antihub_occurrence, k_skewness, robinhood
from workbench.index import nearest_of_scores
from workbench.score.ranks import count_ties, target_ranks


def even_ranks(scores, targets):
    """Rank of each query's target from 1, ties shared out evenly; targets (Q,)."""
    qrels = Qrels(np.asarray(targets)[:, None])
    return (target_ranks(scores, qrels) + count_ties(scores, qrels) * -0.5)[:, 0]


def metrics(ranks):
    """As qb-norm's metric.py prints them: percent, one decimal."""
    cut = {f"R{k}": 100 * np.sum(ranks <= k) / len(ranks) for k in (1, 5, 10, 50)}
    middle = {"MedR": np.median(ranks), "MeanR": np.mean(ranks)}
    together = {"geometric_mean_R1-R5-R10": gmean([cut["R1"], cut["R5"], cut["R10"]]) if cut["R1"] else 0.0}
    return {name: round(float(value), 1) for name, value in {**cut, **middle, **together}.items()}


def own(scores):
    return metrics(even_ranks(scores, range(len(scores))))


BETAS = [(20.0, 5.0, "20_5"), (1 / 1.99, 3.0, "0.5025_3"), (30.0, 3.0, "30_3")]
OF_BANKS = {
    **{f"is_b{beta}": InvertedSoftmax(float(beta)) for beta in (10, 20, 50)},
    **{f"dis_b{beta}_k{k}": DIS(float(beta), k) for beta in (10, 20, 50) for k in (1, 5)},
    **{f"dualis_corrected_{name}": DualIS(one, other) for one, other, name in BETAS},
    **{f"dualdis_corrected_{name}": DualDIS(one, other) for one, other, name in BETAS},
}


@pytest.mark.parametrize("name", ["raw", *OF_BANKS])
def test_bank_normalisation(name, golden):
    given = golden("diag/bank_norm_synth", "input.npz")
    bank = Bank.from_scores(given["B"], "bank of the fixture", gallery_scores=given["G"])
    scores = given["S"] if name == "raw" else mitigate(OF_BANKS[name], bank, given["S"])
    assert own(scores) == golden("diag/bank_norm_synth", "expected.json")[name]


@pytest.mark.parametrize(
    ("mitigator", "name"),
    [
        (InvGC(1.0, 1.0), "avg_rg1_rq1_pool0"),
        (InvGC(5.0, 5.0), "avg_rg5_rq5_pool0"),
        (InvGCLocal(0.5, 0.5, 0.05), "local_rg0.5_rq0.5_pool0.05"),
        (InvGCLocal(1.0, 1.0, 0.1), "local_rg1_rq1_pool0.1"),
        (InvGCLocal(0.0, 1.0, 0.05), "local_rg0_rq1_pool0.05"),
    ],
)
def test_inverse_graph_convolution(mitigator, name, golden):
    scores = moved(mitigator, golden("diag/invgc_synth", "input.npz"))
    assert own(scores) == golden("diag/invgc_synth", "expected.json")[name]


MUSE = {f"csls_knn_{k}": CSLS(k) for k in (1, 5, 10)} | {
    f"invsm_beta_{beta}": InvertedSoftmax(float(beta)) for beta in (10, 30)
}


@pytest.mark.parametrize("name", ["nn", *MUSE])
def test_word_translation(name, golden):
    given = golden("diag/muse_csls_synth", "input.npz")
    scores = given["query"] @ given["gallery"].T
    bank = Bank.from_scores(scores, "the test queries", transductive=True)
    after = scores if name == "nn" else mitigate(MUSE[name], bank, scores)
    assert (after.argmax(axis=1) == golden("diag/muse_csls_synth", "expected.npz")[f"top1_{name}"]).all()
    assert (
        100 * np.mean(after.argmax(axis=1) == np.arange(len(after)))
        == (golden("diag/muse_csls_synth", "expected.json")[f"R1_{name}"])
    )


@pytest.mark.parametrize("k", [1, 8, 32])
@pytest.mark.parametrize("alpha", [0.5, 0.75, 1.0])
def test_nearest_neighbour_normalisation(k, alpha, golden):
    given = golden("diag/nnn_synth", "input.npz")
    bank = Bank(given["reference"], given["gallery"], "reference queries of the fixture")
    after = mitigate(NNN(k, alpha), bank, given["query"] @ given["gallery"].T)
    wanted = golden("diag/nnn_synth", "expected.json")[f"R1_k{k}_a{alpha}"]
    assert 100 * np.mean(after.argmax(axis=1) == np.arange(len(after))) == wanted


def test_ties_shared_out_evenly(golden):
    given, expected = (golden("diag/retrieval_metrics_ties", f) for f in ("input.npz", "expected.json"))
    for name in ("ties_square", "all_tied"):
        assert own(given[name]) == expected[name], name
    captions = given["multi_caption"]  # 3 of each of 40 pictures
    assert metrics(even_ranks(captions, np.arange(120) // 3)) == expected["multi_caption_3_per_item"]


def test_of_several_right_captions_the_best_counts(golden):
    """v2t: each picture ranks all captions; theirs is the best of its own three, the other two being in the way."""
    given, expected = (golden("diag/retrieval_metrics_ties", f) for f in ("input.npz", "expected.json"))
    scores = given["multi_caption"].T
    each = np.stack([even_ranks(scores, 3 * np.arange(40) + i) for i in range(3)])
    assert metrics(each.min(axis=0)) == expected["v2t_multi_caption"]


def reduced(name, reduction):
    """Distances (Q, N) after scikit-hubness' reduction, up to what changes no ranking of a query."""
    itself, others = reduction.bank(itself=True), reduction.bank(itself=False)
    if name == "mp_normal":
        return -mitigate(MutualProximity(k=50), itself, reduction.scores)
    if name == "nicdm":
        return -mitigate(NICDM(k=5, top=0.0), others, reduction.scores)
    if name == "ls":
        return -mitigate(LocalScaling(k=5, top=0.0), others, reduction.scores)
    bank = Bank(reduction.items, reduction.items, "the gallery itself")
    return -mitigate(DisSimLocal(k=5), bank, reduction.queries @ reduction.items.T)


@pytest.mark.parametrize("name", ["mp_normal", "nicdm", "ls", "dsl_sq1", "dsl_sq0"])
@pytest.mark.parametrize("k", [1, 5, 10])
def test_hubness_after_a_reduction(name, k, golden):
    reduction = Reduction(golden)
    distances = reduced(name, reduction)
    scores = np.full_like(distances, -np.inf)  # a graph of the 50 nearest knows no others
    np.put_along_axis(scores, reduction.near, -np.take_along_axis(distances, reduction.near, 1), 1)
    wanted = golden("diag/skh_reduction_synth_nn50", "expected.json")[name][f"k{k}"]
    assert hubness_of(nearest_of_scores(scores, k)) == wanted


@pytest.mark.parametrize("k", [1, 5, 10])
def test_hubness_of_lists_with_ties(k, golden):
    """Empiric mutual proximity ties by the dozen; who comes first is the library's own affair, so from its lists."""
    lists = golden("diag/skh_reduction_synth_nn50", "expected.npz")["mp_empiric_ind"][:, :k]
    assert (
        hubness_of(lists) == golden("diag/skh_reduction_synth_nn50", "expected.json")["mp_empiric"][f"k{k}"]
    )


def hubness_of(lists):
    n_k = k_occurrence(lists, 300)
    found = {"k_skewness": k_skewness(n_k), "robinhood": robinhood(n_k), "antihub": antihub_occurrence(n_k)}
    return pytest.approx(found, abs=1e-9)


@pytest.mark.parametrize("k", [1, 5, 10])
def test_a_row_that_finds_itself_is_the_librarys_mistake(k, golden):
    """With itself in the lists N_k is that of k - 1 others, plus one: no anti-hub can be seen."""
    rows = golden("diag/skh_hubness_synth", "input.npz")["X"]
    scores = -((rows[:, None] - rows) ** 2).sum(axis=2)
    theirs = golden("diag/skh_hubness_synth", "expected.npz")[f"Nk_self_asis_includes_self_hit_k{k}"]
    assert (k_occurrence(nearest_of_scores(scores, k), 300) == theirs).all() and theirs.min() >= 1
    if k > 1:
        fewer = nearest_of_scores(scores, k - 1, excluded=np.arange(300)[:, None])
        assert (k_occurrence(fewer, 300) + 1 == theirs).all()
