"""transformers models that caption: BLIP, BLIP-2, GIT, encoder-decoder pairs, and chat models that see.

What a model is given follows from its processor: a chat template gets a picture and the prompt as one message, any other
processor the picture and, where there is a prompt, its text in front of the caption.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from workbench.language.captions import Caption
from workbench.language.decoding import GREEDY, Decoding, picture_content
from workbench.language.hf import (
    ModelError,
    dtype_of,
    find_model,
    generate,
    load,
    load_part,
    transformers_package,
)

if TYPE_CHECKING:
    from PIL import Image

    from workbench.language.prompts import Prompt

MAX_TOKENS = 64


class HfCaptioner:
    """Captions by the transformers model in a folder, or of that name on the hub.

    Raises ModelError where it cannot be loaded, a chat model has no prompt, or a model that takes no text has one.
    """

    def __init__(
        self, name: str, decoding: Decoding = GREEDY, prompt: Prompt | None = None, device: str | None = None
    ):
        auto, folder = transformers_package(), find_model(name)
        self.id, self.decoding, self.prompt = folder.id, decoding, prompt
        self.processor, self.tokenizer = _processor(folder)
        self.chats = bool(getattr(self.processor, "chat_template", None))
        if self.chats and prompt is None:
            raise ModelError(f"{self.id} is a chat model: it needs a prompt, such as describe")
        if prompt is not None and self.tokenizer is None:
            raise ModelError(f"{self.id} takes a picture and no text: use it without a prompt")
        self.tokenizer = self.tokenizer or load_part(auto.AutoTokenizer, folder)
        self.model = load(auto.AutoModelForImageTextToText, folder, device)
        self.max_tokens = decoding.max_tokens or MAX_TOKENS
        self.options: Mapping[str, object] = decoding.options(self.max_tokens) | {
            "dtype": dtype_of(self.model)
        }

    def caption(self, images: Sequence[Image.Image], sample: int = 0) -> list[Caption]:
        """One caption per picture, as one batch. Raises DecodingError for a second sample of greedy decoding."""
        self.decoding.check_sample(sample)
        if not images:
            return []
        images = [image.convert("RGB") for image in images]
        about = [picture_content(image) for image in images]
        written = generate(
            self.model, self.tokenizer, self._inputs(images), about, self.decoding, self.max_tokens, sample
        )
        return [Caption(" ".join(one.text.split()), one.finished, one.tokens) for one in written]

    def _inputs(self, images: Sequence[Image.Image]) -> Mapping:
        if self.prompt is None:
            return self.processor(images=images, return_tensors="pt")
        text = self._chat() if self.chats else self.prompt.message
        return self.processor(images=images, text=[text] * len(images), padding=True, return_tensors="pt")

    def _chat(self) -> str:
        content = [{"type": "image"}, {"type": "text", "text": self.prompt.message}]
        messages = [{"role": "user", "content": content}]
        if self.prompt.instructions:
            said = [{"type": "text", "text": self.prompt.instructions}]
            messages.insert(0, {"role": "system", "content": said})
        return self.processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)


def _processor(folder):
    """(processor, its tokenizer); the tokenizer is None where the processor takes pictures alone."""
    auto = transformers_package()
    processor = load_part(auto.AutoProcessor, folder)
    if not hasattr(processor, "image_processor"):  # an encoder-decoder pair: each half has its own
        return load_part(auto.AutoImageProcessor, folder), None
    processor.tokenizer.padding_side = "left"  # what is generated follows the text
    return processor, processor.tokenizer
