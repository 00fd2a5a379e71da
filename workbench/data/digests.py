"""Digests of files in a folder, remembered while size and time of change stay the same.

Reading 123,403 pictures to digest them takes minutes; asking for their sizes takes a second. What is remembered lies in
one SQLite file in the cache: several processes may use it at once, and losing or breaking it costs time only.
Small folders, and files that changed in the last seconds (they may change again unseen), are digested anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tqdm.auto import tqdm

from workbench.paths import HomeError, cache_root, inside_lexically
from workbench.progress import progress_bar

SMALL = 1000  # files that are digested in a second anyway
SETTLED = 2.0  # seconds after which a file's time of change tells it from a later change
CHUNK = 4096  # files whose digests a kill can cost at most
TABLE = (
    "CREATE TABLE IF NOT EXISTS digests (folder TEXT, name TEXT, size INTEGER, changed INTEGER, digest TEXT, "
    "PRIMARY KEY (folder, name)) WITHOUT ROWID"
)
THREADS = 4  # reading and digesting both let other threads run


class Stamp(NamedTuple):
    """What tells a file from a changed one without reading it."""

    size: int
    changed: int  # nanoseconds


def folder_digests(root: Path, names: Sequence[str], read: Callable[[str], bytes]) -> list[str]:
    """SHA-256 of each named file below root, in order; `read` gives the content of those that are not remembered."""
    memory = _memory()
    if len(names) < SMALL or memory is None:
        return [_digest(read(name)) for name in names]
    folder = str(Path(root).resolve())
    known, stamps = recall(memory, folder), {name: _stamp(root, name) for name in names}
    found = {
        name: known[name][1] for name, stamp in stamps.items() if name in known and known[name][0] == stamp
    }
    new = [name for name in stamps if name not in found]
    with ThreadPoolExecutor(THREADS) as pool, _bar(len(new)) as bar:
        for start in range(0, len(new), CHUNK):
            some = new[start : start + CHUNK]
            digests = dict(zip(some, pool.map(lambda name: _digest(read(name)), some), strict=True))
            before = time.time_ns() - int(SETTLED * 1e9)
            # the stamp was taken before the file was read: one that changed since will not match it again
            settled = {
                n: (stamps[n], d) for n, d in digests.items() if stamps[n] and stamps[n].changed < before
            }
            remember(memory, folder, settled)
            found |= digests
            bar.update(len(some))
    return [found[name] for name in names]


def recall(memory: Path, folder: str) -> dict[str, tuple[Stamp, str]]:
    """What is remembered of a folder, by name; nothing where the memory is missing or broken."""

    def work(base: sqlite3.Connection) -> dict:
        rows = base.execute("SELECT name, size, changed, digest FROM digests WHERE folder = ?", (folder,))
        return {name: (Stamp(size, changed), digest) for name, size, changed, digest in rows}

    return _ask(memory, work) or {}


def remember(memory: Path, folder: str, digests: Mapping[str, tuple[Stamp, str]]) -> None:
    """Adds digests by name. Where that is impossible (a full disk, another process at it for long) they are not kept."""
    rows = [(folder, name, *stamp, digest) for name, (stamp, digest) in digests.items()]

    def work(base: sqlite3.Connection) -> None:
        base.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?)", rows)
        base.commit()

    _ask(memory, work)


def _ask(memory: Path, work: Callable[[sqlite3.Connection], dict | None]) -> dict | None:
    """What `work` gives; None where the memory cannot be used. A file that is no memory is removed, to be made again."""
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(memory, timeout=10)) as base:
            base.execute(TABLE)
            return work(base)
    except (
        sqlite3.OperationalError,
        OSError,
    ):  # locked, read-only, full: it stays, and is not used this time
        return None
    except sqlite3.DatabaseError:
        memory.unlink(missing_ok=True)
        return None


def _memory() -> Path | None:
    try:
        return cache_root() / "digests.sqlite"
    except HomeError:
        return None


def _stamp(root: Path, name: str) -> Stamp | None:
    """None where there is no such file: reading it says so by name."""
    try:
        found = os.stat(root / inside_lexically(name))
    except OSError:
        return None
    return Stamp(found.st_size, found.st_mtime_ns)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _bar(total: int) -> tqdm:
    return progress_bar(show=total >= SMALL, total=total, desc="digest pictures", unit="file")
