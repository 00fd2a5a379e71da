"""Banks for composed retrieval: whose scores a mitigator learns the gallery's hubs from.

A bank's queries must score on one scale, and a method's composed queries differ in length (that changes no ranking, so
methods do not care). Here every composed query is made unit first. A picture that the benchmark never ranks for a bank
query, its own reference, does not count for it: composed queries lie so close to their references that these would
otherwise pass for hubs.
"""

from __future__ import annotations

import numpy as np

from workbench.arrays import ArrayError, Float, unit
from workbench.hubness import Bank
from workbench.methods.base import LinearMethod, Method, MethodError, label
from workbench.registry import UnknownName, nearest


def fair_scores(case, method: Method) -> Float["Q N"]:
    """A method's scores with every composed query of length 1; a method that is not linear keeps its own scale.

    Where a method faces several gallery views, its length is that of the queries of all views together. Rankings are
    the method's own. Raises ArrayError for a composed query of no length.
    """
    if not isinstance(method, LinearMethod):
        return method.score(case)
    sims = case.similarities(method.terms)
    weights = method.weights(sims.gram)
    squares = sum(np.sum(sims.composed(weights, view) ** 2, axis=1) for view in sims.view_names)
    if not (squares > 0).all():
        raise ArrayError(f"{label(method)}: composed query {int(np.argmin(squares))} has no length")
    return sims.combine(weights) / np.sqrt(squares)[:, None]


def bank_of_queries(
    case,
    method: Method,
    source: str,
    rows: np.ndarray | slice = slice(None),
    *,
    transductive: bool = False,
    scores: Float["Q N"] | None = None,
) -> Bank:
    """The method's own composed queries of a case (some of its `rows`) as a bank over the case's gallery.

    A bank query's own reference does not count where the default qrels exclude it. scores: `fair_scores(case, method)`,
    where at hand.
    """
    scores = fair_scores(case, method) if scores is None else scores
    bench, counted = case.benchmark, np.array(scores[rows])
    reference = np.array([-1 if query.reference is None else query.reference for query in bench.queries])[
        rows
    ]
    excluded = bench.qrels["default"].excluded[rows]
    own = ((excluded == reference[:, None]) & (excluded >= 0)).any(axis=1)
    counted[own, reference[own]] = -np.inf
    return Bank.from_scores(counted, source, transductive=transductive)


def other_case_bank(case, other, part: str = "modification", source: str | None = None) -> Bank:
    """The texts of another case as a bank over this case's pictures: what one has before any composed query was asked.

    part: the other case's query part. Its encoder must be this case's. Raises UnknownName for a part that it lacks,
    ArrayError for rows of another width.
    """
    if part not in other.parts:
        raise UnknownName(
            f"no part is called {part!r}.{nearest(part, other.parts)} At hand: {', '.join(other.parts)}"
        )
    named = source or f"{other.benchmark.name} {other.benchmark.split}, {part}"
    return Bank(unit(other.parts[part]), unit(case.views["image"]), named)


def captions_bank(case, method: Method) -> Bank:
    """The gallery's own captions as bank queries: no query of any user is needed.

    Only for methods that face the pictures alone. Raises MethodError for others, UnknownName where the case has no captions.
    """
    if any(view != "image" for _, view in method.terms):
        raise MethodError(
            f"{label(method)} faces captions, too; captions as a bank are scored with pictures alone"
        )
    if "caption" not in case.views:
        raise UnknownName(f"no view is called 'caption'. At hand: {', '.join(case.views)}")
    return Bank(unit(case.views["caption"]), unit(case.views["image"]), "captions of the gallery")
