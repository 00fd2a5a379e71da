"""The package as a whole: quick to import, its public names resolve, its docstring examples are true."""

import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import jaxtyping
import numpy as np
import pytest

import workbench

HEAVY = ("torch", "open_clip", "umap", "faiss", "matplotlib", "pandas")


def test_import_is_quick_and_pulls_in_nothing_heavy():
    code = (
        "import sys, time; start = time.perf_counter(); import workbench; print(time.perf_counter() - start); "
        f"print(*[m for m in {HEAVY} if m in sys.modules])"
    )
    seconds = []
    for _ in range(3):  # the best of three: the machine may be busy with something else
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        taken, heavy = done.stdout.split("\n")[:2]
        assert heavy == ""
        seconds.append(float(taken))
    assert min(seconds) < 1.0


def test_public_names_resolve():
    assert set(workbench.__all__) <= set(dir(workbench))
    for name in workbench.__all__:
        assert getattr(workbench, name) is not None
    with pytest.raises(AttributeError, match="workbench has no 'laod'; its public names are"):
        workbench.laod  # noqa: B018


def test_shapes_in_signatures_are_checked_in_these_tests():
    """Two arguments that disagree about Q are stopped before the function's own checks are reached."""
    from workbench.metrics import recall_at
    from workbench.significance import bootstrap_intervals

    with pytest.raises(jaxtyping.TypeCheckError):
        bootstrap_intervals(np.zeros((3, 1)), np.zeros(2, int))
    with pytest.raises(jaxtyping.TypeCheckError):
        recall_at(np.zeros(3, int), 1)


ROOT = Path(workbench.__file__).parent
WITH_EXAMPLES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in ROOT.rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_docstring_examples(name):
    module = importlib.import_module(f"workbench.{name}")
    result = doctest.testmod(module)
    assert result.failed == 0
    assert result.attempted > 0
