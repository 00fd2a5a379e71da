"""Many captions edited at once, with the ones that could not be edited listed, never passed over in silence.

Where an edit fails the modification text stands in for the edited caption, as in the published code
of CIReVL. Left out: how one caption is edited (``recompose``), and asking again.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.language.recompose import Recomposer


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


def edit_captions(
    recomposer: Recomposer, queries: Sequence[str], captions: Sequence[str], modifications: Sequence[str]
) -> Edits:
    """Edit the caption of each query (by id) as its modification asks.

    A recomposer says that it cannot by a ValueError, or by giving nothing; both are failures. Warns
    once, with the number and the first, if there are any.
    """
    texts, failures = [], []
    for query, caption, modification in zip(queries, captions, modifications, strict=True):
        try:
            text = recomposer.recompose(caption, modification)
            reason = "" if text.strip() else "it gave an empty text"
        except ValueError as error:
            reason = str(error) or type(error).__name__
        if reason:
            text = modification
            failures.append(Failure(query, caption, modification, reason, used=text))
        texts.append(text)
    if failures:
        warnings.warn(
            f"{recomposer.id} could not edit {len(failures)} of {len(texts)} captions; there the modification text "
            f"stands in (the case lists them as failures). First: query {failures[0].query!r}, {failures[0].reason}",
            stacklevel=2,
        )
    return Edits(tuple(texts), tuple(failures))
