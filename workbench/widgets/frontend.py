"""Is there a live front end, or is this a batch run?

Every request to run a cell says whether somebody can be asked for input (`allow_stdin` in Jupyter's messages):
JupyterLab, the classic notebook and editors say yes; papermill, nbval, nbconvert and other headless runs say no,
because nobody is there to answer. That is the property a widget needs, it comes with each cell, and no flag, tag or
variable can be forgotten. Voila runs cells headless too, but for a page that somebody sees; it announces itself.
"""

from __future__ import annotations

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
