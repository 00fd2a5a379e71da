"""What notebooks share does what it says: numbers are held, figures kept, notebooks cleaned."""

import dataclasses
from dataclasses import dataclass

import nbformat
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import workbench.notebook as nb
from tests.encode.tiny import Pictures
from workbench import evaluate
from workbench.data.benchmark import Benchmark, Card, Gallery, Qrels, Query
from workbench.methods import ImageOnly, Slerp, TextOnly, WeightedSum
from workbench.paths import PathEscape
from workbench.plots.style import same_drawing
from workbench.score.similarities import Similarities


@dataclass(frozen=True)
class SmallCase:
    """Random rows behind a benchmark of eight pictures."""

    benchmark: Benchmark
    encoder: str
    parts: dict
    views: dict

    def similarities(self, terms):
        return Similarities(self.parts, self.views, tuple(terms))


def small_case(name: str = "tinycir", split: str = "val", encoder: str = "tiny-coca@1.2") -> SmallCase:
    rng = np.random.default_rng(0)
    ids = tuple(f"p{i}" for i in range(8))
    queries = tuple(Query(f"q{i}", i, ids[i], (f"change {i}",)) for i in range(6))
    qrels = Qrels(np.arange(1, 7)[:, None], np.arange(6)[:, None])
    bench = Benchmark(
        name,
        split,
        queries,
        Gallery(ids, Pictures(8)),
        {"default": qrels},
        ("hit@1",),
        {},
        Card(name, "", "", ""),
    )
    parts = {part: rng.normal(size=(6, 4)).astype(np.float32) for part in ("reference_image", "modification")}
    return SmallCase(bench, encoder, parts, {"image": rng.normal(size=(8, 4)).astype(np.float32)})


def test_expect_prints_the_expected_value_and_not_the_measured_one(capsys):
    nb.expect("hit@1", 0.4137, 0.41, within=0.01)
    assert capsys.readouterr().out == "hit@1: 0.41 (within 0.01) ok\n"


@pytest.mark.parametrize("value", [0.43, 0.39, float("nan")])
def test_expect_raises_with_both_numbers(value):
    with pytest.raises(nb.ExpectationError, match=rf"hit@1: got {value}, expected 0.41 within 0.01"):
        nb.expect("hit@1", value, 0.41, within=0.01)


@pytest.mark.parametrize(
    ("name", "split", "encoder"),
    [("cirr", "val", "tiny-coca@1"), ("tinycir", "test", "tiny-coca@1"), ("tinycir", "val", "ViT-L-14@1")],
)
def test_nothing_is_expected_of_another_case(name, split, encoder, capsys):
    nb.expect("hit@1", 0.9, 0.41, within=0.01, case=small_case(name, split, encoder))
    assert capsys.readouterr().out == "hit@1: 0.9\n"


def test_nothing_is_expected_under_other_parameters(capsys):
    nb.expect("hit@1", 0.9, 0.41, within=0.01, case=small_case(), when=False)
    assert capsys.readouterr().out == "hit@1: 0.9\n"
    with pytest.raises(nb.ExpectationError):
        nb.expect("hit@1", 0.9, 0.41, within=0.01, case=small_case(), when=True)


def test_the_built_in_case_is_held_to_it():
    with pytest.raises(nb.ExpectationError):
        nb.expect("hit@1", 0.9, 0.41, within=0.01, case=small_case())


def test_a_finding_is_the_title_of_its_own_case_only():
    said = ("A beats B", "A and B")
    assert nb.title(*said) == nb.title(*said, case=small_case()) == "A beats B"
    assert nb.title(*said, case=small_case("cirr")) == nb.title(*said, when=False) == "A and B"


def test_curve_is_evaluate_at_each_value():
    case, weights = small_case(), [0.0, 0.5, 1.0]
    families = {"weighted_sum": WeightedSum, "slerp": Slerp}
    curve = nb.curve(case, families, "weight", weights, ["hit@1", "map@5"])
    assert len(curve) == 2 * 3 * 2
    for family, make in families.items():
        for weight in weights:
            rows = curve[(curve["method"] == family) & (curve["weight"] == weight)]
            one = nb.results_table(nb.evaluate(case, [make(weight)], ["hit@1", "map@5"]), ["hit@1", "map@5"])
            np.testing.assert_allclose(rows["mean"], one["mean"])
            np.testing.assert_allclose(rows["low"], one["low"])
    ends = curve[curve["metric"] == "map@5"].set_index(["method", "weight"])["mean"]
    image = nb.evaluate(case, [ImageOnly()], ["map@5"])["map@5"].mean()
    assert ends["weighted_sum", 0.0] == ends["slerp", 0.0] == pytest.approx(image)


