"""Any open_clip CoCa as a captioner, by a decoding loop of our own.

At each step the most probable next token is taken, or one is sampled by numbers that belong to the picture and the
sample, so that the same picture gives the same words. The picture is encoded once and handed back to the model with
every step; open_clip's own ``generate`` is not used (it breaks with current transformers). Left out: key-value
caching, which open_clip's decoder does not offer, hence cost grows with the square of a caption's length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from PIL import Image

from workbench.arrays import Float
from workbench.encode.clip import ClipEncoder
from workbench.encode.encoder import EncoderError
from workbench.language.captions import Caption
from workbench.language.decoding import GREEDY, Decoding, picture_content


class CoCaCaptioner:
    """Captions by the decoder of a CoCa that is already loaded as an encoder; greedy unless told otherwise.

    Raises EncoderError if the model has no decoder.
    """

    def __init__(self, encoder: ClipEncoder, decoding: Decoding = GREEDY):
        if not hasattr(encoder.model, "text_decoder"):
            raise EncoderError(
                f"{encoder.id} has no caption decoder; captions need a CoCa, such as tiny-coca"
            )
        self.encoder = encoder
        self.id = encoder.id
        self.decoding = decoding
        room = min(encoder.model.context_length, encoder.context_length)
        self.max_tokens = min(room, decoding.max_tokens or room)  # the start token counts
        self.options: Mapping[str, object] = decoding.options() | {"max_tokens": self.max_tokens}
        self.start, self.end, self.vocabulary = special_tokens(encoder.tokenizer)
        # A text tower that pools at the end token instead of a class token takes full-length texts only; what stands
        # after a position cannot change it, the masks being causal.
        pools_at_end = getattr(encoder.model.text, "cls_emb", None) is None
        self.padded = encoder.context_length if pools_at_end else 0

    def caption(self, images: Sequence[Image.Image], sample: int = 0) -> list[Caption]:
        """One caption per picture; one batch, so give as many as memory allows.

        Raises DecodingError where a second sample is asked for and the decoding is greedy.
        """
        self.decoding.check_sample(sample)
        if not images:
            return []
        numbers = self.decoding.numbers([picture_content(image) for image in images], sample, self.max_tokens)
        return [self._read(row) for row in self._decode(self.encoder.pixels(images), numbers).tolist()]

    @torch.inference_mode()
    def _decode(self, pixels: torch.Tensor, numbers: Float["b length"]) -> torch.Tensor:
        """Token ids (b, length) from the start token on; after a row's first end token only end tokens follow."""
        model = self.encoder.model
        uniform = torch.from_numpy(numbers).to(pixels.device)
        seen = model(pixels)
        picture = {"image_latent": seen["image_features"], "image_embs": seen["image_embs"]}
        tokens = torch.full((len(pixels), 1), self.start, dtype=torch.long, device=pixels.device)
        done = torch.zeros(len(pixels), dtype=torch.bool, device=pixels.device)
        while tokens.shape[1] < self.max_tokens and not done.all():
            given = torch.nn.functional.pad(tokens, (0, max(self.padded - tokens.shape[1], 0)))
            seen = model(None, given, **picture, output_labels=False)["logits"]
            logits = seen[:, tokens.shape[1] - 1, : self.vocabulary]
            logits[:, self.start] = -torch.inf  # a sentence starts once
            chosen = self.decoding.pick(logits, uniform[:, tokens.shape[1]]).masked_fill(done, self.end)
            tokens = torch.cat([tokens, chosen[:, None]], dim=1)
            done |= chosen == self.end
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
