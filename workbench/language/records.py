"""Texts that models wrote, kept for ever: an append-only record per text, found by what it depends on.

A record's key is the digest of the picture (or texts) it is about, the id of the model with its weights' digest, the
prompt's hash, the decoding options and the sample's number. The file is JSON Lines, written as texts come, so a kill
costs the texts in flight; a last line that was cut off is dropped and made again. A call that failed leaves a record
too, with its ``error``: it is listed, and asked again by the next run. A Parquet file (see ``archive``) reads the same.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from workbench.errors import UserError


class RecordError(UserError, ValueError):
    """A records file cannot be read, or not written to; names the file and the line."""


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
    """One text, or one failure to get it, and where it came from.

    seconds: latency of the reply, or its share of the batch it was made in. time: when, in UTC, ISO 8601.
    raw: the model's whole answer. error: why there is no text; empty for an answer. info: whatever else helps a
    reader, such as the texts that were edited, or the prompt's name.
    """

    input: str
    model: str
    text: str
    options: Mapping[str, object] = field(default_factory=dict)
    prompt: str = ""
    sample: int = 0
    seconds: float = 0.0
    time: str = ""
    info: Mapping[str, object] = field(default_factory=dict)
    raw: object = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    error: str = ""

    @property
    def key(self) -> Key:
        return make_key(self.input, self.model, self.options, self.prompt, self.sample)

    @classmethod
    def checked(cls, given: object) -> Record:
        """A record from a file that anybody may have written. Raises TypeError, naming the field."""
        if not isinstance(given, dict):
            raise TypeError(f"got {type(given).__name__}, expected an object with the record's fields")
        for name, kinds in _KINDS.items():
            if name in given and not isinstance(given[name], kinds):
                expected = " or ".join(kind.__name__ for kind in kinds)
                raise TypeError(f"{name} is {given[name]!r}, expected {expected}")
        return cls(**given)

    def line(self) -> str:
        """The record as one line of JSON; the last fields only where they say something."""
        unsaid = [
            f.name
            for f in fields(self)[-4:]
            if f.default is not MISSING and getattr(self, f.name) == f.default
        ]
        said = {name: value for name, value in asdict(self).items() if name not in unsaid}
        return json.dumps(said, ensure_ascii=False, sort_keys=True) + "\n"


_KINDS = {
    **dict.fromkeys(("input", "model", "text", "prompt", "time", "error"), (str,)),
    **dict.fromkeys(("options", "info"), (dict,)),
    **dict.fromkeys(("prompt_tokens", "completion_tokens"), (int, type(None))),
    "sample": (int,),
    "seconds": (int, float),
}


def make_key(input: str, model: str, options: Mapping[str, object], prompt: str = "", sample: int = 0) -> Key:
    """The key of a text that may or may not have been recorded yet."""
    return Key(input, model, json.dumps(dict(options), sort_keys=True), prompt, sample)


def edit_digest(caption: str, modification: str) -> str:
    """The ``input`` of an edit's key: SHA-256 of the two texts as a JSON list, so that no two pairs look alike."""
    return hashlib.sha256(json.dumps([caption, modification]).encode()).hexdigest()


class Records:
    """One file of records: a mapping by key that can only grow. ``.jsonl`` grows, ``.parquet`` is read only.

    Iterating gives the answers; ``failures()`` what has failed and not been answered since. Raises RecordError on a
    line that is not a record, unless it is the last one and has no end. Where two answers share a key the first one
    stands: a text once given never changes.
    """

    def __init__(self, path: Path | str):
        self.path = Path(path)
        self._by_key: dict[Key, Record] = {}
        self._failed: dict[Key, Record] = {}
        self._take(self._read())

    def __len__(self) -> int:
        return len(self._by_key)

    def __contains__(self, key: Key) -> bool:
        return key in self._by_key

    def __getitem__(self, key: Key) -> Record:
        return self._by_key[key]

    def __iter__(self) -> Iterator[Record]:
        return iter(self._by_key.values())

    def failures(self) -> tuple[Record, ...]:
        """The last failure of every key that has no answer."""
        return tuple(record for key, record in self._failed.items() if key not in self._by_key)

    def failure(self, key: Key) -> Record | None:
        """Why this key has no answer, where it was asked for and failed."""
        return None if key in self._by_key else self._failed.get(key)

    def sources(self) -> list[tuple[str, str, str]]:
        """The (model, options, prompt) triples that answered here, in order of first appearance."""
        return list(dict.fromkeys((key.model, key.options, key.prompt) for key in self._by_key))

    def append(self, records: Sequence[Record]) -> None:
        """Write records at the end, whole lines only, safe against another process doing the same."""
        if self.path.suffix == ".parquet":
            raise RecordError(
                f"{self.path} is an export and does not grow; make a .jsonl of it: workbench captions import"
            )
        new = [r for r in records if r.key not in self._by_key and r != self._failed.get(r.key)]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.path}.lock"), self.path.open("ab+") as file:
            _drop_cut_line(file)
            file.write("".join(record.line() for record in new).encode())
            file.flush()
            os.fsync(file.fileno())
        self._take(new)

    def _take(self, records) -> None:
        for record in records:
            if record.error:
                self._failed[record.key] = record
            else:
                self._by_key.setdefault(record.key, record)

    def _read(self) -> Iterator[Record]:
        if not self.path.exists():
            return
        if self.path.suffix == ".parquet":
            from workbench.language.archive import read_parquet

            yield from read_parquet(self.path)
            return
        lines = self.path.read_bytes().split(b"\n")
        # What follows the last newline is empty, or a line that a kill cut off: not a record.
        for number, line in enumerate(lines[:-1], start=1):
            try:
                yield Record.checked(json.loads(line))
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
