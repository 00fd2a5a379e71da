"""Captioners: pictures to sentences. What one is, and how a name becomes one.

Three kinds answer to the protocol: any open_clip CoCa (``coca``), any transformers model that does so
(``image_to_text``) and any OpenAI-compatible server that takes pictures (``remote``). What they say goes through the records (``cache``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from workbench.errors import UserError
from workbench.language.decoding import GREEDY, Decoding

if TYPE_CHECKING:
    from PIL import Image

    from workbench.language.prompts import Prompt
    from workbench.language.server import ChatServer


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


@runtime_checkable
class Captioner(Protocol):
    """Pictures to captions; ``id`` names the model with its weights, ``options`` how it decodes.

    A captioner that is told what to write has a ``prompt`` (with ``name`` and ``hash``), too; one behind a server has
    ``ask(image, sample) -> Reply``, which ``cache.RecordedCaptions`` calls from several threads.
    """

    id: str
    options: Mapping[str, object]

    def caption(self, images: Sequence[Image.Image], sample: int = 0) -> list[Caption]:
        """One caption per picture, in their order; ``sample`` says which of several, by its number.

        The same picture and sample give the same caption, whatever else is in the batch. Raises DecodingError where
        a greedy captioner is asked for a second sample.
        """


@runtime_checkable
class CaptionSource(Protocol):
    """Where a case has its captions from: records (``cache.RecordedCaptions``), the truth, or somebody's hand (``oracle``)."""

    id: str

    def texts(self, pictures: Sequence, indices: Sequence[int], sample: int = 0) -> tuple[str, ...]:
        """The captions of ``pictures[i]`` for the indices, in their order; ``sample`` says which of several."""


def load_captioner(
    name: str = "coca",
    *,
    encoder: str = "tiny-coca",
    server: ChatServer | None = None,
    prompt: Prompt | None = None,
    decoding: Decoding = GREEDY,
    device: str | None = None,
) -> Captioner:
    """The captioner of that name: ``coca`` (the decoder of ``encoder``), a folder, or owner/name on the hub.

    With ``server`` the name says nothing: the server's model captions. Raises CaptionerError, EncoderError, ModelError.
    """
    if server is not None:
        from workbench.language.prompts import load_prompt
        from workbench.language.remote import RemoteCaptioner

        return RemoteCaptioner(server, prompt or load_prompt("describe"), decoding)
    if name == "coca":
        from workbench.encode.encoder import load_encoder
        from workbench.language.coca import CoCaCaptioner

        if prompt is not None:
            raise CaptionerError(f"a CoCa takes no prompt, got {prompt.name!r}")
        return CoCaCaptioner(load_encoder(encoder, device=device), decoding)
    if "/" not in name and not Path(name).is_dir():
        raise CaptionerError(
            f"no captioner is called {name!r}: expected coca, a model folder, owner/name on the hub, or a server's URL"
        )
    from workbench.language.image_to_text import HfCaptioner

    return HfCaptioner(name, decoding, prompt, device)
