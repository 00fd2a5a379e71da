"""Records: found by content, written as they come, whole after a kill, replayed without the model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.encode.tiny import Pictures
from workbench.language.cache import (
    EditFailed,
    MissingRecords,
    Record,
    RecordedCaptions,
    RecordedEdits,
    RecordError,
    Records,
    edit_digest,
    make_key,
)
from workbench.language.failures import Refused
from workbench.language.server import Reply

ROOT = Path(__file__).parents[2]
# A separate process that captions 40 pictures, 2 at a time, slowly enough to be caught at it.
WORKER = """
import sys
from tests.encode.tiny import Pictures
from tests.language.test_cache import Counting, captions_of
captions_of(sys.argv[1], Counting(pause=float(sys.argv[2])), batch_size=2).texts(Pictures(40), range(40))
"""


@dataclass
class Said:
    text: str
    finished: bool = True
    tokens: int = 3


class Counting:
    """A captioner that reads a picture's first pixel, and counts how often it was asked."""

    def __init__(self, name: str = "counting@1", pause: float = 0.0, **options):
        self.id, self.pause, self.options, self.asked = name, pause, options or {"decoding": "greedy"}, 0

    def caption(self, images):
        time.sleep(self.pause)
        self.asked += len(images)
        return [Said(f"{self.id} saw {image.getpixel((0, 0))}") for image in images]


def captions_of(path, captioner, batch_size: int = 64) -> RecordedCaptions:
    return RecordedCaptions.make(captioner, path, batch_size=batch_size)


def start(path: Path, pause: float) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(path), str(pause)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "captions.jsonl"


def test_captions_are_made_once_and_then_replayed_without_the_model(path):
    captioner = Counting()
    made = captions_of(path, captioner).texts(Pictures(5), range(5))
    assert captioner.asked == 5
    again = captions_of(path, captioner)
    assert again.texts(Pictures(5), range(5)) == made
    assert captioner.asked == 5
    replayed = RecordedCaptions.replay(path)
    assert replayed.id == "counting@1"
    assert replayed.texts(Pictures(5), [3, 0, 3]) == (made[3], made[0], made[3])


def test_equal_pictures_are_captioned_once_wherever_they_stand(path):
    class Twice(Pictures):
        def __init__(self):
            self.seeds = [7, 8, 7]

    captioner = Counting()
    texts = captions_of(path, captioner, batch_size=1).texts(Twice(), range(3))
    assert texts[0] == texts[2] != texts[1]
    assert captioner.asked == 2


def test_a_record_says_what_it_depends_on_and_how_it_was_made(path):
    captions_of(path, Counting()).texts(Pictures(1), [0])
    (line,) = path.read_text().splitlines()
    record = json.loads(line)
    assert record["input"] == Pictures(1).digest(0)
    assert record["model"] == "counting@1"
    assert record["options"] == {"decoding": "greedy"}
    assert record["info"] == {"finished": True, "tokens": 3}
    assert (record["prompt"], record["sample"]) == ("", 0)
    assert record["seconds"] >= 0
    assert record["time"].endswith("+00:00")


def test_other_model_options_or_picture_is_another_record(path):
    for captioner in (Counting(), Counting("counting@2"), Counting(decoding="greedy", max_tokens=5)):
        captions_of(path, captioner).texts(Pictures(2), range(2))
        assert captioner.asked == 2
    assert len(Records(path)) == 6


@pytest.mark.parametrize(
    "change", [{"input": "y"}, {"model": "n"}, {"options": {"a": 2}}, {"prompt": "h"}, {"sample": 1}]
)
def test_every_field_of_the_key_counts(path, change):
    base = {"input": "x", "model": "m", "options": {"a": 1, "b": 2}, "prompt": "", "sample": 0}
    records = Records(path)
    records.append([Record(**base, text="one")])
    assert make_key(**{**base, "options": {"b": 2, "a": 1}}) in records, (
        "the order of options is no difference"
    )
    assert make_key(**{**base, **change}) not in records


def test_a_text_once_given_never_changes(path):
    records = Records(path)
    records.append([Record("x", "m", "first")])
    records.append([Record("x", "m", "second")])
    assert [r.text for r in Records(path)] == [r.text for r in records] == ["first"]
    assert len(path.read_text().splitlines()) == 1


def test_what_is_missing_is_named_with_the_command_that_makes_it(path):
    captions_of(path, Counting()).texts(Pictures(3), range(3))
    with pytest.raises(MissingRecords, match=r"2 of 4 pictures \(positions \[3, 4\].*workbench caption"):
        RecordedCaptions.replay(path).texts(Pictures(5), [1, 2, 3, 4])


