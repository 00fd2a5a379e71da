"""Metrics from a ranked list of relevant / not relevant, as the definitions read."""


def relevance(ranks, length):
    """A list of `length` places, True where a target stands."""
    return [place in ranks for place in range(1, length + 1)]


def average_precision_at(relevant, n_targets, k):
    """CIRCO: the sum over the first k places of precision x relevance, over min(T, k)."""
    total = sum(sum(relevant[: i + 1]) / (i + 1) for i in range(min(k, len(relevant))) if relevant[i])
    return total / min(n_targets, k)


def average_precision_trapezoid(ranks):
    """i-CIR: precision before and at each target, averaged, over T + 1e-5 (its ranks start at 0)."""
    total = 0.0
    for i, rank in enumerate(sorted(r - 1 for r in ranks)):
        before = 1.0 if rank == 0 else i / rank
        total += (before + (i + 1) / (rank + 1)) / 2
    return total / (len(ranks) + 1e-5)
