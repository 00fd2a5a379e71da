"""Bootstrap and permutation one resample at a time, over lists of clusters."""

import itertools

import numpy as np


def clusters_of(values, clusters):
    return [[v for v, c in zip(values, clusters, strict=True) if c == name] for name in sorted(set(clusters))]


def bootstrap_interval(values, clusters, level, samples, rng):
    groups = clusters_of(values, clusters)
    means = []
    for _ in range(samples):
        drawn = [groups[i] for i in rng.integers(len(groups), size=len(groups))]
        means.append(np.mean(list(itertools.chain(*drawn))))
    return np.quantile(means, [(1 - level) / 2, (1 + level) / 2])


def exact_permutation_p(differences, clusters):
    """All 2^G sign patterns, without the + 1 that random ones need."""
    sums = [sum(group) for group in clusters_of(differences, clusters)]
    observed = abs(sum(sums))
    patterns = list(itertools.product([-1, 1], repeat=len(sums)))
    as_far = [abs(sum(s * d for s, d in zip(p, sums, strict=True))) >= observed - 1e-12 for p in patterns]
    return sum(as_far) / len(patterns)