def test_replay_of_a_file_by_several_models_asks_which(path, tmp_path):
    for name in ("one@1", "two@1"):
        captions_of(path, Counting(name)).texts(Pictures(2), range(2))
    with pytest.raises(MissingRecords, match=r"one@1.*two@1"):
        RecordedCaptions.replay(path)
    assert RecordedCaptions.replay(path, "two@1").texts(Pictures(2), [0])[0].startswith("two@1")
    with pytest.raises(MissingRecords, match=r"'three@1'.*one@1"):
        RecordedCaptions.replay(path, "three@1")
    with pytest.raises(MissingRecords, match="no record at all"):
        RecordedCaptions.replay(tmp_path / "nowhere.jsonl")


@pytest.mark.parametrize("left", [1, 20, -1])
def test_a_last_line_cut_off_is_dropped_and_done_again(path, left):
    made = captions_of(path, Counting()).texts(Pictures(3), range(3))
    whole = path.read_bytes()
    start_of_last = whole.rstrip(b"\n").rfind(b"\n") + 1
    path.write_bytes(whole[: start_of_last + left] if left > 0 else whole[:left])
    assert len(Records(path)) == 2
    captioner = Counting()
    assert captions_of(path, captioner).texts(Pictures(3), range(3)) == made
    assert captioner.asked == 1
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()] == list(made)


@pytest.mark.parametrize("line", ["{", "[]", '{"input": "x"}', '{"no such": "field"}', "\xff"])
def test_a_broken_line_elsewhere_is_named(path, line):
    captions_of(path, Counting()).texts(Pictures(2), range(2))
    first, second = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([first, line.encode("latin-1"), second, b""]))
    with pytest.raises(RecordError, match=r"captions\.jsonl, line 2"):
        Records(path)


def test_texts_of_any_language_and_with_line_breaks_come_back(path):
    text = "ein Kätzchen\nmit 帽子  ok"
    Records(path).append([Record("x", "m", text)])
    assert [r.text for r in Records(path)] == [text]


def test_killed_in_mid_work_nothing_finished_is_lost(path):
    worker = start(path, pause=0.3)
    deadline = time.monotonic() + 300
    while not path.exists() or len(path.read_bytes().splitlines()) < 6:
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)
    os.kill(worker.pid, signal.SIGKILL)
    assert worker.wait() == -signal.SIGKILL
    kept = len(Records(path))
    assert 6 <= kept < 40, "the kill came too late to test anything"
    captioner = Counting()
    resumed = captions_of(path, captioner).texts(Pictures(40), range(40))
    assert captioner.asked == 40 - kept
    undisturbed = captions_of(path.parent / "other.jsonl", Counting()).texts(Pictures(40), range(40))
    assert resumed == undisturbed


def test_two_processes_at_once_leave_whole_lines(path):
    workers = [start(path, pause=0.01) for _ in range(2)]
    assert [worker.wait(timeout=300) for worker in workers] == [0, 0]
    assert len(Records(path)) == 40
    lines = path.read_text().splitlines()
    assert 40 <= len(lines) <= 80
    assert {json.loads(line)["text"] for line in lines} == {r.text for r in Records(path)}


def test_a_captioner_that_gives_too_few_is_an_error(path):
    class Short(Counting):
        def caption(self, images):
            return super().caption(images)[:-1]

    with pytest.raises(ValueError, match="shorter"):
        captions_of(path, Short()).texts(Pictures(3), range(3))


