"""Hubness: gallery pictures that turn up in too many rankings, how it is measured, and what tames it.

measures   occurrence (N_k), measures (skewness and the others), report (all of them beside random lists)
bank       Bank: the queries that a mitigator learns from, and where they come from
base       Mitigator, MITIGATORS, mitigate, mitigate_rows

One file per mitigator; importing this package registers them all:

one number per picture (`bias`)   csls, nnn, inverted_softmax, dual_is, dissim_local, centring, sinkhorn*
other changes of scores           dis, dual_dis, nicdm, local_scaling, globally_corrected, dual_softmax*,
                                  mutual_proximity, mutual_proximity_empiric, mutual_proximity_joint
changes of rows                   invgc, invgc_local, centring_unit

* transductive by nature: fitted on the test queries, or not at all
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
from workbench.hubness.centring import Centring, CentringUnit
from workbench.hubness.csls import CSLS
from workbench.hubness.dis import DIS
from workbench.hubness.dissim_local import DisSimLocal
from workbench.hubness.dual_bank import DualDIS, DualIS
from workbench.hubness.dual_softmax import DualSoftmax
from workbench.hubness.globally_corrected import GloballyCorrected
from workbench.hubness.inverted_softmax import InvertedSoftmax
from workbench.hubness.invgc import InvGC, InvGCLocal
from workbench.hubness.local_scaling import LocalScaling
from workbench.hubness.mutual_proximity import MutualProximity
from workbench.hubness.mutual_proximity_empiric import MutualProximityEmpiric, MutualProximityJoint
from workbench.hubness.nicdm import NICDM
from workbench.hubness.nnn import NNN
from workbench.hubness.occurrence import k_occurrence, k_skewness
from workbench.hubness.report import hubness_report
from workbench.hubness.sinkhorn import Sinkhorn

__all__ = [
    "CSLS",
    "DIS",
    "MITIGATORS",
    "NICDM",
    "NNN",
    "Additive",
    "Bank",
    "BankError",
    "Centring",
    "CentringUnit",
    "DisSimLocal",
    "DualDIS",
    "DualIS",
    "DualSoftmax",
    "Fitted",
    "FittedRows",
    "GloballyCorrected",
    "InvGC",
    "InvGCLocal",
    "InvertedSoftmax",
    "LocalScaling",
    "Mitigator",
    "MitigatorError",
    "MutualProximity",
    "MutualProximityEmpiric",
    "MutualProximityJoint",
    "Sinkhorn",
    "hubness_report",
    "k_occurrence",
    "k_skewness",
    "label",
    "mitigate",
    "mitigate_rows",
]
