"""Intervals and paired tests: 10,000 resamples of 5,000 queries x 20 methods, against a plain loop and scipy.

    python benchmarks/bench_significance.py [--quick]

All answers are of the same values in the same process; a loop of which less than everything is run is measured per
resample and multiplied. scipy knows no clusters: it is compared with every query standing alone. The last line holds
the ratios (slower / ours).
"""

from __future__ import annotations

import argparse
import tracemalloc
from collections.abc import Callable
from time import process_time

import numpy as np
from scipy import stats

from workbench.significance import bootstrap_intervals, sign_flip_p


def seconds(work: Callable[[], object], repeats: int = 1) -> float:
    """CPU seconds of one call, the least of `repeats`: other programs' share of the machine does not count."""
    times = []
    for _ in range(repeats):
        start = process_time()
        work()
        times.append(process_time() - start)
    return min(times)


def loop_bootstrap(values: np.ndarray, clusters: np.ndarray, samples: int) -> np.ndarray:
    """One resample after the other, as most evaluation scripts do it."""
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(clusters == name) for name in np.unique(clusters)]
    means = []
    for _ in range(samples):
        drawn = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        means.append(values[drawn].mean(axis=0))
    return np.quantile(means, [0.025, 0.975], axis=0)


def loop_flips(differences: np.ndarray, clusters: np.ndarray, samples: int) -> np.ndarray:
    """One flip after the other."""
    rng = np.random.default_rng(0)
    number, observed = clusters.max() + 1, np.abs(differences.mean(axis=0))
    as_far = np.zeros(differences.shape[1])
    for _ in range(samples):
        signs = rng.choice([-1.0, 1.0], size=number)[clusters]
        as_far += np.abs((signs[:, None] * differences).mean(axis=0)) >= observed
    return (as_far + 1) / (samples + 1)


def main(quick: bool) -> None:
    n_queries, n_methods, samples = (1000, 5, 2000) if quick else (5000, 20, 10_000)
    in_loop, in_scipy = (40, 500) if quick else (100, 1000)
    rng = np.random.default_rng(0)
    ease = rng.random((n_queries, 1))
    values = (
        0.5 * ease + 0.5 * rng.random((n_queries, n_methods)) < np.linspace(0.3, 0.4, n_methods)
    ).astype(float)
    clusters, alone = np.arange(n_queries) // 2, np.arange(n_queries)
    against = np.zeros((1, n_methods), np.int64)
    gains = values - values[:, :1]

    tracemalloc.start()
    bootstrap_intervals(values, clusters, samples=min(samples, 1000))
    sign_flip_p(values, against, clusters, samples=min(samples, 1000))
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()

    repeats = 3
    ours = {
        "bootstrap": seconds(lambda: bootstrap_intervals(values, clusters, samples=samples), repeats),
        "bootstrap, no clusters": seconds(
            lambda: bootstrap_intervals(values, alone, samples=samples), repeats
        ),
        "sign flips": seconds(lambda: sign_flip_p(values, against, clusters, samples=samples), repeats),
        "sign flips, no clusters": seconds(
            lambda: sign_flip_p(values, against, alone, samples=samples), repeats
        ),
    }
    theirs = {
        "bootstrap": samples / in_loop * seconds(lambda: loop_bootstrap(values, clusters, in_loop)),
        "sign flips": samples / in_loop * seconds(lambda: loop_flips(gains, clusters, in_loop)),
        "bootstrap, no clusters": samples
        / in_scipy
        * seconds(
            lambda: stats.bootstrap(
                (values,), np.mean, n_resamples=in_scipy, method="percentile", batch=50, rng=0
            )
        ),
        "sign flips, no clusters": samples
        / in_scipy
        * seconds(
            lambda: stats.permutation_test(
                (gains,),
                np.mean,
                permutation_type="samples",
                n_resamples=in_scipy,
                batch=50,
                rng=0,
                vectorized=True,
            )
        ),
    }
    print(
        f"{samples:,} resamples, {n_queries:,} queries in {n_queries // 2:,} clusters, {n_methods} methods; CPU seconds"
    )
    for name, mine in ours.items():
        other = "scipy" if "no clusters" in name else "loop"
        print(f"  {name:24s} {mine:8.3f}   {other:5s} {theirs[name]:9.2f}   x {theirs[name] / mine:.0f}")
    print(f"  peak memory of 1,000 resamples above the values: {peak:.0f} MiB")
    print("ratios: " + ", ".join(f"{name} {theirs[name] / mine:.0f}" for name, mine in ours.items()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a small case, in seconds")
    main(parser.parse_args().quick)
