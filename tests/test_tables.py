"""Tables say what the tidy frame says: rounded, in percent, in its order."""

import numpy as np
import pandas as pd
import pytest

from workbench.evaluation import results_table
from workbench.plots.curves import FrameError
from workbench.tables import main_table, to_latex, to_markdown, to_text


@pytest.fixture
def results() -> pd.DataFrame:
    """Two methods by hand: 1 of 4 and 3 of 4 at rank 1."""
    hits = {"text_only": [1, 0, 0, 0], "pdv_f(beta=0.5)": [1, 1, 1, 0]}
    rows = [
        {"method": name, "query": q, "reference": f"r{q}", "hit@1": float(hit), "hit@10": 1.0}
        for name, some in hits.items()
        for q, hit in enumerate(some)
    ]
    return results_table(pd.DataFrame(rows), ["hit@1", "hit@10"])


def test_one_row_per_method_in_the_order_given(results):
    table = main_table(results)
    assert list(table["method"]) == ["text only", "PDV-F(beta=0.5)"]
    assert list(table.columns) == ["method", "hit@1 %", "hit@10 %", "hit@1 over text only", "p"]


def test_numbers_are_percent_with_their_interval(results):
    table = main_table(results)
    first = results.iloc[0]
    assert table["hit@1 %"][0] == f"25.0 [{100 * first['low']:.1f}, {100 * first['high']:.1f}]"
    assert table["hit@10 %"][1] == "100.0 [100.0, 100.0]"
    assert table["hit@1 over text only"][1].startswith("+50.0 [")
    assert (table["hit@1 over text only"][0], table["p"][0]) == ("", "")  # the baseline against itself
    assert table["p"][1] == f"{results['p'][2]:.3f}"


def test_another_metric_can_be_tested(results):
    assert main_table(results, tested="hit@10")["hit@10 over text only"][1] == "+0.0 [+0.0, +0.0]"
    with pytest.raises(KeyError, match="expected one of hit@1, hit@10"):
        main_table(results, tested="hit@2")


def test_a_missing_column_is_named(results):
    with pytest.raises(FrameError, match="lacks p"):
        main_table(results.drop(columns="p"))


def test_markdown_escapes_bars():
    text = to_markdown(pd.DataFrame({"text": ["a | b"], "n": [7]}))
    assert text.splitlines()[2].split(" | ")[0] == "| a \\| b"
    assert set(text.splitlines()[1]) == set("|-")


def test_plain_table_lines_up(results):
    lines = to_text(main_table(results)).splitlines()
    assert len({line.index("[") for line in lines[2:]}) == 1


def test_numbers_stay_as_written():
    assert "0.50" in to_markdown(pd.DataFrame({"x": ["0.50"]}))  # not turned into 0.5


def test_latex_escapes_what_it_would_read_as_commands():
    text = to_latex(pd.DataFrame({"a_b %": ["50 % of {x} & \\y"], "p": ["< 0.001"]}))
    assert r"a\_b \% & p \\" in text
    assert r"50 \% of \{x\} \& \textbackslash{}y & $<$ 0.001 \\" in text
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1


def test_nothing_in_the_frame_is_changed(results):
    before = results.copy()
    main_table(results)
    pd.testing.assert_frame_equal(results, before)
    assert np.isnan(results["p"][0])
