"""Other projects' caption files: what is in them is counted, and every gap, surplus and stand-in told."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from tests.encode.tiny import Pictures
from workbench.language.cache import MissingRecords, RecordedCaptions, RecordedEdits, Records
from workbench.language.importers import STOOD_IN, ImportFileError, import_cirevl, import_weimocir


@dataclass
class Query:
    id: str
    reference: int | None
    modification: tuple[str, ...]


QUERIES = [
    Query("q0", 2, ("is red", "has sleeves")),
    Query("q1", 0, ("is blue",)),
    Query("q2", None, ("is green",)),
]
CIREVL = {
    "base_caption": ["a dress", "a shirt", "a hat"],
    "instruction": ["is red and has sleeves", "is blue", "is green"],
    "modified_captions": ["a red dress with sleeves", "is blue", "a green hat"],
}


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "mods.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def kept(tmp_path, records) -> Records:
    records_file = Records(tmp_path / "out.jsonl")
    records_file.append(records)
    return records_file


def test_cirevls_edits_are_replayed_and_its_stand_ins_stay_failures(file, tmp_path):
    found = import_cirevl(file(CIREVL), "gpt-3.5-turbo")
    records = kept(tmp_path, found.edits)
    edits = RecordedEdits.replay(records.path)
    assert edits.id == "gpt-3.5-turbo"
    assert edits.recompose("a dress", "is red and has sleeves") == "a red dress with sleeves"
    with pytest.raises(ValueError, match="the file gives the instruction itself"):
        edits.recompose("a shirt", "is blue")
    assert [f.error for f in records.failures()] == [STOOD_IN]
    assert found.captions == ()
    assert found.findings == ("1 edits are the instruction itself (recorded as failures): entry 1",)


def test_the_reference_implementations_own_file_is_read(file, tmp_path, golden):
    """The texts of the fixture in the published layout: those that could not be parsed come out as failures."""
    expected = golden("cir/cirevl_text", "expected.json")
    given = {name: expected[name] for name in ("instruction", "modified_captions")}
    given["base_caption"] = [f"caption {i}" for i in range(len(given["instruction"]))]
    found = import_cirevl(file(given), "gpt-3.5-turbo")
    failed = [a == b for a, b in zip(given["instruction"], given["modified_captions"], strict=True)]
    assert [bool(r.error) for r in found.edits] == failed
    assert [r.text for r in found.edits if r.text] == [
        text for text, stood_in in zip(given["modified_captions"], failed, strict=True) if not stood_in
    ]


def test_cirevls_base_captions_become_captions_of_the_references(file, tmp_path):
    found = import_cirevl(file(CIREVL), "blip2", QUERIES, Pictures(3))
    captions = RecordedCaptions.replay(kept(tmp_path, found.captions).path)
    assert captions.texts(Pictures(3), [2, 0]) == ("a dress", "a shirt")
    assert any("references got no caption (outside the gallery, or empty): q2" in f for f in found.findings)
    assert not any("worded otherwise" in f for f in found.findings)


def test_a_caption_file_for_other_queries_is_told(file):
    swapped = {**CIREVL, "instruction": CIREVL["instruction"][::-1]}
    found = import_cirevl(file(swapped), "m", QUERIES, Pictures(3))
    assert any(
        f.startswith("2 instructions are worded otherwise") and f.endswith("q0, q2") for f in found.findings
    )
    with pytest.raises(ImportFileError, match=r"3 base_caption.*expected 2 each, one per query"):
        import_cirevl(file(CIREVL), "m", QUERIES[:2], Pictures(3))
    with pytest.raises(
        ImportFileError, match=r"3 base_caption, 2 instruction, 3 modified_captions, expected equally"
    ):
        import_cirevl(file({**CIREVL, "instruction": ["a", "b"]}), "m")


def test_a_pair_that_comes_again_with_another_edit_is_told(file):
    twice = {"base_caption": ["a", "a"], "instruction": ["b", "b"], "modified_captions": ["c", "d"]}
    found = import_cirevl(file(twice), "m")
    assert [r.text for r in found.edits] == ["c"]
    assert found.findings == ("1 pairs come again with another edit (left out): entry 1",)


WEIMOCIR = [
    {"candidate": "p0", "captions": ["a cat", "a grey cat", "cat"]},
    {"candidate": "p1", "captions": ["a dog", "", "dog", "hound"]},
    {"candidate": "p2", "captions": ["a bird"]},
    {"candidate": "p2", "captions": ["a fish", "fish", "f"]},
    {"candidate": "p9", "captions": ["a", "b", "c"]},
]


def test_weimocirs_captions_are_samples_and_its_gaps_stay_gaps(file, tmp_path):
    ids = ("p0", "p1", "p2", "p3")
    found = import_weimocir(file(WEIMOCIR), "internvl", ids, Pictures(4))
    assert set(found.findings) == {
        "1 entries are for pictures that the gallery has not: p9",
        "1 pictures come again (only their first entry counts): p2",
        "1 pictures have more than 3 captions (the others are left out): p1",
        "2 pictures have fewer than 3 captions: p1, p2",
        "1 gallery pictures have no entry: p3",
    }
    captions = RecordedCaptions.replay(kept(tmp_path, found.captions).path)
    assert (captions.id, captions.samples, len(found.captions)) == ("internvl", 3, 6)
    assert captions.texts(Pictures(4), [0, 1, 2]) == ("a cat", "a dog", "a bird")
    assert captions.texts(Pictures(4), [0], sample=1) == ("a grey cat",)
    assert captions.texts(Pictures(4), [1], sample=2) == ("dog",), "a gap does not shift what follows"
    with pytest.raises(MissingRecords, match=r"2 of 3 pictures \(positions \[1, 2\]"):
        captions.texts(Pictures(4), [0, 1, 2], sample=1)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is no JSON"),
        ("[]", r"the whole file"),
        ({"base_caption": ["a"], "instruction": ["b"]}, r"modified_captions: field required"),
        ({**CIREVL, "instruction": ["a", 5, "b"]}, r"instruction\.1: input should be a valid string"),
    ],
)
def test_what_is_no_cirevl_file_is_refused_with_the_place(file, content, says):
    with pytest.raises(ImportFileError, match=says):
        import_cirevl(file(content), "m")


@pytest.mark.parametrize(
    "content", [{}, [{"candidate": "p0"}], [{"candidate": 5, "captions": []}], [["p0", "a"]]]
)
def test_what_is_no_weimocir_file_is_refused(file, content):
    with pytest.raises(ImportFileError, match=r"mods\.json"):
        import_weimocir(file(content), "m", ("p0",), Pictures(1))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ImportFileError, match=r"nowhere\.json cannot be read: No such file"):
        import_cirevl(tmp_path / "nowhere.json", "m")
