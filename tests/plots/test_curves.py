"""Curves show exactly the numbers they were given, in glossary words."""

import numpy as np
import pandas as pd
import pytest

from workbench.plots.curves import FrameError, metric_curve, rank_cdf, target_counts
from workbench.plots.style import colour_of


@pytest.fixture
def sums() -> pd.DataFrame:
    rows = [
        {
            "method": method,
            "metric": metric,
            "alpha": alpha,
            "mean": value,
            "low": value - 0.1,
            "high": value + 0.1,
        }
        for method in ("weighted_sum", "slerp")
        for metric in ("hit@1", "hit@10")
        for alpha, value in ((1.0, 0.3), (0.0, 0.2), (0.5, 0.6))  # unordered on purpose
    ]
    return pd.DataFrame(rows)


def test_metric_curve_has_a_panel_per_metric_and_a_line_per_method(sums):
    figure = metric_curve(sums, "alpha", "Both halves are needed", "weight of the text")
    assert [panel.get_ylabel() for panel in figure.axes] == ["hit@1", "hit@10"]
    for panel in figure.axes:
        assert [line.get_label() for line in panel.lines] == ["weighted sum", "SLERP"]
        assert panel.get_xlabel() == "weight of the text"
        np.testing.assert_array_equal(panel.lines[0].get_xdata(), [0, 0.5, 1])
        np.testing.assert_array_equal(panel.lines[0].get_ydata(), [0.2, 0.6, 0.3])
    assert figure.get_suptitle() == "Both halves are needed"


def test_metric_curve_draws_the_interval(sums):
    band = metric_curve(sums, "alpha", "t").axes[0].collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(0.1)
    assert band[:, 1].max() == pytest.approx(0.7)


def test_rank_cdf_counts_queries():
    frame = pd.DataFrame({"method": "pdv_f", "rank": [1, 1, 4, np.iinfo(np.int32).max]})
    panel = rank_cdf(frame, n_gallery=10, title="t").axes[0]
    ranks, shares = panel.lines[0].get_data()
    assert dict(zip(ranks, shares, strict=True)) == {1: 0.5, 4: 0.75, np.iinfo(np.int32).max: 1}
    # the hidden target lies outside the axis
    assert panel.get_xlim() == (1, 10)
    assert panel.lines[0].get_color() == colour_of("pdv_f")


def test_target_counts_writes_the_counts_on_the_bars():
    panel = target_counts(pd.DataFrame({"targets": [1, 2], "queries": [30, 7]}), "t").axes[0]
    assert [text.get_text() for text in panel.texts] == ["30", "7"]


@pytest.mark.parametrize("column", ["method", "metric", "alpha", "low"])
def test_a_missing_column_is_named(sums, column):
    with pytest.raises(FrameError, match=f"lacks {column}"):
        metric_curve(sums.drop(columns=column), "alpha", "t")


def test_an_empty_frame_is_refused(sums):
    with pytest.raises(FrameError, match="is empty"):
        metric_curve(sums.iloc[:0], "alpha", "t")
