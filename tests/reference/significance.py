"""Bootstrap, sign flips, Holm and effect sizes one resample at a time, over lists of clusters."""

import itertools
import statistics

import numpy as np


def clusters_of(values, clusters):
    return [[v for v, c in zip(values, clusters, strict=True) if c == name] for name in sorted(set(clusters))]


def mean_of(groups, mean="queries"):
    """The mean of one stratum's clusters."""
    if mean == "clusters":
        return statistics.fmean(statistics.fmean(group) for group in groups)
    return statistics.fmean(itertools.chain(*groups))


def mean_over(strata_of_groups, mean):
    """The benchmark's own mean: of stratum means, or over all clusters or queries of all strata."""
    if mean == "strata":
        return statistics.fmean(mean_of(groups) for groups in strata_of_groups)
    return mean_of(list(itertools.chain(*strata_of_groups)), mean)


def by_stratum(values, clusters, strata):
    """A list of clusters for each stratum."""
    some = []
    for stratum in sorted(set(strata)):
        rows = [i for i, s in enumerate(strata) if s == stratum]
        some.append(clusters_of([values[i] for i in rows], [clusters[i] for i in rows]))
    return some


def bootstrap_interval(values, clusters, level, samples, rng, strata=None, mean="queries"):
    strata = [0] * len(values) if strata is None else strata
    groups = by_stratum(list(values), list(clusters), list(strata))
    means = []
    for _ in range(samples):
        drawn = [[some[i] for i in rng.integers(len(some), size=len(some))] for some in groups]
        means.append(mean_over(drawn, mean))
    return np.quantile(means, [(1 - level) / 2, (1 + level) / 2])


def exact_permutation_p(differences, clusters, strata=None, mean="queries"):
    """All 2^G sign patterns, without the + 1 that random ones need."""
    strata = [0] * len(differences) if strata is None else strata
    groups = by_stratum(list(differences), list(clusters), list(strata))
    sizes = [len(some) for some in groups]
    observed = abs(mean_over(groups, mean))
    as_far = []
    for pattern in itertools.product([-1, 1], repeat=sum(sizes)):
        signs = iter(pattern)
        flipped = []
        for some in groups:
            turned = []
            for group in some:
                sign = next(signs)
                turned.append([sign * value for value in group])
            flipped.append(turned)
        as_far.append(abs(mean_over(flipped, mean)) >= observed - 1e-12)
    return sum(as_far) / len(as_far)


def holm(p):
    """Reject from the smallest up, by the definition: p (i) is below alpha / (m - i) and so was every smaller one."""
    order = sorted(range(len(p)), key=lambda i: p[i])
    corrected = [0.0] * len(p)
    for place, i in enumerate(order):
        corrected[i] = min(1.0, max((len(p) - j) * p[order[j]] for j in range(place + 1)))
    return corrected


def effect(differences):
    return statistics.fmean(differences) / statistics.stdev(differences)
