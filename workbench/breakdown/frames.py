"""What every breakdown does with a frame first: find the group of each row, the clusters of a group, who solved what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.evaluation import values_by_method
from workbench.protocol import EvaluationError, cluster_numbers
from workbench.registry import UnknownName, nearest
from workbench.significance import Groups

UNTAGGED = "(none)"  # the group of queries that do not carry the tag


def known(kind: str, frame: pd.DataFrame, names: Sequence[str]) -> None:
    """Raises UnknownName for a column that the frame lacks."""
    for name in names:
        if name not in frame:
            raise UnknownName(
                f"the frame has no {kind} {name!r}.{nearest(name, list(frame))} It has: {', '.join(map(str, frame))}"
            )


def known_methods(frame: pd.DataFrame, names: Sequence[str]) -> None:
    """Raises UnknownName for a method that the frame lacks."""
    methods = list(dict.fromkeys(frame["method"]))
    for name in names:
        if name not in methods:
            raise UnknownName(
                f"the frame has no method {name!r}.{nearest(name, methods)} It has: {', '.join(methods)}"
            )


def grouping(frame: pd.DataFrame, by: str | pd.Series) -> tuple[str, pd.Series]:
    """The grouping's name and the group of each row: a column, a tag ("edit" for "tag_edit"), or a series over rows.

    Raises UnknownName for a column that is not there, EvaluationError for a series of another length.
    """
    if isinstance(by, pd.Series):
        if len(by) != len(frame):
            raise EvaluationError(f"by: got {len(by)} values for {len(frame)} rows of the frame")
        return str(by.name or "group"), by.set_axis(frame.index)
    column = f"tag_{by}" if f"tag_{by}" in frame else by
    known("column", frame, [column])
    values = frame[column]
    if values.isna().any():
        values = values.astype(object).where(values.notna(), UNTAGGED)
    return column.removeprefix("tag_"), values


def in_order(group: pd.Series) -> list:
    """The groups there are: ranges and numbers by size, names by the alphabet."""
    if isinstance(group.dtype, pd.CategoricalDtype):
        return [key for key in group.cat.categories if (group == key).any()]
    return sorted(group.unique(), key=lambda key: (isinstance(key, str), key))


def clusters_within(queries: pd.DataFrame, unit: str) -> Groups | None:
    """The clusters of some of the queries, with the mean over queries; None where there are fewer than two."""
    clusters = cluster_numbers(queries, unit)
    return Groups(clusters) if len(np.unique(clusters)) > 1 else None


def solved_by(frame: pd.DataFrame, metric: str, methods: Sequence[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """The first method's rows, and (Q, methods) of True and False in their order.

    Raises UnknownName for a metric or method that is not there, EvaluationError where the methods did not answer the
    same queries or the metric is not 0 or 1.
    """
    known("metric", frame, [metric])
    known_methods(frame, methods)
    first = frame[frame["method"] == methods[0]]
    rows = pd.concat([frame[frame["method"] == name] for name in dict.fromkeys(methods)])
    values = values_by_method(rows, first["query"], [metric])[:, :, 0]
    if not np.isin(values, (0, 1)).all():
        raise EvaluationError(f"{metric}: a query must be solved or not (0 or 1), as with hit@10")
    order = [list(dict.fromkeys(methods)).index(name) for name in methods]
    return first, values[:, order] == 1
