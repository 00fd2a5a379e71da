"""What a file or a notebook says of a grid, as values: `[start, stop, count]` or the values themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from workbench.methods.base import METHODS, MethodError, decimals


def axis_values(method: str, axes: Mapping[str, Sequence]) -> dict[str, list]:
    """The values of each axis, ready for `grid(method, **values)`.

    Of a field that holds a decimal number, three numbers with a whole one at the end are start, stop and count, evenly
    spaced with both ends in; anything else lists the values, so three of them end in a decimal: [0.5, 1.0, 2.0].

    >>> axis_values("slerp", {"alpha": [0, 1, 5]})
    {'alpha': [0.0, 0.25, 0.5, 0.75, 1.0]}

    Raises UnknownName for an unknown method, MethodError for an axis that is no list or a count below 2. `grid` checks
    the names and the values.
    """
    decimal = decimals(METHODS.get(method))
    return {
        name: _spaced(name, given) if name in decimal else _listed(name, given)
        for name, given in axes.items()
    }


def _spaced(name: str, given: Sequence) -> list:
    values = _listed(name, given)
    numbers = all(type(value) in (int, float) for value in values)
    if len(values) != 3 or not numbers or type(values[2]) is not int:
        return values
    start, stop, count = values
    if count < 2:
        raise MethodError(f"the axis {name!r} is {values}: got {count} as the count, expected 2 or more")
    return np.linspace(start, stop, count).round(10).tolist()  # 0.3, not 0.30000000000000004


def _listed(name: str, given: Sequence) -> list:
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise MethodError(
            f"the axis {name!r} is {given!r}, expected [start, stop, count] or a list of values"
        )
    return list(given)
