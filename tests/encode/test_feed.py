"""Pictures on their way to a model: the same rows from this process and from workers, each stage timed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.encode.test_store import ROOT, wait_until
from tests.encode.tiny import FakeEncoder, Pictures, picture, rows_asked_for, write_coca
from workbench.data.images import FolderImages, PictureError
from workbench.encode.feed import Feed, Throughput, WorkerDied
from workbench.encode.store import EmbeddingStore


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    from workbench.encode.encoder import load_encoder

    return load_encoder(f"local-dir:{write_coca(tmp_path_factory.mktemp('models') / 'toy')}+targetpad")


@pytest.fixture
def photos(tmp_path) -> FolderImages:
    (tmp_path / "photos").mkdir()
    pictures = photos_at(tmp_path / "photos")
    for i, name in enumerate(pictures.names):
        picture(i, size=20).resize((20, 30)).save(pictures.root / name)
    return pictures


def photos_at(folder) -> FolderImages:
    return FolderImages(folder, [f"{i:03d}.png" for i in range(150)])


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def command_of(pid: int) -> str:
    """Empty where there is no such process any more."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def store_at(path, **more) -> EmbeddingStore:
    return EmbeddingStore(path, shard_rows=100, progress=False, **more)


def test_rows_are_those_of_the_encoder_and_every_stage_is_timed(tmp_path, encoder, photos):
    store = store_at(tmp_path / "store")
    rows = store.images(encoder, photos).raw()
    expected = encoder.encode_images([photos[i] for i in range(150)])
    np.testing.assert_allclose(rows, expected, atol=1e-6)
    took = store.throughput
    assert took.pictures == 150 and 0 < sum(took.stages.values()) <= took.seconds * 1.01
    assert min(took.stages[s] for s in ("checking", "reading", "decoding", "preprocessing", "model")) > 0
    store.images(encoder, photos)
    assert str(store.throughput) == "nothing to encode: all rows were in the store"


class Fed(FakeEncoder):
    """A fake that workers can feed: preparing is making numbers of a picture. No torch, so they start quickly."""

    prepare = staticmethod(np.asarray)

    def encode_prepared(self, pixels):
        return self._rows([some.tobytes() for some in pixels])


