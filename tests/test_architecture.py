"""The shape of the package: imports go one way, some layers keep their hands clean, nothing grows too large."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "workbench"

# A module imports only from its own layer or one further up. `score` stands before `case` because a case hands out
# its similarities.
LAYERS = (
    ("errors", "arrays", "registry", "paths", "provenance", "progress"),
    ("data",),
    ("encode",),
    ("language",),
    ("kernels", "score", "index"),
    ("case",),
    ("methods", "hubness", "geometry", "interventions", "maps", "metrics"),
    ("significance",),
    (
        "protocol",
        "official",
        "submission",
        "evaluation",
        "published",
        "audit",
        "sweep",
        "runs",
        "choose",
        "breakdown",
        "capture",
        "joint",
    ),
    ("plots", "tables"),
    ("notebook", "diagnosis", "batch", "widgets", "cli"),
)
PLACE = {name: place for place, layer in enumerate(LAYERS) for name in layer}

# hubness, geometry and metrics take arrays; plots never compute; metrics never plot
FORBIDDEN = {
    "hubness": {"methods", "data"},
    "geometry": {"methods", "data", "hubness"},
    "interventions": {"methods", "data"},
    "metrics": {"methods", "data", "plots"},
    "significance": {"methods", "data"},
    "plots": {"methods", "encode", "language", "hubness"},
}
TORCH = {"encode", "language"}
DISK = {
    "provenance",
    "data",
    "encode",
    "language",
    "index",
    "runs",
    "published",
    "audit",
    "batch",
    "cli",
    "notebook",
    "widgets",
    "paths",
}
TOUCHES_DISK = {
    "open",
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "mkdir",
    "savez",
    "savetxt",
    "unlink",
}

MODULE_LINES, FUNCTION_LINES = 300, 45
# numba's cache looks at a function's own file only: parts of a kernel in other files could change unnoticed.
LONGER = {"kernels/halfline.py": 540}

modules = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")
every_module = pytest.mark.parametrize("path", modules, ids=lambda path: path.relative_to(PACKAGE).as_posix())


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imported(path: Path) -> set[str]:
    """Every module that is imported anywhere in a file, by its full name."""
    names = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno}: a relative import"
            names.add(node.module)
            if node.module == "workbench":
                names |= {f"workbench.{alias.name}" for alias in node.names}
    return names


def layers_imported(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imported(path) if name.startswith("workbench.")}


def test_every_module_has_a_place():
    assert {layer_of(path) for path in modules} <= set(PLACE)


@every_module
def test_imports_go_one_way(path):
    mine = layer_of(path)
    for other in layers_imported(path):
        assert PLACE[other] <= PLACE[mine], f"{mine} imports {other}, which stands after it"


@every_module
def test_layers_that_must_not_know_each_other(path):
    assert not layers_imported(path) & FORBIDDEN.get(layer_of(path), set())


@every_module
def test_torch_stays_in_its_layers(path):
    packages = {name.split(".")[0] for name in imported(path)}
    if layer_of(path) not in TORCH:
        assert not packages & {"torch", "open_clip", "torchvision", "transformers"}


@every_module
def test_only_some_layers_touch_the_disk(path):
    if layer_of(path) in DISK:
        return
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            assert name not in TOUCHES_DISK, f"{path.name}:{node.lineno} calls {name}()"


@every_module
def test_modules_and_functions_stay_small(path):
    lines = path.read_text().count("\n")
    most = LONGER.get(path.relative_to(PACKAGE).as_posix(), MODULE_LINES)
    assert lines <= most, f"{path.name} has {lines} lines"
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = node.end_lineno - node.lineno + 1
            assert length <= FUNCTION_LINES, f"{path.name}: {node.name} has {length} lines"


@every_module
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(tree_of(path)), f"{path.name} has no docstring"


@every_module
def test_no_bare_except(path):
    for node in ast.walk(tree_of(path)):
        assert not (isinstance(node, ast.ExceptHandler) and node.type is None), f"{path.name}:{node.lineno}"


def test_the_checks_bite(tmp_path):
    """A file that breaks the rules is seen to break them."""
    bad = tmp_path / "bad.py"
    bad.write_text("import torch\nfrom workbench.plots.style import x\nfrom workbench import cli\n")
    assert imported(bad) == {"torch", "workbench", "workbench.cli", "workbench.plots.style"}
    assert layers_imported(bad) == {"plots", "cli"}
