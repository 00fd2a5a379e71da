"""Docstrings as Markdown: formulas, tables and examples keep their lines.

A docstring of this project is prose, with what must keep its layout indented or starting with `>>>`. Markdown would
run such lines together, so they are put into fences here; nothing else is touched.
"""

from __future__ import annotations

from itertools import groupby

import griffe


class Layout(griffe.Extension):
    """Gives every docstring of a package its fences, once the package is read."""

    def on_object(self, *, obj: griffe.Object, **_) -> None:
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text: str) -> str:
    """The text with a fence around every run of indented lines, and around every example up to its blank line.

    >>> print(fenced("Ranks are counted:\\n\\n    rank = 1 + others\\n\\nNothing is sorted."))
    Ranks are counted:
    <BLANKLINE>
    ```text
    rank = 1 + others
    ```
    <BLANKLINE>
    Nothing is sorted.
    """
    parts = []
    for kind, lines in groupby(_kinds(text.splitlines()), key=lambda pair: pair[0]):
        block = "\n".join(line for _, line in lines)
        parts.append(block if kind == "prose" else _fence(block, kind))
    return "\n".join(parts)


def _kinds(lines: list[str]):
    """Each line with what it belongs to: prose, pycon (an example with its output) or text (kept as it stands)."""
    kind = "prose"
    for place, line in enumerate(lines):
        if line.lstrip().startswith(">>>"):
            kind = "pycon"
        elif not line.strip():
            following = next((later for later in lines[place:] if later.strip()), "")
            kind = (
                kind if kind == "text" and following.startswith("  ") and ">>>" not in following else "prose"
            )
        elif kind != "pycon":
            kind = "text" if line.startswith("  ") else "prose"
        yield kind, line


def _fence(block: str, language: str) -> str:
    lines = block.splitlines()
    indent = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    return "\n".join(["", f"```{language}", *(line[indent:] for line in lines), "```", ""])
