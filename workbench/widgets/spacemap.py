"""SpaceMap: both modalities on one map, hubs with the queries they capture, and two sliders that change it all.

    from workbench.widgets import SpaceMap
    map = SpaceMap(case, CIReVL())
    map                                            the live widget, last in a cell
    map.change(gap=0.5).show_hub(677).figure()     the same content, still

What is looked at is one frozen `Look`; `figure()` and the live form (`spacemap_live`) show the same look.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from workbench.arrays import Float, Int
from workbench.case import Case
from workbench.methods import Method, label
from workbench.plots.space_map import space_map
from workbench.plots.style import label_of
from workbench.registry import UnknownName, nearest
from workbench.widgets import panels
from workbench.widgets.colouring import Colouring, colouring
from workbench.widgets.desk import Desk
from workbench.widgets.frontend import LiveOrStill
from workbench.widgets.knobs import possible, start
from workbench.widgets.makers import Makers
from workbench.widgets.space import BANK, Moment, Setting, Space, SpaceError

HUBS_LISTED = 40
LINES = ("all", "chosen", "none")


@dataclass(frozen=True)
class Look:
    """What is looked at. gap, alpha: see `space.Setting`. points: chosen points, pictures first, then texts.

    hub: the row of a picture whose captured queries are shown. lines: from which texts to their labelled targets,
    "all", "chosen" or "none".
    """

    method: Method
    texts: str | None = None
    how: str = "pca"
    gap: float = 0.0
    alpha: float = 0.0
    colour: str = "modality"
    lines: str = "all"
    points: tuple[int, ...] = ()
    hub: int | None = None


class SpaceMap(LiveOrStill):
    """The map of a case under a method's rankings; N_k and hits are counted in lists of k.

    Raises as `space.Space`, and SpaceError for a chosen point or hub that is not there.
    """

    def __init__(self, case: Case, method: Method | None = None, k: int = 10, **look):
        self.case, self.k = case, k
        self._space = lru_cache(maxsize=4)(lambda method, texts, how: Space(case, method, k, texts, how))
        self.look = Look(method or self.methods[0])
        self.change(**look)

    @cached_property
    def methods(self) -> tuple[Method, ...]:
        """The methods that the case can score, at their defaults; those with a caption's edit first."""
        found = [start(name) for name in possible(self.case, Desk(self.case, Makers(self.case)))]
        if not found:
            raise SpaceError("the case has the terms of no method: load it with more terms")
        return tuple(sorted(found, key=lambda one: label(one) not in ("cirevl", "pdv_f")))

    def change(self, **look) -> SpaceMap:
        """Look at something else: fields of `Look`. Nothing has changed where it raises; returns itself."""
        changed = replace(self.look, **look)
        if changed.lines not in LINES:
            raise UnknownName(
                f"no lines {changed.lines!r}.{nearest(changed.lines, LINES)} Known: {', '.join(LINES)}"
            )
        n_items, n_queries = len(self.case.benchmark.gallery), len(self.case.benchmark.queries)
        wrong = [point for point in changed.points if not 0 <= point < n_items + n_queries]
        if wrong or (changed.hub is not None and not 0 <= changed.hub < n_items):
            what = f"point {wrong[0]}" if wrong else f"hub {changed.hub}"
            raise SpaceError(
                f"no {what}: there are {n_items} pictures (0 to {n_items - 1}) and {n_queries} texts"
            )
        before, self.look = self.look, changed
        try:
            self.colouring  # noqa: B018  whatever cannot be shown is refused here
        except Exception:
            self.look = before
            raise
        return self

    def show_hub(self, row: int | None) -> SpaceMap:
        """Look at a picture and the queries that it captures; None for no hub. Returns itself."""
        self.change(hub=row, points=())
        return self if row is None else self.change(points=self.captured(row))

    @property
    def space(self) -> Space:
        return self._space(self.look.method, self.look.texts, self.look.how)

    @property
    def now(self) -> Moment:
        return self.space.at(Setting(self.look.gap, self.look.alpha))

    @property
    def before(self) -> Moment:
        """With both sliders at 0."""
        return self.space.at(Setting())

    @property
    def colouring(self) -> Colouring:
        return colouring(self.look.colour, self.space, self.now, self.before)

    @property
    def points(self) -> Float["P 2"]:
        """Every point's place, pictures first, then texts."""
        return np.concatenate([self.now.images, self.now.texts])

    @property
    def connected(self) -> Int[" L"]:
        """The queries with a line from their text to their labelled target."""
        known = self.space.labelled >= 0
        if self.look.lines != "all":
            known &= np.isin(np.arange(len(known)), self.chosen[1] if self.look.lines == "chosen" else [])
        return np.flatnonzero(known)

    @property
    def measures(self) -> pd.DataFrame:
        """A row per measure: before and now."""
        return pd.DataFrame({"before": self.before.measures(), "now": self.now.measures()})

    @property
    def chosen(self) -> tuple[list[int], list[int]]:
        """The chosen pictures (rows of the gallery) and texts (rows of the queries)."""
        n = len(self.now.images)
        return [p for p in self.look.points if p < n], [p - n for p in self.look.points if p >= n]

    def hubs(self, by: str = "n_k") -> pd.DataFrame:
        """The first hubs by `n_k` or by recall `lost`; see `capture.hub_capture` for the columns."""
        hubs = self.now.capture.hubs
        return hubs.sort_values([by, "n_k", "item"], ascending=[False, False, True]).head(HUBS_LISTED)

    def captured(self, row: int) -> tuple[int, ...]:
        """A picture and the texts of the queries that it captures, as points."""
        places = self.now.capture.places
        queries = places.loc[places["item"] == row, "query"]
        return (row, *(len(self.now.images) + int(q) for q in queries))

    @property
    def notes(self) -> list[str]:
        """What must be known to read the map and the measures, a sentence each."""
        across, up = self.space.map.axis_labels
        how = (
            "the axes are those of the untouched rows"
            if self.look.how == "pca"
            else "the sliders do not move its points"
        )
        found = self.now.capture.summary
        return [
            f"Map: {across} to the right, {up} upwards; {how}.",
            f"Gap closed by a shift fitted on {self.space.calibration.source}.",
            f"NNN's bank: {BANK}.",
            f"A hub is in {found['hub_from']:.0f} or more lists of {self.k}, twice the mean; random lists would make "
            f"{found['hubs_by_chance']:.0f}.",
        ]

    def answer_html(self, picture: panels.Picture) -> str:
        """What is chosen, as HTML; picture(row) is a picture's URI."""
        (rows, queries), space, now = self.chosen, self.space, self.now
        if self.look.hub is not None:
            return panels.hub_answer(space, now, self.look.hub, picture)
        if not rows and not queries:
            return "<p>Choose a hub from the list, click a point, or take the lasso (second button beside the map) and draw around some.</p>"
        shown = [panels.pictures_answer(space, now, rows, picture)] if rows else []
        shown += [panels.queries_answer(space, now, self.before, queries, picture)] if queries else []
        return "".join(shown)

    @property
    def title(self) -> str:
        """What is shown, in a sentence."""
        found, look = self.now.capture.summary, self.look
        changed = [
            f"{look.gap:.0%} of the gap closed" if look.gap else "",
            f"NNN alpha {look.alpha:g}" if look.alpha else "",
        ]
        done = f" ({', '.join(filter(None, changed))})" if any(changed) else ""
        return (
            f"{label_of(label(look.method))}{done}: gap {self.now.gap:.2f}, hit@{found['at']:.0f} {found['hit']:.1%}, "
            f"{found['lost']:.1%} of the queries lost to hubs"
        )

    def figure(self) -> Figure:
        """The still twin: map, N_k curve, measures, and the pictures of what is chosen."""
        colours, targets = self.colouring, self.space.labelled[self.connected]
        return space_map(
            self.points,
            colours.codes,
            [(one.name, one.colour, one.size) for one in colours.classes],
            self.space.map.axis_labels,
            {"before": self.before.capture.n_k, "now": self.now.capture.n_k},
            self.measures,
            self.title,
            np.stack([self.now.texts[self.connected], self.now.images[targets]], axis=1),
            np.array(self.look.points, int),
            self._pictures(),
            self.notes,
        )

    def _pictures(self) -> list:
        """(picture, caption, is a target): the hub with its queries' targets, or the chosen pictures."""
        images, n_k = self.case.benchmark.gallery.images, self.now.capture.n_k
        if images is None:
            return []
        if self.look.hub is None:
            rows = sorted(self.chosen[0], key=lambda row: (-n_k[row], row))[:10]
            return [(images[row], f"N_{self.k} = {n_k[row]}", False) for row in rows]
        places = self.now.capture.places
        mine = panels.worst_first(places[(places["item"] == self.look.hub) & (places["target"] >= 0)]).head(9)
        shown = [(images[self.look.hub], f"hub, N_{self.k} = {n_k[self.look.hub]}", False)]
        return shown + [(images[one.target], f"rank {one.target_rank:,}", True) for one in mine.itertuples()]

    @cached_property
    def widget(self):
        """The live form, an ipywidgets.VBox. Raises ImportError that names the extra where ipywidgets is missing."""
        from workbench.widgets.spacemap_live import LiveSpaceMap  # the `explore` extra

        return LiveSpaceMap(self).box

    def __repr__(self) -> str:
        return f"SpaceMap: {self.title}"
