"""Sheets keep the pictures' own pixels, mark targets by more than colour, and refuse lists that do not fit."""

import base64
import io
import re

import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from workbench.plots.style import TARGET, svg
from workbench.plots.triplets import Ranked, Triplet, triplet_sheet


def picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8))


@pytest.fixture
def triplet() -> Triplet:
    found = Ranked([picture(1), picture(2), picture(3)], [False, True, False])
    return Triplet(picture(0), "give it two moons", {"text_only": found, "weighted_sum": found})


def test_every_result_has_its_frame_and_target_its_tick(triplet):
    figure = triplet_sheet([triplet], "t")
    framed = [axes for axes in figure.axes if to_hex(axes.spines["top"].get_edgecolor()) == TARGET.lower()]
    assert [axes.get_title() for axes in framed if axes.axison] == ["2 ✓", "2 ✓"]
    shown = [axes.get_title() for axes in figure.axes if axes.images]
    assert shown == ["reference image", "1", "2 ✓", "3", "1", "2 ✓", "3"]


def test_the_modification_stands_once_and_each_method_is_named(triplet):
    words = [text.get_text() for axes in triplet_sheet([triplet], "t").axes for text in axes.texts]
    assert words == ["“give it two moons”", "text only →", "weighted sum →"]


def test_pictures_are_embedded_pixel_for_pixel(triplet):
    text = svg(triplet_sheet([triplet], "t"))
    embedded = [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(re.sub(r"\s", "", data)))).convert("RGB"))
        for data in re.findall(r'"data:image/png;base64,([^"]+)"', text)
    ]
    assert len(embedded) == 7
    for mine, original in zip(embedded, (0, 1, 2, 3, 1, 2, 3), strict=True):
        np.testing.assert_array_equal(mine, np.asarray(picture(original)))


def test_the_same_sheet_is_the_same_file(triplet):
    assert svg(triplet_sheet([triplet], "t")) == svg(triplet_sheet([triplet], "t"))


def test_lists_of_different_length_are_refused():
    with pytest.raises(ValueError, match="2 pictures, 1 target marks and 2 captions"):
        Ranked([picture(0), picture(1)], [True])


def test_nothing_to_show_is_refused():
    with pytest.raises(ValueError, match="no query with a result"):
        triplet_sheet([], "t")
