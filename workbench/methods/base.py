"""What a method is: a frozen dataclass of hyper-parameters plus one small function.

A linear method gives `weights`, one number per term; any other method gives `score`. To add one, write a file like
`baselines.py`, register the class here by name, and test it against its formula written out naively.
"""

from __future__ import annotations

import dataclasses
from typing import Protocol, runtime_checkable

from workbench.arrays import Float
from workbench.registry import Registry, UnknownName
from workbench.score.similarities import Term

METHODS = Registry("method", entry_point_group="workbench.methods")


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
    """

    terms: tuple[Term, ...]

    def weights(self, gram: Float["Q R R"]) -> Float[" K"] | Float["Q K"]:
        raise NotImplementedError

    def score(self, case) -> Float["Q N"]:
        similarities = case.similarities(self.terms)
        return similarities.combine(self.weights(similarities.gram))


def label(method) -> str:
    """The registered name and whatever differs from its defaults: "pdv_f(beta=0.5)".

    Raises UnknownName for a class that is not registered.
    """
    names = [name for name in METHODS.names() if METHODS.get(name) is type(method)]
    if not names:
        raise UnknownName(
            f"{type(method).__name__} is not registered as a method; known: {', '.join(METHODS.names())}"
        )
    changed = [
        f"{field.name}={getattr(method, field.name)!r}"
        for field in dataclasses.fields(method)
        if getattr(method, field.name) != field.default
    ]
    return f"{names[0]}({', '.join(changed)})" if changed else names[0]
