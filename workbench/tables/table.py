"""A table with its notes, and how it is written: plain text, Markdown, LaTeX, HTML.

Every note stands under the table in every form: a table without its protocol cannot be compared with anything. Plain
data frames are written too. Left out: numbers; every cell is text already.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
from tabulate import tabulate

BEST = "{best}"  # in a note: how this form shows what is best
DAGGER = "†"


class Cell(NamedTuple):
    """A number, what follows it (its interval), marks of significance, and whether it is among the best."""

    value: str
    rest: str = ""
    marks: str = ""
    bold: bool = False


@dataclass(frozen=True, eq=False)
class Table:
    """cells: text or Cell, one row per line. warnings and notes are whole sentences, shown below in every form."""

    cells: pd.DataFrame
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return to_text(self)

    def _repr_markdown_(self) -> str:
        return to_markdown(self)


def to_text(table: Table | pd.DataFrame) -> str:
    """For terminals: numbers end in the same column; what is best has a bullet behind it.

    >>> print(to_text(Table(pd.DataFrame({"method": ["a", "b"], "hit@1 %": [Cell("9.0"), Cell("12.5", bold=True)]}))))
    method  hit@1 %
    ------  -------
    a        9.0
    b       12.5 •
    """
    table = _as_table(table)
    cells = table.cells.copy()
    for name in cells:
        width = max((len(cell.value) for cell in cells[name] if isinstance(cell, Cell)), default=0)
        cells[name] = [_plain(cell, width) for cell in cells[name]]
    below = [*(f"WARNING: {line}" for line in table.warnings), *_notes(table, "•")]
    return "\n".join([_grid(cells.astype(str)), *([""] if below else []), *below])


def to_markdown(table: Table | pd.DataFrame) -> str:
    """A pipe table; bars in the text are escaped, notes are paragraphs below it."""
    table = _as_table(table)
    below = [*(f"**Warning: {_md(line)}**" for line in table.warnings), *map(_md, _notes(table, "Bold"))]
    cells = table.cells.map(_in_markdown)
    grid = tabulate(cells, headers=list(cells), tablefmt="github", showindex=False, disable_numparse=True)
    return "\n\n".join([grid, *below])


def to_latex(table: Table | pd.DataFrame) -> str:
    """A booktabs table; what LaTeX would read as commands is escaped, notes are small print below it."""
    table = _as_table(table)
    lines = [" & ".join(row) + r" \\" for row in table.cells.map(_in_latex).to_numpy()]
    head = " & ".join(_tex(str(name)) for name in table.cells.columns) + r" \\"
    body = [rf"\begin{{tabular}}{{l{'r' * (table.cells.shape[1] - 1)}}}", r"\toprule", head, r"\midrule"]
    body += [*lines, r"\bottomrule", r"\end{tabular}"]
    below = [rf"\textbf{{Warning: {_tex(line)}}}" for line in table.warnings]
    below += map(_tex, _notes(table, "Bold"))
    if below:
        small = [rf"{line}\par" for line in below]
        body += [r"\par\smallskip", r"{\footnotesize\raggedright", *small, "}"]
    return "\n".join(body)


def to_html(table: Table | pd.DataFrame) -> str:
    """A plain HTML table, everything escaped; warnings and notes are paragraphs of class "warning" and "note"."""
    table = _as_table(table)
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in table.cells.columns)
    rows = [
        "".join(f"<td>{cell}</td>" for cell in row) for row in table.cells.map(_in_html).to_numpy().tolist()
    ]
    below = [
        f'<p class="warning"><strong>Warning: {html.escape(line)}</strong></p>' for line in table.warnings
    ]
    below += [f'<p class="note">{html.escape(line)}</p>' for line in _notes(table, "Bold")]
    body = [f"<tr>{row}</tr>" for row in rows]
    return "\n".join(
        ["<table>", f"<thead><tr>{head}</tr></thead>", "<tbody>", *body, "</tbody>", "</table>", *below]
    )


def _as_table(table: Table | pd.DataFrame) -> Table:
    return table if isinstance(table, Table) else Table(table)


def _notes(table: Table, best: str) -> list[str]:
    return [note.replace(BEST, best) for note in table.notes]


def _grid(cells: pd.DataFrame) -> str:
    """Columns of equal width, two spaces between them; unlike tabulate's, spaces in front of a number stay."""
    widths = [max(map(len, [str(name), *cells[name]])) for name in cells]
    lines = [[str(name) for name in cells], ["-" * width for width in widths], *cells.to_numpy().tolist()]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _joined(cell: Cell, marks: str) -> str:
    return " ".join(part for part in (cell.value, cell.rest) if part) + marks


def _plain(cell, width: int) -> str:
    if not isinstance(cell, Cell):
        return str(cell)
    padded = cell._replace(value=cell.value.rjust(width))
    return _joined(padded, f" {cell.marks}" if cell.marks else "") + (" •" if cell.bold else "")


def _marked(cell, escape: Callable[[str], str], bold: str, raised: str) -> str:
    """A cell in a markup language; `bold` and `raised` hold one {}."""
    if not isinstance(cell, Cell):
        return escape(str(cell))
    value = escape(cell.value)
    shown = cell._replace(value=bold.format(value) if cell.bold else value, rest=escape(cell.rest))
    return _joined(shown, raised.format(escape(cell.marks)) if cell.marks else "")


def _in_markdown(cell) -> str:
    return _marked(cell, _md if isinstance(cell, Cell) else _bars, "**{}**", "{}")


def _in_latex(cell) -> str:
    return _marked(cell, _tex, r"\textbf{{{}}}", "$^{{{}}}$")


def _in_html(cell) -> str:
    return _marked(cell, html.escape, "<b>{}</b>", "<sup>{}</sup>")


def _bars(text: str) -> str:
    return text.replace("|", "\\|")


def _md(text: str) -> str:
    return _bars(text).replace("*", "\\*").replace("_", "\\_")


def _tex(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    special |= {char: f"\\{char}" for char in "&%$#_{}"} | {"<": r"$<$", ">": r"$>$", "→": r"$\to$"}
    special |= {DAGGER: r"\textdagger{}", "±": r"$\pm$", "×": r"$\times$", "−": r"$-$"}
    return "".join(special.get(char, char) for char in text)
