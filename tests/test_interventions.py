"""Interventions: the reference's sweep, formulas written out, identities, calibration sets, and whole cases."""

import dataclasses

import numpy as np
import pytest

from tests.methods.examples import example
from workbench.arrays import ArrayError, unit
from workbench.case import Case
from workbench.geometry import gap_norm, gap_vector, pair_recall
from workbench.hubness import k_occurrence, k_skewness
from workbench.index import nearest_of_scores
from workbench.interventions import (
    INTERVENTIONS,
    Calibration,
    Centring,
    DropGapDimensions,
    InterventionError,
    JointCentring,
    ProjectOutGap,
    Shift,
    UnitShift,
    Whitening,
    ZScore,
    calibration_of,
    intervene,
    label,
)
from workbench.interventions.cases import modality_of
from workbench.interventions.closing import effects
from workbench.methods import METHODS, ImageOnly, TextOnly
from workbench.registry import UnknownName

ALL = [INTERVENTIONS.get(name)() for name in INTERVENTIONS.names()]
every = pytest.mark.parametrize("rule", ALL, ids=label)


@pytest.fixture
def pair(golden):
    given = golden("diag/gap_synth", "input.npz")
    return given["x"], given["y"]


@pytest.fixture
def calibration(pair):
    return Calibration(*pair, source="the fixture's own pairs")


def test_liangs_sweep_is_the_fixtures(pair, calibration, golden):
    sweep = golden("diag/gap_synth", "expected.json")["liang_shift"]
    assert len(sweep) == 19
    for distance, expected in sweep.items():
        fitted = UnitShift(float(distance)).fit(calibration)
        images, texts = fitted.images(pair[0]), fitted.texts(pair[1])
        assert gap_norm(images, texts) == pytest.approx(expected["gap"], abs=1e-9)
        for k in (1, 5, 10):
            assert pair_recall(images, texts, k) == expected[f"Text R@{k}"], (distance, k)
            assert pair_recall(texts, images, k) == expected[f"Image R@{k}"], (distance, k)


def naive(rule, x, y, mean_x, mean_y, data_x, data_y):
    """Rows before they are made unit again, as the specification writes them."""
    gap = mean_x - mean_y
    u = gap / np.linalg.norm(gap)
    match rule:
        case Shift(moved="image"):
            return x - rule.share * gap, y
        case Shift(moved="text"):
            return x, y + rule.share * gap
        case Shift():
            return x - rule.share / 2 * gap, y + rule.share / 2 * gap
        case UnitShift():
            return x - rule.distance / 2 * u, y + rule.distance / 2 * u
        case Centring():
            return x - rule.alpha * mean_x, y - rule.alpha * mean_y
        case JointCentring():
            return x - (mean_x + mean_y) / 2, y - (mean_x + mean_y) / 2
        case ZScore():
            return (x - mean_x) / data_x.std(axis=0), (y - mean_y) / data_y.std(axis=0)
        case ProjectOutGap():
            return x - np.outer(x @ u, u), y - np.outer(y @ u, u)
        case DropGapDimensions():
            kept = [d for d in range(len(gap)) if sum(gap**2 > gap[d] ** 2) >= rule.count]
            mask = np.isin(np.arange(len(gap)), kept)
            return x * mask, y * mask
        case Whitening():
            moved = []
            for rows, mean, data in ((x, mean_x, data_x), (y, mean_y, data_y)):
                covariance = np.cov(data.T)
                sphere = np.trace(covariance) / len(gap) * np.eye(len(gap))
                values, vectors = np.linalg.eigh((1 - rule.shrink) * covariance + rule.shrink * sphere)
                moved.append((rows - mean) @ vectors @ np.diag(values**-0.5) @ vectors.T)
            return moved


@pytest.mark.parametrize(
    "rule",
    [*ALL, Shift(0.3), Shift(-0.5, "image"), Shift(1.0, "text"), Centring(0.5), DropGapDimensions(5), Whitening(0.1)],
    ids=label,
)  # fmt: skip
def test_each_is_its_formula_on_rows_it_was_not_fitted_on(rule, pair, calibration):
    rng = np.random.default_rng(0)
    x, y = unit(rng.normal(size=(9, 48))), unit(rng.normal(size=(7, 48)))
    means = calibration.mean_image, calibration.mean_text
    expected = naive(rule, x, y, *means, unit(pair[0]), unit(pair[1]))
    fitted = rule.fit(calibration)
    for got, wanted in zip((fitted.images(3 * x), fitted.texts(3 * y)), expected, strict=True):
        np.testing.assert_allclose(got, unit(wanted), atol=1e-9)
    raw = dataclasses.replace(rule, renormalise=False).fit(calibration)
    np.testing.assert_allclose(raw.images(3 * x), expected[0], atol=1e-9)


