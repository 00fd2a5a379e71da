"""sweep: every kind of method, every setting, the numbers of `evaluate`."""

import subprocess
import sys
import tracemalloc
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from workbench.arrays import ArrayError
from workbench.data.benchmark import Benchmark, Card, Gallery, Qrels, Query
from workbench.evaluation import evaluate, method_ranks
from workbench.methods import LinearMethod, PDVFusion, Product, Slerp, WeightedSum, WeiMoCIR
from workbench.metrics import MetricError
from workbench.score.ranks import target_ranks
from workbench.score.similarities import Similarities
from workbench.sweep import grid, ranks, sweep


def test_grid_takes_names_classes_and_instances():
    assert grid("slerp", alpha=[0.5, 0.8]) == [Slerp(0.5), Slerp(0.8)]
    host = PDVFusion(host=("reference_caption_2", "composed_caption"))
    assert [m.host for m in grid(host, beta=[0, 1])] == [host.host] * 2
    assert grid(PDVFusion, alpha_image=np.linspace(0, 2, 2), beta=0.5) == [
        PDVFusion(0.0, beta=0.5),
        PDVFusion(2.0, beta=0.5),
    ]
    with pytest.raises(ValueError, match="Did you mean 'alpha_text'"):
        grid("pdv_f", alpha_txt=[1])
    with pytest.raises(ValueError, match="no values"):
        grid("slerp", alpha=[])
    with pytest.raises(ValueError, match="alpha cannot be 'x'"):
        grid("slerp", alpha=["x"])
    with pytest.raises(ValueError, match="needs weight="):
        grid("caption_fusion", alpha=[0.1])
    with pytest.raises(ValueError, match="weight cannot be 'a', expected float"):
        grid("standardised_sum", weight=["a"])


def test_every_method_gets_the_numbers_of_evaluate(make_case):
    case = make_case(seed=3)
    methods = [
        *grid("pdv_f", alpha_image=[0.0, 0.7, 1.4], alpha_text=[0.5, 1.5], beta=[0.0, 0.4, 1.0]),
        *grid("weimocir", alpha=[0.1, 0.8], beta=[0.0, 0.1, 1.0], captions=2),
        *grid("slerp", alpha=[0.0, 0.3, 1.0]),
        *grid("weighted_sum", weight=np.linspace(0, 1, 5)),
        Product(),
    ]
    frame = sweep(methods, case)
    expected = evaluate(case, {str(i): method for i, method in enumerate(methods)})
    for metric in case.benchmark.metrics:
        means = expected.groupby("method", sort=False)[metric].mean()
        mine = frame[frame["metric"] == metric]["value"]
        np.testing.assert_allclose(mine, means, atol=1e-12)
    assert set(frame["split"]) == {"val"}
    assert len(frame) == len(methods) * len(case.benchmark.metrics)


def test_columns_say_what_was_swept_and_where(make_case):
    case = make_case(seed=1)
    frame = sweep(
        [*grid("slerp", alpha=[0.2, 0.8]), *grid("pdv_t", alpha_text=[1.0, 2.0])], case, metrics=["recall@5"]
    )
    assert list(frame) == [
        "method", "alpha", "alpha_text", "metric", "value",
        "queries", "benchmark", "split", "protocol", "encoder", "captions",
    ]  # fmt: skip
    assert frame["method"].tolist() == ["slerp", "slerp", "pdv_t", "pdv_t"]
    assert frame["alpha"].tolist()[:2] == [0.2, 0.8]
    assert frame["alpha"].isna().tolist() == [False, False, True, True]
    assert set(frame["queries"]) == {12}


def test_a_field_named_like_a_column_is_kept_beside_it(make_case):
    frame = sweep(grid("weimocir", alpha=0.3, captions=[1, 2]), make_case(seed=1), metrics=["hit@1"])
    assert frame["captions_"].tolist() == [1, 2]
    assert frame["captions"].isna().all()  # nobody is known to have written them


