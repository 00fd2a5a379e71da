"""Modality inversion: a row of one modality as tokens of the other tower, and as the row that tower gives for them.

    tokens <- argmin  1 - cos(read(tokens), row)            AdamW from N(0, spread^2); the last step's tokens are kept

    PictureAsWords (OTI)  read: the text tower, "a photo of $" with the tokens in the place of $
    TextAsPatches  (OVI)  read: the image tower, the tokens stretched over its grid in the place of every patch

Pictures can so be compared with pictures across towers (inter-modally), and texts with texts. Mistretta et al., Cross
the Gap (ICLR 2025) find that this beats comparing within one modality, and that it hurts where the task is
cross-modal already. A hypothesis, not a settled fact: "Reevaluating the Intra-Modal Misalignment Hypothesis in CLIP"
(arXiv 2603.16100) finds the same signs in encoders without a gap and an ambiguous task behind them.

Different from the released loop: each item starts from numbers of its own and losses are summed over a batch, so that
an item's tokens do not depend on which others are made with it; float32 on every device. SEARLE's textual inversion,
with its random templates and averaging, is in ``inversion``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import torch
from torch.nn.functional import cosine_similarity

from workbench.arrays import Float
from workbench.encode.clip import ClipEncoder
from workbench.encode.encoder import EncoderError, batches
from workbench.encode.inversion import numbers_of
from workbench.encode.pseudo_tokens import (
    PLACEHOLDER,
    embedding_table,
    placeholder_token,
    stored_words,
    words_in_place,
)
from workbench.encode.store import EmbeddingStore
from workbench.progress import progress_bar


def descend(
    read: Callable[[torch.Tensor], torch.Tensor],
    rows: torch.Tensor,
    start: torch.Tensor,
    steps: int,
    rate: float = 2e-2,
    decay: float = 0.01,
) -> tuple[torch.Tensor, list[float]]:
    """Tokens (b, T, W) that ``read`` turns into rows like the given (b, D), and the mean loss before each step."""
    tokens = start.detach().clone().requires_grad_()
    optimiser = torch.optim.AdamW([tokens], lr=rate, weight_decay=decay)
    losses = []
    for _ in range(steps):
        loss = 1 - cosine_similarity(read(tokens), rows)
        (tokens.grad,) = torch.autograd.grad(loss.sum(), tokens)
        optimiser.step()
        losses.append(float(loss.detach().mean()))
    return tokens.detach(), losses


@dataclass(frozen=True, eq=False)
class _Inversion:
    """What both directions share. An inverter in the sense of ``inverter.Inverter``: words are T tokens side by side."""

    encoder: ClipEncoder
    tokens: int = 1
    steps: int = 150
    rate: float = 2e-2
    decay: float = 0.01
    spread: float = 0.02
    batch: int = 64
    seed: int = 42

    kind = ""

    def __post_init__(self):
        if self.tokens < 1 or self.steps < 1:
            raise EncoderError(
                f"got {self.tokens} tokens and {self.steps} steps, expected at least 1 of each"
            )

    @property
    def token_width(self) -> int:
        """W, the width of one token in the tower that reads it."""
        raise NotImplementedError

    def read(self, tokens: torch.Tensor) -> torch.Tensor:
        """Raw rows (b, D) of tokens (b, T, W), differentiable."""
        raise NotImplementedError

    @property
    def width(self) -> int:
        return self.tokens * self.token_width

    @cached_property
    def id(self) -> str:
        """The settings as a digest; the encoder is named by who stores the tokens."""
        settings = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("encoder", "batch")}
        text = json.dumps(settings, sort_keys=True)
        return f"{self.kind}@{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def words(self, rows: Float["n D"], names: Sequence[str]) -> Float["n W"]:
        """T tokens side by side per row. The same row and name give the same tokens, whatever else is in the list."""
        made = np.empty((len(rows), self.width), np.float32)
        with progress_bar(total=len(rows), desc=f"invert ({self.kind})", unit="row") as bar:
            for part in batches(slice(0, len(rows)), self.batch):
                some = torch.from_numpy(np.array(rows[part], np.float32)).to(self.encoder.device)
                tokens, _ = descend(
                    self.read, some, self._start(names[part]), self.steps, self.rate, self.decay
                )
                made[part] = tokens.flatten(1).cpu().numpy()
                bar.update(part.stop - part.start)
        return made

    @torch.inference_mode()
    def rows(self, words: Float["n W"]) -> Float["n D"]:
        """Raw rows that the tower gives for stored tokens. Raises EncoderError for another width."""
        if words.ndim != 2 or words.shape[1] != self.width:
            raise EncoderError(f"words: got shape {words.shape}, expected (n, {self.width}) for {self.id}")
        made = np.empty((len(words), self.encoder.dim), np.float32)
        for part in batches(slice(0, len(words)), self.batch):
            tokens = torch.from_numpy(np.array(words[part], np.float32)).to(self.encoder.device)
            made[part] = self.read(tokens.unflatten(1, (self.tokens, -1))).float().cpu().numpy()
        return made

    def _start(self, names: Sequence[str]) -> torch.Tensor:
        shape = (self.tokens, self.token_width)
        drawn = [numbers_of(self.seed, name).normal(0, self.spread, shape) for name in names]
        return torch.from_numpy(np.array(drawn, np.float32)).to(self.encoder.device)


@dataclass(frozen=True, eq=False)
class PictureAsWords(_Inversion):
    """OTI: pictures' rows as tokens of the text tower. Raises EncoderError for a template without $ or too long."""

    template: str = f"a photo of {PLACEHOLDER}"

    kind = "oti-cross"

    def __post_init__(self):
        super().__post_init__()
        if PLACEHOLDER not in self.template:
            raise EncoderError(f"template {self.template!r} has no {PLACEHOLDER}")
        self.encoder.check_text(self._text)

    @property
    def token_width(self) -> int:
        return embedding_table(self.encoder.model).embedding_dim

    @property
    def _text(self) -> str:
        return self.template.replace(PLACEHOLDER, f" {PLACEHOLDER} " * self.tokens, 1)

    def read(self, tokens: torch.Tensor) -> torch.Tensor:
        text = self.encoder.tokenizer([self._text] * len(tokens)).to(self.encoder.device)
        with words_in_place(self.encoder.model, placeholder_token(self.encoder), tokens):
            return self.encoder.model.encode_text(text, normalize=False).float()


