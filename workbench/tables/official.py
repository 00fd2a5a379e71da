"""The official numbers of a benchmark as a table: a row per number, a column per method, in percent.

They are what the set's own evaluation prints, under its own names, to two decimals as papers give them. Left out:
intervals and tests, which `main_table` has, and computing (`official`).
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from workbench.plots.style import label_of
from workbench.tables.table import Cell, Table


def official_table(numbers: Mapping[str, Mapping[str, float]], protocol: Mapping[str, str]) -> Table:
    """numbers: shares by method and official name, as `official.official_numbers` gives them; protocol: the benchmark's.

    >>> print(official_table({"image_only": {"mAP@5": 0.1234}, "pdv_f": {"mAP@5": 0.2}}, {"reference": "ranked"}))
    official %  image only  PDV-F
    ----------  ----------  -----
    mAP@5       12.34       20.00
    <BLANKLINE>
    As the benchmark's own evaluation takes them.
    Protocol: reference: ranked.
    """
    names = list(dict.fromkeys(name for own in numbers.values() for name in own))
    columns = {
        label_of(method): [Cell(f"{100 * own[name]:.2f}") if name in own else "" for name in names]
        for method, own in numbers.items()
    }
    rules = "; ".join(f"{key}: {value}" for key, value in protocol.items())
    notes = ("As the benchmark's own evaluation takes them.", f"Protocol: {rules}.")
    return Table(pd.DataFrame({"official %": names, **columns}), notes)
