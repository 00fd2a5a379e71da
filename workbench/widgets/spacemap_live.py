"""The live map: jupyter-scatter beside controls, measures and the N_k curve; the answer to a selection below.

Everything can be reached by keyboard: what a lasso does on the drawing, the list of hubs and the pictures' buttons do
as well. Only wires things up; `SpaceMap` does the work. Needs ipywidgets, anywidget and jupyter-scatter, the extra
"explore".
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from html import escape

try:
    import ipywidgets as W

    from workbench.widgets.board import Board
    from workbench.widgets.controls import classed
    from workbench.widgets.drawing import HEIGHT, Drawing
    from workbench.widgets.names import Names
except ImportError as error:
    raise ImportError(
        "the live map needs ipywidgets, anywidget and jupyter-scatter: pip install 'zscir-workbench[explore]'. "
        "The still picture needs none of them: .figure()"
    ) from error

from workbench.errors import UserError
from workbench.maps import HOW
from workbench.methods import label
from workbench.plots.style import label_of
from workbench.widgets import panels
from workbench.widgets.colouring import COLOURINGS
from workbench.widgets.spacemap import LINES
from workbench.widgets.thumbnails import Thumbnails

NO_HUB = -1  # ipywidgets takes None for "nothing is chosen", and the keyboard would start above the list
ORDERS = {"by lists": "n_k", "by recall lost": "lost"}
STYLE = {"description_width": "6rem"}
WIDE = W.Layout(width="min(21rem, 98%)")


class LiveSpaceMap:
    """`box` is what is shown. The map's look is the only state; controls follow it."""

    def __init__(self, map):
        self.map, self._following = map, False
        self.thumbnails = Thumbnails(map.case.benchmark.gallery.images)
        self.board, self.legend, self.measures = Board(), W.HTML(), W.HTML()
        self.board.pressed = lambda what, number: self._hub(number)
        self._choices()
        self._sliders()
        self.drawing = Drawing(map)
        self.drawing.widget.observe(self._selected, "selection")
        self.box = self._box()
        self._show()

    def _choices(self) -> None:
        look = self.map.look
        methods = {label(one): one for one in (look.method, *self.map.methods)}
        parts = [(name.replace("_", " "), name) for name in self.map.space.text_parts]
        self.controls = {
            "method": self._list("method", [(label_of(n), one) for n, one in methods.items()], look.method),
            "texts": self._list("texts", parts, self.map.space.text_part),
            "how": self._list("map", [(name.upper(), name) for name in HOW], look.how),
            "colour": self._list("colour by", list(COLOURINGS), look.colour),
            "lines": self._list("target lines", list(LINES), look.lines),
        }
        self.order = self._list("order hubs", list(ORDERS), "by lists")
        self.order.observe(lambda _: self._following or self._show(), "value")
        self.hubs = W.Select(options=[("none", NO_HUB)], description="hubs", rows=8, layout=WIDE, style=STYLE)
        self.hubs.observe(lambda change: self._following or self._listed(change["new"]), "value")
        self.clear = W.Button(description="Choose nothing", tooltip="no hub and no points", layout=WIDE)
        self.clear.on_click(lambda _: self._hub(None))

    def _sliders(self) -> None:
        tips = {
            "gap": ("gap closed", "share of the modality gap that is closed, 0 to 1"),
            "alpha": ("NNN alpha", "strength of the hub mitigation, 0 to 1; one half ranks as CSLS"),
        }
        for name, (words, tip) in tips.items():
            self.controls[name] = W.FloatSlider(
                getattr(self.map.look, name),
                min=0,
                max=1,
                step=0.05,
                description=words,
                tooltip=tip,
                style=STYLE,
                layout=WIDE,
            )
            self.controls[name].continuous_update = False
        for name, control in self.controls.items():
            control.observe(lambda change, name=name: self._change(name, change["new"]), "value")

    @staticmethod
    def _list(words: str, options, value) -> W.Dropdown:
        return W.Dropdown(options=options, value=value, description=words, style=STYLE, layout=WIDE)

    def _box(self) -> W.VBox:
        def column(width: str, *children) -> W.VBox:
            layout = W.Layout(flex=f"1 1 {width}", min_width="0", padding="0 0.4rem")
            return W.VBox(children, layout=layout)

        for name, control in {
            **self.controls,
            "order": self.order,
            "hubs": self.hubs,
            "clear": self.clear,
        }.items():
            classed(control, f"wb-map-{name}")
        drawing = W.VBox([self.drawing.widget], layout=W.Layout(min_height=f"{HEIGHT + 10}px"))
        parts = [
            column("26rem", self.legend, drawing),
            column("18rem", *self.controls.values(), self.order, self.hubs, self.clear),
            column("20rem", self.measures),
        ]
        rows = W.Box(parts, layout=W.Layout(flex_flow="row wrap"))
        return classed(W.VBox([W.HTML(panels.STYLE), Names(), rows, self.board]), "wb-map")

    def _change(self, name: str, value) -> None:
        """A control was moved. What cannot be had is an alert, and the control goes back."""
        if self._following:
            return
        if value == "umap":
            self.board.status = "UMAP is being computed; the first time this takes a minute or two"
        if self._try(lambda: self.map.change(**{name: value})):
            return
        with self._follow():
            self.controls[name].value = getattr(self.map.look, name)

    def _listed(self, row: int) -> None:
        self._hub(None if row == NO_HUB else row)

    def _hub(self, row: int | None) -> None:
        """A picture is looked at as a hub, with the queries that it captures."""
        self._try(lambda: self.map.show_hub(row))

    def _selected(self, change: dict) -> None:
        """Points were chosen on the drawing. A single picture is looked at as a hub."""
        if self._following:
            return
        points = self.drawing.points(change["new"])
        if len(points) == 1 and points[0] < len(self.map.now.images):
            self._hub(points[0])
        else:
            self._try(lambda: self.map.change(hub=None, points=points))

    def _try(self, do: Callable) -> bool:
        """Do it and draw; what a user can cause is shown, not raised. False where it could not be done."""
        started = time.perf_counter()
        try:
            do()
        except UserError as error:
            self.board.problem = str(error)
            return False
        self._show(started)
        return True

    def _show(self, started: float | None = None) -> None:
        """Everything anew from the look."""
        map = self.map
        with self._follow():
            self.drawing.update()
            self._fill_hubs()
        self.legend.value = panels.legend(map.colouring)
        notes = "".join(f'<p class="wb-small">{escape(note)}</p>' for note in map.notes)
        curve = panels.n_k_curve(map.before, map.now)
        self.measures.value = f"{panels.measures_table(map.measures)}{curve}{notes}"
        self.board.html = map.answer_html(self.thumbnails.uri)
        self.board.problem = ""
        took = f" ({1000 * (time.perf_counter() - started):.0f} ms)" if started else ""
        self.board.status = f"{panels.selection_words(*map.chosen)}. {map.title}{took}"

    def _fill_hubs(self) -> None:
        map = self.map
        chosen = NO_HUB if map.look.hub is None else map.look.hub
        options = [("none", NO_HUB)] + [
            (f"{one.picture}: {one.n_k} lists, {one.right} right, {one.lost:.2f} lost", one.item)
            for one in map.hubs(ORDERS[self.order.value]).itertuples()
        ]
        if chosen not in [row for _, row in options]:
            words = f"{map.case.benchmark.gallery.ids[chosen]}: {map.now.capture.n_k[chosen]} lists"
            options.insert(1, (words, chosen))
        if list(self.hubs.options) != options:  # a list that is made anew loses its place on the page
            self.hubs.options = options
        self.hubs.value = chosen

    @contextlib.contextmanager
    def _follow(self):
        """What is set here is no answer to a person."""
        before, self._following = self._following, True
        try:
            yield
        finally:
            self._following = before
