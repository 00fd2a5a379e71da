"""Docstrings as Markdown: formulas, tables and examples keep their lines.

A docstring of this project is prose, with what must keep its layout indented or starting with `>>>`. Markdown would
run such lines together, so they are put into fences here; nothing else is touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

import griffe


class Layout(griffe.Extension):
    """Gives every docstring of a package its fences, once the package is read."""

    def on_object(self, *, obj: griffe.Object, **_) -> None:
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text: str) -> str:
    """The text with a fence around every example, every run of indented lines and every paragraph set in columns.

    >>> print(fenced("Ranks are counted:\\n\\n    rank = 1 + others\\n\\nNothing is sorted."))
    Ranks are counted:
    <BLANKLINE>
    ```text
    rank = 1 + others
    ```
    <BLANKLINE>
    Nothing is sorted.
    """
    blocks: list[tuple[str, list[str]]] = []
    for paragraph in re.split(r"\n(?:[ ]*\n)+", text.strip("\n")):
        for place, (kind, lines) in enumerate(
            groupby(_kinds(paragraph.splitlines()), key=lambda pair: pair[0])
        ):
            mine = [line for _, line in lines]
            if (
                place == 0
                and kind == "text"
                and blocks
                and blocks[-1][0] == "text"
                and mine[0].startswith(" ")
            ):
                blocks[-1][1].extend(["", *mine])  # a blank line within what is indented
            else:
                blocks.append((kind, mine))
    return "\n\n".join("\n".join(lines) if kind == "prose" else _fence(lines, kind) for kind, lines in blocks)


def _kinds(paragraph: list[str]) -> Iterator[tuple[str, str]]:
    """Each line with what it belongs to: prose, pycon (an example with its output) or text (kept as it stands)."""
    columns = sum(bool(re.search(r"\S {3,}\S", line)) for line in paragraph) > 1
    kind = "prose"
    for line in paragraph:
        if line.lstrip().startswith(">>>"):
            kind = "pycon"
        elif kind != "pycon":
            kind = "text" if columns or line.startswith("  ") else "prose"
        yield kind, line


def _fence(lines: list[str], language: str) -> str:
    indent = min(len(line) - len(line.lstrip()) for line in lines if line)
    return "\n".join([f"```{language}", *(line[indent:] for line in lines), "```"])
