"""The store of embeddings: computed once, kept raw, found again by content.

A *collection* is the rows of one ordered list of items under one encoder. Its folder is named by a
digest of the encoder's id (weights, preprocessing) and of every item's own digest: change a
picture, a text, their order or the model, and it is another collection. Inside lie ``.npy`` shards
and ``manifest.json`` with the digest of each::

    <root>/images-<key>/manifest.json  00000.npy  00001.npy ...

A kill loses at most the shard in flight, because a shard is moved into place whole and then entered
in the manifest. Two processes may ask for the same collection: one encodes under a file lock, the
other waits and reads. Left out: sharing one collection's work among processes, and eviction.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock
from tqdm.auto import tqdm

from workbench.arrays import Float, unit
from workbench.data.images import all_digests
from workbench.encode.encoder import BATCH, Encoder, batches, encode_in_batches
from workbench.encode.feed import Feed, Throughput
from workbench.errors import UserError
from workbench.paths import cache_root, inside

FORMAT = 1


class StoreError(UserError, RuntimeError):
    """A stored file is not what the manifest says it is; names the file and what to do."""


@dataclass(frozen=True)
class Collection:
    """What is to be encoded: who by, of which kind, and the content digest of every item in order."""

    encoder: str
    kind: str
    items: tuple[str, ...]
    dim: int

    @property
    def data_digest(self) -> str:
        """SHA-256 over the items' digests in their order."""
        return hashlib.sha256("\n".join(self.items).encode()).hexdigest()

    @property
    def name(self) -> str:
        """The folder's name: kind and 24 hex digits of the key."""
        key = hashlib.sha256(
            json.dumps([self.encoder, self.kind, self.data_digest, self.dim]).encode()
        ).hexdigest()
        return f"{self.kind}-{key[:24]}"


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

        Raises PictureError before anything is encoded if a picture cannot be read.
        """
        what = Collection(encoder.id, "images", tuple(all_digests(images)), encoder.dim)
        feed = Feed(encoder, images, self.workers, self.progress)
        with contextlib.closing(feed):
            rows = self.rows(what, encode=feed, plan=feed.plan)
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
        return self.rows(what, encode=lambda part: encoder.encode_texts(texts[part]), check=check)

    def manifests(self) -> list[dict]:
        """What is stored: one manifest per collection, in order of folder name."""
        return [self._read_manifest(path.parent) for path in sorted(self.root.glob("*/manifest.json"))]

    def rows(
        self,
        what: Collection,
        encode: Callable[[slice], np.ndarray],
        check: Callable[[int], object] | None = None,
        plan: Callable[[list[slice]], None] | None = None,
    ) -> StoredRows:
        """Rows of any collection: ``encode(slice)`` gives those that are missing.

        ``check(item)`` refuses bad items; ``plan`` is told all slices that ``encode`` will be asked for, in order.
        """
        folder = inside(self.root, self.root / what.name)
        folder.mkdir(parents=True, exist_ok=True)
        if self._missing(folder, self._manifest_of(folder, what)):
            # The lock dies with its process, so a killed encoder never blocks the next one.
            with FileLock(inside(self.root, self.root / f"{what.name}.lock")):
                self._encode_missing(folder, what, encode, check, plan)
        manifest = self._manifest_of(folder, what)
        return StoredRows(
            tuple(self._open(folder, manifest, i) for i in range(len(manifest["shards"]))), what.dim
        )

    def _encode_missing(
        self,
        folder: Path,
        what: Collection,
        encode: Callable,
        check: Callable | None,
        plan: Callable | None,
    ) -> None:
        """Encode the shards that are not there, entering each in the manifest as it is finished."""
        for leftover in folder.glob(".*"):  # what a killed process was writing
            leftover.unlink()
        manifest = self._manifest_of(folder, what)  # again: another process may have finished while we waited
        parts = list(batches(slice(0, len(what.items)), manifest["shard_rows"]))
        missing = self._missing(folder, manifest)
        if check:  # a bad item fails before the first is encoded, not hours into it
            self._check(
                [row for i in missing for row in range(parts[i].start, parts[i].stop)], what.kind, check
            )
        if plan and missing:
            plan([batch for i in missing for batch in batches(parts[i], BATCH)])
        todo = sum(parts[i].stop - parts[i].start for i in missing)
        with self._bar(todo, f"encode {what.kind}") as bar:
            for i in missing:
                rows = encode_in_batches(encode, parts[i], dim=what.dim, label=what.kind, bar=bar)
                manifest["shards"][i] = self._write(folder / _shard(i), _npy_bytes(rows))
                self._write(folder / "manifest.json", json.dumps(manifest, indent=1).encode())

    def _check(self, rows: Sequence[int], kind: str, check: Callable[[int], object]) -> None:
        with self._bar(len(rows), f"check {kind}") as bar:
            for row in rows:
                check(row)
                bar.update(1)

    def _bar(self, total: int, label: str) -> tqdm:
        # `disable` is left out where a bar is wanted: said explicitly, it would overrule TQDM_DISABLE
        hidden = {} if self.progress and total > BATCH else {"disable": True}
        return tqdm(total=total, desc=label, unit="row", **hidden)

    def _manifest_of(self, folder: Path, what: Collection) -> dict:
        """The collection's manifest as it stands, or a new one with nothing encoded yet."""
        new = {
            "format": FORMAT,
            "encoder": what.encoder,
            "kind": what.kind,
            "data": what.data_digest,
            "rows": len(what.items),
            "dim": what.dim,
            "shard_rows": self.shard_rows,
            "shards": [None] * len(list(batches(slice(0, len(what.items)), self.shard_rows))),
        }
        if not (folder / "manifest.json").exists():
            return new
        kept = self._read_manifest(folder)
        wrong = [k for k in ("encoder", "kind", "data", "rows", "dim") if kept.get(k) != new[k]]
        if wrong or len(kept["shards"]) != len(list(batches(slice(0, len(what.items)), kept["shard_rows"]))):
            raise StoreError(
                f"{folder / 'manifest.json'} is about something else ({wrong or 'shards'}); delete {folder}"
            )
        return kept

    def _missing(self, folder: Path, manifest: dict) -> list[int]:
        return [
            i
            for i, digest in enumerate(manifest["shards"])
            if digest is None or not (folder / _shard(i)).exists()
        ]

    def _read_manifest(self, folder: Path) -> dict:
        path = inside(self.root, folder / "manifest.json")
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            complete = (
                manifest["format"] == FORMAT
                and isinstance(manifest["shards"], list)
                and manifest["shard_rows"]
            )
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            raise StoreError(
                f"{path} is not a manifest ({error!r}); delete {folder} to encode it again"
            ) from error
        if not complete:
            raise StoreError(
                f"{path} has format {manifest['format']}, expected {FORMAT}; delete {folder} to encode it again"
            )
        return manifest

    def _open(self, folder: Path, manifest: dict, i: int) -> np.ndarray:
        """One shard, memory-mapped, its bytes checked against the manifest once per process."""
        # File names come from the index, never from the manifest: a planted one leads nowhere.
        path = inside(self.root, folder / _shard(i))
        seen = (str(path), path.stat().st_size, path.stat().st_mtime_ns)
        if seen not in self._verified:
            got = hashlib.sha256(path.read_bytes()).hexdigest()
            if got != manifest["shards"][i]:
                raise StoreError(
                    f"{path} is corrupt: its SHA-256 is {got[:12]}..., the manifest says "
                    f"{str(manifest['shards'][i])[:12]}...; delete that file and only it is encoded again"
                )
            self._verified.add(seen)
        return np.load(path, mmap_mode="r", allow_pickle=False)

    def _write(self, path: Path, data: bytes) -> str:
        """Write whole or not at all (temporary file, then rename); gives back the SHA-256."""
        path = inside(self.root, path)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return hashlib.sha256(data).hexdigest()


def _shard(i: int) -> str:
    return f"{i:05d}.npy"


def _npy_bytes(rows: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(rows), allow_pickle=False)
    return buffer.getvalue()
