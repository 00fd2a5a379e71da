"""Every measure of two clouds as one table, each beside what random directions of the same shape give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.arrays import Float, check_shape, unit
from workbench.geometry.metrics import GEOMETRY_METRICS, GeometryMetric
from workbench.geometry.rows import GeometryError
from workbench.registry import UnknownName, nearest

SATURATED = 0.99  # from here on a flag says yes


def gap_report(
    images: Float["N D"],
    texts: Float["M D"],
    metrics: Sequence[str] | None = None,
    *,
    paired: bool | None = None,
    most: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """One row per measure: metric, id, value, random, flag, units, range, extremes, says, not said, rows, note.

    ``random``: the same measure of directions drawn evenly, as many and as wide. ``flag``: "yes" from 0.99 on or "no",
    for measures that saturate. Measures that compare all rows with all are taken on at most ``most`` rows of each
    modality, drawn with the seed; ``rows`` says how many. A measure without a value (NaN) says why in ``note``.

    paired: row i of one belongs to row i of the other. Unless given, sets of one size are taken for pairs; without
    pairs, what needs them is listed without value. Raises ArrayError for NaN, rows without direction and unlike
    widths, GeometryError for an empty set and where paired sets are not of one size, UnknownName for an unknown metric.
    """
    width = check_shape("images", images, "N D")["D"]
    check_shape("texts", texts, "M D", D=width)
    if not (len(images) and len(texts)):
        raise GeometryError(f"got {len(images)} images and {len(texts)} texts, expected at least one of each")
    if paired and len(images) != len(texts):
        raise GeometryError(f"pairs: got {len(images)} images and {len(texts)} texts, expected as many")
    paired = len(images) == len(texts) if paired is None else paired
    rng = np.random.default_rng(seed)
    whole = (unit(images.astype(np.float64), "images"), unit(texts.astype(np.float64), "texts"))
    some = _sample(*whole, paired, most, rng)
    chance = tuple(unit(rng.normal(size=rows.shape)) for rows in whole)
    few = tuple(rows[: len(part)] for rows, part in zip(chance, some, strict=True))
    rows = []
    for metric in map(find_metric, metrics or GEOMETRY_METRICS):
        given, random = (some, few) if metric.quadratic else (whole, chance)
        rows.append(_row(metric, given, random, paired))
    return pd.DataFrame(rows)


def find_metric(name: str) -> GeometryMetric:
    """The measure with this id. Raises UnknownName with the nearest one."""
    if name not in GEOMETRY_METRICS:
        raise UnknownName(
            f"no measure of the gap is called {name!r}.{nearest(name, GEOMETRY_METRICS)} "
            f"Known: {', '.join(GEOMETRY_METRICS)}"
        )
    return GEOMETRY_METRICS[name]


def _sample(images, texts, paired: bool, most: int, rng: np.random.Generator):
    chosen = np.sort(rng.permutation(len(images))[:most])
    others = chosen if paired else np.sort(rng.permutation(len(texts))[:most])
    return images[chosen], texts[others]


def _row(metric: GeometryMetric, given, random, paired: bool) -> dict[str, object]:
    value = reference = np.nan
    note = "" if paired or metric.needs == "sets" else "left out: needs pairs"
    if not note:
        value, note = _value(metric, given)
        reference, _ = _value(metric, random)
    flag = "" if not metric.flag or np.isnan(value) else "yes" if value >= SATURATED else "no"
    sizes = [len(rows) for rows in given]
    return {
        "metric": metric.name,
        "id": metric.id,
        "value": value,
        "random": reference,
        "flag": flag,
        "units": metric.units,
        "range": metric.range,
        "extremes": metric.extremes,
        "says": metric.says,
        "not said": metric.not_said,
        "rows": str(sizes[0]) if sizes[0] == sizes[1] else f"{sizes[0]} + {sizes[1]}",
        "note": note,
    }


def _value(metric: GeometryMetric, given) -> tuple[float, str]:
    try:
        return float(metric.compute(*given)), ""
    except GeometryError as error:
        return np.nan, str(error)
