"""Lazy, picklable sequences of pictures, from a folder or from an archive.

A picture is opened when asked for, always as RGB, and an unreadable one is an error with its name, never skipped:
a gallery with a hole shifts every row after it. Left out: resizing and normalising, which belong to the encoder.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from workbench.data.digests import folder_digests
from workbench.errors import UserError
from workbench.paths import inside_lexically
from workbench.registry import nearest

MAX_BYTES = (
    256 * 2**20
)  # a picture of the benchmarks is under 10 MB; beyond this it is an accident or an attack
MAX_PIXELS = 100_000_000
SHOWN = 200  # bad pictures named in one message


class PictureError(UserError, ValueError):
    """A picture is missing, empty, corrupt or absurdly large; the message names the file."""


class _Images(Sequence):
    """What both sources share: `len`, `[i]`, `digest(i)`, over `_read(name) -> bytes`."""

    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, i: int) -> Image.Image:
        """Picture i as RGB. Raises PictureError."""
        name = self.names[i]
        return open_picture(self._read(name), name)

    def read(self, i: int) -> bytes:
        """The stored bytes of picture i, not decoded. Raises PictureError."""
        return self._read(self.names[i])

    def digest(self, i: int) -> str:
        """SHA-256 of the picture's bytes as stored. Raises PictureError."""
        return hashlib.sha256(self.read(i)).hexdigest()

    def digests(self) -> list[str]:
        """All digests, in order. Raises PictureError."""
        return [self.digest(i) for i in range(len(self))]

    def check(self) -> None:
        """Before long work: every picture is there and not empty. Raises PictureError, naming those that are not."""
        bad = {name: problem for name in self.names if (problem := self._problem(name))}
        hint = {name: self._hint(name) for name in list(bad)[:1]}
        refuse([f"{name}: {problem}{hint.get(name, '')}" for name, problem in bad.items()], len(self))

    def problems(self) -> list[str]:
        """A line for every picture that is missing, empty or too large, in their order. Nothing is decoded."""
        return [f"{name}: {problem}" for name in self.names if (problem := self._problem(name))]

    def _size(self, name: str) -> int | None:
        """Bytes of the stored picture, None where there is no such file."""
        raise NotImplementedError

    def _bytes(self, name: str) -> bytes:
        raise NotImplementedError

    def _problem(self, name: str) -> str:
        size = self._size(name)
        if size is None:
            return "there is no such picture."
        if size == 0:
            return "the file is empty"
        return f"{size:,} bytes are more than the {MAX_BYTES:,} allowed" if size > MAX_BYTES else ""

    def _read(self, name: str) -> bytes:
        problem = self._problem(name)
        if problem:
            raise PictureError(f"{name}: {problem}{self._hint(name)}")
        return self._bytes(name)

    def _hint(self, name: str) -> str:
        """The nearest name there is, for the one that is reported: looking it up for every hole would take hours."""
        return nearest(name, self._known()) if self._size(name) is None else ""

    def _known(self) -> Sequence[str]:
        return ()


class FolderImages(_Images):
    """Pictures in a folder: `names` are paths inside `root`. Raises PathEscape for a name that leads out of it.

    What lies there may be links to another place, as in a hub's snapshot or an annex: whoever made them wants them read.
    """

    def __init__(self, root: Path | str, names: Sequence[str]):
        self.root = Path(root)
        self.names = tuple(names)

    def _size(self, name: str) -> int | None:
        path = self._path(name)
        return path.stat().st_size if path.is_file() else None

    def _bytes(self, name: str) -> bytes:
        return self._path(name).read_bytes()

    def _path(self, name: str) -> Path:
        return self.root / inside_lexically(name)

    def problems(self) -> list[str]:
        """As for any pictures; each folder is listed once, since a question per file takes minutes on a large set."""
        names, sizes = [(name, inside_lexically(name)) for name in self.names], {}
        for folder in {path.rpartition("/")[0] for _, path in names}:
            if (self.root / folder).is_dir():
                with os.scandir(self.root / folder) as files:
                    sizes |= {f"{folder}/{file.name}".lstrip("/"): file for file in files}
        found = []
        for name, path in names:
            file = sizes.get(path)
            if file is None or not file.is_file():
                found.append(f"{name} is missing")
            elif not file.stat().st_size:
                found.append(f"{name} is empty (0 bytes)")
        return found

    def digests(self) -> list[str]:
        """All digests, in order; those of large folders are remembered, see `data.digests`. Raises PictureError."""
        return folder_digests(self.root, self.names, self._read)

    def _known(self) -> Sequence[str]:
        return [path.name for path in self.root.iterdir()] if self.root.is_dir() else ()


