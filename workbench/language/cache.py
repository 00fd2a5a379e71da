"""Captions and edited captions out of their records; with a model at hand, what is missing is made and recorded.

Without one this is *replay*, the default: nothing is called, and what is missing is an error that says how to make it.
A model behind a server has ``ask(...) -> Reply``: it is asked one thing at a time, several at once, by ``run_calls``.
Any other one works in this thread: ``caption(images)`` in batches, ``recompose(caption, modification)`` one by one.
Left out: the file and its records (``records``), the asking (``calls``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from workbench.language.budget import Budget
from workbench.language.calls import Call, Outcome, Retry, run_calls
from workbench.language.records import (
    Key,
    MissingRecords,
    Record,
    RecordError,
    Records,
    edit_digest,
    make_key,
)
from workbench.progress import progress_bar

__all__ = [
    "EditFailed",
    "Key",
    "MissingRecords",
    "Record",
    "RecordError",
    "RecordedCaptions",
    "RecordedEdits",
    "Records",
    "edit_digest",
    "make_key",
]


class EditFailed(ValueError):
    """The records say that this caption could not be edited, and why."""


@dataclass(frozen=True)
class _Recorded:
    """What captions and edits share: the records of one source, which is a model with its options and its prompt.

    ``id`` names the source in cases, tables and runs: the model that wrote the texts.
    """

    records: Records
    model: str
    options: Mapping[str, object]
    source: object | None = None
    prompt: str = ""
    batch_size: int = 64
    workers: int | None = None
    budget: Budget = field(default_factory=Budget)
    retry: Retry = field(default_factory=Retry)

    @property
    def id(self) -> str:
        return self.model

    @property
    def samples(self) -> int:
        """How many texts per input are recorded: one more than the highest sample number of this source."""
        mine = (record.sample for record in self.records if self._is_mine(record.key))
        return 1 + max(mine, default=-1)

    @classmethod
    def replay(cls, path: Path | str, model: str | None = None, prompt: str | None = None):
        """Answer from a file alone (.jsonl or .parquet); model and prompt's hash are needed where several wrote into it."""
        records = Records(path)
        found = records.sources()
        mine = [s for s in found if model in (None, s[0]) and prompt in (None, s[2])]
        if len(mine) != 1:
            seen = "; ".join(" ".join(part for part in s if part) for s in found) or "no record at all"
            asked = f"{cls.what} by {model!r}" if model else f"the {cls.what} of one model"
            raise MissingRecords(f"{path}: asked for {asked}, the file holds {seen}")
        return cls(records, mine[0][0], json.loads(mine[0][1]), prompt=mine[0][2])

    @classmethod
    def make(cls, source, path: Path | str, batch_size: int = 64, **how):
        """Answer from the file, and let the source write what it lacks.

        how: ``workers``, ``budget`` and ``retry`` of the calls, where the source is behind a server.
        """
        prompt = getattr(getattr(source, "prompt", None), "hash", "")
        options = dict(getattr(source, "options", {}))
        return cls(Records(path), source.id, options, source, prompt, batch_size, **how)

    def key(self, digest: str, sample: int = 0) -> Key:
        """The key of this source's text about an input."""
        return make_key(digest, self.model, self.options, self.prompt, sample)

    def _is_mine(self, key: Key) -> bool:
        return key == self.key(key.input, key.sample)

    def _call(self, key: Key, given: tuple, info: Mapping[str, object], texts: tuple[str, ...]) -> Call:
        """One question to the source, with what it may cost where the budget asks for that."""
        most = self.source.most_tokens(*texts) if self.budget.tokens is not None else 0
        name = getattr(getattr(self.source, "prompt", None), "name", "")
        return Call(key, given, {**info, **({"prompt": name} if name else {})}, most)

    def _ask(self, calls: Sequence[Call], work, workers: int) -> Outcome:
        return run_calls(
            calls,
            work,
            self.records,
            workers=self.workers or getattr(self.source, "workers", workers),
            budget=self.budget,
            retry=self.retry,
            title=self.what,
        )

    def _lacking(self, keys: Sequence[Key], of: int, where: str) -> str:
        """The message for keys without a text: how many, where, why they failed if they did, how to make them."""
        failed = [failure for key in keys if (failure := self.records.failure(key))]
        reason = f" {len(failed)} of them failed, the first with: {failed[0].error}." if failed else ""
        return (
            f"{self.records.path} has no {self.what[:-1]} by {self.model} for {len(keys)} of {of} {where}: the "
            f"{self.inputs} or the model changed, or they were never asked for.{reason} Make them with: {self.verb}"
        )


