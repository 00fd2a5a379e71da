"""How sure is a mean, and is a difference more than luck? Intervals, paired tests, correction, effect sizes.

Queries that share a reference image (on i-CIR: an instance) succeed and fail together. They form a cluster, and whole
clusters are resampled or flipped, within strata such as FashionIQ's categories. Functions take `groups`: nothing
(every query stands alone), an array of cluster numbers, or `Groups` for strata and for a mean other than over queries.
Everything is seeded, and nothing of the size resamples x queries is ever held at once.

Left out: which queries share a cluster (`evaluation` reads it off the benchmark) and what a reader makes of a p.
"""

from workbench.significance.groups import Groups
from workbench.significance.holm import holm
from workbench.significance.intervals import Interval, Intervals, bootstrap_interval, bootstrap_intervals
from workbench.significance.paired import (
    Effects,
    PairedTest,
    paired_effects,
    paired_test,
    permutation_p,
    sign_flip_p,
)

__all__ = [
    "Effects",
    "Groups",
    "Interval",
    "Intervals",
    "PairedTest",
    "bootstrap_interval",
    "bootstrap_intervals",
    "holm",
    "paired_effects",
    "paired_test",
    "permutation_p",
    "sign_flip_p",
]