class ZipImages(_Images):
    """Pictures in one zip archive: `names` are its members. The archive is opened once in each process."""

    def __init__(self, archive: Path | str, names: Sequence[str]):
        self.archive = Path(archive)
        self.names = tuple(names)
        self._zip: zipfile.ZipFile | None = None

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_zip": None}  # an open file cannot travel to a worker process

    def _open(self) -> zipfile.ZipFile:
        if self._zip is None:
            try:
                self._zip = zipfile.ZipFile(self.archive)
            except FileNotFoundError:
                raise PictureError(f"{self.archive}: there is no such archive") from None
            except zipfile.BadZipFile as error:
                raise PictureError(f"{self.archive}: not a readable zip archive ({error})") from error
        return self._zip

    def _size(self, name: str) -> int | None:
        try:
            return self._open().getinfo(name).file_size
        except KeyError:
            return None

    def _bytes(self, name: str) -> bytes:
        try:
            return self._open().read(name)
        except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
            raise PictureError(f"{name}: cannot be read from {self.archive.name} ({error})") from error

    def _known(self) -> Sequence[str]:
        return self._open().namelist()


class JoinedImages(Sequence):
    """Several sequences of pictures as one, in their order."""

    def __init__(self, *parts: Sequence):
        self.parts = parts
        self.places = [(part, i) for part, images in enumerate(parts) for i in range(len(images))]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, i: int) -> Image.Image:
        """Raises PictureError as the part does."""
        part, row = self.places[i]
        return self.parts[part][row]

    def some(self, rows: Iterable[int]) -> JoinedImages:
        """The pictures of these rows alone."""
        chosen = JoinedImages(*self.parts)
        chosen.places = [self.places[row] for row in rows]
        return chosen

    def digest(self, i: int) -> str:
        """As the part gives it."""
        part, row = self.places[i]
        return self.parts[part].digest(row)

    def digests(self) -> list[str]:
        """All digests, in order; each part's are made together."""
        parts = {part: all_digests(self.parts[part]) for part in {part for part, _ in self.places}}
        return [parts[part][row] for part, row in self.places]


def all_digests(images: Sequence) -> list[str]:
    """Every picture's digest: together where the sequence can do so (`digests`), else one by one.

    Raises PictureError: where the sequence can say so (`check`), it names all that are missing or empty.
    """
    try:
        if hasattr(images, "digests"):
            return images.digests()
        return [images.digest(i) for i in range(len(images))]
    except PictureError:
        if hasattr(images, "check"):
            images.check()
        raise


def refuse(problems: Sequence[str], total: int) -> None:
    """Raises PictureError that names every problem (of hundreds, the first) and how many of all pictures have one."""
    if problems:
        more = len(problems) - SHOWN
        shown = "; ".join(problems[:SHOWN]) + (f"; and {more:,} more" if more > 0 else "")
        raise PictureError(f"{shown} ({len(problems):,} of {total:,} pictures cannot be used)")


def each_once(pictures: Sequence) -> tuple[Sequence, list[int]]:
    """The different pictures, by their bytes, in order of first appearance; and which of them each picture is."""
    first: dict[str, int] = {}
    owner = [first.setdefault(digest, i) for i, digest in enumerate(all_digests(pictures))]
    place = {i: row for row, i in enumerate(first.values())}
    different = pictures if len(first) == len(pictures) else JoinedImages(pictures).some(first.values())
    return different, [place[i] for i in owner]


def open_picture(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Encoded bytes as an RGB picture (first frame, transparency dropped). Raises PictureError naming `name`."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size  # known from the header, before anything is decoded
            if width * height > max_pixels:
                raise PictureError(
                    f"{name}: {width} x {height} pixels are more than the {max_pixels:,} allowed"
                )
            return picture.convert("RGB")
    except UnidentifiedImageError:
        raise PictureError(f"{name}: not a picture in a known format") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, PictureError):
            raise
        raise PictureError(f"{name}: cannot be decoded ({error})") from error
