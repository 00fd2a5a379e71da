"""The k best pictures of large galleries, without a (Q, N) array.

exact       nearest: exact blocked search; nearest_of_scores, nearest_of_blocks: the same from scores
flat        a faiss index of the same rows
"""

from workbench.index.exact import nearest, nearest_of_blocks, nearest_of_scores
from workbench.index.flat import flat_index, fold, fold_queries

__all__ = ["flat_index", "fold", "fold_queries", "nearest", "nearest_of_blocks", "nearest_of_scores"]
