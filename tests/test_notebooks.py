"""Every committed notebook keeps the anatomy, is small and quiet, and says how to put it right where it is not."""

import ast
import itertools
import json
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CLEAN = "run `python -m workbench.notebook clean notebooks/*.ipynb`"
LINES_USUAL, LINES_MOST = 6, 15
COMMON = {"benchmark": "tinycir", "encoder": "tiny-coca", "split": "val", "seed": 0, "figures": "figures"}


def test_there_are_notebooks_and_they_are_numbered():
    assert [path.name[:3] for path in NOTEBOOKS][:1] == ["00_"]
    assert all(re.fullmatch(r"\d\d_[a-z_]+\.ipynb", path.name) for path in NOTEBOOKS)


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request) -> Path:
    return request.param


@pytest.fixture
def book(path):
    return nbformat.read(path, as_version=4)


def code(book) -> list:
    return [cell for cell in book.cells if cell.cell_type == "code"]


def prose(book) -> str:
    return "\n\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")


def tagged(book, tag: str) -> list:
    return [cell for cell in code(book) if tag in cell.metadata.get("tags", [])]


def test_is_valid_and_clean(path, book):
    nbformat.validate(book)
    raw = json.loads(path.read_text("utf-8"))
    assert raw["metadata"]["kernelspec"]["name"] == "python3", CLEAN
    assert set(raw["metadata"]) <= {"kernelspec", "language_info"}, (
        CLEAN
    )  # no widget state, no papermill record
    assert all(set(cell.metadata) <= {"tags"} for cell in book.cells), CLEAN
    assert path.stat().st_size < 100_000


def test_was_executed_in_order(book):
    assert [cell.execution_count for cell in code(book)] == list(range(1, len(code(book)) + 1))


def test_keeps_text_outputs_only(book):
    for output in (output for cell in code(book) for output in cell.outputs):
        assert output.output_type != "error", output.get("evalue")
        assert output.get("name", "stdout") == "stdout", CLEAN
        assert set(output.get("data", {})) <= {"text/plain", "text/markdown"}, CLEAN


def test_says_nothing_of_the_machine_it_ran_on(path):
    text = path.read_text("utf-8")
    assert not re.search(r"/(home|root|work|Users|tmp)/|[A-Z]:\\\\|0x[0-9a-f]{8}|it/s\]", text)


def test_has_the_anatomy(book):
    first = book.cells[0]
    assert first.cell_type == "markdown"
    assert re.match(r"# \d\d · ", first.source)
    assert "**Question.**" in first.source
    assert re.search(r"\*\*In short\.\*\*.*\d", first.source, re.DOTALL), "In short has no number"
    last = book.cells[-1].source
    for part in ("## Take away", "## Try", "<details>", "## Next"):
        assert part in prose(book), f"there is no {part!r}"
    assert last.count("](") >= 2, "the last cell links to other notebooks"
    take_away = prose(book).split("## Take away")[1].split("\n## ")[0]
    assert len(re.findall(r"^- ", take_away, re.MULTILINE)) == 3
    assert prose(book).count("<details>") == 2  # two exercises, their answers folded


def test_parameters_are_literals_that_papermill_can_replace(book):
    (cell,) = tagged(book, "parameters")
    assert code(book).index(cell) == 1, "set-up first, then the parameters"
    given = {}
    for line in cell.source.splitlines():
        statement = ast.parse(line).body[0]
        assert isinstance(statement, ast.Assign), line
        given[statement.targets[0].id] = ast.literal_eval(statement.value)
        assert "  # " in line, f"say what {line!r} is for"
    assert given.items() >= COMMON.items()


def test_cells_are_short_and_hold_no_hidden_package(book):
    lengths = sorted(len(cell.source.splitlines()) for cell in code(book))
    assert lengths[len(lengths) // 2] <= LINES_USUAL
    assert lengths[-1] <= LINES_MOST
    for cell in code(book):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                assert node.end_lineno - node.lineno < 5, f"{node.name} belongs into the package"
        assert ".Output(" not in cell.source, "ipywidgets.Output hangs in batch runs; use W.Image or W.HTML"
        assert "tqdm" not in cell.source


def test_prose_stands_between_any_two_code_cells(book):
    kinds = [cell.cell_type for cell in book.cells]
    assert ("code", "code") not in set(itertools.pairwise(kinds))


def test_figures_are_there_and_bear_the_notebooks_number(path, book):
    embedded = re.findall(r"!\[[^\]]+\]\(\.\./figures/([\w.]+)\)", prose(book))
    saved = re.findall(r'save_figure\([^"]*"(\w+)"', "\n".join(cell.source for cell in code(book)))
    assert embedded == [f"{name}.svg" for name in saved]
    assert all(name.startswith(path.name[:2]) for name in embedded)
    for name in embedded:
        drawing = (ROOT / "figures" / name).read_text("utf-8")
        assert drawing.startswith("<?xml")
        assert "<dc:date>" not in drawing


def test_links_lead_somewhere(path, book):
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", prose(book)):
        assert (path.parent / target).exists(), target


def test_numbers_of_a_model_are_expected_with_a_tolerance(book):
    checked = tagged(book, "nbval-check-output")
    assert checked, "nothing in this notebook is checked"
    for cell in checked:
        assert cell.outputs, "a checked cell without an output checks nothing"
        assert all("text/html" not in output.get("data", {}) for output in cell.outputs)
    for cell in code(book):
        held = len(re.findall(r"\bexpect\(", cell.source))  # nb.expect, or a short name for it
        if held:
            assert cell in checked, "tag cells with nb.expect: nbval-check-output"
            assert held == cell.source.count("within=")


def test_lessons_have_something_to_explore(path, book):
    """00 to 09 teach: their section *Explore* has one cell, an object that is live or still as the front end allows."""
    if int(path.name[:2]) >= 10:
        return  # 10 to 12 are run in batches and reported
    (place,) = (
        n
        for n, cell in enumerate(book.cells)
        if cell.source.startswith("## Explore") or "\n## Explore" in cell.source
    )
    cell = book.cells[place + 1]
    assert cell.cell_type == "code", "the cell that follows the words shows the widget"
    shown = ast.parse(cell.source).body[-1]
    assert isinstance(shown, ast.Expr)
    assert ast.unparse(shown).startswith(("Explorer(case", "Explorer(worded", "SpaceMap(case"))
    assert cell.outputs == [], CLEAN
    assert "## Take away" in prose(book).split("\n## Explore")[1], "explore before what is taken away"
