"""The ladder shows every method's mean and interval, in the order given."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from workbench.plots.curves import FrameError
from workbench.plots.ladder import ladder
from workbench.plots.style import colour_of


@pytest.fixture
def results() -> pd.DataFrame:
    rows = [
        ("pdv_f", "hit@1", 0.8, 0.7, 0.9),
        ("cirevl", "hit@1", 0.2, 0.1, 0.25),
        ("pdv_f", "hit@10", 0.95, 0.9, 1.0),
        ("cirevl", "hit@10", 0.85, 0.8, 0.9),
    ]
    frame = pd.DataFrame(rows, columns=["method", "metric", "mean", "low", "high"])
    return frame.assign(baseline="cirevl", level=0.95)


def test_a_line_per_method_and_a_panel_per_metric(results):
    panels = ladder(results, "t").axes
    assert [panel.get_xlabel() for panel in panels] == ["hit@1", "hit@10"]
    first, point, second, _, baseline = panels[0].lines
    np.testing.assert_allclose(first.get_xdata(), [0.7, 0.9])
    np.testing.assert_allclose(point.get_xydata(), [[0.8, 0]])
    assert to_hex(second.get_color()) == to_hex(colour_of("cirevl")).lower()
    np.testing.assert_allclose(baseline.get_xdata(), [0.2, 0.2])  # the baseline's mean
    bottom, top = panels[0].get_ylim()
    assert bottom > top  # the first on top
    assert [text.get_text() for text in panels[0].get_yticklabels()] == ["PDV-F", "CIReVL"]
    assert [panel.get_xlabel() for panel in ladder(results, "t", ["hit@10"]).axes] == ["hit@10"]


def test_a_missing_column_or_metric_is_named(results):
    with pytest.raises(FrameError, match="ladder: the frame lacks low"):
        ladder(results.drop(columns="low"), "t")
    with pytest.raises(FrameError, match="ladder of map@5: the frame is empty"):
        ladder(results, "t", ["map@5"])
