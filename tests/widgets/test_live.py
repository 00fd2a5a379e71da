"""The live form, driven without a browser: controls change the view, the board follows, problems are shown."""

import re
import subprocess
import sys
from dataclasses import fields
from datetime import datetime

import pytest

from tests.widgets.conftest import png
from tests.widgets.test_view import bomb
from workbench.methods import METHODS, PDVFusion, Slerp, TextOnly, WeightedSum
from workbench.widgets import knobs
from workbench.widgets.live import LiveExplorer
from workbench.widgets.view import Question


@pytest.fixture
def live(explore):
    def make(*given, **more) -> LiveExplorer:
        return LiveExplorer(explore(*given, **more))

    return make


def slider(panel, field: str):
    return next(one for one in panel.sliders.children if one.description == field)


def shown(one: LiveExplorer) -> list[int]:
    """Rows of the results on the board, of both methods one after the other."""
    return [int(row) for row in re.findall(r'class="wb-result[^"]*" data-row="(\d+)"', one.board.html)]


def press(one: LiveExplorer, **message) -> None:
    one.board._handle_custom_msg(message, [])


def drop(one: LiveExplorer, name: str, data: bytes) -> None:
    one.upload.value = (
        {
            "name": name,
            "type": "image/png",
            "size": len(data),
            "content": memoryview(data),
            "last_modified": datetime(2026, 1, 1),
        },
    )


def test_a_slider_changes_the_method_and_the_board_follows(live, case):
    one = live(3, method=PDVFusion())
    assert [knob.description for knob in one.first.sliders.children] == ["alpha_image", "alpha_text", "beta"]
    slider(one.first, "beta").value = 0.1
    assert one.explorer.view.method == PDVFusion(beta=0.1)
    assert shown(one) == one.explorer.answer.first.rows.tolist()
    assert "PDV-F(beta=0.1)" in one.board.html
    assert one.board.status.endswith(one.explorer.answer.standing(one.explorer.answer.first))
    assert one.board.problem == ""


def test_sliders_have_the_ranges_of_the_methods_fields(live):
    one = live(3, method=Slerp(0.8))
    for name in one.explorer.methods:
        one.first.list.value = name
        for knob in knobs.knobs_here(one.explorer.case, knobs.start(name)):
            if knob.kind is not bool:
                made = slider(one.first, knob.field)
                assert (made.min, made.max, made.step) == (knob.low, knob.high, knob.step)
                assert made.value == getattr(one.explorer.view.method, knob.field)
    assert slider(one.first, "captions").max == 2  # weimocir_paper came last; the case has two captions each


def test_knobs_come_from_the_dataclass_fields():
    beta = knobs.knobs(PDVFusion)[2]
    assert (beta.low, beta.high, beta.start, beta.step) == (0, 1, 0.75, 0.05)
    weight = knobs.knobs(METHODS.get("standardised_sum"))[0]
    assert (weight.start, weight.stated) == (0.5, False)  # no paper states it: the middle of its range
    assert knobs.start("judge_rerank") is None  # needs the name of a method and of a judge
    assert knobs.start("pdv_f") == PDVFusion()
    assert "host" not in [knob.field for knob in knobs.knobs(PDVFusion)]


def test_every_number_of_the_packages_methods_states_its_usual_range():
    for name in METHODS.names():
        kind = METHODS.get(name)
        if kind.__module__.startswith("workbench.methods.") and knobs.start(name) is not None:
            numbers = [one for one in fields(kind) if one.type in ("int", "float")]
            assert all("usual" in one.metadata for one in numbers), name
            for knob in knobs.knobs(kind):
                assert knob.low <= knob.start <= knob.high, (name, knob)


def test_choosing_a_query_shows_its_words(live):
    one = live(0)
    one.chooser.list.value = 7
    assert one.explorer.view.question == Question(query=7)
    assert one.text.value == "make it 7"
    one.chooser.find.value = "make it 1"
    assert [number for _, number in one.chooser.list.options] == [-1, 1, 10, 11]
    assert one.explorer.view.question == Question(query=7)  # looking for one is not choosing one
    one.chooser.find.value = "no such words"
    assert one.chooser.list.options[0][0] == "no query has these words"


def test_typing_other_words_asks_a_question_of_ones_own(live):
    one = live(3, method=TextOnly())
    before = shown(one)
    one.text.value = "make it loud"
    assert one.explorer.view.question == Question(query=3, modification="make it loud")
    assert shown(one) != before
    assert "No target is known" in one.board.status
    assert one.chooser.list.value == -1
    one.text.value = "make it 3"  # the benchmark's own words: its targets are known again
    assert (shown(one), one.chooser.list.value) == (before, 3)


def test_pressing_a_result_makes_it_the_reference_and_the_trail_leads_back(live):
    one = live(3)
    first = shown(one)
    press(one, row=first[1])
    assert one.explorer.view.question == Question(row=first[1], modification="make it 3")
    assert "picture-1 “make it 3”" in one.board.html  # the trail
    press(one, row=shown(one)[0])
    assert len(one.explorer.view.trail) == 2
    press(one, back=0)
    assert (shown(one), one.explorer.view.trail) == (first, ())


