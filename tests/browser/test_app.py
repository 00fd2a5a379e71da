"""The demo app as somebody in front of a browser meets it: three tabs, by keyboard and mouse, and what they show."""

from __future__ import annotations

import io
import re
import struct
import urllib.error
import urllib.request
import zlib

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.pages import NAMELESS
from workbench.methods import CIReVL, PDVFusion
from workbench.score.ranks import target_ranks
from workbench.widgets import panels
from workbench.widgets.space import Setting, Space


@pytest.fixture
def app(screen):
    """The page, on its first tab and with the map as it was at the start."""
    page = screen("app")
    if page.page.url == "about:blank":
        page.goto(page.server.url)
    page.tab("Compose")
    expect(page.locator(".wb-result").first).to_be_visible()
    return page


@pytest.fixture
def map_(app):
    """The map's tab, nothing moved and nothing chosen."""
    app.tab("Map")
    app.locator(".wb-map canvas").first.wait_for()
    app.home(".wb-map-gap", ".wb-map-alpha")
    app.locator(".wb-map-clear").click()
    app.locator(".wb-map-colour select").select_option("modality")
    app.shows(".wb-map .wb-status", re.compile(r"^Nothing is selected\. CIReVL: .* ms\)"))
    return app


@pytest.fixture(scope="package")
def space(case):
    return Space(case, CIReVL())


def standing(case, method, query: int) -> str:
    ranks = target_ranks(method.score(case), case.benchmark.qrels["default"])[query]
    return f"arget at rank {ranks.min():,} of "


def test_the_first_tab_answers_a_query_of_the_benchmark(app, case):
    app.shows(".wb-target-rank", standing(case, CIReVL(), 0))
    app.count(".wb-result:visible", 20)
    app.count(".wb-result.wb-target:visible", 1)


def test_two_methods_stand_side_by_side(app, case):
    app.tab("Side by side")
    app.shows("[data-side=second] .wb-method", "PDV-F")
    app.shows("[data-side=second] .wb-target-rank", standing(case, PDVFusion(), 0))
    app.count("[data-side=first]:visible .wb-result", 12)
    app.count("[data-side=second]:visible .wb-result .wb-move", 12)


def test_a_hub_of_the_list_answers_with_whom_it_captures(map_, space):
    hub = space.at(Setting()).capture.hubs.iloc[0]
    places = int(hub["n_k"])
    hubs = map_.locator(".wb-map-hubs select")
    hubs.focus()
    hubs.press("ArrowDown")
    map_.shows(".wb-map .wb-board h3", f"Hub {hub['picture']}: in {places} of 500 lists of 10")
    map_.shows(".wb-map .wb-status", f"Selected: 1 picture, {places} texts")
    map_.count(".wb-captured tbody tr", places)
    map_.locator(".wb-captured .wb-target").first.click()  # click through: the target is looked at next
    map_.shows(".wb-map .wb-status", re.compile("Selected: 1 picture"))
    expect(map_.locator(".wb-map .wb-board h3")).not_to_contain_text(hub["picture"])


def test_sliders_redraw_measures_and_curve_together(map_, space):
    curve = map_.locator(".wb-curve path").last
    expect(curve).to_be_visible()
    before = curve.get_attribute("d")
    map_.step(map_.locator(".wb-map-gap"), times=4)
    map_.step(map_.locator(".wb-map-alpha"), times=10)
    now = space.at(Setting(gap=0.2, alpha=0.5))
    map_.shows(".wb-map .wb-status", "20% of the gap closed, NNN alpha 0.5")
    for name, value in now.measures().items():
        shown = panels.number(value, name.startswith(panels.SHARES))
        map_.shows(f".wb-measures tr:has(th:text-is('{name}')) td:nth-of-type(2)", shown)
    assert curve.get_attribute("d") != before


