"""Recomposers: a caption and a modification text -> the caption of the picture that is asked for.

This is CIReVL's second step (Karthik et al., ICLR 2024, arXiv 2310.09291), where a language model does
it. Here, rules: the edit grammar of TinyCIR applied to the caption it is given, never to the card
behind the picture, so that a wrong caption leads to a wrong edit, as it does in life. Left out for
now: language models.
"""

from __future__ import annotations

from typing import Protocol

from workbench.data.tinycir.grammar import apply_edit


class Recomposer(Protocol):
    """Edits captions. ``id`` names it and its version; equal ids give equal texts."""

    id: str

    def recompose(self, caption: str, modification: str) -> str:
        """The edited caption; raises ValueError, saying why, where it cannot edit."""


class RuleRecomposer:
    """The grammar of TinyCIR as a recomposer: deterministic, offline, and only for TinyCIR's language."""

    id = "rules:tinycir-1"

    def recompose(self, caption: str, modification: str) -> str:
        """The edited caption; raises GrammarError quoting what cannot be read."""
        return apply_edit(caption, modification)
