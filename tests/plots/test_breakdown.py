"""Bars show exactly the numbers they were given."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from workbench.plots.breakdown import LOST, breakdown_bars, flip_bars, gains, necessity_bars
from workbench.plots.curves import FrameError
from workbench.plots.style import TARGET, colour_of


@pytest.fixture
def groups() -> pd.DataFrame:
    """Two methods, two groups; the second group is too small for an interval."""
    rows = [
        {
            "method": m,
            "metric": "hit@10",
            "by": "edit",
            "group": g,
            "queries": n,
            "mean": v,
            "low": low,
            "high": high,
        }
        for m, shift in (("pdv_f", 0.0), ("slerp", -0.1))
        for g, n, v, low, high in (
            ("add", 1200, 0.5 + shift, 0.4, 0.6),
            ("count", 3, 0.3 + shift, np.nan, np.nan),
        )
    ]
    return pd.DataFrame(rows)


def test_a_bar_per_method_and_group(groups):
    panel = breakdown_bars(groups, "t").axes[0]
    assert [bar.get_height() for bar in panel.patches] == pytest.approx([0.5, 0.3, 0.4, 0.2])
    assert to_hex(panel.patches[0].get_facecolor()) == to_hex(colour_of("pdv_f"))
    assert [text.get_text() for text in panel.get_xticklabels()] == ["add\n1,200", "count\n3"]
    whiskers = [line.get_segments() for line in panel.collections]
    assert {len(some) for some in whiskers} == {1}  # the small group has none
    np.testing.assert_allclose(whiskers[0][0][:, 1], [0.4, 0.6])


def test_flips_go_right_and_left():
    frame = pd.DataFrame({"group": ["add", "count"], "queries": [100, 10], "won": [20, 1], "lost": [5, 3]})
    frame = frame.assign(method="pdv_f", other="cirevl", metric="hit@10", difference=[0.15, -0.2])
    figure = flip_bars(frame, "t")
    panel = figure.axes[0]
    lengths = {to_hex(bar.get_facecolor()): [] for bar in panel.patches}
    for bar in panel.patches:
        lengths[to_hex(bar.get_facecolor())].append(bar.get_width())
    assert lengths[to_hex(TARGET)] == pytest.approx([0.1, 0.2])  # the worst group below
    assert lengths[to_hex(LOST)] == pytest.approx([-0.3, -0.05])
    assert [text.get_text() for text in panel.texts] == ["1", "20", "3", "5"]
    assert [text.get_text() for text in panel.get_yticklabels()] == ["count (10)", "add (100)"]
    assert "solved by CIReVL only" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_kinds_stand_one_after_the_other():
    kinds = ["text alone", "image alone", "either alone", "only composed", "none"]
    frame = pd.DataFrame(
        {"method": "pdv_f", "metric": "hit@10", "kind": kinds, "share": [0.3, 0.1, 0.02, 0.4, 0.18]}
    )
    panel = necessity_bars(frame, "t").axes[0]
    assert [bar.get_width() for bar in panel.patches] == pytest.approx(frame["share"].tolist())
    assert [bar.get_x() for bar in panel.patches] == pytest.approx([0, 0.3, 0.4, 0.42, 0.82])
    assert [text.get_text() for text in panel.texts] == ["30 %", "10 %", "", "40 %", "18 %"]


def test_gains_are_points_and_hollow_where_nothing_is_shown():
    frame = pd.DataFrame(
        {
            "method": ["slerp", "pdv_f", "weimocir"],
            "metric": "hit@1",
            "baseline": "slerp",
            "difference": [0, 0.1, 0.02],
            "difference_low": [0, 0.05, -0.01],
            "difference_high": [0, 0.15, 0.05],
            "p_holm": [np.nan, 0.01, 0.3],
        }
    )
    panel = gains(frame, "t").axes[0]
    assert [text.get_text() for text in panel.get_yticklabels()] == ["PDV-F", "WeiMoCIR"]
    bars, points = panel.lines[0:4:2], panel.lines[1:4:2]
    np.testing.assert_allclose([bar.get_xdata() for bar in bars], [[5, 15], [-1, 5]])
    assert [point.get_xdata()[0] for point in points] == pytest.approx([10, 2])
    assert [to_hex(p.get_markerfacecolor()) for p in points] == [to_hex(colour_of("pdv_f")), "#ffffff"]


@pytest.mark.parametrize("draw", [breakdown_bars, flip_bars, necessity_bars, gains])
def test_a_missing_column_is_named(draw):
    with pytest.raises(FrameError, match=r"lacks .*metric"):
        draw(pd.DataFrame({"method": ["a"]}), "t")


def test_an_unknown_metric_is_refused(groups):
    with pytest.raises(FrameError, match="breakdown_bars of hit@1: the frame is empty"):
        breakdown_bars(groups, "t", metric="hit@1")
