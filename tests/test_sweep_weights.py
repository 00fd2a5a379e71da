"""A whole grid's weights in one call are those of its settings one by one."""

from dataclasses import dataclass, fields

import numpy as np
import pytest

from tests.methods.examples import example
from workbench.arrays import ArrayError
from workbench.methods import METHODS, LinearMethod, PDVFusion, TextOnly, WeightedSum, WeiMoCIR
from workbench.score.similarities import Term
from workbench.sweep import grid, ranks
from workbench.sweep.weights import families, shared_weights, weights_of

OURS = {
    name: kind for name in METHODS.names() if (kind := METHODS.get(name)).__module__.startswith("workbench.")
}
ELEMENTWISE = [name for name, kind in OURS.items() if getattr(kind, "elementwise", False)]


def settings_of(name: str) -> list:
    """Every decimal field of a method at four values, in all combinations."""
    one = example(name)
    decimal = [field.name for field in fields(one) if field.type in (float, "float")]
    return grid(one, **{field: [0.0, 0.3, 0.8, 1.0] for field in decimal})


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
    shared, own = [WeightedSum(0.2), WeightedSum(0.4)], [WeiMoCIR(0.2), WeiMoCIR(0.4)]
    assert shared_weights(families(shared, range(2)), case.similarities(shared[0].terms)).shape == (2, 1, 2)
    assert shared_weights(families(own, range(2)), case.similarities(own[0].terms)) is None


@dataclass(frozen=True)
class Promised(LinearMethod):
    """Says that it works on columns, and does not."""

    weight: float = 0.5
    terms = (Term("reference_image"), Term("modification"))
    elementwise = True

    def weights(self, gram):
        return np.array([1.0, 2.0], np.float32) * float(np.mean(self.weight))


def test_a_broken_promise_is_named(make_case):
    with pytest.raises(
        ArrayError, match=r"weights of 2 settings like Promised\(weight=0.1\): got shape \(2,\)"
    ):
        ranks([Promised(0.1), Promised(0.2)], make_case(seed=7))


def test_weights_that_are_no_numbers_name_their_setting(make_case):
    with pytest.raises(ArrayError, match=r"weights of WeightedSum\(weight=inf\)"):
        ranks([WeightedSum(0.1), WeightedSum(np.inf)], make_case(seed=8))
