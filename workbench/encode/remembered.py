"""Encoders that are loaded when the first row has to be made, and not before.

A case whose rows all lie in the store needs an encoder's id and width, not its model, and loading torch and a model
takes longer than most evaluations. Both are remembered beside the digests of the files they came from; where a file,
open_clip or the code that makes ids has changed, the encoder is loaded and remembered anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from PIL import Image

from workbench.arrays import Float
from workbench.encode.encoder import Encoder, EncoderError, load_encoder, resolve
from workbench.paths import cache_root

MAKES_IDS = ("clip.py", "source.py", "preprocess.py")  # the files beside this one that an id depends on


class RememberedEncoder:
    """An encoder known by ``id`` and ``dim``; anything else that is asked of it loads the model first.

    Raises EncoderError then if the model turns out to be another one than remembered.
    """

    def __init__(self, name: str, id: str, dim: int):
        self.name, self.id, self.dim = name, id, dim

    @cached_property
    def loaded(self) -> Encoder:
        """The encoder itself."""
        encoder = load_encoder(self.name)
        if (encoder.id, encoder.dim) != (self.id, self.dim):
            raise EncoderError(
                f"{self.name} was {self.id} when this began and is {encoder.id} now; start again"
            )
        return encoder

    def encode_images(self, images: list[Image.Image]) -> Float["n D"]:
        """As the encoder's own."""
        return self.loaded.encode_images(images)

    def encode_texts(self, texts: list[str]) -> Float["n D"]:
        """As the encoder's own."""
        return self.loaded.encode_texts(texts)

    def check_text(self, text: str) -> None:
        """As the encoder's own; here by name, so that asking whether there is such a check loads nothing."""
        self.loaded.check_text(text)

    def __getattr__(self, name: str):
        if name.startswith("__"):  # copying and pickling ask for such names; they are no reason to load
            raise AttributeError(name)
        return getattr(self.loaded, name)


def remembered_encoder(name: str, root: Path | str | None = None) -> Encoder:
    """As ``load_encoder(name)``, which is called only where nothing valid is remembered under ``root`` (the cache).

    Raises EncoderError as ``load_encoder`` does.
    """
    full = resolve(name)
    folder = Path(root) if root is not None else cache_root() / "encoders"
    memory = folder / f"{_key(full)}.json"
    known = _recall(memory)
    if known:
        return RememberedEncoder(name, known["id"], known["dim"])
    encoder = load_encoder(name)
    _remember(memory, {"id": encoder.id, "dim": encoder.dim, "files": _digests(_files(full))})
    return encoder


def _key(full: str) -> str:
    code = [_digest(Path(__file__).with_name(name)) for name in MAKES_IDS]
    return hashlib.sha256(json.dumps([full, version("open_clip_torch"), *code]).encode()).hexdigest()[:24]


def _files(full: str) -> list[Path]:
    """The files an encoder was made from."""
    from workbench.encode.preprocess import split_name
    from workbench.encode.source import CONFIG_FILE, find_source

    source = find_source(split_name(full)[0])
    config = source.weights.with_name(CONFIG_FILE) if source.model.startswith("local-dir:") else None
    return [path.resolve() for path in (source.weights, config, source.vocabulary) if path]


def _recall(memory: Path) -> dict | None:
    """What is remembered, if it can be read and every file is as it was."""
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
        files = known["files"]
        same = files == _digests(Path(path) for path in files)
        return known if same and isinstance(known["id"], str) and isinstance(known["dim"], int) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # a memory is a convenience: a broken one is made again


def _digests(paths) -> dict[str, str]:
    return {str(path): _digest(path) for path in paths}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remember(memory: Path, known: dict) -> None:
    memory.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=memory.parent, prefix=f".{memory.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(known, file, indent=1)
    os.replace(temporary, memory)
