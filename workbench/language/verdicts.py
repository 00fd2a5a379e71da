"""What a judge (a multimodal model that looked at candidates) said, kept so that re-sorting needs no model.

One JSON object per line, in either of two forms:

    {"judge": "m@1", "query": "q7", "candidate": "p3", "fits": true}                 yes or no, a count, a grade
    {"judge": "m@1", "query": "q7", "shown": ["p3", "p9"], "order": ["p9", "p3"]}    one look at a marked grid

`fits` is larger for what fits better; true is 1. Pictures that an order leaves out share its last place. Left out:
asking the judge.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import UserError


class VerdictError(UserError, ValueError):
    """A file of verdicts contradicts itself or cannot be read; names the file and the line."""


class MissingVerdict(UserError, LookupError):
    """The judge was never asked about a picture that is to be re-sorted."""


@dataclass(frozen=True)
class Verdicts:
    """By query id and gallery id: how well the picture fits, higher is better."""

    judge: str
    fits: Mapping[str, Mapping[str, float]]

    @property
    def digest(self) -> str:
        """SHA-256 of all that the judge said."""
        text = json.dumps([self.judge, {q: dict(fits) for q, fits in self.fits.items()}], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def of(self, query: str, candidate: str) -> float:
        """One verdict. Raises MissingVerdict."""
        try:
            return self.fits[query][candidate]
        except KeyError:
            raise MissingVerdict(
                f"{self.judge} has no verdict on {candidate!r} for query {query!r} "
                f"({len(self.fits.get(query, ()))} on others): judge the pictures that this method puts first"
            ) from None

    @classmethod
    def read(cls, path: Path | str, judge: str | None = None) -> Verdicts:
        """One judge's verdicts from a file; `judge` is needed only where several wrote into it. Raises VerdictError."""
        path = Path(path)
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise VerdictError(f"{path} cannot be read: {error}") from error
        found: dict[str, dict[str, dict[str, float]]] = {}
        for number, line in enumerate(lines, start=1):
            try:
                who, query, fits = _verdicts_of(json.loads(line))
                known = found.setdefault(who, {}).setdefault(query, {})
                if known.keys() & fits.keys():
                    raise ValueError(f"{sorted(known.keys() & fits.keys())[0]!r} was judged before")
            except (ValueError, TypeError) as error:
                raise VerdictError(f"{path}, line {number}: {error!s}") from error
            known.update(fits)
        who = judge if judge is not None else next(iter(found), None)
        if who not in found or (judge is None and len(found) > 1):
            raise VerdictError(
                f"{path}: asked for verdicts by {judge or 'one judge'}, it holds {list(found)}"
            )
        return cls(who, found[who])


def _verdicts_of(line: object) -> tuple[str, str, dict[str, float]]:
    """(judge, query, {candidate: how well it fits}) of one line. Raises ValueError where it is of neither form."""
    form = set(line) if isinstance(line, dict) else set()
    if form not in ({"judge", "query", "candidate", "fits"}, {"judge", "query", "shown", "order"}):
        got = sorted(form) or type(line).__name__
        raise ValueError(
            f"expected judge and query with candidate and fits, or with shown and order; got {got}"
        )
    judge, query = line["judge"], line["query"]
    if not (isinstance(judge, str) and isinstance(query, str)):
        raise ValueError("judge and query must be texts")
    if "shown" in line:
        if not (isinstance(line["shown"], list) and isinstance(line["order"], list)):
            raise ValueError("shown and order must be lists of ids")
        return judge, query, from_order(line["shown"], line["order"])
    fits, candidate = line["fits"], line["candidate"]
    if not isinstance(fits, int | float) or not math.isfinite(fits) or not isinstance(candidate, str):
        raise ValueError("expected a candidate's id and a finite number")
    return judge, query, {candidate: float(fits)}


def from_order(shown: Iterable[str], order: Iterable[str]) -> dict[str, float]:
    """Verdicts from one look at a grid: the best of n shown gets n, the next n - 1 ...; what was not named gets 0.

    >>> from_order(["a", "b", "c"], ["c", "a"])
    {'a': 2.0, 'b': 0.0, 'c': 3.0}

    Raises VerdictError where the order names a picture twice, or one that was not shown.
    """
    shown, order = list(shown), list(order)
    if len(set(order)) < len(order) or not set(order) <= set(shown) or len(set(shown)) < len(shown):
        raise VerdictError(
            f"an order of {order} does not fit the {len(shown)} pictures that were shown: {shown}"
        )
    place = {id: float(len(shown) - i) for i, id in enumerate(order)}
    return {id: place.get(id, 0.0) for id in shown}
