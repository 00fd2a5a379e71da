"""Captioners and recomposers behind a real server on loopback: what it is sent, how its replies are read and kept."""

from __future__ import annotations

import pytest

from tests.encode.tiny import Pictures, picture
from tests.language.looking import edited, looking_server, seen_in
from workbench.language.budget import Budget
from workbench.language.cache import RecordedCaptions, RecordedEdits
from workbench.language.captions import load_captioner
from workbench.language.decoding import Decoding, DecodingError
from workbench.language.failures import UnreadableReply
from workbench.language.prompts import load_prompt
from workbench.language.recompose import load_recomposer, target_of
from workbench.language.server import ChatServer

SAMPLED = Decoding(temperature=0.7, top_p=0.9, seed=3, max_tokens=40)


@pytest.fixture(scope="module")
def server():
    with looking_server() as url:
        yield ChatServer(url, "looker")


@pytest.fixture
def captioner(server):
    return load_captioner(server=server)


@pytest.fixture
def recomposer(server):
    return load_recomposer("", server=server)


@pytest.mark.parametrize("size", [4, 17])
def test_the_server_sees_every_pixel(captioner, size):
    image = picture(5, size=size)
    (caption,) = captioner.caption([image])
    assert caption.text == seen_in(image)
    assert (caption.finished, caption.tokens, caption.prompt_tokens) == (True, 10, 20)


def test_pictures_of_other_modes_are_sent_in_colour(captioner):
    image = picture(5).convert("RGBA")
    assert captioner.ask(image).text == seen_in(image.convert("RGB"))


def test_greedy_asks_for_temperature_zero_and_no_seed(captioner):
    asked = captioner.ask(picture(1)).raw["asked"]
    assert asked == {"model": "looker", "temperature": 0.0, "max_tokens": 100}
    with pytest.raises(DecodingError, match="set a temperature"):
        captioner.ask(picture(1), sample=1)


def test_samples_have_seeds_of_their_own_that_can_be_had_again(server):
    captioner = load_captioner(server=server, decoding=SAMPLED)
    seeds = {}
    for i in range(2):
        for sample in range(2):
            asked = captioner.ask(picture(i), sample).raw["asked"]
            assert captioner.ask(picture(i), sample).raw["asked"] == asked
            seeds[i, sample] = asked.pop("seed")
            assert asked == {"model": "looker", "temperature": 0.7, "top_p": 0.9, "max_tokens": 40}
    assert len(set(seeds.values())) == 4
    assert all(0 <= seed < 2**31 for seed in seeds.values())


def test_captions_are_recorded_with_prompt_options_and_sample(server, tmp_path):
    captioner = load_captioner(server=server, decoding=SAMPLED, prompt=load_prompt("short"))
    captions = RecordedCaptions.make(captioner, tmp_path / "c.jsonl", workers=4)
    for sample in range(3):
        outcome = captions.fill(Pictures(5), range(5), sample)
        assert (outcome.answered, outcome.failed) == (5, ())
    replayed = RecordedCaptions.replay(tmp_path / "c.jsonl")
    assert replayed.samples == 3
    assert len({replayed.texts(Pictures(5), range(5), sample) for sample in range(3)}) == 3
    for record in captions.records:
        assert record.prompt == load_prompt("short").hash
        assert record.options == SAMPLED.options(40) | {"format": "PNG"}
        assert record.info["prompt"] == "short"
        assert "\n" not in record.text and record.prompt_tokens == 20


def test_an_edit_is_the_marked_line_of_the_reply(recomposer):
    assert recomposer.recompose("a cat", "make it red") == "a cat, make it red"
    reply = recomposer.ask("a cat", "make it red")
    assert reply.raw["choices"][0]["message"]["content"] == edited("a cat", "make it red")
    assert (reply.prompt_tokens, reply.completion_tokens) == (20, 10)


@pytest.mark.parametrize(
    ("change", "problem"), [("unmarked", "0 lines begin with"), ("endless", "cut at its length limit")]
)
def test_what_cannot_be_read_is_a_failure_with_the_whole_reply(recomposer, change, problem):
    with pytest.raises(UnreadableReply, match=problem) as error:
        recomposer.ask("a cat", change)
    assert error.value.reply.raw["choices"][0]["message"]["content"] == edited("a cat", change)


def test_failed_edits_are_recorded_with_what_was_said_and_never_replaced(recomposer, tmp_path):
    edits = RecordedEdits.make(recomposer, tmp_path / "e.jsonl")
    outcome = edits.fill(["a cat", "a dog", "a cow"], ["red", "unmarked", "blue"])
    assert outcome.answered == 2
    (failure,) = outcome.failed
    assert "0 lines begin with" in failure.error
    assert failure.text == ""
    assert failure.raw["choices"][0]["message"]["content"] == "Sure, here it is."
    assert failure.prompt == load_prompt("open-scene").hash


def test_a_target_comes_with_its_objects_out_of_the_record(server, tmp_path):
    recomposer = load_recomposer("", server=server, prompt=load_prompt("target-objects"))
    edits = RecordedEdits.make(recomposer, tmp_path / "e.jsonl")
    outcome = edits.fill(["a cat", "a cow"], ["objects", "blue"])
    assert outcome.answered == 1
    assert "expected JSON with description" in outcome.failed[0].error
    (record,) = edits.records
    assert record.text == "a cat, objects"
    assert target_of(record).model_dump() == {
        "description": "a cat, objects",
        "present": ["dog"],
        "absent": ["cat"],
    }


def test_a_budget_in_tokens_is_kept(recomposer, tmp_path):
    most = recomposer.most_tokens("a cat", "red")
    assert most > 700
    edits = RecordedEdits.make(recomposer, tmp_path / "e.jsonl", workers=1, budget=Budget(tokens=most + 40))
    outcome = edits.fill([f"cat {i}" for i in range(9)], ["red"] * 9)
    assert 1 <= outcome.answered <= 2
    assert outcome.left == 9 - outcome.answered
    assert "tokens are used up" in outcome.stopped


def test_a_captioner_knows_what_a_question_may_take(captioner):
    assert captioner.most_tokens() > 6_000 + 100
