"""Clouds have what was put into them: cone, gap, pairs, hubs."""

import numpy as np
import pytest

from tests.conftest import ArrayCase
from workbench.arrays import check_unit, unit
from workbench.data.benchmark import Qrels
from workbench.data.simulate import SimulationError, clouds, one_to_one, triplets
from workbench.hubness.occurrence import k_occurrence, k_skewness
from workbench.methods import CIReVL, ImageOnly, PDVFusion, TextOnly
from workbench.score.ranks import target_ranks, top_k


def mean_cosine(rows):
    n = len(rows)
    total = rows.sum(axis=0, dtype=np.float64)
    return (total @ total - n) / (n * (n - 1))


@pytest.mark.parametrize(("cone", "gap"), [(0.0, 0.0), (0.3, 0.0), (0.4, 0.8), (0.6, 1.2)])
def test_cone_and_gap_are_as_asked(cone, gap):
    made = clouds(pairs=4000, cone=cone, gap=gap)
    for rows in (made.images, made.texts):
        check_unit("rows", rows, 1e-5)
        assert mean_cosine(rows) == pytest.approx(cone, abs=0.01)
    distance = np.linalg.norm(made.images.mean(axis=0) - made.texts.mean(axis=0))
    assert distance == pytest.approx(gap, abs=0.04)


def test_pairs_are_closer_than_strangers_until_noise_is_all():
    def accuracy(noise):
        made = clouds(pairs=300, noise=noise)
        ranks = target_ranks(made.texts @ made.images.T, Qrels(np.arange(300)[:, None]))
        return (ranks == 1).mean()

    assert accuracy(0.0) == 1
    assert accuracy(0.0) > accuracy(0.9) > accuracy(1.0)
    assert accuracy(1.0) < 0.03


def test_the_gap_is_one_direction_and_moves_no_ranking():
    """Translating one cloud by a constant cannot change a query's order of pictures."""
    narrow, wide = clouds(gap=0.0), clouds(gap=1.0)
    qrels = Qrels(np.arange(500)[:, None])
    apart = target_ranks(wide.texts @ wide.images.T, qrels)
    together = target_ranks(narrow.texts @ narrow.images.T, qrels)
    assert (apart == together).mean() > 0.99  # but for float32


def test_hubs_are_the_pictures_that_were_made_hubs():
    made = clouds(pairs=1000, hubs=5, lean=0.4, noise=0.9)
    times = np.bincount(top_k(made.texts @ made.images.T, 10).ravel(), minlength=1000)
    assert set(np.argsort(times)[-5:]) == set(made.hubs)
    assert times[made.hubs].min() > 5 * times.mean()
    assert len(clouds(hubs=0).hubs) == 0


def test_same_seed_same_cloud():
    np.testing.assert_array_equal(clouds(seed=3).images, clouds(seed=3).images)
    assert not np.array_equal(clouds(seed=3).images, clouds(seed=4).images)


def test_triplets_need_picture_and_words():
    made = triplets()
    case = ArrayCase(made.parts, made.views)
    qrels = Qrels(made.target[:, None], made.reference[:, None])

    def hits(method):
        return (target_ranks(method.score(case), qrels)[:, 0] == 1).mean()

    halves = max(hits(ImageOnly()), hits(TextOnly()))
    assert halves + 0.2 < hits(CIReVL()) < hits(PDVFusion()) < 1
    assert (made.reference != made.target).all()
    assert {rows.dtype for rows in (*made.parts.values(), *made.views.values())} == {np.dtype(np.float32)}
    np.testing.assert_allclose(np.linalg.norm(made.parts["modification"], axis=1), 3, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(made.views["image"], axis=1), 1, atol=1e-4)


def test_captions_make_much_the_same_mistake_before_and_after_the_edit():
    """So their difference, PDV's prompt direction, points better than two captions written apart."""
    made = triplets(seed=1)
    image, caption, before = made.views["image"], made.views["caption"], made.parts["reference_caption"]
    truth = unit(image[made.target] - image[made.reference])

    def agreement(after):
        return np.einsum("qd,qd->q", truth, unit(after - before)).mean()

    edited, another = agreement(made.parts["composed_caption"]), agreement(caption[made.target])
    assert edited > another + 0.1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"cone": 1.5}, "cone: got 1.5, expected 0 to 1"),
        ({"cone": 0.25, "gap": 1.5}, "gap: got 1.5, expected 0 to 1"),
        ({"noise": -0.1}, "noise: got -0.1"),
        ({"hubs": 9, "pairs": 5}, "hubs: got 9, expected 0 to 5"),
    ],
)
def test_impossible_clouds_are_refused(wrong, message):
    with pytest.raises(SimulationError, match=message):
        clouds(**wrong)


def test_triplets_of_one_variant_are_refused():
    with pytest.raises(SimulationError, match="variants: got 1, expected 2 to inf"):
        triplets(variants=1)


def skewness(made, k=10):
    return k_skewness(k_occurrence(top_k(made.texts @ made.images.T, k), len(made.images)))


def test_contents_have_the_dimension_that_was_asked_for():
    """A modality's rows span their axis and the contents, whatever their width; nothing else."""
    for dimension in (3, 20):
        images = clouds(pairs=300, width=64, dimension=dimension, noise=0.3).images
        values = np.linalg.svd(images - images.mean(axis=0), compute_uv=False)
        assert (values > 1e-4).sum() == dimension


def test_gap_and_unevenness_make_hubs_only_together():
    """Along the gap every picture gets gap / 2 times its place there from every text: either being 0, nobody is favoured."""
    alone = [{"gap": 0.8, "uneven": 0.0}, {"gap": 0.0, "uneven": 0.2}]
    assert all(abs(skewness(clouds(pairs=400, **cause))) < 0.8 for cause in alone)
    assert skewness(clouds(pairs=400, gap=0.8, uneven=0.2)) > 3
    made = clouds(pairs=2000, width=128, gap=0.8, uneven=0.1)
    prior = made.images @ made.texts.mean(axis=0)
    assert prior.std() == pytest.approx(0.8 / 2 * 0.1, rel=0.1)


def test_the_same_unevenness_makes_more_hubs_the_more_dimensions_there_are():
    few, many = (
        np.mean([skewness(clouds(width=128, uneven=0.1, dimension=d, seed=seed)) for seed in range(3)])
        for d in (8, 125)
    )
    assert many > 1.5 * few


@pytest.mark.parametrize("wrong", [{"dimension": 62}, {"dimension": 1}, {"uneven": 1.5}, {"uneven": -0.1}])
def test_causes_out_of_range_are_refused(wrong):
    with pytest.raises(SimulationError, match=f"{next(iter(wrong))}: got"):
        clouds(width=64, **wrong)


def test_pairs_make_a_benchmark_of_one_target_each():
    bench = one_to_one(7)
    bench.validate()
    assert bench.qrels["default"].targets.ravel().tolist() == list(range(7))
    assert len(set(bench.clusters)) == 7
