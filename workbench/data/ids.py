"""Ids as people write them: file names with folder and ending, numbers with zeros in front.

Only asked where an id as it stands is unknown, and only where the gallery's own ids are plain.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_PICTURE = re.compile(r"(.*/)?([^/]+?)(\.(png|jpe?g|webp))?", re.IGNORECASE)


def plain_id(id: str) -> str:
    """An id without folder, ending and zeros in front.

    >>> plain_id("unlabeled2017/000000000123.jpg"), plain_id("dev-1-0-img0.png"), plain_id("0")
    ('123', 'dev-1-0-img0', '0')
    """
    name = _PICTURE.fullmatch(id)
    name = id if name is None else name[2]
    return (name.lstrip("0") or "0") if name.isdigit() else name


def plain_rows(ids: Sequence[str]) -> dict[str, int] | None:
    """The rows of ids by plain id; None where the ids themselves are something else (paths, boxes).

    >>> plain_rows(["123", "7"]), plain_rows(["dev/1.png"])
    ({'123': 0, '7': 1}, None)
    """
    rows = {plain_id(id): row for row, id in enumerate(ids)}
    return rows if all(id in rows for id in ids) else None
