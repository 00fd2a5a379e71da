"""The joint question: what do mitigators of hubness and interventions on the gap do to composed retrieval?

    mitigated   Mitigated, MitigatedHalves: a method with a mitigator behind it is a method, and is evaluated as one
    banks       where the bank's queries come from: this case's own, another case's, the gallery's captions
    table       joint_table: every method x intervention x mitigator x bank, recall against skewness, with intervals

Which queries the hubs capture stands in `capture`.
"""

from workbench.joint.banks import bank_of_queries, captions_bank, fair_scores, other_case_bank
from workbench.joint.mitigated import Given, Mitigated, MitigatedHalves
from workbench.joint.table import joint_table, skewness_interval

__all__ = [
    "Given",
    "Mitigated",
    "MitigatedHalves",
    "bank_of_queries",
    "captions_bank",
    "fair_scores",
    "joint_table",
    "other_case_bank",
    "skewness_interval",
]
