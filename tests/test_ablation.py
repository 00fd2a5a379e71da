"""Notebook 10 on methods that have no default: swept all the same, and compared with what nested choosing gives."""

import json
from pathlib import Path

import papermill
import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "axes"),
    [
        ("standardised_sum", {"weight": [0.0, 1.0, 5]}),
        (
            "caption_fusion",
            {"alpha": [0.3, 0.7], "weight": [0.25, 0.5, 0.75], "description": ["composed_caption"]},
        ),
    ],
)
def test_a_method_without_defaults(tmp_path, monkeypatch, method, axes):
    for name in ("data", "cache"):
        (ROOT / name).mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    out = tmp_path / "10.ipynb"
    given = {"method": method, "axes": axes, "metric": "hit@1"}
    papermill.execute_notebook(
        ROOT / "notebooks" / "10_ablation.ipynb", out, given, kernel_name="python3", progress_bar=False
    )
    outputs = [o for cell in json.loads(out.read_text())["cells"] for o in cell.get("outputs", ())]
    said = "".join("".join(output.get("text", ())) for output in outputs)
    assert "one setting alone and in the sweep alike: True" in said
    assert "the default" not in said
    assert "the sweep comes back as it was: True" in said
    tables = "".join("".join(output.get("data", {}).get("text/plain", ())) for output in outputs)
    assert f"{method.replace('_', ' ')} (nested)" in tables
