"""Names for sliders: an invisible widget that tells screen readers what each slider on its page is called."""

from __future__ import annotations

from pathlib import Path

import anywidget


class Names(anywidget.AnyWidget):
    """Put it beside sliders; what it does is in `names.js`."""

    _esm = Path(__file__).parent / "names.js"
