"""Widgets for looking: each is an ordinary object with `.figure()`, its still picture, and `.widget`, its live form.

Explorer(case)   compose a query by hand, move a method's sliders, see the ranking answer; see `explorer`
SpaceMap(case)   both modalities on one map, hubs and whom they capture, gap and mitigation sliders; see `spacemap`
App(case)        both, and two methods side by side, on three tabs; see `app`

As the last line of a cell, an object shows its live form to somebody who sits before the notebook, and its still
picture in a batch run (`frontend` says how it knows); a live form is built when it is asked for, and never before.
Live forms need ipywidgets and anywidget, the extra "explore"; still pictures do not.

Names that browser tests and style sheets may rely on (CSS classes)
    .wb-explorer                      the whole widget; .wb-map and .wb-app for the other two
    .wb-find .wb-query .wb-text       text to find a query by, list of queries, modification text
    .wb-upload                        file chooser for a picture of one's own
    .wb-method-first .wb-method-second    a method's list and, below, .wb-knob, a slider for each field (also .wb-knob-FIELD)
    .wb-k .wb-centred .wb-save .wb-code-toggle    number of results, kind of bars, save, "copy as code"
    .wb-status                        one line for screen readers (role=status): question and target's rank
    .wb-alert                         what could not be done, and why (role=alert); absent if all is well
    .wb-ranking[data-side=first|second]   one method's answer; in it:
        .wb-target-rank               "Target at rank 3 of 4,263"
        ol.wb-grid > li > button.wb-result[data-row]   a result; .wb-target if right; in it .wb-thumb .wb-rank .wb-score .wb-move .wb-bar
        button.wb-lower[data-row]     a target further down than the list goes
    .wb-trail > button.wb-back        earlier questions, the first one first
    .wb-reference .wb-modification .wb-caption .wb-edit   the question: picture, words, reference caption, composed caption
    .wb-code, button.wb-copy          the lines that reproduce the view, and the button that copies them
    .wb-map-CONTROL                   the map's controls: method texts how colour lines gap alpha order hubs clear; its canvas is jupyter-scatter's
    .wb-classes .wb-measures .wb-curve    the map's legend, its table of measures, its N_k curve
    .wb-captured .wb-queries button.wb-pick[data-row]   the answer to a choice, and its pictures
"""

from importlib import import_module

_HOMES = {
    "App": "workbench.widgets.app",
    "Explorer": "workbench.widgets.explorer",
    "OwnPicture": "workbench.widgets.view",
    "Question": "workbench.widgets.view",
    "SpaceMap": "workbench.widgets.spacemap",
    "View": "workbench.widgets.view",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"workbench.widgets has no {name!r}; its public names are {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)
