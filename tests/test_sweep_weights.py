"""A whole grid's weights in one call are those of its settings one by one."""

import math
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import pytest

from tests.methods.examples import example
from workbench.arrays import ArrayError
from workbench.methods import METHODS, LinearMethod, PDVFusion, TextOnly, WeightedSum, WeiMoCIR
from workbench.methods.base import decimals, per_term
from workbench.score.similarities import Term
from workbench.sweep import grid, ranks
from workbench.sweep.weights import families, weights_of

OURS = {
    name: kind for name in METHODS.names() if (kind := METHODS.get(name)).__module__.startswith("workbench.")
}
ELEMENTWISE = [name for name, kind in OURS.items() if getattr(kind, "elementwise", False)]


def settings_of(name: str) -> list:
    """Every decimal field of a method at four values, in all combinations."""
    one = example(name)
    return grid(one, **{field: [0.0, 0.3, 0.8, 1.0] for field in decimals(type(one))})


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_columns_give_the_weights_of_each_setting(name, make_case):
    methods = settings_of(name)
    sims = make_case(seed=4).similarities(methods[0].terms)
    (family,) = families(methods, range(len(methods)))
    together = weights_of([family], sims)
    for method, weights in zip(methods, together, strict=True):
        alone = np.broadcast_to(method.weights(sims.gram), (sims.n_queries, len(sims.terms)))
        np.testing.assert_array_max_ulp(np.broadcast_to(weights, alone.shape), alone, maxulp=1)


def test_every_linear_method_with_a_decimal_field_works_element_by_element():
    """Should one lose the mark, its sweeps would be slow and nothing else would tell."""
    decimal = {
        name
        for name, kind in OURS.items()
        if issubclass(kind, LinearMethod) and any(field.type in (float, "float") for field in fields(kind))
    }
    assert decimal == {*ELEMENTWISE} and len(decimal) >= 10


def test_families_differ_in_decimal_fields_only():
    text = TextOnly()
    some = [
        PDVFusion(beta=0.1),
        WeiMoCIR(),
        PDVFusion(beta=0.2),
        WeiMoCIR(captions=2),
        text,
        text,
    ]
    found = families(some, range(10, 16))
    assert [family.members for family in found] == [[10, 12], [11], [13], [14], [15]]
    np.testing.assert_array_equal(found[0].asked.beta, [[0.1], [0.2]])
    assert found[1].asked is some[1] and some[0].beta == 0.1  # the methods themselves stay as they are


def test_weights_per_query_are_told_from_shared_ones(make_case):
    case = make_case(seed=6)
    for methods, queries in (([WeightedSum(0.2), WeightedSum(0.4)], 1), ([WeiMoCIR(0.2), WeiMoCIR(0.4)], 12)):
        sims = case.similarities(methods[0].terms)
        assert weights_of(families(methods, range(2)), sims).shape == (2, queries, len(sims.terms))


def marked(weights, **more):
    """A class of two terms with a decimal field `w`, marked as elementwise."""
    body = {"__annotations__": {"w": float}, "w": 0.5, "weights": weights, "elementwise": True} | more
    body = {"terms": (Term("reference_image"), Term("modification"))} | body
    return dataclass(frozen=True)(type("Marked", (LinearMethod,), body))


def derived(self):
    object.__setattr__(self, "other", 1 - self.w)


BROKEN = {
    "a branch": (marked(lambda self, gram: per_term(self.w, 1 if self.w > 0.5 else 0)), "ambiguous"),
    "a function of one number": (marked(lambda self, gram: per_term(math.sin(self.w), 1)), "settings raise"),
    "K numbers": (
        marked(lambda self, gram: np.array([1.0, 2.0]) * np.mean(self.w)),
        r"got shape \(2,\), expected",
    ),
    "the wrong order": (marked(lambda self, gram: per_term(self.w, 1)[::-1]), "other ones among 3"),
    "one branch for all": (
        marked(lambda self, gram: per_term(self.w, float(np.all(self.w > 0.3)))),
        "other ones among 3",
    ),
    "something made beforehand": (
        marked(lambda self, gram: per_term(self.other, self.w), __post_init__=derived),
        "no attribute 'other'",
    ),
    "other terms": (
        marked(
            lambda self, gram: per_term(self.w),
            terms=property(lambda self: (Term("modification" if self.w > 0.5 else "reference_image"),)),
        ),
        "the terms of",
    ),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_promise_is_an_error_that_names_the_class(how, make_case):
    kind, match = BROKEN[how]
    with pytest.raises(ArrayError, match=rf"Marked has elementwise = True, but .*{match}"):
        ranks([kind(0.1), kind(0.4), kind(0.9)], make_case(seed=7))
    assert len(ranks([kind(0.1)], make_case(seed=7))["default"]) == 1  # one alone is asked as it is


def test_values_kept_from_an_earlier_use_play_no_part(make_case):
    kind = marked(
        lambda self, gram: per_term(self.other, self.w), other=cached_property(lambda self: 1 - self.w)
    )
    kind.other.__set_name__(kind, "other")
    methods, case = [kind(0.1), kind(0.5), kind(0.9)], make_case(seed=7)
    alone = np.concatenate([ranks([one], case)["default"] for one in methods])
    np.testing.assert_array_equal(ranks(methods, case)["default"], alone)


def test_a_class_that_overrides_weights_is_asked_setting_by_setting(make_case):
    class Careful(WeightedSum):
        def weights(self, gram):
            return np.array([1.0, max(self.weight, 0.5)], np.float32)

    case, methods = make_case(seed=7), [Careful(0.1), Careful(0.5), Careful(0.9)]
    found = ranks(methods, case)["default"]
    np.testing.assert_array_equal(found[0], found[1])
    assert len(families(methods, range(3))) == 3


def test_weights_that_are_no_numbers_name_their_setting(make_case):
    with pytest.raises(ArrayError, match=r"weights of WeightedSum\(weight=inf\)"):
        ranks([WeightedSum(0.1), WeightedSum(np.inf)], make_case(seed=8))
