"""Explorer: compose a query by hand and watch the ranking answer.

    Explorer(case)                                              the first query, by a weighted sum
    Explorer(case, query="val-0304", method="pdv_f(beta=0.5)", other="slerp(alpha=0.8)", k=10)
    Explorer(case, reference="tc-0017", modification="make it blue")     a gallery picture and words of one's own
    Explorer(case, picture=OwnPicture.read("cat.png"), modification="make it blue")

Live: choose or find a query, or drop in a picture; write the modification; choose the method and move its sliders;
press a result to make it the next reference, and go back by the trail; put a second method beside the first; copy the
view as code, or save it. `view` is what is looked at (a frozen value), `answer` what comes out; both can be used without
any widget. Questions that the benchmark does not have are captioned, edited and encoded by the case's own models.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from matplotlib.figure import Figure

from workbench.case import Case
from workbench.methods import Method, WeightedSum, label, parse_method
from workbench.registry import UnknownName, nearest
from workbench.widgets import keep
from workbench.widgets.answer import Answer
from workbench.widgets.answerer import Answerer
from workbench.widgets.desk import Desk
from workbench.widgets.frontend import LiveOrStill
from workbench.widgets.grid import status
from workbench.widgets.knobs import possible, start
from workbench.widgets.makers import Makers
from workbench.widgets.twin import twin
from workbench.widgets.view import OwnPicture, Question, View, ViewError


class Explorer(LiveOrStill):
    """query, or reference: by id or number. method, other: methods or labels of registered ones ("pdv_f(beta=0.5)").

    encoder, captioner, recomposer: who works for questions of one's own, where the case's cannot be found by name.
    Raises UnknownName for an id or method that is not there, ViewError for a question that contradicts itself.
    """

    def __init__(
        self,
        case: Case,
        query: str | int | None = None,
        *,
        reference: str | int | None = None,
        picture: OwnPicture | None = None,
        modification: str | None = None,
        method: Method | str | None = None,
        other: Method | str | None = None,
        k: int = 20,
        centred: bool = False,
        encoder=None,
        captioner=None,
        recomposer=None,
    ):
        self.case = case
        self.desk = Desk(case, Makers(case, encoder, captioner, recomposer))
        self._answerer = Answerer(case, self.desk)
        bench = case.benchmark
        if query is None and reference is None and picture is None:
            query = 0
        question = Question(
            query=_number("query", query, [one.id for one in bench.queries]),
            row=_number("gallery picture", reference, bench.gallery.ids),
            picture=picture,
            modification=modification,
        )
        first = _method(method) or self._any_method()
        self.followers: list[Callable[[], None]] = []  # called with every new answer
        self._view = View(question, first, _method(other), k, centred)
        self._answer: Answer | None = None

    @property
    def view(self) -> View:
        """What is looked at."""
        return self._view

    @property
    def answer(self) -> Answer:
        """What comes out. Raises UserErrors that say what cannot be done."""
        if self._answer is None:
            self._answer = self._answerer.answer(self._view)
        return self._answer

    def look(self, view: View) -> Answer:
        """Look at another view. Where it cannot be answered, an error is raised and everything stays as it was."""
        answer = self._answerer.answer(view)
        self._view, self._answer = view, answer
        for follow in self.followers:
            follow()
        return answer

    def ask(self, **changes) -> Answer:
        """Change fields of the view: ask(method=PDVFusion(beta=0.5)), ask(question=Question(query=7))."""
        return self.look(replace(self._view, **changes))

    def follow(self, row: int) -> Answer:
        """A result becomes the next reference, with the same words."""
        self._check_row(row)
        return self.look(self._view.step(row, self.answer.texts["modification"]))

    def back(self, place: int) -> Answer:
        """Back to a question of the trail."""
        return self.look(self._view.back(place))

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """The registered methods that this case can give all terms to."""
        return possible(self.case, self.desk)

    def figure(self) -> Figure:
        """The still picture of what the live form shows."""
        reference = self.desk.reference(self.answer.question)
        return twin(self.answer, self.case.benchmark.gallery.images, reference)

    def code(self) -> str:
        """Lines of Python that show this view again."""
        return keep.view_code(self._view, self.case)

    def save(self, name: str | None = None) -> tuple[Path, Path]:
        """A picture (PNG) and a JSON file under cache/explorer; gives back their paths. Raises PathEscape."""
        return keep.save(self.figure(), keep.record(self.answer, self.case), name)

    @cached_property
    def widget(self):
        """The live form, an ipywidgets.VBox. Raises ImportError that names the extra where ipywidgets is missing."""
        from workbench.widgets.live import LiveExplorer  # the `explore` extra

        return LiveExplorer(self).box

    def __repr__(self) -> str:
        return f"Explorer: {status(self.answer)}"

    def _check_row(self, row: int) -> None:
        if not 0 <= row < len(self.case.benchmark.gallery):
            raise ViewError(f"row: got {row}, expected 0 to {len(self.case.benchmark.gallery) - 1}")

    def _any_method(self) -> Method:
        """A weighted sum where the case allows it, else the first method that it allows."""
        if {part for part, _ in WeightedSum.terms} <= set(self.case.parts):
            return WeightedSum()
        if not self.methods:
            raise ViewError("this case has the terms of no registered method")
        return start(self.methods[0])


def _method(given: Method | str | None) -> Method | None:
    method = parse_method(given) if isinstance(given, str) else given
    if method is not None:
        label(method)  # an unregistered one is refused now, by name
    return method


def _number(what: str, given: str | int | None, ids) -> int | None:
    """The number of a query or picture, given that or its id. Raises UnknownName."""
    if not isinstance(given, str):
        return given
    if given not in ids:
        raise UnknownName(f"no {what} is called {given!r}.{nearest(given, ids)}")
    return list(ids).index(given)
