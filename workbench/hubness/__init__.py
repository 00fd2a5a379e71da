"""Hubness: gallery pictures that turn up in too many rankings, how it is measured, and what tames it.

occurrence   k_occurrence, k_skewness
bank         Bank: the queries that a mitigator learns from, and where they come from
base         Mitigator, MITIGATORS, mitigate, mitigate_rows
csls nnn     one file per mitigator; importing this package registers them all
"""

from workbench.hubness.bank import Bank, BankError
from workbench.hubness.base import (
    MITIGATORS,
    Additive,
    Fitted,
    FittedRows,
    Mitigator,
    MitigatorError,
    label,
    mitigate,
    mitigate_rows,
)
from workbench.hubness.csls import CSLS
from workbench.hubness.nnn import NNN

__all__ = [
    "CSLS",
    "MITIGATORS",
    "NNN",
    "Additive",
    "Bank",
    "BankError",
    "Fitted",
    "FittedRows",
    "Mitigator",
    "MitigatorError",
    "label",
    "mitigate",
    "mitigate_rows",
]
