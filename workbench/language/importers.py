"""Caption files that other projects publish, as records: counts checked, and every gap, surplus and stand-in told.

    CIReVL     {"base_caption": [...], "instruction": [...], "modified_captions": [...]}, one entry per query, in order
    WeiMoCIR   [{"candidate": "name", "captions": ["...", "...", "..."]}, ...], one entry per gallery picture

Where CIReVL's file gives the instruction itself, the model's reply could not be read: that is recorded as the failure
it was. Where WeiMoCIR's has too few captions the reference code goes on with empty ones; here they stay missing.
Left out: the pickled files (they run code when they are read).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, TypeAdapter, ValidationError

from workbench.errors import UserError
from workbench.language.records import Key, Record, edit_digest

STOOD_IN = "the file gives the instruction itself: no edit could be read from the model's reply"


class ImportFileError(UserError, ValueError):
    """A caption file is not what it should be; names the file, the place in it and what was expected."""


@dataclass(frozen=True)
class Imported:
    """Records to be written, and what there is to say about the file, one sentence per kind of finding."""

    captions: tuple[Record, ...] = ()
    edits: tuple[Record, ...] = ()
    findings: tuple[str, ...] = ()


class _Edited(BaseModel):
    base_caption: list[str]
    instruction: list[str]
    modified_captions: list[str]


class _Candidate(BaseModel):
    candidate: str
    captions: list[str]


@dataclass
class _Gathering:
    """Records by key, the first one standing, and names that have something wrong with them, by what it is."""

    records: dict[Key, Record] = field(default_factory=dict)
    wrong: dict[str, list[str]] = field(default_factory=dict)

    def add(self, record: Record, name: str, otherwise: str) -> None:
        """``otherwise`` says what is wrong if the key is known with another text."""
        known = self.records.setdefault(record.key, record)
        if (known.text, known.error) != (record.text, record.error):
            self.note(otherwise, name)

    def note(self, problem: str, name: object) -> None:
        self.wrong.setdefault(problem, []).append(str(name))

    def findings(self) -> tuple[str, ...]:
        return tuple(
            f"{len(names):,} {problem}: {', '.join(names[:5])}{' ...' if len(names) > 5 else ''}"
            for problem, names in self.wrong.items()
        )


def import_cirevl(
    path: Path | str, model: str, queries: Sequence = (), pictures: Sequence | None = None
) -> Imported:
    """Edits of a CIReVL file, and with ``queries`` and gallery ``pictures`` the captions of their references, too.

    ``model`` names who wrote the texts, as you want to see it in results. Raises ImportFileError where the lists
    differ in length, or their number from that of the queries.
    """
    file = _parse(path, _Edited)
    lengths = {name: len(getattr(file, name)) for name in _Edited.model_fields}
    if len({*lengths.values()} | ({len(queries)} if queries else set())) > 1:
        expected = f", expected {len(queries)} each, one per query" if queries else ", expected equally many"
        raise ImportFileError(
            f"{path}: got {', '.join(f'{n} {name}' for name, n in lengths.items())}{expected}"
        )
    edits, captions = _Gathering(), _Gathering()
    names = [query.id for query in queries] or [f"entry {i}" for i in range(lengths["instruction"])]
    rows = zip(names, file.base_caption, file.instruction, file.modified_captions, strict=True)
    for i, (name, caption, instruction, edited) in enumerate(rows):
        for text, what in ((caption, "base captions"), (edited, "edited captions")):
            if not text.strip():
                edits.note(f"{what} are empty", name)
        edits.add(
            _edit(model, path, caption, instruction, edited),
            name,
            "pairs come again with another edit (left out)",
        )
        if edited.strip() == instruction.strip():
            edits.note("edits are the instruction itself (recorded as failures)", name)
        if not queries:
            continue
        if _plain(instruction) != _plain(" and ".join(queries[i].modification)):
            edits.note(
                "instructions are worded otherwise than the query's modification joined by 'and'", name
            )
        if pictures is None or queries[i].reference is None or not caption.strip():
            captions.note("references got no caption (outside the gallery, or empty)", name)
        else:
            record = Record(pictures.digest(queries[i].reference), model, caption, info=_origin(path, name))
            captions.add(record, name, "references come again with another caption (left out)")
    found = captions.findings() if pictures is not None else ()
    return Imported(tuple(captions.records.values()), tuple(edits.records.values()), edits.findings() + found)


def import_weimocir(
    path: Path | str, model: str, ids: Sequence[str], pictures: Sequence, samples: int = 3
) -> Imported:
    """Captions of a WeiMoCIR file for the gallery ``ids`` and their pictures: caption k becomes sample k - 1.

    What is beyond ``samples`` is left out, as the method does; what is missing stays missing.
    """
    rows, captions = {name: row for row, name in enumerate(ids)}, _Gathering()
    known: dict[str, list[str]] = {}
    for entry in _parse(path, list[_Candidate]):
        if entry.candidate not in rows:
            captions.note("entries are for pictures that the gallery has not", entry.candidate)
        elif known.setdefault(entry.candidate, entry.captions) is not entry.captions:
            captions.note("pictures come again (only their first entry counts)", entry.candidate)
    for name, texts in known.items():
        if len(texts) > samples:
            captions.note(f"pictures have more than {samples} captions (the others are left out)", name)
        given = {sample: text for sample, text in enumerate(texts[:samples]) if text.strip()}
        if len(given) < samples:
            captions.note(f"pictures have fewer than {samples} captions", name)
        digest = pictures.digest(rows[name])
        for sample, text in given.items():
            record = Record(digest, model, text, sample=sample, info=_origin(path, name))
            captions.add(record, name, "pictures are equal to another one but captioned otherwise (left out)")
    for name in ids:
        if name not in known:
            captions.note("gallery pictures have no entry", name)
    return Imported(tuple(captions.records.values()), (), captions.findings())


def _edit(model: str, path: Path | str, caption: str, instruction: str, edited: str) -> Record:
    stood_in = edited.strip() in ("", instruction.strip())
    info = {**_origin(path), "caption": caption, "modification": instruction}
    digest = edit_digest(caption, instruction)
    return Record(digest, model, "" if stood_in else edited, info=info, error=STOOD_IN if stood_in else "")


def _origin(path: Path | str, name: str | None = None) -> Mapping[str, object]:
    """Where an imported text comes from: the file's name, never where it lay."""
    return {"imported": Path(path).name} | ({"name": name} if name else {})


def _plain(text: str) -> str:
    """A text without what joining rules differ in: capitals, full stops, commas, double spaces."""
    return " ".join(text.lower().replace(".", " ").replace(",", " ").replace("?", " ").split())


def _parse(path: Path | str, kind):
    try:
        return TypeAdapter(kind).validate_python(json.loads(Path(path).read_text(encoding="utf-8")))
    except OSError as error:
        raise ImportFileError(f"{path} cannot be read: {error.strerror}") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ImportFileError(f"{path} is no JSON: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "the whole file"
        raise ImportFileError(f"{path}: {place}: {first['msg'].lower()}") from error