@every
def test_nothing_given_is_written_to_and_the_type_stays(rule, pair, calibration):
    x, y = (rows.astype(np.float32) for rows in pair)
    before = [rows.copy() for rows in (*pair, x, y)]
    fitted = rule.fit(calibration)
    assert fitted.images(x).dtype == fitted.texts(y).dtype == np.float32
    assert fitted.images(pair[0]).dtype == np.float64
    for rows, old in zip((*pair, x, y), before, strict=True):
        np.testing.assert_array_equal(rows, old)


def test_blocks_change_nothing(pair, calibration, monkeypatch):
    fitted = Whitening().fit(calibration)
    whole = fitted.images(pair[0])
    monkeypatch.setattr("workbench.interventions.base.BLOCK_ROWS", 7)
    np.testing.assert_allclose(fitted.images(pair[0]), whole, atol=1e-12)


def test_what_was_fitted_names_rule_and_calibration(pair, calibration):
    fitted = Centring(0.5).fit(calibration)
    assert fitted.id.startswith(
        "centring(alpha=0.5) fitted on the fixture's own pairs (160 images, 160 texts, "
    )
    np.testing.assert_array_equal(fitted.mean_image, calibration.mean_image)
    other = Calibration(pair[0][:-1], pair[1], source=calibration.source)
    assert Centring(0.5).fit(other).id != fitted.id


# identities


def test_translating_the_gallery_without_renormalising_changes_no_ranking(pair, calibration):
    x, y = map(unit, pair)
    for rule in (Shift(0.7, "image", renormalise=False), Centring(renormalise=False)):
        moved = rule.fit(calibration).images(x)
        assert np.abs(moved - x).max() > 0.01
        np.testing.assert_array_equal(np.argsort(y @ moved.T, axis=1), np.argsort(y @ x.T, axis=1))


def test_translating_the_queries_adds_a_number_per_picture(pair, calibration):
    x, y = map(unit, pair)
    moved = Shift(0.7, "text", renormalise=False).fit(calibration).texts(y)
    np.testing.assert_allclose(
        moved @ x.T - y @ x.T, np.tile(0.7 * calibration.gap @ x.T, (160, 1)), atol=1e-12
    )


def test_centring_the_queries_takes_off_each_pictures_mean_similarity(pair, calibration):
    """That is NNN with every bank query as neighbour and alpha 1."""
    x, y = map(unit, pair)
    moved = Centring(renormalise=False).fit(calibration).texts(y)
    scores = y @ x.T
    np.testing.assert_allclose(moved @ x.T, scores - scores.mean(axis=0), atol=1e-12)


def test_centring_closes_the_gap_but_for_the_renormalising(pair, calibration):
    raw = Centring(renormalise=False).fit(calibration)
    means = raw.images(pair[0]).mean(axis=0), raw.texts(pair[1]).mean(axis=0)
    np.testing.assert_allclose(means, 0, atol=1e-12)
    fitted = Centring().fit(calibration)
    left = gap_norm(fitted.images(pair[0]), fitted.texts(pair[1]))
    assert 1e-4 < left < 0.2 * gap_norm(*pair)


def test_closing_by_translation_is_not_centring(pair, calibration):
    shifted, centred = Shift().fit(calibration), Centring().fit(calibration)
    raw = [dataclasses.replace(rule, renormalise=False).fit(calibration) for rule in (Shift(), Centring())]
    common = (calibration.mean_image + calibration.mean_text) / 2
    np.testing.assert_allclose(
        raw[0].images(pair[0]) - raw[1].images(pair[0]), np.tile(common, (160, 1)), atol=1e-12
    )
    assert np.abs(shifted.images(pair[0]) - centred.images(pair[0])).max() > 0.01


def test_projecting_leaves_no_gap_along_it(pair, calibration):
    fitted = ProjectOutGap().fit(calibration)
    for rows in (fitted.images(pair[0]), fitted.texts(pair[1])):
        np.testing.assert_allclose(rows @ calibration.gap_direction, 0, atol=1e-12)


def test_full_shrinking_is_centring(pair, calibration):
    white, centred = Whitening(1.0).fit(calibration), Centring().fit(calibration)
    np.testing.assert_allclose(white.images(pair[0]), centred.images(pair[0]), atol=1e-9)