class RecordedCaptions(_Recorded):
    """Captions of pictures. A captioner has ``id``, ``options`` and ``caption(images)``, or ``ask(image, sample)``.

    For another sample than the first, ``caption`` is called with ``sample=`` as well. For a budget in tokens the
    captioner needs ``most_tokens()``, an upper bound for one question.
    """

    what, inputs, verb = "captions", "pictures", "workbench caption"

    def texts(self, pictures, indices: Sequence[int], sample: int = 0) -> tuple[str, ...]:
        """The captions of ``pictures[i]`` for the indices, in their order.

        Raises MissingRecords, naming the first pictures that have none, where there is no captioner or it failed.
        """
        if self.source is not None:
            self.fill(pictures, indices, sample)
        keys = {i: self.key(pictures.digest(i), sample) for i in dict.fromkeys(indices)}
        missing = [i for i, key in keys.items() if key not in self.records]
        if missing:
            where = f"pictures (positions {missing[:5]}...)"
            raise MissingRecords(self._lacking([keys[i] for i in missing], len(keys), where))
        return tuple(self.records[keys[i]].text for i in indices)

    def fill(self, pictures, indices: Sequence[int], sample: int = 0) -> Outcome:
        """Have the captioner write what is missing and say what became of it; failures are listed, not raised."""
        first: dict[Key, int] = {}
        for i in dict.fromkeys(indices):
            first.setdefault(self.key(pictures.digest(i), sample), i)
        if not hasattr(self.source, "ask"):
            return self._in_batches(pictures, first, sample)

        def ask(i: int):
            return self.source.ask(pictures[i], sample)

        return self._ask([self._call(key, (i,), {}, ()) for key, i in first.items()], ask, workers=8)

    def _in_batches(self, pictures, first: Mapping[Key, int], sample: int) -> Outcome:
        missing = [i for key, i in first.items() if key not in self.records]
        begin, other = perf_counter(), {"sample": sample} if sample else {}
        with progress_bar(
            show=bool(missing), total=len(missing), desc="caption pictures", unit="picture"
        ) as bar:
            for start in range(0, len(missing), self.batch_size):
                batch = missing[start : start + self.batch_size]
                before = perf_counter()
                captions = self.source.caption([pictures[i] for i in batch], **other)
                share = round((perf_counter() - before) / len(batch), 6)
                made = zip(batch, captions, strict=True)
                self.records.append([self._record(pictures.digest(i), c, sample, share) for i, c in made])
                bar.update(len(batch))
        tokens = sum(self.records[self.key(pictures.digest(i), sample)].info["tokens"] for i in missing)
        seconds = round(perf_counter() - begin, 3)
        return Outcome(len(missing), len(first) - len(missing), (), 0, "", len(missing), tokens, seconds)

    def _record(self, digest: str, caption, sample: int, seconds: float) -> Record:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        info = {"finished": caption.finished, "tokens": caption.tokens}
        return Record(
            digest,
            self.model,
            caption.text,
            self.options,
            self.prompt,
            sample,
            seconds=seconds,
            time=now,
            info=info,
        )


class RecordedEdits(_Recorded):
    """Edited captions. A recomposer has ``id`` and ``recompose(caption, modification)``, or ``ask(..., sample)``.

    ``ask(caption, modification, sample)`` gives a Reply. Its ``options`` and its ``prompt`` (with ``hash`` and
    ``name``) are part of what an edit depends on; for a budget in tokens it needs ``most_tokens(caption,
    modification)``. These edits are themselves a recomposer: they answer ``recompose`` from the records.
    """

    what, inputs, verb = "edits", "captions", "workbench recompose"

    def texts(
        self, captions: Sequence[str], modifications: Sequence[str], sample: int = 0
    ) -> tuple[str, ...]:
        """The edited captions, in their order. Raises MissingRecords where one is missing or its edit failed."""
        if self.source is not None:
            self.fill(captions, modifications, sample)
        keys = [self.key_of(*pair, sample) for pair in zip(captions, modifications, strict=True)]
        missing = [i for i, key in enumerate(keys) if key not in self.records]
        if missing:
            where = f"captions (positions {missing[:5]}...)"
            raise MissingRecords(self._lacking([keys[i] for i in missing], len(keys), where))
        return tuple(self.records[key].text for key in keys)

    def fill(self, captions: Sequence[str], modifications: Sequence[str], sample: int = 0) -> Outcome:
        """Have the recomposer write what is missing and say what became of it; failures are listed, not raised."""
        ask, workers = self._asker(sample)
        calls = [
            self._call(
                self.key_of(caption, modification, sample),
                (caption, modification),
                {"caption": caption, "modification": modification},
                (caption, modification),
            )
            for caption, modification in zip(captions, modifications, strict=True)
        ]
        return self._ask(calls, ask, workers)

    def recompose(self, caption: str, modification: str) -> str:
        """One edited caption. Raises EditFailed where the model could not, MissingRecords where it was never asked."""
        key = self.key_of(caption, modification)
        if key not in self.records and self.source is not None:
            self.fill([caption], [modification])
        failure = self.records.failure(key)
        if failure:
            raise EditFailed(failure.error)
        return self.texts([caption], [modification])[0]

    def key_of(self, caption: str, modification: str, sample: int = 0) -> Key:
        """What this source's edit of these two texts is recorded under."""
        return self.key(edit_digest(caption, modification), sample)

    def _asker(self, sample: int):
        """The function that asks the source for one edit, and how many at a time."""
        if hasattr(self.source, "ask"):
            return lambda caption, modification: self.source.ask(caption, modification, sample), 8
        if sample:
            raise ValueError(
                f"sample: got {sample}, but {self.model} has no `ask`, so it gives one text per caption"
            )
        return self.source.recompose, 1
