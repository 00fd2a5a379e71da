"""Where a method is good and where it fails: by edit kind, number of targets, length of the text; what one modality
already solves; which queries flip between two methods.

All from the frame of `evaluation.evaluate`, one row per method and query. Left out: percent and figures (`tables`,
`plots`).
"""

from workbench.breakdown.by_group import binned, breakdown
from workbench.breakdown.flips import flipped_queries, flips
from workbench.breakdown.necessity import KINDS, necessity

__all__ = ["KINDS", "binned", "breakdown", "flipped_queries", "flips", "necessity"]
