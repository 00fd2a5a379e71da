"""What a method is: a frozen dataclass of hyper-parameters plus one small function.

A linear method gives `weights`, one number per term; any other method gives `score`. To add one, write a file like
`baselines.py`, register the class here by name, and test it against its formula written out naively. A field without
a default is a number that no paper is known to state: it must be given, or swept.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterable
from functools import cache
from typing import ClassVar, Protocol, get_args, get_origin, get_type_hints, runtime_checkable

import numpy as np

from workbench.arrays import Float
from workbench.errors import UserError
from workbench.registry import Registry, UnknownName, nearest
from workbench.score.similarities import Term

METHODS = Registry("method", entry_point_group="workbench.methods")


class MethodError(UserError, ValueError):
    """A method cannot be made from its label, or lacks something to score with; the message names it."""


@runtime_checkable
class Method(Protocol):
    """Scores every gallery picture for every query of a case; higher is better."""

    @property
    def terms(self) -> tuple[Term, ...]:
        """The (query part, gallery view) pairs it needs: a property of the instance."""

    def score(self, case) -> Float["Q N"]: ...


class LinearMethod:
    """A method whose score is sum_k w_k S_k: subclasses give `terms` and `weights(gram)`.

    `gram` (Q, R, R) holds the inner products of each query's raw parts, in the order in which the terms first name
    them; most methods ignore it and return K weights, those in which raw lengths or angles enter return (Q, K).

    `elementwise = True` beside `weights` promises two things, and a grid then takes one call instead of thousands:
    decimal fields (annotated `float`) do not change the terms, and `weights` takes columns (P, 1) in their place,
    returning (P, 1, K) or (P, Q, K). A formula that starts from fields, ends in `per_term` and has no `if` does.
    Broken promises are errors, as far as the first and the last setting show them.
    """

    terms: tuple[Term, ...]
    elementwise: ClassVar[bool] = False

    def weights(self, gram: Float["Q R R"]) -> Float[" K"] | Float["Q K"]:
        raise NotImplementedError

    def score(self, case) -> Float["Q N"]:
        similarities = case.similarities(self.terms)
        return similarities.combine(self.weights(similarities.gram))


@cache
def decimals(kind: type) -> tuple[str, ...]:
    """The decimal fields of a method's class: those annotated `float`."""
    return tuple(field.name for field in dataclasses.fields(kind) if field.type in (float, "float"))


def per_term(*weights: int | float | np.ndarray) -> np.ndarray:
    """One weight per term, side by side in the last axis and in float32: numbers, per query (Q,), per setting (P, 1).

    >>> per_term(0.25, 0.75)
    array([0.25, 0.75], dtype=float32)
    """
    return np.stack(np.broadcast_arrays(*weights), axis=-1).astype(np.float32)


def usual(low: int | float, high: int | float, default: object = dataclasses.MISSING):
    """A field with the range in which it is usually tried: what a slider spans, no limit on what is allowed.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Mixed:
    ...     weight: float = usual(0, 1, default=0.5)
    >>> Mixed().weight, dataclasses.fields(Mixed)[0].metadata["usual"]
    (0.5, (0, 1))
    """
    return dataclasses.field(default=default, metadata={"usual": (low, high)})


def check_least(method, **least: int) -> None:
    """Raises MethodError for a field below what it must be at least: `check_least(self, captions=1)`."""
    for field, lowest in least.items():
        value = getattr(method, field)
        if not value >= lowest:  # written so that NaN is wrong
            raise MethodError(f"{type(method).__name__}: {field} is {value!r}, expected {lowest} or more")


def default_of(name: str) -> Method | None:
    """The method of that name at its defaults; None where a field has none. Raises UnknownName."""
    kind = METHODS.get(name)
    return None if _lacking(kind, ()) else kind()


def need_fields(name: str, kind: type, given: Iterable[str]) -> None:
    """Raises MethodError where fields without a default are not given, naming them all."""
    missing = _lacking(kind, given)
    if missing:
        hints = get_type_hints(kind)
        numbers = any(hints[field] in (int, float) for field in missing)
        raise MethodError(
            f"{name} needs {', '.join(f'{field}=...' for field in missing)}: "
            f"{'no paper is known to state a value, so ' if numbers else ''}there is no default"
        )


def _lacking(kind: type, given) -> list[str]:
    """The fields without a default that are not given."""
    required = [field.name for field in dataclasses.fields(kind) if field.default is dataclasses.MISSING]
    return [name for name in required if name not in given]


def label(method) -> str:
    """The registered name and whatever differs from its defaults: "pdv_f(beta=0.5)".

    Raises UnknownName for a class that is not registered.
    """
    name = METHODS.name_of(type(method))
    if name is None:
        raise UnknownName(
            f"{type(method).__name__} is not registered as a method; known: {', '.join(METHODS.names())}"
        )
    changed = [
        f"{field.name}={getattr(method, field.name)!r}"
        for field in dataclasses.fields(method)
        if getattr(method, field.name) != field.default
    ]
    return f"{name}({', '.join(changed)})" if changed else name


def parse_method(text: str) -> Method:
    """A method from its label, as results tables print it: "pdv_f", "weighted_sum(weight=0.4)".

    Raises UnknownName for an unknown method, MethodError for an unknown or missing field, a value of another type
    than the field's, or anything that is no such label.
    """
    try:
        tree = ast.parse(text, mode="eval").body
        call = tree if isinstance(tree, ast.Call) else ast.Call(tree, [], [])
        given = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
        if call.args or None in given:
            raise ValueError
        name = call.func.id
    except (SyntaxError, ValueError, AttributeError):
        raise MethodError(f'method {text!r}: expected "name" or "name(field=value, ...)"') from None
    kind = METHODS.get(name)
    return kind(**_checked_fields(name, kind, given))


def _checked_fields(name: str, kind: type, given: dict[str, object]) -> dict[str, object]:
    """The given values in the types of the fields. Raises MethodError as `parse_method` says."""
    hints = get_type_hints(kind)
    types = {
        field.name: get_origin(hints[field.name]) or hints[field.name] for field in dataclasses.fields(kind)
    }
    for field, value in given.items():
        if field not in types:
            raise MethodError(
                f"{name} has no {field!r}.{nearest(field, types)} It has {', '.join(types) or 'none'}"
            )
        fits = type(value) is types[field] or (type(value), types[field]) == (int, float)
        if types[field] is tuple:
            fits = fits and [type(part) for part in value] == list(get_args(hints[field]))
        if not fits:
            example = f" such as {getattr(kind, field)!r}" if hasattr(kind, field) else ""
            raise MethodError(f"{name}: {field} is {value!r}, expected {types[field].__name__}{example}")
    need_fields(name, kind, given)
    return {field: types[field](value) for field, value in given.items()}
