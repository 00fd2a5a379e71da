"""The weights of all linear methods of a sweep; a grid whose class is `elementwise` takes one call for all settings."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from functools import cache
from itertools import count, groupby, islice
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from workbench.arrays import ArrayError, Float, check_finite
from workbench.methods.base import LinearMethod
from workbench.score.similarities import Similarities


class Family(NamedTuple):
    """Settings whose weights one call gives."""

    methods: list[LinearMethod]
    members: list[int]  # their places in the sweep
    asked: LinearMethod  # the method; for several, one whose decimal fields are columns (M, 1)


def families(methods: Sequence[LinearMethod], places: Sequence[int]) -> list[Family]:
    """Elementwise methods of one class that differ in decimal fields only stand together; any other stands alone."""
    together: dict[tuple, Family] = {}
    left, unlike = iter(places), count()
    for kind, of_kind in groupby(
        methods, type
    ):  # runs, since thousands of settings mostly differ in decimals alone
        for key, run in groupby(of_kind, _others(kind) if kind.elementwise else lambda _: next(unlike)):
            mine = list(run)
            family = together.setdefault((kind, key), Family([], [], mine[0]))
            family.methods.extend(mine)
            family.members.extend(islice(left, len(mine)))
    return [family._replace(asked=_in_columns(family.methods)) for family in together.values()]


def _in_columns(methods: list[LinearMethod]) -> LinearMethod:
    """The only one of them; of several, a stand-in."""
    if len(methods) == 1:
        return methods[0]
    stand_in = copy.copy(methods[0])
    for name in _decimals(type(stand_in)):
        column = np.fromiter(map(attrgetter(name), methods), float, len(methods))[:, None]
        object.__setattr__(stand_in, name, column)  # past the dataclass, which is frozen
    return stand_in


@cache
def _decimals(kind: type) -> tuple[str, ...]:
    """The decimal fields of a class."""
    return tuple(field.name for field in dataclasses.fields(kind) if field.type in (float, "float"))


@cache
def _others(kind: type):
    """What gives the values of all other fields."""
    names = [field.name for field in dataclasses.fields(kind) if field.name not in _decimals(kind)]
    return attrgetter(*names) if names else lambda method: ()


def weights_of(some: Sequence[Family], sims: Similarities) -> Float["P Q K"]:
    """float32 weights of all members, family by family; Q = 1 where none gives weights per query.

    Raises ArrayError, naming the method, for a wrong shape, NaN or infinity.
    """
    given = [_given(family, sims) for family in some]
    shape = (max(one.shape[1] for one in given), len(sims.terms))
    return np.concatenate([np.broadcast_to(one, (len(one), *shape)) for one in given])


def shared_weights(some: Sequence[Family], sims: Similarities) -> Float["P 1 K"] | None:
    """The weights where none of the methods gives them per query; seen on the first two."""
    weights = weights_of(some, sims.queries(slice(0, 2), share=False))
    return weights if weights.shape[1] == 1 else None


def _given(family: Family, sims: Similarities) -> Float["M Q K"]:
    size, queries, terms = len(family.methods), sims.n_queries, len(sims.terms)
    weights = np.asarray(family.asked.weights(sims.gram), np.float32)
    if weights.shape in ((terms,), (queries, terms)) and size == 1:
        weights = weights.reshape(1, -1, terms)
    if weights.shape not in ((size, 1, terms), (size, queries, terms)):
        what = (
            f"weights of {size} settings like {family.methods[0]}"
            if size > 1
            else f"weights of {family.asked}"
        )
        raise ArrayError(f"{what}: got shape {weights.shape}, expected one per term {tuple(sims.terms)}")
    if not np.isfinite(weights).all():
        for method, one in zip(family.methods, weights, strict=True):
            check_finite(f"weights of {method}", one)
    return weights
