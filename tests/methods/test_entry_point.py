"""A method that lives in a package of its own, as CONTRIBUTING shows it: built, installed, found, scored, uninstalled."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from tests.data import layouts
from workbench.arrays import unit
from workbench.methods import METHODS, label, parse_method
from workbench.registry import UnknownName

ROOT = Path(__file__).resolve().parents[2]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "a-package-of-my-own"
version = "1.0"

[tool.hatch.build.targets.wheel]
include = ["*.py"]

"""


def block(language: str) -> str:
    """The first block of that language."""
    return re.search(rf"^```{language}\n(.*?)^```$", CONTRIBUTING, re.MULTILINE | re.DOTALL)[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A folder into which pip has installed a package that holds CONTRIBUTING's method and nothing else."""
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    ((target,),) = (points.values() for points in entry_points().values())
    code = block("python").replace('@METHODS.register("echo")\n', "")
    assert code != block("python"), "no decorator is needed: the entry point announces the class"
    (source / f"{target.partition(':')[0]}.py").write_text(code)
    (source / "pyproject.toml").write_text(PROJECT + block("toml"))
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "-q"]
    subprocess.run([sys.executable, "-m", "pip", "install", *offline, "--target", site, source], check=True)
    return site


def entry_points() -> dict[str, dict[str, str]]:
    return tomllib.loads(block("toml"))["project"]["entry-points"]


def workbench(site: Path | None, home: Path, *arguments: str) -> subprocess.CompletedProcess:
    """The command in a process of its own, with or without the package on its path."""
    where = {"WORKBENCH_HOME": str(home), "PYTHONPATH": f"{site}:{ROOT}" if site else str(ROOT)}
    command = [sys.executable, "-c", "from workbench.cli import app; app()", *arguments]
    settings = os.environ | where | {"TQDM_DISABLE": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=settings, cwd=home, check=False)


def test_one_entry_point_in_the_group_of_methods():
    assert entry_points() == {METHODS.entry_point_group: {"echo": "echo_method:Echo"}}


def test_before_it_is_installed_nobody_knows_it():
    with pytest.raises(UnknownName, match="no method is called 'echo'"):
        parse_method("echo")


@pytest.mark.slow
def test_a_method_from_another_package_is_a_method_like_any_other(site, make_case, monkeypatch):
    monkeypatch.syspath_prepend(site)
    importlib.invalidate_caches()
    assert "echo" in METHODS.names()
    method = parse_method("echo(share=0.4)")
    assert Path(sys.modules[type(method).__module__].__file__).parent == site
    assert label(method) == "echo(share=0.4)"
    case = make_case(seed=1)
    text, image, caption = (
        unit(rows) for rows in (case.parts["modification"], case.views["image"], case.views["caption"])
    )
    expected = 0.6 * text @ image.T + 0.4 * text @ caption.T
    np.testing.assert_allclose(method.score(case), expected, atol=1e-6)
    sys.modules.pop(type(method).__module__)


@pytest.mark.slow
def test_the_command_evaluates_it_where_it_is_installed_and_nowhere_else(site, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "models").symlink_to(ROOT / "data" / "models")
    (tmp_path / "photos").mkdir()
    lines = ("id,reference,text,target", "1,a.png,make it red,b.png", "2,b.png,larger,deeper/c.jpg")
    root = layouts.own_folder(tmp_path / "photos", "\n".join(lines) + "\n")
    where = ["--benchmark", "folder", "--root", str(root), "--split", "all"]
    captioned = workbench(site, tmp_path, "caption", *where)
    assert captioned.returncode == 0, captioned.stderr
    asked = ["evaluate", *where, "--method", "echo(share=0.4)", "--method", "text_only", "--json"]
    known = workbench(site, tmp_path, *asked)
    assert known.returncode == 0, known.stderr
    assert "echo(share=0.4)" in [row["method"] for row in json.loads(known.stdout)["results"]]
    unknown = workbench(None, tmp_path, *asked)
    assert unknown.returncode == 2
    assert "no method is called 'echo'" in unknown.stderr


def test_afterwards_it_is_gone_again():
    assert "echo" not in METHODS.names()
