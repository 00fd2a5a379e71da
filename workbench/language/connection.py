"""One chat request through the ``openai`` client, ended on time, with every way it can fail given a name.

The client is the asynchronous one on an event loop in a thread of its own, because only there a request can be ended
at a given moment: the client's time-outs start anew with every byte, so that a trickle outlasts them. Callers wait
in ordinary, blocking calls, from any thread and inside notebooks too.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from pydantic import SecretStr

from workbench.language.failures import (
    BadReply,
    CallTimeout,
    NoConnection,
    ServerError,
    of_status,
    seconds_to_wait,
)
from workbench.language.keys import blot, hide_in_logs

CONNECT_SECONDS = 10.0
QUOTED = 300  # characters of what a server said that an error repeats

_lock = threading.Lock()


def connect(base_url: str, key: SecretStr | None) -> Connection:
    """The connection to a server under a key; the same one for every caller of this process."""
    with _lock:
        return _connect(base_url, key, os.getpid())


@dataclass(frozen=True)
class Connection:
    """A client, the event loop that it lives on, and the key that it must not let out."""

    client: object = field(repr=False)
    loop: asyncio.AbstractEventLoop
    key: SecretStr | None

    def post(self, body: Mapping[str, object], timeout: float, name: str) -> str:
        """The text of a successful response; ``name`` says in errors who was asked. Raises the ServerErrors."""
        asked = asyncio.run_coroutine_threadsafe(self._post(dict(body), timeout, name), self.loop)
        try:
            answer = asked.result()
        finally:
            asked.cancel()  # where the waiting was interrupted; else it is done already
        if isinstance(answer, ServerError):
            raise answer
        return answer

    async def _post(self, body: dict[str, object], timeout: float, name: str) -> str | ServerError:
        """The response's text, or the failure as a value.

        It is raised only after the client's own exception is gone: that one refers to the request, key and all.
        """
        import openai

        try:
            async with asyncio.timeout(timeout):
                given = {"model": body.pop("model"), "messages": body.pop("messages"), "extra_body": body}
                answer = await self.client.chat.completions.with_raw_response.create(**given)
                return blot(answer.http_response.text, self.key)
        except openai.APIStatusError as error:
            said = _quote(error.body if error.body is not None else error.response.text, self.key)
            wait = seconds_to_wait(error.response.headers, time.time())
            return of_status(error.status_code)(
                f"{name} answered HTTP {error.status_code}: {said}", wait=wait
            )
        except (TimeoutError, openai.APITimeoutError):
            return CallTimeout(f"{name} gave no whole reply within {timeout:g} s")
        except openai.APIConnectionError as error:
            failure = NoConnection(f"{name}: {_quote(str(error.__cause__ or error), self.key)}")
            failure.spent = type(error.__cause__).__name__ != "ConnectError"
            return failure
        except openai.OpenAIError as error:
            return BadReply(f"{name}: {_quote(str(error), self.key)}")


def _quote(said: object, key: SecretStr | None) -> str:
    """The beginning of what was said, on one line; the key is blotted out first, for a cut could leave half of it."""
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False, default=str)
    text = " ".join(blot(text, key).split())
    return text if len(text) <= QUOTED else text[:QUOTED] + " ..."


@cache
def _connect(base_url: str, key: SecretStr | None, process: int) -> Connection:
    """Made once per process (a forked one has lost its parent's thread); made under the lock."""
    try:
        import openai
    except ImportError as error:
        raise ImportError("chat servers need openai: pip install 'zscir-workbench[language]'") from error
    if key:
        hide_in_logs(key)
    client = openai.AsyncOpenAI(
        base_url=base_url,
        api_key=key.get_secret_value() if key else "none",
        max_retries=0,
        timeout=openai.Timeout(None, connect=CONNECT_SECONDS),
    )
    return Connection(client, _loop(process), key)


@cache
def _loop(process: int) -> asyncio.AbstractEventLoop:
    """The event loop of this process, running in a thread of its own."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="workbench-servers", daemon=True).start()
    return loop
