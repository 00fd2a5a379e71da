"""The query bank: what a mitigator may learn the gallery's hubs from, and where it was taken from.

Every mitigator looks at the same thing: how well each gallery picture scores with queries that are *not* the one
being answered. Where those queries come from decides what a gain means, so the source must be named. Queries of another
split make an inductive bank; the test queries themselves make a transductive one, which a system that answers one
query at a time cannot have.

Left out: how the scores of a method are made. A bank is given rows whose inner products are the scores (any linear
method has such rows: its composed queries, several views side by side), or the scores themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from workbench.arrays import ArrayError, Float, check_finite, check_shape
from workbench.errors import UserError
from workbench.index.blocks import slices


class BankError(UserError, ValueError):
    """A bank lacks what is asked of it, or is labelled as what it is not."""


@dataclass(frozen=True, eq=False)
class Bank:
    """B bank queries against the N gallery pictures; `gallery_bank`, M pictures of another gallery, where one is needed.

    queries (B, D), gallery (N, D), gallery_bank (M, D): rows whose inner products are the scores, taken as they are;
    or, by `Bank.from_scores`, scores (B, N) and gallery_scores (M, N) themselves. Higher is better. All bank queries
    should score on one scale, the test queries' own: a composed query twice as long counts twice.
    A score of -inf marks a pair that does not count (an excluded reference).

    source: where the bank queries come from; printed with every result. transductive: they are the test queries.

    Raises BankError for an empty source or no queries at all, ArrayError for shapes that do not fit, NaN or infinity.
    """

    queries: np.ndarray | None
    gallery: np.ndarray | None
    source: str
    gallery_bank: np.ndarray | None = None
    transductive: bool = False
    scores: np.ndarray | None = None
    gallery_scores: np.ndarray | None = None

    def __post_init__(self):
        if not self.source.strip():
            raise BankError(
                f'bank: the source is {self.source!r}, expected where the queries come from, such as "val queries"'
            )
        given = (self.queries is not None, self.gallery is not None, self.scores is not None)
        if given not in ((True, True, False), (False, False, True)):
            raise BankError("bank: expected either queries and gallery, or scores (Bank.from_scores)")
        sizes: dict[str, int] = {}
        for name, array, axes in self._arrays():
            sizes |= check_shape(f"bank {name}", array, axes, **sizes)
            if not array.size:
                raise BankError(f"bank: {name} is empty, shape {array.shape}")
            check_values(f"bank {name}", array)

    @classmethod
    def from_scores(
        cls,
        scores: np.ndarray,
        source: str,
        gallery_scores: np.ndarray | None = None,
        transductive: bool = False,
    ) -> Bank:
        """A bank of any method: what its scores are for the bank's queries."""
        return cls(None, None, source, None, transductive, scores, gallery_scores)

    @property
    def n_queries(self) -> int:
        return len(self.queries if self.scores is None else self.scores)

    @property
    def n_items(self) -> int:
        return len(self.gallery) if self.scores is None else self.scores.shape[1]

    @property
    def dtype(self) -> np.dtype:
        """What the scores are computed in."""
        return np.result_type(self.queries, self.gallery) if self.scores is None else self.scores.dtype

    @property
    def label(self) -> str:
        """What stands beside every result: "val queries, 500, inductive"."""
        return f"{self.source}, {self.n_queries}, {'transductive' if self.transductive else 'inductive'}"

    def columns(self, cells: int | None = None) -> Iterator[tuple[slice, Float["n B"]]]:
        """Some gallery pictures at a time: their scores with every bank query. New arrays, free to be overwritten."""
        for items in slices(self.n_items, self.n_queries, cells):
            if self.scores is None:
                yield items, self.gallery[items] @ self.queries.T
            else:
                yield items, _transposed(self.scores[:, items])

    def rows(self, cells: int | None = None) -> Iterator[tuple[slice, Float["b N"]]]:
        """Some bank queries at a time: their scores with every gallery picture. New arrays, free to be overwritten."""
        for queries in slices(self.n_queries, self.n_items, cells):
            yield queries, self.block(queries, slice(None))

    def block(self, queries: slice, items: slice) -> Float["b n"]:
        """Scores of some bank queries with some gallery pictures: a new array."""
        if self.scores is not None:
            return self.scores[queries, items].copy()
        return self.queries[queries] @ self.gallery[items].T

    def of_gallery(self) -> Bank:
        """The same with the pictures of the gallery bank as its queries. Raises BankError where there is none."""
        if self.gallery_bank is None and self.gallery_scores is None:
            raise BankError(
                f"bank ({self.label}): it has no gallery bank; give gallery_bank=, or gallery_scores= with scores"
            )
        return replace(
            self,
            queries=self.gallery_bank,
            scores=self.gallery_scores,
            gallery_bank=None,
            gallery_scores=None,
        )

    def need_rows(self, who: str) -> None:
        """Raises BankError where the bank holds scores only."""
        if self.queries is None:
            raise BankError(
                f"{who} works on rows, so it needs a bank of rows: Bank(queries, gallery, source); got {self.label}"
            )

    def need_transductive(self, who: str, instead: str) -> None:
        """Raises BankError unless the bank is said to hold the test queries."""
        if not self.transductive:
            raise BankError(
                f"{who} looks at all test queries at once: its bank must be the test queries, labelled "
                f"transductive=True; got {self.label}. With another bank: {instead}"
            )

    def need_honesty(self, test: Float["Q n"], rows: bool = False) -> None:
        """Raises BankError where every test query is found in a bank that is said to hold other queries.

        test: the test queries' scores, or their rows.
        """
        if self.transductive or not len(test):
            return
        mine = self.queries if rows else self.scores
        if mine is not None:
            known = {row.tobytes() for row in mine[:, :64].astype(test.dtype)}  # enough to tell queries apart
            found = all(row.tobytes() in known for row in test[:, :64])
        else:  # scores made elsewhere may differ in their last digits
            found = len(test) == self.n_queries and np.allclose(
                test[:, :64], self.block(slice(None), slice(0, 64))
            )
        if found:
            raise BankError(
                f"the bank ({self.label}) holds every test query; label it transductive=True, or take other queries"
            )

    def _arrays(self) -> list[tuple[str, np.ndarray, str]]:
        named = (
            ("queries", self.queries, "B D"),
            ("gallery", self.gallery, "N D"),
            ("gallery_bank", self.gallery_bank, "M D"),
            ("scores", self.scores, "B N"),
            ("gallery_scores", self.gallery_scores, "M N"),
        )
        return [one for one in named if one[1] is not None]


def check_values(name: str, array: np.ndarray) -> None:
    """Raises ArrayError for another type than float32 or float64, and for NaN or infinity; of scores -inf is allowed."""
    if array.dtype not in (np.float32, np.float64):
        raise ArrayError(f"{name}: got {array.dtype}, expected float32 or float64")
    for rows in slices(*array.shape):
        some = array[rows]
        check_finite(name, np.where(np.isneginf(some), 0, some) if name.endswith("scores") else some)


def _transposed(scores: np.ndarray) -> np.ndarray:
    """A new (n, B) array from (B, n), tile by tile: at once it would miss the cache at every number."""
    out = np.empty(scores.shape[::-1], scores.dtype)
    for row in range(0, scores.shape[0], 512):
        for column in range(0, scores.shape[1], 64):
            tile = scores[row : row + 512, column : column + 64]
            out[column : column + 64, row : row + 512] = tile.T
    return out
