"""Joint maps: PCA as the formula has it and the same each time, UMAP kept on disk, what cannot be mapped."""

import sys

import numpy as np
import pytest

from workbench import maps
from workbench.arrays import ArrayError, unit
from workbench.geometry import gap_direction
from workbench.maps import MapError, joint_map


@pytest.fixture
def pair(golden):
    given = golden("diag/gap_synth", "input.npz")
    return given["x"], given["y"][:150]


def test_pca_is_the_centred_svd_of_the_union(pair):
    union = np.concatenate([unit(rows) for rows in pair])
    centred = union - union.mean(axis=0)
    _, values, axes = np.linalg.svd(centred, full_matrices=False)
    made = joint_map(*pair)
    both = np.concatenate([made.images, made.texts])
    np.testing.assert_allclose(np.abs(both), np.abs(centred @ axes[:2].T), atol=1e-9)
    np.testing.assert_allclose(made.explained, values[:2] ** 2 / np.sum(values**2), atol=1e-12)
    assert made.images.shape == (160, 2) and made.texts.shape == (150, 2)


def test_pictures_lie_to_the_right_whatever_the_solver_says(pair, monkeypatch):
    made = joint_map(*pair)
    assert made.images[:, 0].mean() > made.texts[:, 0].mean()
    solver = np.linalg.eigh

    def other_sign(matrix):
        values, vectors = solver(matrix)
        return values, -vectors

    monkeypatch.setattr(np.linalg, "eigh", other_sign)
    again = joint_map(*pair)
    np.testing.assert_allclose(again.images, made.images, atol=1e-9)
    np.testing.assert_allclose(again.texts, made.texts, atol=1e-9)


def test_distances_on_the_first_axis_are_shadows_of_real_ones(pair):
    made = joint_map(*pair)
    on_map = made.images.mean(axis=0) - made.texts.mean(axis=0)
    real = np.linalg.norm(unit(pair[0]).mean(axis=0) - unit(pair[1]).mean(axis=0))
    assert np.linalg.norm(on_map) <= real + 1e-9
    assert gap_direction(*pair).shape == (48,)


def test_axis_labels_say_what_an_axis_is(pair):
    first, second = joint_map(*pair).axis_labels
    assert first.startswith("PC1 (") and second.endswith("% of the variance)")


@pytest.mark.parametrize("width", [1, 2])
def test_narrow_rows_have_a_map_too(width):
    rows = np.random.default_rng(0).normal(size=(5, width))
    assert joint_map(rows, -rows).images.shape == (5, 2)


def test_what_cannot_be_mapped_is_named(pair):
    with pytest.raises(MapError, match="how: got 'umpa', expected pca or umap"):
        joint_map(*pair, how="umpa")
    with pytest.raises(MapError, match="needs three rows, got 2"):
        joint_map(np.ones((1, 3)), np.ones((1, 3)))
    with pytest.raises(ArrayError, match="no direction"):
        joint_map(np.zeros((3, 3)), np.ones((3, 3)))


def test_umap_without_its_package_names_the_extra(pair, tmp_path, monkeypatch):
    from importlib import metadata

    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(MapError, match=r"zscir-workbench\[maps\]"):
        joint_map(*pair, how="umap", cache=tmp_path)


def test_a_umap_is_made_once_per_rows_and_seed(pair, tmp_path, monkeypatch):
    asked = []

    def drawn(union, seed):
        asked.append(seed)
        return np.random.default_rng(seed).normal(size=(len(union), 2)).astype(np.float32)

    monkeypatch.setattr(maps, "_umap_version", lambda: "0")
    monkeypatch.setattr(maps, "_umap", drawn)
    first = joint_map(*pair, how="umap", cache=tmp_path)
    again = joint_map(*pair, how="umap", cache=tmp_path)
    np.testing.assert_array_equal(first.images, again.images)
    assert asked == [0] and first.explained is None and "not to be measured" in first.axis_labels[0]
    joint_map(*pair, how="umap", seed=1, cache=tmp_path)
    joint_map(pair[0][:-1], pair[1], how="umap", cache=tmp_path)
    assert asked == [0, 1, 0]


def test_pca_needs_no_umap(pair):
    joint_map(*pair)
    assert "umap" not in sys.modules


@pytest.mark.slow
def test_a_real_umap_is_the_same_twice(pair, tmp_path):
    pytest.importorskip("umap")
    made = [joint_map(pair[0][:40], pair[1][:40], "umap", cache=tmp_path / name) for name in "ab"]
    np.testing.assert_array_equal(made[0].images, made[1].images)
    assert np.isfinite(made[0].texts).all()
