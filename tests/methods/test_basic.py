"""BASIC: all published variants of the released code, a naive twin of ours, limits, and what it needs."""

import dataclasses

import numpy as np
import pytest

from tests.conftest import ArrayCase
from workbench.arrays import unit
from workbench.data.benchmark import Qrels
from workbench.methods import BASIC, BASICReleased, MethodError, Product
from workbench.metrics import average_precision_trapezoid
from workbench.score.ranks import target_ranks

VARIANTS = {
    "basic_full": {},
    "basic_no_qe": {"neighbours": 0},
    "basic_no_projection": {"components": 0},
    "basic_no_normalisation": {"pairs": False},
    "basic_no_centering": {"mean": ""},
    "basic_db_mean": {"mean": "gallery"},
    "basic_no_harris": {"corner": 0.0},
    "basic_more_components_than_positive": {"components": 250},
}


@pytest.fixture
def released(golden):
    data = golden("cir/basic_icir", "input.npz")
    corpora = {
        "subjects": data["corpus_positive"],
        "styles": data["corpus_negative"],
        "mean_image": data["laion_mean"][None],
        "pair_images": data["synthetic_image"],
        "pair_texts": data["synthetic_text"],
    }
    parts = {"reference_image": data["query_image"], "modification": data["query_text"]}
    return data, ArrayCase(parts, {"image": data["database"]}, corpora=corpora)


@pytest.mark.parametrize("name", VARIANTS)
def test_scores_of_the_released_code(golden, released, name):
    expected = golden("cir/basic_icir", "expected_scores.npz")[name]
    settings = {"components": 8} | VARIANTS[name]
    atol = 1e-4 if settings["components"] else 1e-5  # an eigendecomposition is involved
    np.testing.assert_allclose(BASICReleased(**settings).score(released[1]), expected, atol=atol)


def test_every_variant_of_the_fixture_is_compared(golden):
    expected = set(golden("cir/basic_icir", "expected_scores.npz"))
    assert expected - set(VARIANTS) == {"sum", "text", "image", "product"}  # see test_baselines


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_have_the_settings_that_the_fixture_states(golden, name):
    stated = golden("cir/basic_icir", "expected.json")["settings"][name]
    method = BASICReleased(**({"components": 8} | VARIANTS[name]))
    assert (method.contrast, method.corner) == (stated["aa"], stated["harris_lambda"])
    assert method.components == stated["num_principal_components_for_projection"] * stated["project_features"]
    assert (method.neighbours > 0, method.pairs) == (
        stated["do_query_expansion"],
        stated["normalize_similarities"],
    )
    means = {"mean_image": (True, True), "gallery": (True, False), "": (False, True)}
    assert means[method.mean] == (stated["standardize_features"], stated["use_laion_mean"])


@pytest.mark.parametrize("name", VARIANTS)
def test_average_precision_of_the_released_code(golden, released, name):
    data, case = released
    right = (data["query_instance"][:, None] == data["database_instance"]) & (
        data["query_text_label"][:, None] == data["database_text"]
    )
    width = right.sum(axis=1).max()
    targets = np.full((10, width), -1, np.int32)
    for query, row in enumerate(right):
        targets[query, : row.sum()] = np.flatnonzero(row)
    scores = BASICReleased(**({"components": 8} | VARIANTS[name])).score(case)
    found = average_precision_trapezoid(target_ranks(scores, Qrels(targets)))
    published = golden("cir/basic_icir", "expected.json")[name]["AP"]
    if name == "basic_no_normalisation":  # clamped scores tie there, and a tie counts against us
        assert (found <= np.array(published) + 1e-6).all()
    else:
        np.testing.assert_allclose(found, published, atol=1e-6)


