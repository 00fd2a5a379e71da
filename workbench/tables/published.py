"""Published numbers beside ours, with what differs under them."""

from __future__ import annotations

import pandas as pd

from workbench.plots.curves import check_columns
from workbench.plots.style import label_of
from workbench.tables.table import Table

NEEDED = ("method", "metric", "published as", "paper", "ours", "difference", "differs", "source", "verified")


def published_table(pairs: pd.DataFrame) -> Table:
    """One row per published number. pairs: of `published.beside`. Differences in the protocol are numbered notes.

    Raises FrameError for a missing column.
    """
    check_columns("published_table", pairs, *NEEDED)
    differs = list(dict.fromkeys(pairs["differs"]))
    cells = pd.DataFrame(
        {
            "method": [label_of(name) for name in pairs["method"]],
            "metric": [f"{name} %" for name in pairs["metric"]],
            "published as": pairs["published as"],
            "paper": [f"{value:.2f}" for value in pairs["paper"]],
            "ours": [f"{value:.2f}" for value in pairs["ours"]],
            "difference": [f"{value:+z.2f}" for value in pairs["difference"]],
            "differs": [f"({differs.index(text) + 1})" for text in pairs["differs"]],
        }
    )
    notes = [f"({number}) {text}." for number, text in enumerate(differs, 1)]
    for verified, how in (("yes", "From"), ("no", "Not from the original table")):
        sources = dict.fromkeys(pairs.loc[pairs["verified"] == verified, "source"])
        notes += [f"{how}: {'; '.join(sources)}."] if sources else []
    return Table(cells, tuple(notes))