@dataclass(frozen=True, eq=False)
class TextAsPatches(_Inversion):
    """OVI: texts' rows as tokens of the image tower.

    The paper takes 1 token for ViT-B/32, 2 for OpenCLIP's ViT-L/14 and 4 for OpenAI's and for SigLIP's ViT-B/16.
    """

    steps: int = 1000

    kind = "ovi-cross"

    @property
    def token_width(self) -> int:
        return patch_layer(self.encoder.model).out_channels

    def read(self, tokens: torch.Tensor) -> torch.Tensor:
        size = self.encoder.model.visual.image_size
        height, width = size if isinstance(size, tuple | list) else (size, size)
        blank = torch.zeros(len(tokens), 3, height, width, device=self.encoder.device)
        with tokens_as_patches(self.encoder.model, tokens):
            return self.encoder.model.encode_image(blank, normalize=False).float()


def patch_layer(model: torch.nn.Module) -> torch.nn.Conv2d:
    """The convolution that cuts a picture into patches. Raises EncoderError for a tower that has none (ResNets)."""
    visual = model.visual
    layer = getattr(visual, "conv1", None)
    if layer is None:  # towers that come from timm
        layer = getattr(getattr(getattr(visual, "trunk", None), "patch_embed", None), "proj", None)
    if not isinstance(layer, torch.nn.Conv2d) or layer.stride != layer.kernel_size:
        raise EncoderError(
            f"{type(visual).__name__} cuts no patches, so it cannot read tokens in their place"
        )
    return layer


@contextmanager
def tokens_as_patches(model: torch.nn.Module, tokens: torch.Tensor) -> Iterator[None]:
    """While this lasts, the model sees the tokens (b, T, W), each stretched over G/T patches, whatever picture it gets."""

    def replace(module, inputs, embedded):
        count = embedded.shape[2] * embedded.shape[3]
        place = torch.arange(count, device=tokens.device) * tokens.shape[1] // count
        return tokens[:, place].transpose(1, 2).reshape(embedded.shape).to(embedded.dtype)

    hook = patch_layer(model).register_forward_hook(replace)
    try:
        yield
    finally:
        hook.remove()


def stored_inversion(
    store: EmbeddingStore, inversion: _Inversion, digests: Sequence[str], rows: Float["n D"]
) -> Float["n D"]:
    """Raw rows of the other tower for an encoder's raw rows, by content digest; tokens are kept and made once each.

    A kill costs the shard in flight (64 items); what was finished is found again.
    """
    return inversion.rows(stored_words(store, inversion.encoder, inversion, digests, rows))
