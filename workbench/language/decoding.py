"""How a model that writes chooses its words: greedily, or by sampling that can be repeated.

Sampling takes one uniform number per token and looks up which token it falls on (inverse of the cumulative
distribution, cut to the most probable tokens that reach ``top_p``; Holtzman et al., ICLR 2020, arXiv 1904.09751). The
numbers depend on the seed, on what the text is about and on the sample's number, never on the batch it was made in.
Left out: beams, penalties.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import UserError


class DecodingError(UserError, ValueError):
    """A decoding option is out of range, or a greedy model is asked for a second sample."""


@dataclass(frozen=True)
class Decoding:
    """Temperature 0 is greedy: the most probable token, the same words every time.

    ``top_p`` in (0, 1] keeps the most probable tokens that together reach it. ``max_tokens`` None leaves the limit to
    the model. Raises DecodingError on a value out of range.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    max_tokens: int | None = None

    def __post_init__(self):
        for name in ("temperature", "top_p"):  # 1 and 1.0 are one option in a record's key
            object.__setattr__(self, name, float(getattr(self, name)))
        checks = {
            "temperature": (self.temperature, 0 <= self.temperature < float("inf"), "0 (greedy) or more"),
            "top_p": (self.top_p, 0 < self.top_p <= 1, "more than 0, at most 1"),
            "seed": (self.seed, self.seed >= 0, "0 or more"),
            "max_tokens": (self.max_tokens, self.max_tokens is None or self.max_tokens > 0, "1 or more"),
        }
        for name, (got, fine, expected) in checks.items():
            if not fine:
                raise DecodingError(f"{name}: got {got}, expected {expected}")

    @property
    def greedy(self) -> bool:
        return self.temperature == 0

    def options(self, max_tokens: int | None = None) -> dict[str, object]:
        """What a record keeps of it; ``max_tokens`` is the model's own limit, where none was set.

        >>> Decoding().options(32)
        {'decoding': 'greedy', 'max_tokens': 32}
        >>> Decoding(0.7, seed=3).options(32)
        {'decoding': 'sampling', 'temperature': 0.7, 'top_p': 1.0, 'seed': 3, 'max_tokens': 32}
        """
        how: dict[str, object] = {"decoding": "greedy"}
        if not self.greedy:
            how = {
                "decoding": "sampling",
                "temperature": self.temperature,
                "top_p": self.top_p,
                "seed": self.seed,
            }
        limit = self.max_tokens or max_tokens
        return how | ({"max_tokens": limit} if limit else {})

    def check_sample(self, sample: int) -> None:
        """Raise DecodingError where a greedy model is asked for a second sample: it would be the first again."""
        if sample < 0 or (self.greedy and sample > 0):
            raise DecodingError(
                f"sample: got {sample}, expected 0: greedy decoding gives one text; set a temperature for more"
                if sample > 0
                else f"sample: got {sample}, expected 0 or more"
            )

    def seed_of(self, about: bytes, sample: int) -> int:
        """63 bits that depend on the seed, on the content the text is about and on the sample's number."""
        content = hashlib.sha256(about).hexdigest()
        digest = hashlib.sha256(f"{self.seed}/{sample}/{content}".encode()).digest()
        return int.from_bytes(digest[:8], "big") >> 1

    def numbers(self, about: Sequence[bytes], sample: int, n_tokens: int) -> np.ndarray:
        """Uniform numbers in [0, 1), one per content and token: (b, n_tokens)."""
        self.check_sample(sample)
        rows = [np.random.default_rng(self.seed_of(one, sample)).random(n_tokens) for one in about]
        return np.array(rows, dtype=np.float32).reshape(len(about), n_tokens)

    def pick(self, logits, numbers):
        """Token ids (b,) for logits (b, vocabulary): the best ones, or those that the numbers (b,) fall on."""
        if self.greedy:
            return logits.argmax(dim=-1)
        chances, order = (logits.float() / self.temperature).softmax(dim=-1).sort(dim=-1, descending=True)
        kept = (
            chances.cumsum(dim=-1) - chances < self.top_p
        )  # the best token always: nothing stands before it
        reached = chances.masked_fill(~kept, 0).cumsum(dim=-1)
        place = (reached <= numbers[:, None] * reached[:, -1:]).sum(dim=-1)
        place = place.minimum(kept.sum(dim=-1) - 1)  # a number that rounds to 1
        return order.gather(-1, place[:, None])[:, 0]


GREEDY = Decoding()


def picture_content(image) -> bytes:
    """A picture as bytes to seed by: what it shows, not where it lies."""
    return f"{image.mode} {image.size} ".encode() + image.tobytes()
