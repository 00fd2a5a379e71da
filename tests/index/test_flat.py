"""A bias folded into a search index: the top k of the index is the top k of the mitigated scores."""

import numpy as np
import pytest

from workbench.arrays import ArrayError, unit
from workbench.hubness import CSLS, NNN, Bank, mitigate
from workbench.index import flat_index, fold, fold_queries, nearest, nearest_of_scores


def rows(n, seed):
    return unit(np.random.default_rng(seed).normal(size=(n, 24)).astype(np.float32) + 0.3)


@pytest.mark.parametrize("mitigator", [NNN(k=8, alpha=0.75), CSLS(k=5)])
def test_faiss_finds_the_mitigated_ranking(mitigator):
    pytest.importorskip("faiss")
    queries, gallery = rows(40, 1), rows(300, 2)
    bank = Bank(rows(60, 3), gallery, "other queries")
    wanted = nearest_of_scores(mitigate(mitigator, bank, queries @ gallery.T), 10)
    folded = fold(gallery, mitigator.fit(bank).bias)
    found = flat_index(folded).search(fold_queries(queries), 10)[1]
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(nearest(fold_queries(queries), folded, 10), wanted)
    assert (wanted != nearest(queries, gallery, 10)).any(), "the mitigator should change something"


def test_half_precision_ranks_as_what_it_stands_for():
    queries, gallery = rows(20, 1).astype(np.float16), rows(3000, 2).astype(np.float16)
    wide = [z.astype(np.float32) for z in (queries, gallery)]
    np.testing.assert_array_equal(nearest(queries, gallery, 10), nearest(*wide, 10))
    assert (nearest_of_scores(queries @ gallery.T, 10) != nearest(*wide, 10)).any()
    bias = np.linspace(0.1, 0.1001, 3000)
    np.testing.assert_array_equal(fold(gallery, bias), fold(wide[1], bias))


def test_a_bias_that_does_not_fit():
    with pytest.raises(ArrayError, match="bias"):
        fold(rows(5, 0), np.array([0.0, np.nan, 0.0, 0.0, 0.0]))
