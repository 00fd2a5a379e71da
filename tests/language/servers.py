"""A chat server that misbehaves on purpose, as a process of its own, and the recomposer that asks it in tests.

Which request is answered how depends on the seed, the question and how often it was asked, not on time or order.
Every answer, good or bad, sends the caller's Authorization header back: in the text, in the body, in a header.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import hashlib
import json
import os
import random
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

from workbench.language.server import ChatServer, Reply

ROOT = Path(__file__).parents[2]
FAULTS = ("429", "500", "half a JSON", "cut", "trickle", "hang", "wrong schema")
AT_ONCE = ("429", "500", "half a JSON", "cut", "wrong schema")  # these need no time-out to end
# A question that contains one of these words is always answered so.
ALWAYS = {
    "doomed": "500",
    "refused": "400",
    "denied": "401",
    "null": "null",
    "mute": "empty",
    "hanging": "hang",
    "trickling": "trickle",
    "halved": "half a JSON",
    "severed": "cut",
    "schemaless": "wrong schema",
    "page": "page",
    "later": "later",
    "surrogate": "surrogate",
    "escaped": "escaped",
}


def answer_to(question: str) -> str:
    """What the server says to a question when it behaves."""
    return f"edit {hashlib.sha256(question.encode()).hexdigest()[:12]}"


def make_app(share: float, seed: int, delay: float, faults=FAULTS):
    """A share of the requests, spread evenly over the kinds of faults, goes wrong."""
    from starlette.applications import Starlette
    from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
    from starlette.routing import Route

    asked: collections.Counter = collections.Counter()
    kinds: collections.Counter = collections.Counter()
    bodies: list[dict] = []

    async def chat(request):
        body = await request.json()
        question, echo = _question(body), request.headers.get("authorization", "nothing")
        asked[question] += 1
        rng = random.Random(f"{seed} {question} {asked[question]}")
        kind = rng.choice(faults) if rng.random() < share else "good"
        kind = next((k for word, k in ALWAYS.items() if word in question), kind)
        kinds[kind] += 1
        bodies.append(body)
        await asyncio.sleep(delay)
        good = completion(answer_to(question), echo)
        headers = {"x-echo": echo}
        match kind:
            case "429":
                headers["retry-after-ms"] = "30"
                return JSONResponse({"error": {"message": f"slow down, {echo}"}}, 429, headers)
            case "later":
                headers["retry-after"] = "3600"
                return JSONResponse({"error": {"message": "come back in an hour"}}, 429, headers)
            case "500" | "400" | "401":
                return JSONResponse({"error": {"message": f"no good, {echo}"}}, int(kind), headers)
            case "half a JSON":
                text = json.dumps(good)
                return Response(text[: -len(text) // 4], 200, headers, "application/json")
            case "cut":
                return StreamingResponse(_cut(json.dumps(good)), 200, headers | {"content-length": "99999"})
            case "trickle":
                return StreamingResponse(_trickle(json.dumps(good)), 200, headers, "application/json")
            case "hang":
                await asyncio.sleep(3600)
            case "wrong schema":
                return JSONResponse({"choices": [], "echo": echo}, 200, headers)
            case "null":
                return JSONResponse(completion(None, echo), 200, headers)
            case "empty":
                return JSONResponse(completion(" ", echo), 200, headers)
            case "page":
                return HTMLResponse(f"<h1>Sign in, {echo}</h1>", 200, headers)
            case "surrogate":
                return Response(json.dumps(completion("half \ud83d", echo)), 200, headers, "application/json")
            case "escaped":
                text = json.dumps(completion(f"you are {echo}", ""))
                secret = echo.removeprefix("Bearer ")
                hidden = "".join(f"\\u{ord(letter):04x}" for letter in secret)
                return Response(text.replace(secret, hidden), 200, headers, "application/json")
        return JSONResponse(good, 200, headers)

    async def stats(request):
        return JSONResponse({"asked": asked, "kinds": kinds, "bodies": bodies[-5:]})

    return Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"]), Route("/stats", stats)])


def completion(text: str | None, echo: str) -> dict:
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "choices": [choice], "usage": usage, "echo": echo}


def _question(body: dict) -> str:
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


async def _trickle(text: str):
    for letter in text:
        yield letter
        await asyncio.sleep(0.2)


async def _cut(text: str):
    yield text[:50]
    raise ConnectionAbortedError


@dataclass
class FaultServer:
    """The server's process, from the outside. Use it in a ``with``."""

    share: float = 0.0
    seed: int = 0
    delay: float = 0.0
    faults: tuple[str, ...] = FAULTS
    process: subprocess.Popen | None = field(default=None, repr=False)
    url: str = ""

    def __enter__(self) -> FaultServer:
        given = ["--share", self.share, "--seed", self.seed, "--delay", self.delay, "--faults", *self.faults]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.language.servers", *map(str, given)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), "the server did not start"
        return self

    def __exit__(self, *error) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stats(self) -> dict:
        with direct.open(self.url.removesuffix("/v1") + "/stats", timeout=30) as response:
            return json.load(response)


direct = build_opener(ProxyHandler({}))  # a proxy of the environment has no business on loopback


@dataclass(frozen=True)
class Prompt:
    name: str = "plain"
    hash: str = "0123abcd"


class Editor:
    """A recomposer behind a chat server, as short as it can be."""

    def __init__(self, url: str, key: str | None = None, timeout: float = 60.0, model: str = "faulty"):
        self.server = ChatServer(url, model, key=key, timeout=timeout)
        self.id, self.options, self.prompt = self.server.id, {"temperature": 0, "max_tokens": 32}, Prompt()

    def messages(self, caption: str, modification: str) -> list[dict]:
        return [{"role": "user", "content": f"{caption}: {modification}"}]

    def ask(self, caption: str, modification: str, sample: int = 0) -> Reply:
        return self.server.chat(self.messages(caption, modification), **self.options, seed=sample)

    def most_tokens(self, caption: str, modification: str) -> int:
        return self.server.most_tokens(self.messages(caption, modification), 32)


def wait_until(ready, seconds: float = 300.0, pause: float = 0.02) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(pause)


def main() -> None:
    import uvicorn

    parser = argparse.ArgumentParser()
    parser.add_argument("--share", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--faults", nargs="+", default=FAULTS)
    given = parser.parse_args()
    # with the protocol named, asyncio turns Nagle's algorithm off; else every reply waits 40 ms
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", flush=True)
    app = make_app(given.share, given.seed, given.delay, given.faults)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
    asyncio.run(server.serve(sockets=[listener]))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
