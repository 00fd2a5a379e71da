"""Is there a live front end, or is this a batch run?

Every request to run a cell says whether somebody can be asked for input (`allow_stdin` in Jupyter's messages):
JupyterLab, the classic notebook and editors say yes; papermill, nbval, nbconvert and other headless runs say no,
because nobody is there to answer. That is the property a widget needs, it comes with each cell, and no flag, tag or
variable can be forgotten. Voila runs cells headless too, but for a page that somebody sees; it announces itself.
"""

from __future__ import annotations

import io
import os

from IPython import get_ipython


def is_live() -> bool:
    """Whether the cell that runs now was asked for by a front end with somebody in front of it."""
    if os.environ.get("SERVER_SOFTWARE", "").startswith("voila/") or "VOILA_PREHEAT" in os.environ:
        return True
    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:  # plain Python or a terminal: nothing there shows widgets
        return False
    return bool(kernel.get_parent("shell").get("content", {}).get("allow_stdin"))


class LiveOrStill:
    """How a class with `widget` and `figure()` is shown: live where somebody can touch it, else as a picture."""

    def _repr_mimebundle_(self, include=None, exclude=None):
        if is_live():
            return self.widget._repr_mimebundle_()
        out = io.BytesIO()
        self.figure().savefig(out, format="png", dpi=100)
        return {"text/plain": repr(self), "image/png": out.getvalue()}
