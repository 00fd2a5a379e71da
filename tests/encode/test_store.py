"""The store: found by content, whole after a kill, safe with two processes, never wrong in silence."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.encode.tiny import FakeEncoder, Pictures, rows_asked_for
from workbench.arrays import unit
from workbench.data.images import FolderImages, PictureError
from workbench.encode.encoder import EncoderError
from workbench.encode.store import Collection, EmbeddingStore, StoreError
from workbench.paths import PathEscape
from workbench.progress import progress_bar

ROOT = Path(__file__).parents[2]
# A separate process that encodes 40 pictures, 4 to a shard, slowly enough to be caught at it. It says that it is ready
# and begins once as many are as shall meet.
WORKER = """
import os, sys, time
from pathlib import Path
from tests.encode.tiny import FakeEncoder, Pictures
from workbench.encode.store import EmbeddingStore
root, log, pause, meet = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
store = EmbeddingStore(root, shard_rows=4, progress=False)
(log.parent / f"ready-{os.getpid()}").touch()
deadline = time.monotonic() + 300
while len(list(log.parent.glob("ready-*"))) < meet:
    assert time.monotonic() < deadline
    time.sleep(0.005)
store.images(FakeEncoder(pause=pause, log=log), Pictures(40))
"""


def start(root: Path, log: Path, pause: float, meet: int = 1) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(root), str(log), str(pause), str(meet)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )


def store_at(root: Path, shard_rows: int = 4) -> EmbeddingStore:
    return EmbeddingStore(root, shard_rows=shard_rows, progress=False)


def shards(root: Path) -> list[Path]:
    return sorted(root.glob("*/*.npy"))


def wait_until(condition, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def test_rows_are_those_of_the_encoder_raw_and_in_order(tmp_path):
    encoder, pictures = FakeEncoder(), Pictures(10)
    rows = store_at(tmp_path).images(encoder, pictures)
    expected = encoder.encode_images([pictures[i] for i in range(10)])
    assert len(rows) == 10
    np.testing.assert_array_equal(rows.raw(), expected)
    np.testing.assert_array_equal(rows.unit(), unit(expected))
    assert not np.allclose(np.linalg.norm(rows.raw(), axis=1), 1)


def test_one_shard_is_served_as_a_memory_map(tmp_path):
    rows = store_at(tmp_path, shard_rows=100).images(FakeEncoder(), Pictures(10)).raw()
    assert isinstance(rows, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        rows[0, 0] = 1


def test_an_empty_list_is_a_collection_of_no_rows(tmp_path):
    assert store_at(tmp_path).texts(FakeEncoder(dim=8), []).raw().shape == (0, 8)


def test_the_second_time_nothing_is_encoded(tmp_path):
    log = tmp_path / "log"
    for _ in range(2):
        store_at(tmp_path / "store").texts(FakeEncoder(log=log), ["a", "b", "c", "d", "e"])
    assert rows_asked_for(log) == 5


@pytest.mark.parametrize(
    ("encoder", "texts"),
    [
        (FakeEncoder(name="fake@2"), ["a", "b"]),  # other weights
        (FakeEncoder(), ["b", "a"]),  # another order
        (FakeEncoder(), ["a", "c"]),  # another text
        (FakeEncoder(), ["a"]),  # fewer
        (FakeEncoder(), ["a\nb"]),  # one text that looks like two
    ],
)
def test_other_content_is_another_collection(tmp_path, encoder, texts):
    store = store_at(tmp_path)
    store.texts(FakeEncoder(), ["a", "b"])
    np.testing.assert_array_equal(store.texts(encoder, texts).raw(), encoder.encode_texts(texts))
    assert len(store.manifests()) == 2


def test_a_list_with_one_more_costs_one(tmp_path):
    """Wherever it stands, for pictures and texts, and over the borders of shards."""
    store, log = store_at(tmp_path / "store"), tmp_path / "log"
    eleven = Pictures(11, first=1)
    store.images(FakeEncoder(), eleven)
    for n, more in enumerate((Pictures(12, first=1), Pictures(12), Pictures(4, first=6)), 1):
        rows = store.images(FakeEncoder(log=log), more).raw()
        np.testing.assert_array_equal(rows, FakeEncoder().encode_images([more[i] for i in range(len(more))]))
        assert rows_asked_for(log) == min(n, 2)  # the last list holds nothing new
        assert store.throughput.pictures == (1 if n < 3 else 0)
    texts = [f"text {i}" for i in range(9)]
    store.texts(FakeEncoder(), texts)
    rows = store.texts(FakeEncoder(log=log), [*texts[:5], "new", *texts[4:], "newer"]).raw()
    np.testing.assert_array_equal(rows, FakeEncoder().encode_texts([*texts[:5], "new", *texts[4:], "newer"]))
    assert rows_asked_for(log) == 4


def test_new_items_among_known_ones_are_asked_for_in_whole_batches(tmp_path):
    store, log = store_at(tmp_path / "store", shard_rows=100), tmp_path / "log"
    every = [f"text {i}" for i in range(200)]
    store.texts(FakeEncoder(), every[::2])
    np.testing.assert_array_equal(
        store.texts(FakeEncoder(log=log), every).raw(), FakeEncoder().encode_texts(every)
    )
    assert log.read_text().split() == ["50", "50"]  # one batch a shard


def test_rows_are_lent_between_equal_encoders_and_kinds_alone(tmp_path):
    store, log = store_at(tmp_path / "store"), tmp_path / "log"
    store.texts(FakeEncoder(), ["a", "b"])
    store.texts(FakeEncoder(name="fake@2", log=log), ["a", "b", "c"])
    store.texts(FakeEncoder(dim=9, log=log), ["a", "b", "c"])
    digests = tuple(hashlib.sha256(text.encode()).hexdigest() for text in "abc")
    whole = Collection("fake@1", "map", digests, 8)  # a row that depends on the whole list is never lent
    store.rows(whole, lambda some: FakeEncoder(log=log).encode_texts(["xyz"[i] for i in some]))
    again = Collection("fake@1", "map", digests[::-1], 8)
    store.rows(again, lambda some: FakeEncoder(log=log).encode_texts(["xyz"[i] for i in some]))
    assert rows_asked_for(log) == 12


def test_a_collection_that_cannot_be_read_lends_nothing(tmp_path):
    """Whoever asks for that collection itself is told; here it costs time, and no wrong row is taken."""
    root = tmp_path / "store"
    spoil = {
        "00000.npy": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        "manifest.json": lambda data: data[:40],
        "items.txt": lambda data: data[65:] + b"\n" + data[:64],  # in another order
    }
    for number, (name, change) in enumerate(spoil.items()):
        texts, log = [f"{number} {letter}" for letter in "abcd"], tmp_path / f"log{number}"
        store_at(root).texts(FakeEncoder(), texts)
        victim = root / _folder_of(root, texts) / name
        victim.write_bytes(change(victim.read_bytes()))
        rows = store_at(root).texts(FakeEncoder(log=log), [*texts, f"{number} new"]).raw()
        np.testing.assert_array_equal(rows, FakeEncoder().encode_texts([*texts, f"{number} new"]))
        assert rows_asked_for(log) == 5


def _folder_of(root, texts) -> str:
    return Collection("fake@1", "texts", tuple(hashlib.sha256(t.encode()).hexdigest() for t in texts), 8).name


def test_an_unfinished_collection_lends_what_it_has(tmp_path):
    log = tmp_path / "log"
    store_at(tmp_path).texts(FakeEncoder(), [f"{i}" for i in range(10)])
    shards(tmp_path)[1].unlink()
    store_at(tmp_path).texts(FakeEncoder(log=log), [f"{i}" for i in range(11)])
    assert rows_asked_for(log) == 5


def test_texts_and_pictures_of_equal_digests_are_kept_apart(tmp_path):
    store = store_at(tmp_path)
    pictures = Pictures(2)
    store.images(FakeEncoder(), pictures)
    store.texts(FakeEncoder(), ["a", "b"])
    assert sorted(m["kind"] for m in store.manifests()) == ["images", "texts"]


def test_killed_in_mid_encode_it_goes_on_where_it_was(tmp_path):
    root, log = tmp_path / "store", tmp_path / "log"
    worker = start(root, log, pause=0.5)
    wait_until(lambda: len(shards(root)) >= 3)
    os.kill(worker.pid, signal.SIGKILL)
    assert worker.wait() == -signal.SIGKILL
    finished, asked = len(shards(root)), rows_asked_for(log)
    assert 3 <= finished < 10, "the kill came too late to test anything"

    rows = store_at(root).images(FakeEncoder(log=log), Pictures(40))
    pictures = Pictures(40)
    expected = FakeEncoder().encode_images([pictures[i] for i in range(40)])
    np.testing.assert_array_equal(rows.raw(), expected)
    # At most the shard in flight, and one on disk that the manifest had not heard of, are done again.
    assert rows_asked_for(log) - asked <= 40 - 4 * finished + 4
    assert not list(root.glob("*/.*")), "what the killed process was writing is cleaned up"


def test_two_processes_at_once_encode_once_and_agree(tmp_path):
    root, log = tmp_path / "store", tmp_path / "log"
    workers = [start(root, log, pause=0.05, meet=2) for _ in range(2)]
    assert [worker.wait(timeout=300) for worker in workers] == [0, 0]
    assert rows_asked_for(log) == 40
    assert len(shards(root)) == 10


def test_a_corrupt_shard_is_named_and_only_it_is_encoded_again(tmp_path):
    root, log = tmp_path / "store", tmp_path / "log"
    before = np.array(store_at(root).images(FakeEncoder(), Pictures(10)).raw())
    victim = shards(root)[1]
    data = bytearray(victim.read_bytes())
    data[-1] ^= 1  # one bit
    victim.write_bytes(bytes(data))
    with pytest.raises(StoreError, match=r"00001\.npy is corrupt.*delete that file"):
        store_at(root).images(FakeEncoder(), Pictures(10))
    victim.unlink()
    np.testing.assert_array_equal(store_at(root).images(FakeEncoder(log=log), Pictures(10)).raw(), before)
    assert rows_asked_for(log) == 4


def test_a_cut_shard_is_corrupt(tmp_path):
    store_at(tmp_path).images(FakeEncoder(), Pictures(10))
    victim = shards(tmp_path)[0]
    victim.write_bytes(victim.read_bytes()[:-8])
    with pytest.raises(StoreError, match=r"00000\.npy is corrupt"):
        store_at(tmp_path).images(FakeEncoder(), Pictures(10))


def test_corruption_is_seen_by_a_store_that_had_read_the_good_file(tmp_path):
    store = store_at(tmp_path)
    store.images(FakeEncoder(), Pictures(10))
    shards(tmp_path)[0].write_bytes(b"not an array")
    with pytest.raises(StoreError, match=r"00000\.npy is corrupt"):
        store.images(FakeEncoder(), Pictures(10))


def test_a_pickle_planted_as_a_shard_is_not_loaded(tmp_path):
    store_at(tmp_path).images(FakeEncoder(), Pictures(4))
    victim, manifest_file = shards(tmp_path)[0], next(tmp_path.glob("*/manifest.json"))
    np.save(victim, np.array([{"any": "object"}], dtype=object), allow_pickle=True)
    manifest = json.loads(manifest_file.read_text())
    manifest["shards"][0] = hashlib.sha256(victim.read_bytes()).hexdigest()
    manifest_file.write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match="Python objects"):
        store_at(tmp_path).images(FakeEncoder(), Pictures(4))


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"format": 1}', '{"format": 99, "shards": [], "shard_rows": 4}']
)
def test_a_broken_manifest_is_named(tmp_path, text):
    store_at(tmp_path).images(FakeEncoder(), Pictures(4))
    next(tmp_path.glob("*/manifest.json")).write_text(text)
    with pytest.raises(StoreError, match=r"manifest\.json .*delete"):
        store_at(tmp_path).images(FakeEncoder(), Pictures(4))


def test_a_manifest_of_another_collection_is_refused(tmp_path):
    store = store_at(tmp_path)
    store.texts(FakeEncoder(), ["a", "b"])
    mine = next(tmp_path.glob("*/manifest.json"))
    store.texts(FakeEncoder(), ["c", "d"])
    other = next(p for p in tmp_path.glob("*/manifest.json") if p != mine)
    mine.write_bytes(other.read_bytes())
    with pytest.raises(StoreError, match="about something else"):
        store_at(tmp_path).texts(FakeEncoder(), ["a", "b"])


def test_a_link_that_leads_out_of_the_root_is_refused(tmp_path):
    root, outside = tmp_path / "store", tmp_path / "outside"
    store = store_at(root)
    store.texts(FakeEncoder(), ["a"])
    folder = next(p for p in root.iterdir() if p.is_dir())
    folder.rename(outside)
    folder.symlink_to(outside, target_is_directory=True)
    with pytest.raises(PathEscape):
        store.texts(FakeEncoder(), ["a"])


def test_a_bad_picture_is_an_error_before_anything_is_encoded(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    names = [f"{i}.png" for i in range(6)]
    pictures = Pictures(6)
    for i, name in enumerate(names):
        pictures[i].save(folder / name)
    whole = (folder / "5.png").read_bytes()
    log = tmp_path / "log"
    for data in (b"", b"not a picture", whole[: len(whole) // 2]):
        (folder / "5.png").write_bytes(data)
        with pytest.raises(PictureError, match=r"5\.png"):
            store_at(tmp_path / "store").images(FakeEncoder(log=log), FolderImages(folder, names))
    (folder / "5.png").unlink()
    with pytest.raises(PictureError, match=r"5\.png"):
        store_at(tmp_path / "store").images(FakeEncoder(log=log), FolderImages(folder, names))
    assert rows_asked_for(log) == 0


class BadEncoder(FakeEncoder):
    """Gives the rows ``spoil`` makes of the right ones."""

    def __init__(self, spoil):
        super().__init__()
        self.spoil = spoil

    def _rows(self, contents):
        return self.spoil(super()._rows(contents))


def with_nan(rows):
    rows[1, 2] = np.nan
    return rows


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (with_nan, "NaN.*item 1"),
        (lambda r: r[:-1], r"shape \(3, 8\), expected \(4, 8\)"),
        (np.ravel, "shape"),
    ],
)
def test_bad_rows_are_refused_and_not_stored(tmp_path, spoil, message):
    with pytest.raises(EncoderError, match=message):
        store_at(tmp_path).images(BadEncoder(spoil), Pictures(8))
    assert shards(tmp_path) == []


def test_shards_of_no_rows_are_refused():
    with pytest.raises(ValueError, match="shard_rows is 0"):
        EmbeddingStore("anywhere", shard_rows=0)


@pytest.mark.parametrize(
    ("environment", "progress", "shown"),
    [({}, True, True), ({}, False, False), ({"TQDM_DISABLE": "1"}, True, False)],
)
def test_progress_is_shown_unless_code_or_environment_silence_it(tmp_path, environment, progress, shown):
    code = f"""
from tests.encode.tiny import FakeEncoder
from workbench.encode.store import EmbeddingStore
EmbeddingStore({str(tmp_path)!r}, progress={progress}).texts(FakeEncoder(), [str(i) for i in range(100)])
"""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TQDM_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("encode texts" in done.stderr) == shown


def test_no_bar_is_drawn_where_that_is_switched_off(monkeypatch):
    """In notebooks tqdm does not look at the variable itself, and a drawn bar would change a compared output."""
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert progress_bar(total=3).disable
    monkeypatch.setenv("TQDM_DISABLE", "0")
    assert not progress_bar(total=3).disable and progress_bar(total=3, show=False).disable
