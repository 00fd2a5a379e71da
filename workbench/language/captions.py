"""Captioners: pictures to sentences. What one is, and how a name becomes one.

Three kinds answer to the protocol: any open_clip CoCa (``coca``), any transformers image-to-text model (``hf``) and
any OpenAI-compatible server that takes pictures (``remote``). What they say goes through the records (``cache``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from workbench.errors import UserError

if TYPE_CHECKING:
    from PIL import Image


class CaptionerError(UserError, ValueError):
    """A captioner cannot be had, or cannot do what it is asked; says what to do instead."""


@dataclass(frozen=True)
class Caption:
    """One caption; ``finished`` is False where the limit was reached before the end token came.

    ``raw`` is the reply as it came, for models behind a server; ``prompt_tokens`` what was read, where it is known.
    """

    text: str
    finished: bool
    tokens: int
    prompt_tokens: int = 0
    raw: Mapping[str, object] = field(default_factory=dict)


class Captioner(Protocol):
    """Pictures to captions; ``id`` names the model with its weights, ``options`` how it decodes.

    A captioner that is told what to write has a ``prompt`` (with a ``hash``), too. One behind a server has
    ``remote = True``: it is asked for one picture at a time, many at once.
    """

    id: str
    options: Mapping[str, object]

    def caption(self, images: Sequence[Image.Image], sample: int = 0) -> list[Caption]:
        """One caption per picture, in their order; ``sample`` says which of several, by its number.

        The same picture and sample give the same caption, whatever else is in the batch. Raises DecodingError where
        a greedy captioner is asked for a second sample.
        """