def test_whitened_rows_have_no_favourite_direction(pair, calibration):
    rows = Whitening(0.0, renormalise=False).fit(calibration).images(pair[0])
    np.testing.assert_allclose(np.cov(rows.T), np.eye(48), atol=1e-8)


@pytest.mark.parametrize("rule", [Shift(0.0), UnitShift(0.0), Centring(0.0)], ids=label)
def test_nothing_moved_is_nothing_changed(rule, pair, calibration):
    np.testing.assert_allclose(rule.fit(calibration).images(pair[0]), unit(pair[0]), atol=1e-12)


def test_the_gap_shrinks_by_the_share(pair, calibration):
    raw = Shift(0.25, renormalise=False).fit(calibration)
    left = raw.images(pair[0]).mean(axis=0) - raw.texts(pair[1]).mean(axis=0)
    np.testing.assert_allclose(left, 0.75 * gap_vector(*pair), atol=1e-12)


@pytest.mark.parametrize("renormalise", [True, False])
def test_recall_and_hubs_are_those_of_the_same_scores(renormalise, pair, calibration):
    rule = Centring(renormalise=renormalise)
    fitted = rule.fit(calibration)
    scores = fitted.texts(pair[1]) @ fitted.images(pair[0]).T
    own = np.diag(scores)[:, None]
    (row,) = effects(*pair, [rule], calibration).to_dict("records")
    assert row["recall@1 t2i"] == np.mean((scores >= own).sum(axis=1) <= 1)
    assert row["recall@5 i2t"] == np.mean((own <= scores.T).sum(axis=1) <= 5)
    assert row["skewness t2i"] == pytest.approx(k_skewness(k_occurrence(nearest_of_scores(scores, 10), 160)))


# what cannot be done


@pytest.mark.parametrize("rule", [UnitShift(), ProjectOutGap()], ids=label)
def test_without_a_gap_there_is_no_direction(rule, pair):
    with pytest.raises(InterventionError, match="'twice the same': the two means coincide"):
        rule.fit(Calibration(pair[0], pair[0], source="twice the same"))


def test_whitening_needs_more_rows_than_dimensions_or_shrinking(pair):
    few = Calibration(pair[0][:20], pair[1][:20], source="few")
    with pytest.raises(InterventionError, match="20 calibration images leave a direction of the 48"):
        Whitening(0.0).fit(few)
    assert np.isfinite(Whitening(0.1).fit(few).images(pair[0])).all()
    with pytest.raises(InterventionError, match="without spread"):
        Whitening().fit(Calibration(np.ones((9, 4)), np.ones((9, 4)), source="collapsed"))


def test_zscore_leaves_a_flat_dimension_centred():
    x = unit(np.random.default_rng(0).normal(size=(30, 5)))
    flat = np.concatenate([x, np.zeros((30, 1))], axis=1)
    moved = ZScore(renormalise=False).fit(Calibration(flat, flat, source="flat")).images(flat)
    np.testing.assert_array_equal(moved[:, 5], 0)


@pytest.mark.parametrize("rule", [Centring(), ZScore(), JointCentring()], ids=label)
def test_what_rounding_leaves_of_a_collapsed_set_is_no_direction(rule):
    """The mean of 30 equal rows is not quite that row."""
    same = np.tile(unit(np.random.default_rng(0).normal(size=(1, 12))), (30, 1))
    assert np.abs(same - same.mean(axis=0)).max() > 0
    with pytest.raises(ArrayError, match="so it has no direction"):
        rule.fit(Calibration(same, same, source="collapsed")).images(same)


def test_a_row_that_is_the_mean_has_no_direction_left():
    one = np.array([[3.0, 4.0]])
    with pytest.raises(ArrayError, match=r"image rows after centring fitted on one pair .* no direction"):
        Centring().fit(Calibration(one, one, source="one pair")).images(one)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Shift(moved="sideways"), "moved: got 'sideways', expected one of both, image, text"),
        (lambda: Centring(alpha=float("nan")), "alpha: got nan"),
        (lambda: Whitening(1.5), "shrink: got 1.5, expected 0 to 1"),
        (lambda: DropGapDimensions(0), "count: got 0, expected 1"),
    ],
)
def test_wrong_parameters_are_named(make, message):
    with pytest.raises(InterventionError, match=message):
        make()


def test_dropping_every_dimension_is_refused(calibration):
    with pytest.raises(InterventionError, match="got 48, expected fewer than the 48"):
        DropGapDimensions(48).fit(calibration)


