"""Hub figures draw the numbers they are given, in glossary words."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from workbench.joint import lorenz_frame, occurrence_frame
from workbench.plots import (
    Captured,
    HubLine,
    cause_curves,
    hub_gallery,
    lorenz_curves,
    occurrence_curves,
    rank_change_dots,
    tradeoff,
)
from workbench.plots.curves import FrameError

N_K = {"cirevl": np.array([0, 0, 1, 3]), "pdv_f": np.array([1, 1, 1, 1])}


def test_occurrence_counts_pictures_from_n_k_on_and_names_who_is_never_found():
    figure = occurrence_curves(occurrence_frame(N_K, 2, 2), "Title", hub_from=2)
    panel = figure.axes[0]
    lines = {line.get_label(): line.get_data() for line in panel.lines}
    x, y = lines["CIReVL (in no list: 50 %)"]
    assert x.tolist() == [1, 2, 3] and y.tolist() == [0.5, 0.25, 0.25]
    assert "PDV-F (in no list: 0 %)" in lines and "random lists (in no list: 25 %)" in lines
    assert (panel.get_xscale(), panel.get_yscale()) == ("log", "log")
    assert "k-occurrence N_k" in panel.get_xlabel() and figure.get_suptitle() == "Title"


def test_lorenz_says_gini():
    panel = lorenz_curves(lorenz_frame(N_K, 2, 2), "Title").axes[0]
    lines = {line.get_label(): line.get_ydata() for line in panel.lines}
    assert np.allclose(lines["CIReVL (Gini 0.62)"], [0, 0, 0, 0.25, 1])
    assert np.allclose(lines["PDV-F (Gini 0.00)"], [0, 0.25, 0.5, 0.75, 1])


def test_causes_have_a_panel_each_and_random_lists_for_reference():
    rows = [("gap", 0.0, "even"), ("gap", 1.0, "even"), ("dimension", 8, "even")]
    frame = pd.DataFrame(rows, columns=["cause", "value", "line"]).assign(mean=1.0, low=0.5, high=1.5)
    figure = cause_curves(frame, "Title", random=0.3)
    assert [panel.get_xlabel() for panel in figure.axes] == ["gap", "dimension"]
    assert figure.axes[0].lines[0].get_xdata().tolist() == [0, 1]
    assert figure.axes[0].lines[1].get_ydata()[0] == 0.3


@pytest.fixture
def settings() -> pd.DataFrame:
    plain = {"method": "cirevl", "mitigator": "none", "transductive": False, "difference": 0.0, "mean": 0.8}
    better = plain | {"mitigator": "csls", "difference": 0.03}
    frame = pd.DataFrame([plain, better, better | {"transductive": True, "difference": 0.05}])
    frame["skewness"], frame["skewness_difference"] = [2.0, 1.5, 1.4], [0.0, -0.5, -0.6]
    for name in ("difference", "skewness_difference"):
        frame[f"{name}_low"], frame[f"{name}_high"] = frame[name] - 0.1, frame[name] + 0.2
    return frame.assign(metric="hit@10")


def test_tradeoff_tells_inductive_from_transductive_by_more_than_words(settings):
    figure = tradeoff(settings, "Title")
    marks = {bars.get_label(): bars.lines[0] for bars in figure.axes[0].containers}
    inductive, transductive = marks["CSLS (inductive)"], marks["CSLS (transductive)"]
    assert (inductive.get_xdata()[0], inductive.get_ydata()[0]) == (-0.5, 0.03)
    assert inductive.get_markerfacecolor() != transductive.get_markerfacecolor() == "white"
    assert figure.axes[0].texts[0].get_text() == "as it is: hit@10 80.0 %, skewness 2.00"
    assert figure.axes[0].get_ylabel() == "change of hit@10 in points"


def test_tradeoff_draws_both_intervals(settings):
    bars = next(one for one in tradeoff(settings, "t").axes[0].containers if "inductive" in one.get_label())
    x, y = (one.get_segments()[0] for one in bars.lines[2])
    assert np.allclose(x[:, 0], [-0.6, -0.3]) and np.allclose(y[:, 1], [-0.07, 0.23])


def test_close_up_leaves_out_what_lies_far_away_and_says_so(settings):
    whole, near = tradeoff(settings, "t", close=0.04).axes
    assert [bars.get_label() for bars in whole.containers] == ["CSLS (inductive)", "CSLS (transductive)"]
    assert [bars.get_label() for bars in near.containers] == ["CSLS (inductive)"]
    assert near.get_ylim() == (-0.04, 0.04) and near.get_ylabel().endswith("close up")


def test_more_mitigators_than_looks_are_refused(settings):
    many = pd.concat([settings, *(settings.iloc[1:2].assign(mitigator=f"m{i}") for i in range(12))])
    with pytest.raises(ValueError, match="13 mitigators, at most 10"):
        tradeoff(many, "t")


def test_rank_changes_count_queries_not_dots():
    rows = [
        ("nnn", 12, 3, 2, "fixed"),
        ("nnn", 15, 4, 1, "fixed"),
        ("nnn", 2, 30, 1, "broken"),
        ("nnn", 1, 1, 90, "kept"),
    ]
    frame = pd.DataFrame(rows, columns=["method", "before", "after", "queries", "change"])
    panel = rank_change_dots(frame, 10, "Title").axes[0]
    assert [text.get_text() for text in panel.get_legend().get_texts()] == [
        "kept: 90",
        "fixed: 3",
        "broken: 1",
    ]
    assert panel.collections[0].get_sizes()[0] > panel.collections[2].get_sizes()[0]


def test_gallery_shows_hub_reference_and_target():
    picture = Image.new("RGB", (8, 8))
    query = Captured(picture, "make it blue", picture, "the hub at 1, the target at 3")
    figure = hub_gallery(
        [HubLine(picture, "in 13 lists", [query, query]), HubLine(picture, "in 9", [])], "Title"
    )
    titles = [panel.get_title() for panel in figure.axes]
    assert titles.count("hub") == 2 and titles.count("reference image") == titles.count("best target ✓") == 2
    assert "“make it blue”" in [panel.get_xlabel() for panel in figure.axes]
    hidden = Captured(picture, "make it blue", None, "hidden")
    assert "best target ✓" not in [
        p.get_title() for p in hub_gallery([HubLine(picture, "", [hidden])], "t").axes
    ]
    with pytest.raises(ValueError, match="no hub to show"):
        hub_gallery([], "t")


@pytest.mark.parametrize("draw", [occurrence_curves, lorenz_curves, cause_curves, tradeoff])
def test_a_missing_column_is_named(draw):
    with pytest.raises(FrameError, match=f"{draw.__name__}: the frame lacks"):
        draw(pd.DataFrame({"method": ["x"]}), "t")
