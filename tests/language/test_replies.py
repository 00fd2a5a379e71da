"""Replies are read strictly, or exactly as the published code of CIReVL reads them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.language.failures import UnreadableReply
from workbench.language.replies import (
    CIREVL_MARKER,
    MARKER,
    READERS,
    read_cirevl,
    read_line,
    read_plain,
    read_target,
)

# one line of text that says something, with no line break of any kind and no quotes of its own
words = st.text(
    st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp"), blacklist_characters='"'), min_size=1
)
captions = words.map(str.strip).filter(bool)


def test_the_fixture_of_cirevl_is_read_as_published(golden):
    given, expected = golden("cir/cirevl_text", "input.json"), golden("cir/cirevl_text", "expected.json")
    read = [
        read_cirevl(reply, instruction)
        for reply, instruction in zip(given["replies"], expected["instruction"], strict=True)
    ]
    assert read == expected["modified_captions"]


@given(captions, st.lists(captions.filter(lambda line: not line.startswith(MARKER)), max_size=3))
def test_a_marked_line_is_found_among_others(caption, others):
    for place in range(len(others) + 1):
        lines = [*others[:place], f"  {MARKER} {caption} ", *others[place:]]
        assert read_line("\n".join(lines)) == caption


@given(captions)
def test_one_pair_of_quotes_is_taken_off(caption):
    assert read_line(f'{MARKER} "{caption}"') == caption
    assert read_plain(f'"{caption}"\n') == caption


@given(st.text())
def test_whatever_comes_is_a_caption_or_an_unreadable_reply(reply):
    for read in READERS.values():
        try:
            text = read(reply, "the change")
        except UnreadableReply:
            continue
        assert text.strip()
        assert text in reply or (read is read_cirevl and text == "the change") or read is READERS["target"]


@pytest.mark.parametrize("inner", ['the "big" dog', '"red" and "blue"', "a colon: inside", "{braces}"])
def test_quotes_and_colons_inside_stay(inner):
    assert read_line(f"{MARKER} {inner}") == inner
    assert read_plain(inner) == inner


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ("a dog on a lawn", "0 lines begin with 'Edited caption:', expected exactly one: 'a dog on a lawn'"),
        (f"{MARKER} one\n{MARKER} two", "2 lines begin"),
        (f"**{MARKER}** one", "0 lines begin"),
        (f"{MARKER.lower()} one", "0 lines begin"),
        (f"{MARKER}  ", "nothing where the caption should be"),
        (f'{MARKER} " "', "nothing where the caption should be"),
        ("", "0 lines begin"),
    ],
)
def test_what_is_not_one_marked_line_is_refused_and_quoted(reply, problem):
    with pytest.raises(UnreadableReply) as error:
        read_line(reply)
    assert problem in str(error.value)


def test_a_plain_reply_is_one_line():
    assert read_plain("\n a mint critter \n") == "a mint critter"
    with pytest.raises(UnreadableReply, match="2 lines, expected the caption alone"):
        read_plain("Sure!\na mint critter")
    with pytest.raises(UnreadableReply, match="nothing where"):
        read_plain(" \n")


def test_long_replies_are_quoted_in_part():
    with pytest.raises(UnreadableReply) as error:
        read_line("word " * 500)
    assert len(str(error.value)) < 250


TARGET = {"description": "a dog on grass", "present": ["a dog"], "absent": []}


@pytest.mark.parametrize(
    "wrap", ["{}", " \n{}\n", "```json\n{}\n```", "```\n{}\n```", "Here:\n```json\n{}\n```\nDone."]
)
def test_a_target_is_read_whole_or_out_of_its_only_fence(wrap):
    target = read_target(wrap.replace("{}", json.dumps(TARGET)))
    assert target.model_dump() == TARGET


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"description": " "}, "description: String should have at least 1 character"),
        ({"description": 3}, "description: Input should be a valid string"),
        ({"present": "a dog"}, "present: Input should be a valid"),
        ({"present": ["a dog", ""]}, "present.1: String should have at least 1"),
        ({"absent": ["A Dog"]}, "both present and absent: a dog"),
        ({"mood": "happy"}, "mood: Extra inputs are not permitted"),
    ],
)
def test_a_target_of_another_shape_is_named(change, problem):
    with pytest.raises(UnreadableReply) as error:
        read_target(json.dumps(TARGET | change))
    assert problem in str(error.value)


@pytest.mark.parametrize("missing", list(TARGET))
def test_no_field_of_a_target_may_be_missing(missing):
    with pytest.raises(UnreadableReply, match=f"{missing}: Field required"):
        read_target(json.dumps({name: value for name, value in TARGET.items() if name != missing}))


@pytest.mark.parametrize(
    "reply", ["", "[]", "not JSON", json.dumps(TARGET)[:-1], f"so: {json.dumps(TARGET)}"]
)
def test_what_is_no_json_object_is_no_target(reply):
    with pytest.raises(UnreadableReply, match="expected JSON with description, present and absent"):
        read_target(reply)


def test_two_fences_are_ambiguous():
    fence = f"```json\n{json.dumps(TARGET)}\n```\n"
    with pytest.raises(UnreadableReply):
        read_target(fence + fence)


def test_the_compatible_reader_says_the_modification_where_the_strict_ones_refuse():
    assert read_cirevl(f"{CIREVL_MARKER}   ", "make it red") == "make it red"
    assert read_cirevl("no marker", " and is blue") == " and is blue"
