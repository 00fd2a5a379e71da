"""What an encoder is, how a long list is fed to it, and how a name becomes one.

An encoder turns pictures and texts into rows of the same width whose inner products mean
likeness. Rows are *raw*: their norms are kept, because WeiMoCIR composes raw rows; whoever needs
unit rows asks the store or ``Similarities`` for them. torch is imported only when an encoder is
loaded, so this module costs nothing to read from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from workbench import paths
from workbench.arrays import Float
from workbench.errors import UserError
from workbench.registry import Registry

BATCH = 64  # pictures held in memory at a time; a laptop's CPU gains nothing beyond


class EncoderError(UserError, ValueError):
    """An encoder cannot be had, or cannot encode what it was given; says what to do instead."""


@runtime_checkable
class Encoder(Protocol):
    """Pictures and texts to raw float32 rows.

    ``id`` names everything the rows depend on (family, tag, digest of the weights, digest of how
    inputs are prepared), so that equal ids mean equal rows. ``dim`` is D.
    """

    id: str
    dim: int

    def encode_images(self, images: Sequence[Image.Image]) -> Float["n D"]:
        """Raw rows of RGB pictures, one row each, in their order."""

    def encode_texts(self, texts: Sequence[str]) -> Float["n D"]:
        """Raw rows of texts, one row each; raises EncoderError on a text that is empty or too long."""


# An alias is a function that gives the full name when asked: paths may change between questions.
ENCODERS = Registry("encoder")


@ENCODERS.register("tiny-coca")
def _tiny_coca() -> str:
    """The built-in model: a small CoCa trained on the cards TinyCIR leaves out."""
    return f"local-dir:{paths.data_root() / 'models' / 'tiny-coca'}"


def resolve(name: str) -> str:
    """The full name behind an alias; any other name is given back as it is."""
    alias, plus, preprocessing = name.partition("+")
    return ENCODERS.get(alias)() + plus + preprocessing if alias in ENCODERS.names() else name


def load_encoder(name: str, device: str | None = None, batch_size: int = BATCH) -> Encoder:
    """The encoder of that name, ready on ``device`` (a GPU if there is one, unless told otherwise).

    Names: an alias (``tiny-coca``); an open_clip model and pretrained tag
    (``ViT-B-32:laion2b_s34b_b79k``); a model and a file of weights
    (``ViT-B-32:/models/weights.safetensors``); a folder with a config and weights
    (``local-dir:/models/mine``). Behind any of them ``+targetpad`` pads long pictures first (see ``preprocess``).

    Raises EncoderError, naming the nearest valid name and the way without a network.
    """
    from workbench.encode.clip import load_clip  # torch enters here

    return load_clip(resolve(name), device=device, batch_size=batch_size, aliases=ENCODERS.names())


def batches(part: slice, size: int) -> Iterator[slice]:
    """Slices of at most ``size`` that cover ``part`` in order.

    >>> list(batches(slice(0, 5), 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    for start in range(part.start, part.stop, size):
        yield slice(start, min(start + size, part.stop))


def encode_in_batches(
    encode: Callable[[slice], Float["b D"]],
    part: slice,
    *,
    dim: int,
    label: str,
    size: int = BATCH,
    bar: tqdm | None = None,
) -> Float["n D"]:
    """Rows of the items in ``part``, at most ``size`` at a time, each batch checked and counted on ``bar``.

    Raises EncoderError if a batch comes back with another shape than (b, dim), or with NaN or
    infinite numbers: a wrong row is found where it arises.
    """
    rows = np.empty((part.stop - part.start, dim), dtype=np.float32)
    for batch in batches(part, size):
        got = np.asarray(encode(batch), dtype=np.float32)
        items = range(batch.start, batch.stop)
        rows[batch.start - part.start : batch.stop - part.start] = check_rows(got, items, dim, label)
        if bar is not None:
            bar.update(batch.stop - batch.start)
    return rows


def check_rows(rows: np.ndarray, items: Sequence[int], dim: int, label: str) -> Float["b D"]:
    """The rows if they are (b, dim) and finite; else an EncoderError that names the first bad item."""
    expected = (len(items), dim)
    if rows.shape != expected:
        raise EncoderError(
            f"{label}: rows {items[0]} to {items[-1]} have shape {rows.shape}, expected {expected}"
        )
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if bad.size:
        raise EncoderError(
            f"{label}: {bad.size} of {len(rows)} rows of this batch hold NaN or infinite numbers, "
            f"the first for item {items[int(bad[0])]}; check the weights and the precision"
        )
    return rows
