"""Colours stay apart for every kind of eye, and the same figure gives the same file."""

import itertools
import os
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from workbench.plots.style import (
    METHOD_COLOURS,
    METHOD_MARKERS,
    MODALITY_COLOURS,
    colour_of,
    label_of,
    marker_of,
    styled,
    svg,
)

# Linear RGB to linear RGB as a dichromat sees it: Viénot, Brettel & Mollon, Color Res. Appl. 24 (1999).
SEEN_BY = {
    "everybody": np.eye(3),
    "protanope": [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]],
    "deuteranope": [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]],
}


def lab(colour: str, matrix) -> np.ndarray:
    """CIE L*a*b* (D65) of a colour as seen through `matrix`."""
    srgb = np.array(to_rgb(colour))
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.asarray(matrix) @ linear, 0, 1)
    to_xyz = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
    x, y, z = np.cbrt(np.asarray(to_xyz) @ linear / [0.95047, 1.0, 1.08883])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eye", SEEN_BY)
def test_methods_can_be_told_apart(eye):
    seen = {name: lab(colour, SEEN_BY[eye]) for name, colour in METHOD_COLOURS.items()}
    apart = {pair: np.linalg.norm(seen[pair[0]] - seen[pair[1]]) for pair in itertools.combinations(seen, 2)}
    closest = min(apart, key=apart.get)
    assert apart[closest] > 6, (closest, apart[closest])  # about 2.3 is just noticeable


def test_every_method_has_a_marker_of_its_own():
    assert len(set(METHOD_MARKERS.values())) == len(METHOD_COLOURS)


def test_baselines_wear_the_colour_of_their_modality():
    assert colour_of("image_only") == MODALITY_COLOURS["image"]
    assert colour_of("text_only") == MODALITY_COLOURS["text"]


def test_parameters_in_a_label_change_no_colour():
    assert colour_of("weighted_sum(alpha=0.3)") == colour_of("weighted_sum")
    assert label_of("pdv_f(alpha=1.2)") == "PDV-F(alpha=1.2)"
    assert colour_of("slerp(alpha=0.8)") == METHOD_COLOURS["slerp"]
    assert marker_of("slerp(alpha=0.8)") == METHOD_MARKERS["slerp"]
    assert label_of("slerp(alpha=0.8)") == "SLERP(alpha=0.8)"


def test_an_unknown_method_looks_the_same_in_every_process():
    code = (
        "from workbench.plots.style import colour_of, marker_of; print(colour_of('mine'), marker_of('mine'))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert seen == {f"{colour_of('mine')} {marker_of('mine')}\n"}


def small_figure() -> Figure:
    figure = Figure()
    figure.subplots().plot([0, 1], [0, 1])
    return figure


def test_svg_is_the_same_twice_and_has_no_date():
    first, second = svg(small_figure()), svg(small_figure())
    assert first == second
    assert "<dc:date>" not in first
    assert "matplotlib.org" not in first.split("<svg")[0]


def test_drawing_leaves_the_callers_settings_alone():
    before = matplotlib.rcParams["font.size"]

    @styled
    def draw():
        matplotlib.rcParams["font.size"] = before + 7
        return Figure()

    draw()
    assert matplotlib.rcParams["font.size"] == before
