"""The joint question: what do mitigators of hubness and interventions on the gap do to composed retrieval?

    mitigated   Mitigated, MitigatedHalves: a method with a mitigator behind it is a method, and is evaluated as one
    banks       where the bank's queries come from: this case's own, another case's, the gallery's captions
    table       joint_table: every method x intervention x mitigator x bank, recall against skewness, with intervals
    frames      N_k, Lorenz curves and rank changes as frames, for `plots.hubs`
    pairs       anyone's pairs as a case, their hubness in both directions, and its causes on simulated ones

Which queries the hubs capture stands in `capture`.
"""

from workbench.joint.banks import bank_of_queries, captions_bank, fair_scores, other_case_bank
from workbench.joint.frames import lorenz_frame, occurrence_frame, rank_changes
from workbench.joint.mitigated import Given, Mitigated, MitigatedHalves, galleries_apart
from workbench.joint.pairs import cause_frame, pair_case, pair_hubness
from workbench.joint.table import joint_table, skewness_interval

__all__ = [
    "Given",
    "Mitigated",
    "MitigatedHalves",
    "bank_of_queries",
    "captions_bank",
    "cause_frame",
    "fair_scores",
    "galleries_apart",
    "joint_table",
    "lorenz_frame",
    "occurrence_frame",
    "other_case_bank",
    "pair_case",
    "pair_hubness",
    "rank_changes",
    "skewness_interval",
]
