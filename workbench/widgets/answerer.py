"""From a view to its answer: pure numbers, no widget, no HTML.

A linear method's similarities with the gallery, S_k, are computed once per question; moving a slider changes the
weights only. Pictures near a target's score, and the ones shown, are scored again in float64, so that the ranks are
those of `evaluate`. For other methods `score` is called on the case with this question alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from workbench.arrays import Float, Int, unit
from workbench.case import Case
from workbench.methods import LinearMethod, Method, label
from workbench.score.certified import ROUNDING
from workbench.score.exact import exact_similarities, weighed
from workbench.score.naming import take_apart
from workbench.score.ranks import NEVER, target_ranks, top_k
from workbench.score.similarities import Similarities, Term
from workbench.widgets.answer import SOURCES, Answer, Ranking, source_of
from workbench.widgets.desk import Desk, Rules
from workbench.widgets.view import Question, View, ViewError

KEPT = 16  # questions whose similarities are kept


class Scored(NamedTuple):
    """A method's scores for one question; similarities and weights where it is linear, else why there are no bars."""

    method: Method
    scores: Float["1 N"]
    similarities: OneQuestion | None = None
    weights: Float["1 K"] | None = None
    no_bars: str = ""
    note: str = ""


@dataclass(frozen=True, eq=False)
class OneQuestion(Similarities):
    """Similarities of one question. The gallery's unit rows are given, and the (K, N) matrix is computed once."""

    gallery: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def unit_views(self) -> Mapping[str, Float["N D"]]:
        return self.gallery

    @cached_property
    def matrix(self) -> Float["K N"]:
        return self.blocks(slice(None), slice(None))[:, 0]

    def decided(self, weights: Float["1 K"], rules: Rules, k: int) -> Float["1 N"]:
        """sum_k w_k S_k in float64; what comes near a target, or among the first k, from `exact` similarities."""
        scores = weighed(weights[0], self.matrix)
        reach = ROUNDING * np.abs(weights).sum()
        ranked = scores[rules.ranked]
        near = scores >= np.partition(ranked, -k)[-k] - reach
        for target in rules.qrels.targets[0]:
            if target >= 0:
                near |= np.abs(scores - scores[target]) <= reach
        items = np.flatnonzero(near)
        scores[items] = weighed(weights, exact_similarities(self, np.zeros_like(items), items))
        return scores[None]


