"""What the caption records cost, beside the usual ways of keeping such texts, and what faults cost a run.

    python benchmarks/bench_captions.py [--quick]

One: 5,000 captions written one by one as they come, then read back: our JSON Lines (each line synced to the disk),
the same without the sync, SQLite (a commit per caption), and one JSON file written anew after every caption, as is
often done; and their sizes, with the Parquet export. Two: 1,000 edits through a chat server that fails a fifth of the
requests, in every way that it can. `--quick` does 500 and 100.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sqlite3
import sys
import tempfile
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1]))

from workbench.language.archive import write_parquet
from workbench.language.cache import Record, RecordedEdits, Records
from workbench.language.calls import Retry

WORDS = (
    "a",
    "small",
    "grey",
    "cat",
    "with",
    "red",
    "hat",
    "two",
    "stars",
    "sits",
    "on",
    "orange",
    "planet",
    "sky",
)


def captions(number: int) -> list[Record]:
    """Captions of 8 to 20 words, each with the raw reply of a chat server around it."""
    rng = random.Random(0)
    made = []
    for i in range(number):
        text = " ".join(rng.choices(WORDS, k=rng.randint(8, 20)))
        message = {"role": "assistant", "content": text}
        raw = {
            "id": f"chatcmpl-{rng.getrandbits(64):x}",
            "object": "chat.completion",
            "created": 1_790_000_000 + i,
            "model": "captioner",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 800, "completion_tokens": 20, "total_tokens": 820},
        }
        digest = hashlib.sha256(str(i).encode()).hexdigest()
        options = {"temperature": 0.7, "max_tokens": 64}
        made.append(
            Record(digest, "captioner@host", text, options, "0123456789ab", 0, 0.8, "2026-01-01T00:00:00+00:00",
                   {"attempts": 1, "prompt": "scene"}, raw, 800, 20)
        )  # fmt: skip
    return made


def by_records(path: Path, made: list[Record]):
    records = Records(path)
    for record in made:
        records.append([record])
    return lambda: len(Records(path))


def by_unsynced_lines(path: Path, made: list[Record]):
    with path.open("a", encoding="utf-8") as file:
        for record in made:
            file.write(record.line())
            file.flush()
    return lambda: len([json.loads(line) for line in path.open(encoding="utf-8")])


def by_sqlite(path: Path, made: list[Record]):
    base = sqlite3.connect(path)
    base.execute("create table captions (key text primary key, record text)")
    for record in made:
        with base:
            base.execute("insert into captions values (?, ?)", (repr(record.key), record.line()))
    return lambda: len([json.loads(line) for (line,) in base.execute("select record from captions")])


def by_whole_file(path: Path, made: list[Record]):
    kept: dict[str, str] = {}
    for record in made:
        kept[repr(record.key)] = record.line()
        path.write_text(json.dumps(kept))
    return lambda: len(json.loads(path.read_text()))


def measure_writing(number: int, folder: Path) -> None:
    made = captions(number)
    print(f"{number:,} captions, one by one            write s   per caption ms   read s      bytes")
    ways = {
        "records (synced lines)": by_records,
        "lines without sync": by_unsynced_lines,
        "SQLite": by_sqlite,
        "one JSON file rewritten": by_whole_file,
    }
    for name, way in ways.items():
        path = folder / name.replace(" ", "_")
        path = path.with_suffix(".jsonl")
        start = perf_counter()
        read = way(path, made)
        wrote = perf_counter() - start
        start = perf_counter()
        assert read() == number
        took = perf_counter() - start
        print(
            f"  {name:<34} {wrote:8.2f} {1000 * wrote / number:14.3f} {took:9.3f} {path.stat().st_size:12,}"
        )
    exported = folder / "captions.parquet"
    records = Records(folder / "records_(synced_lines).jsonl")
    start = perf_counter()
    write_parquet(records, exported)
    wrote = perf_counter() - start
    start = perf_counter()
    assert len(Records(exported)) == number
    took = perf_counter() - start
    print(
        f"  {'Parquet export of the records':<34} {wrote:8.2f} {'':>14} {took:9.3f} {exported.stat().st_size:12,}"
    )


def measure_faults(number: int, folder: Path) -> None:
    """As the fault test does: an item in a hundred can never be answered, and a time-out is 2 s."""
    from tests.language.servers import Editor, FaultServer

    asked = [f"a cat number {i}" + (" doomed" if i % 100 == 0 else "") for i in range(number)]
    with FaultServer(share=0.2, seed=2) as server:
        retry = Retry(attempts=6, first=0.05, longest=2.0)
        edits = RecordedEdits.make(
            Editor(server.url, timeout=2.0), folder / "edits.jsonl", workers=16, retry=retry
        )
        outcome = edits.fill(asked, ["make it blue"] * number)
        kinds = server.stats()["kinds"]
    lines = (folder / "edits.jsonl").read_text().splitlines()
    assert len(lines) == len({json.loads(line)["input"] for line in lines}) == number - outcome.left
    print(
        f"{number:,} edits with 20 % faults, 16 at a time: {outcome.seconds:.1f} s, {outcome.calls:,} calls, "
        f"{outcome.calls - number + outcome.left:,} of them asked again, {outcome.answered:,} answered, "
        f"{len(outcome.failed):,} listed as failed, {outcome.left:,} left, {outcome.tokens:,} tokens"
    )
    print("  the server's answers: " + ", ".join(f"{kind} {n:,}" for kind, n in sorted(kinds.items())))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="500 captions and 100 edits")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as folder:
        measure_writing(500 if quick else 5000, Path(folder))
        measure_faults(100 if quick else 1000, Path(folder))


if __name__ == "__main__":
    main()
