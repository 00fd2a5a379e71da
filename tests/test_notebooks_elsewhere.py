"""The notebooks on another benchmark, by their parameters alone: pictures of one's own, no tags, no subset.

Only the code is run, in this process; what the prose says of the built-in world is not expected there. Notebook 04 is
left out: it compares with the truth, which only TinyCIR has.
"""

import contextlib
import csv
import io
from pathlib import Path

import nbformat
import numpy as np
import pytest
from typer.testing import CliRunner

from workbench import cli, load

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = [path for path in sorted((ROOT / "notebooks").glob("*.ipynb")) if path.name[:2] != "04"]
QUERIES = 40
ELSEWHERE = {"benchmark": "folder", "split": "all", "query": 3, "explored": 3, "shown": [1, 2]}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A workbench's home whose folder benchmark has forty queries about some of TinyCIR's pictures, captioned."""
    home = tmp_path_factory.mktemp("home")
    (home / "data").mkdir()
    (home / "data" / "models").symlink_to(ROOT / "data" / "models")
    bench = load("tinycir", "val")
    chosen = np.random.default_rng(3).choice(len(bench.queries), QUERIES, replace=False)
    folder, shown = home / "data" / "folder", set(range(40))
    folder.mkdir()
    rows = [["id", "reference", "text", "target"]]
    for q in chosen:
        query, target = bench.queries[q], int(bench.qrels["default"].targets[q, 0])
        shown |= {query.reference, target}
        names = [f"{bench.gallery.ids[n]}.png" for n in (query.reference, target)]
        rows.append([query.id, names[0], query.modification[0], names[1]])
    for n in shown:
        bench.gallery.images[n].save(folder / f"{bench.gallery.ids[n]}.png")
    with (folder / "queries.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    environment = {"WORKBENCH_HOME": str(home), "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}
    said = CliRunner().invoke(
        cli.app, ["caption", "--benchmark", "folder", "--split", "all"], env=environment
    )
    assert said.exit_code == 0, said.output
    return home


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_on_pictures_of_ones_own(path, home, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(home))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("TQDM_DISABLE", "1")
    space = {"__name__": path.stem}
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, path.name, "exec"), space)
                if "parameters" in cell.metadata.get("tags", []):
                    space |= {name: value for name, value in ELSEWHERE.items() if name in space}
    assert space["case"].benchmark.name == "folder"
    assert len(space["case"].benchmark.queries) == QUERIES
    assert list((home / "figures").glob(f"{path.name[:2]}_*.svg"))
