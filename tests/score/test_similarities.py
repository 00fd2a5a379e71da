"""Similarities: raw rows in, unit rows inside, and errors that name the part."""

import inspect

import numpy as np
import pytest

from workbench.arrays import ArrayError
from workbench.methods import Slerp
from workbench.registry import UnknownName
from workbench.score.similarities import BudgetError, Similarities, Term

TERMS = (Term("reference_image"), Term("modification"), Term("reference_image", "caption"))


def cosines(x, y):
    return np.array([[a @ b / np.sqrt(a @ a) / np.sqrt(b @ b) for b in y] for a in x])


@pytest.fixture
def sims(make_case):
    return make_case().similarities(TERMS)


def test_one_term_is_the_cosine_of_every_pair(sims):
    for term in TERMS:
        expected = cosines(sims.parts[term.part], sims.views[term.view])
        np.testing.assert_allclose(sims[term], expected, atol=1e-6)
        assert sims[term].dtype == np.float32


def test_blocks_are_the_same_cut_up(sims):
    whole = np.stack([sims[term] for term in TERMS])
    np.testing.assert_allclose(
        sims.blocks(slice(3, 7), slice(10, 31)), whole[:, 3:7, 10:31], rtol=0, atol=1e-6
    )
    slices = list(sims.query_slices())
    assert [q for rows in slices for q in range(*rows.indices(12))] == list(range(12))


def test_combining_first_or_last_is_the_same(sims):
    rng = np.random.default_rng(0)
    for weights in (rng.normal(size=3), rng.normal(size=(12, 3))):
        per_query = np.broadcast_to(weights, (12, 3))
        expected = sum(per_query[:, k, None] * sims[term] for k, term in enumerate(TERMS))
        np.testing.assert_allclose(sims.combine(weights), expected, atol=1e-5)
        assert sims.combine(weights).dtype == np.float32


def test_gram_keeps_raw_lengths(sims):
    v, t = sims.parts["reference_image"], sims.parts["modification"]
    assert sims.part_names == ("reference_image", "modification")
    assert sims.gram.shape == (12, 2, 2)
    np.testing.assert_allclose(
        sims.gram[5], [[v[5] @ v[5], v[5] @ t[5]], [t[5] @ v[5], t[5] @ t[5]]], rtol=1e-5
    )


def test_inputs_are_left_alone(make_case):
    case = make_case()
    before = {name: rows.copy() for name, rows in case.parts.items()}
    case.similarities(TERMS).combine(np.ones(3))
    for name, rows in case.parts.items():
        np.testing.assert_array_equal(rows, before[name])


def test_errors_name_what_is_wrong(make_case):
    case = make_case()
    with pytest.raises(UnknownName, match="Did you mean 'reference_image'"):
        case.similarities((Term("reference_imag"),))
    with pytest.raises(UnknownName, match="Did you mean 'caption'"):
        case.similarities((Term("modification", "captoin"),))
    with pytest.raises(UnknownName, match="no term composed_caption x image"):
        case.similarities(TERMS)[Term("composed_caption")]
    with pytest.raises(ArrayError, match="terms: got none"):
        case.similarities(())
    narrow = {**case.parts, "modification": case.parts["modification"][:, :9]}
    with pytest.raises(
        ArrayError, match=r"part 'modification': got shape \(12, 9\), expected \"Q D\" with Q=12, D=16"
    ):
        Similarities(narrow, case.views, TERMS)


def test_rows_without_direction_are_refused(make_case):
    case = make_case()
    for value, message in (
        (0.0, r"part 'modification': row \(4,\) has length 0.0"),
        (np.nan, "NaN or infinite"),
    ):
        rows = case.parts["modification"].copy()
        rows[4] = value
        with pytest.raises(ArrayError, match=message):
            Similarities({**case.parts, "modification": rows}, case.views, TERMS).combine(np.ones(3))


def test_methods_with_weights_from_the_gram_name_such_rows_too(make_case):
    case = make_case()
    case.parts["modification"][4] = 0
    with pytest.raises(ArrayError, match=r"part 'modification': row \(4,\) has length 0.0"):
        Slerp(0.8).score(case)


def test_float64_rows_do_not_widen_anything(make_case):
    case = make_case()
    wide = Similarities(
        {name: rows.astype(np.float64) for name, rows in case.parts.items()}, case.views, TERMS
    )
    assert wide.blocks(slice(None), slice(None)).dtype == np.float32
    assert wide[TERMS[0]].dtype == np.float32


def test_weights_must_fit(sims):
    combine = inspect.unwrap(Similarities.combine)
    with pytest.raises(ArrayError, match=r"weights: got shape \(2,\), expected \(3,\) or \(12, 3\)"):
        combine(sims, np.ones(2))


def test_budget_is_kept(make_case):
    case = make_case()
    small = Similarities(case.parts, case.views, TERMS, budget=1000)
    with pytest.raises(
        BudgetError, match="a 12 x 40 matrix takes 1,920 bytes, more than the budget of 1,000"
    ):
        small[TERMS[0]]
    with pytest.raises(BudgetError, match="linear_target_ranks"):
        small.combine(np.ones(3))
