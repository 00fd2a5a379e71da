"""Cards and edits -> English: descriptions of a picture, and modification texts that ask for another.

Descriptions name spoken attributes only. Modification texts are varied and natural ("the same, but
in mint", "lose the crown", "two moons instead of one"); ``grammar`` reads both back without looking
at the templates here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.data.tinycir.world import KINDS, NONE, Card

COUNTS = {"one": 1, "two": 2, "three": 3, "four": 4}
ARTICLED = {"spike", "crown", "leaf", "cactus", "bush", "flower", "tulip", "palm", "succulent", "seedling"}
ARTICLED |= {"bun", "mohawk", "beanie", "hat", "headscarf", "turban", "beard", "moustache"}
WITH_AN = {"afro", "eyepatch"}
HAIR = {"short": "short hair", "long": "long hair", "bald": "a bald head"}
ABSENT = {
    "top": "a bare head",
    "ring": "no ring",
    "moons": "no moons",
    "eyewear": "no glasses",
    "beard": "no beard",
}


def noun_phrase(attribute: str, value: str) -> str:
    """How a value is named after "with": ``("top", "crown") -> "a crown"``, ``("moons", "two") -> "two moons"``."""
    if value == NONE:
        return ABSENT[attribute]
    if attribute == "eyes":
        return f"{value} {'eye' if value == 'one' else 'eyes'}"
    if attribute == "moons":
        return f"{value} {'moon' if value == 'one' else 'moons'}"
    if attribute == "ring":
        return f"a {value} ring"
    if attribute == "surface":
        return f"a {value} surface"
    if attribute == "hair" and value in HAIR:
        return HAIR[value]
    return f"a {value}" if value in ARTICLED else f"an {value}" if value in WITH_AN else value


def bare(attribute: str, value: str) -> str:
    """A noun phrase without its article, for "the ..." and "no ..."."""
    phrase = noun_phrase(attribute, value)
    return phrase.split(" ", 1)[1] if phrase.startswith(("a ", "an ")) else phrase


def describe_values(kind: str, value: Mapping[str, str]) -> str:
    """The canonical description of a kind with these spoken attributes; what is not given is not said.

    >>> describe_values("planet", {"colour": "mint", "surface": "striped", "ring": "none", "moons": "two"})
    'a striped mint planet with no ring and two moons'
    >>> describe_values("critter", {"colour": "orange", "mood": "sad"})
    'an orange critter looking sad'
    """
    colour = value.get("colour", "")
    if kind == "plant":
        species = noun_phrase("species", value["species"]) if "species" in value else "a plant"
        head = f"{species} in {article(f'{colour} pot')}"
    elif kind == "person":
        head = f"a person in {article(f'{colour} shirt')}"
    else:
        head = article(f"{value.get('surface', '')} {colour} {kind}")
    said = ("colour", "mood", "species", "surface")
    parts = [
        noun_phrase(a.name, value[a.name])
        for a in KINDS[kind].spoken
        if a.name not in said and a.name in value
    ]
    listed = ", ".join(parts[:-1]) + f" and {parts[-1]}" if len(parts) > 1 else "".join(parts)
    mood = f" looking {value['mood']}" if "mood" in value else ""
    return head + (f" with {listed}" if listed else "") + mood


def article(words: str) -> str:
    """ "a" or "an" before the words, which may have gaps: ``article(" orange pot") -> "an orange pot"``."""
    words = " ".join(words.split())
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def describe(card: Card) -> str:
    """The canonical description of a card: its spoken attributes, nothing visual-only."""
    spoken = {a.name for a in KINDS[card.kind].spoken}
    return describe_values(card.kind, {n: v for n, v in card.items() if n in spoken})


@dataclass(frozen=True)
class Change:
    """One attribute going from ``old`` to ``new``."""

    attribute: str
    old: str
    new: str


EDIT_KINDS = ("recolour", "swap", "add", "remove", "expression", "count", "instead", "two")


def edit_kind(change: Change) -> str:
    """The family of a single change, before wording: recolour, expression, add, remove, count or swap."""
    if change.attribute == "colour":
        return "recolour"
    if change.attribute == "mood":
        return "expression"
    if change.old == NONE:
        return "add"
    if change.new == NONE:
        return "remove"
    return "count" if change.attribute in ("eyes", "moons") else "swap"


_THING = {"critter": "it", "plant": "it", "planet": "it", "person": "them"}
_COLOURED = {"critter": "it", "plant": "the pot", "planet": "it", "person": "the shirt"}
TEMPLATES = {
    "recolour": (
        "the same, but in {new}",
        "make {coloured} {new}",
        "turn {coloured} {new}",
        "same thing in {new}",
        "change the colour to {new}",
        "now in {new}",
        "paint {coloured} {new} please",
    ),
    "swap": (
        "swap the {old} for {new_np}",
        "replace the {old} with {new_np}",
        "trade the {old} for {new_np}",
        "change the {old} to {new_np}",
    ),
    "add": (
        "add {new_np}",
        "give {thing} {new_np}",
        "now with {new_np}",
        "the same, but with {new_np}",
        "put {new_np} on {thing}",
    ),
    "remove": (
        "lose the {old}",
        "without the {old}",
        "take away the {old}",
        "remove the {old}",
        "drop the {old}",
        "the same, but no {old}",
    ),
    "expression": (
        "make {thing} {new}",
        "looking {new} now",
        "the same, but {new}",
        "should look {new}",
        "a {new} one please",
    ),
    "count": (
        "give {thing} {new_np}",
        "now with {new_np}",
        "make that {new_np}",
        "the same, but with {new_np}",
    ),
    "instead": (
        "{new_np} instead of {old_np}",
        "with {new_np} instead of {old_np}",
        "give {thing} {new_np} instead of {old_np}",
        "{new_np} rather than {old_np}",
    ),
    "instead_colour": (
        "in {new} instead of {old}",
        "{new} rather than {old}",
        "make {coloured} {new} instead of {old}",
    ),
}


def word_change(kind: str, change: Change, style: str, rng: np.random.Generator) -> str:
    """One change in words, by a template of ``style`` drawn at random."""
    if style == "instead" and change.attribute == "colour":
        style = "instead_colour"
    template = TEMPLATES[style][rng.integers(len(TEMPLATES[style]))]
    by_colour = change.attribute in ("colour", "mood")
    np_ = (lambda v: v) if by_colour else (lambda v: noun_phrase(change.attribute, v))
    text = template.format(
        new=change.new,
        old=change.old if by_colour else bare(change.attribute, change.old),
        new_np=np_(change.new),
        old_np=np_(change.old),
        thing=_THING[kind],
        coloured=_COLOURED[kind],
    )
    return text.replace("a angry", "an angry")


def word_edit(kind: str, changes: tuple[Change, ...], tag: str, rng: np.random.Generator) -> str:
    """The modification text of an edit; ``tag`` is one of EDIT_KINDS ("two" joins two changes)."""
    if tag != "two":
        return word_change(kind, changes[0], tag, rng)
    first, second = (word_change(kind, c, edit_kind(c), rng) for c in changes)
    second = second.removeprefix("the same, but ")
    return f"{first} and {second}"
