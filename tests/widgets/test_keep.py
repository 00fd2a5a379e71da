"""What is taken home: code that runs and shows the same, files in one folder, a twin with the same content."""

import json

import numpy as np
import pytest

import workbench
from workbench.methods import PDVFusion, Product, Slerp
from workbench.paths import PathEscape
from workbench.widgets import Explorer
from workbench.widgets.view import Question


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(code: str) -> Explorer:
    names = {}
    exec(compile(code, "copied", "exec"), names)
    return names["explorer"]


@pytest.mark.parametrize(
    "given",
    [
        {"query": 3, "method": PDVFusion(beta=0.35), "other": Product(), "k": 7, "centred": True},
        {"query": 3, "modification": 'say "hi" \\ and\nmore', "method": Slerp(0.2)},
        {"reference": 9, "modification": "make it blue", "method": "pdv_t"},
    ],
    ids=["query", "other words", "gallery picture"],
)
def test_copied_code_shows_the_same_view(explore, case, monkeypatch, given):
    explorer = explore(**given)
    asked = []
    monkeypatch.setattr(
        workbench, "load_case", lambda *names, **more: asked.append((names, more)) or case, raising=False
    )
    monkeypatch.setattr("workbench.widgets.explorer.Makers", lambda *_: explorer.desk.makers)
    copied = run(explorer.code())
    assert asked == [(("arrays", "toy", "val"), {"recomposer": "toy-editor"})]
    assert copied.view == explorer.view
    assert copied.answer.first.rows.tolist() == explorer.answer.first.rows.tolist()
    assert copied.answer.first.scores.tolist() == explorer.answer.first.scores.tolist()


def test_copied_code_reads_a_picture_of_ones_own_from_where_it_runs(
    explore, case, own_picture, home, monkeypatch
):
    (home / own_picture.name).write_bytes(own_picture.data)
    explorer = explore(picture=own_picture, modification="make it blue")
    monkeypatch.setattr(workbench, "load_case", lambda *_, **__: case, raising=False)
    monkeypatch.setattr("workbench.widgets.explorer.Makers", lambda *_: explorer.desk.makers)
    assert run(explorer.code()).answer.first.rows.tolist() == explorer.answer.first.rows.tolist()


@pytest.mark.slow
def test_copied_code_runs_on_the_built_in_world():
    """Nothing replaced: the case is loaded by the names in the code."""
    case = workbench.load_case("tinycir", "tiny-coca", "val")
    explorer = Explorer(
        case,
        reference="tc-0017",
        modification="make it green",
        method="pdv_f(beta=0.6)",
        other="slerp(alpha=0.8)",
    )
    copied = run(explorer.code())
    for side, ranking in explorer.answer.rankings.items():
        assert copied.answer.rankings[side].rows.tolist() == ranking.rows.tolist()
    assert "green" in explorer.answer.texts["composed_caption"]


def test_saving_writes_a_picture_and_its_facts_into_one_folder(explore, home, own_picture):
    explorer = explore(4, method=PDVFusion(), other=Product(), k=6)
    picture, data = explorer.save()
    assert picture.parent == data.parent == home / "cache" / "explorer"
    assert picture.read_bytes().startswith(b"\x89PNG")
    facts = json.loads(data.read_text("utf-8"))
    first = facts["rankings"][0]
    assert [one["score"] for one in first["results"]] == explorer.answer.first.scores.tolist()
    assert first["results"][0]["made_of"].keys() == {"image", "caption"}
    assert (first["method"], facts["query"], facts["texts"]["modification"]) == ("pdv_f", "q4", "make it 4")
    assert first["targets"] == {f"picture-{row}": rank for row, rank in explorer.answer.first.ranks.items()}
    assert facts["code"] == explorer.code()
    assert explorer.save() == (picture, data)  # the same view, the same name
    explorer.ask(question=Question(picture=own_picture, modification="a/../../b"))
    assert explorer.save()[0].parent == home / "cache" / "explorer"


def test_no_name_leads_out_of_the_folder(explore, home):
    for name in ("../escaped", "/tmp/escaped", "a/../../escaped"):
        with pytest.raises(PathEscape):
            explore(1).save(name)
    assert not list(home.rglob("escaped*"))
    assert [path.name for path in explore(1).save("mine")] == ["mine.png", "mine.json"]


def test_the_twin_shows_what_the_board_shows(explore):
    explorer = explore(3, method=PDVFusion(), other=Slerp(0.8), k=13)
    figure, answer = explorer.figure(), explorer.answer
    texts = [text.get_text() for axes in figure.axes for text in (*axes.texts, axes.title, axes._left_title)]
    for ranking in answer.rankings.values():
        assert any(answer.standing(ranking) in text for text in texts)
        for place, score in enumerate(ranking.scores):
            assert any(text.startswith(f"{place + 1} ") and f"{score:.3f}" in text for text in texts)
        assert [f"{ranking.ranks[row]} ✓" for row in ranking.lower] == [
            text for row in ranking.lower for text in texts if text == f"{ranking.ranks[row]} ✓"
        ] or not ranking.lower
    pictures = sum(len(axes.images) for axes in figure.axes)
    assert pictures == 1 + 2 * 13 + sum(len(one.lower) for one in answer.rankings.values())
    heights = [
        bar.get_height()
        for axes in figure.axes
        for bar in axes.patches
        if bar.get_width() == pytest.approx(0.7)
    ]
    drawn = [v for one in answer.rankings.values() for v in np.concatenate(list(one.contributions.values()))]
    np.testing.assert_allclose(sorted(heights), sorted(drawn), atol=1e-9)
    assert "picture-1: “make it 3”" in figure.get_suptitle()


def test_the_twin_needs_no_pictures(explore, case):
    from dataclasses import replace

    bare = replace(
        case, benchmark=replace(case.benchmark, gallery=replace(case.benchmark.gallery, images=None))
    )
    explorer = explore(3, case=bare, method=Product())
    assert not any(axes.images for axes in explorer.figure().axes)
    assert "product is not a weighted sum" in explorer.figure().get_supxlabel()
