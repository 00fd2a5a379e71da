"""Batch runs never build a widget, and a notebook that somebody sits before does: the same cells, run in every way."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel

from workbench.notebook import clean
from workbench.widgets import frontend

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow

MAKE = """
import os, sys
sys.path.insert(0, {root!r})
from tests.conftest import make_case
from tests.widgets.conftest import build
from workbench.widgets import Explorer
case = build(make_case.__wrapped__()(5))
"""
EXPLORE = "Explorer(case, k=3)"
COUNT = "from ipywidgets.widgets import widget; print('widgets built:', len(widget._instances))"
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def notebook(tmp_path):
    cells = [nbformat.v4.new_code_cell(MAKE.format(root=str(ROOT))), nbformat.v4.new_code_cell(EXPLORE)]
    cells.append(nbformat.v4.new_code_cell(COUNT, metadata={"tags": ["nbval-check-output"]}))
    for number, cell in enumerate(cells, 1):
        cell.execution_count = number
    cells[2].outputs = [nbformat.v4.new_output("stream", name="stdout", text="widgets built: 0\n")]
    book = nbformat.v4.new_notebook(cells=cells)
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    path = tmp_path / "explore.ipynb"
    nbformat.write(book, path)
    return path


def test_papermill_shows_the_still_picture_and_the_committed_file_holds_no_output(notebook, tmp_path):
    """`workbench batch` and `make demo` run notebooks this way."""
    papermill = pytest.importorskip("papermill")
    done = tmp_path / "done.ipynb"
    papermill.execute_notebook(
        notebook, done, kernel_name="python3", progress_bar=False, execution_timeout=180, cwd=str(tmp_path)
    )
    book = nbformat.read(done, as_version=4)
    assert "widgets" not in book.metadata
    assert set(book.cells[1].outputs[0].data) == {"image/png", "text/plain"}
    assert book.cells[2].outputs[0].text == "widgets built: 0\n"
    clean(done)
    assert nbformat.read(done, as_version=4).cells[1].outputs == []


def test_nbval_builds_none_either(notebook):
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--nbval-lax",
        "--nbval-current-env",
    ]
    done = subprocess.run(
        [*command, "-c", os.devnull, str(notebook)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=notebook.parent,
    )
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_somebody_who_can_be_asked_gets_the_widget():
    """One kernel, the same cell twice: only what the request says of its front end differs."""
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        run(client, MAKE.format(root=str(ROOT)), ask=True)
        assert set(run(client, EXPLORE, ask=False)) == {"image/png", "text/plain"}
        assert WIDGET in run(client, EXPLORE, ask=True)
        assert set(run(client, EXPLORE, ask=False)) == {"image/png", "text/plain"}
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run(client, code: str, ask: bool) -> dict:
    """Run a cell as a front end does that can, or cannot, ask somebody for input; the data it would show."""
    shown = {}

    def keep(message):
        shown.update(message["content"].get("data", {}) if message["msg_type"] == "execute_result" else {})

    reply = client.execute_interactive(code, allow_stdin=ask, timeout=120, output_hook=keep)
    assert reply["content"]["status"] == "ok", reply["content"]
    return shown


def test_plain_python_is_not_live_and_voila_is(monkeypatch):
    monkeypatch.delenv("SERVER_SOFTWARE", raising=False)
    monkeypatch.delenv("VOILA_PREHEAT", raising=False)
    assert not frontend.is_live()
    monkeypatch.setenv("SERVER_SOFTWARE", "voila/0.5.13")
    assert frontend.is_live()
