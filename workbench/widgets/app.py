"""App: compose, map, and two methods side by side, on three tabs of one page. `make app` serves it without JupyterLab.

    App(load_case())

A tab is built when it is first looked at, so that the first one is there soon. Still pictures: `.explorer.figure()`,
`.map.figure()`, `.side_by_side.figure()`.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from workbench.case import Case
from workbench.methods import parse_method
from workbench.widgets.explorer import Explorer
from workbench.widgets.frontend import LiveOrStill

if TYPE_CHECKING:
    from workbench.widgets.spacemap import SpaceMap

TITLES = ("Compose", "Map", "Side by side")


class App(LiveOrStill):
    """method: where all tabs start; other: the one beside it. Labels of registered methods; raises as their widgets."""

    def __init__(self, case: Case, method: str = "cirevl", other: str = "pdv_f"):
        self.case, self.method, self.other = case, parse_method(method), parse_method(other)

    @cached_property
    def explorer(self) -> Explorer:
        return Explorer(self.case, method=self.method)

    @cached_property
    def map(self) -> SpaceMap:
        from workbench.widgets.spacemap import (
            SpaceMap,
        )  # seconds of imports: not before the first tab is there

        return SpaceMap(self.case, self.method)

    @cached_property
    def side_by_side(self) -> Explorer:
        return Explorer(self.case, method=self.method, other=self.other, k=12)

    def figure(self) -> Figure:
        """The still picture of the first tab."""
        return self.explorer.figure()

    @cached_property
    def widget(self):
        """The live form, an ipywidgets.Tab. Raises ImportError that names the extra where ipywidgets is missing."""
        from workbench.widgets.app_live import tabs  # the `explore` extra

        made = tabs(TITLES, (lambda: self.explorer, lambda: self.map, lambda: self.side_by_side))
        if os.environ.get("VOILA_PREHEAT") == "True":  # a kernel that waits for its visitor has the time
            from workbench.widgets import spacemap_live  # noqa: F401

            self.map  # noqa: B018
        return made

    def __repr__(self) -> str:
        return f"App: {self.case.benchmark.name}, tabs {', '.join(TITLES)}"
