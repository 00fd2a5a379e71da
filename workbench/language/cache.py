"""Texts that models wrote, kept for ever: an append-only record per text, found by content.

A record's key is what the text depends on: the digest of the picture (or text) it is about, the id
of the model with its weights' digest, the prompt's hash, the decoding options and the sample's
number. The file is JSON Lines, written as texts come, so a kill costs the text in flight; a last
line that was cut off is dropped and made again. With the records at hand no model is needed: that
is *replay*, the default, and what is missing is an error that says how to make it.

Left out for now: retries, budgets, prompts, export (the record has room for them in ``info``).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from filelock import FileLock
from tqdm.auto import tqdm

from workbench.errors import UserError


class RecordError(UserError, ValueError):
    """A records file cannot be read; names the file and the line."""


class MissingRecords(UserError, LookupError):
    """Texts were asked for that no record holds, and no model is at hand to write them."""


class Key(NamedTuple):
    """What a text depends on; ``options`` as canonical JSON so that keys can be compared."""

    input: str
    model: str
    options: str
    prompt: str
    sample: int


@dataclass(frozen=True)
class Record:
    """One text and where it came from. ``seconds`` is its share of the batch it was made in."""

    input: str
    model: str
    text: str
    options: Mapping[str, object] = field(default_factory=dict)
    prompt: str = ""
    sample: int = 0
    seconds: float = 0.0
    time: str = ""
    info: Mapping[str, object] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        return make_key(self.input, self.model, self.options, self.prompt, self.sample)


def make_key(input: str, model: str, options: Mapping[str, object], prompt: str = "", sample: int = 0) -> Key:
    """The key of a text that may or may not have been recorded yet."""
    return Key(input, model, json.dumps(dict(options), sort_keys=True), prompt, sample)


class Records:
    """One JSON Lines file of records: a mapping by key that can only grow.

    Raises RecordError on a line that is not a record, unless it is the last one and has no end.
    Where two records share a key the first one stands: a text once given never changes.
    """

    def __init__(self, path: Path | str):
        self.path = Path(path)
        self._by_key: dict[Key, Record] = {}
        for record in self._read():
            self._by_key.setdefault(record.key, record)

    def __len__(self) -> int:
        return len(self._by_key)

    def __contains__(self, key: Key) -> bool:
        return key in self._by_key

    def __getitem__(self, key: Key) -> Record:
        return self._by_key[key]

    def __iter__(self) -> Iterator[Record]:
        return iter(self._by_key.values())

    def sources(self) -> list[tuple[str, str]]:
        """The (model, options) pairs that wrote here, in order of first appearance."""
        return list(dict.fromkeys((key.model, key.options) for key in self._by_key))

    def append(self, records: Sequence[Record]) -> None:
        """Write records at the end, whole lines only, safe against another process doing the same."""
        new = [record for record in records if record.key not in self._by_key]
        lines = "".join(json.dumps(asdict(r), ensure_ascii=False, sort_keys=True) + "\n" for r in new)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.path}.lock"), self.path.open("ab+") as file:
            _drop_cut_line(file)
            file.write(lines.encode())
            file.flush()
            os.fsync(file.fileno())
        self._by_key.update((record.key, record) for record in new)

    def _read(self) -> Iterator[Record]:
        if not self.path.exists():
            return
        lines = self.path.read_bytes().split(b"\n")
        # What follows the last newline is empty, or a line that a kill cut off: not a record.
        for number, line in enumerate(lines[:-1], start=1):
            try:
                yield Record(**json.loads(line))
            except (json.JSONDecodeError, UnicodeDecodeError, TypeError) as error:
                raise RecordError(f"{self.path}, line {number} is not a record: {error}") from error


def _drop_cut_line(file) -> None:
    """Cut the file back to its last newline; only called with the lock held."""
    size = end = file.seek(0, os.SEEK_END)
    while end and (file.seek(end - 1), file.read(1))[1] != b"\n":
        end -= 1
    if end < size:
        file.truncate(end)
    file.seek(0, os.SEEK_END)


@dataclass(frozen=True)
class RecordedCaptions:
    """Captions of pictures from their records; with a captioner, missing ones are made and recorded.

    ``id`` names the source in cases, tables and runs: the model that wrote the captions.
    """

    records: Records
    model: str
    options: Mapping[str, object]
    captioner: object | None = None
    batch_size: int = 64

    @property
    def id(self) -> str:
        return self.model

    @classmethod
    def replay(cls, path: Path | str, model: str | None = None) -> RecordedCaptions:
        """Answer from a file alone; ``model`` is needed only where several wrote into it."""
        records = Records(path)
        sources = [s for s in records.sources() if model in (None, s[0])]
        if len(sources) != 1:
            found = "; ".join(f"{m} {o}" for m, o in records.sources()) or "no record at all"
            asked = f"captions by {model!r}" if model else "the captions of one model"
            raise MissingRecords(f"{path}: asked for {asked}, the file holds {found}")
        return cls(records, sources[0][0], json.loads(sources[0][1]))

    @classmethod
    def make(cls, captioner, path: Path | str, batch_size: int = 64) -> RecordedCaptions:
        """Answer from the file, and let the captioner write what it lacks, ``batch_size`` pictures at a time."""
        return cls(Records(path), captioner.id, dict(captioner.options), captioner, batch_size)

    def texts(self, pictures, indices: Sequence[int]) -> tuple[str, ...]:
        """The captions of ``pictures[i]`` for the indices, in their order.

        Raises MissingRecords, naming the first pictures that have none, if there is no captioner.
        """
        keys = {i: make_key(pictures.digest(i), self.model, self.options) for i in dict.fromkeys(indices)}
        first: dict[Key, int] = {}
        for i, key in keys.items():
            if key not in self.records:
                first.setdefault(key, i)
        missing = list(first.values())
        if missing and self.captioner is None:
            raise MissingRecords(
                f"{self.records.path} has no caption by {self.model} for {len(missing)} of {len(keys)} pictures "
                f"(positions {missing[:5]}...): the pictures or the model changed. "
                "Make them with: workbench caption"
            )
        self._write(pictures, missing)
        return tuple(self.records[keys[i]].text for i in indices)

    def _write(self, pictures, missing: Sequence[int]) -> None:
        if not missing:
            return
        # no `disable=` here: said explicitly, it would overrule TQDM_DISABLE
        with tqdm(total=len(missing), desc="caption pictures", unit="picture") as bar:
            for start in range(0, len(missing), self.batch_size):
                batch = missing[start : start + self.batch_size]
                before = perf_counter()
                captions = self.captioner.caption([pictures[i] for i in batch])
                share = round((perf_counter() - before) / len(batch), 6)
                self.records.append(
                    [self._record(pictures.digest(i), c, share) for i, c in zip(batch, captions, strict=True)]
                )
                bar.update(len(batch))

    def _record(self, digest: str, caption, seconds: float) -> Record:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        info = {"finished": caption.finished, "tokens": caption.tokens}
        return Record(digest, self.model, caption.text, self.options, seconds=seconds, time=now, info=info)
