"""Results as readers see them: one row per method, percent, rounded, with intervals and paired tests.

The only place where shares become percent. Everything is text in the end: Markdown, plain or LaTeX.
Left out: computing (see `evaluation.results_table`, whose tidy frame comes in).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from tabulate import tabulate

from workbench.plots.curves import check_columns
from workbench.plots.style import label_of

NEEDED = (
    "method",
    "metric",
    "mean",
    "low",
    "high",
    "baseline",
    "difference",
    "difference_low",
    "difference_high",
    "p",
)


def main_table(results: pd.DataFrame, tested: str | None = None) -> pd.DataFrame:
    """One row per method, in the order given: each metric in percent with its 95 % interval, then one paired test.

    results: the frame of `evaluation.results_table`. tested: the metric whose difference from the baseline is shown;
    the first metric unless named. Raises FrameError for a missing column, KeyError for a metric that is not there.
    """
    check_columns("main_table", results, *NEEDED)
    metrics = list(dict.fromkeys(results["metric"]))
    tested = metrics[0] if tested is None else tested
    if tested not in metrics:
        raise KeyError(f"tested: got {tested!r}, expected one of {', '.join(metrics)}")
    table = pd.DataFrame({"method": [label_of(name) for name in dict.fromkeys(results["method"])]})
    for metric in metrics:
        rows = results[results["metric"] == metric]
        table[f"{metric} %"] = [_with_interval(*row) for row in rows[["mean", "low", "high"]].to_numpy()]
    rows = results[results["metric"] == tested]
    over = label_of(rows["baseline"].iloc[0])
    names = ["difference", "difference_low", "difference_high", "p"]
    gains = rows[names].to_numpy()
    table[f"{tested} over {over}"] = [
        "" if np.isnan(p) else _with_interval(*gain, sign="+") for *gain, p in gains
    ]
    table["p"] = [_p(p) for p in gains[:, 3]]
    return table


def to_markdown(frame: pd.DataFrame) -> str:
    """A pipe table; bars in the text are escaped."""
    cells = frame.map(lambda cell: str(cell).replace("|", "\\|"))
    return tabulate(
        cells, headers=list(frame.columns), tablefmt="github", showindex=False, disable_numparse=True
    )


def to_text(frame: pd.DataFrame) -> str:
    """A plain table for terminals."""
    return tabulate(
        frame.astype(str),
        headers=list(frame.columns),
        tablefmt="simple",
        showindex=False,
        disable_numparse=True,
    )


def to_latex(frame: pd.DataFrame) -> str:
    """A booktabs table; what LaTeX would read as commands is escaped."""
    lines = [" & ".join(_escape(cell) for cell in row) + r" \\" for row in frame.astype(str).to_numpy()]
    head = " & ".join(_escape(str(name)) for name in frame.columns) + r" \\"
    columns = "l" + "r" * (frame.shape[1] - 1)
    body = [
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        head,
        r"\midrule",
        *lines,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(body)


def _with_interval(mean: float, low: float, high: float, sign: str = "") -> str:
    """Shares as percent with one decimal; zero has no minus.

    >>> _with_interval(0.4213, 0.3804, 0.4621), _with_interval(-1e-9, 0, 0.012, sign="+")
    ('42.1 [38.0, 46.2]', '+0.0 [+0.0, +1.2]')
    """
    mean, low, high = (f"{100 * share:{sign}z.1f}" for share in (mean, low, high))
    return f"{mean} [{low}, {high}]"


def _p(p: float) -> str:
    """Three decimals; nothing for the baseline itself.

    >>> _p(0.0004), _p(0.0312), _p(float("nan"))
    ('< 0.001', '0.031', '')
    """
    return "" if np.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _escape(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    special |= {char: f"\\{char}" for char in "&%$#_{}"} | {"<": r"$<$", ">": r"$>$", "→": r"$\to$"}
    return "".join(special.get(char, char) for char in text)