def test_a_lasso_answers_with_pictures(map_):
    canvas = map_.locator(".wb-map canvas").first
    expect(canvas).to_be_visible()
    map_.locator(".wb-map button[title*=asso]").first.click()
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.05
    map_.mouse.move(x, y)
    map_.mouse.down()
    for dx, dy in ((0.2, 0), (0.2, 0.4), (0, 0.4), (0, 0)):
        map_.mouse.move(x + dx * box["width"], y + dy * box["height"], steps=8)
    map_.mouse.up()
    map_.shows(".wb-map .wb-status", re.compile(r"Selected: [\d,]+ pictures"))
    chosen = re.search(r"Selected: ([\d,]+) pictures", map_.locator(".wb-map .wb-status").inner_text()).group(
        1
    )
    map_.shows(".wb-map .wb-board h3", f"{chosen} pictures, 24 of them shown")
    map_.count(".wb-map .wb-grid .wb-pick", 24)


def test_colours_have_their_classes_and_counts(map_, space):
    """Without sliders texts lie in the left half of the drawing, pictures in the right one."""
    map_.shows(".wb-classes", "image (4,264)")
    assert seen(map_, is_orange, "left")
    map_.locator(".wb-map-colour select").select_option("N_k")
    never = int((space.at(Setting()).capture.n_k == 0).sum())
    map_.shows(".wb-classes", f"never found ({never:,})")
    assert seen(map_, is_purple, "right")
    assert not seen(map_, is_orange, "left", times=1)
    map_.locator(".wb-map-colour select").select_option("kind of edit")
    map_.shows(".wb-classes", "swap")


def is_orange(r, g, b):
    """The texts' colour, opaque or on white."""
    return (r > 190) & (g < 145) & (b < 90)


def is_purple(r, g, b):
    """The colour of the greatest hubs."""
    return (r > g + 50) & (b > g + 25) & (r < 200)


def seen(screen, colour, half: str, times: int = 100) -> bool:
    """Whether half of the drawing shows at least 20 pixels of a colour, looked for so many times."""
    for _ in range(times):
        picture = Image.open(io.BytesIO(screen.locator(".wb-map canvas").first.screenshot())).convert("RGB")
        left, right = np.array_split(np.asarray(picture, int), 2, axis=1)
        if colour(*(left if half == "left" else right).transpose(2, 0, 1)).sum() >= 20:
            return True
        screen.page.wait_for_timeout(200)  # until it is drawn: pixels send no events
    return False


def test_everything_has_a_name_and_fits_at_200_percent(app):
    app.set_viewport_size({"width": 640, "height": 500})  # 1280 x 1000 at 200 %
    for title in ("Compose", "Map", "Side by side"):
        app.tab(title)
        expect(app.locator(".wb-map, .wb-explorer").locator("visible=true").first).to_be_visible()
        assert app.evaluate(NAMELESS) == []
        assert app.evaluate("document.body.scrollWidth - window.innerWidth") <= 1
        app.picture(f"at_200_percent_{title.replace(' ', '_').lower()}")


def test_an_upload_is_refused_where_it_is_too_large_or_no_picture(app, tmp_path):
    for name, content, why in (
        ("large.png", b"\x89PNG" + bytes(11 * 2**20), "10,485,760 allowed"),
        ("wide.png", blank(6_000), "pixels are more than the 25,000,000 allowed"),
        ("bomb.png", blank(20_000), "decompression bomb"),
        ("words.png", b"not a picture", "not a picture"),
    ):
        (tmp_path / name).write_bytes(content)
        with app.expect_file_chooser() as chooser:
            app.locator(".wb-upload:visible").click()
        chooser.value.set_files(tmp_path / name)
        app.shows(".wb-alert", why)
    app.count(".wb-result:visible", 20)  # the answer before it stays


def blank(side: int) -> bytes:
    """A PNG of so many pixels squared in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def test_nobody_comes_in_without_the_token(servers):
    where = servers["app"].url.partition("?")[0]
    assert where.startswith("http://127.0.0.1:")
    for page in ("", "api/kernels/none"):
        assert "/login?" in urllib.request.urlopen(where + page).url
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{where}voila/files/voila.json")
