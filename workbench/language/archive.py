"""Records as one Parquet file to share, and what changed between two files of records.

One row per answer and per failure that is still open, in the order of the key, so that equal records make equal files
wherever and in whatever order they were made. ``options``, ``info`` and ``raw`` are JSON text: nothing in the file
can run anything when it is read. Left out: appending to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.language.records import Key, Record, RecordError, Records

AS_JSON = ("options", "info", "raw")
COLUMNS = (
    ("input", "string"),
    ("model", "string"),
    ("options", "string"),
    ("prompt", "string"),
    ("sample", "int32"),
    ("text", "string"),
    ("error", "string"),
    ("prompt_tokens", "int64"),
    ("completion_tokens", "int64"),
    ("seconds", "float64"),
    ("time", "string"),
    ("info", "string"),
    ("raw", "string"),
)


def write_parquet(records: Records, path: Path | str) -> int:
    """Write all answers and open failures; gives the number of rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = sorted((*records, *records.failures()), key=lambda record: record.key)
    columns = {name: [_cell(record, name) for record in rows] for name, _ in COLUMNS}
    schema = pa.schema([(name, getattr(pa, kind)()) for name, kind in COLUMNS])
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    pq.write_table(pa.table(columns, schema=schema), part, compression="zstd")
    part.replace(path)
    return len(rows)


def read_parquet(path: Path | str) -> Iterator[Record]:
    """The records of such a file. Raises RecordError where it is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise RecordError(f"{path} cannot be read as Parquet: {error}") from error
    lacking = [name for name, _ in COLUMNS if name not in table.column_names]
    if lacking:
        raise RecordError(f"{path} is no export of records: it lacks the columns {', '.join(lacking)}")
    for number, row in enumerate(table.select([name for name, _ in COLUMNS]).to_pylist(), start=1):
        try:
            given = {name: json.loads(row[name]) if name in AS_JSON else row[name] for name in row}
            yield Record.checked(given)
        except (TypeError, ValueError) as error:
            raise RecordError(f"{path}, row {number} is not a record: {error}") from error


def _cell(record: Record, name: str) -> object:
    value = getattr(record, name)
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if name in AS_JSON else value


@dataclass(frozen=True)
class Diff:
    """What another file says: records that it has more, has not, has with another text or error; and how many are equal."""

    added: tuple[Record, ...]
    removed: tuple[Record, ...]
    changed: tuple[tuple[Record, Record], ...]
    same: int


def diff(before: Records, after: Records, by: Iterable[str] = Key._fields) -> Diff:
    """Compare answers and open failures that agree in the key's fields ``by``.

    All of them by default; ("input", "sample") compares what two models said about the same things. Raises
    RecordError where two records of one file agree in these fields.
    """
    by = tuple(by)
    old, new = _by_fields(before, by), _by_fields(after, by)
    both = [(old[key], new[key]) for key in old if key in new]
    changed = tuple((a, b) for a, b in both if (a.text, a.error) != (b.text, b.error))
    return Diff(
        tuple(record for key, record in new.items() if key not in old),
        tuple(record for key, record in old.items() if key not in new),
        changed,
        len(both) - len(changed),
    )


def _by_fields(records: Records, by: tuple[str, ...]) -> dict[tuple, Record]:
    found: dict[tuple, Record] = {}
    for record in (*records, *records.failures()):
        key = tuple(getattr(record.key, name) for name in by)
        if key in found:
            raise RecordError(
                f"{records.path} holds two records with the same {' and '.join(by)}, such as {found[key].text!r} and "
                f"{record.text!r}: compare by more of {', '.join(Key._fields)}, or name one model"
            )
        found[key] = record
    return found
