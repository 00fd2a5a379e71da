"""Maps and ablations show the numbers of the frame, point by point."""

import numpy as np
import pandas as pd
import pytest

from workbench.plots.curves import FrameError
from workbench.plots.landscape import ablation, landscape
from workbench.plots.style import colour_of

XS, YS = [0.0, 0.5, 1.0], [0.0, 1.0]


@pytest.fixture
def grid() -> pd.DataFrame:
    """Six points, out of order; every value another."""
    rows = [
        {"method": "pdv_f", "metric": metric, "alpha": x, "beta": y, "value": scale * (x + 0.1 * y + 0.1)}
        for metric, scale in (("hit@1", 0.1), ("hit@10", 0.5))
        for y in YS
        for x in XS
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=0)


def test_each_cell_holds_its_value(grid):
    figure = landscape(grid, "alpha", "beta", "The right is better")
    assert figure.get_suptitle() == "The right is better"
    panels = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert len(panels) == 2
    for panel, scale in zip(
        panels, (0.5, 0.1) if grid["metric"].iloc[0] == "hit@10" else (0.1, 0.5), strict=True
    ):
        mesh = panel.collections[0].get_array().reshape(2, 3)
        np.testing.assert_allclose(mesh, scale * (np.array(XS) + 0.1 * np.array(YS)[:, None] + 0.1))
        assert (panel.get_xlabel(), panel.get_ylabel()) == ("alpha", "beta")
        assert panel.get_title(loc="left") == "PDV-F"


def test_marks_stand_where_they_belong(grid):
    figure = landscape(grid, "alpha", "beta", "t", marks={"chosen on val": (1.0, 0.0), "default": (0.5, 1.0)})
    panel = figure.axes[0]
    points = {line.get_label(): (line.get_xdata()[0], line.get_ydata()[0]) for line in panel.lines}
    assert points == {"chosen on val": (1.0, 0.0), "default": (0.5, 1.0)}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["chosen on val", "default"]


def test_marks_can_be_given_per_method_and_a_name_has_one_sign_everywhere(grid):
    two = pd.concat([grid.assign(method="slerp"), grid.assign(method="pdv_f")])
    two = two[two["metric"] == "hit@1"]
    marks = {"slerp": {"best": (0.5, 1.0)}, "pdv_f": {"default": (1.0, 0.0), "best": (0.0, 0.0)}}
    figure = landscape(two, "alpha", "beta", "t", marks=marks)
    drawn = [{line.get_label(): line.get_marker() for line in axes.lines} for axes in figure.axes[:2]]
    assert [set(one) for one in drawn] == [{"best"}, {"default", "best"}]
    assert drawn[0]["best"] == drawn[1]["best"] != drawn[1]["default"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["best", "default"]
    with pytest.raises(FrameError, match="got 11 names of points, expected at most 10"):
        landscape(two, "alpha", "beta", "t", marks={str(n): (0.0, 0.0) for n in range(11)})


def test_a_flat_landscape_is_drawn_without_contours(grid):
    landscape(grid.assign(value=0.3), "alpha", "beta", "t")


def test_what_is_no_grid_is_refused(grid):
    one = grid[grid["metric"] == "hit@1"]
    with pytest.raises(FrameError, match="comes twice; fix the other parameters"):
        landscape(pd.concat([one, one]), "alpha", "beta", "t")
    with pytest.raises(FrameError, match=r"expected a full grid .* got 5 for \(2, 3\)"):
        landscape(one.iloc[1:], "alpha", "beta", "t")
    with pytest.raises(FrameError, match="lacks gamma"):
        landscape(one, "alpha", "gamma", "t")
    with pytest.raises(FrameError, match="lacks value or mean"):
        landscape(one.drop(columns="value"), "alpha", "beta", "t")


@pytest.fixture
def line() -> pd.DataFrame:
    rows = [
        {"method": m, "metric": "hit@1", "beta": b, "mean": v, "low": v - 0.1, "high": v + 0.1}
        for m in ("pdv_f", "slerp")
        for b, v in ((1.0, 0.3), (0.0, 0.2), (0.5, 0.6))
    ]
    return pd.DataFrame(rows)


def test_an_ablation_over_one_axis_is_a_line_with_its_band(line):
    panel = ablation(line, ("beta",), "t", reference={"beta": 0.5}).axes[0]
    np.testing.assert_array_equal(panel.lines[0].get_xdata(), [0, 0.5, 1])
    np.testing.assert_array_equal(panel.lines[0].get_ydata(), [0.2, 0.6, 0.3])
    assert panel.lines[0].get_color() == colour_of("pdv_f")
    band = panel.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == pytest.approx((0.1, 0.7))
    assert panel.lines[-1].get_xdata()[0] == 0.5 and panel.lines[-1].get_label() == "default"


def test_a_sweep_without_intervals_has_no_band(line):
    panel = ablation(line.drop(columns=["low", "high"]), ("beta",), "t").axes[0]
    assert not panel.collections


def test_an_ablation_over_two_axes_is_the_map(grid):
    figure = ablation(grid, ("alpha", "beta"), "t", reference={"alpha": 0.5, "beta": 0.0})
    assert figure.axes[0].collections[0].get_array().size == 6
    assert figure.axes[0].lines[0].get_xdata()[0] == 0.5
    with pytest.raises(FrameError, match="got 3 axes, expected one or two"):
        ablation(grid, ("alpha", "beta", "gamma"), "t")