@pytest.mark.parametrize(
    "message", [{"row": 999}, {"row": -1}, {"row": True}, {"row": "3"}, {"back": 5}, {"x": 1}, {}]
)
def test_a_page_may_send_anything(live, message):
    one = live(3)
    before = one.explorer.view
    press(one, **message)
    one.board._handle_custom_msg("not even a mapping", [])
    assert one.explorer.view == before


def test_what_is_asked_in_another_cell_moves_the_board_and_its_controls(live):
    one = live(3)
    one.explorer.ask(method=PDVFusion(beta=0.2), other=Slerp(0.3), k=7, centred=True)
    assert shown(one) == [row for side in one.explorer.answer.rankings.values() for row in side.rows.tolist()]
    assert (one.first.list.value, slider(one.first, "beta").value) == ("pdv_f", 0.2)
    assert (one.second.list.value, slider(one.second, "alpha").value) == ("slerp", 0.3)
    assert (one.k.value, one.centred.value) == (7, True)
    before = slider(one.first, "beta")
    before.value = 0.25
    assert slider(one.first, "beta") is before  # a slider in somebody's hand is not replaced
    assert one.explorer.view.method == PDVFusion(beta=0.25)
    one.explorer.ask(other=None)
    assert one.second.list.value == "" and not one.second.sliders.children


def test_a_second_method_stands_beside_the_first(live):
    one = live(3)
    one.second.list.value = "slerp"
    answer = one.explorer.answer
    assert shown(one) == [*answer.first.rows.tolist(), *answer.second.rows.tolist()]
    slider(one.second, "alpha").value = 0.25
    assert one.explorer.view.other == Slerp(0.25)
    one.second.list.value = ""
    assert one.explorer.view.other is None
    assert 'data-side="second"' not in one.board.html


def test_a_dropped_picture_is_asked_about(live):
    one = live(3, method="cirevl")
    drop(one, "../holiday.png", png(colour=(1, 2, 3)))
    assert one.explorer.answer.reference == "holiday.png"
    assert "a square of colour (1, 2, 3), but make it 3" in one.board.html  # what the caption became
    assert one.board.problem == ""


@pytest.mark.parametrize(
    "data",
    [bomb(60_000, 60_000), bomb(5001, 5001), b"no picture", b""],
    ids=["huge", "large", "no picture", "empty"],
)
def test_a_dangerous_upload_is_refused_with_a_message_and_nothing_changes(live, data):
    one = live(3)
    view, html = one.explorer.view, one.board.html
    drop(one, "bomb.png", data)
    assert one.board.problem.startswith("bomb.png: ")
    assert (one.explorer.view, one.board.html) == (view, html)
    slider(one.first, "weight").value = 0.3
    assert one.board.problem == ""  # the next answer takes the alert away


def test_what_cannot_be_done_is_an_alert(live):
    one = live(3)
    html = one.board.html
    one.text.value = "  "
    assert "modification text is empty" in one.board.problem
    one.text.value = "make it loud"
    one.first.list.value = "searle"
    assert "known for the benchmark's own queries only" in one.board.problem
    assert one.board.html != html  # the answer before it is still there
    one.first.list.value = "slerp"
    assert one.board.problem == ""


def test_number_of_results_bars_code_and_save(live, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    one = live(3)
    one.k.value = 9
    assert len(shown(one)) == 9
    one.centred.value = True
    assert one.explorer.view.centred
    assert "wb-code" not in one.board.html
    one.show_code.value = True
    assert "explorer = Explorer(" in one.board.html and "centred=True" in one.board.html
    one.keep.click()
    (saved,) = (tmp_path / "cache" / "explorer").glob("*.json")
    assert saved.name in one.board.status


def test_there_is_no_output_widget_and_every_control_has_a_class_and_a_name(live):
    import ipywidgets as W

    one = live(3, other=Slerp(0.8))
    seen, left = [], [one.box]
    while left:
        widget = left.pop()
        seen.append(widget)
        left += getattr(widget, "children", ())
    assert not any(isinstance(widget, W.Output) for widget in seen)
    classes = {name for widget in seen for name in widget._dom_classes}
    assert classes >= {
        "wb-explorer",
        "wb-find",
        "wb-query",
        "wb-text",
        "wb-upload",
        "wb-method-first",
        "wb-method-second",
    }
    assert classes >= {"wb-k", "wb-centred", "wb-save", "wb-code-toggle", "wb-knob", "wb-knob-weight"}
    assert all(widget.description for widget in seen if hasattr(widget, "description"))


def test_a_method_that_is_not_registered_is_refused_by_name(explore):
    class Mine(WeightedSum):
        pass

    with pytest.raises(KeyError, match="Mine is not registered"):
        explore(method=Mine())


@pytest.mark.slow
def test_without_ipywidgets_still_pictures_work_and_live_ones_name_the_extra():
    program = """
import sys
sys.modules["ipywidgets"] = sys.modules["anywidget"] = None
import numpy as np
from tests.conftest import make_case
from tests.widgets.conftest import build
from workbench.widgets import Explorer
explorer = Explorer(build(make_case.__wrapped__()(5)), k=3)
assert explorer.figure().axes
assert "image/png" in explorer._repr_mimebundle_()
try:
    explorer.widget
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "pip install 'zscir-workbench[explore]'" in done.stdout
