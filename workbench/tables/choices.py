"""What a table says of settings that were picked: where, by what, of how many; and a warning where that flatters them."""

from __future__ import annotations

import warnings

import pandas as pd

from workbench.plots.style import label_of
from workbench.tables.table import DAGGER


class ChosenOnReported(UserWarning):
    """A setting was picked on the very data that its numbers are reported on."""


def names_marked(rows: pd.DataFrame) -> list[str]:
    """The methods' labels, with a dagger where the setting was picked on the data reported."""
    return [
        f"{label_of(row['method'])} {DAGGER}" if flatters(row) else label_of(row["method"])
        for row in rows.to_dict("records")
    ]


def flattered(rows: pd.DataFrame, level: int = 3) -> tuple[str, ...]:
    """A sentence for each method whose setting was picked on the data reported; also as a Python warning.

    level: of the warning, as `warnings.warn` counts.
    """
    said = [
        f"{label_of(row['method'])} was {_picked(row)} on {row['chosen_on']}, the data it is reported on: its numbers "
        "flatter it."
        for row in rows.to_dict("records")
        if flatters(row)
    ]
    for line in said:
        warnings.warn(line, ChosenOnReported, stacklevel=level)
    return tuple(f"{DAGGER} {line}" for line in said)


def told(rows: pd.DataFrame) -> list[str]:
    """A sentence for each method whose setting was picked: which one, and where; unless it is warned of already."""
    return [
        f"{label_of(row['method'])}{_setting(row)}: {_picked(row)} on {row['chosen_on']}."
        for row in rows.to_dict("records")
        if is_chosen(row) and (_setting(row) or not flatters(row))
    ]


def is_chosen(row: dict) -> bool:
    return isinstance(row.get("chosen_on"), str) and row["chosen_on"] != ""


def flatters(row: dict) -> bool:
    """Whether the row's setting was picked on the data that the row reports."""
    return is_chosen(row) and row["chosen_on"] == row.get("split")


def _setting(row: dict) -> str:
    """ " = weighted_sum(weight=0.8)", where the row's name does not say it already."""
    setting = row.get("setting")
    same = isinstance(setting, str) and label_of(setting) == label_of(row["method"])
    return f" = {setting}" if isinstance(setting, str) and not same else ""


def _picked(row: dict) -> str:
    among = row.get("settings")
    best = f"the best of {int(among):,} settings" if among is not None and among == among else "picked"
    return f"{best} by {row['chosen_by']}" if isinstance(row.get("chosen_by"), str) else best
