"""data/README.md: a page with the same four parts per benchmark, and commands that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from workbench.cli import app
from workbench.data import BENCHMARKS, splits

# a command that goes on in the next line is one line here
PAGES = re.sub(r"\\\n\s*", "", (Path(__file__).parents[2] / "data" / "README.md").read_text("utf-8"))
REAL = [name for name in BENCHMARKS.names() if name != "tinycir"]


@pytest.mark.parametrize("name", REAL)
def test_every_benchmark_has_a_page_with_its_four_parts(name):
    page = re.search(rf"^### {name}\n(.*?)(?=^### |\Z)", PAGES, re.MULTILINE | re.DOTALL)
    assert page, f"data/README.md has no page on {name}"
    assert re.findall(r"^\*\*(.+?)\*\*", page[1], re.MULTILINE) == [
        "Get it.",
        "Check it.",
        "Cost.",
        "Compare.",
    ]
    assert f"workbench check {name} --root DIR" in page[1]
    (row,) = re.findall(rf"^\| `{name}` \| (.*?) \|", PAGES, re.MULTILINE)
    assert all(split in row or f"{split.partition('_')[2]}" in page[1] for split in splits(name))


def commands() -> list[str]:
    in_blocks = re.findall(r"^(workbench .*?)(?:  .*)?$", PAGES, re.MULTILINE)
    return in_blocks + [text for text in re.findall(r"`(workbench [^`]+)`", PAGES) if " -" in text]


def test_every_command_can_be_read():
    verbs = typer.main.get_command(app).commands
    found = commands()
    assert len(found) > 15
    for line in found:
        _, verb, *words = shlex.split(line)
        assert verb in verbs, line
        command = verbs[verb]
        if hasattr(command, "commands"):  # a group: audit, captions, runs
            command = command.commands[words.pop(0)]
        context = command.make_context(verb, [*words], resilient_parsing=True)
        assert context.params, line
        unknown = [word for word in words if word.startswith("--") and word not in options(command)]
        assert not unknown, line


def options(command) -> set[str]:
    return {name for one in command.params for name in (*one.opts, *one.secondary_opts)}


def test_a_command_that_there_is_not_would_be_seen():
    evaluate = typer.main.get_command(app).commands["evaluate"]
    assert "--root" in options(evaluate)
    assert "--roots" not in options(evaluate)
