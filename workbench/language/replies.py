"""What a model said -> the edited caption, strictly: a reply in another form than was asked for is an error.

How a reply is read is part of a prompt (``Prompt.reads``), by name: ``line`` (one line that begins with the marker),
``plain`` (the caption alone), ``target`` (JSON: description, what must and what must not appear), and ``cirevl``, which
does what the published code of CIReVL does (Karthik et al., ICLR 2024, arXiv 2310.09291), quirks and all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from workbench.language.failures import UnreadableReply

MARKER, CIREVL_MARKER = "Edited caption:", "Edited Description:"
QUOTED = 120  # characters of a reply that an error repeats
_FENCE = re.compile(r"```(?:json)?[ \t]*\n(?P<inside>.*?)\n[ \t]*```", re.DOTALL)

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Target(BaseModel):
    """The picture that is asked for: its description, and objects that must and that must not appear in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    description: Words
    present: list[Words]
    absent: list[Words]

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Target:
        both = {word.lower() for word in self.present} & {word.lower() for word in self.absent}
        if both:
            raise ValueError(f"both present and absent: {', '.join(sorted(both))}")
        return self


def read_line(reply: str, modification: str = "") -> str:
    """The rest of the only line that begins with the marker; one pair of quotes around it is taken off.

    >>> read_line('Sure.\\nEdited caption: "a sign: stop here"')
    'a sign: stop here'

    Raises UnreadableReply where no line or several begin so, or nothing follows.
    """
    lines = [line.strip() for line in reply.splitlines()]
    found = [line.removeprefix(MARKER) for line in lines if line.startswith(MARKER)]
    if len(found) != 1:
        raise UnreadableReply(
            f"{len(found)} lines begin with {MARKER!r}, expected exactly one: {_quote(reply)}"
        )
    return _said(found[0], reply)


def read_plain(reply: str, modification: str = "") -> str:
    """The whole reply, which must be one line of text.

    >>> read_plain(" a mint critter\\n")
    'a mint critter'

    Raises UnreadableReply where it is empty or has several lines.
    """
    lines = [line for line in reply.splitlines() if line.strip()]
    if len(lines) > 1:
        raise UnreadableReply(f"{len(lines)} lines, expected the caption alone: {_quote(reply)}")
    return _said(reply, reply)


def read_target(reply: str) -> Target:
    """The JSON object that is the whole reply, or stands in its only code fence.

    >>> read_target('{"description": "a dog on grass", "present": ["dog"], "absent": ["ball"]}').absent
    ['ball']

    Raises UnreadableReply with what is wrong, and where.
    """
    fenced = _FENCE.findall(reply)
    try:
        return Target.model_validate_json(fenced[0] if len(fenced) == 1 else reply)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise UnreadableReply(
            f"{where + ': ' if where else ''}{first['msg']}, expected JSON with description, present and absent: "
            f"{_quote(reply)}"
        ) from error


def read_description(reply: str, modification: str = "") -> str:
    """The description of the target (see ``read_target``, which gives the objects, too)."""
    return read_target(reply).description


def read_cirevl(reply: str, modification: str) -> str:
    """As CIReVL's published code: a second colon cuts the caption, and without one the modification stands in.

    The first line that begins with "Edited Description:", blanks aside; of it, what stands between the first colon and
    the second. For numbers that are to agree with the published ones, not for new work.

    >>> read_cirevl("Edited Description: a sign: stop here", "add a sign")
    'a sign'
    >>> read_cirevl("I cannot do that.", "add a sign")
    'add a sign'
    """
    for line in reply.split("\n"):
        if line.strip().startswith(CIREVL_MARKER):
            return line.split(":")[1].strip() or modification
    return modification


READERS: Mapping[str, Callable[[str, str], str]] = {
    "line": read_line,
    "plain": read_plain,
    "target": read_description,
    "cirevl": read_cirevl,
}
LENIENT = ("cirevl",)  # readers that take anything, replies that were cut at the length limit included


def _said(text: str, reply: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"' and '"' not in text[1:-1]:
        text = text[1:-1].strip()
    if not text:
        raise UnreadableReply(f"nothing where the caption should be: {_quote(reply)}")
    return text


def _quote(reply: str) -> str:
    text = " ".join(reply.split())
    return repr(text if len(text) <= QUOTED else text[:QUOTED] + " ...")
