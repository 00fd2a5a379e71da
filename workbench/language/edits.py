"""Many captions edited at once, with the ones that could not be edited listed, never passed over in silence.

What stands in for an edit that failed has a name: the modification text, as in the published code of CIReVL, the
caption as it was, or nothing, which makes a failure an error. Left out: how one caption is edited (``recompose``), and
asking again.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.errors import UserError
from workbench.registry import nearest

if TYPE_CHECKING:
    from workbench.language.recompose import Recomposer

STAND_INS = ("modification", "caption", "none")


@dataclass(frozen=True)
class Failure:
    """A caption that could not be edited, why, and the text that stands in for the edited one."""

    query: str
    caption: str
    modification: str
    reason: str
    used: str


@dataclass(frozen=True)
class Edits:
    """One text per query, and the failures among them."""

    texts: tuple[str, ...]
    failures: tuple[Failure, ...] = ()


class EditError(UserError, ValueError):
    """A caption could not be edited, and nothing was to stand in for it."""


def edit_captions(
    recomposer: Recomposer,
    queries: Sequence[str],
    captions: Sequence[str],
    modifications: Sequence[str],
    stand_in: str = "modification",
) -> Edits:
    """Edit the caption of each query (by id) as its modification asks.

    A recomposer says that it cannot by a ValueError, or by giving nothing; both are failures. ``stand_in`` says what is
    used there: "modification" (as CIReVL), "caption" (unedited), or "none", which raises EditError. Warns once, with
    the number and the first, if there are any.
    """
    if stand_in not in STAND_INS:
        raise EditError(
            f"stand_in: got {stand_in!r}.{nearest(stand_in, STAND_INS)} Known: {', '.join(STAND_INS)}"
        )
    pairs = list(zip(captions, modifications, strict=True))
    texts, failures = [], []
    for query, pair, (text, reason) in zip(queries, pairs, _edited(recomposer, pairs), strict=True):
        if reason:
            text = {"modification": pair[1], "caption": pair[0], "none": ""}[stand_in]
            failures.append(Failure(query, *pair, reason, used=text))
        texts.append(text)
    if failures:
        problem = f"{recomposer.id} could not edit {len(failures)} of {len(texts)} captions"
        first = f"First: query {failures[0].query!r}, {failures[0].reason}"
        if stand_in == "none":
            raise EditError(f"{problem}. {first}")
        warnings.warn(
            f"{problem}; there the {stand_in} text stands in (the case lists them as failures). {first}",
            stacklevel=2,
        )
    return Edits(tuple(texts), tuple(failures))


def _edited(recomposer: Recomposer, pairs: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """(text, reason) for each caption and modification, in their order; one of the two is empty."""
    workers = getattr(recomposer, "workers", 1)
    if hasattr(recomposer, "fill"):  # recorded edits: what is missing is asked for at once, then all is read
        if recomposer.source is not None and pairs:
            recomposer.fill(*zip(*pairs, strict=True))
        workers = 1
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda pair: _edit(recomposer, *pair), pairs)


def _edit(recomposer: Recomposer, caption: str, modification: str) -> tuple[str, str]:
    try:
        text = recomposer.recompose(caption, modification)
    except ValueError as error:
        return "", str(error) or type(error).__name__
    return (text, "") if text.strip() else ("", "it gave an empty text")
