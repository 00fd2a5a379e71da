"""Tiny stand-ins for encoders: a random CoCa on disk, and a deterministic fake that needs no torch."""

from __future__ import annotations

import gzip
import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

# "the" and a few others become single tokens; every other word falls apart into letters.
MERGES = ("t h", "th e</w>", "c a", "ca t</w>", "r e", "re d</w>", "i n", "in g</w>")
N_TOKENS = 2 * 256 + len(MERGES) + 2
WIDTH = 16
CONTEXT = 24

CONFIG = {
    "model_cfg": {
        "embed_dim": WIDTH,
        "custom_text": True,
        "multimodal_cfg": {
            "context_length": CONTEXT,
            "vocab_size": N_TOKENS,
            "width": WIDTH,
            "heads": 2,
            "layers": 1,
            "mlp_ratio": 2,
        },
        "vision_cfg": {
            "image_size": 32,
            "patch_size": 16,
            "width": WIDTH,
            "head_width": 8,
            "layers": 1,
            "mlp_ratio": 2.0,
            "attentional_pool": True,
            "attn_pooler_queries": 4,
            "attn_pooler_heads": 2,
            "output_tokens": True,
        },
        "text_cfg": {
            "context_length": CONTEXT,
            "vocab_size": N_TOKENS,
            "width": WIDTH,
            "heads": 2,
            "layers": 1,
            "embed_cls": True,
            "output_tokens": True,
            "tokenizer_kwargs": {"bpe_path": "bpe.txt.gz"},
        },
    },
    "preprocess_cfg": {"size": 32, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]},
}


def write_coca(folder: Path, seed: int = 0, class_token: bool = True) -> Path:
    """A random CoCa in open_clip's folder form, with a vocabulary of its own. Returns the folder."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bpe.txt.gz").write_bytes(gzip.compress("\n".join(["#version", *MERGES]).encode(), mtime=0))
    config = json.loads(json.dumps(CONFIG))
    config["model_cfg"]["text_cfg"]["embed_cls"] = class_token
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # biases and class tokens are drawn when the model is made
        model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        # open_clip leaves the decoder's output unset, and its small weights would caption all pictures alike.
        for name, weight in model.named_parameters():
            if weight.ndim > 1:
                gain = 4.0 if "visual" in name or "cross_attn" in name else 1.0
                weight.copy_(torch.randn(weight.shape, generator=draw) * gain / weight.shape[-1] ** 0.5)
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    return folder


def picture(seed: int, size: int = 40) -> Image.Image:
    """A picture of noise, the same for the same seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


class Pictures(Sequence):
    """A picture sequence in memory, as the store wants it: ``len``, ``[i]``, ``digest(i)``."""

    def __init__(self, n: int, first: int = 0):
        self.seeds = range(first, first + n)

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, i: int) -> Image.Image:
        return picture(self.seeds[i], size=4)

    def digest(self, i: int) -> str:
        return hashlib.sha256(self[i].tobytes()).hexdigest()


class FakeEncoder:
    """Rows that depend on the content alone, and a log of every row that was asked for."""

    def __init__(self, dim: int = 8, name: str = "fake@1", pause: float = 0.0, log: Path | None = None):
        self.dim, self.id, self.pause, self.log = dim, name, pause, log

    def encode_images(self, images) -> np.ndarray:
        return self._rows([image.tobytes() for image in images])

    def encode_texts(self, texts) -> np.ndarray:
        return self._rows([text.encode() for text in texts])

    def _rows(self, contents: list[bytes]) -> np.ndarray:
        time.sleep(self.pause)
        if self.log is not None:
            with self.log.open("a") as file:
                file.write(f"{len(contents)}\n")
        seeds = [int.from_bytes(hashlib.sha256(c).digest()[:8], "big") for c in contents]
        rows = [np.random.default_rng(s).normal(2.0, 1.0, self.dim) for s in seeds]
        return np.array(rows, dtype=np.float32).reshape(len(contents), self.dim)


def rows_asked_for(log: Path) -> int:
    """How many rows a logging FakeEncoder was asked for."""
    return sum(int(line) for line in log.read_text().split()) if log.exists() else 0
