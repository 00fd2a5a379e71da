"""Tables of breakdowns: a metric by group of queries, which modality solves what, and what flips between two methods."""

from __future__ import annotations

import pandas as pd

from workbench.plots.curves import check_columns
from workbench.plots.style import label_of
from workbench.tables.main import p_text, percent, stars
from workbench.tables.table import Table


def breakdown_table(frame: pd.DataFrame, metric: str | None = None) -> Table:
    """One row per group, one column per method: percent with interval, stars against the baseline where there is one.

    frame: of `breakdown.breakdown`. metric: the first unless named. Raises FrameError for a missing column, KeyError
    for a metric that is not there.
    """
    check_columns(
        "breakdown_table", frame, "method", "metric", "by", "group", "queries", "mean", "low", "high"
    )
    metrics = list(dict.fromkeys(frame["metric"]))
    metric = metrics[0] if metric is None else metric
    if metric not in metrics:
        raise KeyError(f"metric: got {metric!r}, expected one of {', '.join(metrics)}")
    rows = frame[frame["metric"] == metric].reset_index(drop=True)
    name = rows["by"].iloc[0]
    first = rows[rows["method"] == rows["method"].iloc[0]].reset_index(drop=True)
    cells = pd.DataFrame({name: first["group"].astype(str), "queries": [f"{n:,}" for n in first["queries"]]})
    for method, some in rows.groupby("method", sort=False):
        p = some["p_holm"] if "p_holm" in some else [float("nan")] * len(some)
        numbers = zip(some["mean"], some["low"], some["high"], p, strict=True)
        cells[label_of(method)] = [percent(*ends, marks=stars(one)) for *ends, one in numbers]
    notes = [f"{metric} in percent [95 % bootstrap interval over clusters] by {name}."]
    if "p_holm" in rows:
        tested = int(rows["p_holm"].notna().sum())
        notes.append(
            f"* p < 0.05, ** p < 0.01, *** p < 0.001 against {label_of(rows['baseline'].iloc[0])} within the group: "
            f"two-sided paired sign-flip test, Holm-corrected over {tested} comparisons."
        )
    return Table(cells, tuple(notes))


def necessity_table(frame: pd.DataFrame) -> Table:
    """One row per kind of query: its share for each composed method, and how much of it the method solves.

    frame: of `breakdown.necessity`. Raises FrameError for a missing column.
    """
    check_columns(
        "necessity_table", frame, "method", "metric", "kind", "queries", "share", "low", "high", "kept"
    )
    kinds = list(dict.fromkeys(frame["kind"]))
    cells = pd.DataFrame({"solved by": kinds})
    for method, rows in frame.groupby("method", sort=False):
        shares = rows[["share", "low", "high"]].to_numpy(float)
        cells[f"{label_of(method)}: queries %"] = [percent(*ends) for ends in shares]
        cells[f"of these {label_of(method)} solves %"] = [
            percent(kept, float("nan"), float("nan")) if kept == kept else "" for kept in rows["kept"]
        ]
    notes = (
        f"Solved: {frame['metric'].iloc[0]} = 1. Each query is in one row; text and image stand for the one-modality baselines.",
        "Percent [95 % bootstrap interval over clusters].",
    )
    return Table(cells, notes)


def flips_table(frame: pd.DataFrame) -> Table:
    """One row per group: queries won and lost between two methods, the difference in points, its corrected p.

    frame: of `breakdown.flips`. Raises FrameError for a missing column.
    """
    needed = ("by", "group", "method", "other", "metric", "queries", "both", "won", "lost", "neither")
    check_columns("flips_table", frame, *needed, "difference", "p_holm")
    counts = ["queries", "won", "lost", "both", "neither"]
    cells = pd.DataFrame({frame["by"].iloc[0]: frame["group"].astype(str)})
    cells = cells.assign(**{name: [f"{n:,}" for n in frame[name]] for name in counts})
    cells["difference"] = [percent(d, float("nan"), float("nan"), sign="+") for d in frame["difference"]]
    cells["p (Holm)"] = [p_text(p) for p in frame["p_holm"]]
    one, other = (label_of(frame[name].iloc[0]) for name in ("method", "other"))
    note = (
        f"Won: solved by {one} and not by {other} ({frame['metric'].iloc[0]} = 1); lost: the other way round. "
        f"p: two-sided sign-flip test over clusters, Holm-corrected over {len(frame)} groups."
    )
    return Table(cells, (note,))
