"""A mitigator that only adds something goes through a sweep as its bias; ranks are those of the mitigated scores."""

import numpy as np
import pytest

from workbench.hubness import CSLS, NNN, Bank, Centring, InvertedSoftmax, label, mitigate
from workbench.methods import WeightedSum
from workbench.score.ranks import target_ranks
from workbench.sweep import grid, sweep
from workbench.sweep.blocks import ranks


@pytest.mark.parametrize("mitigator", [NNN(k=3), CSLS(k=3), InvertedSoftmax(beta=5.0), Centring()], ids=label)
def test_a_sweep_with_a_bias_is_a_sweep_of_mitigated_scores(make_case, mitigator):
    case, other = make_case(seed=1), make_case(seed=2)
    other = type(case)(other.parts, case.views, other.benchmark)  # other queries, the same gallery

    def bank(method):
        return Bank.from_scores(method.score(other), "the other case's queries")

    methods = grid("weighted_sum", weight=[0.0, 0.4, 1.0])
    found = ranks(methods, case, bias=lambda method: mitigator.fit(bank(method)).bias)["default"]
    for method, ours in zip(methods, found, strict=True):
        scores = mitigate(mitigator, bank(method), method.score(case))
        np.testing.assert_array_equal(ours, target_ranks(scores, case.benchmark.qrels["default"]))
    frame = sweep(methods, case, bias=mitigator.fit(bank(WeightedSum(0.4))).bias)
    assert len(frame) == 3 * len(case.benchmark.metrics)