def test_ranks_are_per_query_in_the_order_of_the_methods(make_case):
    case = make_case(seed=2)
    methods = [Product(), WeightedSum(0.3), WeiMoCIR(), WeightedSum(0.7), WeightedSum(0.3)]
    found = ranks(methods, case, qrels=["default", "subset"])
    for name in found:
        for p, method in enumerate(methods):
            np.testing.assert_array_equal(found[name][p], method_ranks(case, method, [name])[name])


def test_bare_similarities_need_a_benchmark(make_case):
    case = make_case(seed=3)
    methods = grid("slerp", alpha=[0.2, 0.8])
    sims = case.similarities(methods[0].terms)
    pd.testing.assert_frame_equal(sweep(methods, sims, case.benchmark), sweep(methods, case))
    with pytest.raises(ValueError, match="bench: got none"):
        sweep(methods, sims)


def test_metrics_in_the_place_of_the_benchmark_are_told_apart(make_case):
    with pytest.raises(ArrayError, match=r"bench: got list, expected a Benchmark; give metrics by name"):
        sweep(grid("cirevl"), make_case(), ["recall@1"])


def test_a_third_partys_linear_method_needs_no_extra_code(make_case):
    @dataclass(frozen=True)
    class Echo(LinearMethod):
        share: float = 0.3
        terms = (("modification", "image"), ("modification", "caption"))

        def weights(self, gram):
            return np.array([1 - self.share, self.share])

    case = make_case(seed=4)
    methods = grid(Echo, share=np.linspace(0, 1, 5))
    frame = sweep(methods, case, metrics=["hit@5"])
    assert frame["method"].tolist() == ["Echo"] * 5
    for p, found in enumerate(ranks(methods, case)["default"]):
        expected = method_ranks(case, methods[p], ["default"])["default"]
        np.testing.assert_array_equal(found, expected)


def naive_csls(case, method, k=3):
    """Half the mean score of each picture's k nearest queries of a bank (here: the queries themselves) is taken off."""
    scores = method.score(case)
    return -0.5 * np.sort(scores, axis=0)[-k:].mean(axis=0)


def test_a_bias_is_added_once_for_all_or_anew_for_each_setting(make_case):
    case = make_case(seed=5)
    methods = [*grid("weighted_sum", weight=[0.2, 0.5, 0.8]), Product()]
    fixed = naive_csls(case, methods[0])
    right = case.benchmark.qrels["default"]
    for bias in (fixed, lambda method: naive_csls(case, method)):
        found = ranks(methods, case, bias=bias)["default"]
        for p, method in enumerate(methods):
            mine = bias(method) if callable(bias) else bias
            np.testing.assert_array_equal(found[p], target_ranks(method.score(case) + mine, right))
    with pytest.raises(ValueError, match="bias: got shape"):
        sweep(methods, case, bias=np.zeros(3))


def test_scores_come_in_blocks_unless_they_depend_on_each_other(make_case, monkeypatch):
    from workbench.sweep import blocks as module

    asked = []

    @dataclass(frozen=True)
    class Counting(Product):
        transductive: bool = False

        def score(self, case):
            asked.append(len(case.benchmark.queries))
            assert all(len(rows) == asked[-1] for rows in case.parts.values())
            return super().score(case)

    case = make_case(seed=6)
    monkeypatch.setattr(module, "SCORES", 5 * 40)
    blocks = sweep([Counting()], case)
    assert asked == [4, 4, 4]
    whole = sweep([Counting(transductive=True)], case)
    assert asked[3:] == [12]
    np.testing.assert_array_equal(blocks["value"], whole["value"])


def test_blocks_of_queries_give_the_same_means(make_case, monkeypatch):
    from workbench.sweep import blocks as module

    case = make_case(seed=7)
    methods = [*grid("slerp", alpha=[0.1, 0.5]), *grid("pdv_f", beta=[0.0, 0.5])]
    whole = sweep(methods, case)
    monkeypatch.setattr(module, "CELLS", 20)
    pd.testing.assert_frame_equal(sweep(methods, case), whole)


def test_means_are_those_of_the_protocol(make_case):
    """Macro means over strata, as FashionIQ reports."""
    case = make_case(seed=8)
    bench = replace(case.benchmark, protocol={"mean over": "strata", "strata": "edit"})
    case = replace(case, benchmark=bench)
    frame = sweep([Slerp(0.4)], case, metrics=["hit@5"])
    each = evaluate(case, [Slerp(0.4)], ["hit@5"])
    assert frame["value"][0] == pytest.approx(each.groupby("tag_edit")["hit@5"].mean().mean())


