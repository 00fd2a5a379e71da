"""Digests of large folders: read once, remembered by size and time of change, never believed when broken."""

import hashlib
import multiprocessing
import os
import time

import pytest

from workbench.data import digests
from workbench.data.crops import Crops
from workbench.data.images import FolderImages, PictureError

OLD = time.time_ns() - 10**11  # 100 seconds ago


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Twelve settled files; folders of ten are large."""
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.setattr(digests, "SMALL", 10)
    monkeypatch.setattr(digests, "CHUNK", 5)
    root = tmp_path / "pictures"
    root.mkdir()
    for i in range(12):
        write(root / f"{i}.png", b"picture %d" % i)
    return root


def write(path, data: bytes, changed: int = OLD) -> None:
    path.write_bytes(data)
    os.utime(path, ns=(changed, changed))


class Counted(FolderImages):
    """Counts the files that are read."""

    reads = 0

    def _bytes(self, name):
        self.reads += 1
        return super()._bytes(name)


def images(root) -> Counted:
    return Counted(root, [f"{i}.png" for i in range(12)])


def truth(root) -> list[str]:
    return [hashlib.sha256((root / f"{i}.png").read_bytes()).hexdigest() for i in range(12)]


def test_the_second_time_nothing_is_read(folder):
    first, second = images(folder), images(folder)
    assert first.digests() == truth(folder) == [first.digest(i) for i in range(12)]
    assert second.digests() == truth(folder)
    assert (first.reads, second.reads) == (24, 0)


@pytest.mark.parametrize("changed", [OLD, OLD + 1])
@pytest.mark.parametrize("data", [b"picture X", b"another, longer one"])
def test_another_size_or_time_is_read_again(folder, data, changed):
    images(folder).digests()
    before = (len(b"picture 3"), OLD)
    write(folder / "3.png", data, changed)
    again = images(folder)
    if (len(data), changed) == before:  # what cannot be told apart: documented
        assert again.digests() != truth(folder)
    else:
        assert again.digests() == truth(folder) and again.reads == 1


def test_files_that_changed_just_now_are_not_remembered(folder):
    write(folder / "4.png", b"new", time.time_ns())
    images(folder).digests()
    again = images(folder)
    assert again.digests() == truth(folder) and again.reads == 1


def test_small_folders_leave_nothing_behind(folder, monkeypatch, tmp_path):
    monkeypatch.setattr(digests, "SMALL", 13)
    assert images(folder).digests() == truth(folder)
    assert not (tmp_path / "cache").exists()


def test_two_folders_do_not_mix(folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for i in range(12):
        write(other / f"{i}.png", b"PICTURE %d" % i)
    images(folder).digests()
    assert images(other).digests() == truth(other) != truth(folder)


@pytest.mark.parametrize(
    "damage",
    [b"", b"not a database, but long enough to be taken for one" * 40, b"SQLite format 3\0" + b"x" * 5000],
)
def test_a_broken_memory_costs_time_only(folder, tmp_path, damage):
    images(folder).digests()
    memory = tmp_path / "cache" / "digests.sqlite"
    memory.write_bytes(damage)
    assert images(folder).digests() == truth(folder)
    images(folder).digests()  # what was broken has been removed and made again
    again = images(folder)
    assert again.digests() == truth(folder) and again.reads == 0


def test_a_memory_that_cannot_be_written_costs_time_only(folder, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert images(folder).digests() == truth(folder)


def test_a_missing_file_is_named(folder):
    (folder / "7.png").unlink()
    with pytest.raises(PictureError, match=r"7\.png: there is no such picture"):
        images(folder).digests()


def digest_all(root, home, barrier, answers):
    os.environ["WORKBENCH_HOME"] = str(home)
    digests.SMALL, digests.CHUNK = 10, 1
    barrier.wait(60)
    answers.put(images(root).digests())


def test_two_processes_at_once_agree(folder, tmp_path):
    spawn = multiprocessing.get_context("spawn")
    barrier, answers = spawn.Barrier(2), spawn.Queue()
    workers = [spawn.Process(target=digest_all, args=(folder, tmp_path, barrier, answers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    assert answers.get(timeout=120) == answers.get(timeout=120) == truth(folder)
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    again = images(folder)
    assert again.digests() == truth(folder) and again.reads == 0


def test_crops_use_them(folder):
    pictures = images(folder)
    crops = Crops(pictures, [(0, 0, 1, 1 + i) for i in range(12)])
    assert crops.digests() == [crops.digest(i) for i in range(12)]
