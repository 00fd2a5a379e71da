"""SpaceMap: one look, shown still and live; the live form driven without a browser."""

import re
from dataclasses import replace

import numpy as np
import pytest

from workbench import maps
from workbench.errors import UserError
from workbench.methods import CIReVL, WeightedSum
from workbench.widgets import SpaceMap, frontend, panels
from workbench.widgets.spacemap_live import LiveSpaceMap


@pytest.fixture
def space_map(case):
    return SpaceMap(case, CIReVL(), k=5)


@pytest.fixture
def live(space_map):
    return LiveSpaceMap(space_map)


def hub_of(space_map) -> int:
    return int(space_map.hubs().iloc[0]["item"])


def test_a_hub_is_chosen_with_the_texts_that_it_captures(space_map):
    hub = hub_of(space_map)
    rows, queries = space_map.show_hub(hub).chosen
    assert rows == [hub]
    assert len(queries) == space_map.now.capture.n_k[hub]
    html = space_map.answer_html(lambda row: f"picture-{row}.jpg")
    assert f"in {len(queries)} of 12 lists of 5" in html
    assert len(re.findall("<tr>", html)) == 1 + len(queries)
    targets = space_map.now.capture.places.query("item == @hub")["target"]
    assert all(f"picture-{target}.jpg" in html for target in targets)
    assert space_map.show_hub(None).chosen == ([], [])


def test_a_picture_that_is_no_hub_says_so(space_map):
    lonely = int(np.flatnonzero(space_map.now.capture.n_k == 0)[0])
    html = space_map.show_hub(lonely).answer_html(lambda row: "")
    assert "In 0 of 12 lists of 5: no hub at this setting" in html


def test_chosen_pictures_come_most_frequent_first_and_queries_worst_first(space_map):
    space_map.change(points=(*range(40), 40, 41, 42))
    html = space_map.answer_html(lambda row: "")
    shown = [int(n) for n in re.findall(r"<span>N_5 = (\d+)</span>", html)]
    assert shown == sorted(space_map.now.capture.n_k, reverse=True)[: panels.MOST]
    assert "40 pictures, 24 of them shown" in html
    ranks = [int(n) for n in re.findall(r"<td>(\d+)</td></tr>", html)]
    assert ranks == sorted(space_map.now.ranks[:3], reverse=True)


def test_words_of_others_are_escaped(case):
    bad = "<script>alert(1)</script>"
    queries = tuple(replace(query, modification=(bad,)) for query in case.benchmark.queries)
    ids = (bad, *case.benchmark.gallery.ids[1:])
    gallery = replace(case.benchmark.gallery, ids=ids)
    texts = {**case.texts, "composed_caption": (bad,) * 12}
    case = replace(case, benchmark=replace(case.benchmark, queries=queries, gallery=gallery), texts=texts)
    space_map = SpaceMap(case, CIReVL(), k=5).change(points=(0, 40, 41))
    assert "<script" not in space_map.answer_html(lambda row: "")
    assert "<script" not in space_map.show_hub(0).answer_html(lambda row: "")
    assert "&lt;script" in space_map.show_hub(0).answer_html(lambda row: "")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"points": (52,)}, "no point 52: there are 40 pictures"),
        ({"hub": 40}, "no hub 40"),
        ({"colour": "modalities"}, "Did you mean|Known: modality"),
        ({"lines": "al"}, "Known: all, chosen, none"),
        ({"texts": "captions"}, "At hand: composed_caption"),
        ({"how": "pac"}, "expected pca or umap"),
    ],
)
def test_what_cannot_be_shown_changes_nothing(space_map, wrong, words):
    look = space_map.look
    with pytest.raises(UserError, match=words):
        space_map.change(**wrong)
    assert space_map.look == look


def test_the_figure_shows_the_look(space_map):
    hub = hub_of(space_map)
    figure = space_map.change(gap=0.5, alpha=0.5, colour="N_k", lines="chosen").show_hub(hub).figure()
    points, curve, table, *pictures = figure.axes
    drawn = sum(
        len(one.get_offsets())
        for one in points.collections
        if hasattr(one, "get_sizes") and len(one.get_sizes())
    )
    assert drawn == 52 + len(space_map.look.points)  # every point, and the rings of the chosen ones
    assert len(points.collections[0].get_segments()) == len(space_map.chosen[1])
    assert curve.lines[1].get_ydata()[0] == space_map.now.capture.n_k.max()
    cells = {cell.get_text().get_text() for cell in table.tables[0].get_celld().values()}
    assert f"{space_map.now.gap:.3g}" in cells
    assert pictures[0].get_title() == f"hub, N_5 = {space_map.now.capture.n_k[hub]}"
    assert "50% of the gap closed, NNN alpha 0.5" in figure.get_suptitle()
    assert "NNN's bank: each half of the queries for the other" in figure.get_supxlabel()


