"""One order of adding up, in NumPy and compiled: the same bits."""

import numpy as np
import pytest

from workbench.score.exact import dots, exact_similarities, lengths
from workbench.score.similarities import Similarities


@pytest.mark.parametrize("width", [1, 7, 8, 16, 19, 512])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_compiled_twin_has_the_same_bits(width, dtype):
    halfline = pytest.importorskip("workbench.kernels.halfline")
    rng = np.random.default_rng(width)
    a, b = rng.normal(size=(2, 30, width)).astype(dtype)
    some = rng.integers(0, 30, 30)
    assert (halfline.dots(a, some, b) == dots(a[some], b)).all()
    assert (halfline.lengths(a) == lengths(a)).all()
    np.testing.assert_allclose(dots(a, b), np.einsum("pd,pd->p", a.astype(float), b), rtol=1e-12)


def test_a_pair_has_one_value_wherever_it_stands(make_case):
    case = make_case(seed=2)
    sims = Similarities(case.parts, case.views, [("modification", "image"), ("modification", "caption")])
    queries, items = np.divmod(np.arange(12 * 40), 40)
    whole = exact_similarities(sims, queries, items)
    for pair in (0, 77, 479):
        alone = exact_similarities(sims, queries[pair : pair + 1], items[pair : pair + 1])
        assert (alone[:, 0] == whole[:, pair]).all()
