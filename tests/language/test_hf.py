"""transformers models of five families, made and saved on the spot: captions, edits, and what is refused on loading."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import huggingface_hub
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.encode.tiny import Pictures, picture
from tests.language.tiny_hf import CONTEXT, END, START, write_model
from workbench.language.cache import RecordedCaptions, RecordedEdits
from workbench.language.captions import CaptionerError, load_captioner
from workbench.language.decoding import GREEDY, Decoding, DecodingError, picture_content
from workbench.language.failures import UnreadableReply
from workbench.language.hf import ModelError, find_model
from workbench.language.image_to_text import HfCaptioner
from workbench.language.prompts import load_prompt
from workbench.language.recompose import load_recomposer
from workbench.language.text_generation import HfRecomposer

PICTURES = [picture(i) for i in range(5)]
SAMPLED = Decoding(temperature=1.0, top_p=0.9, seed=1, max_tokens=10)
PROMPT, TINY = load_prompt("short"), load_prompt("tiny-editor")


@pytest.fixture(scope="module", params=["blip", "blip2", "git", "pair", "chat"])
def kind(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """folders("blip"): a saved model of that kind, made once; ends come early enough to be seen."""
    root, made = tmp_path_factory.mktemp("models"), {}

    def folder(kind: str):
        if kind not in made:
            made[kind] = write_model(kind, root / kind, end=4.0 if kind in ("chat", "editor") else 2.0)
        return made[kind]

    return folder


@pytest.fixture
def captioner_of(folders):
    def load(kind: str, decoding: Decoding = SAMPLED, **options) -> HfCaptioner:
        prompt = PROMPT if kind == "chat" else None
        return HfCaptioner(str(folders(kind)), decoding, **({"prompt": prompt} | options))

    return load


def test_greedy_captions_are_what_the_model_says_by_itself(captioner_of, kind):
    captioner = captioner_of(kind, Decoding(max_tokens=10))
    captions = captioner.caption(PICTURES)
    inputs = captioner._inputs(PICTURES)
    rows = captioner.model.generate(**inputs, max_new_tokens=10, do_sample=False, num_beams=1)
    given = inputs["input_ids"].shape[1] if "input_ids" in inputs else 0
    texts = captioner.tokenizer.batch_decode(rows[:, given:], skip_special_tokens=True)
    assert [caption.text for caption in captions] == [" ".join(text.split()) for text in texts]
    assert len(set(texts)) > 2, "pictures must matter, or this shows nothing"


def test_a_batch_and_single_pictures_agree(captioner_of, kind):
    for decoding in (Decoding(max_tokens=10), SAMPLED):
        captioner = captioner_of(kind, decoding)
        assert captioner.caption(PICTURES) == [captioner.caption([image])[0] for image in PICTURES]


def test_samples_belong_to_picture_seed_and_number(captioner_of, kind):
    captioner = captioner_of(kind)
    several = [captioner.caption(PICTURES, sample=sample) for sample in range(3)]
    assert captioner.caption(PICTURES[::-1], sample=2) == several[2][::-1]
    assert several[0] != several[1] != several[2] != several[0]
    assert captioner_of(kind, Decoding(1.0, 0.9, seed=2, max_tokens=10)).caption(PICTURES) != several[0]


def test_sampled_captions_agree_with_a_slow_loop_over_the_whole_model(captioner_of):
    captioner = captioner_of("blip")
    captions = captioner.caption(PICTURES, sample=1)
    assert {caption.finished for caption in captions} == {True, False}
    for image, caption in zip(PICTURES, captions, strict=True):
        numbers = SAMPLED.numbers([picture_content(image)], 1, 10)
        pixels, tokens = captioner._inputs([image])["pixel_values"], [START]
        while len(tokens) <= 10 and tokens[-1] != END:
            with torch.inference_mode():
                logits = captioner.model(pixel_values=pixels, input_ids=torch.tensor([tokens])).logits[:, -1]
            tokens.append(int(SAMPLED.pick(logits, torch.from_numpy(numbers[:, len(tokens) - 1]))))
        words = [token for token in tokens[1:] if token != END]
        assert caption.text == " ".join(captioner.tokenizer.decode(words, skip_special_tokens=True).split())
        assert (caption.finished, caption.tokens) == (tokens[-1] == END, len(words))


def test_a_prompt_stands_before_the_caption_and_is_not_part_of_it(captioner_of):
    started = PROMPT.model_copy(update={"message": "a small"})
    short = Decoding(max_tokens=10)
    with_prompt = captioner_of("blip", short, prompt=started).caption(PICTURES)
    without = captioner_of("blip", short).caption(PICTURES)
    assert with_prompt != without
    assert not all(caption.text.startswith("a small") for caption in with_prompt)


def test_id_and_options_name_weights_recipe_and_decoding(captioner_of, folders, tmp_path):
    captioner = captioner_of("blip")
    name, _, digests = captioner.id.partition("@")
    weights, recipe = digests.split(".")
    assert (name, len(weights), len(recipe)) == ("blip", 12, 8)
    assert captioner.options == SAMPLED.options() | {"dtype": "float32"}

    copy = shutil.copytree(folders("blip"), tmp_path / "blip")
    (copy / "README.md").write_text("a word about it")
    assert find_model(copy).id == captioner.id
    config = json.loads((copy / "generation_config.json").read_text())
    (copy / "generation_config.json").write_text(json.dumps(config | {"repetition_penalty": 1.3}))
    assert find_model(copy).id.split(".")[0] == captioner.id.split(".")[0]
    assert find_model(copy).id != captioner.id
    write_model("blip", tmp_path / "other" / "blip", seed=1)
    assert find_model(tmp_path / "other" / "blip").id.split(".")[0] != captioner.id.split(".")[0]


def test_captions_of_a_transformers_model_are_recorded_and_replayed(captioner_of, tmp_path):
    captions = RecordedCaptions.make(captioner_of("git"), tmp_path / "c.jsonl", batch_size=2)
    made = [captions.texts(Pictures(5), range(5), sample) for sample in range(2)]
    replayed = RecordedCaptions.replay(tmp_path / "c.jsonl")
    assert [replayed.texts(Pictures(5), range(5), sample) for sample in range(2)] == made


def test_captioners_by_name(folders, captioner_of):
    assert load_captioner(str(folders("blip")), decoding=SAMPLED).caption(PICTURES) == captioner_of(
        "blip"
    ).caption(PICTURES)
    with pytest.raises(CaptionerError, match="no captioner is called 'blipp'"):
        load_captioner("blipp")
    with pytest.raises(CaptionerError, match="a CoCa takes no prompt, got 'short'"):
        load_captioner("coca", prompt=PROMPT)


def test_what_does_not_fit_the_model_is_refused(captioner_of):
    with pytest.raises(ModelError, match="is a chat model: it needs a prompt"):
        captioner_of("chat", prompt=None)
    with pytest.raises(ModelError, match="takes a picture and no text"):
        captioner_of("pair", prompt=PROMPT)
    with pytest.raises(DecodingError, match="set a temperature"):
        captioner_of("blip", GREEDY).caption(PICTURES, sample=1)
    assert captioner_of("blip").caption([]) == []


# edits

EDITS = [
    ("a cat", "red"),
    ("the dog on hill", "red"),
    ("two cow", "blue box"),
    ("a big box near hill", "small"),
]


@pytest.fixture
def recomposer(folders) -> HfRecomposer:
    return HfRecomposer(str(folders("editor")), TINY, Decoding(max_tokens=12))


def asked(recomposer, pair, sample=0):
    try:
        reply = recomposer.ask(*pair, sample)
    except UnreadableReply as error:
        reply = error.reply
    return reply.text, reply.raw, reply.prompt_tokens, reply.completion_tokens


def test_an_edit_is_what_the_model_says_by_itself(recomposer):
    for pair in EDITS:
        text = f"user Caption: {pair[0]}\nChange: {pair[1]} "
        ids = recomposer.tokenizer(text, return_tensors="pt", add_special_tokens=False).input_ids
        row = recomposer.model.generate(ids, max_new_tokens=12, do_sample=False)[0, ids.shape[1] :].tolist()
        words = row[: row.index(END)] if END in row else row
        _, raw, n_read, n_said = asked(recomposer, pair)
        assert raw["choices"][0]["message"]["content"] == recomposer.tokenizer.decode(
            words, skip_special_tokens=True
        )
        assert raw["choices"][0]["finish_reason"] == ("stop" if END in row else "length")
        assert (n_read, n_said) == (ids.shape[1], len(words))


def test_questions_that_wait_are_answered_as_one_batch_with_the_same_texts(recomposer, monkeypatch):
    alone = [asked(recomposer, pair) for pair in EDITS]
    assert len({raw["choices"][0]["message"]["content"] for _, raw, *_ in alone}) > 2
    sizes, answer = [], recomposer._batches.answer
    monkeypatch.setattr(
        recomposer._batches, "answer", lambda questions: (sizes.append(len(questions)), answer(questions))[1]
    )
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(lambda pair: asked(recomposer, pair), EDITS * 8))
    assert together == alone * 8
    assert sum(sizes) == len(EDITS) * 8
    assert max(sizes) > 1
    assert max(sizes) <= recomposer.workers


def test_an_error_reaches_all_who_wait_and_the_next_batch_goes_on(recomposer, monkeypatch):
    answer = recomposer._batches.answer
    monkeypatch.setattr(recomposer._batches, "answer", lambda questions: 1 / 0)
    with ThreadPoolExecutor(4) as pool:
        errors = [pool.submit(recomposer.ask, *EDITS[0]).exception() for _ in range(8)]
    assert all(isinstance(error, ZeroDivisionError) for error in errors)
    monkeypatch.setattr(recomposer._batches, "answer", answer)
    assert asked(recomposer, EDITS[0])[1]


def test_samples_of_edits(folders):
    sampled = HfRecomposer(str(folders("editor")), TINY, Decoding(1.0, max_tokens=12))
    several = [[asked(sampled, pair, sample)[1] for pair in EDITS] for sample in range(2)]
    assert several[0] != several[1]
    assert several[1] == [asked(sampled, pair, 1)[1] for pair in EDITS]
    with pytest.raises(DecodingError):
        HfRecomposer(str(folders("editor")), TINY).ask("a cat", "red", sample=1)


def test_edits_are_recorded_whole_and_the_unreadable_ones_are_listed(recomposer, tmp_path):
    edits = RecordedEdits.make(recomposer, tmp_path / "e.jsonl")
    outcome = edits.fill(*zip(*EDITS, strict=True))
    assert outcome.answered + len(outcome.failed) == len(EDITS)
    assert outcome.failed and outcome.answered, "both kinds must occur, or this shows nothing"
    for record in [*edits.records, *outcome.failed]:
        assert record.raw["choices"][0]["message"]["role"] == "assistant"
        assert record.prompt == TINY.hash
        assert record.options == {"decoding": "greedy", "max_tokens": 12, "dtype": "float32"}
    assert all(record.text == "" and record.error for record in outcome.failed)


def test_a_question_that_does_not_fit_fails_alone(recomposer, tmp_path):
    outcome = RecordedEdits.make(recomposer, tmp_path / "e.jsonl").fill(
        ["cat " * CONTEXT, "a cat"], ["red", "red"]
    )
    assert outcome.answered == 1
    assert f"has room for {CONTEXT} tokens; prompt 'tiny-editor'" in outcome.failed[0].error


def test_recomposers_by_name(folders, recomposer):
    loaded = load_recomposer(str(folders("editor")), prompt=TINY, decoding=Decoding(max_tokens=12))
    assert asked(loaded, EDITS[0])[:2] == asked(recomposer, EDITS[0])[:2]
    assert loaded.id == recomposer.id


def test_a_model_without_a_chat_template_is_refused(tmp_path):
    write_model("editor", tmp_path / "base", template=None)
    with pytest.raises(ModelError, match="no chat template"):
        HfRecomposer(str(tmp_path / "base"))


def test_a_template_that_refuses_the_prompt_is_named(tmp_path):
    template = "{{ raise_exception('no system role') }}"
    write_model("editor", tmp_path / "picky", template=template)
    with pytest.raises(ModelError, match="its chat template refuses prompt 'open-scene': no system role"):
        HfRecomposer(str(tmp_path / "picky")).ask("a cat", "red")


# loading


@pytest.fixture
def copy(folders, tmp_path):
    return shutil.copytree(folders("blip"), tmp_path / "copy")


def test_weights_that_could_run_code_are_not_read(copy):
    weights = load_file(copy / "model.safetensors")
    torch.save(weights, copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    with pytest.raises(
        ModelError, match=r"copy: no \.safetensors file in it; weights in other forms can run code"
    ):
        HfCaptioner(str(copy))


def test_a_parameter_that_is_missing_is_not_left_at_random(copy):
    weights = load_file(copy / "model.safetensors")
    name = next(name for name in weights if "crossattention" in name)
    del weights[name]
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=f"the weights lack 1 parameters.*{name}"):
        HfCaptioner(str(copy))


def test_an_index_that_names_files_elsewhere_is_refused(copy):
    index = {"weight_map": {"a": "model.safetensors", "b": "../../elsewhere.safetensors"}}
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(
        ModelError, match=r"names '\.\./\.\./elsewhere\.safetensors', which is not in that folder"
    ):
        HfCaptioner(str(copy))


def test_code_in_a_model_folder_is_not_run(copy):
    (copy / "mine.py").write_text("open('ran', 'w')")
    config = {
        "model_type": "mine",
        "auto_map": {"AutoConfig": "mine.Mine", "AutoModelForImageTextToText": "mine.Mine"},
    }
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="copy@"):
        HfCaptioner(str(copy))
    assert not list(copy.rglob("ran"))


@pytest.mark.parametrize("spoil", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_spoiled_file_is_one_clear_error(copy, spoil):
    (copy / spoil).write_bytes(b"\0\1\2")
    with pytest.raises(ModelError, match="copy@"):
        HfCaptioner(str(copy))


@pytest.mark.parametrize("name", ["/no/such/folder", "nowhere", "./a/b"])
def test_a_folder_that_is_not_there(name):
    with pytest.raises(ModelError, match=f"no model folder {name}"):
        find_model(name)


def test_a_model_of_the_hub_is_named_by_its_commit(folders, tmp_path, monkeypatch):
    commit = "0123456789abcdef" * 2 + "01234567"
    cached = tmp_path / "models--someone--blip"
    shutil.copytree(folders("blip"), cached / "snapshots" / commit)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    offline = partial(huggingface_hub.snapshot_download, cache_dir=tmp_path, local_files_only=True)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    captioner = HfCaptioner("someone/blip", SAMPLED)
    assert captioner.id == "someone/blip@0123456789ab"
    assert captioner.caption(PICTURES) == HfCaptioner(str(folders("blip")), SAMPLED).caption(PICTURES)
    with pytest.raises(ModelError, match=r"cannot get 'someone/else' from the hub.*Without a network"):
        find_model("someone/else")