def test_a_batch_run_shows_the_figure_and_builds_no_widget(space_map, monkeypatch):
    monkeypatch.setattr(frontend, "is_live", lambda: False)
    monkeypatch.setattr(SpaceMap, "widget", property(lambda self: pytest.fail("a widget was built")))
    shown = space_map._repr_mimebundle_()
    assert set(shown) == {"text/plain", "image/png"}
    assert shown["image/png"].startswith(b"\x89PNG")


def test_a_case_without_a_gallery_of_pictures_still_has_a_map(case):
    bench = replace(case.benchmark, gallery=replace(case.benchmark.gallery, images=None))
    space_map = SpaceMap(replace(case, benchmark=bench), WeightedSum(), k=5)
    assert space_map.show_hub(hub_of(space_map)).figure().axes
    LiveSpaceMap(space_map)


def test_controls_change_the_look_and_what_is_shown(live):
    html = live.measures.value
    live.controls["gap"].value = 0.5
    assert live.map.look.gap == 0.5
    assert "50% of the gap closed" in live.board.status
    assert live.measures.value != html
    live.controls["colour"].value = "N_k"
    assert "never found" in live.legend.value
    live.controls["method"].value = WeightedSum()
    assert live.map.look.method == WeightedSum()


def test_what_fails_is_an_alert_and_the_control_goes_back(live, monkeypatch):
    def missing(union, seed):
        raise maps.MapError("how='umap' needs umap-learn")

    monkeypatch.setattr(maps, "_stored_umap", lambda union, seed, cache: missing(union, seed))
    live.controls["how"].value = "umap"
    assert "needs umap-learn" in live.board.problem
    assert live.controls["how"].value == "pca" == live.map.look.how
    live.controls["gap"].value = 0.25
    assert live.board.problem == ""


def test_a_lasso_chooses_points_and_a_click_on_a_picture_a_hub(live):
    live.drawing.widget.selection = np.array([3, 5, 44], np.uint32)
    assert live.map.look.points == (3, 5, 44)
    assert live.board.status.startswith("Selected: 2 pictures, 1 text.")
    hub = hub_of(live.map)
    live.drawing.widget.selection = np.array([hub], np.uint32)
    assert live.map.look.hub == hub == live.hubs.value
    assert live.map.look.points == live.map.captured(hub)
    assert list(live.drawing.widget.selection) == list(live.map.captured(hub))
    live.clear.click()
    assert live.map.look.points == ()
    assert live.hubs.index == 0


def test_the_list_of_hubs_and_the_pictures_choose_hubs(live):
    hub = live.hubs.options[1][1]
    live.hubs.value = hub
    assert f"Hub {live.map.case.benchmark.gallery.ids[hub]}" in live.board.html
    lonely = int(np.flatnonzero(live.map.now.capture.n_k == 0)[0])
    live.board._message(None, {"row": lonely}, None)
    assert live.map.look.hub == lonely == live.hubs.value
    live.board._message(None, {"row": 999}, None)
    assert "no hub 999" in live.board.problem
    assert live.map.look.hub == lonely


def test_lines_lead_from_texts_to_targets_by_points_of_their_own(live):
    table, space = live.drawing.widget.points, live.map.space
    assert table.shape == (40 + 12 + 12, 5)
    for q in range(12):
        on_line = np.flatnonzero(table[:, 4] == 40 + q)
        assert on_line.tolist() == [40 + q, 52 + q]
        assert np.allclose(table[52 + q, :2], table[space.labelled[q], :2])
    assert live.drawing.points([52, space.labelled[0], 41]) == (space.labelled[0], 41)
    live.controls["lines"].value = "none"
    assert len(set(live.drawing.widget.points[:, 4])) == 64


def test_points_stay_on_the_drawing_and_are_sent_once_more(live):
    live.controls["gap"].value = 1.0
    table = live.drawing.widget.points
    assert np.abs(table[:, :2]).max() <= 1
    live.drawing._send_again()
    again = live.drawing.widget.points
    assert 0 < np.abs(again - table).max() < 1e-5
    live.drawing._send_again()
    assert (live.drawing.widget.points != again).any()


def test_every_control_has_its_words(live):
    for name, control in {**live.controls, "order": live.order, "hubs": live.hubs}.items():
        assert control.description, name
        assert f"wb-map-{name}" in control._dom_classes


def test_the_curve_passes_through_the_counts(space_map):
    before, now = space_map.before, space_map.change(alpha=1.0).now
    paths = re.findall(r'<path d="M 34 ([\d.]+)', panels.n_k_curve(before, now))
    highest = max(before.capture.n_k.max(), now.capture.n_k.max())
    tops = [148 - 136 * moment.capture.n_k.max() / highest for moment in (before, now)]
    assert [float(top) for top in paths] == pytest.approx(tops, abs=0.06)
