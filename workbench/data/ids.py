"""Ids as people write them: file names with folder and ending, numbers with zeros in front.

Only asked where an id as it stands is unknown, and only where the gallery's own ids are plain.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

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


def find_row(id: str, rows: Mapping[str, int], plain: Mapping[str, int] | None) -> int | None:
    """The row of an id as it stands; else by its plain form, or, where ids are paths, without folders in front of it.

    rows: row by id; plain: `plain_rows` of the same ids.

    >>> find_row("imgnet/real/1.png", {"real/1.png": 0}, None), find_row("007.jpg", {"7": 1}, {"7": 1})
    (0, 1)
    """
    if id in rows:
        return rows[id]
    if plain is not None:
        return plain.get(plain_id(id))
    while "/" in id:
        id = id.partition("/")[2]
        if id in rows:
            return rows[id]
    return None
