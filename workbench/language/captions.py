"""Captioners: pictures to sentences. Here, any open_clip CoCa by greedy decoding of our own.

At each step the most probable next token is taken: no sampling, no beams, so the same picture gives
the same words. The picture is encoded once and handed back to the model with every step; open_clip's
own ``generate`` is not used (it breaks with current transformers). Left out: key-value caching, which
open_clip's decoder does not offer, hence cost grows with the square of a caption's length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from PIL import Image

from workbench.encode.clip import ClipEncoder
from workbench.encode.encoder import EncoderError


@dataclass(frozen=True)
class Caption:
    """One caption; ``finished`` is False where the context was full before the end token came."""

    text: str
    finished: bool
    tokens: int


class Captioner(Protocol):
    """Pictures to captions; ``id`` names the model with its weights, ``options`` how it decodes."""

    id: str
    options: Mapping[str, object]

    def caption(self, images: Sequence[Image.Image]) -> list[Caption]:
        """One caption per picture, in their order."""


class CoCaCaptioner:
    """Greedy captions by the decoder of a CoCa that is already loaded as an encoder.

    Raises EncoderError if the model has no decoder.
    """

    def __init__(self, encoder: ClipEncoder):
        if not hasattr(encoder.model, "text_decoder"):
            raise EncoderError(
                f"{encoder.id} has no caption decoder; captions need a CoCa, such as tiny-coca"
            )
        self.encoder = encoder
        self.id = encoder.id
        self.max_tokens = min(encoder.model.context_length, encoder.context_length)
        self.options: Mapping[str, object] = {"decoding": "greedy", "max_tokens": self.max_tokens}
        self.start, self.end, self.vocabulary = special_tokens(encoder.tokenizer)
        # A text tower that pools at the end token instead of a class token takes full-length texts only; what stands
        # after a position cannot change it, the masks being causal.
        pools_at_end = getattr(encoder.model.text, "cls_emb", None) is None
        self.padded = encoder.context_length if pools_at_end else 0

    def caption(self, images: Sequence[Image.Image]) -> list[Caption]:
        """One caption per picture; one batch, so give as many as memory allows."""
        if not images:
            return []
        return [self._read(row) for row in self._decode(self.encoder.pixels(images)).tolist()]

    @torch.inference_mode()
    def _decode(self, pixels: torch.Tensor) -> torch.Tensor:
        """Token ids (b, length) from the start token on; after a row's first end token only end tokens follow."""
        model = self.encoder.model
        seen = model(pixels)
        picture = {"image_latent": seen["image_features"], "image_embs": seen["image_embs"]}
        tokens = torch.full((len(pixels), 1), self.start, dtype=torch.long, device=pixels.device)
        done = torch.zeros(len(pixels), dtype=torch.bool, device=pixels.device)
        while tokens.shape[1] < self.max_tokens and not done.all():
            given = torch.nn.functional.pad(tokens, (0, max(self.padded - tokens.shape[1], 0)))
            seen = model(None, given, **picture, output_labels=False)["logits"]
            logits = seen[:, tokens.shape[1] - 1, : self.vocabulary]
            logits[:, self.start] = -torch.inf  # a sentence starts once
            best = logits.argmax(dim=-1).masked_fill(done, self.end)
            tokens = torch.cat([tokens, best[:, None]], dim=1)
            done |= best == self.end
        return tokens

    def _read(self, row: Sequence[int]) -> Caption:
        words = row[1:]
        finished = self.end in words
        words = words[: words.index(self.end)] if finished else words
        return Caption(decode(self.encoder.tokenizer, words), finished, len(words))


def special_tokens(tokenizer) -> tuple[int, int, int]:
    """(start token, end token, vocabulary size) of an open_clip or transformers tokenizer."""
    if hasattr(tokenizer, "sot_token_id"):
        return tokenizer.sot_token_id, tokenizer.eot_token_id, tokenizer.vocab_size
    inner = tokenizer.tokenizer
    start = inner.bos_token_id if inner.bos_token_id is not None else inner.cls_token_id
    end = inner.eos_token_id if inner.eos_token_id is not None else inner.sep_token_id
    return start, end, len(inner)


def decode(tokenizer, ids: Sequence[int]) -> str:
    """Words of token ids, with single spaces."""
    if hasattr(tokenizer, "decode"):
        text = tokenizer.decode(list(ids))
    else:
        text = tokenizer.tokenizer.decode(list(ids), skip_special_tokens=True)
    return " ".join(text.split())