@pytest.mark.parametrize(("environment", "shown"), [({}, True), ({"TQDM_DISABLE": "1"}, False)])
def test_progress_is_shown_unless_the_environment_silences_it(tmp_path, environment, shown):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TQDM_")}
    done = subprocess.run(
        [sys.executable, "-c", WORKER, str(tmp_path / "captions.jsonl"), "0"],
        cwd=ROOT,
        env=kept | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("caption pictures" in done.stderr) == shown


# ---- several samples, a captioner behind a server ----


class Sampling(Counting):
    """Says something else for every sample."""

    def caption(self, images, sample=0):
        return [Said(f"{said.text} ({sample})") for said in super().caption(images)]


def test_samples_are_kept_apart_and_counted(path):
    captions = captions_of(path, Sampling())
    assert captions.samples == 0
    first, third = captions.texts(Pictures(3), range(3)), captions.texts(Pictures(3), range(3), sample=2)
    assert all(a.endswith("(0)") and b.endswith("(2)") for a, b in zip(first, third, strict=True))
    replayed = RecordedCaptions.replay(path)
    assert replayed.samples == 3
    assert replayed.texts(Pictures(3), range(3), sample=2) == third
    with pytest.raises(MissingRecords, match="3 of 3 pictures"):
        replayed.texts(Pictures(3), range(3), sample=1)


class Asked:
    """A captioner behind a server: one picture at a time; refuses some pictures."""

    id, options = "remote@host", {"max_tokens": 9}

    class prompt:
        name, hash = "scene", "cafe01"

    def __init__(self, *refused: tuple[int, int, int]):
        self.refused, self.asked = refused, 0

    def ask(self, image, sample=0):
        self.asked += 1
        if image.getpixel((0, 0)) in self.refused:
            raise Refused("HTTP 400: not this picture")
        return Reply(f"{image.getpixel((0, 0))} {sample}", {"whole": "answer"}, 5, 4, 0.1)


def test_a_captioner_behind_a_server_is_asked_picture_by_picture(path):
    captions = RecordedCaptions.make(Asked(), path, workers=2)
    texts = captions.texts(Pictures(5), [0, 1, 2, 2, 1], sample=1)
    assert texts == tuple(f"{Pictures(5)[i].getpixel((0, 0))} 1" for i in (0, 1, 2, 2, 1))
    assert captions.source.asked == 3
    (record, *_) = captions.records
    assert (record.prompt, record.info["prompt"], record.raw) == ("cafe01", "scene", {"whole": "answer"})
    assert (record.prompt_tokens, record.completion_tokens, record.sample) == (5, 4, 1)


def test_pictures_that_got_no_caption_are_listed_and_asked_again(path):
    bad = Pictures(4)[2].getpixel((0, 0))
    captions = RecordedCaptions.make(Asked(bad), path)
    outcome = captions.fill(Pictures(4), range(4))
    assert (outcome.answered, [f.input for f in outcome.failed]) == (3, [Pictures(4).digest(2)])
    with pytest.raises(
        MissingRecords, match=r"1 of 4 pictures \(positions \[2\].*1 of them failed.*HTTP 400"
    ):
        RecordedCaptions.replay(path).texts(Pictures(4), range(4))
    again = RecordedCaptions.make(Asked(), path)
    assert len(again.texts(Pictures(4), range(4))) == 4
    assert again.source.asked == 1


# ---- edits ----


class Shouting:
    """A recomposer in this process: no `ask`, no options."""

    id = "shouting@1"

    def __init__(self):
        self.asked = 0

    def recompose(self, caption, modification):
        self.asked += 1
        if "cannot" in modification:
            raise ValueError("no such edit")
        return f"{caption}, {modification}".upper()


def test_edits_are_made_once_and_then_replayed(path):
    edits = RecordedEdits.make(Shouting(), path)
    pairs = (["a cat", "a dog", "a cat"], ["red", "blue", "red"])
    assert edits.texts(*pairs) == ("A CAT, RED", "A DOG, BLUE", "A CAT, RED")
    assert edits.source.asked == 2
    replayed = RecordedEdits.replay(path)
    assert (replayed.id, replayed.samples) == ("shouting@1", 1)
    assert replayed.texts(*pairs) == edits.texts(*pairs)
    assert replayed.recompose("a dog", "blue") == "A DOG, BLUE"
    assert {(r.info["caption"], r.info["modification"]) for r in replayed.records} == {
        ("a cat", "red"),
        ("a dog", "blue"),
    }


def test_two_pairs_of_texts_never_look_alike():
    pairs = [("a", "b c"), ("a b", "c"), ("", "a b c"), ("a b c", ""), ('a", "b', "c"), ("a", 'b", "c')]
    assert len({edit_digest(*pair) for pair in pairs}) == len(pairs)


def test_replayed_edits_call_nothing_and_put_nothing_in_the_place_of_a_failure(path):
    edits = RecordedEdits.make(Shouting(), path)
    outcome = edits.fill(["a cat", "a dog"], ["red", "cannot"])
    assert (outcome.answered, [f.error for f in outcome.failed]) == (1, ["no such edit"])
    replayed = RecordedEdits.replay(path)
    with pytest.raises(EditFailed, match="no such edit"):
        replayed.recompose("a dog", "cannot")
    with pytest.raises(MissingRecords, match=r"1 of 2 captions.*failed.*no such edit.*workbench recompose"):
        replayed.texts(["a cat", "a dog"], ["red", "cannot"])
    with pytest.raises(MissingRecords, match="1 of 1 captions"):
        replayed.recompose("a bird", "red")


def test_a_recomposer_that_gives_one_text_is_not_asked_for_a_second(path):
    with pytest.raises(ValueError, match=r"sample: got 1, but shouting@1"):
        RecordedEdits.make(Shouting(), path).texts(["a cat"], ["red"], sample=1)


def test_another_prompt_is_another_record_and_replay_asks_which(path):
    class Prompted(Shouting):
        def __init__(self, hash):
            super().__init__()
            self.prompt = type("Prompt", (), {"name": "garment", "hash": hash})

    for hash in ("cafe01", "cafe02"):
        source = Prompted(hash)
        RecordedEdits.make(source, path).texts(["a cat"], ["red"])
        assert source.asked == 1
    with pytest.raises(MissingRecords, match=r"cafe01.*cafe02"):
        RecordedEdits.replay(path)
    assert RecordedEdits.replay(path, prompt="cafe02").texts(["a cat"], ["red"]) == ("A CAT, RED",)


def test_the_records_of_the_built_in_benchmark_are_readable():
    records = Records(ROOT / "data" / "tinycir" / "captions.jsonl")
    assert len(records) > 1000
    assert all(record.text and not record.error for record in records)
