"""The store of embeddings: computed once, kept raw, found again by content.

A *collection* is the rows of one ordered list of items under one encoder. Its folder is named by a
digest of the encoder's id (weights, preprocessing) and of every item's own digest: change a
picture, a text, their order or the model, and it is another collection. Pictures and texts that stand in another
collection of the same encoder are copied from there, so that a list with one picture more costs one picture.

A kill loses at most the shard in flight, because a shard is moved into place whole and then entered
in the manifest (`shelf`). Two processes may ask for the same collection: one encodes under a file lock, the
other waits and reads. Left out: sharing one collection's work among processes, and eviction.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock
from tqdm.auto import tqdm

from workbench.arrays import Float, unit
from workbench.data.images import all_digests
from workbench.encode.encoder import BATCH, Encoder, batches, check_rows
from workbench.encode.feed import Feed, Throughput
from workbench.encode.shelf import Collection, Shelf, StoreError, parts_of
from workbench.errors import UserError
from workbench.paths import cache_root, inside
from workbench.progress import progress_bar

__all__ = ["Collection", "EmbeddingStore", "StoreError", "StoredRows"]


@dataclass(frozen=True)
class StoredRows:
    """Finished rows on disk, memory-mapped shard by shard: raw as stored, or unit on request."""

    shards: tuple[np.ndarray, ...]
    dim: int

    def __len__(self) -> int:
        return sum(len(shard) for shard in self.shards)

    def raw(self) -> Float["n D"]:
        """All rows as the encoder gave them; still a memory map where one shard holds them all."""
        if len(self.shards) == 1:
            return self.shards[0]
        return np.concatenate(self.shards) if self.shards else np.empty((0, self.dim), dtype=np.float32)

    def unit(self) -> Float["n D"]:
        """All rows divided by their norms."""
        return unit(self.raw())


class EmbeddingStore:
    """Rows by content under one folder; every path stays inside it.

    ``shard_rows`` is how many rows a kill can cost at most; ``workers`` how many processes open and prepare pictures
    ahead of the model (0: this one does it, see ``feed``). ``throughput`` says how the last pictures went.
    """

    def __init__(
        self, root: Path | str | None = None, shard_rows: int = 1024, progress: bool = True, workers: int = 0
    ):
        if shard_rows < 1:
            raise ValueError(f"shard_rows is {shard_rows}, expected at least 1")
        self.root = (Path(root) if root is not None else cache_root() / "embeddings").resolve()
        self.shard_rows = shard_rows
        self.progress, self.workers = progress, workers
        self.throughput = Throughput(0, 0.0, workers, {})
        self._verified: set[tuple[str, int, int]] = set()

    def images(self, encoder: Encoder, images) -> StoredRows:
        """Rows of a picture sequence (``len``, ``[i]``, ``.digest(i)``), encoding what is missing.

        Raises PictureError before anything is encoded if pictures cannot be read; it names them.
        """
        what = Collection(encoder.id, "images", tuple(all_digests(images)), encoder.dim)
        feed = Feed(encoder, images, self.workers, self.progress)
        with contextlib.closing(feed):
            rows = self.rows(what, encode=feed, plan=feed.plan, lend=True)
        self.throughput = feed.throughput
        return rows

    def texts(self, encoder: Encoder, texts: Sequence[str]) -> StoredRows:
        """Rows of texts, encoding what is missing.

        An encoder that offers ``check_text(text)`` is asked about all of them before it encodes the first.
        """
        digests = tuple(hashlib.sha256(text.encode()).hexdigest() for text in texts)
        what = Collection(encoder.id, "texts", digests, encoder.dim)
        fits = getattr(encoder, "check_text", None)
        check = (lambda i: fits(texts[i])) if fits else None
        return self.rows(what, lambda some: encoder.encode_texts([texts[i] for i in some]), check, lend=True)

    def manifests(self) -> list[dict]:
        """What is stored: one manifest per collection, in order of folder name."""
        return [shelf.manifest() for shelf in self._shelves()]

    def rows(
        self,
        what: Collection,
        encode: Callable[[list[int]], np.ndarray],
        check: Callable[[int], object] | None = None,
        plan: Callable[[list[list[int]]], None] | None = None,
        lend: bool = False,
    ) -> StoredRows:
        """Rows of any collection: ``encode(items)``, their numbers, gives those that are missing.

        ``check(item)`` refuses bad items; ``plan`` is told all batches that ``encode`` will be asked for, in order.
        ``lend``: an item's row depends on that item and the encoder alone, so other collections of the kind may lend it.
        """
        folder = inside(self.root, self.root / what.name)
        folder.mkdir(parents=True, exist_ok=True)
        shelf = Shelf(self.root, folder, self._verified)
        if shelf.missing(shelf.manifest_of(what, self.shard_rows)):
            # The lock dies with its process, so a killed encoder never blocks the next one.
            with FileLock(inside(self.root, self.root / f"{what.name}.lock")):
                self._encode_missing(shelf, what, encode, check, plan, lend)
        manifest = shelf.manifest_of(what, self.shard_rows)
        return StoredRows(tuple(shelf.open(manifest, i) for i in range(len(manifest["shards"]))), what.dim)

    def _encode_missing(
        self,
        shelf: Shelf,
        what: Collection,
        encode: Callable,
        check: Callable | None,
        plan: Callable | None,
        lend: bool,
    ) -> None:
        """Fill the shards that are not there, entering each in the manifest as it is finished."""
        shelf.tidy()
        # again: another process may have finished while we waited
        manifest = shelf.manifest_of(what, self.shard_rows)
        parts = parts_of(len(what.items), manifest["shard_rows"])
        missing, lent = shelf.missing(manifest), {}
        if lend:
            shelf.keep_items(what)
            lent = self._lent(shelf, what, [row for i in missing for row in _rows(parts[i])])
        new = {i: [item for item in _rows(parts[i]) if item not in lent] for i in missing}
        if check:  # a bad item fails before the first is encoded, not hours into it
            self._check([item for i in missing for item in new[i]], what.kind, check)
        if plan and any(new.values()):
            plan([some for i in missing for some in _batches(new[i])])
        with self._bar(sum(map(len, new.values())), f"encode {what.kind}") as bar:
            for i in missing:
                rows = np.empty((parts[i].stop - parts[i].start, what.dim), np.float32)
                for item in lent.keys() & _rows(parts[i]):
                    rows[item - parts[i].start] = lent[item]
                for some in _batches(new[i]):
                    made = np.asarray(encode(some), np.float32)
                    rows[np.subtract(some, parts[i].start)] = check_rows(made, some, what.dim, what.kind)
                    bar.update(len(some))
                shelf.keep(manifest, i, rows)

    def _lent(self, shelf: Shelf, what: Collection, rows: Sequence[int]) -> dict[int, np.ndarray]:
        """Rows that other collections hold, by their number in this one."""
        wanted, found = {what.items[row] for row in rows}, {}
        for other in self._shelves():
            if wanted and other.folder != shelf.folder:
                # what cannot be read lends nothing; whoever asks for that collection itself is told why
                with contextlib.suppress(UserError, OSError, ValueError):
                    found |= other.rows_of(wanted, what)
                wanted -= found.keys()
        return {row: found[what.items[row]] for row in rows if what.items[row] in found}

    def _shelves(self) -> list[Shelf]:
        paths = sorted(self.root.glob("*/manifest.json"))
        return [Shelf(self.root, path.parent, self._verified) for path in paths]

    def _check(self, rows: Sequence[int], kind: str, check: Callable[[int], object]) -> None:
        with self._bar(len(rows), f"check {kind}") as bar:
            for row in rows:
                check(row)
                bar.update(1)

    def _bar(self, total: int, label: str) -> tqdm:
        return progress_bar(show=self.progress and total > BATCH, total=total, desc=label, unit="row")


def _rows(part: slice) -> range:
    return range(part.start, part.stop)


def _batches(items: list[int]) -> list[list[int]]:
    return [items[part] for part in batches(slice(0, len(items)), BATCH)]
