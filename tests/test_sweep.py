"""sweep: every kind of method, every setting, the numbers of `evaluate`."""

import numpy as np
import pytest

from workbench.evaluation import evaluate
from workbench.methods import PDVFusion, Product, Slerp
from workbench.sweep import grid, sweep


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
