"""Parts of pictures as pictures: GeneCIS' attribute crops, COCO's query regions.

The box is part of a crop's digest, so that embeddings of two crops of one picture are never mixed up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from PIL import Image

from workbench.data.images import all_digests

DILATION = 0.7  # GeneCIS: how much of its own size a box grows by


def dilated_square(picture: Image.Image, box: Sequence[float], dilation: float = DILATION) -> Image.Image:
    """The box (left, top, width, height) grown and cut off at the picture's edge, on a black square.

    Left and top move out by `dilation` of the size, down to 0; right and bottom lie 1 + `dilation` sizes from there.
    Source: the released GeneCIS evaluation (Vaze et al., CVPR 2023).
    """
    x, y, width, height = box
    left, top = max(0, x - dilation * width), max(0, y - dilation * height)
    right = min(picture.width, left + (1 + dilation) * width)
    bottom = min(picture.height, top + (1 + dilation) * height)
    crop = picture.crop((left, top, right, bottom))
    side = max(crop.size)
    square = Image.new(picture.mode, (side, side))
    square.paste(crop, ((side - crop.width) // 2, (side - crop.height) // 2))
    return square


def cut(picture: Image.Image, box: Sequence[float]) -> Image.Image:
    """The box (left, top, width, height) as it is."""
    x, y, width, height = box
    return picture.crop((x, y, x + width, y + height))


class Crops(Sequence):
    """Crop i is `how(pictures[i], boxes[i])`; a picture may stand there several times. `how` is a module's function."""

    def __init__(self, pictures: Sequence, boxes: Sequence[Sequence[float]], how=dilated_square):
        self.pictures, self.boxes, self.how = pictures, tuple(map(tuple, boxes)), how

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, i: int) -> Image.Image:
        """Raises PictureError as the picture does."""
        return self.how(self.pictures[i], self.boxes[i])

    def digest(self, i: int) -> str:
        """SHA-256 of the picture's own digest, the box and the way it is cut."""
        return self._digest(i, self.pictures.digest(i))

    def digests(self) -> list[str]:
        """All digests, in order."""
        return [self._digest(i, picture) for i, picture in enumerate(all_digests(self.pictures))]

    def _digest(self, i: int, picture: str) -> str:
        return hashlib.sha256(f"{picture} {self.boxes[i]} {self.how.__name__}".encode()).hexdigest()
