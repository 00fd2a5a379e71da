"""Ranks by sorting, one query at a time, from the rule in words."""

import numpy as np

NEVER = 2**31 - 1


def ranking(scores_of_query, targets, excluded, candidates):
    """Items best first; among equals distractors (by row) stand before targets (by column)."""
    targets = [t for t in targets if t >= 0]
    ranked = range(len(scores_of_query)) if candidates is None else [c for c in candidates if c >= 0]
    ranked = [n for n in ranked if n not in excluded]

    def order(n):
        column = targets.index(n) if n in targets else -1
        return (-float(scores_of_query[n]), column, n)

    return sorted(ranked, key=order)


def target_ranks(scores, qrels):
    ranks = np.full(qrels.targets.shape, NEVER, np.int64)
    for q in range(len(scores)):
        candidates = None if qrels.candidates is None else qrels.candidates[q].tolist()
        order = ranking(scores[q], qrels.targets[q].tolist(), qrels.excluded[q].tolist(), candidates)
        for t, target in enumerate(qrels.targets[q].tolist()):
            if target in order:
                ranks[q, t] = order.index(target) + 1
    return ranks


def count_ties(scores, qrels):
    ties = np.zeros(qrels.targets.shape, np.int64)
    for q in range(len(scores)):
        targets = qrels.targets[q].tolist()
        candidates = None if qrels.candidates is None else qrels.candidates[q].tolist()
        order = ranking(scores[q], targets, qrels.excluded[q].tolist(), candidates)
        for t, target in enumerate(targets):
            if target in order:
                ties[q, t] = sum(n not in targets and scores[q, n] == scores[q, target] for n in order)
    return ties
