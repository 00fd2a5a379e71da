"""Optimised textual inversion (OTI): the pseudo-word whose sentences a text encoder puts where the picture is.

    word <- argmin  (cos_weight L_cos + phrase_weight L_phrase) / (cos_weight + phrase_weight)
    L_cos    = 1 - cos(text("a photo of {word}"), picture)                     a template at random in every step
    L_phrase = 1 - cos(text(phrase with {word} for its concept), text(phrase)) a phrase on a concept of the picture

by AdamW; what is kept is the moving average of the word over the steps. Baldrati et al., Zero-Shot Composed Image
Retrieval with Textual Inversion (ICCV 2023); defaults: its released code. There, language-model phrases on the 15
OpenImages concepts nearest to the picture hold the word to how words are used; give your own as ``phrases``, or none:
then L_cos is all there is. Different here: losses are summed over a batch, in float32, and each picture draws from
numbers of its own, so that a word does not depend on which others are made with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property

import numpy as np
import torch
from torch.nn.functional import cosine_similarity

from workbench.arrays import Float, unit
from workbench.encode.clip import ClipEncoder
from workbench.encode.encoder import EncoderError, batches
from workbench.encode.pseudo_tokens import (
    PLACEHOLDER,
    embedding_table,
    placeholder_token,
    spaced,
    words_in_place,
)
from workbench.progress import progress_bar


@dataclass(frozen=True, eq=False)
class TextualInversion:
    """An inverter that optimises each word. ``phrases``: by concept, texts in which that concept's name stands.

    Raises EncoderError for a template without $ and for a phrase without its concept.
    """

    encoder: ClipEncoder
    templates: Sequence[str]
    phrases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    steps: int = 350
    rate: float = 2e-2
    decay: float = 0.01
    spread: float = 0.02
    average: float = 0.99
    cos_weight: float = 1.0
    phrase_weight: float = 0.5
    concepts: int = 15
    batch: int = 32
    seed: int = 42

    def __post_init__(self):
        for template in self.templates:
            if PLACEHOLDER not in template:
                raise EncoderError(f"template {template!r} has no {PLACEHOLDER}")
            self.encoder.check_text(template)
        for concept, phrases in self.phrases.items():
            for phrase in phrases:
                if concept not in phrase:
                    raise EncoderError(f"phrase {phrase!r} does not hold its concept {concept!r}")
                self.encoder.check_text(phrase)
        if not self.templates or not all(self.phrases.values()):
            raise EncoderError(
                "textual inversion needs at least one template, and a phrase for every concept"
            )

    @cached_property
    def id(self) -> str:
        """Settings, templates and phrases as a digest; the encoder is named by who stores the words."""
        left_out = ("encoder", "batch")
        settings = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in left_out}
        settings["phrases"] = {concept: list(phrases) for concept, phrases in self.phrases.items()}
        text = json.dumps({**settings, "templates": list(self.templates)}, sort_keys=True)
        return f"oti@{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    @property
    def width(self) -> int:
        return embedding_table(self.encoder.model).embedding_dim

    def words(self, rows: Float["n D"], names: Sequence[str]) -> Float["n W"]:
        """One word per raw row. The same row and name give the same word, whatever else is in the list."""
        made = np.empty((len(rows), self.width), np.float32)
        with progress_bar(total=len(rows), desc="invert pictures", unit="picture") as bar:
            for part in batches(slice(0, len(rows)), self.batch):
                made[part] = self._invert(rows[part], names[part])
                bar.update(part.stop - part.start)
        return made

    def _invert(self, rows: Float["b D"], names: Sequence[str]) -> Float["b W"]:
        device = self.encoder.device
        draws = [numbers_of(self.seed, name) for name in names]
        start = np.array([draw.normal(0, self.spread, self.width) for draw in draws], np.float32)
        picture = torch.from_numpy(np.array(rows, np.float32)).to(device)
        known = self._phrases_near(rows)
        word = torch.from_numpy(start).to(device).requires_grad_()
        average = word.detach().clone()
        optimiser = torch.optim.AdamW([word], lr=self.rate, weight_decay=self.decay)
        for _ in range(self.steps):
            loss = self.cos_weight * self._template_loss(word, picture, draws)
            if self.phrases:
                loss = loss + self.phrase_weight * self._phrase_loss(word, known, draws)
                loss = loss / (self.cos_weight + self.phrase_weight)
            (word.grad,) = torch.autograd.grad(loss, word)
            optimiser.step()
            average = self.average * average + (1 - self.average) * word.detach()
        return average.cpu().numpy()

    def _template_loss(self, word, picture, draws) -> torch.Tensor:
        texts = [self.templates[draw.integers(len(self.templates))] for draw in draws]
        return (1 - cosine_similarity(self._read(texts, word), picture)).sum()

    def _phrase_loss(self, word, known, draws) -> torch.Tensor:
        pairs = [some[draw.integers(len(some))] for some, draw in zip(known, draws, strict=True)]
        with torch.no_grad():
            meant = self._text_rows([phrase for _, phrase in pairs])
        with_word = [phrase.replace(concept, PLACEHOLDER, 1) for concept, phrase in pairs]
        return (1 - cosine_similarity(self._read(with_word, word), meant)).sum()

    def _read(self, texts: Sequence[str], word: torch.Tensor) -> torch.Tensor:
        with words_in_place(self.encoder.model, placeholder_token(self.encoder), word):
            return self._text_rows([spaced(text) for text in texts])

    def _text_rows(self, texts: Sequence[str]) -> torch.Tensor:
        tokens = self.encoder.tokenizer(list(texts)).to(self.encoder.device)
        return self.encoder.model.encode_text(tokens, normalize=False).float()

    def _phrases_near(self, rows: Float["b D"]) -> list[list[tuple[str, str]]]:
        """Per picture, (concept, phrase) pairs of the concepts whose names are nearest to it."""
        if not self.phrases:
            return [[] for _ in rows]
        names = list(self.phrases)
        near = np.argsort(-(unit(np.array(rows)) @ self._concept_rows.T), axis=1)[:, : self.concepts]
        return [[(names[i], phrase) for i in row for phrase in self.phrases[names[i]]] for row in near]

    @cached_property
    def _concept_rows(self) -> Float["c D"]:
        template = self.templates[0]
        return unit(self.encoder.encode_texts([template.replace(PLACEHOLDER, c) for c in self.phrases]))


def numbers_of(seed: int, name: str) -> np.random.Generator:
    """Random numbers of an item's own, so that they do not depend on which others are made with it."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))
