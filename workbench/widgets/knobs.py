"""What can be turned on a method: one knob per field of its dataclass, with the range that the field states.

A field says its usual range with `methods.base.usual`. Without one, the range follows from the default: a share
(0 to 1) goes from 0 to 1, another number from 0 to twice its size. Fields that are no numbers and no yes or no (the
texts that PDV walks between, the name of a judge) keep their default, and a method that needs such a field has no
place in an explorer. Left out: the sliders themselves (`controls`).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import get_type_hints

from workbench.case import Case
from workbench.errors import UserError
from workbench.methods import METHODS, LinearMethod, Method
from workbench.widgets.desk import Desk
from workbench.widgets.view import Question

COARSE, FINE = 0.05, 0.01  # steps of numbers that are not whole


@dataclass(frozen=True)
class Knob:
    """A number (whole or not) or a yes or no, and where it starts. stated: False where no paper is known to say it."""

    field: str
    kind: type
    start: float | int | bool
    low: float = 0.0
    high: float = 1.0
    stated: bool = True

    @property
    def step(self) -> float:
        """1 for whole numbers; else .05, or .01 where the start or the low end is between such steps."""
        if self.kind is int:
            return 1
        marks = (number / COARSE for number in (self.low, self.start))
        return COARSE if all(abs(mark - round(mark)) < 1e-9 for mark in marks) else FINE

    def value(self, number: float) -> float | int | bool:
        """A slider's position as the field's value, without the dust of binary steps.

        >>> Knob("alpha", float, 0.5).value(0.1 + 0.2)
        0.3
        """
        return self.kind(round(number, 6))


def knobs(kind: type) -> tuple[Knob, ...]:
    """The knobs of a method's class, in the order of its fields."""
    hints = get_type_hints(kind)
    return tuple(
        _knob(field, hints[field.name])
        for field in dataclasses.fields(kind)
        if hints[field.name] in (int, float, bool)
    )


def _knob(field: dataclasses.Field, kind: type) -> Knob:
    stated = field.default is not dataclasses.MISSING
    if kind is bool:
        return Knob(field.name, bool, bool(field.default) if stated else False, stated=stated)
    size = abs(field.default) if stated else 0
    guess = (0, 1) if kind is float and size <= 1 else (0, 2 * size or 1)
    low, high = field.metadata.get("usual", guess)
    start = field.default if stated else kind((low + high) / 2)
    return Knob(field.name, kind, start, min(low, start), max(high, start), stated)


def start(name: str) -> Method | None:
    """The registered method with every knob where it starts; None where it needs a field that has no knob."""
    kind = METHODS.get(name)
    values = {knob.field: knob.start for knob in knobs(kind) if not knob.stated}
    try:
        return kind(**values)
    except TypeError:  # a required field without a knob
        return None


def possible(case: Case, desk: Desk) -> tuple[str, ...]:
    """The registered methods that the case can give all terms to, and whatever else they ask for."""
    return tuple(name for name in METHODS.names() if _answers(case, desk, start(name)))


def knobs_here(case: Case, method: Method) -> tuple[Knob, ...]:
    """The method's knobs as far as the case goes: a count of captions ends where the case has no more of them.

    A knob that could not be moved is left out.
    """
    found = []
    for knob in knobs(type(method)):
        if knob.kind is int:
            fits = [
                n
                for n in range(knob.low, knob.high + 1)
                if _has(case, dataclasses.replace(method, **{knob.field: n}))
            ]
            knob = dataclasses.replace(knob, low=min(fits), high=max(fits))
        if knob.low < knob.high:
            found.append(knob)
    return tuple(found)


def _has(case: Case, method: Method) -> bool:
    return all(part in case.parts and view in case.views for part, view in method.terms)


def _answers(case: Case, desk: Desk, method: Method | None) -> bool:
    if method is None or not _has(case, method):
        return False
    if isinstance(method, LinearMethod):
        return True
    try:  # corpora, verdicts: only the method knows
        method.score(desk.one(Question(query=0), (part for part, _ in method.terms)))
    except UserError:
        return False
    return True
