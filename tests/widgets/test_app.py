"""App: three tabs over one case, each built when it is looked at; the page that serves them."""

import json
from pathlib import Path

import nbformat
import pytest

from workbench.methods import parse_method
from workbench.registry import UnknownName
from workbench.widgets import App, frontend

PAGE = Path(__file__).resolve().parents[2] / "app"


@pytest.fixture
def app(case):
    return App(case, "weighted_sum", "slerp(alpha=0.8)")


def test_tabs_are_built_when_they_are_looked_at(app):
    tabs = app.widget
    assert tabs.titles == ("Compose", "Map", "Side by side")
    classes = [holder.children[0]._dom_classes for holder in tabs.children]
    assert "wb-explorer" in classes[0]
    assert classes[1] == classes[2] == ()
    tabs.selected_index = 2
    assert "wb-explorer" in tabs.children[2].children[0]._dom_classes
    tabs.selected_index = 1
    assert "wb-map" in tabs.children[1].children[0]._dom_classes


def test_all_tabs_start_with_the_same_method(app):
    assert app.explorer.view.method == app.side_by_side.view.method == app.map.look.method
    assert app.side_by_side.view.other == parse_method("slerp(alpha=0.8)")
    assert app.figure().axes


def test_a_batch_run_builds_no_widget(app, monkeypatch):
    monkeypatch.setattr(frontend, "is_live", lambda: False)
    monkeypatch.setattr(App, "widget", property(lambda self: pytest.fail("a widget was built")))
    assert set(app._repr_mimebundle_()) == {"text/plain", "image/png"}


def test_an_unknown_method_is_refused(case):
    with pytest.raises(UnknownName, match="slerp"):
        App(case, "slrep")


def test_the_page_is_this_machine_s_own_and_asks_for_a_token():
    voila = json.loads((PAGE / "voila.json").read_text())
    assert voila["Voila"]["ip"] == "127.0.0.1"
    assert voila["Voila"]["auto_token"] is True
    assert voila["Voila"]["tornado_settings"]["websocket_max_message_size"] <= 32 * 2**20


def test_the_page_fetches_nothing_from_elsewhere():
    template = (PAGE / "voila" / "templates" / "workbench" / "index.html.j2").read_text()
    assert "http" not in template
    assert "super.super()" in template  # past the block of Voila's that links an icon font


def test_the_notebook_is_small_and_clean():
    book = nbformat.read(PAGE / "workbench.ipynb", as_version=4)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[]]
    assert code[0].source.endswith('App(load_case("tinycir", "tiny-coca", "val"))')
