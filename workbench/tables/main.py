"""The main table: one row per method, each metric with its interval, and the paired comparison with a baseline.

In bold: per metric, the highest mean and every method that a paired test cannot tell from it (Holm-corrected p above
5 %). The best is picked by the very numbers it is then compared on, so bold is a summary for the eye, not a claim.
Stars: the corrected comparison with the baseline, in either direction.

A setting that was picked on the data it is reported on carries a dagger and a warning in every form of the table.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.plots.curves import check_columns
from workbench.plots.style import label_of
from workbench.protocol import check_same, cluster_column, protocol_of
from workbench.tables import choices
from workbench.tables.table import BEST, Cell, Table

ALPHA = 0.05
FEW = 20  # clusters: with fewer a percentile interval of 95 % covers the truth clearly less often (tests/test_significance.py)
STARS = {0.001: "***", 0.01: "**", 0.05: "*"}
NEEDED = ("method", "metric", "queries", "clusters", "unit", "level", "mean", "low", "high", "baseline")
NEEDED += ("difference", "difference_low", "difference_high", "p_holm", "effect", "wins", "losses", "p_best")


def main_table(
    results: pd.DataFrame, tested: str | None = None, metrics: Sequence[str] | None = None
) -> Table:
    """One row per method, in the order given: each metric in percent with its interval, then one paired comparison.

    results: the frame of `evaluation.results_table`. tested: the metric whose difference from the baseline is shown;
    the first metric unless named. metrics: which columns, all unless given. Warns with ChosenOnReported where a
    setting was picked on the data reported. Raises FrameError for a missing column, KeyError for a metric that is
    not there, ProtocolMismatch where rows do not belong together.
    """
    check_columns("main_table", results, *NEEDED)
    check_same(results)
    known = list(dict.fromkeys(results["metric"]))
    metrics = known if metrics is None else list(metrics)
    tested = metrics[0] if tested is None else tested
    for name, metric in [("tested", tested), *(("metrics", one) for one in metrics)]:
        if metric not in known:
            raise KeyError(f"{name}: got {metric!r}, expected one of {', '.join(known)}")
    rows = results[results["metric"] == tested]
    cells = pd.DataFrame({"method": choices.names_marked(rows)})
    for metric in metrics:
        cells[f"{metric} %"] = _scores(results[results["metric"] == metric])
    cells = cells.assign(**_comparison(rows, tested))
    return Table(cells, tuple(_notes(rows)), (*choices.flattered(rows), *_too_few(rows)))


def percent(
    mean: float, low: float, high: float, sign: str = "", marks: str = "", bold: bool = False
) -> Cell:
    """Shares as percent with one decimal; zero has no minus.

    >>> percent(0.4213, 0.3804, 0.4621)[:2], percent(-1e-9, 0, 0.012, sign="+")[:2]
    (('42.1', '[38.0, 46.2]'), ('+0.0', '[+0.0, +1.2]'))
    """
    shown = [f"{100 * share:{sign}z.1f}" if np.isfinite(share) else "?" for share in (mean, low, high)]
    rest = "" if np.isnan(low) else f"[{shown[1]}, {shown[2]}]"
    return Cell(shown[0], rest, marks, bold)


def p_text(p: float) -> str:
    """Three decimals; nothing where nothing was asked.

    >>> p_text(0.0004), p_text(0.0312), p_text(float("nan"))
    ('< 0.001', '0.031', '')
    """
    return "" if np.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def stars(p: float) -> str:
    """One for 5 %, two for 1 %, three for 0.1 %.

    >>> stars(0.0001), stars(0.02), stars(0.2), stars(float("nan"))
    ('***', '*', '', '')
    """
    return next((marks for limit, marks in STARS.items() if p < limit), "")


def _scores(rows: pd.DataFrame) -> list[Cell]:
    """A metric's means with intervals: stars against the baseline, bold where no worse than the best."""
    return [
        percent(mean, low, high, marks=stars(p), bold=np.isnan(from_best) or from_best > ALPHA)
        for mean, low, high, p, from_best in rows[["mean", "low", "high", "p_holm", "p_best"]].to_numpy(float)
    ]


def _comparison(rows: pd.DataFrame, tested: str) -> dict[str, list]:
    """Difference from the baseline, corrected p, effect and counts; empty in the baseline's own row."""
    own = (rows["method"] == rows["baseline"]).to_numpy()
    gains = rows[["difference", "difference_low", "difference_high"]].to_numpy(float)
    counts = zip(rows["wins"], rows["losses"], strict=True)
    columns = {
        f"{tested} over {label_of(rows['baseline'].iloc[0])}": [percent(*gain, sign="+") for gain in gains],
        "p (Holm)": [p_text(p) for p in rows["p_holm"]],
        "d": [Cell(f"{effect:+z.2f}") for effect in rows["effect"]],
        "won / lost": [f"{won} / {lost}" for won, lost in counts],
    }
    return {
        name: ["" if mine else cell for mine, cell in zip(own, some, strict=True)]
        for name, some in columns.items()
    }


def _notes(rows: pd.DataFrame) -> list[str]:
    """What the numbers are, what they belong to, and how settings were chosen."""
    first, compared = rows.iloc[0], len(rows) - 1
    together = _clusters(rows)
    level = f"{100 * first['level']:g} %"
    notes = [
        f"{belongings(rows)}{first['queries']:,} queries in {first['clusters']:,} clusters ({together})."
    ]
    protocol = protocol_of(rows)
    if protocol:
        notes.append("Protocol: " + "; ".join(f"{key}: {value}" for key, value in protocol.items()) + ".")
    notes.append(
        f"Percent [{level} bootstrap interval over clusters]. {BEST}: the best, or not told from it (p > {ALPHA})."
    )
    if compared > 0:
        notes.append(
            f"* p < 0.05, ** p < 0.01, *** p < 0.001 against {label_of(first['baseline'])}: two-sided paired "
            f"sign-flip test over clusters, Holm-corrected over {compared} method{'s' * (compared > 1)}. "
            "d: mean difference / its standard deviation over queries."
        )
    return notes + choices.told(rows)


def _too_few(rows: pd.DataFrame) -> list[str]:
    clusters = rows["clusters"].iloc[0]
    if clusters >= FEW:
        return []
    return [
        f"Only {clusters} clusters: intervals are too narrow, and one without width is no certainty; the tests hold."
    ]


def belongings(rows: pd.DataFrame) -> str:
    """ "tinycir test, tiny-coca, captions by tiny-coca: " as far as the frame says."""
    first = rows.iloc[0]
    where = " ".join(str(first[name]) for name in ("benchmark", "split") if name in rows)
    encoders = _several(rows, "encoder")
    captions = _several(rows, "captions")
    parts = [where, encoders, f"captions by {captions}" if captions else ""]
    said = ", ".join(part for part in parts if part)
    return f"{said}: " if said else ""


def _several(rows: pd.DataFrame, name: str) -> str:
    return ", ".join(dict.fromkeys(str(x) for x in rows[name].dropna())) if name in rows else ""


def _clusters(rows: pd.DataFrame) -> str:
    if rows["unit"].iloc[0] == "query":
        return "each query on its own"
    column = cluster_column(protocol_of(rows))
    return "reference images" if column == "reference" else column.removeprefix("tag_")
