"""Small pictures as data URIs, made once each: what an HTML grid shows without asking anybody for files."""

from __future__ import annotations

import base64
import io
from collections import OrderedDict
from collections.abc import Sequence

from PIL import Image

SIDE = 96  # pixels; a grid of forty is then some 150 kB
MOST = 4096  # kept at a time, about 16 MB


class Thumbnails:
    """Data URIs of a sequence of pictures, by index; of a sequence that is None there are none (an empty URI)."""

    def __init__(self, pictures: Sequence | None, side: int = SIDE, most: int = MOST):
        self.pictures, self.side, self.most = pictures, side, most
        self._made: OrderedDict[int, str] = OrderedDict()

    def uri(self, i: int) -> str:
        """Picture i as a data URI. Raises PictureError where it cannot be read."""
        if self.pictures is None:
            return ""
        if i not in self._made:
            self._made[i] = data_uri(self.pictures[i], self.side)
            if len(self._made) > self.most:
                self._made.popitem(last=False)
        self._made.move_to_end(i)
        return self._made[i]


def data_uri(picture: Image.Image, side: int = SIDE) -> str:
    """The picture as a JPEG of at most `side` pixels in height and width."""
    small = picture.convert("RGB")
    small.thumbnail((side, side), reducing_gap=2.0)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()
