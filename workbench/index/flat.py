"""faiss: an exact inner-product index, and a bias per picture carried in one more dimension.

    [q, 1] . [g, bias] = q . g + bias

so a mitigator that only adds something per picture (NNN, CSLS) costs a search nothing. Needs the extra `search`.
"""

from __future__ import annotations

import numpy as np

from workbench.arrays import Float, check_finite, check_shape


def fold(gallery: Float["N D"], bias: Float[" N"]) -> Float["N E"]:
    """The gallery's rows with the bias as one more dimension (E = D + 1), in the gallery's float type (half: float32).

    >>> fold(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([-0.5, 0.25]))
    array([[ 1.  ,  0.  , -0.5 ],
           [ 0.  ,  1.  ,  0.25]])

    Raises ArrayError for a bias of another length, NaN or infinity.
    """
    sizes = check_shape("gallery", gallery, "N D")
    check_shape("bias", bias, "N", N=sizes["N"])
    check_finite("bias", bias)
    dtype = np.float32 if gallery.dtype == np.float16 else gallery.dtype
    return np.concatenate([gallery, bias[:, None]], axis=1, dtype=dtype, casting="same_kind")


def fold_queries(queries: Float["Q D"]) -> Float["Q E"]:
    """The queries' rows with a one as one more dimension (E = D + 1): what a folded gallery is searched with."""
    return np.concatenate([queries, np.ones((len(queries), 1), queries.dtype)], axis=1)


def flat_index(rows: Float["N D"]):
    """A faiss index that holds these rows and finds the largest inner products exactly.

    Raises ImportError, naming the extra, where faiss is missing.
    """
    try:
        import faiss
    except ImportError:
        raise ImportError("faiss is missing: pip install 'zscir-workbench[search]'") from None
    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(np.ascontiguousarray(rows, np.float32))
    return index
