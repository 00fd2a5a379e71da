"""Space: what the map shows, held to the same things computed the slow way."""

from dataclasses import replace

import numpy as np
import pytest

from workbench import maps
from workbench.arrays import unit
from workbench.geometry import gap_norm
from workbench.hubness import NNN
from workbench.hubness.occurrence import k_occurrence
from workbench.interventions import Shift, intervene
from workbench.joint import MitigatedHalves
from workbench.joint.mitigated import halves
from workbench.methods import CIReVL, TextOnly, WeightedSum
from workbench.registry import UnknownName
from workbench.score.ranks import target_ranks, top_k
from workbench.widgets.colouring import COLOURINGS, colouring
from workbench.widgets.space import Setting, Space, SpaceError


@pytest.fixture
def space(case):
    return Space(case, CIReVL(), k=5)


def test_without_sliders_it_is_the_method_and_the_rows(case, space):
    now, scores, qrels = space.at(Setting()), CIReVL().score(case), case.benchmark.qrels["default"]
    assert (now.ranks == target_ranks(scores, qrels).min(axis=1)).all()
    assert (now.capture.n_k == k_occurrence(top_k(scores, 5, qrels), 40)).all()
    assert now.gap == pytest.approx(gap_norm(case.views["image"], case.parts["composed_caption"]))
    assert now.measures()["hit@5"] == np.mean(now.ranks <= 5)


def test_places_are_projections_on_axes_of_the_calibration_rows(case, space):
    now = space.at(Setting())
    both = np.concatenate([unit(case.views[name]).astype(float) for name in ("image", "caption")])
    _, _, axes = np.linalg.svd(both - both.mean(axis=0), full_matrices=False)
    for places, rows in ((now.images, case.views["image"]), (now.texts, case.parts["composed_caption"])):
        expected = (unit(rows) - both.mean(axis=0)) @ axes[:2].T
        assert np.allclose(np.abs(places), np.abs(expected), atol=1e-5)  # an axis may point either way


def test_closing_the_gap_moves_the_points_and_not_the_axes(case, space):
    before, now = space.at(Setting()), space.at(Setting(gap=1.0))
    assert space.map.explained is not None

    def apart(moment):
        return np.linalg.norm(moment.images.mean(axis=0) - moment.texts.mean(axis=0))

    assert now.gap < before.gap
    assert apart(now) < apart(before)
    half = space.at(Setting(gap=0.5))
    assert apart(now) < apart(half) < apart(before)


def test_few_texts_are_not_outvoted_by_many_pictures(make_case):
    """A case without gallery captions: the gap is on the map all the same."""
    from tests.widgets.conftest import build

    case = build(make_case(seed=1, queries=4, items=200))
    shift = np.zeros(16, np.float32)
    shift[0] = 8 * np.linalg.norm(case.views["image"], axis=1).mean()
    views = {"image": case.views["image"] + shift}
    parts = {name: rows - shift for name, rows in case.parts.items()}
    case = replace(case, views=views, parts=parts)
    now = Space(case, TextOnly(), k=5).at(Setting())
    assert now.images[:, 0].min() > now.texts[:, 0].max()
    assert "each query's composed caption" in Space(case, TextOnly()).calibration.source


@pytest.mark.parametrize("gap", [0.0, 0.5])
def test_alpha_is_nnn_half_by_half(case, gap):
    case = replace(case, parts={name: case.parts[name] for name in ("reference_image", "modification")})
    space = Space(case, WeightedSum(), k=5)
    now = space.at(Setting(gap=gap, alpha=0.4))
    moved = intervene(case, Shift(share=gap).fit(space.calibration)) if gap else case
    scores = MitigatedHalves(WeightedSum(), NNN(k=counted(case), alpha=0.4)).score(moved)
    qrels = case.benchmark.qrels["default"]
    assert (now.ranks == target_ranks(scores, qrels).min(axis=1)).all()
    assert (now.capture.n_k == k_occurrence(top_k(scores, 5, qrels), 40)).all()


def counted(case) -> int:
    """The bank is half of 12 queries; each excludes at most one picture of its own."""
    half, excluded = halves(case), case.benchmark.qrels["default"].excluded
    gone = [np.bincount(excluded[half == h].clip(0).ravel(), minlength=40).max() for h in (0, 1)]
    sizes = [(half == h).sum() for h in (0, 1)]
    assert sizes == [6, 6]
    return int(min(size - most for size, most in zip(sizes, gone, strict=True)))


def test_umap_places_stay_where_they_are(case, monkeypatch, tmp_path):
    monkeypatch.setattr(maps, "_umap", lambda union, seed: union[:, :2])
    monkeypatch.setattr(maps, "cache_root", lambda: tmp_path)
    space = Space(case, CIReVL(), k=5, how="umap")
    before, now = space.at(Setting()), space.at(Setting(gap=0.5))
    assert (before.images == now.images).all()
    assert now.gap < before.gap


def test_what_cannot_be_mapped_is_said(case):
    with pytest.raises(UnknownName, match="composed_caption"):
        Space(case, CIReVL(), texts="compose_caption")
    textless = case.__class__(
        **{**case.__dict__, "parts": {"reference_image": case.parts["reference_image"]}}
    )
    with pytest.raises(SpaceError, match="composed_caption, reference_caption, modification"):
        Space(textless, CIReVL())


@pytest.mark.parametrize("by", COLOURINGS)
def test_every_point_has_one_class(space, by):
    before, now = space.at(Setting()), space.at(Setting(alpha=1.0))
    colours = colouring(by, space, now, before)
    assert len(colours.codes) == 40 + 12
    assert sum(n for _, n in colours.counts()) == 52
    assert len({one.colour for one in colours.classes}) == len(colours.classes) <= 8


def test_classes_say_what_they_say(space):
    before, now = space.at(Setting()), space.at(Setting(alpha=1.0))
    n_k, hub_from = now.capture.n_k, now.capture.summary["hub_from"]
    counts = {one.name: n for one, n in colouring("N_k", space, now, before).counts()}
    assert counts["N_k = 0: never found"] == (n_k == 0).sum()
    assert sum(n for name, n in counts.items() if name.startswith("hub")) == (n_k >= hub_from).sum()
    counts = {one.name: n for one, n in colouring("rank change", space, now, before).counts()}
    assert counts.get("better rank", 0) == (now.ranks < before.ranks).sum()
    assert counts.get("worse rank", 0) == (now.ranks > before.ranks).sum()
    with pytest.raises(UnknownName, match="modality"):
        colouring("modalty", space, now, before)
