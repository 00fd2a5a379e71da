"""Read descriptions and modification texts: English -> attribute values.

Written against the language, not against the templates of ``words``: it knows the names of values
and a handful of verbs, so it also reads wordings that no template makes, and proves that each
modification text says what it was made from. ``apply_edit`` is the edit grammar of the rule-based
recomposer: it changes the caption it is given and never sees the card.
"""

from __future__ import annotations

import re
from functools import cache

from workbench.data.tinycir.words import COUNTS, describe_values
from workbench.data.tinycir.world import COLOURS, KINDS, NONE
from workbench.errors import UserError

_NUMBER = "|".join(COUNTS)
_DROPPED = re.compile(r"\b(?:instead of|rather than|in place of)\b.*")
_TRADED = re.compile(
    r"\b(?:swap|replace|trade|exchange|change)\b (?P<old>.+?) \b(?:for|with|to|into|by)\b (?P<new>.+)"
)
_REMOVAL = re.compile(
    r"\b(?:lose|without|remove|drop|no|minus|take (?:away|off)|get rid of|shave off)\b (?P<old>.+)"
)
_FILLER = re.compile(r"\b(?:colou?r|the same|same|but|please|now)\b")
_NAMES: dict[str, tuple[str, ...]] = {
    "top": ("horns", "spike", "antennae", "round ears", "pointed ears", "crown", "leaf"),
    "species": ("cactus", "bush", "flower", "tulip", "palm", "grass", "succulent", "seedling", "buds"),
    "mood": ("happy", "sad", "surprised", "fierce", "sleepy", "angry"),
    "surface": ("plain", "striped", "cratered", "patchy"),
    "hair": ("short", "long", "afro", "bun", "mohawk", "bald", "beanie", "hat", "headscarf", "turban"),
    "eyewear": ("sunglasses", "glasses", "eyepatch"),
    "beard": ("beard", "moustache"),
    "colour": COLOURS,
}
_BARE = {
    "top": "bare head",
    "ring": "no rings?",
    "moons": "no moons?",
    "eyewear": "no glasses",
    "beard": "no beard",
}


class GrammarError(UserError, ValueError):
    """A text the grammar cannot read; the message quotes it and says what it knows."""


@cache
def _patterns(attribute: str) -> tuple[tuple[re.Pattern[str], str | None], ...]:
    """(pattern, value) pairs; value None means that the first group is the value."""
    if attribute == "eyes":
        return ((re.compile(rf"\b({_NUMBER})[ -]eye[sd]?\b"), None),)
    if attribute == "moons":
        return ((re.compile(rf"\b({_NUMBER}) moons?\b"), None),)
    if attribute == "ring":
        return ((re.compile(r"\b(thin|thick) rings?\b"), None),)
    return tuple((re.compile(rf"\b{re.escape(v)}\b"), v) for v in _NAMES[attribute])


def find_values(text: str, attribute: str) -> list[tuple[int, str]]:
    """(position, value) of every value of an attribute named in the text, in order."""
    found = []
    for pattern, value in _patterns(attribute):
        found += [(m.start(), value or m.group(1)) for m in pattern.finditer(text)]
    return sorted(found)


def parse_description(text: str) -> tuple[str, dict[str, str]]:
    """The kind and the spoken attributes a description names; attributes it is silent on are left out.

    >>> parse_description("a striped mint planet with no ring and two moons")
    ('planet', {'colour': 'mint', 'surface': 'striped', 'ring': 'none', 'moons': 'two'})

    Raises GrammarError if no kind of picture is named.
    """
    kind = _kind_of(text)
    values: dict[str, str] = {}
    for attribute in KINDS[kind].spoken:
        if attribute.name in _BARE and re.search(rf"\b{_BARE[attribute.name]}\b", text):
            values[attribute.name] = NONE
            continue
        named = [v for _, v in find_values(text, attribute.name) if v in attribute.values]
        if named:
            values[attribute.name] = named[0]
    return kind, values


def _kind_of(text: str) -> str:
    for kind in ("critter", "planet", "person"):
        if re.search(rf"\b{kind}\b", text):
            return kind
    if re.search(r"\bpot\b", text) or find_values(text, "species"):
        return "plant"
    raise GrammarError(f"no kind of picture named in {text!r}; expected one of {tuple(KINDS)}")


def parse_edit(text: str, kind: str) -> dict[str, str]:
    """The attribute values a modification text asks for, read for one kind of picture.

    >>> parse_edit("make it mint and lose the crown", "critter")
    {'colour': 'mint', 'top': 'none'}

    Raises GrammarError if a clause asks for nothing the kind has.
    """
    asked: dict[str, str] = {}
    for clause in _clauses(text.lower()):
        found = _read_clause(clause, kind)
        if not found:
            known = ", ".join(a.name for a in KINDS[kind].spoken)
            raise GrammarError(f"cannot read {clause!r} in {text!r} as an edit of a {kind} (it has {known})")
        asked.update(found)
    return asked


def _clauses(text: str) -> list[str]:
    """Split on "and"; commas only separate asides ("the same, but ...")."""
    parts = [_FILLER.sub(" ", part.replace(",", " ")) for part in re.split(r"\band\b", text)]
    return [re.sub(r"\s+", " ", p).strip() for p in parts if p.strip()]


def _read_clause(clause: str, kind: str) -> dict[str, str]:
    clause = _DROPPED.sub("", clause)
    if traded := _TRADED.search(clause):
        clause = traded["new"]
    elif removed := _REMOVAL.search(clause):
        return {a: NONE for a in _removable(kind) if _mentions(removed["old"], a)}
    found = {}
    for attribute in KINDS[kind].spoken:
        named = [v for _, v in find_values(clause, attribute.name) if v in attribute.values]
        if named:
            found[attribute.name] = named[0]
    return found


def _removable(kind: str) -> list[str]:
    return [a.name for a in KINDS[kind].spoken if NONE in a.values]


def _mentions(text: str, attribute: str) -> bool:
    words = {"ring": r"\brings?\b", "moons": r"\bmoons?\b", "top": r"\bears\b", "eyewear": r"\bglasses\b"}
    return bool(find_values(text, attribute)) or bool(re.search(words.get(attribute, r"(?!)"), text))


def apply_edit(caption: str, modification: str) -> str:
    """The edited caption: what the modification asks for replaces what the caption says, the rest stays.

    >>> apply_edit("a pink critter with a crown and two eyes looking sad", "lose the crown")
    'a pink critter with a bare head and two eyes looking sad'

    Raises GrammarError if the caption names no kind of picture or the modification cannot be read.
    """
    kind, values = parse_description(caption)
    return describe_values(kind, {**values, **parse_edit(modification, kind)})
