"""Views and what is brought to them: one reference each, a trail that leads back, pictures refused at the door."""

import struct
import zlib

import pytest

from tests.widgets.conftest import png
from workbench.data.images import PictureError
from workbench.methods import WeightedSum
from workbench.widgets import view as module
from workbench.widgets.view import OwnPicture, Question, View, ViewError


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that says it is huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [5001, 60_000])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(side):
    data = bomb(side, side)
    assert len(data) < 500
    with pytest.raises(PictureError, match=r"bomb\.png: .*(pixels are more than|cannot be decoded)"):
        OwnPicture("bomb.png", data)


def test_what_is_no_picture_or_too_large_is_refused(monkeypatch):
    with pytest.raises(PictureError, match=r"x\.png: not a picture"):
        OwnPicture("x.png", b"<script>alert(1)</script>")
    monkeypatch.setattr(module, "OWN_BYTES", 50)
    with pytest.raises(PictureError, match=r"y\.png: .* bytes are more than the 50 allowed"):
        OwnPicture("y.png", png())


def test_formats_that_run_other_programs_are_not_even_tried():
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n(hello) print\n%%EOF\n"
    with pytest.raises(PictureError, match=r"x\.png: not a picture in a known format \(PNG, JPEG"):
        OwnPicture("x.png", eps)


def test_a_pictures_name_has_no_folders(tmp_path):
    assert OwnPicture("../../etc/passwd", png()).name == "passwd"
    assert OwnPicture("C:\\temp\\cat.png", png()).name == "cat.png"
    assert OwnPicture("..", png()).name == "picture"
    (tmp_path / "cat.png").write_bytes(png())
    assert OwnPicture.read(tmp_path / "cat.png") == OwnPicture("cat.png", png())
    with pytest.raises(PictureError, match=r"dog\.png: there is no such file"):
        OwnPicture.read(tmp_path / "dog.png")


def test_a_question_has_one_reference_and_words():
    with pytest.raises(ViewError, match=r"one reference .* got none"):
        Question(modification="make it blue")
    with pytest.raises(ViewError, match="got query and row"):
        Question(query=1, row=2)
    with pytest.raises(ViewError, match="modification text of its own: give one"):
        Question(row=2)


def test_the_trail_leads_there_and_back():
    start = View(Question(query=3), WeightedSum())
    there = start.step(7, "make it blue").step(9, "make it red")
    assert [question.row for question in there.trail] == [None, 7]
    assert there.question == Question(row=9, modification="make it red")
    assert there.back(0) == start
    assert there.back(1) == start.step(7, "make it blue")
    for place in (-1, 2):
        with pytest.raises(ViewError, match="the trail has 2 questions"):
            there.back(place)