def test_without_numba_the_numbers_are_the_same(make_case, monkeypatch):
    from workbench.sweep import blocks as module

    case = make_case(seed=9)
    methods = [*grid("pdv_f", beta=[0.0, 0.5], alpha_text=[0.5, 1.5]), *grid("slerp", alpha=[0.3])]
    bias = np.linspace(0, 0.1, 40)
    for certified in (True, False):
        with_numba = sweep(methods, case, certified=certified, bias=bias)
        monkeypatch.setattr(module, "find_spec", lambda name: None)
        with pytest.warns(UserWarning, match=r"zscir-workbench\[sweeps\]") as said:
            without = sweep(methods, case, certified=certified, bias=bias)
        monkeypatch.undo()
        assert len([one for one in said if "zscir-workbench" in str(one.message)]) == 1
        pd.testing.assert_frame_equal(with_numba, without)


def test_numba_is_imported_when_it_is_needed_and_not_before():
    code = "import sys, workbench, workbench.sweep; print('numba' in sys.modules, 'torch' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "False"]


def test_a_query_that_a_metric_is_not_defined_for_is_named_before_anything_is_counted(make_case, monkeypatch):
    case = make_case()
    targets = case.benchmark.qrels["default"].targets.copy()
    targets[7] = -1
    bench = replace(case.benchmark, qrels={"default": Qrels(targets)})
    monkeypatch.setattr("workbench.sweep.frame.rank_blocks", None)
    with pytest.raises(MetricError, match="query 7 has no ranked target"):
        sweep(grid("weighted_sum", weight=np.linspace(0, 1, 10)), case, bench, ["map@5"])


def test_weights_that_do_not_fit_are_refused_by_name(make_case):
    @dataclass(frozen=True)
    class Wrong(LinearMethod):
        value: float = 1.0
        terms = (("modification", "image"), ("modification", "caption"))

        def weights(self, gram):
            return np.array([self.value] if self.value == 1 else [self.value, np.nan], np.float32)

    with pytest.raises(ValueError, match=r"Wrong\(value=1.0\): got shape \(1,\)"):
        sweep([Wrong()], make_case())
    with pytest.raises(ValueError, match=r"Wrong\(value=2.0\).*NaN"):
        sweep([Wrong(2.0)], make_case())
    with pytest.raises(KeyError, match="no qrels 'subst'"):
        sweep([Slerp(0.8)], make_case(), metrics=["subst:recall@1"])


@pytest.mark.slow
def test_memory_above_the_inputs_is_bounded():
    """A gallery of 400 MB, of which only blocks are ever held."""
    rng = np.random.default_rng(0)
    items, queries, width = 200_000, 300, 512
    gallery = np.empty((items, width), np.float32)
    for start in range(0, items, 10_000):
        gallery[start : start + 10_000] = rng.standard_normal((10_000, width), np.float32)
    parts = {
        name: rng.standard_normal((queries, width), np.float32)
        for name in ("reference_image", "reference_caption", "composed_caption")
    }
    names = tuple(map(str, range(items)))
    bench = Benchmark(
        "large", "val", tuple(Query(str(q), None, "", ("",)) for q in range(queries)), Gallery(names),
        {"default": Qrels(rng.integers(0, items, (queries, 1)).astype(np.int32))},
        ("recall@10",), {}, Card("large", "", "", ""),
    )  # fmt: skip
    axes = {
        "alpha_image": np.linspace(0, 2, 21),
        "alpha_text": np.linspace(0, 2, 21),
        "beta": np.linspace(0, 1, 5),
    }
    methods = grid("pdv_f", **axes)
    sims = Similarities(parts, {"image": gallery}, methods[0].terms)
    sweep(methods[:2], sims, bench)  # compiling is no part of it
    tracemalloc.start()
    sweep(methods, sims, bench)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 256 * 2**20, f"{peak / 2**20:.0f} MiB"
