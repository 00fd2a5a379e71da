"""A real OpenAI-compatible server on this machine: `transformers serve` with a model made on the spot."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError

import pytest

from tests.language.servers import Editor, direct, wait_until
from workbench.language.cache import RecordedEdits, Records
from workbench.language.server import ChatServer

TEMPLATE = "{% for m in messages %}<{{ m['role'] }}> {{ m['content'] }}\n{% endfor %}<assistant> "


def write_llama(folder: Path) -> Path:
    """Two layers of random weights, with a byte-level tokenizer and a chat template of their own."""
    import torch
    from tokenizers import ByteLevelBPETokenizer
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(["a cat, make it blue"] * 5, vocab_size=300, special_tokens=["<s>", "</s>"])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
        **size,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """(base URL, model name) of a server process that has no way to the network's model hubs."""
    folder = write_llama(tmp_path_factory.mktemp("models") / "nano-llama")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = [str(Path(sys.executable).with_name("transformers")), "serve", str(folder)]
    process = subprocess.Popen(
        [*program, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"],
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def healthy() -> bool:
        assert process.poll() is None, "the server ended"
        try:
            with direct.open(f"http://127.0.0.1:{port}/health", timeout=10):
                return True
        except (URLError, OSError):
            return False

    try:
        wait_until(healthy, seconds=600, pause=0.5)
        yield f"http://127.0.0.1:{port}/v1", str(folder)
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_the_client_talks_to_a_real_server(served):
    url, model = served
    reply = ChatServer(url, model, timeout=300.0).chat(
        [{"role": "user", "content": "a cat, make it blue"}], temperature=0, max_tokens=7
    )
    assert reply.text
    assert reply.completion_tokens <= 7 < reply.prompt_tokens
    assert reply.raw["object"] == "chat.completion"
    assert reply.finished == (reply.raw["choices"][0]["finish_reason"] != "length")


@pytest.mark.slow
def test_edits_by_a_real_server_are_recorded_and_replayed(served, tmp_path):
    url, model = served
    path = tmp_path / "edits.jsonl"
    captions, modifications = ["a cat", "a dog", "a cat"], ["make it blue", "make it red", "make it blue"]
    edits = RecordedEdits.make(Editor(url, timeout=300.0, model=model), path, workers=2)
    outcome = edits.fill(captions, modifications)
    assert outcome.answered + len(outcome.failed) == 2 and outcome.left == 0
    assert outcome.tokens > 0
    answered = [
        pair for pair in zip(captions, modifications, strict=True) if edits.key_of(*pair) in edits.records
    ]
    assert answered, "random weights may say nothing once, but not always"
    texts = edits.texts(*zip(*answered, strict=True))
    assert RecordedEdits.replay(path).texts(*zip(*answered, strict=True)) == texts
    again = tmp_path / "again.jsonl"
    RecordedEdits.make(Editor(url, timeout=300.0, model=model), again).fill(captions, modifications)
    assert [r.text for r in Records(again)] and {r.key: r.text for r in Records(again)} == {
        r.key: r.text for r in Records(path)
    }, "temperature 0 says the same again"
