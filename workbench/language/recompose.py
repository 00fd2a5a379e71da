"""Recomposers: a caption and a modification text -> the caption of the picture that is asked for.

This is CIReVL's second step (Karthik et al., ICLR 2024, arXiv 2310.09291). Three kinds answer to the protocol: the rules
below, which know TinyCIR's language alone; any OpenAI-compatible chat server (``remote``); any transformers chat model
in this process (``text_generation``). All of them edit the caption they are given, never the picture behind it, so that
a wrong caption leads to a wrong edit.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from workbench.data.tinycir.grammar import apply_edit
from workbench.errors import UserError
from workbench.language import RECOMPOSERS
from workbench.language.decoding import GREEDY, Decoding
from workbench.language.failures import UnreadableReply
from workbench.language.replies import LENIENT, Target, read_target

if TYPE_CHECKING:
    from workbench.language.prompts import Prompt
    from workbench.language.server import ChatServer, Reply

DEFAULT_PROMPT = "open-scene"


class RecomposerError(UserError, ValueError):
    """A recomposer is asked for something it does not take."""


@runtime_checkable
class Recomposer(Protocol):
    """Edits captions. ``id`` names it and its version; equal ids, options and prompts give equal texts.

    A recomposer that is a language model also has ``options`` (how it decodes), ``prompt`` (with ``name`` and
    ``hash``) and ``ask(caption, modification, sample) -> Reply``, which ``cache.RecordedEdits`` records whole.
    """

    id: str

    def recompose(self, caption: str, modification: str) -> str:
        """The edited caption; raises ValueError, saying why, where it cannot edit."""


class RuleRecomposer:
    """The grammar of TinyCIR as a recomposer: deterministic, offline, and only for TinyCIR's language."""

    id = "rules:tinycir-1"

    def recompose(self, caption: str, modification: str) -> str:
        """The edited caption; raises GrammarError quoting what cannot be read."""
        return apply_edit(caption, modification)


def load_recomposer(
    name: str,
    *,
    server: ChatServer | None = None,
    prompt: Prompt | None = None,
    decoding: Decoding = GREEDY,
    device: str | None = None,
) -> Recomposer:
    """The recomposer of that name: a registered one (rules, tiny-editor), a folder or owner/name on the hub.

    With ``server`` the name says nothing: the server's model edits. Raises UnknownName with the nearest name,
    RecomposerError where a registered one is given a prompt or a decoding, and ModelError.
    """
    from workbench.language.prompts import load_prompt

    if server is not None:
        from workbench.language.remote import RemoteRecomposer

        return RemoteRecomposer(server, prompt or load_prompt(DEFAULT_PROMPT), decoding)
    if name in RECOMPOSERS or not ("/" in name or Path(name).is_dir()):
        made = RECOMPOSERS.get(name)
        if prompt is not None or decoding != GREEDY:
            raise RecomposerError(
                f"{name} has its own prompt and decoding: leave prompt, temperature ... out"
            )
        return made()
    from workbench.language.text_generation import HfRecomposer

    return HfRecomposer(name, prompt or load_prompt(DEFAULT_PROMPT), decoding, device)


def read_reply(reply: Reply, prompt: Prompt, modification: str) -> Reply:
    """The reply with the edited caption as its text and everything else kept.

    Raises UnreadableReply, with the whole reply for the record, where it was cut at its length limit or is not in the
    form that the prompt asks for.
    """
    try:
        if not reply.finished and prompt.reads not in LENIENT:
            raise UnreadableReply("the reply was cut at its length limit: raise max_tokens")
        return replace(reply, text=prompt.read(reply.text, modification))
    except UnreadableReply as error:
        error.reply = reply
        raise


def target_of(record) -> Target:
    """Description and objects out of a record whose prompt asked for both. Raises UnreadableReply."""
    choices = (record.raw or {}).get("choices") or [{}]
    return read_target((choices[0].get("message") or {}).get("content") or "")
