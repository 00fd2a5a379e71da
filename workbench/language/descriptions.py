"""Descriptions of the target that somebody's model wrote, out of a file: what OSrCIR, ImageScope and others search with.

One JSON object per line; the objects that must and must not appear may be left out:

    {"query": "q7", "description": "two cats on a sofa", "present": ["cat"], "absent": ["dog"]}

Several lines on one query are its first, second ... description, in the order of the file. Left out: asking a model.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from workbench.errors import UserError
from workbench.language.replies import Target


class DescriptionError(UserError, ValueError):
    """A file of descriptions cannot be read; names the file, the line and what is wrong."""


def read_descriptions(path: Path | str) -> dict[str, tuple[Target, ...]]:
    """By query id, its descriptions. Raises DescriptionError; an unreadable reply has no place here, but the text that
    stands in for it (OSrCIR's code takes the modification)."""
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DescriptionError(f"{path} cannot be read: {error}") from error
    found: dict[str, tuple[Target, ...]] = {}
    for number, line in enumerate(lines, start=1):
        try:
            query, target = _description_of(json.loads(line))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise DescriptionError(f"{path}, line {number}: {where or 'it'}: {first['msg']}") from error
        except ValueError as error:
            raise DescriptionError(f"{path}, line {number}: {error!s}") from error
        found[query] = (*found.get(query, ()), target)
    if not found:
        raise DescriptionError(f"{path} is empty, expected one description per line")
    return found


def _description_of(line: object) -> tuple[str, Target]:
    if not isinstance(line, dict) or not isinstance(line.get("query"), str):
        raise ValueError("expected an object with query (a text) and description")
    given = {name: value for name, value in line.items() if name != "query"}
    return line["query"], Target.model_validate({"present": [], "absent": [], **given})
