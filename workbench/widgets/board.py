"""The board: shows HTML that the kernel wrote, and reports which result or earlier question was pressed.

The only JavaScript of the explorer is `board.js` beside this file; it fetches nothing. Needs anywidget.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import anywidget
import traitlets

HERE = Path(__file__).parent


class Board(anywidget.AnyWidget):
    """html: made by `grid`, all texts in it escaped. status: a line for screen readers. problem: "" or an alert.

    pressed(what, number) is called with "row" and a gallery row, or "back" and a place on the trail.
    """

    _esm = HERE / "board.js"
    _css = HERE / "board.css"
    html = traitlets.Unicode("").tag(sync=True)
    status = traitlets.Unicode("").tag(sync=True)
    problem = traitlets.Unicode("").tag(sync=True)

    def __init__(self):
        super().__init__()
        self.pressed: Callable[[str, int], None] = lambda what, number: None
        self.on_msg(self._message)

    def _message(self, _, content: object, buffers: object) -> None:
        """A page may send anything: only a whole number under a known name counts."""
        if isinstance(content, Mapping):
            for what in ("row", "back"):
                number = content.get(what)
                if type(number) is int:
                    self.pressed(what, number)