def naive(case, method):
    """Step by step, one query at a time, in float64."""
    rows = {name: unit(part.astype(np.float64)) for name, part in {**case.parts, **case.views}.items()}
    corpora = {name: part.astype(np.float64) for name, part in case.corpora.items()}
    subjects, styles = unit(corpora["subjects"]), unit(corpora["styles"])
    mean_image, mean_text = corpora["mean_image"][0], subjects.mean(axis=0)
    gallery = rows["image"] - mean_image
    positive, negative = subjects - mean_text, styles - mean_text
    contrast = (1 - method.contrast) * np.cov(positive.T) - method.contrast * (
        negative.T @ negative / (len(negative) - 1)
    )
    values, vectors = np.linalg.eigh(contrast)
    kept = [vectors[:, i] for i in np.argsort(-values)[: method.components] if values[i] > 0]
    project = sum(np.outer(v, v) for v in kept)
    images, texts = unit(corpora["pair_images"]) - mean_image, unit(corpora["pair_texts"]) - mean_text
    least_image = min(a @ b for a in images for b in images)
    least_text = min(a @ b for a in texts for b in images)
    scores = np.empty((len(rows["modification"]), len(gallery)))
    for q in range(len(scores)):
        image = rows["reference_image"][q] - mean_image
        text = rows["modification"][q] - mean_text
        near = sorted(gallery, key=lambda g, q=image @ project: -(q @ g))[: method.neighbours]
        weights = [np.exp(method.sharpness * (image @ project @ g)) for g in near] + [
            np.exp(method.sharpness)
        ]
        mixed = sum(w * g for w, g in zip(weights, [*near, image], strict=True)) / sum(weights)
        for n, picture in enumerate(gallery):
            a = max((mixed @ project @ picture - least_image) / abs(least_image), 0)
            b = max((text @ picture - least_text) / abs(least_text), 0)
            scores[q, n] = a * b - method.corner * (a + b) ** 2
    return scores


@pytest.mark.parametrize("method", [BASIC(components=8, neighbours=5), BASIC(0.5, 4, 40, 2.0, 0.0)])
def test_naive_formula(make_case, method):
    case = make_case(seed=17)
    small = {name: 0.02 * rows for name, rows in case.corpora.items() if name == "mean_image"}
    case = dataclasses.replace(case, corpora=case.corpora | small)
    np.testing.assert_allclose(method.score(case), naive(case, method), rtol=1e-4, atol=1e-4)


def test_with_everything_switched_off_it_is_the_product(make_case):
    case = dataclasses.replace(make_case(seed=18), corpora={})
    plain = BASIC(components=0, neighbours=0, corner=0.0, mean="", pairs=False)
    np.testing.assert_allclose(plain.score(case), Product().score(case), atol=1e-6)


def test_the_two_divisors_differ(make_case):
    case = make_case(seed=19)
    assert not np.allclose(BASIC().score(case), BASICReleased().score(case), atol=1e-3)


def test_a_corpus_that_is_not_there_is_named(make_case):
    case = make_case(seed=20)
    without = dataclasses.replace(case, corpora={n: r for n, r in case.corpora.items() if n != "styles"})
    with pytest.raises(MethodError, match=r"no corpus 'styles'.*has: subjects, mean_image.*corpora="):
        BASIC().score(without)


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("mean_image", np.ones((7, 16)), "'mean_image': got 7 rows, expected 1"),
        ("subjects", np.ones((1, 16)), "'subjects': got 1 rows, expected 2 or more"),
        ("styles", np.ones((0, 16)), "'styles': got 0 rows, expected 2 or more"),
        ("pair_texts", np.ones((5, 8)), r"'pair_texts': got shape \(5, 8\), expected \"M D\" with D=16"),
    ],
)
def test_a_corpus_that_does_not_fit_is_named(make_case, name, rows, message):
    case = make_case(seed=20)
    other = dataclasses.replace(case, corpora={**case.corpora, name: rows.astype(np.float32)})
    with pytest.raises(ValueError, match=message):
        BASIC().score(other)


def test_where_no_direction_is_positive_none_is_kept(make_case):
    """Styles alone, taken off: then the pictures' part is 0, and nothing but the words is left."""
    case = make_case(seed=21)
    full = {**case.corpora, "styles": np.random.default_rng(0).normal(size=(90, 16)).astype(np.float32)}
    method = BASIC(contrast=1.0, neighbours=0, pairs=False, corner=0.0, mean="gallery")
    assert (method.score(dataclasses.replace(case, corpora=full)) == 0).all()


@pytest.mark.parametrize("method", [BASIC(pairs=False), BASICReleased(pairs=False)])
def test_with_fewer_words_than_dimensions_their_order_changes_nothing(make_case, method):
    """The scatter then has eigenvalues of 0, whose rounded signs depend on the order of the words."""
    case, order = make_case(seed=22, width=64), np.random.default_rng(0).permutation(30)
    moved = {**case.corpora, "subjects": case.corpora["subjects"][order]}
    other = method.score(dataclasses.replace(case, corpora=moved))
    np.testing.assert_allclose(other, method.score(case), atol=1e-5)
