"""Similarities: every (query part, gallery view) pair that a method weighs, computed when asked for.

    S_k[q, n] = unit(part_k[q]) . unit(view_k[n])        one matrix per term k = (part, view)

Raw rows come in, unit rows are made here and nowhere else; the raw lengths stay reachable through `gram`, because
some methods (WeiMoCIR) compose before they normalise. Left out: what the parts mean and how they are weighed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from workbench.arrays import ArrayError, Float, check_finite, check_shape, unit
from workbench.registry import UnknownName, nearest

BLOCK_BYTES = 64 * 2**20  # one block of K similarities: small enough for caches, large enough for BLAS


class BudgetError(MemoryError):
    """A whole matrix would be larger than the stated budget; the message names the blocked way."""


class Term(NamedTuple):
    """One query part against one gallery view."""

    part: str
    view: str = "image"


@dataclass(frozen=True, eq=False)
class Similarities:
    """K terms over Q queries and N gallery pictures, from raw rows `parts[name]` (Q, D) and `views[name]` (N, D).

    Raises UnknownName for a part or view that is not at hand; ArrayError for rows that do not fit each other, hold
    NaN or have no direction; BudgetError where one (Q, N) matrix would take more than `budget` bytes.
    """

    parts: Mapping[str, np.ndarray]
    views: Mapping[str, np.ndarray]
    terms: Sequence[tuple[str, str]]
    budget: int = 2 * 2**30

    def __post_init__(self):
        object.__setattr__(self, "terms", tuple(Term(*term) for term in self.terms))
        if not self.terms:
            raise ArrayError("terms: got none, expected at least one (part, view)")
        sizes: dict[str, int] = {}
        for part, view in self.terms:
            for kind, name, table, axes in (
                ("part", part, self.parts, "Q D"),
                ("view", view, self.views, "N D"),
            ):
                if name not in table:
                    known = ", ".join(sorted(table))
                    raise UnknownName(f"no {kind} is called {name!r}.{nearest(name, table)} At hand: {known}")
                sizes |= check_shape(f"{kind} {name!r}", table[name], axes, **sizes)

    @property
    def n_queries(self) -> int:
        return len(self.parts[self.terms[0].part])

    @property
    def n_items(self) -> int:
        return len(self.views[self.terms[0].view])

    @property
    def part_names(self) -> tuple[str, ...]:
        """The R distinct parts, in the order in which the terms name them first."""
        return tuple(dict.fromkeys(term.part for term in self.terms))

    @property
    def view_names(self) -> tuple[str, ...]:
        """The distinct views, in the order in which the terms name them first."""
        return tuple(dict.fromkeys(term.view for term in self.terms))

    @cached_property
    def unit_parts(self) -> dict[str, Float["Q D"]]:
        return {name: _unit32(self.parts[name], f"part {name!r}") for name in self.part_names}

    @cached_property
    def unit_views(self) -> dict[str, Float["N D"]]:
        return {name: _unit32(self.views[name], f"view {name!r}") for name in self.view_names}

    @cached_property
    def gram(self) -> Float["Q R R"]:
        """Inner products, in float64, of each query's R raw parts (order: `part_names`)."""
        names = tuple(self.unit_parts)  # made first: rows without direction are refused there, by name
        rows = np.stack([self.parts[name] for name in names], axis=1).astype(np.float64)
        return np.einsum("qrd,qsd->qrs", rows, rows)

    def queries(self, rows: slice, share: bool = True) -> Similarities:
        """The same for some of the queries. `share`: the gallery's unit rows are made now, and once for all."""
        some = replace(self, parts={name: self.parts[name][rows] for name in self.part_names})
        if share or "unit_views" in self.__dict__:
            some.__dict__["unit_views"] = self.unit_views
        return some

    def unit_items(self, view: str, items: slice) -> Float["n D"]:
        """Unit rows of some items of a view; nothing is made for the others."""
        if "unit_views" in self.__dict__:
            return self.unit_views[view][items]
        return _unit32(np.asarray(self.views[view][items]), f"view {view!r}")

    def blocks(self, queries: slice, items: slice) -> Float["K q n"]:
        """All K similarities of some queries with some items."""
        return np.stack(
            [self.unit_parts[part][queries] @ self.unit_views[view][items].T for part, view in self.terms]
        )

    def query_slices(self, copies: int = 1) -> Iterator[slice]:
        """Slices of queries, each with `copies` rows of N float32 per query within one block's memory."""
        step = max(1, BLOCK_BYTES // (4 * copies * max(1, self.n_items)))
        return (slice(start, start + step) for start in range(0, self.n_queries, step))

    def __getitem__(self, term: Term | tuple[str, str]) -> Float["Q N"]:
        """One whole similarity matrix. Raises BudgetError above the budget."""
        term = Term(*term)
        if term not in self.terms:
            known = ", ".join(f"{part} x {view}" for part, view in self.terms)
            raise UnknownName(f"no term {term.part} x {term.view}; these similarities have {known}")
        self._check_budget()
        return self.unit_parts[term.part] @ self.unit_views[term.view].T

    def composed(self, weights: Float[" K"] | Float["Q K"], view: str = "image") -> Float["Q D"]:
        """The composed query that faces one view: the weighted sum of its unit parts, not normalised."""
        per_query = self.weights_per_query(weights)
        total = np.zeros_like(self.unit_parts[self.terms[0].part])
        for k, term in enumerate(self.terms):
            if term.view == view:
                total += per_query[:, k, None] * self.unit_parts[term.part]
        return total

    def combine(self, weights: Float[" K"] | Float["Q K"]) -> Float["Q N"]:
        """sum_k w_k S_k as a whole matrix, by composing first: one product per view, not per term."""
        self._check_budget()
        scores = np.zeros((self.n_queries, self.n_items), np.float32)
        for view in self.view_names:
            scores += self.composed(weights, view) @ self.unit_views[view].T
        return scores

    def weights_per_query(self, weights: Float[" K"] | Float["Q K"]) -> Float["Q K"]:
        """Weights as float32, one row per query. Raises ArrayError where they do not fit or are not finite."""
        weights = np.asarray(weights, np.float32)  # float64 weights would silently double every matrix
        check_finite("weights", weights)
        shape = (self.n_queries, len(self.terms))
        if weights.shape not in (shape, shape[1:]):
            raise ArrayError(
                f"weights: got shape {weights.shape}, expected {shape[1:]} or {shape} for {self.terms}"
            )
        return np.broadcast_to(weights, shape)

    def _check_budget(self) -> None:
        size = 4 * self.n_queries * self.n_items
        if size > self.budget:
            raise BudgetError(
                f"a {self.n_queries} x {self.n_items} matrix takes {size:,} bytes, more than the budget of "
                f"{self.budget:,}; go through blocks() or linear_target_ranks()"
            )


def _unit32(rows: np.ndarray, name: str) -> np.ndarray:
    """float32 whatever came in: one float64 part would silently double every matrix."""
    return unit(rows, name).astype(np.float32, copy=False)
