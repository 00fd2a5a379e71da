"""The map's points as jupyter-scatter draws them: which row of the drawing is which point, and how a change gets there.

A point can be on one line only, and a picture may be the target of many queries: so the drawing has, after all points,
one more row for each known target, at its place, to which the line of its query leads.

The page refuses new points while it still draws the ones before ("Ignoring draw call ..."), and nobody tells the
kernel. So all of a change goes in one message, and the points go once more when nothing has changed for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import jscatter
import numpy as np
import pandas as pd
from matplotlib.colors import to_rgba

from workbench.arrays import Float, Int
from workbench.plots.style import GREY

SIZES = (3, 5, 8)  # small, middle, large
CLASSES = 12  # room for classes: the drawing wants a fixed number of colours
ROOM = 1.1  # times the untouched points' reach, so that moved points stay on the drawing
HEIGHT = 440
OPACITIES = {"all": 0.05, "chosen": 0.7, "none": 0.05}  # of lines
QUIET = (0.8, 3.0)  # seconds after the last change when the points are sent again: soon, and for a busy page
BUTTONS = ["pan_zoom", "lasso", "lasso_type", "full_screen", "reset"]


class Drawing:
    """`widget` is shown; `update()` after each change of the map's look."""

    def __init__(self, map):
        self.map, self._nudge = map, 1e-6
        self._timers: list[asyncio.TimerHandle] = []
        scatter = jscatter.Scatter(
            data=self._frame(),
            x="x",
            y="y",
            x_scale=(-1, 1),
            y_scale=(-1, 1),
            axes=False,
            color_by="class",
            color_map=self._colours(),
            color_selected="#000000",
            size_by="size",
            size_map=list(SIZES),
            opacity=0.75,
            opacity_unselected=0.5,
            connect_by="line",
            connection_color=GREY,
            connection_color_selected="#000000",
            connection_opacity=OPACITIES[map.look.lines],
            connection_size=1,
            height=HEIGHT,
        )
        self.widget = scatter.show(buttons=BUTTONS)

    def update(self) -> None:
        """New places, classes, lines and choice, in one message; nothing is sent that is there already."""
        table, widget = self._table(), self.widget
        with widget.hold_sync():
            widget.color = [list(to_rgba(colour)) for colour in self._colours()]
            widget.connection_opacity = OPACITIES[self.map.look.lines]
            if not np.allclose(table, widget.points, rtol=0, atol=1e-5):
                widget.points = table
                self._send_again_later()
            widget.selection = np.array(self.map.look.points, np.uint32)

    def points(self, drawn: Sequence[int]) -> tuple[int, ...]:
        """Rows of the drawing as points of the map, each once."""
        return tuple(dict.fromkeys(self._point_of_row()[np.asarray(drawn, int)].tolist()))

    def _send_again_later(self) -> None:
        for timer in self._timers:
            timer.cancel()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no kernel, no page
            return
        self._timers = [loop.call_later(after, self._send_again) for after in QUIET]

    def _send_again(self) -> None:
        """A page takes no points that are equal to those it has, drawn or not: moved by less than can be seen."""
        self._nudge = 3e-6 - self._nudge
        moved = self._table()
        moved[:, :2] += self._nudge
        self.widget.points = moved

    def _table(self) -> Float["rows 5"]:
        """The frame as the page reads it: x, y, class, size, line."""
        frame = self._frame()
        codes = [frame[name].cat.codes for name in ("class", "size")]
        return np.column_stack([frame["x"], frame["y"], *codes, frame["line"]])

    def _frame(self) -> pd.DataFrame:
        map, row = self.map, self._point_of_row()
        untouched = np.concatenate([map.before.images, map.before.texts])
        middle = (untouched.min(axis=0) + untouched.max(axis=0)) / 2
        places = ((map.points - middle) / (ROOM * np.abs(untouched - middle).max()))[row]
        colours = map.colouring
        sizes = np.array([one.size for one in colours.classes])[colours.codes[row]]
        return pd.DataFrame(
            {
                "x": places[:, 0],
                "y": places[:, 1],
                "class": pd.Categorical(colours.codes[row], categories=range(CLASSES)),
                "size": pd.Categorical(sizes, categories=range(len(SIZES))),
                "line": self._lines(len(row)),
            }
        )

    def _lines(self, n_rows: int) -> Int[" rows"]:
        """A number per row; rows with the same number are connected."""
        line, map = np.arange(n_rows), self.map
        targets = np.flatnonzero(map.space.labelled >= 0)
        drawn = np.isin(targets, map.connected)
        line[len(map.points) :][drawn] = len(map.now.images) + targets[drawn]
        return line

    def _point_of_row(self) -> Int[" rows"]:
        labelled = self.map.space.labelled
        return np.concatenate([np.arange(len(self.map.points)), labelled[labelled >= 0]])

    def _colours(self) -> list[str]:
        mine = [one.colour for one in self.map.colouring.classes]
        return mine + [GREY] * (CLASSES - len(mine))
