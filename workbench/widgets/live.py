"""The live form of an explorer: controls above, the board below. Only wires them up; `Explorer` does the work.

Whatever cannot be done (an empty text, a picture too large, a part the case does not have) stands on the board as an
alert, and the answer before it stays on view. Needs ipywidgets and anywidget, the extra "explore".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from html import escape

try:
    import ipywidgets as W

    from workbench.widgets.board import Board
    from workbench.widgets.controls import WIDE, MethodPanel, QueryChooser, classed, name_of, room
    from workbench.widgets.names import Names
except ImportError as error:
    raise ImportError(
        "live widgets need ipywidgets and anywidget: pip install 'zscir-workbench[explore]'. "
        "Still pictures need neither: .figure()"
    ) from error

from workbench.errors import UserError
from workbench.widgets.grid import board_html, status
from workbench.widgets.thumbnails import Thumbnails, data_uri
from workbench.widgets.view import OwnPicture, Question

MOST = 60  # results on a page


class LiveExplorer:
    """`box` is what is shown. The explorer's view is the only state; controls follow it."""

    def __init__(self, explorer):
        self.explorer, self._following = explorer, False
        self.thumbnails = Thumbnails(explorer.case.benchmark.gallery.images)
        self.board = Board()
        self.board.pressed = self._pressed
        self._question()
        self._methods()
        self._more()
        rows = [
            [self.chooser.box, self.upload],
            [self.text],
            [self.first.box, self.second.box],
            [self.k, self.centred, self.show_code, self.keep],
        ]
        lines = [W.HBox(row, layout=W.Layout(flex_flow="row wrap")) for row in rows]
        self.box = classed(W.VBox([*lines, self.board, Names()]), "wb-explorer")
        explorer.followers.append(self._draw)
        self._try(self._draw)

    def _question(self) -> None:
        """What is asked: a query of the benchmark, words, or a picture of one's own."""
        self.chooser = QueryChooser(
            self.explorer.case, lambda query: self._ask(question=Question(query=query))
        )
        self.text = W.Text(
            description="modification text", continuous_update=False, style=WIDE, layout=room(60)
        )
        self.upload = W.FileUpload(
            accept="image/*",
            multiple=False,
            description="a picture of your own",
            layout=W.Layout(width="auto"),
        )
        classed(self.text, "wb-text").observe(self._wrote, "value")
        classed(self.upload, "wb-upload").observe(self._dropped, "value")

    def _methods(self) -> None:
        """Who answers: a method with its sliders, and perhaps a second one."""
        case, view = self.explorer.case, self.explorer.view
        given = filter(None, map(name_of, (view.method, view.other)))
        names = tuple(dict.fromkeys([*self.explorer.methods, *given]))
        self.first = MethodPanel(case, names, view.method, "first", lambda method: self._ask(method=method))
        self.second = MethodPanel(case, names, view.other, "second", lambda method: self._ask(other=method))

    def _more(self) -> None:
        """The last row of controls: how many results, which bars, code, save."""
        view, most = self.explorer.view, min(MOST, len(self.explorer.case.benchmark.gallery) - 1)
        self.k = W.BoundedIntText(
            value=view.k, min=1, max=max(most, view.k), description="results", style=WIDE, layout=room(14)
        )
        self.centred = W.Checkbox(
            value=view.centred,
            description="bars above the gallery's mean",
            indent=False,
            layout=W.Layout(width="auto"),
        )
        self.show_code = W.ToggleButton(
            description="Copy as code", tooltip="the lines that show this view again"
        )
        self.keep = W.Button(description="Save", tooltip="a picture and a JSON file")
        for control, name in (
            (self.k, "k"),
            (self.centred, "centred"),
            (self.show_code, "code-toggle"),
            (self.keep, "save"),
        ):
            classed(control, f"wb-{name}")
        self.k.observe(lambda change: self._ask(k=change["new"]), "value")
        self.centred.observe(lambda change: self._ask(centred=change["new"]), "value")
        self.show_code.observe(lambda _: self._try(self._draw), "value")
        self.keep.on_click(lambda _: self._try(self._save))

    def _ask(self, **changes) -> None:
        if not self._following:
            self._try(lambda: self.explorer.ask(**changes))

    def _wrote(self, change) -> None:
        if not self._following:
            question = replace(self.explorer.view.question, modification=change["new"])
            self._try(lambda: self.explorer.ask(question=question))

    def _dropped(self, _) -> None:
        files = self.upload.value
        if files:
            self._try(lambda: self._bring(files[0]["name"], bytes(files[0]["content"])))

    def _bring(self, name: str, data: bytes) -> None:
        picture = OwnPicture(name, data)
        words = self.text.value.strip() or self.explorer.answer.texts["modification"]
        self.explorer.ask(question=Question(picture=picture, modification=words))

    def _pressed(self, what: str, number: int) -> None:
        self._try(lambda: (self.explorer.follow if what == "row" else self.explorer.back)(number))

    def _save(self) -> None:
        picture, data = self.explorer.save()
        self.board.status = (
            f"Saved {picture.parent.name}/{picture.name} and {data.name} in the workbench's cache"
        )

    def _try(self, do: Callable) -> None:
        """Do it; what a user can cause is shown, not raised."""
        self.board.problem = ""
        try:
            do()
        except UserError as error:
            self.board.problem = str(error)

    def _draw(self) -> None:
        """The board and all controls as the explorer's view and answer say."""
        explorer, view, answer = self.explorer, self.explorer.view, self.explorer.answer
        reference = explorer.desk.reference(answer.question)
        image = "" if reference is None else data_uri(reference, 192)
        trail = [self._line(question) for question in view.trail]
        html = board_html(answer, explorer.case.benchmark.gallery, self.thumbnails, image, trail)
        self.board.html = html + (self._code() if self.show_code.value else "")
        self.board.status, self._following = status(answer), True
        try:
            self.text.value = answer.texts["modification"]
            self.chooser.show(answer.question.query if answer.judged else None)
            self.first.show(view.method)
            self.second.show(view.other)
            self.k.max, self.centred.value = max(self.k.max, view.k), view.centred
            self.k.value = view.k
        finally:
            self._following = False

    def _line(self, question: Question) -> str:
        desk = self.explorer.desk
        return f"{desk.reference_name(question)} “{desk.text(question, 'modification')}”"

    def _code(self) -> str:
        return (
            '<div class="wb-code-box"><button class="wb-copy" data-copy="1">Copy to the clipboard</button>'
            f'<pre class="wb-code" tabindex="0">{escape(self.explorer.code())}</pre></div>'
        )
