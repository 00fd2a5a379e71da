"""Bars of error sources and of agreement show exactly the numbers they were given."""

import pandas as pd
import pytest

from workbench.breakdown.caption_edit import SOURCES
from workbench.plots.curves import FrameError
from workbench.plots.errors import SOURCE_LOOKS, agreement_bars, error_source_bars


def test_every_source_has_a_look_of_its_own():
    assert tuple(SOURCE_LOOKS) == SOURCES
    assert len(set(SOURCE_LOOKS.values())) == len(SOURCES)


def test_the_parts_of_a_bar_are_the_counts_and_stand_one_after_the_other():
    sources = ["right"] * 3 + ["edit"] * 2 + ["caption"]
    frame = pd.DataFrame({"method": "a + b", "query": range(6), "source": sources})
    panel = error_source_bars(frame, "t", named=2).axes[0]
    assert [(bar.get_x(), bar.get_width()) for bar in panel.patches] == [(0, 3), (3, 1), (4, 2)]
    assert [text.get_text() for text in panel.texts] == ["3", "", "2"]


def test_a_missing_column_is_named():
    with pytest.raises(FrameError, match="source"):
        error_source_bars(pd.DataFrame({"method": ["a"], "query": [0]}), "t")


def test_agreement_counts_queries_by_how_many_samples_solve_them():
    panel = agreement_bars(pd.Series([0, 0, 2, 3, 3, 3]), 3, "t", "a hit").axes[0]
    assert [bar.get_height() for bar in panel.patches] == [2, 0, 1, 3]
