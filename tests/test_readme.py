"""What README and CONTRIBUTING show is run: the twelve lines, the example of a method with its test, the links."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from workbench.methods import METHODS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_readme_opens_with_a_sentence_a_picture_and_twelve_lines():
    opening = README.split("## ")[0].strip().split("\n\n")
    assert opening[0].startswith("# ")
    assert opening[1].count(". ") == 0
    assert opening[2].startswith("![")
    code = blocks(README, "python")[0]
    assert len([line for line in code.splitlines() if line.strip()]) == 12


@pytest.mark.slow
def test_the_twelve_lines_run():
    code = blocks(README, "python")[0]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    for word in ("image only", "text only", "weighted sum", "hit@10 %"):
        assert word in done.stdout


@pytest.fixture
def example(make_case):
    """CONTRIBUTING's method and its test, run as one module; the method leaves the registry afterwards."""
    method, test = blocks(CONTRIBUTING, "python")
    space = {"__name__": "contributing"}
    sys.modules.setdefault("contributing", type(sys)("contributing"))  # dataclasses look their module up
    exec(compile(method + "\n\n" + test, "CONTRIBUTING.md", "exec"), space)
    yield method, space
    del METHODS._things["echo"], sys.modules["contributing"]


def test_the_example_of_a_method_passes_its_own_test(example, make_case):
    method, space = example
    tests = [name for name in space if name.startswith("test_")]
    assert len(tests) == 2
    for name in tests:
        space[name](make_case)
    assert len(method.splitlines()) <= 30
    assert "echo" in METHODS.names()


def test_the_tests_of_the_example_can_fail(example, make_case):
    space = example[1]
    space["Echo"].weights = lambda self, gram: space["np"].array([0.5, 0.5], "float32")
    with pytest.raises(AssertionError):
        space["test_echo_is_its_formula"](make_case)


def test_every_kind_of_addition_has_three_steps():
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", CONTRIBUTING, re.MULTILINE | re.DOTALL))
    for kind in (
        "A method",
        "A data set",
        "An encoder",
        "A captioner",
        "A metric",
        "A plot",
        "A notebook",
        "A mitigator",
    ):
        assert re.findall(r"^(\d)\. ", sections[kind], re.MULTILINE) == ["1", "2", "3"], kind


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_links_and_pictures_are_there(document):
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", (ROOT / document).read_text("utf-8")):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_files_that_are_named_exist(document):
    text = (ROOT / document).read_text("utf-8")
    named = re.findall(r"`((?:workbench|tests|data|notebooks)/[\w/.-]+)`", text)
    assert named
    for name in named:
        assert (ROOT / name).exists(), name


def test_the_table_lists_every_notebook():
    listed = re.findall(r"\]\(notebooks/([\w.]+)\)", README)
    assert listed == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


def test_make_targets_that_are_named_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"\bmake ([a-z-]+)", README + CONTRIBUTING):
        if target not in ("up", "sure"):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_extras_that_are_named_exist():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for names in re.findall(r'-e "?\.\[([\w,]+)\]', README):
        assert set(names.split(",")) <= set(extras)
