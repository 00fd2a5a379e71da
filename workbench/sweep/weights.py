"""The weights of all linear methods of a sweep; a grid whose class is `elementwise` takes one call for all settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cache
from itertools import count, groupby, islice
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from workbench.arrays import ArrayError, Float, check_finite
from workbench.methods.base import LinearMethod, decimals
from workbench.score.similarities import Similarities, Term


class Family(NamedTuple):
    """Settings whose weights one call gives."""

    methods: list[LinearMethod]
    members: list[int]  # their places in the sweep
    asked: LinearMethod  # the method; for several, one whose decimal fields are columns (M, 1)

    @property
    def terms(self) -> tuple[Term, ...]:
        """Raises ArrayError where a decimal field changes them."""
        first, last = (tuple(method.terms) for method in (self.methods[0], self.methods[-1]))
        if first != last:
            raise self.broken(f"the terms of {self.methods[0]} are not those of {self.methods[-1]}")
        return first

    def broken(self, what: str) -> ArrayError:
        """The error of a class that is marked but does not keep what the mark promises."""
        kind = type(self.asked).__name__
        return ArrayError(
            f"{kind} has elementwise = True, but {what}; without the mark each setting is asked by itself"
        )


def families(methods: Sequence[LinearMethod], places: Sequence[int]) -> list[Family]:
    """Elementwise methods of one class that differ in decimal fields only stand together; any other stands alone."""
    together: dict[tuple, Family] = {}
    left, unlike = iter(places), count()
    # in runs: thousands of settings mostly differ in decimals alone
    for kind, of_kind in groupby(methods, type):
        for key, run in groupby(of_kind, _others(kind) if _elementwise(kind) else lambda _: next(unlike)):
            mine = list(run)
            family = together.setdefault((kind, key), Family([], [], mine[0]))
            family.methods.extend(mine)
            family.members.extend(islice(left, len(mine)))
    return [family._replace(asked=_in_columns(family.methods)) for family in together.values()]


def _in_columns(methods: list[LinearMethod]) -> LinearMethod:
    """The only one of them; of several, a stand-in that has their fields and nothing else."""
    first, kind = methods[0], type(methods[0])
    if len(methods) == 1:
        return first
    stand_in = object.__new__(kind)
    for field in dataclasses.fields(kind):
        value = getattr(first, field.name)
        if field.name in decimals(kind):
            value = np.fromiter(map(attrgetter(field.name), methods), float, len(methods))[:, None]
        object.__setattr__(stand_in, field.name, value)  # past the dataclass, which is frozen
    return stand_in


@cache
def _elementwise(kind: type) -> bool:
    """Whether the class that wrote its `weights` is marked; a class that overrides them is marked anew or not at all."""
    author = next(one for one in kind.__mro__ if "weights" in vars(one))
    if not vars(author).get("elementwise") or not dataclasses.is_dataclass(kind):
        return False
    types = [getattr(field.type, "__name__", str(field.type)) for field in dataclasses.fields(kind)]
    return bool(decimals(kind)) and all(
        one.startswith(("float", "int", "bool", "str", "tuple"))
        for one in types  # such as can be told apart
    )


@cache
def _others(kind: type):
    """What gives the values of all other fields."""
    names = [field.name for field in dataclasses.fields(kind) if field.name not in decimals(kind)]
    return attrgetter(*names) if names else lambda method: ()


def weights_of(some: Sequence[Family], sims: Similarities) -> Float["P Q K"]:
    """float32 weights of all members, family by family; Q = 1 where none gives weights per query.

    Raises ArrayError, naming the method, for a wrong shape, NaN or infinity, and for a mark that promises too much.
    """
    given = [_given(family, sims) for family in some]
    shape = (max(one.shape[1] for one in given), len(sims.terms))
    return np.concatenate([np.broadcast_to(one, (len(one), *shape)) for one in given])


def _given(family: Family, sims: Similarities) -> Float["M Q K"]:
    size, shape = len(family.methods), (sims.n_queries, len(sims.terms))
    weights = _alone(family.asked, sims)[None] if size == 1 else _together(family, sims)
    if weights.shape not in ((size, 1, shape[1]), (size, *shape)):
        got = f"got shape {weights.shape}, expected {(size, 1, shape[1])} or {(size, *shape)}"
        raise family.broken(f"of its weights for {size} settings {got}")
    if not np.isfinite(weights).all():
        for method, one in zip(family.methods, weights, strict=True):
            check_finite(f"weights of {method}", one)
    return weights


def _alone(method: LinearMethod, sims: Similarities) -> Float["Q K"]:
    """One row where all queries share it."""
    weights, terms = np.asarray(method.weights(sims.gram), np.float32), len(sims.terms)
    if weights.shape not in ((terms,), (sims.n_queries, terms)):
        raise ArrayError(
            f"weights of {method}: got shape {weights.shape}, expected one per term {tuple(sims.terms)}"
        )
    return weights.reshape(-1, terms)


def _together(family: Family, sims: Similarities) -> np.ndarray:
    """Of several settings; the first and the last are held to what they are alone."""
    try:
        weights = np.asarray(family.asked.weights(sims.gram), np.float32)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise family.broken(f"its weights for {len(family.methods)} settings raise: {error}") from error
    for i in (0, -1) if weights.ndim == 3 else ():
        method = family.methods[i]
        if not np.allclose(weights[i], _alone(method, sims), rtol=1e-5, atol=1e-7, equal_nan=True):
            raise family.broken(
                f"the weights of {method} are other ones among {len(family.methods)} settings"
            )
    return weights
