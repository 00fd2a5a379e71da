"""Figures of both modalities: what they write, what they refuse, and the same bytes each time."""

import numpy as np
import pytest

from workbench.data.simulate import clouds
from workbench.geometry import cosine_samples, eigenvalues, gap_norm, gap_vector, paired_auc
from workbench.interventions import Calibration
from workbench.interventions.closing import closing_sweep
from workbench.maps import joint_map
from workbench.plots.curves import FrameError
from workbench.plots.spaces import MapPanel, closing_the_gap, cosine_histograms, gap_map, spectra
from workbench.plots.style import svg


@pytest.fixture(scope="module")
def toy():
    return clouds(pairs=60, width=16, seed=1)


def texts_of(figure) -> list[str]:
    axes = [
        text.get_text() for panel in figure.axes for text in (*panel.texts, panel.xaxis.label, panel.title)
    ]
    legends = [
        text.get_text() for panel in figure.axes if panel.get_legend() for text in panel.get_legend().texts
    ]
    return [*axes, *legends]


@pytest.fixture
def panel(toy):
    made = joint_map(toy.images, toy.texts)
    return MapPanel("as they are", made.images, made.texts, made.axis_labels, gap_norm(toy.images, toy.texts))


def test_the_map_has_the_true_distance_written_on_it(toy, panel):
    figure = gap_map([panel, panel._replace(title="again", gap=0.123)], "Two clouds")
    said = texts_of(figure)
    assert f"distance of the means {gap_norm(toy.images, toy.texts):.2f}" in said
    assert "distance of the means 0.12" in said and panel.axis_labels[0] in said
    first, second = figure.axes
    assert first.get_xlim() == second.get_xlim() and first.get_ylim() == second.get_ylim()


def test_pair_lines_join_each_picture_to_its_text(panel):
    (place,) = gap_map([panel], "x").axes
    segments = place.collections[0].get_segments()
    assert len(segments) == 60
    np.testing.assert_allclose(segments[7], [panel.images[7], panel.texts[7]])
    (place,) = gap_map([panel], "x", lines=False).axes
    assert len(place.collections) == 2


def test_rows_that_are_no_pairs_get_no_lines(panel):
    with pytest.raises(FrameError, match="60 images and 50 texts are no pairs"):
        gap_map([panel._replace(texts=panel.texts[:50])], "x")


def test_histograms_say_their_means_and_the_auc(toy):
    samples = cosine_samples(toy.images, toy.texts, paired=True)
    auc = paired_auc(toy.images, toy.texts)
    figure = cosine_histograms(samples, "Cosines", auc)
    said = texts_of(figure)
    assert (
        f"paired: mean {samples['paired'].mean():.2f}" in said and len([s for s in said if "mean" in s]) == 4
    )
    assert figure.axes[0].get_legend().get_title().get_text() == f"AUC {auc:.3f}"
    with pytest.raises(FrameError, match="got \\['odd'\\]"):
        cosine_histograms({"odd": np.ones(3)}, "x")


def test_the_sweep_shows_every_column(toy):
    frame = closing_sweep(
        toy.images, toy.texts, Calibration(toy.images, toy.texts, "itself"), shares=(0.0, 0.5, 1.0)
    )
    figure = closing_the_gap(frame, "x")
    assert len(figure.axes) == 6
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    shift = frame[frame["way"] == "shift"]
    np.testing.assert_array_equal(lines["Recall@1, text → image"].get_ydata(), shift["recall@1 t2i"])
    np.testing.assert_array_equal(lines["Recall@5, image → text"].get_ydata(), shift["recall@5 i2t"])
    with pytest.raises(FrameError, match="lacks relative_gap"):
        closing_the_gap(frame.drop(columns="relative_gap"), "x")


def test_every_figure_is_the_same_bytes_twice(toy, panel):
    values = {"image": eigenvalues(toy.images), "text": eigenvalues(toy.texts)}
    for draw in (
        lambda: gap_map([panel], "x"),
        lambda: spectra(values, gap_vector(toy.images, toy.texts), "x"),
        lambda: cosine_histograms(cosine_samples(toy.images, toy.texts, paired=False), "x"),
    ):
        one, other = svg(draw()), svg(draw())
        assert one == other
