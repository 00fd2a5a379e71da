"""A chat server that does what it is asked: it looks at the pixels it is sent, and edits by joining the two texts."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[2]


def seen_in(image: Image.Image) -> str:
    """The caption this server gives: size and first pixel."""
    return f"{image.size[0]} by {image.size[1]}, first pixel {image.getpixel((0, 0))}"


def edited(caption: str, change: str) -> str:
    """The reply to an edit that is asked for in the form "Caption: ...", "Change: ..."."""
    if "unmarked" in change:
        return "Sure, here it is."
    if "objects" in change:
        return json.dumps({"description": f"{caption}, {change}", "present": ["dog"], "absent": ["cat"]})
    return f"Edited caption: {caption}, {change}"


def answer(body: dict) -> dict:
    """The completion for one request."""
    content = body["messages"][-1]["content"]
    if isinstance(content, str):
        caption, change = (line.split(": ", 1)[1] for line in content.splitlines())
        text = edited(caption, change)
    else:
        (url,) = (part["image_url"]["url"] for part in content if part["type"] == "image_url")
        text = seen_in(Image.open(io.BytesIO(base64.b64decode(url.split(",", 1)[1]))))
        text += f"\nseed {body['seed']}" if "seed" in body else ""
    reason = "length" if "endless" in text else "stop"
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
    usage = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}
    asked = {name: value for name, value in body.items() if name != "messages"}
    return {"id": "c", "object": "chat.completion", "choices": [choice], "usage": usage, "asked": asked}


@contextmanager
def looking_server():
    """The address of such a server, a process of its own."""
    command = [sys.executable, "-m", "tests.language.looking"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), "the server did not start"
        yield url
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def main() -> None:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def chat(request):
        return JSONResponse(answer(await request.json()))

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", flush=True)
    app = Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])
    asyncio.run(uvicorn.Server(uvicorn.Config(app, log_level="critical")).serve(sockets=[listener]))


if __name__ == "__main__":
    main()
