"""Tables say what the tidy frame says: rounded, in percent, in its order."""

import numpy as np
import pandas as pd
import pytest

from workbench.evaluation import results_table
from workbench.plots.curves import FrameError
from workbench.protocol import ProtocolMismatch, protocol_text
from workbench.tables import (
    Cell,
    ChosenOnReported,
    Table,
    main_table,
    to_html,
    to_latex,
    to_markdown,
    to_text,
)


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
    cells = main_table(results).cells
    assert list(cells["method"]) == ["text only", "PDV-F(beta=0.5)"]
    expected = ["method", "hit@1 %", "hit@10 %", "hit@1 over text only", "p (Holm)", "d", "won / lost"]
    assert list(cells.columns) == expected
    assert list(main_table(results, metrics=["hit@10"]).cells.columns)[1:3] == [
        "hit@10 %",
        "hit@10 over text only",
    ]


def test_numbers_are_percent_with_their_interval(results):
    cells = main_table(results).cells
    first = results.iloc[0]
    assert cells["hit@1 %"][0][:2] == ("25.0", f"[{100 * first['low']:.1f}, {100 * first['high']:.1f}]")
    assert cells["hit@10 %"][1][:2] == ("100.0", "[100.0, 100.0]")
    assert cells["hit@1 over text only"][1].value == "+50.0"
    comparison = cells.iloc[:, -4:]
    assert list(comparison.loc[0]) == ["", "", "", ""]  # the baseline against itself
    assert cells["p (Holm)"][1] == f"{results['p_holm'][2]:.3f}"
    assert cells["d"][1].value == f"{0.5 / np.std([0, 1, 1, 0], ddof=1):+.2f}"
    assert cells["won / lost"][1] == "2 / 0"


def test_another_metric_can_be_tested(results):
    row = main_table(results, tested="hit@10").cells["hit@10 over text only"][1]
    assert row[:2] == ("+0.0", "[+0.0, +0.0]")
    with pytest.raises(KeyError, match="tested: got 'hit@2', expected one of hit@1, hit@10"):
        main_table(results, tested="hit@2")
    with pytest.raises(KeyError, match="metrics: got 'hit@2'"):
        main_table(results, metrics=["hit@1", "hit@2"])


def answers(methods: dict[str, float], n: int = 200, **columns) -> pd.DataFrame:
    """Each method solves the first share of the queries."""
    frames = [
        pd.DataFrame(
            {
                "method": name,
                "query": [f"q{i}" for i in range(n)],
                "reference": [f"r{i // 2}" for i in range(n)],
                "hit@1": (np.arange(n) < share * n).astype(float),
                "benchmark": "toy",
                "split": "test",
                "protocol": protocol_text({"reference": "excluded", "gallery": "all | 40"}),
                "encoder": "tiny_coca@ab12",
                "captions": None,
            }
        )
        for name, share in methods.items()
    ]
    return pd.concat(frames, ignore_index=True).assign(**columns)


def test_stars_tell_from_the_baseline_and_bold_what_is_not_below_the_best():
    results = results_table(answers({"text_only": 0.2, "a": 0.6, "b": 0.61, "image_only": 0.2}), ["hit@1"])
    cells = main_table(results).cells["hit@1 %"]
    assert [cell.marks for cell in cells] == ["", "***", "***", ""]
    assert [cell.bold for cell in cells] == [False, True, True, False]


