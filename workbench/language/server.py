"""Any OpenAI-compatible chat server (llama.cpp, vLLM, Ollama, ``transformers serve``, hosted ones): ask, get a reply.

One question is one request: nothing is asked again here (``calls`` does that), and it ends within ``timeout`` seconds
whatever the server does, a hang and a trickle of single bytes included. What comes back is checked before anyone
relies on it. The key appears neither in replies nor in errors, even where the server sends it back.
Left out: streaming, tools, other end points.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationError

from workbench.errors import UserError
from workbench.language.connection import connect
from workbench.language.failures import BadReply
from workbench.language.keys import blot, find_key

if TYPE_CHECKING:
    from PIL import Image

OPENAI = "api.openai.com"
# Upper bounds for what a question costs; a token covers at least one byte of text.
TOKENS_PER_MESSAGE, TOKENS_PER_PICTURE = 32, 6_000


class ServerAddressError(UserError, ValueError):
    """A base URL that is none, or that has a password in it."""


@dataclass(frozen=True)
class Reply:
    """What a model said: ``text`` is the words to be used, ``raw`` the whole answer, parsed where it was JSON.

    Counts are None where nobody counted. Who reads ``text`` out of a longer answer keeps the rest by
    ``dataclasses.replace(reply, text=...)``.
    """

    text: str
    raw: object = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float = 0.0

    @property
    def finished(self) -> bool:
        """False where the server says that the text was cut at its length limit."""
        choices = self.raw.get("choices") if isinstance(self.raw, Mapping) else None
        return not choices or choices[0].get("finish_reason") != "length"


@dataclass(frozen=True)
class ChatServer:
    """A model on a server.

    base_url: such as "http://127.0.0.1:8080/v1"; no user, password or query in it.
    key: the name of the key (see ``keys``), never the key. None sends no key, except to OpenAI itself, which gets
    OPENAI_API_KEY.
    timeout: seconds until a whole reply must be there.
    """

    base_url: str
    model: str
    key: str | None = None
    timeout: float = 120.0

    def __post_init__(self):
        parts = urlsplit(self.base_url)
        if parts.username or parts.password or parts.query:
            raise ServerAddressError(
                f"base_url: user, password or query in the address of {parts.hostname}; name a key by key= instead"
            )
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ServerAddressError(
                f'base_url: got {self.base_url!r}, expected one such as "http://127.0.0.1:8080/v1"'
            )

    @property
    def id(self) -> str:
        """Model and host: a server that moves to another port is the same server, and a folder goes by its name."""
        model = Path(self.model)
        return f"{model.name if model.is_absolute() else self.model}@{self._host}"

    def chat(self, messages: Sequence[Mapping[str, object]], **options: object) -> Reply:
        """One reply to the messages; ``options`` go into the request as they are (temperature, max_tokens, seed ...).

        Raises MissingKey, and ServerError: Denied, Refused, Busy, NoConnection, CallTimeout, BadReply.
        """
        key = self._find_key()
        connection = connect(self.base_url, key)
        body = {**options, "model": self.model, "messages": list(messages)}
        start = perf_counter()
        text = connection.post(body, self.timeout, self.id)
        return _read(text, key, self.id, round(perf_counter() - start, 6))

    def most_tokens(self, messages: Sequence[Mapping[str, object]], max_tokens: int) -> int:
        """An upper bound for the tokens that one question and its answer can take: what a budget sets aside."""
        return max_tokens + sum(TOKENS_PER_MESSAGE + _size(message["content"]) for message in messages)

    @property
    def _host(self) -> str:
        return urlsplit(self.base_url).hostname

    def _find_key(self) -> SecretStr | None:
        name = self.key or ("OPENAI_API_KEY" if self._host == OPENAI else None)
        return find_key(name) if name else None


def image_message(picture: Image.Image, text: str, format: str = "PNG") -> dict[str, object]:
    """A user's message: a picture, as a data URL, and a text about it. ``format``: PNG keeps every pixel, JPEG is smaller."""
    buffer = io.BytesIO()
    picture.save(buffer, format=format)
    data = base64.b64encode(buffer.getvalue()).decode()
    url = f"data:image/{format.lower()};base64,{data}"
    content = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url}}]
    return {"role": "user", "content": content}


class _Message(BaseModel):
    content: str


class _Choice(BaseModel):
    message: _Message


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Answer(BaseModel):
    """What must be there; whatever else a server sends stays in ``raw``."""

    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


def _read(text: str, key: SecretStr | None, name: str, seconds: float) -> Reply:
    try:
        # Written anew, escaped letters become plain ones: the key can be found, and halves of characters replaced.
        plain = json.dumps(json.loads(text), ensure_ascii=False)
        raw = json.loads(blot(plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), key))
        answer = _Answer.model_validate(raw)
        problem = ""
    except json.JSONDecodeError as error:
        raw, problem = blot(text, key), f"no JSON ({error.msg}, character {error.pos} of {len(text)})"
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        problem = f"{'.'.join(str(step) for step in first['loc']) or 'the answer'}: {first['msg']}"
    if problem:
        raise BadReply(f"{name} sent a reply that is none: {problem}", raw=raw)
    usage = answer.usage or _Usage()
    said = answer.choices[0].message.content
    return Reply(said, raw, usage.prompt_tokens, usage.completion_tokens, seconds)


def _size(content: object) -> int:
    """Bytes of a message's text, and a generous number for each picture."""
    if isinstance(content, str):
        return len(content.encode())
    return sum(
        len(part["text"].encode()) if part["type"] == "text" else TOKENS_PER_PICTURE for part in content
    )