def test_steps_of_an_exact_line_hold_what_evaluate_gives_between_them():
    case = small_case()
    lines = {"weighted_sum": nb.line(case, WeightedSum(-1.0), WeightedSum(3.0))}
    frame = nb.steps(lines, "weight", (-1.0, 3.0), ["hit@1", "map@5"])
    assert list(frame) == ["method", "metric", "weight", "value"]
    for metric, rows in frame.groupby("metric"):
        assert rows["weight"].is_monotonic_increasing
        assert rows["weight"].iloc[[0, -1]].tolist() == [-1.0, 3.0]
        assert rows["value"].nunique() > 1
        for weight in (-0.7, 0.1, 0.35, 2.2):
            there = rows.loc[rows["weight"] <= weight, "value"].iloc[-1]
            assert there == pytest.approx(evaluate(case, [WeightedSum(weight)], [metric])[metric].mean())


def test_shares_sum_to_one_and_lack_nothing():
    table = nb.shares(small_case(), [ImageOnly(), WeightedSum(0.25), Slerp(0.5)])
    assert table.loc["image_only"].to_dict() == {"modification": 0.0, "reference_image": 1.0}
    assert table.loc["weighted_sum(weight=0.25)"].tolist() == [0.25, 0.75]
    assert table.loc["slerp(alpha=0.5)"].tolist() == pytest.approx([0.5, 0.5])


def test_triplets_mark_targets_and_leave_the_reference_out():
    case = small_case()
    (triplet,) = nb.triplets(case, {"image_only": ImageOnly(), "text_only": TextOnly()}, [2], k=7)
    assert triplet.modification == "change 2"
    scores = ImageOnly().score(case)[2]
    order = [int(n) for n in np.argsort(-scores) if n != 2]
    shown = triplet.results["image_only"]
    assert [np.asarray(p).tolist() for p in shown.pictures] == [
        np.asarray(case.benchmark.gallery.images[n]).tolist() for n in order
    ]
    assert list(shown.is_target) == [n == 3 for n in order]
    sheet = nb.show_triplets(case, {"image_only": ImageOnly()}, [2], "t", k=3)
    assert len([axes for axes in sheet.axes if axes.images]) == 4


def test_targets_and_subset_of_a_query_on_one_sheet():
    bench = small_case().benchmark
    subset = Qrels(np.array([[1]] * 6), candidates=np.array([[5, 1, 7]] * 6))
    bench = dataclasses.replace(bench, qrels={**bench.qrels, "subset": subset})
    sheet = nb.show_targets(bench, [0, 2], "t")
    shown = [axes.get_title() for axes in sheet.axes if axes.images]
    assert shown == ["reference image", "✓", "", "✓", ""] * 2
    without = nb.show_targets(small_case().benchmark, [0], "t")
    assert len([axes for axes in without.axes if axes.images]) == 2


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    return tmp_path


def line(height: float) -> Figure:
    figure = Figure()
    axes = figure.subplots()
    axes.plot([0, 1], [0, height])
    axes.set_ylim(0, 1)
    return figure


def test_a_figure_that_looks_the_same_leaves_the_file_alone(home):
    assert nb.save_figure(line(0.5), "03_curve") is None  # a path would be a cell's output
    path = home / "figures" / "03_curve.svg"
    before = path.read_text()
    nb.save_figure(line(0.5 + 1e-6), "03_curve")
    assert path.read_text() == before
    nb.save_figure(line(0.6), "03_curve")
    assert path.read_text() != before


def test_drawings_with_other_words_are_not_the_same():
    def titled(text):
        figure = Figure()
        figure.suptitle(text)
        return nb.svg(figure)

    assert same_drawing(titled("hit 0.41"), titled("hit 0.41"))
    assert not same_drawing(titled("hit 0.41"), titled("hit 0.42"))


