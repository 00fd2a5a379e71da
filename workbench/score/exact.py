"""What "exact" means: the one float64 formula that every certified rank comes down to.

    s_k = dot(part_k, view_k) / (|part_k| |view_k|)         raw rows as they came in, everything in float64
    score = ((w_0 s_0 + w_1 s_1) + w_2 s_2) + ... [+ bias]   weights as the method gives them, rounded to float32

Sums are taken in an order that is written down here (`dots`), so a pair of rows has one score, wherever it stands in
a matrix and whatever the processor; equal rows have equal scores. A competitor beats a target where its score is at
least as high. Left out: speed; compiled twins of these two lines stand in `halfline`.
"""

from __future__ import annotations

import numpy as np

from workbench.arrays import Float
from workbench.score.similarities import Similarities

PAIR_CELLS = 2**20  # float64 numbers gathered at a time
LANES = 8


def dots(a: Float["p D"], b: Float["p D"]) -> Float[" p"]:
    """Row by row inner products in float64, added up in eight lanes (columns modulo 8), then the lanes in halves.

    NumPy's own sums and BLAS choose an order by shape, memory and processor; this one is the same everywhere.

    >>> dots(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]))
    array([11.])
    """
    products = a.astype(np.float64) * b.astype(np.float64)
    lanes = np.zeros((len(products), LANES))
    for start in range(0, products.shape[1], LANES):
        piece = products[:, start : start + LANES]
        lanes[:, : piece.shape[1]] += piece
    while lanes.shape[1] > 1:
        half = lanes.shape[1] // 2
        lanes = lanes[:, :half] + lanes[:, half:]
    return lanes[:, 0]


def lengths(rows: Float["n D"]) -> Float[" n"]:
    """Euclidean lengths in float64."""
    return np.sqrt(dots(rows, rows))


def exact_similarities(sims: Similarities, queries: np.ndarray, items: np.ndarray) -> Float["K p"]:
    """The K similarities of some (query, item) pairs, in float64."""
    values = np.empty((len(sims.terms), len(queries)))
    width = next(iter(sims.parts.values())).shape[1]
    step = max(1, PAIR_CELLS // width)
    for pairs in (slice(start, start + step) for start in range(0, len(queries), step)):
        parts = {name: sims.parts[name][queries[pairs]] for name in sims.part_names}
        views = {name: sims.views[name][items[pairs]] for name in sims.view_names}
        size = {id(rows): lengths(rows) for rows in (*parts.values(), *views.values())}
        for k, (part, view) in enumerate(sims.terms):
            a, b = parts[part], views[view]
            values[k, pairs] = dots(a, b) / (size[id(a)] * size[id(b)])
    return values


def weighed(weights: np.ndarray, similarities: Float["K p"]) -> np.ndarray:
    """The scores (..., p) of pairs under weights (..., p or 1, K), added up term by term in order."""
    weights = weights.astype(np.float64)
    total = weights[..., 0] * similarities[0]
    for k in range(1, len(similarities)):
        total = total + weights[..., k] * similarities[k]
    return total
