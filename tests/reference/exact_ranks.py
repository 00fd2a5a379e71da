"""The float64 oracle of every linear method: all scores of all pairs in float64, then ranks by sorting."""

import numpy as np

from tests.reference import ranks as slow


def unit(rows):
    rows = rows.astype(np.float64)
    return rows, np.sqrt((rows * rows).sum(axis=-1))


def similarities(sims):
    """(K, Q, N): dot(part, view) / (|part| |view|), each sum in NumPy's own order."""
    out = []
    for part, view in sims.terms:
        (rows, row_lengths), (items, item_lengths) = unit(sims.parts[part]), unit(sims.views[view])
        dots = np.array([[(row * item).sum() for item in items] for row in rows])
        out.append(dots / (row_lengths[:, None] * item_lengths))
    return np.array(out)


def scores(weights, known, bias=None):
    """(Q, N) from (K,) or (Q, K) weights, rounded to float32 as everywhere, and the known similarities."""
    weights = np.asarray(weights, np.float32).astype(np.float64)
    weights = np.broadcast_to(weights, (known.shape[1], len(known)))
    total = 0
    for k, similarity in enumerate(known):
        total = total + weights[:, k, None] * similarity
    return total if bias is None else total + np.asarray(bias, np.float32)


def target_ranks(weights, sims, qrels, bias=None):
    """(P, Q, T) int64."""
    known = similarities(sims)
    return np.array([slow.target_ranks(scores(one, known, bias), qrels) for one in weights])
