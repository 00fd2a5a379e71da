"""A real OpenAI-compatible server on this machine: `transformers serve` with the built-in tiny-editor."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError

import pytest

from tests.language.servers import direct, wait_until
from workbench.language import RECOMPOSERS
from workbench.language.cache import RecordedEdits, Records
from workbench.language.prompts import load_prompt
from workbench.language.recompose import load_recomposer
from workbench.language.server import ChatServer
from workbench.paths import data_root

pytestmark = pytest.mark.slow

CAPTIONS = (
    "a pink critter with a crown and two eyes looking sad",
    "a striped mint planet with no ring and two moons",
    "a pink critter with a crown and two eyes looking sad",
    "a tulip in a white pot looking sleepy",
)
CHANGES = ("lose the crown", "give it a thick ring and make it lime", "lose the crown", "make the pot orange")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server process that has no way to the network's model hubs; it computes in float32, as the package does."""
    folder = str(data_root() / "models" / "tiny-editor")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = [str(Path(sys.executable).with_name("transformers")), "serve", folder, "--dtype", "float32"]
    log = tmp_path_factory.mktemp("serve") / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*program, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"],
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
            stdout=out,
            stderr=subprocess.STDOUT,
        )

    def healthy() -> bool:
        assert process.poll() is None, f"the server ended:\n{log.read_text(errors='replace')}"
        try:
            with direct.open(f"http://127.0.0.1:{port}/health", timeout=10):
                return True
        except (URLError, OSError):
            return False

    try:
        wait_until(healthy, seconds=600, pause=0.5)
        yield ChatServer(f"http://127.0.0.1:{port}/v1", folder, timeout=300.0)
    finally:
        process.kill()
        process.wait()


def test_the_client_talks_to_a_real_server(server):
    messages = load_prompt("tiny-editor").messages(CAPTIONS[0], CHANGES[0])
    reply = server.chat(messages, temperature=0, max_tokens=3)
    assert reply.text and not reply.finished
    assert reply.completion_tokens <= 3 < reply.prompt_tokens
    assert reply.raw["object"] == "chat.completion"
    assert reply.raw["choices"][0]["finish_reason"] == "length"


def test_its_edits_are_those_of_the_model_in_this_process_and_are_replayed(server, tmp_path):
    served = load_recomposer("any", server=server, prompt=load_prompt("tiny-editor"))
    edits = RecordedEdits.make(served, tmp_path / "edits.jsonl", workers=2)
    outcome = edits.fill(CAPTIONS, CHANGES)
    assert (outcome.answered, outcome.failed, outcome.left) == (3, (), 0)
    assert outcome.tokens > 0

    here = RECOMPOSERS.get("tiny-editor")()
    expected = [here.recompose(*pair) for pair in zip(CAPTIONS, CHANGES, strict=True)]
    assert list(RecordedEdits.replay(tmp_path / "edits.jsonl").texts(CAPTIONS, CHANGES)) == expected

    again = RecordedEdits.make(served, tmp_path / "again.jsonl")
    again.fill(CAPTIONS, CHANGES)
    once, twice = (
        {r.key: r.text for r in Records(tmp_path / name)} for name in ("edits.jsonl", "again.jsonl")
    )
    assert once == twice, "temperature 0 says the same again"
