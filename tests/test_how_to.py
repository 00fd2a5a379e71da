"""What the how-to pages show is run, page by page and in order, on the built-in world.

A fence says what happens to it: `python` and `sh` are run, a `text` fence right after one is what it prints (with ...
for what may differ), and `console` shows what needs other machines, a network or a person, and is only looked at.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import pytest
from typer.testing import CliRunner

from workbench import cli
from workbench.encode.encoder import ENCODERS
from workbench.hubness import MITIGATORS
from workbench.methods import METHODS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))
FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def fences(page: Path) -> list[tuple[str, str]]:
    return FENCE.findall(page.read_text("utf-8"))


@pytest.fixture
def clone(tmp_path, monkeypatch) -> Path:
    """A folder to work in that looks like a clone, and registries that forget what a page added."""
    (tmp_path / "data").mkdir()
    (ROOT / "cache").mkdir(exist_ok=True)
    for name in ("data/tinycir", "data/models", "cache", "notebooks"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    for registry in (METHODS, MITIGATORS, ENCODERS):
        monkeypatch.setattr(registry, "_things", dict(registry._things))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@every_page
@pytest.mark.slow
def test_the_page_runs(page, clone, monkeypatch):
    space = {"__name__": f"page_{page.stem.replace('-', '_')}"}
    module = type(sys)(space["__name__"])
    monkeypatch.setitem(sys.modules, module.__name__, module)  # dataclasses look their module up
    printed = ""
    for language, body in fences(page):
        if language == "python":
            printed = run_python(body, space, page)
            module.__dict__.update(space)
        elif language == "sh":
            printed = run_shell(body)
        elif language == "text":
            assert matches(body, printed), f"{page.name} says\n{body}\nand it prints\n{printed}"


def run_python(body: str, space: dict, page: Path) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(body, page.name, "exec"), space)
    return out.getvalue()


def run_shell(body: str) -> str:
    """Lines that begin with `workbench` are run in this process, which is quicker; what lies between, by the shell."""
    said = ""
    for mine, lines in groupby(
        re.sub(r"\\\n\s*", " ", body).splitlines(), lambda line: line.startswith("workbench ")
    ):
        for script in lines if mine else ["\n".join(lines)]:
            said += run_verb(script) if mine else run_bash(script)
    return said


def run_verb(line: str) -> str:
    done = CliRunner().invoke(cli.app, shlex.split(line, comments=True)[1:])
    assert done.exit_code == 0, f"{line}\n{done.output}\n{done.exception!r}"
    return done.stdout


def run_bash(script: str) -> str:
    done = subprocess.run(["bash", "-ec", script], capture_output=True, text=True)
    assert done.returncode == 0, f"{script}\n{done.stderr}"
    return done.stdout


def matches(expected: str, printed: str) -> bool:
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(expected, printed, options)


def test_what_a_page_says_is_compared():
    assert matches("3 queries\n...\nbest: a", "3 queries\nsomething\nbest:   a\n")
    assert not matches("3 queries", "4 queries")


@every_page
def test_something_on_the_page_is_run_and_nothing_is_in_an_unknown_fence(page):
    languages = {language for language, _ in fences(page)}
    assert languages & {"python", "sh"}
    assert languages <= {"python", "sh", "console", "text", "yaml", "toml", "csv", "json"}


SHOWN = [*PAGES, *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "data/README.md"))]


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.stem)
def test_verbs_and_options_that_are_only_shown_exist(page):
    """Every line of a fence that begins with `workbench`; what stands behind three spaces explains it."""
    shown = [body for language, body in fences(page) if language in ("", "sh", "console")]
    for line in re.sub(r"\\\n\s*", " ", "".join(shown)).splitlines():
        if not line.startswith("workbench "):
            continue
        words = shlex.split(re.split(r" {3,}", line)[0], comments=True)[1:]
        help = CliRunner().invoke(cli.app, [*verb(words), "--help"], env={"COLUMNS": "300"})
        assert help.exit_code == 0, line
        for option in (word.partition("=")[0] for word in words if word.startswith("--")):
            assert re.search(rf"{option}\b", help.stdout), f"{line}: {option}"


def verb(words: list[str]) -> list[str]:
    """The command's own words: `runs list`, `evaluate`."""
    return words[:2] if words[0] in ("runs", "captions", "audit") else words[:1]
