"""What is looked at: a question, a method, perhaps a second one, and the way that led there. Plain values, no widget.

A `View` says everything that its answer depends on besides the case, so equal views have equal answers.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from workbench.data.images import PictureError, open_picture
from workbench.errors import UserError
from workbench.methods import Method

# A picture of one's own is decoded in the kernel of whoever shows the page: smaller limits than a benchmark's.
OWN_BYTES = 10 * 2**20
OWN_PIXELS = 25_000_000
OWN_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")  # none that runs another program, as EPS would


class ViewError(UserError, ValueError):
    """A question contradicts itself, or the case cannot answer it; the message says what is missing."""


@dataclass(frozen=True)
class OwnPicture:
    """A picture that somebody brought: the file's name without folders, and its bytes.

    Raises PictureError where it is too large, in bytes or in pixels (known before anything is decoded), or in no format
    of `OWN_FORMATS`.
    """

    name: str
    data: bytes = field(repr=False)

    def __post_init__(self):
        name = Path(self.name.replace("\\", "/")).name
        object.__setattr__(self, "name", "picture" if name in ("", "..") else name)
        if len(self.data) > OWN_BYTES:
            raise PictureError(
                f"{self.name}: {len(self.data):,} bytes are more than the {OWN_BYTES:,} allowed"
            )
        _check_format(self.name, self.data)
        self.image  # noqa: B018  decoded now, so that a file that is no picture is refused at the door

    @classmethod
    def read(cls, path: Path | str) -> OwnPicture:
        """A picture from a file of one's own. Raises PictureError, also for a file that is not there."""
        path = Path(path)
        if not path.is_file():
            raise PictureError(f"{path.name}: there is no such file")
        if path.stat().st_size > OWN_BYTES:
            raise PictureError(f"{path.name}: more than the {OWN_BYTES:,} bytes allowed")
        return cls(path.name, path.read_bytes())

    @cached_property
    def image(self) -> Image.Image:
        return open_picture(self.data, self.name, OWN_PIXELS)

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes."""
        return hashlib.sha256(self.data).hexdigest()


def _check_format(name: str, data: bytes) -> None:
    try:
        Image.open(io.BytesIO(data), formats=OWN_FORMATS).close()
    except UnidentifiedImageError:
        raise PictureError(f"{name}: not a picture in a known format ({', '.join(OWN_FORMATS)})") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return  # a known format, but broken or huge: decoding it says what is wrong


@dataclass(frozen=True)
class Question:
    """A reference image and a modification text.

    The reference is that of a query of the benchmark (its number), a gallery picture (its row), or one's own.
    modification: None for the query's own text. Raises ViewError for none or several references, or no text.
    """

    query: int | None = None
    row: int | None = None
    picture: OwnPicture | None = None
    modification: str | None = None

    def __post_init__(self):
        given = [name for name in ("query", "row", "picture") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ViewError(
                f"a question has one reference (query, row or picture), got {' and '.join(given) or 'none'}"
            )
        if self.query is None and self.modification is None:
            raise ViewError("only a query of the benchmark has a modification text of its own: give one")


@dataclass(frozen=True)
class View:
    """A question, who answers it, how much is shown, and the questions that led to it.

    other: a second method, shown beside the first. k: results shown, all that are ranked where those are fewer. centred: bars show what lifts a picture
    above the gallery's mean, not the whole score.
    """

    question: Question
    method: Method
    other: Method | None = None
    k: int = 20
    centred: bool = False
    trail: tuple[Question, ...] = ()

    def step(self, row: int, modification: str) -> View:
        """A result becomes the next reference, with the words that are there; the question joins the trail."""
        return replace(
            self,
            question=Question(row=row, modification=modification),
            trail=(*self.trail, self.question),
        )

    def back(self, place: int) -> View:
        """The question at that place of the trail again. Raises ViewError for a place that is not on it."""
        if not 0 <= place < len(self.trail):
            raise ViewError(f"the trail has {len(self.trail)} questions, got place {place}")
        return replace(self, question=self.trail[place], trail=self.trail[:place])
