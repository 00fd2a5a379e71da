"""open_clip models as encoders: any pretrained tag, a file of weights, or a local folder.

What this file takes care of: raw norms (``normalize=False`` said explicitly, since CoCa's default
wipes them out), weights that are named by their digest, QuickGELU models loaded as such, texts
that are never cut silently, and errors that help someone without a network. Weights are read from
safetensors, or by torch with ``weights_only=True``: loading a model never runs code from its file.
Downloading from a hub is left to open_clip.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import open_clip
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors import SafetensorError
from torchvision.transforms import Compose

from workbench.arrays import Float
from workbench.encode.encoder import BATCH, EncoderError, encode_in_batches
from workbench.encode.preprocess import TargetPad, split_name
from workbench.encode.source import OFFLINE, Source, find_source

# What a wrong, cut or hostile weights file makes open_clip, torch and safetensors raise.
UNREADABLE = (RuntimeError, ValueError, TypeError, KeyError, OSError, pickle.UnpicklingError, SafetensorError)


@dataclass(frozen=True, eq=False)
class ClipEncoder:
    """One open_clip model with its own preprocessing and tokenizer.

    ``id`` reads ``family:tag@weights.recipe``: 12 hex digits of the SHA-256 of the weights file,
    then 8 of the recipe (architecture, preprocessing, vocabulary). ``provenance`` has them in full.
    """

    id: str
    dim: int
    model: torch.nn.Module
    prepare: object
    tokenizer: object
    provenance: Mapping[str, str]
    device: torch.device
    batch_size: int = BATCH

    @property
    def context_length(self) -> int:
        """How many tokens a text may have, start and end included."""
        return self.tokenizer.context_length

    def encode_images(self, images: Sequence[Image.Image]) -> Float["n D"]:
        """Raw float32 rows of RGB pictures; raises EncoderError on NaN or infinite rows."""
        return self._encode(images, self._image_rows, "picture")

    def encode_texts(self, texts: Sequence[str]) -> Float["n D"]:
        """Raw float32 rows of texts; raises EncoderError, before any is encoded, on an empty or too long one."""
        for text in texts:
            self.check_text(text)
        return self._encode(texts, self._text_rows, "text")

    def encode_blank(self) -> Float["1 D"]:
        """The raw row of a text without a word, which `encode_texts` refuses: some benchmarks are known to have one."""
        return self._encode([""], self._text_rows, "text")

    def check_text(self, text: str) -> None:
        """Raise EncoderError if the text is empty, or longer than the context: it would be cut."""
        if not text.strip():
            raise EncoderError(f"text {text!r} is empty; every text must say something")
        n_tokens = count_tokens(self.tokenizer, text)
        if n_tokens > self.context_length:
            raise EncoderError(
                f"a text has {n_tokens} tokens, more than the {self.context_length} this model reads: {text!r}; "
                "shorten it (texts are never cut silently)"
            )

    @torch.inference_mode()
    def encode_prepared(self, pixels: np.ndarray) -> Float["n D"]:
        """Raw float32 rows of pictures as ``prepare`` gave them, (n, 3, height, width)."""
        rows = [
            self.model.encode_image(some.to(self.device), normalize=False).float().cpu().numpy()
            for some in torch.from_numpy(pixels).split(self.batch_size)
        ]
        return np.concatenate(rows)

    def pixels(self, images: Sequence[Image.Image]) -> torch.Tensor:
        """The model's input for these pictures: (b, 3, height, width) on its device."""
        return torch.stack([self.prepare(image) for image in images]).to(self.device)

    def _encode(self, items: Sequence, rows, label: str) -> Float["n D"]:
        def encode(part: slice) -> Float["b D"]:
            return rows([items[i] for i in range(part.start, part.stop)])

        return encode_in_batches(
            encode, slice(0, len(items)), dim=self.dim, label=label, size=self.batch_size
        )

    @torch.inference_mode()
    def _image_rows(self, images: Sequence[Image.Image]) -> Float["b D"]:
        return self.model.encode_image(self.pixels(images), normalize=False).float().cpu().numpy()

    @torch.inference_mode()
    def _text_rows(self, texts: Sequence[str]) -> Float["b D"]:
        # Always the full context: CoCa's text tower gives its summary token the position after the
        # last one, so a batch cropped to its longest text would give other numbers.
        tokens = self.tokenizer(list(texts)).to(self.device)
        return self.model.encode_text(tokens, normalize=False).float().cpu().numpy()


def load_clip(
    name: str, device: str | None = None, batch_size: int = BATCH, aliases: Sequence[str] = ()
) -> ClipEncoder:
    """The open_clip encoder of that full name (see ``load_encoder``); raises EncoderError."""
    name, pad = split_name(name)
    source = find_source(name, aliases)
    where = find_device(device)
    model = _build(source)
    weights = file_digest(source.weights)
    recipe, vocabulary = _recipe(source, model, pad)
    label = f"{source.label}+{pad}" if pad else source.label
    prepare = image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)
    return ClipEncoder(
        id=f"{label}@{weights[:12]}.{recipe[:8]}",
        dim=int(source.config["embed_dim"]),
        model=model.to(where).eval(),
        prepare=Compose([pad, prepare]) if pad else prepare,
        tokenizer=_tokenizer(source),
        provenance={"model": label, "weights": weights, "recipe": recipe, "vocabulary": vocabulary},
        device=where,
        batch_size=batch_size,
    )


def find_device(name: str | None) -> torch.device:
    """The device of that name, or a GPU if there is one. Raises EncoderError where torch has no such device."""
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # torch built without CUDA asserts
        reason = str(error).splitlines()[0]
        raise EncoderError(f"device {name!r} is not to be had here ({reason}); cpu always is") from error
    return device


def _build(source: Source) -> torch.nn.Module:
    """The architecture with its weights, strictly: no parameter may be left at random."""
    try:
        return open_clip.create_model(
            source.model,
            pretrained=source.pretrained,
            require_pretrained=True,
            weights_only=True,
            force_quick_gelu=source.quick_gelu,
            precision="fp32",
        )
    except UNREADABLE as error:
        raise EncoderError(
            f"{source.label}: cannot load {source.weights.name} into this model: {error}"
        ) from error


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _recipe(source: Source, model: torch.nn.Module, pad: TargetPad | None) -> tuple[str, str]:
    """Digests of all that turns an input into the model's input, and of the vocabulary alone."""
    bpe = source.vocabulary
    vocabulary = file_digest(bpe) if bpe else "as shipped by open_clip"
    # The path of the vocabulary is where it lies, not what it says.
    config = json.loads(json.dumps(source.config))
    config["text_cfg"].get("tokenizer_kwargs", {}).pop("bpe_path", None)
    parts = [config, model.visual.preprocess_cfg, source.quick_gelu, vocabulary, *([str(pad)] if pad else [])]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest(), vocabulary


def _tokenizer(source: Source):
    options = {"bpe_path": str(source.vocabulary)} if source.vocabulary else {}
    try:
        return open_clip.get_tokenizer(source.model, **options)
    except (OSError, RuntimeError, ValueError, ImportError) as error:
        raise EncoderError(f"{source.label}: cannot load its tokenizer ({error}). {OFFLINE}") from error


def count_tokens(tokenizer, text: str) -> int:
    """How many tokens a text takes, start and end included, however long it is."""
    if hasattr(tokenizer, "encode"):  # open_clip's own tokenizer adds the two special ones itself
        return len(tokenizer.encode(text)) + 2
    clean = getattr(tokenizer, "clean_fn", str)
    return len(tokenizer.tokenizer(clean(text)).input_ids)
