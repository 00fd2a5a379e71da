"""Metrics without and with the right answers that an audit found."""

from __future__ import annotations

import pandas as pd

from workbench.plots.curves import check_columns
from workbench.plots.style import label_of
from workbench.tables.table import Table


def audit_table(changes: pd.DataFrame) -> Table:
    """One row per method and metric, in percent. changes: of `audit.changes`. Raises FrameError for a missing column."""
    check_columns("audit_table", changes, "method", "metric", "without", "with", "difference", "queries")
    cells = pd.DataFrame(
        {
            "method": [label_of(name) for name in changes["method"]],
            "metric": [f"{name} %" for name in changes["metric"]],
            "without": [f"{100 * value:.2f}" for value in changes["without"]],
            "with": [f"{100 * value:.2f}" for value in changes["with"]],
            "difference": [f"{100 * value:+z.2f}" for value in changes["difference"]],
            "queries changed": [f"{count:,}" for count in changes["queries"]],
        }
    )
    note = (
        "With: marked pictures are right answers, too; Recall@K then asks for the labelled or any marked one. "
        "Only what a method's own list held was looked at, so compare methods whose lists were all marked."
    )
    return Table(cells, (note,))