class Answerer:
    """Answers views of one case; keeps the similarities of the last questions."""

    def __init__(self, case: Case, desk: Desk):
        self.case, self.desk = case, desk
        self._gallery: dict[str, np.ndarray] = {}
        self._kept: OrderedDict[tuple, object] = OrderedDict()

    def answer(self, view: View) -> Answer:
        """Raises ViewError and the errors of the layers below, all of them UserErrors."""
        question = self.desk.settle(view.question)
        rules = self._keep(("rules", question), lambda: self.desk.rules(question))
        if view.k < 1:
            raise ViewError(f"k: got {view.k}, expected at least 1")
        methods = [view.method] if view.other is None else [view.method, view.other]
        scored = [self._score(question, method, rules, min(view.k, rules.n_ranked)) for method in methods]
        rankings = [self._ranking(one, rules, view) for one in scored]
        if len(scored) == 2:
            pairs = zip(rankings, reversed(scored), strict=True)
            rankings = [
                replace(mine, moved=places(mine.rows, other.scores[0], rules)) for mine, other in pairs
            ]
        texts = self._texts(question, methods)
        return Answer(
            view,
            question,
            self.desk.reference_name(question),
            texts,
            rules.judged,
            *rankings,
            notes=self._notes(question),
        )

    def _score(self, question: Question, method: Method, rules: Rules, k: int) -> Scored:
        if isinstance(method, LinearMethod):
            sims = self._similarities(question, method.terms)
            weights = sims.weights_per_query(method.weights(sims.gram))
            return Scored(method, sims.decided(weights, rules, k), sims, weights)
        why = f"no bars: {label(method)} is not a weighted sum, so its score has no shares"
        scores, note = self._keep(("scores", question, method), lambda: self._other_scores(question, method))
        return Scored(method, scores, no_bars=why, note=note)

    def _other_scores(self, question: Question, method: Method) -> tuple[Float["1 N"], str]:
        """Scores of a method that is not linear, and what is to be said of them."""
        if not getattr(method, "transductive", False):
            return method.score(self.desk.one(question, (part for part, _ in method.terms))), ""
        if question.modification is None:
            row = slice(question.query, question.query + 1)
            return method.score(self.case)[row], "its scores depend on the benchmark's other queries, too"
        alone = method.score(self.desk.one(question, (part for part, _ in method.terms)))
        return alone, "made to be asked many queries at once; here it was asked this one alone"

    def _similarities(self, question: Question, terms: tuple[Term, ...]) -> OneQuestion:
        def lay_out() -> OneQuestion:
            parts = {part: self.desk.part(question, part) for part, _ in terms}
            for view in {view for _, view in terms} & set(self.case.views):
                if view not in self._gallery:
                    rows = unit(np.asarray(self.case.views[view]), f"view {view!r}")
                    self._gallery[view] = rows.astype(np.float32, copy=False)
            return OneQuestion(parts, self.case.views, terms, gallery=self._gallery)

        return self._keep(("similarities", question, tuple(terms)), lay_out)

    def _ranking(self, scored: Scored, rules: Rules, view: View) -> Ranking:
        rows = top_k(scored.scores, min(view.k, rules.n_ranked), rules.qrels)[0]
        ranks = target_ranks(scored.scores, rules.qrels)[0]
        targets = zip(rules.qrels.targets[0].tolist(), ranks.tolist(), strict=True)
        return Ranking(
            method=scored.method,
            rows=rows,
            scores=scored.scores[0, rows],
            contributions=contributions(scored, rows, rules, view.centred),
            no_bars=scored.no_bars,
            ranks={row: rank for row, rank in targets if row >= 0 and rank != NEVER},
            n_ranked=rules.n_ranked,
            note=scored.note,
        )

    def _texts(self, question: Question, methods: list[Method]) -> dict[str, str]:
        """The modification, and the captions and edits that the methods were given."""
        parts = dict.fromkeys(part for method in methods for part, _ in method.terms)
        edits = [part for part in parts if take_apart(part).base == "composed_caption"]
        captions = [part for part in parts if take_apart(part).base == "reference_caption"]
        edited = [part.replace("composed_", "reference_") for part in edits]
        known = [part for part in edited if self.desk.has_text(question, part)]
        names = dict.fromkeys(("modification", *captions, *known, *edits))
        return {name: self.desk.text(question, name) for name in names}

    def _notes(self, question: Question) -> tuple[str, ...]:
        failed = self.desk.failures.get(question)
        return (f"the caption could not be edited ({failed}); the modification stands in",) if failed else ()

    def _keep(self, key: tuple, make: Callable):
        """What was made before for the same key; the oldest of `KEPT` goes."""
        if key not in self._kept:
            self._kept[key] = make()
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def contributions(scored: Scored, rows: Int[" k"], rules: Rules, centred: bool) -> dict[str, Float[" k"]]:
    """By source, what the terms add to the scores of some pictures; centred: less what they add on average."""
    if scored.similarities is None:
        return {}
    total = {source: np.zeros(len(rows)) for source in SOURCES}
    sims = scored.similarities
    for term, weight, values in zip(sims.terms, scored.weights[0].tolist(), sims.matrix, strict=True):
        mean = values[rules.ranked].mean(dtype=np.float64) if centred else 0.0
        total[source_of(term)] += weight * (values[rows] - mean)
    used = {source_of(term) for term in sims.terms}
    return {source: values for source, values in total.items() if source in used}


def places(rows: Int[" k"], scores: Float[" N"], rules: Rules) -> tuple[int, ...]:
    """The rank of each picture in the order of `top_k`: higher scores first, then distractors by row, then targets."""
    targets = {row: column for column, row in enumerate(rules.qrels.targets[0].tolist()) if row >= 0}

    def order(row: int) -> tuple[int, int]:
        return targets.get(row, -1), row

    found = []
    for row in rows.tolist():
        above = np.count_nonzero((scores > scores[row]) & rules.ranked)
        ties = np.flatnonzero((scores == scores[row]) & rules.ranked).tolist()
        found.append(int(1 + above + sum(order(other) < order(row) for other in ties)))
    return tuple(found)
