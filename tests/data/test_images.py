"""Pictures from folders and archives: lazy, picklable, RGB, and every bad one an error with its name."""

import hashlib
import io
import pickle
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.data.layouts import write_picture
from workbench.data import images as module
from workbench.data.images import FolderImages, JoinedImages, PictureError, ZipImages, all_digests
from workbench.paths import PathEscape


def png(size=(8, 6), mode="RGB", colour=None):
    data = io.BytesIO()
    Image.new(mode, size, colour).save(data, "PNG")
    return data.getvalue()


def png_that_claims(width, height):
    """A valid header with no pixels behind it: a decompression bomb, as small as one can be."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


FILES = {
    "red.png": png(colour=(255, 0, 0)),
    "grey.png": png(mode="L", colour=128),
    "sub/clear.png": png(mode="RGBA", colour=(0, 0, 255, 128)),
    "empty.png": b"",
    "text.png": b"this is no picture",
    "cut.png": png((64, 64), colour=(1, 2, 3))[:60],
    "large.png": png_that_claims(10_500, 10_000),
    "bomb.png": png_that_claims(100_000, 100_000),
}
GOOD = ("red.png", "grey.png", "sub/clear.png")


@pytest.fixture(params=[FolderImages, ZipImages])
def source(request, tmp_path):
    """source(names): the files above, as a folder or as an archive."""
    if request.param is FolderImages:
        for name, data in FILES.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(data)
        return lambda names: FolderImages(tmp_path, names)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name, data in FILES.items():
            archive.writestr(name, data)
    return lambda names: ZipImages(tmp_path / "all.zip", names)


def test_good_pictures_are_rgb_whatever_they_were(source):
    pictures = source(GOOD)
    assert len(pictures) == 3
    assert [picture.mode for picture in pictures] == ["RGB"] * 3
    assert pictures[0].size == (8, 6)
    assert np.asarray(pictures[0])[0, 0].tolist() == [255, 0, 0]
    assert np.asarray(pictures[1])[0, 0].tolist() == [128, 128, 128]
    pictures.check()


def test_digest_is_of_the_stored_bytes(source):
    pictures = source(GOOD)
    assert pictures.digest(1) == hashlib.sha256(FILES["grey.png"]).hexdigest()


def test_they_travel_to_other_processes_also_after_use(source):
    pictures = source(GOOD)
    pictures[0]
    again = pickle.loads(pickle.dumps(pictures))
    assert again.names == GOOD
    assert again[2].size == (8, 6)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # the error says it better
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rd.png", r"rd\.png: there is no such picture\. Did you mean 'red\.png'"),
        ("empty.png", r"empty\.png: the file is empty"),
        ("text.png", r"text\.png: not a picture in a known format"),
        ("cut.png", r"cut\.png: cannot be decoded"),
        ("large.png", r"large\.png: 10500 x 10000 pixels are more than the 100,000,000 allowed"),
        ("bomb.png", r"bomb\.png: cannot be decoded \(.* could be decompression bomb"),
    ],
)
def test_a_bad_picture_is_named(source, name, message):
    with pytest.raises(PictureError, match=message):
        source(("red.png", name))[1]


def test_check_finds_what_is_missing_or_empty_before_long_work(source):
    with pytest.raises(
        PictureError,
        match=r"empty\.png: the file is empty; nowhere\.png: there is no such picture\. \(2 of 3 pictures cannot be used\)",
    ):
        source(("red.png", "empty.png", "nowhere.png")).check()
    with pytest.raises(PictureError, match=r"rd\.png: .* Did you mean 'red\.png'\? \(1 of 1 pictures cannot"):
        source(("rd.png",)).check()
    for name in ("nowhere.png", "empty.png"):
        with pytest.raises(PictureError, match=name):
            source((name,)).digest(0)


def test_digests_name_all_that_is_missing_or_empty_also_of_several_sources(source):
    some, rest = source(("empty.png", "red.png", "none.png")), source(("red.png",))
    for pictures in (some, JoinedImages(rest, some)):
        with pytest.raises(
            PictureError, match=r"empty\.png: .*; none\.png: .* \(2 of 3 pictures cannot be used"
        ):
            all_digests(pictures)


def test_of_hundreds_of_bad_pictures_the_first_are_named_and_all_are_counted(source, monkeypatch):
    monkeypatch.setattr(module, "SHOWN", 2)
    with pytest.raises(PictureError, match=r"^a\.png: [^;]*; b\.png: [^;]*; and 2 more \(4 of 5 pictures"):
        source(("a.png", "b.png", "red.png", "c.png", "d.png")).check()


def test_a_file_larger_than_any_picture_is_not_read(source, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 50)
    with pytest.raises(PictureError, match=r"red\.png: \d+ bytes are more than the 50 allowed"):
        source(GOOD)[0]


def test_a_name_cannot_lead_out_of_the_folder(tmp_path):
    with pytest.raises(PathEscape):
        FolderImages(tmp_path, ("../secret.png",))[0]


def test_a_link_to_a_picture_elsewhere_is_that_picture(tmp_path):
    """As every file of a hub's snapshot is."""
    (tmp_path / "snapshot").mkdir()
    write_picture(tmp_path / "blobs" / "1f.png", 1)
    (tmp_path / "snapshot" / "a.png").symlink_to(tmp_path / "blobs" / "1f.png")
    (tmp_path / "snapshot" / "b.png").symlink_to(tmp_path / "blobs" / "gone.png")
    images = FolderImages(tmp_path / "snapshot", ["a.png", "b.png"])
    assert images.problems() == ["b.png is missing"]
    assert images[0].size == (12, 10)
    assert images.digest(0) == FolderImages(tmp_path / "blobs", ["1f.png"]).digest(0)


def test_archives_that_are_missing_or_broken(tmp_path):
    with pytest.raises(PictureError, match=r"none\.zip: there is no such archive"):
        ZipImages(tmp_path / "none.zip", GOOD)[0]
    (tmp_path / "bad.zip").write_bytes(b"PK but not really")
    with pytest.raises(PictureError, match=r"bad\.zip: not a readable zip archive"):
        ZipImages(tmp_path / "bad.zip", GOOD).check()
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("red.png", FILES["red.png"])
    damaged = bytearray(data.getvalue())
    damaged[60] ^= 0xFF  # inside the stored picture: the archive's own checksum notices
    (tmp_path / "damaged.zip").write_bytes(bytes(damaged))
    with pytest.raises(PictureError, match=r"red\.png: cannot be read from damaged\.zip"):
        ZipImages(tmp_path / "damaged.zip", ("red.png",))[0]
