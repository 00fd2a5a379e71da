"""One Parquet file says what the records say, replays like them, and a diff tells two files apart."""

from __future__ import annotations

import json

import pytest

from tests.encode.tiny import Pictures
from tests.language.test_cache import Counting, captions_of
from workbench.language.archive import diff, read_parquet, write_parquet
from workbench.language.cache import (
    MissingRecords,
    Record,
    RecordedCaptions,
    RecordedEdits,
    RecordError,
    Records,
)
from workbench.language.records import edit_digest

FULL = Record(
    "x",
    "m@1",
    "ein Kätzchen\nmit 帽子",
    {"temperature": 0.5, "stop": ["\n"]},
    "hash",
    2,
    0.25,
    "2026-01-01T00:00:00+00:00",
    {"caption": "a cat"},
    {"choices": [{"text": None}]},
    12,
    3,
)
PLAIN = Record("y", "m@1", "a dog")
FAILED = Record("z", "m@1", "", error="HTTP 500", raw='{"half', info={"attempts": 6})


def records_at(path, *records: Record) -> Records:
    kept = Records(path)
    kept.append(records)
    return kept


def test_everything_comes_back_from_the_parquet_file(tmp_path):
    kept = records_at(tmp_path / "a.jsonl", FULL, PLAIN, FAILED)
    assert write_parquet(kept, tmp_path / "a.parquet") == 3
    assert set(map(Record.line, read_parquet(tmp_path / "a.parquet"))) == set(
        map(Record.line, (FULL, PLAIN, FAILED))
    )
    again = Records(tmp_path / "a.parquet")
    assert {r.key: r for r in again} == {r.key: r for r in kept}
    assert again.failures() == (FAILED,)


def test_the_file_can_be_read_without_this_package(tmp_path):
    import pandas as pd

    write_parquet(records_at(tmp_path / "a.jsonl", FULL, FAILED), tmp_path / "a.parquet")
    table = pd.read_parquet(tmp_path / "a.parquet").set_index("input")
    assert table.loc["x", "text"] == FULL.text and table.loc["x", "completion_tokens"] == 3
    assert json.loads(table.loc["x", "options"]) == dict(FULL.options)
    assert table.loc["z", "error"] == "HTTP 500"


def test_equal_records_make_equal_files_in_whatever_order_they_came(tmp_path):
    write_parquet(records_at(tmp_path / "a.jsonl", FULL, PLAIN, FAILED), tmp_path / "a.parquet")
    write_parquet(records_at(tmp_path / "b.jsonl", FAILED, PLAIN, FULL), tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_a_failure_that_was_answered_since_is_not_exported(tmp_path):
    answered = Record("z", "m@1", "a bird")
    kept = records_at(tmp_path / "a.jsonl", FAILED, answered)
    write_parquet(kept, tmp_path / "a.parquet")
    assert [r.text for r in read_parquet(tmp_path / "a.parquet")] == ["a bird"]


def test_replay_from_parquet_gives_the_same_texts_and_never_grows(tmp_path):
    made = captions_of(tmp_path / "a.jsonl", Counting()).texts(Pictures(4), range(4))
    write_parquet(Records(tmp_path / "a.jsonl"), tmp_path / "a.parquet")
    assert RecordedCaptions.replay(tmp_path / "a.parquet").texts(Pictures(4), range(4)) == made
    with pytest.raises(MissingRecords, match="1 of 5 pictures"):
        RecordedCaptions.replay(tmp_path / "a.parquet").texts(Pictures(5), range(5))
    before = (tmp_path / "a.parquet").read_bytes()
    with pytest.raises(RecordError, match=r"does not grow.*captions import"):
        captions_of(tmp_path / "a.parquet", Counting()).texts(Pictures(5), range(5))
    assert (tmp_path / "a.parquet").read_bytes() == before


def test_edits_replay_from_parquet(tmp_path):
    record = Record(edit_digest("a cat", "make it blue"), "m@1", "a blue cat")
    write_parquet(records_at(tmp_path / "a.jsonl", record), tmp_path / "a.parquet")
    assert RecordedEdits.replay(tmp_path / "a.parquet").recompose("a cat", "make it blue") == "a blue cat"


def test_a_file_that_is_no_export_is_refused_by_name(tmp_path):
    import pandas as pd

    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(RecordError, match=r"a\.parquet cannot be read as Parquet"):
        Records(path)
    pd.DataFrame({"input": ["x"], "model": ["m"]}).to_parquet(path)
    with pytest.raises(RecordError, match="lacks the columns options, prompt"):
        Records(path)
    write_parquet(records_at(tmp_path / "a.jsonl", FULL), path)
    table = pd.read_parquet(path)
    for column, value in (("options", "{"), ("options", "[]"), ("text", None)):
        table.assign(**{column: [value]}).to_parquet(path)
        with pytest.raises(RecordError, match="row 1 is not a record"):
            Records(path)


@pytest.mark.parametrize(
    "wrong", [{"text": ["x"]}, {"sample": "0"}, {"options": []}, {"model": None}, {"completion_tokens": "9"}]
)
def test_a_line_with_a_wrong_type_is_refused_by_field(tmp_path, wrong):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"input": "x", "model": "m", "text": "t"} | wrong) + "\n")
    with pytest.raises(RecordError, match=rf"a\.jsonl, line 1 is not a record: {next(iter(wrong))} is"):
        Records(path)


def test_a_diff_tells_what_came_what_went_and_what_changed(tmp_path):
    before = records_at(tmp_path / "a.jsonl", FULL, PLAIN, FAILED)
    new, changed = Record("new", "m@1", "a bird"), Record("y", "m@1", "a hound")
    answered = Record("z", "m@1", "a fish")
    after = records_at(tmp_path / "b.jsonl", new, changed, answered)
    found = diff(before, after)
    assert found.added == (new,) and found.removed == (FULL,) and found.same == 0
    assert found.changed == ((PLAIN, changed), (FAILED, answered))
    assert diff(before, before) == type(found)((), (), (), 3)


def test_two_models_are_compared_by_what_they_were_asked(tmp_path):
    before = records_at(tmp_path / "a.jsonl", Record("x", "m@1", "a cat"), Record("y", "m@1", "a dog"))
    after = records_at(tmp_path / "b.jsonl", Record("x", "m@2", "a cat"), Record("y", "m@2", "a wolf"))
    assert len(diff(before, after).added) == 2
    found = diff(before, after, by=("input", "sample"))
    assert (found.same, [(a.text, b.text) for a, b in found.changed]) == (1, [("a dog", "a wolf")])
    both = records_at(tmp_path / "c.jsonl", Record("x", "m@1", "a cat"), Record("x", "m@2", "a lion"))
    with pytest.raises(RecordError, match=r"same input and sample, such as 'a cat' and 'a lion'"):
        diff(both, after, by=("input", "sample"))
