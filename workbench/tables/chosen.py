"""The table of `choose.choose`: each method's best setting, what it was worth where it was picked, and where it counts."""

from __future__ import annotations

import pandas as pd

from workbench.plots.curves import check_columns
from workbench.protocol import check_same, protocol_of
from workbench.tables import choices
from workbench.tables.main import belongings
from workbench.tables.table import Cell, Table

NEEDED = (
    "method",
    "metric",
    "value",
    "queries",
    "chosen_on",
    "chosen_by",
    "settings",
    "setting",
    "value_there",
)


def chosen_table(found: pd.DataFrame) -> Table:
    """One row per method: the setting, each metric in percent, and beside the metric it was picked by its value there.

    found: of `choose.choose`. There are no intervals: a sweep keeps means; `choose.evaluate_chosen` gives the numbers
    per query that `main_table` needs. Warns with ChosenOnReported where a setting was picked on the data reported.
    Raises FrameError for a missing column, ProtocolMismatch where rows do not belong together.
    """
    check_columns("chosen_table", found, *NEEDED)
    check_same(found)
    metrics = list(dict.fromkeys(found["metric"]))
    first = found[found["metric"] == metrics[0]].reset_index(drop=True)
    cells = pd.DataFrame({"method": choices.names_marked(first)})
    cells["setting"] = [one if isinstance(one, str) else "its only one" for one in first["setting"]]
    by = next((one for one in found["chosen_by"] if isinstance(one, str)), None)
    for metric in metrics:
        rows = found[found["metric"] == metric]
        cells[f"{metric} %"] = [Cell(f"{100 * value:.1f}") for value in rows["value"]]
        if metric == by:
            there = zip(rows["value_there"], rows.to_dict("records"), strict=True)
            cells[f"{metric} % where it was picked"] = [
                Cell(f"{100 * value:.1f}") if choices.is_chosen(row) else "" for value, row in there
            ]
    notes = [f"{belongings(first)}{first['queries'].iloc[0]:,} queries."]
    protocol = protocol_of(found)
    if protocol:
        notes.append("Protocol: " + "; ".join(f"{key}: {value}" for key, value in protocol.items()) + ".")
    return Table(cells, (*notes, *choices.told(first)), choices.flattered(first))
