"""grid: every combination of some values of a method's fields."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable

from workbench.methods.base import METHODS, Method, MethodError, need_fields
from workbench.registry import nearest


def grid(method: str | type | Method, **axes) -> list[Method]:
    """One method per combination of the axes' values; the last axis runs fastest.

    method: a registered name, a class, or an instance whose other fields are kept. axes: per field, a sequence of
    values or a single one. Values become the type of the field's default.

    >>> grid("slerp", alpha=[0.5, 0.8])
    [Slerp(alpha=0.5), Slerp(alpha=0.8)]

    Raises UnknownName for an unknown method; MethodError for an unknown field, a field without a default that no axis
    gives, an axis without values, or a value that the field cannot hold.
    """
    kind = METHODS.get(method) if isinstance(method, str) else method
    fields = {field.name: field for field in dataclasses.fields(kind)}
    name = kind.__name__ if isinstance(kind, type) else type(kind).__name__
    for axis in axes:
        if axis not in fields:
            raise MethodError(f"{name} has no {axis!r}.{nearest(axis, fields)} It has {', '.join(fields)}")
    if isinstance(kind, type):
        need_fields(name, kind, axes)
    values = [_values(name, fields[axis], given) for axis, given in axes.items()]
    make = kind if isinstance(kind, type) else lambda **changes: dataclasses.replace(kind, **changes)
    return [make(**dict(zip(axes, point, strict=True))) for point in itertools.product(*values)]


def _values(name: str, field: dataclasses.Field, given) -> list:
    values = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    if isinstance(field.default, tuple) and not any(isinstance(value, list | tuple) for value in values):
        values = [tuple(values)]  # one value of a field that holds a tuple
    if not values:
        raise MethodError(f"{name}: the axis {field.name!r} has no values")
    return [_as_field(name, field, value) for value in values]


def _as_field(name: str, field: dataclasses.Field, value):
    """The value as plain Python, of the field's type: labels and records print it."""
    value = value.item() if hasattr(value, "item") else value
    wanted = _type_of(field)
    if wanted is None or (isinstance(value, wanted) and type(value) is not bool):
        return value
    if wanted is bool and isinstance(value, bool):
        return value
    if wanted is tuple and isinstance(value, list):
        return tuple(value)
    number = type(value) in (int, float)
    if not number or wanted not in (int, float) or wanted(value) != value:
        example = "" if field.default is dataclasses.MISSING else f" such as {field.default!r}"
        raise MethodError(f"{name}: {field.name} cannot be {value!r}, expected {wanted.__name__}{example}")
    return wanted(value)


def _type_of(field: dataclasses.Field) -> type | None:
    """Of the default; of a field without one, what is written beside it, where that is a plain type."""
    if field.default is not dataclasses.MISSING:
        return type(field.default)
    plain = {kind.__name__: kind for kind in (bool, int, float, str)}
    return plain.get(getattr(field.type, "__name__", field.type))
