"""Captioners and recomposers behind a chat server: one question, one request.

``cache`` asks them, several at once, with patience and within a budget (``calls``); asked directly, they ask once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from workbench.language.captions import Caption
from workbench.language.decoding import GREEDY, Decoding, picture_content
from workbench.language.prompts import Prompt
from workbench.language.recompose import read_reply
from workbench.language.server import TOKENS_PER_MESSAGE, TOKENS_PER_PICTURE, ChatServer, Reply, image_message

if TYPE_CHECKING:
    from PIL import Image

CAPTION_TOKENS, EDIT_TOKENS = 100, 700


@dataclass(frozen=True)
class RemoteCaptioner:
    """A model on a server that takes pictures. Pictures travel as data URLs: PNG keeps every pixel, JPEG is smaller."""

    server: ChatServer
    prompt: Prompt
    decoding: Decoding = GREEDY
    format: str = "PNG"

    @property
    def id(self) -> str:
        return self.server.id

    @property
    def options(self) -> Mapping[str, object]:
        return self.decoding.options(CAPTION_TOKENS) | {"format": self.format}

    def caption(self, images: Sequence[Image.Image], sample: int = 0) -> list[Caption]:
        """One caption per picture, asked one after the other. Raises as ``ask`` does."""
        replies = [self.ask(image, sample) for image in images]
        return [
            Caption(r.text, r.finished, r.completion_tokens or 0, r.prompt_tokens or 0, r.raw or {})
            for r in replies
        ]

    def ask(self, image: Image.Image, sample: int = 0) -> Reply:
        """The server's caption of one picture; a cut one says so by ``finished``.

        Raises ServerError and its kinds, and DecodingError.
        """
        self.decoding.check_sample(sample)
        image = image.convert("RGB")
        messages = [image_message(image, self.prompt.message, self.format)]
        if self.prompt.instructions:
            messages.insert(0, {"role": "system", "content": self.prompt.instructions})
        chosen = request_options(self.decoding, picture_content(image), sample, CAPTION_TOKENS)
        reply = self.server.chat(messages, **chosen)
        return replace(reply, text=" ".join(reply.text.split()))

    def most_tokens(self) -> int:
        """An upper bound for what one question may take."""
        told = len((self.prompt.message + self.prompt.instructions).encode())
        return (
            TOKENS_PER_PICTURE + 2 * TOKENS_PER_MESSAGE + told + (self.decoding.max_tokens or CAPTION_TOKENS)
        )


@dataclass(frozen=True)
class RemoteRecomposer:
    """A language model on a server that edits captions."""

    server: ChatServer
    prompt: Prompt
    decoding: Decoding = GREEDY

    @property
    def id(self) -> str:
        return self.server.id

    @property
    def options(self) -> Mapping[str, object]:
        return self.decoding.options(EDIT_TOKENS)

    def recompose(self, caption: str, modification: str) -> str:
        """The edited caption. Raises as ``ask`` does."""
        return self.ask(caption, modification).text

    def ask(self, caption: str, modification: str, sample: int = 0) -> Reply:
        """The server's edit, with its whole answer. Raises ServerError and its kinds, UnreadableReply, DecodingError."""
        self.decoding.check_sample(sample)
        about = repr((caption, modification)).encode()
        chosen = request_options(self.decoding, about, sample, EDIT_TOKENS)
        reply = self.server.chat(self.prompt.messages(caption, modification), **chosen)
        return read_reply(reply, self.prompt, modification)

    def most_tokens(self, caption: str, modification: str) -> int:
        """An upper bound for what one question may take."""
        messages = self.prompt.messages(caption, modification)
        return self.server.most_tokens(messages, self.decoding.max_tokens or EDIT_TOKENS)


def request_options(decoding: Decoding, about: bytes, sample: int, max_tokens: int) -> dict[str, object]:
    """The decoding as an OpenAI-compatible request says it; the seed goes along only where something is drawn."""
    asked: dict[str, object] = {"temperature": decoding.temperature}
    if not decoding.greedy:
        # 31 bits: some servers keep seeds in a signed 32-bit number
        asked |= {"top_p": decoding.top_p, "seed": decoding.seed_of(about, sample) >> 32}
    return asked | {"max_tokens": decoding.max_tokens or max_tokens}
