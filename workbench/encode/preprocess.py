"""What happens to a picture before a model's own resizing: nothing ("clip"), or padding of long ones ("targetpad").

A model's own preprocessing resizes the short side and cuts the centre, so that the ends of a long picture are lost.
SEARLE and CIReVL pad by default, LinCIR, WeiMoCIR and Pic2Word do not. The choice is written behind the encoder's
name, `ViT-L-14:openai+targetpad` or `+targetpad=1.5`, and is part of the encoder's id, hence of every stored row's key.
Source: A. Baldrati et al., Conditioned and Composed Image Retrieval (CLIP4Cir), CVPR 2022 workshops.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from PIL import Image

from workbench.encode.encoder import EncoderError
from workbench.registry import nearest

CHOICES = ("clip", "targetpad")


@dataclass(frozen=True)
class TargetPad:
    """Black bars on the short sides of a picture whose sides' ratio is `ratio` or more, down to about that ratio."""

    ratio: float = 1.25

    def __post_init__(self):
        if not (math.isfinite(self.ratio) and self.ratio >= 1):
            raise EncoderError(f"targetpad: got the ratio {self.ratio}, expected 1 or more")

    def __str__(self) -> str:
        return f"targetpad={self.ratio:g}"

    def __call__(self, picture: Image.Image) -> Image.Image:
        """The padded picture: each side gets int((long / ratio - side) / 2) pixels at both ends, where that is above 0.

        >>> [TargetPad()(Image.new("RGB", size)).size for size in ((60, 40), (51, 40), (200, 30), (33, 100))]
        [(60, 48), (51, 40), (200, 160), (79, 100)]
        """
        width, height = picture.size
        if max(width, height) / min(width, height) < self.ratio:
            return picture
        scaled = max(width, height) / self.ratio
        left, top = (max(int((scaled - side) / 2), 0) for side in (width, height))
        padded = Image.new(picture.mode, (width + 2 * left, height + 2 * top))
        padded.paste(picture, (left, top))
        return padded


def split_name(name: str) -> tuple[str, TargetPad | None]:
    """An encoder's name and the preprocessing written behind it; a path with a "+" of its own stays whole.

    >>> split_name("ViT-L-14:openai+targetpad"), split_name("ViT-L-14:openai+clip"), split_name("local-dir:/a+b/c")
    (('ViT-L-14:openai', TargetPad(ratio=1.25)), ('ViT-L-14:openai', None), ('local-dir:/a+b/c', None))

    Raises EncoderError for a ratio that is none.
    """
    match = re.fullmatch(r"(.+)\+([a-z]+)(?:=([^/]+))?", name)
    if match is None:
        return name, None
    encoder, choice, ratio = match.groups()
    if choice not in CHOICES:
        close = nearest(choice, CHOICES)
        if close and "/" not in name:
            raise EncoderError(
                f"{name!r}: no preprocessing is called {choice!r}.{close} Known: {', '.join(CHOICES)}"
            )
        return name, None
    if choice == "clip" or ratio is None:
        if ratio is not None:
            raise EncoderError(f"{name!r}: clip takes no value")
        return encoder, TargetPad() if choice == "targetpad" else None
    try:
        return encoder, TargetPad(float(ratio))
    except ValueError as error:
        raise EncoderError(f"{name!r}: the ratio {ratio!r} is no number of 1 or more") from error
