"""One collection of the store on disk: manifest, shards and items, each written whole or not at all.

    <root>/images-<key>/manifest.json   what it is about, and the digest of every shard that is finished
    <root>/images-<key>/items.txt       the content digest of every item, a line each; its own digest is in the manifest
    <root>/images-<key>/00000.npy ...   the rows

File names come from the collection and the shard's number, never from a file's content: a planted one leads nowhere.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.arrays import Float
from workbench.encode.encoder import batches
from workbench.errors import UserError
from workbench.paths import inside

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
        return hashlib.sha256(self.lines).hexdigest()

    @property
    def lines(self) -> bytes:
        """The items' digests, a line each."""
        return "\n".join(self.items).encode()

    @property
    def name(self) -> str:
        """The folder's name: kind and 24 hex digits of the key."""
        key = hashlib.sha256(
            json.dumps([self.encoder, self.kind, self.data_digest, self.dim]).encode()
        ).hexdigest()
        return f"{self.kind}-{key[:24]}"


@dataclass(frozen=True)
class Shelf:
    """One collection's folder. verified: shards whose bytes were found right, shared by all shelves of a store."""

    root: Path
    folder: Path
    verified: set[tuple[str, int, int]]

    def manifest_of(self, what: Collection, shard_rows: int) -> dict:
        """The collection's manifest as it stands, or a new one with nothing encoded yet. Raises StoreError."""
        new = {
            "format": FORMAT,
            "encoder": what.encoder,
            "kind": what.kind,
            "data": what.data_digest,
            "rows": len(what.items),
            "dim": what.dim,
            "shard_rows": shard_rows,
            "shards": [None] * len(parts_of(len(what.items), shard_rows)),
        }
        if not (self.folder / "manifest.json").exists():
            return new
        kept = self.manifest()
        wrong = [k for k in ("encoder", "kind", "data", "rows", "dim") if kept.get(k) != new[k]]
        if wrong or len(kept["shards"]) != len(parts_of(len(what.items), kept["shard_rows"])):
            raise StoreError(
                f"{self.folder / 'manifest.json'} is about something else ({wrong or 'shards'}); delete {self.folder}"
            )
        return kept

    def manifest(self) -> dict:
        """The manifest on disk. Raises StoreError where it cannot be read."""
        path = inside(self.root, self.folder / "manifest.json")
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            complete = (
                manifest["format"] == FORMAT
                and isinstance(manifest["shards"], list)
                and manifest["shard_rows"]
            )
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            raise StoreError(
                f"{path} is not a manifest ({error!r}); delete {self.folder} to encode it again"
            ) from error
        if not complete:
            raise StoreError(
                f"{path} has format {manifest['format']}, expected {FORMAT}; delete {self.folder} to encode it again"
            )
        return manifest

    def missing(self, manifest: dict) -> list[int]:
        """Numbers of the shards that are not finished."""
        return [
            i
            for i, digest in enumerate(manifest["shards"])
            if digest is None or not (self.folder / _shard(i)).exists()
        ]

    def open(self, manifest: dict, i: int) -> np.ndarray:
        """One shard, memory-mapped, its bytes checked against the manifest once per process. Raises StoreError."""
        path = inside(self.root, self.folder / _shard(i))
        seen = (str(path), path.stat().st_size, path.stat().st_mtime_ns)
        if seen not in self.verified:
            got = hashlib.sha256(path.read_bytes()).hexdigest()
            if got != manifest["shards"][i]:
                raise StoreError(
                    f"{path} is corrupt: its SHA-256 is {got[:12]}..., the manifest says "
                    f"{str(manifest['shards'][i])[:12]}...; delete that file and only it is encoded again"
                )
            self.verified.add(seen)
        return np.load(path, mmap_mode="r", allow_pickle=False)

    def keep(self, manifest: dict, i: int, rows: np.ndarray) -> None:
        """Writes a shard, then enters it in the manifest."""
        manifest["shards"][i] = self._write(_shard(i), _npy_bytes(rows))
        self._write("manifest.json", json.dumps(manifest, indent=1).encode())

    def keep_items(self, what: Collection) -> None:
        """Writes which item each row is, unless that is there."""
        if not (self.folder / "items.txt").exists():
            self._write("items.txt", what.lines)

    def rows_of(self, items: Set[str], what: Collection) -> dict[str, Float[" D"]]:
        """Finished rows of these items, if the collection here is by the same encoder and of the same kind as `what`.

        Raises StoreError and OSError where it cannot be read, or its list of items is not the manifest's.
        """
        manifest = self.manifest()
        asked = (what.encoder, what.kind, what.dim)
        if (manifest.get("encoder"), manifest.get("kind"), manifest.get("dim")) != asked:
            return {}
        lines = inside(self.root, self.folder / "items.txt").read_bytes()
        if hashlib.sha256(lines).hexdigest() != manifest["data"]:
            raise StoreError(f"{self.folder / 'items.txt'} is corrupt; delete it")
        listed, missing = lines.decode().split("\n"), set(self.missing(manifest))
        found: dict[str, np.ndarray] = {}
        for i, part in enumerate(parts_of(len(listed), manifest["shard_rows"])):
            wanted = [(row, item) for row, item in enumerate(listed[part]) if item in items]
            if wanted and i not in missing:
                rows = np.asarray(self.open(manifest, i))
                found |= {item: rows[row] for row, item in wanted}
        return found

    def tidy(self) -> None:
        """Takes away what a killed process was writing."""
        for leftover in self.folder.glob(".*"):
            leftover.unlink()

    def _write(self, name: str, data: bytes) -> str:
        """Write whole or not at all (temporary file, then rename); gives back the SHA-256."""
        path = inside(self.root, self.folder / name)
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


def parts_of(rows: int, shard_rows: int) -> list[slice]:
    """Which rows each shard holds."""
    return list(batches(slice(0, rows), shard_rows))


def _shard(i: int) -> str:
    return f"{i:05d}.npy"


def _npy_bytes(rows: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(rows), allow_pickle=False)
    return buffer.getvalue()
