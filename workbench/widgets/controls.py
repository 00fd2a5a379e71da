"""The controls of an explorer: lists, boxes and sliders that report what somebody chose. Needs ipywidgets.

Each block calls back with a value; what the value does to the view is `live`'s business. Everything is reachable by
keyboard, and every control has its name beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import ipywidgets as W

from workbench.case import Case
from workbench.methods import METHODS, Method
from workbench.plots.style import label_of
from workbench.widgets import knobs
from workbench.widgets.knobs import Knob

NONE = ("(none)", "")
LISTED = 200  # queries in the list at a time; others are found by their words
WIDE = {"description_width": "8rem"}


def room(rem: int) -> W.Layout:
    """So wide, and narrower on a narrow page: names are never cut off, and sliders are long enough to aim at."""
    return W.Layout(width=f"min({rem}rem, 97%)")


def classed(widget: W.DOMWidget, *names: str) -> W.DOMWidget:
    """The widget with CSS classes."""
    for name in names:
        widget.add_class(name)
    return widget


class MethodPanel:
    """A list of methods and, below it, a slider per knob of the one that is chosen.

    chosen(method) is called with every change; None where "(none)" may be and was chosen.
    """

    def __init__(
        self,
        case: Case,
        names: tuple[str, ...],
        method: Method | None,
        side: str,
        chosen: Callable[[Method | None], None],
    ):
        self.case, self.method, self.chosen, self._quiet = case, method, chosen, False
        options = [(label_of(name), name) for name in names]
        title = "method" if side == "first" else "second method"
        self.list = W.Dropdown(
            options=options if side == "first" else [NONE, *options],
            value=name_of(method),
            description=title,
            style=WIDE,
            layout=room(26),
        )
        self.sliders = W.VBox(layout=room(26))
        self.box = classed(W.VBox([self.list, self.sliders], layout=room(27)), f"wb-method-{side}")
        self._build()
        self.list.observe(self._changed_method, "value")

    def show(self, method: Method | None) -> None:
        """Point the controls at a method without reporting it; sliders that show it already are left as they are."""
        if method != self.method:
            name, self._quiet = name_of(method), True
            if name not in [value for _, value in self.list.options]:
                self.list.options = (*self.list.options, (label_of(name), name))
            self.method, self.list.value = method, name
            self._quiet = False
            self._build()

    def _build(self) -> None:
        found = () if self.method is None else knobs.knobs_here(self.case, self.method)
        self.sliders.children = tuple(self._slider(knob) for knob in found)

    def _changed_method(self, change) -> None:
        if self._quiet:
            return
        self.method = knobs.start(change["new"]) if change["new"] else None
        self._build()
        self.chosen(self.method)

    def _slider(self, knob: Knob) -> W.DOMWidget:
        value, note = getattr(self.method, knob.field), "" if knob.stated else " (no published value)"
        if knob.kind is bool:
            slider = W.Checkbox(value=value, description=knob.field, style=WIDE)
        else:
            kind = W.IntSlider if knob.kind is int else W.FloatSlider
            slider = kind(
                value=value,
                min=min(knob.low, value),
                max=max(knob.high, value),
                step=knob.step,
                description=knob.field,
                style=WIDE,
                layout=room(26),
            )
        slider.tooltip = f"{knob.field}{note}"

        def moved(change) -> None:
            self.method = replace(self.method, **{knob.field: knob.value(change["new"])})
            self.chosen(self.method)

        slider.observe(moved, "value")
        return classed(slider, "wb-knob", f"wb-knob-{knob.field}")


def name_of(method: Method | None) -> str:
    """The name a method is registered under; "" for none."""
    return METHODS.name_of(type(method)) or ""


class QueryChooser:
    """A list of the benchmark's queries, and a box that shortens it to those whose id or words hold a text."""

    def __init__(self, case: Case, chosen: Callable[[int], None]):
        self.lines = [
            f"{query.id} · {' / '.join(query.modification)} · {query.reference_image}"
            for query in case.benchmark.queries
        ]
        self.chosen = chosen
        self.find = classed(
            W.Text(description="find a query", placeholder="words or an id", style=WIDE, layout=room(40)),
            "wb-find",
        )
        self.list = classed(W.Dropdown(description="query", style=WIDE, layout=room(40)), "wb-query")
        self.box = W.VBox([self.find, self.list], layout=room(41))
        self._quiet = False
        self.find.observe(lambda change: self._fill(change["new"]), "value")
        self.list.observe(self._picked, "value")
        self._fill("")

    def show(self, query: int | None) -> None:
        """Point the list at a query, or at none (a question of one's own), without reporting it."""
        self._fill(self.find.value, query)

    def _fill(self, words: str, query: int | None = None) -> None:
        hits = [n for n, line in enumerate(self.lines) if words.strip().lower() in line.lower()]
        shown = hits[:LISTED] if query is None or query in hits[:LISTED] else [query, *hits[: LISTED - 1]]
        first = f"{len(hits):,} queries: choose one" if hits else "no query has these words"
        self._quiet = True
        self.list.options = [(first, -1), *((self.lines[n], n) for n in shown)]
        self.list.value = -1 if query is None else query
        self._quiet = False

    def _picked(self, change) -> None:
        if not self._quiet and change["new"] is not None and change["new"] >= 0:
            self.chosen(change["new"])
