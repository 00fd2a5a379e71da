"""What comes out of a view: who stands where, with which score, made of what. Plain values; `answerer` computes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.arrays import Float, Int
from workbench.methods import Method
from workbench.score.naming import take_apart
from workbench.score.similarities import Term
from workbench.widgets.view import Question, View

SOURCES = ("image", "text", "caption")
OF_PART = {"reference_image": "image", "pseudo_word": "image", "modification": "text"}


def source_of(term: Term) -> str:
    """What a term's words or pixels come from: the reference image, the modification text, or a caption (also edited).

    A pseudo-word is the reference image in another dress; a sentence around it counts as a caption.

    >>> source_of(Term("modification", "caption"))
    'text'
    """
    return OF_PART.get(take_apart(term.part).base, "caption")


@dataclass(frozen=True, eq=False)
class Ranking:
    """What one method found: the rows of the first k, their scores, and what each score is made of.

    contributions: w_k S_k added up by source, (k,) each; empty where `no_bars` says why there are none.
    ranks: of the targets that are ranked, by row of the gallery. lower: rows of the targets below the first k.
    moved: each result's rank by the other method, where there is one. n_ranked: how many pictures are ranked.
    """

    method: Method
    rows: Int[" k"]
    scores: Float[" k"]
    contributions: Mapping[str, Float[" k"]]
    no_bars: str
    ranks: Mapping[int, int]
    n_ranked: int
    moved: tuple[int, ...] = ()
    note: str = ""

    @property
    def rank(self) -> int | None:
        """The best rank of a target; None where no target is known, or none is ranked."""
        return min(self.ranks.values(), default=None)

    @property
    def lower(self) -> list[int]:
        shown = set(self.rows.tolist())
        return [row for row in sorted(self.ranks, key=self.ranks.get) if row not in shown]


@dataclass(frozen=True, eq=False)
class Answer:
    """A view's answer: the question as it was settled, its texts, and a ranking per method."""

    view: View
    question: Question
    reference: str
    texts: Mapping[str, str]
    judged: bool
    first: Ranking
    second: Ranking | None = None
    notes: tuple[str, ...] = ()

    @property
    def rankings(self) -> dict[str, Ranking]:
        """By side: "first", and "second" where there are two methods."""
        return {"first": self.first} | ({"second": self.second} if self.second else {})

    def standing(self, ranking: Ranking) -> str:
        """Where the target stands, in words."""
        if not self.judged:
            return "No target is known: this question is your own"
        if not ranking.ranks:
            return "The target is not ranked here (hidden, or excluded)"
        first = f"arget at rank {ranking.rank:,} of {ranking.n_ranked:,}"
        if len(ranking.ranks) == 1:
            return f"T{first}"
        every = ", ".join(f"{rank:,}" for rank in sorted(ranking.ranks.values()))
        return f"Best t{first} (all {len(ranking.ranks)} targets: {every})"
