"""An explorer in JupyterLab: a notebook is run from its menu, and a query composed by hand."""

from __future__ import annotations

import nbformat
import pytest
from playwright.sync_api import expect

from workbench.methods import PDVFusion, WeightedSum
from workbench.score.ranks import target_ranks

CELLS = (
    'import workbench.notebook as nb\nfrom workbench.case import load_case\nfrom workbench.widgets import Explorer, SpaceMap\ncase = load_case("tinycir", "tiny-coca", "val")',
    "Explorer(case)",
    "SpaceMap(case)",
)


@pytest.fixture
def lab(screen):
    """A notebook with both widgets, all of it run."""
    page = screen("lab")
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(book, page.server.folder / "explore.ipynb")
    page.goto(page.server.url.replace("/lab?", "/lab/tree/explore.ipynb?"))
    page.locator(".jp-Notebook .jp-CodeCell").nth(2).wait_for()
    page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
    page.locator(".lm-Menu-itemLabel").get_by_text("Run All Cells", exact=True).click()
    expect(page.locator(".wb-explorer .wb-result").first).to_be_visible()
    return page


def rank_text(case, method, query: int) -> str:
    ranks = target_ranks(method.score(case), case.benchmark.qrels["default"])[query]
    return f"arget at rank {ranks.min():,} of "


def test_a_query_is_composed_by_hand(lab, case):
    lab.shows(".wb-target-rank", rank_text(case, WeightedSum(), 0))
    choose_a_query(lab, case)
    write_other_words(lab)
    click_through(lab)
    each_slider_by_keyboard(lab, case)
    lab.locator(".wb-map canvas").first.scroll_into_view_if_needed()
    lab.shows(".wb-map .wb-status", "Nothing is selected")


def choose_a_query(lab, case) -> None:
    """Found by typing its id, chosen from the list: the shown rank is the package's."""
    find = lab.locator(".wb-find input")
    find.click()
    lab.keyboard.type("val-0007")
    choice = lab.locator(".wb-query select")
    expect(choice.locator("option")).to_have_count(2)
    choice.select_option(index=1)
    lab.shows(".wb-modification", case.texts["modification"][7])
    lab.shows(".wb-target-rank", rank_text(case, WeightedSum(), 7))


def each_slider_by_keyboard(lab, case) -> None:
    """One step on every slider of PDV-F: the rank that is shown is that of the method with these values."""
    lab.locator(".wb-method-first select").select_option("PDV-F")
    lab.shows("[data-side=first] .wb-method", "PDV-F")
    values = {}
    for name, step in (("alpha_image", 1.45), ("alpha_text", 1.25), ("beta", 0.8)):
        slider = lab.locator(f".wb-method-first .wb-knob-{name}")
        lab.step(slider)
        values[name] = step
        expect(slider.locator(".widget-readout")).to_have_text(f"{step:.2f}")
        lab.shows("[data-side=first] .wb-method", f"{name}={step:g}")
    lab.shows(".wb-target-rank", rank_text(case, PDVFusion(**values), 7))


def write_other_words(lab) -> None:
    words = lab.locator(".wb-text input")
    words.fill("")
    words.type("in green")
    words.press("Enter")
    lab.shows(".wb-modification", "in green")
    lab.shows(".wb-target-rank", "No target is known")
    lab.count("[data-side=first] .wb-result", 20)


def click_through(lab) -> None:
    """A result becomes the reference; the trail leads back to the query."""
    first = lab.locator(".wb-result").first
    name = first.get_attribute("title").split("picture ")[1].split(",")[0]
    first.click()
    lab.shows(".wb-reference figcaption", name)
    lab.count(".wb-trail .wb-back", 1)
    lab.locator(".wb-back").click()
    lab.count(".wb-trail .wb-back", 0)
    lab.locator(".wb-query select").select_option(index=1)
    lab.shows(".wb-target-rank", "arget at rank")