@pytest.mark.slow
def test_workers_give_the_same_rows_and_go_on_where_it_stopped(tmp_path, photos):
    log = tmp_path / "log"
    whole = FakeEncoder().encode_images([photos[i] for i in range(150)])
    store = store_at(tmp_path / "a", workers=2)
    np.testing.assert_array_equal(store.images(Fed(), photos).raw(), whole)
    assert store.throughput.workers == 2 and store.throughput.stages["decoding"] > 0
    next((tmp_path / "a").glob("*/00000.npy")).unlink()
    np.testing.assert_array_equal(store.images(Fed(log=log), photos).raw(), whole)
    assert store.throughput.pictures == rows_asked_for(log) == 100
    assert not multiprocessing.active_children(), "the workers are let go"


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_all_bad_pictures_are_named_before_anything_is_encoded(tmp_path, photos, workers):
    (photos.root / photos.names[149]).write_bytes(b"not a picture")
    whole = (photos.root / photos.names[3]).read_bytes()
    (photos.root / photos.names[3]).write_bytes(whole[: len(whole) // 2])
    log, store = tmp_path / "log", store_at(tmp_path / "a", workers=workers)
    said = (
        r"003\.png: cannot be decoded.*; 149\.png: not a picture in a known format \(2 of 150 pictures cannot"
    )
    with pytest.raises(PictureError, match=said):
        store.images(Fed(log=log), photos)
    assert rows_asked_for(log) == 0


HELD = """
import os, sys, time
from tests.encode.test_feed import Fed, photos_at
from workbench.encode.feed import Feed
if __name__ == "__main__":
    feed = Feed(Fed(), photos_at(sys.argv[1]), workers=2, progress=False)
    feed.plan([range(i, i + 10) for i in range(0, 150, 10)])
    feed(range(0, 10))
    open(sys.argv[2], "w").write("there")
    time.sleep(600)
"""


@pytest.mark.slow
def test_workers_end_with_a_killed_parent(tmp_path, photos):
    script = tmp_path / "held.py"
    script.write_text(HELD)
    command = [sys.executable, str(script), str(photos.root), str(tmp_path / "said")]
    parent = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    wait_until((tmp_path / "said").exists)
    workers = [pid for pid in children(parent.pid) if "spawn_main" in command_of(pid)]
    assert len(workers) == 2
    parent.kill()
    parent.wait()
    try:
        wait_until(lambda: not any("spawn_main" in command_of(pid) for pid in workers), seconds=60)
    finally:
        for pid in workers:
            if "spawn_main" in command_of(pid):
                os.kill(pid, signal.SIGKILL)


def ends_its_process(picture):
    os._exit(9)


@pytest.mark.slow
def test_a_worker_that_dies_is_said(photos):
    encoder = Fed()
    encoder.prepare = ends_its_process
    feed = Feed(encoder, photos, workers=1, progress=False)
    feed.plan([range(0, 10), range(10, 20)])
    with pytest.raises(WorkerDied, match=r"1 processes that prepare .* ended by itself.*fewer workers"):
        feed(range(0, 10))
    feed.close()


@pytest.mark.slow
def test_an_encoder_without_a_step_of_its_own_can_have_workers_too(photos):
    feed = Feed(FakeEncoder(), photos, workers=1, progress=False)
    feed.plan([range(0, 4), range(4, 8)])
    expected = FakeEncoder().encode_images([photos[i] for i in range(4)])
    np.testing.assert_array_equal(feed(range(0, 4)), expected)
    feed.close()


def test_an_encoder_without_a_step_of_its_own_is_fed_pictures(tmp_path):
    feed = Feed(FakeEncoder(), Pictures(5))
    feed.plan([range(0, 2), range(2, 5)])
    rows = np.concatenate([feed(range(0, 2)), feed(range(2, 5))])
    pictures = Pictures(5)
    np.testing.assert_array_equal(rows, FakeEncoder().encode_images([pictures[i] for i in range(5)]))
    assert feed.stages["preprocessing"] < feed.stages["decoding"]  # nothing is done there


def test_a_picture_that_breaks_between_the_check_and_its_turn_is_an_error(photos):
    feed = Feed(FakeEncoder(), photos, progress=False)
    feed.plan([range(0, 4)])
    (photos.root / "002.png").write_bytes(b"")
    with pytest.raises(PictureError, match=r"002\.png: the file is empty"):
        feed(range(0, 4))


def test_the_line_says_what_was_slow():
    stages = {
        "checking": 1.0,
        "reading": 0.01,
        "decoding": 30.0,
        "preprocessing": 5.0,
        "waiting": 40.0,
        "model": 20.0,
    }
    alone = Throughput(1000, 100.0, 0, stages)
    assert alone.slowest == "decoding"
    assert str(alone) == (
        "1,000 pictures in 100.0 s, 10.0 a second; slowest: decoding; checking 1.0 s, decoding 30.0 s, "
        "preprocessing 5.0 s, waiting 40.0 s, model 20.0 s"
    )
    shared = Throughput(1000, 100.0, 4, stages)
    assert shared.slowest == "model"  # four decode side by side
    assert str(shared).endswith("(stages before the model in 4 processes)")


def test_no_process_is_started_for_a_single_batch(photos, monkeypatch):
    monkeypatch.setattr(Feed, "_from_workers", None)
    feed = Feed(FakeEncoder(), photos, workers=8, progress=False)
    feed.plan([range(0, 1)])
    assert feed(range(0, 1)).shape == (1, 8)
    assert feed.throughput.workers == 0 and str(feed.throughput).startswith("1 picture in ")


def test_reading_and_decoding_are_told_apart(photos, monkeypatch):
    from workbench.encode import feed as module

    def slowly(data, name):
        time.sleep(0.02)
        return picture(0)

    monkeypatch.setattr(module, "open_picture", slowly)
    feed = Feed(FakeEncoder(), photos, progress=False)
    feed(range(0, 5))
    assert feed.stages["decoding"] >= 0.1 > feed.stages["reading"] > 0