@pytest.mark.parametrize(
    ("name", "folder"), [("../../03_x", "figures"), ("03_x", "../elsewhere"), ("03_x", "/etc")]
)
def test_figures_stay_at_home(home, name, folder):
    with pytest.raises(PathEscape):
        nb.save_figure(line(1), name, folder)


def test_show_gives_markdown_and_plain_text(monkeypatch):
    shown = []
    monkeypatch.setattr(nb, "display", lambda data, raw: shown.append(data))
    nb.show(pd.DataFrame({"edit": ["swap"], "queries": [7]}))
    assert set(shown[0]) == {"text/markdown", "text/plain"}
    assert "| swap" in shown[0]["text/markdown"]


def test_load_case_asks_for_what_the_methods_need(monkeypatch):
    asked = {}
    monkeypatch.setattr(
        nb.cases,
        "load_case",
        lambda *names, terms, recomposer: asked.update(names=names, terms=terms, recomposer=recomposer),
    )
    nb.load_case("tinycir", "tiny-coca", "val", ImageOnly(), WeightedSum())
    assert asked["names"] == ("tinycir", "tiny-coca", "val")
    assert {part for part, _ in asked["terms"]} == {"reference_image", "modification"}
    assert asked["recomposer"].id.startswith("rules")


@pytest.fixture
def messy(tmp_path):
    """A notebook as papermill and JupyterLab leave it."""
    output = nbformat.v4.new_output
    outputs = [
        output("stream", name="stdout", text="kept\n"),
        output("stream", name="stderr", text="a warning"),
        output("display_data", {"image/svg+xml": "<svg/>", "text/plain": "<SVG object>"}),
        output("execute_result", {"text/html": "<b>7</b>", "text/plain": "7"}, execution_count=1),
        output("display_data", {"text/markdown": "| a |", "text/plain": "a"}, metadata={"isolated": True}),
        output("display_data", {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "Slider()"}),
    ]
    cell = nbformat.v4.new_code_cell("7", outputs=outputs, execution_count=1)
    cell.metadata = nbformat.from_dict(
        {"tags": ["parameters"], "papermill": {"duration": 1.2}, "execution": {"iopub.status.busy": "10:00"}}
    )
    book = nbformat.v4.new_notebook(
        cells=[cell, nbformat.v4.new_markdown_cell("*hello*", metadata={"collapsed": True})]
    )
    book.metadata = nbformat.from_dict(
        {"kernelspec": {"name": "mine", "display_name": "x"}, "widgets": {}, "papermill": {}}
    )
    nbformat.write(book, tmp_path / "a.ipynb")
    return tmp_path / "a.ipynb"


def test_clean_keeps_sources_tags_and_text(messy):
    assert nb.clean(messy)
    book = nbformat.read(messy, as_version=4)
    nbformat.validate(book)
    assert set(book.metadata) == {"kernelspec", "language_info"}
    assert book.metadata.kernelspec.name == "python3"
    assert book.cells[0].metadata == {"tags": ["parameters"]}
    assert book.cells[1].metadata == {}
    kept = [(o.get("text"), o.get("data")) for o in book.cells[0].outputs]
    assert kept == [
        ("kept\n", None),
        (None, {"text/plain": "7"}),
        (None, {"text/markdown": "| a |", "text/plain": "a"}),
    ]


def test_what_was_printed_in_pieces_is_one_output(tmp_path):
    new = nbformat.v4
    pieces = [new.new_output("stream", name="stdout", text=text) for text in ("a\n", "b", "\n")]
    table = new.new_output("display_data", data={"text/plain": "7"})
    path = tmp_path / "cut.ipynb"
    nbformat.write(new.new_notebook(cells=[new.new_code_cell(outputs=[pieces[0], table, *pieces[1:]])]), path)
    nb.clean(path)
    assert [o.get("text") for o in nbformat.read(path, as_version=4).cells[0].outputs] == ["a\n", None, "b\n"]


def test_cleaning_twice_changes_nothing(messy, capsys):
    assert nb.main(["clean", str(messy)]) == 0
    assert nb.main(["clean", str(messy)]) == 0
    assert [line.rpartition(": ")[2] for line in capsys.readouterr().out.splitlines()] == [
        "cleaned",
        "was clean",
    ]


def test_clean_without_files_says_how(capsys):
    assert nb.main([]) == 2
    assert "usage: python -m workbench.notebook clean" in capsys.readouterr().err