FORMS = {"text": to_text, "markdown": to_markdown, "latex": to_latex, "html": to_html}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_what_the_numbers_belong_to(form):
    said = FORMS[form](main_table(results_table(answers({"text_only": 0.2, "a": 0.6}), ["hit@1"])))
    said = said.replace("\\", "")
    for part in (
        "toy test",
        "ab12",
        "200 queries in 100 clusters (reference images)",
        "reference: excluded",
        "40",
    ):
        assert part in said
    assert "Holm-corrected over 1 method." in said
    assert "captions by" not in said


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("chosen_on", ["test", "val"])
def test_a_best_picked_on_the_data_it_is_reported_on_is_seen_in_every_form(form, chosen_on):
    frame = answers({"text_only": 0.2, "pdv_f": 0.6})
    chosen = frame["method"] == "pdv_f"
    frame["chosen_on"] = np.where(chosen, chosen_on, None)
    frame["settings"], frame["chosen_by"] = np.where(chosen, 441, np.nan), np.where(chosen, "hit@1", None)
    results = results_table(frame, ["hit@1"])
    if chosen_on == "test":
        with pytest.warns(
            ChosenOnReported, match="PDV-F was the best of 441 settings by hit@1 on test, the data it is"
        ):
            table = main_table(results)
    else:
        table = main_table(results)  # pytest.ini turns no warning into an error; none is recorded here
        assert not table.warnings
    said = FORMS[form](table)
    assert ("its numbers flatter it" in said) == (chosen_on == "test")
    assert ("warning" in said.lower()) == (chosen_on == "test")
    assert f"the best of 441 settings by hit@1 on {chosen_on}" in said
    assert ("†" in said or "dagger" in said) == (chosen_on == "test")
    assert not said.count("text only was")


def test_few_clusters_are_warned_of(results):
    assert "Only 4 clusters: intervals are too narrow" in to_text(main_table(results))
    many = main_table(results_table(answers({"text_only": 0.2, "pdv_f": 0.6}), ["hit@1"]))
    assert not many.warnings


def test_a_setting_picked_elsewhere_raises_no_warning(recwarn):
    frame = answers({"text_only": 0.2, "pdv_f": 0.6}, chosen_on="val", chosen_by="hit@1", settings=9)
    main_table(results_table(frame, ["hit@1"]))
    assert not recwarn


def test_results_of_other_rules_are_refused():
    one, other = (
        results_table(answers({name: 0.5}, protocol=protocol_text({"reference": rule})), ["hit@1"])
        for name, rule in (("a", "excluded"), ("b", "kept"))
    )
    with pytest.raises(
        ProtocolMismatch, match=r"a and b .* protocol 'reference' is 'excluded' for one and 'kept'"
    ):
        main_table(pd.concat([one, other]))


def test_means_are_printed_as_they_are_stored_but_for_rounding():
    results = results_table(answers({"a": 1 / 3}, n=300), ["hit@1"])
    assert results["mean"][0] == pytest.approx(1 / 3, abs=1e-15)
    assert main_table(results).cells["hit@1 %"][0].value == "33.3"


def test_a_missing_column_is_named(results):
    with pytest.raises(FrameError, match="lacks p_holm"):
        main_table(results.drop(columns="p_holm"))


def test_markdown_escapes_bars():
    text = to_markdown(pd.DataFrame({"text": ["a | b"], "n": [7]}))
    assert text.splitlines()[2].split(" | ")[0] == "| a \\| b"
    assert set(text.splitlines()[1]) == set("|-")


def test_plain_table_lines_up(results):
    lines = to_text(main_table(results)).split("\n\n")[0].splitlines()
    assert len({line.index("[") for line in lines[2:]}) == 1
    assert "  " in lines[1] and set(lines[1]) == {"-", " "}


def test_a_table_prints_itself(results):
    table = main_table(results)
    assert repr(table) == to_text(table)
    assert table._repr_markdown_() == to_markdown(table)


def test_cells_in_each_form():
    frame = pd.DataFrame({"m": [Cell("7.0", "[1, 9]", "*", bold=True), Cell("12.0")]})
    table = Table(frame, ("{best}: the best.",))
    assert to_text(table).splitlines()[2:] == [" 7.0 [1, 9] * •", "12.0", "", "•: the best."]
    assert r"| **7.0** [1, 9]\* |" in to_markdown(table)
    assert r"\textbf{7.0} [1, 9]$^{*}$ \\" in to_latex(table)
    assert "<td><b>7.0</b> [1, 9]<sup>*</sup></td>" in to_html(table)
    for write in (to_markdown, to_latex, to_html):
        assert "Bold: the best." in write(table)


def test_html_escapes_everything():
    said = to_html(Table(pd.DataFrame({"<a>": ["<b>x</b>"]}), ("a & b",), ("<i>",)))
    assert "<b>" not in said and "<i>" not in said and "<a>" not in said
    assert "a &amp; b" in said


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
