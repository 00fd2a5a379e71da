"""A method with a mitigator of hubness behind it: again a method, so everything that takes methods takes it.

    bank = bank_of_queries(validation, CIReVL(), "val queries")        pictures must be the test gallery's own
    better = Mitigated(CIReVL(), CSLS(), bank)
    evaluate(case, {"as it is": CIReVL(), "CSLS": better})
    hub_capture(case, better)

On one split alone, `MitigatedHalves` keeps bank and test queries apart: each half of the queries is corrected by what
the other half shows. `own=True` lets each half correct itself: transductive, with a bank of the same size, so that the
two differ in nothing but whether the bank has seen the test queries. `galleries_apart` keeps their pictures apart, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd

from workbench.arrays import Float, Int
from workbench.choose import fold_of
from workbench.data.benchmark import Benchmark, Qrels
from workbench.evaluation import query_columns
from workbench.hubness import Bank, Mitigator, mitigate
from workbench.joint.banks import bank_of_queries, fair_scores
from workbench.methods.base import Method
from workbench.protocol import groups_of, protocol_text, rules_of
from workbench.score.similarities import Term


@dataclass(frozen=True, eq=False)
class Given:
    """Scores that are there already, as a method: for whatever asks for one."""

    scores: Float["Q N"]
    terms: tuple[Term, ...] = ()
    transductive: bool = True  # the scores of these queries and no others

    def score(self, case) -> Float["Q N"]:
        return self.scores


@dataclass(frozen=True, eq=False)
class Mitigated:
    """A method whose scores go through a mitigator that learns from `bank`: a Bank over the case's gallery, or what
    makes one of the case and the method (after an intervention on the case, it must be made anew)."""

    method: Method
    mitigator: Mitigator
    bank: Bank | Callable[..., Bank]

    @property
    def terms(self) -> tuple[Term, ...]:
        return self.method.terms

    @property
    def transductive(self) -> bool:
        """All test queries must be scored at once."""
        return not isinstance(self.bank, Bank) or self.bank.transductive

    def bank_for(self, case) -> Bank:
        return self.bank if isinstance(self.bank, Bank) else self.bank(case, self.method)

    def score(self, case) -> Float["Q N"]:
        """Raises BankError for a bank that holds the test queries and does not say so, or of another gallery's size."""
        return mitigate(self.mitigator, self.bank_for(case), fair_scores(case, self.method))


@dataclass(frozen=True, eq=False)
class MitigatedHalves:
    """A method mitigated half by half of the case's queries; queries that share a reference stay in one half.

    The bank of a half is the other half's composed queries (inductive), or with `own` the half itself (transductive).
    """

    method: Method
    mitigator: Mitigator
    own: bool = False
    seed: int = 0

    transductive = True  # all queries must be there: they are each other's bank

    @property
    def terms(self) -> tuple[Term, ...]:
        return self.method.terms

    def score(self, case) -> Float["Q N"]:
        scores, half = fair_scores(case, self.method), halves(case, self.seed)
        out = np.empty_like(scores)
        for mine in (half == 0, half == 1):
            members = mine if self.own else ~mine
            bank = bank_of_queries(
                case, self.method, self.source(case), members, transductive=self.own, scores=scores
            )
            out[mine] = mitigate(self.mitigator, bank, scores[mine])
        return out

    def source(self, case) -> str:
        """Where each half's bank comes from: "tinycir val, the other half of the queries"."""
        which = "same" if self.own else "other"
        return f"{case.benchmark.name} {case.benchmark.split}, the {which} half of the queries"


def galleries_apart(case, seed: int = 0):
    """The case as two: no query is shown a picture that only the other half of the queries asks for.

    A bank of other queries over one gallery knows something that no bank in use would: which pictures those queries
    will take. Where few pictures are right for two queries, pushing all that the bank likes down is half the answer.
    Here the default qrels exclude, for each query, the targets of the other half that its own half does not share.
    Recall is higher than on the whole gallery; compare only within.
    """
    bench, half = case.benchmark, halves(case, seed)
    rule = bench.qrels["default"]
    asked = [np.unique(rule.targets[half == h]) for h in (0, 1)]
    taken = [np.setdiff1d(asked[1 - h], asked[h]) for h in (0, 1)]
    gone = np.full((len(half), max(map(len, taken))), -1, np.int32)
    for query, h in enumerate(half):
        rows = np.setdiff1d(taken[h], rule.excluded[query])
        gone[query, : len(rows)] = rows
    apart = Qrels(rule.targets, np.concatenate([rule.excluded, gone], axis=1), rule.candidates)
    protocol = {**bench.protocol, "halves": f"galleries apart, seed {seed}"}
    return replace(case, benchmark=replace(bench, qrels={"default": apart}, protocol=protocol))


def halves(case, seed: int = 0) -> Int[" Q"]:
    """0 or 1 per query, at random, whole clusters together. Raises EvaluationError for too few clusters."""
    return _halves(case.benchmark, seed)


@lru_cache(maxsize=4)
def _halves(bench: Benchmark, seed: int) -> Int[" Q"]:
    queries = pd.DataFrame({**query_columns(bench), "protocol": protocol_text(rules_of(bench))})
    half = fold_of(groups_of(queries), 2, seed)
    half.flags.writeable = False
    return half
