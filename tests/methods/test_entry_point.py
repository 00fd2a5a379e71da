"""A method that lives in a package of its own, as CONTRIBUTING shows it: announced, found, labelled, scored."""

from __future__ import annotations

import importlib
import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from workbench.arrays import unit
from workbench.methods import METHODS, label, parse_method
from workbench.registry import UnknownName

CONTRIBUTING = (Path(__file__).resolve().parents[2] / "CONTRIBUTING.md").read_text("utf-8")


def block(language: str) -> str:
    """The first block of that language."""
    return re.search(rf"^```{language}\n(.*?)^```$", CONTRIBUTING, re.MULTILINE | re.DOTALL)[1]


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """CONTRIBUTING's method as an installed package: its module, and the metadata that an installer writes."""
    (group, points), *others = tomllib.loads(block("toml"))["project"]["entry-points"].items()
    assert not others
    (name, target), *others = points.items()
    assert not others
    module = target.partition(":")[0]
    code = block("python").replace('@METHODS.register("echo")\n', "")
    assert code != block("python"), "no decorator is needed: the entry point announces the class"
    (tmp_path / f"{module}.py").write_text(code)
    metadata = tmp_path / f"{module}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{name} = {target}\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield name
    sys.modules.pop(module, None)


def test_before_it_is_installed_nobody_knows_it():
    with pytest.raises(UnknownName, match="no method is called 'echo'"):
        parse_method("echo")


def test_a_method_from_another_package_is_a_method_like_any_other(installed, make_case):
    assert installed in METHODS.names()
    method = parse_method("echo(share=0.4)")
    assert type(method).__module__ not in ("workbench.methods", __name__)
    assert label(method) == "echo(share=0.4)"
    case = make_case(seed=1)
    text, image, caption = (
        unit(rows) for rows in (case.parts["modification"], case.views["image"], case.views["caption"])
    )
    expected = 0.6 * text @ image.T + 0.4 * text @ caption.T
    np.testing.assert_allclose(method.score(case), expected, atol=1e-6)


def test_afterwards_it_is_gone_again():
    assert "echo" not in METHODS.names()
