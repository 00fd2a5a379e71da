"""Progress bars, in terminals and notebooks alike; none where TQDM_DISABLE is set."""

from __future__ import annotations

import os
from collections.abc import Iterable

from tqdm.auto import tqdm


def progress_bar(steps: Iterable | None = None, *, show: bool = True, **more) -> tqdm:
    """`tqdm(steps, **more)`, hidden unless `show`.

    The variable is read at each call: tqdm itself reads it once, when imported, and in notebooks not at all.
    """
    hidden = not show or os.environ.get("TQDM_DISABLE", "0") not in ("", "0")
    return tqdm(steps, disable=hidden, **more)