@pytest.mark.parametrize(
    ("images", "texts", "source", "message"),
    [
        (np.ones((3, 4)), np.ones((3, 5)), "x", "calibration texts: got shape"),
        (np.ones((3, 4)), np.ones((3, 4)), " ", "source is empty"),
        (np.ones((0, 4)), np.ones((3, 4)), "x", "got 0 images and 3 texts"),
    ],
)
def test_a_calibration_set_is_checked_at_the_door(images, texts, source, message):
    with pytest.raises((ArrayError, InterventionError), match=message):
        Calibration(images, texts, source)


def test_nan_in_a_calibration_set_is_named():
    rows = np.ones((3, 4))
    rows[1, 2] = np.nan
    with pytest.raises(ArrayError, match="calibration texts: 1 of 12 values are NaN"):
        Centring().fit(Calibration(np.ones((3, 4)), rows, "x"))


def test_rows_of_another_width_are_refused(calibration):
    with pytest.raises(ArrayError, match="image rows: got shape"):
        Centring().fit(calibration).images(np.ones((2, 5)))


# whole cases


@pytest.fixture
def case(make_case):
    made = make_case()
    return Case(made.benchmark, "arrays", None, None, made.parts, made.views, corpora=made.corpora, verdicts=made.verdicts)  # fmt: skip


@pytest.fixture
def whole(case):
    return calibration_of(case, source="the case's own gallery")


MODALITIES = {"composed": "image"}


@pytest.mark.parametrize("name", METHODS.names())
def test_every_method_scores_a_case_after_an_intervention(name, case, whole):
    method = example(name)
    before, after = method.score(case), method.score(intervene(case, Centring().fit(whole), MODALITIES))
    assert after.shape == before.shape and np.isfinite(after).all() and not np.allclose(before, after)


@pytest.mark.parametrize("name", METHODS.names())
def test_an_intervention_that_moves_nothing_changes_no_score(name, case, whole):
    method = example(name)
    same = intervene(case, Shift(0.0).fit(whole), MODALITIES)
    np.testing.assert_allclose(method.score(same), method.score(case), atol=1e-5)


def test_pictures_and_texts_take_their_own_maps_and_keep_their_lengths(case, whole):
    fitted = Shift(1.0, "image").fit(whole)
    after = intervene(case, fitted, MODALITIES)
    np.testing.assert_allclose(unit(after.views["image"]), fitted.images(case.views["image"]), atol=1e-6)
    np.testing.assert_allclose(after.views["caption"], case.views["caption"], rtol=1e-5)
    for name, rows in after.parts.items():
        np.testing.assert_allclose(
            np.linalg.norm(rows, axis=1), np.linalg.norm(case.parts[name], axis=1), rtol=1e-5
        )
    np.testing.assert_allclose(ImageOnly().score(after), fitted.images(case.parts["reference_image"]) @ fitted.images(case.views["image"]).T, atol=1e-5)  # fmt: skip
    assert not np.allclose(TextOnly().score(after), TextOnly().score(case))  # the gallery moved


def test_a_case_names_its_interventions_in_order(case, whole):
    first, second = Centring().fit(whole), ZScore().fit(whole)
    after = intervene(intervene(case, first, MODALITIES), second, MODALITIES)
    assert case.interventions == () and after.interventions == (first.id, second.id)


def test_a_composed_row_is_of_no_modality(case, whole):
    with pytest.raises(InterventionError, match="part 'composed' was composed by a model"):
        intervene(case, Centring().fit(whole))


def test_corpora_go_by_their_names():
    assert [modality_of(name) for name in ("subjects", "pair_texts", "pair_images", "mean_image")] == [
        "text", "text", "image", "image"
    ]  # fmt: skip


def test_a_case_needs_unit_rows(case, whole):
    with pytest.raises(InterventionError, match="renormalise=False, but a case's rows are made unit"):
        intervene(case, Centring(renormalise=False).fit(whole), MODALITIES)


def test_calibration_by_a_view_that_is_not_there(case):
    with pytest.raises(UnknownName, match="Did you mean 'caption_2'"):
        calibration_of(case, "caption_3")
    assert calibration_of(case).source == "arrays val, gallery pictures and captions"


def test_a_run_says_what_was_done_to_its_case(case, whole, tmp_path):
    from workbench.runs import evaluate_and_record, rerun
    from workbench.runs.run import RunError

    fitted = Centring().fit(whole)
    after = intervene(case, fitted, MODALITIES)
    (run,) = evaluate_and_record(after, {"image only": ImageOnly()}, folder=tmp_path)[1]
    assert run.interventions == (fitted.id,)
    assert rerun(run, after).same
    with pytest.raises(RunError, match="its rows were changed"):
        rerun(run)
