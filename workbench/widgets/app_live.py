"""The live tabs of an app: each is built when it is first looked at. Needs ipywidgets, the extra "explore"."""

from __future__ import annotations

from collections.abc import Callable, Sequence

try:
    import ipywidgets as W

    from workbench.widgets.controls import classed
except ImportError as error:
    raise ImportError(
        "the live app needs ipywidgets and anywidget: pip install 'zscir-workbench[explore]'"
    ) from error


def tabs(titles: Sequence[str], makers: Sequence[Callable]) -> W.Tab:
    """Tabs with those titles; makers[i]() has the `.widget` of tab i and is called when the tab is first chosen."""
    holders = [W.VBox([W.HTML("<p>One moment ...</p>")]) for _ in titles]
    whole = classed(W.Tab(children=holders, titles=tuple(titles), selected_index=0), "wb-app")
    built = set()

    def build(place: int | None) -> None:
        if place is not None and place not in built:
            built.add(place)
            holders[place].children = (makers[place]().widget,)

    whole.observe(lambda change: build(change["new"]), "selected_index")
    build(0)
    return whole
