"""What a mitigator is: a frozen dataclass of hyper-parameters with `fit(bank)`.

What `fit` gives is applied block by block, so that no (Q, N) array need ever exist:

    fitted = CSLS(k=10).fit(Bank(queries, gallery, source="val queries"))
    better = fitted(scores, slice(0, 64), slice(0, N))      # the scores of test queries 0 to 63

Two kinds. Most mitigators change *scores*; some change the gallery's *rows* (InvGC), and the scores follow.
`mitigate` and `mitigate_rows` apply either kind to all test queries. A fitted mitigator that only adds something per
gallery picture has `bias` (N,), which `sweep(..., bias=...)` and a search index (`fold`) take instead.

To add one, write a file like `nnn.py`, register the class, import it in `hubness/__init__.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from workbench.arrays import Float, check_shape
from workbench.errors import UserError
from workbench.hubness.bank import Bank, BankError, check_values
from workbench.index.blocks import slices
from workbench.registry import Registry

__all__ = [
    "MITIGATORS",
    "Additive",
    "Bank",
    "BankError",
    "Fitted",
    "FittedRows",
    "Mitigator",
    "MitigatorError",
    "label",
    "mitigate",
    "mitigate_rows",
]

MITIGATORS = Registry("mitigator", entry_point_group="workbench.mitigators")


class MitigatorError(UserError, ValueError):
    """A mitigator has an impossible hyper-parameter, or is asked for something that it cannot do."""


@runtime_checkable
class Fitted(Protocol):
    """Changes scores of test queries, block by block; higher stays better, the block given is not written to.

    scores (q, n) are those of the test queries `queries` with the gallery pictures `items`, two slices. A mitigator
    that looks at a query's whole row raises MitigatorError where `items` is less than the gallery.
    """

    def __call__(self, scores: Float["q n"], queries: slice, items: slice) -> Float["q n"]: ...


@runtime_checkable
class FittedRows(Protocol):
    """Changes rows instead: scores are inner products of `queries(rows)` with `gallery`."""

    gallery: Float["N D"]

    def queries(self, rows: Float["Q D"]) -> Float["Q D"]: ...


@runtime_checkable
class Mitigator(Protocol):
    """Learns the gallery's hubs from a bank of queries."""

    def fit(self, bank: Bank) -> Fitted | FittedRows: ...


@dataclass(frozen=True, eq=False)
class Additive:
    """scale x (score + bias): one number per gallery picture, whatever the query."""

    bias: Float[" N"]
    scale: float = 1.0

    def __call__(self, scores: Float["q n"], queries: slice, items: slice) -> Float["q n"]:
        out = scores + self.bias[items]
        out *= self.scale
        return out


def mitigate(mitigator: Mitigator, bank: Bank, scores: Float["Q N"]) -> Float["Q N"]:
    """The scores of all test queries after a mitigator of scores: a new array.

    Raises MitigatorError for one that changes rows, BankError for a bank that holds all the test queries and does not
    say so, ArrayError where scores and bank have galleries of different sizes, for NaN, +infinity, and types other than
    float32 and float64.
    """
    check_shape("scores", scores, "Q N", N=bank.n_items)
    check_values("scores", scores)
    bank.need_honesty(scores)
    fitted = mitigator.fit(bank)
    if isinstance(fitted, FittedRows):
        raise MitigatorError(f"{label(mitigator)} changes rows, not scores: use mitigate_rows")
    out = np.empty_like(scores)
    for queries in slices(*scores.shape):
        out[queries] = fitted(scores[queries], queries, slice(0, bank.n_items))
    return out


def mitigate_rows(
    mitigator: Mitigator, bank: Bank, queries: Float["Q D"]
) -> Iterator[tuple[slice, Float["q N"]]]:
    """The same from the test queries' rows, for either kind of mitigator: (queries, their scores), block by block.

    Only one block of scores is held. Raises as `mitigate`, BankError for a bank without rows.
    """
    bank.need_rows("mitigate_rows")
    check_shape("queries", queries, "Q D", D=bank.gallery.shape[1])
    check_values("queries", queries)
    bank.need_honesty(queries, rows=True)
    return _blocks(mitigator.fit(bank), bank, queries)


def _blocks(
    fitted: Fitted | FittedRows, bank: Bank, queries: Float["Q D"]
) -> Iterator[tuple[slice, Float["q N"]]]:
    for some in slices(len(queries), bank.n_items):
        if isinstance(fitted, FittedRows):
            yield some, fitted.queries(queries[some]) @ fitted.gallery.T
        else:
            yield some, fitted(queries[some] @ bank.gallery.T, some, slice(0, bank.n_items))


def label(mitigator: Mitigator) -> str:
    """The registered name and whatever differs from its defaults: "nnn(k=16)"; the class's name if it has none."""
    kind = type(mitigator)
    name = next((name for name in MITIGATORS.names() if MITIGATORS.get(name) is kind), kind.__name__)
    changed = [
        f"{field.name}={getattr(mitigator, field.name)!r}"
        for field in dataclasses.fields(mitigator)
        if getattr(mitigator, field.name) != field.default
    ]
    return f"{name}({', '.join(changed)})" if changed else name


def check_whole_rows(who: str, scores: np.ndarray, items: slice, n_items: int) -> None:
    """For a mitigator that looks at a query's whole row. Raises MitigatorError where a block holds less."""
    if scores.shape[1] != n_items or items.indices(n_items) != (0, n_items, 1):
        raise MitigatorError(
            f"{who} looks at a query's scores with the whole gallery: got {scores.shape[1]} of {n_items} pictures"
        )


def check_positive(who: str, **values: float | int) -> None:
    """Raises MitigatorError for a hyper-parameter that is not above 0."""
    for name, value in values.items():
        if not value > 0:
            raise MitigatorError(f"{who}: {name} is {value}, expected above 0")
