"""transformers chat models in this process that edit captions; any folder or hub name with a chat template.

Several threads may ask at once: what waits is answered as one batch. Left out: assistants, tools, several devices.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from time import perf_counter
from typing import NamedTuple

from workbench.language.decoding import GREEDY, Decoding
from workbench.language.hf import (
    ModelError,
    Written,
    dtype_of,
    find_model,
    generate,
    load,
    load_part,
    transformers_package,
)
from workbench.language.prompts import Prompt, load_prompt
from workbench.language.recompose import read_reply
from workbench.language.server import Reply

MAX_TOKENS = 256


class Question(NamedTuple):
    """One edit that is asked for."""

    caption: str
    modification: str
    sample: int


class HfRecomposer:
    """Edits by the chat model in a folder, or of that name on the hub; greedy unless told otherwise.

    ``workers`` threads may ask at once and are answered as one batch. Raises ModelError where the model cannot be
    loaded or has no chat template.
    """

    def __init__(
        self,
        name: str,
        prompt: Prompt | None = None,
        decoding: Decoding = GREEDY,
        device: str | None = None,
        batch_size: int = 16,
    ):
        auto, folder = transformers_package(), find_model(name)
        self.id, self.decoding, self.prompt = folder.id, decoding, prompt or load_prompt("open-scene", "edit")
        self.tokenizer = load_part(auto.AutoTokenizer, folder, padding_side="left")
        if not self.tokenizer.chat_template:
            raise ModelError(f"{self.id} has no chat template: it is no chat model, or an incomplete folder")
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self.model = load(auto.AutoModelForCausalLM, folder, device)
        self.max_tokens = decoding.max_tokens or MAX_TOKENS
        self.options: Mapping[str, object] = decoding.options(self.max_tokens) | {
            "dtype": dtype_of(self.model)
        }
        self.workers = batch_size
        self._batches = Batches(self._answer, batch_size)

    def recompose(self, caption: str, modification: str) -> str:
        """The edited caption. Raises UnreadableReply where the model's reply is in another form than was asked for."""
        return self.ask(caption, modification).text

    def ask(self, caption: str, modification: str, sample: int = 0) -> Reply:
        """The edited caption, with the model's whole reply and its tokens. Raises UnreadableReply, DecodingError."""
        self.decoding.check_sample(sample)
        self._check_room(self.most_tokens(caption, modification))
        reply = self._batches.ask(Question(caption, modification, sample))
        return read_reply(reply, self.prompt, modification)

    def most_tokens(self, caption: str, modification: str) -> int:
        """What one question may take, prompt and reply."""
        text = self._text(caption, modification)
        return len(self.tokenizer(text, add_special_tokens=False).input_ids) + self.max_tokens

    def _answer(self, questions: Sequence[Question]) -> list[Reply]:
        """Replies to questions about one sample, as one batch."""
        before = perf_counter()
        texts = [self._text(q.caption, q.modification) for q in questions]
        inputs = self.tokenizer(texts, padding=True, add_special_tokens=False, return_tensors="pt")
        given = {name: inputs[name] for name in ("input_ids", "attention_mask")}
        about = [text.encode() for text in texts]
        written = generate(
            self.model, self.tokenizer, given, about, self.decoding, self.max_tokens, questions[0].sample
        )
        share = round((perf_counter() - before) / len(questions), 6)
        read = inputs["attention_mask"].sum(dim=1).tolist()
        return [_reply(one, int(n), share) for one, n in zip(written, read, strict=True)]

    def _text(self, caption: str, modification: str) -> str:
        from jinja2 import TemplateError

        messages = self.prompt.messages(caption, modification)
        try:
            return self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        except TemplateError as error:
            raise ModelError(
                f"{self.id}: its chat template refuses prompt {self.prompt.name!r}: {error}"
            ) from error

    def _check_room(self, n_tokens: int) -> None:
        room = getattr(self.model.config, "max_position_embeddings", None)
        if room and n_tokens > room:
            raise ModelError(
                f"{self.id} has room for {room} tokens; prompt {self.prompt.name!r} and a reply of at most "
                f"{self.max_tokens} take {n_tokens}: use a shorter prompt or another max_tokens"
            )


def tiny_editor() -> HfRecomposer:
    """The built-in editor of captions: a small language model trained on TinyCIR's grammar."""
    from workbench.paths import data_root

    return HfRecomposer(
        str(data_root() / "models" / "tiny-editor"), load_prompt("tiny-editor"), Decoding(max_tokens=64)
    )


class Batches:
    """Questions from many threads, answered together: whoever gets the model takes along what waits.

    ``answer`` gives one reply per question; questions about different samples are never put together.
    """

    def __init__(self, answer: Callable[[Sequence[Question]], list[Reply]], size: int):
        self.answer, self.size = answer, size
        self._waiting: deque[tuple[Question, Future]] = deque()
        self._turn = threading.Lock()

    def ask(self, question: Question) -> Reply:
        """The reply to this question. Raises what answering it raised."""
        mine: Future = Future()
        self._waiting.append((question, mine))
        with self._turn:
            while not mine.done():
                self._answer_some()
        return mine.result()

    def _answer_some(self) -> None:
        batch = [self._waiting.popleft()]
        while self._waiting and len(batch) < self.size and self._waiting[0][0].sample == batch[0][0].sample:
            batch.append(self._waiting.popleft())
        try:
            replies = self.answer([question for question, _ in batch])
            for (_, future), reply in zip(batch, replies, strict=True):
                future.set_result(reply)
        except BaseException as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)


def _reply(written: Written, prompt_tokens: int, seconds: float) -> Reply:
    """In the form in which a server would have answered, so that records read alike."""
    choice = {
        "message": {"role": "assistant", "content": written.text},
        "finish_reason": "stop" if written.finished else "length",
    }
    return Reply(written.text, {"choices": [choice]}, prompt_tokens, written.tokens, seconds)
