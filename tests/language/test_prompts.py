"""Prompts: files that say what they are, found by name, hashed by content."""

from __future__ import annotations

import pytest
import yaml

from workbench.language.prompts import PromptError, load_prompt, parse_prompt, prompt_names
from workbench.language.replies import MARKER
from workbench.registry import UnknownName

MINE = {
    "name": "mine",
    "version": 2,
    "task": "edit",
    "use": "a test",
    "reads": "line",
    "instructions": "Edit.",
    "message": "C={caption} M={change}",
    "examples": [{"caption": "a cat", "change": "two", "reply": f"{MARKER} two cats"}],
}


def parse(**change):
    return parse_prompt(yaml.safe_dump(MINE | change), "mine.yaml")


@pytest.mark.parametrize("name", prompt_names())
def test_every_prompt_is_named_after_its_file_and_says_what_for(name):
    prompt = load_prompt(name)
    assert prompt.name == name
    assert len(prompt.use) > 10
    assert len(prompt.hash) == 16


def test_there_is_one_for_each_style_of_data_set():
    edits = {"open-scene", "garment", "focus", "change", "target-objects", "tiny-editor"}
    assert edits <= set(prompt_names("edit"))
    assert {"describe", "describe-garment", "short"} <= set(prompt_names("caption"))
    assert set(prompt_names()) == {*prompt_names("edit"), *prompt_names("caption")}


def test_hashes_differ_between_prompts():
    hashes = {load_prompt(name).hash for name in prompt_names()}
    assert len(hashes) == len(prompt_names())


def test_messages_are_instructions_examples_and_the_question():
    assert parse().messages("a dog", "three") == [
        {"role": "system", "content": "Edit."},
        {"role": "user", "content": "C=a cat M=two"},
        {"role": "assistant", "content": f"{MARKER} two cats"},
        {"role": "user", "content": "C=a dog M=three"},
    ]


def test_tiny_editors_prompt_is_two_lines_and_nothing_else():
    prompt = load_prompt("tiny-editor")
    assert prompt.messages("a cat", "make it red") == [
        {"role": "user", "content": "Caption: a cat\nChange: make it red"}
    ]
    assert prompt.read("a red cat", "make it red") == "a red cat"


@pytest.mark.parametrize("text", ["{change}", "{caption} {0} {{x}}", "100 %(s)s \\1 $x"])
def test_braces_of_a_caption_are_left_alone(text):
    assert parse().messages(text, "M")[-1]["content"] == f"C={text} M=M"
    assert parse().messages("C", text)[-1]["content"] == f"C=C M={text}"


@pytest.mark.parametrize(
    "change",
    [
        {"instructions": "Edit!"},
        {"message": "C={caption} M={change}."},
        {"reads": "plain"},
        {"examples": []},
        {"examples": [{"caption": "a cat", "change": "2", "reply": f"{MARKER} two cats"}]},
    ],
)
def test_what_the_model_sees_or_how_it_is_read_changes_the_hash(change):
    assert parse(**change).hash != parse().hash


def test_name_version_and_use_do_not_change_the_hash():
    assert parse(name="other", version=3, use="something else").hash == parse().hash


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            {"message": "C={caption}"},
            r"message: has places for \['caption'\], expected \['caption', 'change'\]",
        ),
        ({"message": "{caption} {caption} {change}"}, "message: has places for"),
        ({"task": "caption", "examples": [], "reads": "plain"}, r"message: has places.*expected \[\]"),
        ({"task": "caption", "message": "Say it."}, "a prompt for captions has no examples"),
        ({"reads": "lines"}, "Did you mean 'line'"),
        ({"task": "sing"}, "task: Input should be 'edit' or 'caption'"),
        ({"version": 0}, "version: Input should be greater"),
        ({"name": "Two Words"}, "name: String should match"),
        ({"temperature": 1}, "temperature: Extra inputs"),
        ({"examples": [{"caption": "a", "change": "b", "reply": "unmarked"}]}, "0 lines begin with"),
    ],
)
def test_a_wrong_file_is_named_with_its_field(change, problem):
    with pytest.raises(PromptError, match=f"mine.yaml: .*{problem}"):
        parse(**change)


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "!!python/object/apply:os.getcwd []"])
def test_what_is_no_prompt_at_all_is_an_error_and_never_run(text):
    with pytest.raises(PromptError, match=r"mine\.yaml: "):
        parse_prompt(text, "mine.yaml")


def test_names_are_checked():
    with pytest.raises(UnknownName, match="Did you mean 'garment'"):
        load_prompt("garmet")
    with pytest.raises(PromptError, match="'describe' is for the task 'caption', expected 'edit'"):
        load_prompt("describe", "edit")


def test_a_file_of_ones_own(tmp_path):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(MINE))
    assert load_prompt(tmp_path / "mine.yaml", "edit") == parse()
    with pytest.raises(PromptError, match=r"no prompt file .*other\.yaml"):
        load_prompt(tmp_path / "other.yaml")
