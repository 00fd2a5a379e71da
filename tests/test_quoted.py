"""Numbers that documents quote are those that notebooks and commands print.

A notebook's checked outputs hold what its prose relies on (`nb.expect` prints the expected value, which nbval compares);
here a sentence of a document is held to them, to the last digit that it quotes.
"""

import re
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from workbench import cli

ROOT = Path(__file__).resolve().parents[1]
LAB, README, NUMBERS = "docs/lab.md", "README.md", "docs/numbers.md"
TABLE = "evaluate --split test --metric hit@1 --metric hit@10 --metric subset:recall@1"

QUOTES = [  # document, what it says, notebook, and the same numbers from what that printed
    (LAB, r"count comes close to (\d+) %", "00", lambda e: (100 * e("hit@1, weighted sum"),)),
    (
        LAB,
        r"number from (\d+) % to (\d+) %",
        "01",
        lambda e: (100 * e("hit@1, reference excluded"), 100 * e("hit@1, reference kept in")),
    ),
    (
        LAB,
        r"search that puts another right one first: ([\d.]+)\nagainst ([\d.]+) %",
        "01",
        lambda e: (100 * e("Recall@1, weighted sum"), 100 * e("hit@1, weighted sum")),
    ),
    (
        LAB,
        r"costs (\d+) points of Recall@1 here, centring each of them (\d+)",
        "02",
        lambda e: tuple(
            100 * (e("Recall@1, text to image") - e("Recall@1, text to image", n)) for n in (1, 2)
        ),
    ),
    (
        LAB,
        r"rank go from (\d+) to (\d+)",
        "04",
        lambda e: (e("rank, as captioned"), e("rank, mint by hand")),
    ),
    (
        LAB,
        r"hit@1 goes from (\d+) % to (\d+) %",
        "04",
        lambda e: (100 * e("hit@1, both"), 100 * e("hit@1, nothing wrong")),
    ),
    (
        LAB,
        r"PDV gains (\d\d) points",
        "05",
        lambda e: (100 * (e("hit@1, PDV-F, the paper's setting") - e("hit@1, CIReVL")),),
    ),
    (LAB, r"costs PDV-F (\d+) points", "09", lambda e: (-100 * e("hit@1, PDV-F, Sinkhorn"),)),
    (LAB, r"CIReVL gains ([\d.]+) points", "09", lambda e: (100 * e("CIReVL, NNN, other half"),)),
]


def expected(notebook: str):
    """What `nb.expect` printed in a notebook, by name; names that come again are numbered in order."""
    (path,) = (ROOT / "notebooks").glob(f"{notebook}_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    text = "".join(output.get("text", "") for cell in cells for output in cell.get("outputs", []))
    lines = re.findall(r"^\s*(.+): (\S+) \(within \S+\) ok$", text, re.MULTILINE)
    return lambda name, n=0: float([value for said, value in lines if said == name][n])


@pytest.mark.parametrize(
    ("document", "sentence", "notebook", "numbers"), QUOTES, ids=lambda one: str(one)[:40]
)
def test_a_quoted_number_is_the_notebooks(document, sentence, notebook, numbers):
    found = re.search(sentence, (ROOT / document).read_text("utf-8"))
    assert found, f"{document} no longer says {sentence!r}"
    for said, value in zip(found.groups(), numbers(expected(notebook)), strict=True):
        last_digit = 10.0 ** -len(said.partition(".")[2])
        assert abs(float(said) - value) <= 0.51 * last_digit, (
            f"{document}: {found[0]!r}, the notebook has {value}"
        )


def rows(text: str, columns: int) -> dict[str, list[str]]:
    """The lines of a table by method: the first numbers of its cells, without stars and bold."""
    cells = (
        re.split(r"\s*\|\s*", re.sub(r"^\||\|$", "", line.strip()).strip())
        for line in re.sub(r"[*\\•]", "", text).splitlines()
    )
    return {one[0]: [cell.strip() for cell in one[1:columns]] for one in cells if len(one) >= columns}


@pytest.mark.slow
def test_readmes_table_is_what_its_command_prints(monkeypatch):
    readme = (ROOT / README).read_text("utf-8")
    assert f"`workbench {TABLE}`" in readme
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    said = CliRunner().invoke(cli.app, [*TABLE.split(), "--no-record"])
    assert said.exit_code == 0, said.output
    printed = rows(re.sub(r" {2,}", " | ", said.stdout), 4)
    quoted = {name: cells for name, cells in rows(readme, 8).items() if name in printed and name != "method"}
    assert len(quoted) == 10
    for name, cells in quoted.items():
        for one, other in zip(
            cells[:3], printed[name], strict=True
        ):  # another processor may flip a few queries
            numbers = zip(re.findall(r"[\d.]+", one), re.findall(r"[\d.]+", other), strict=True)
            assert all(abs(float(a) - float(b)) <= 0.61 for a, b in numbers), (
                f"{name}: {one}, printed {other}"
            )


def test_the_row_that_is_explained_is_readmes():
    (line,) = re.findall(r"^WeiMoCIR .*$", (ROOT / NUMBERS).read_text("utf-8"), re.MULTILINE)
    quoted, row = re.split(r" {2,}", line)[1:], rows((ROOT / README).read_text("utf-8"), 8)["WeiMoCIR"]
    assert quoted == [row[n] for n in (0, 3, 4, 5, 6)]
