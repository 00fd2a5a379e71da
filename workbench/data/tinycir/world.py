"""The world of TinyCIR: which kinds of picture there are, and which attributes each one has.

A picture is a *card*: a kind and one value per attribute. Attributes come in two roles.
*Spoken* ones are named by descriptions and changed by edits. *Visual* ones are part of what counts
as right and are kept by every edit, but almost never put into words: they are what the picture
knows and the caption does not. Everything else (position, rotation, the fall of stars and rings) is
nuisance and belongs to no card. How a card is drawn is in ``draw``, how it is put into words in
``words``.

The drawings are CC0 1.0 art: *Open Peeps* by Pablo Stanley; *Critters*, *Sprouts* and *Planets* by
DiceBear, drawn by dicebear-core. Left out on purpose: parts that cannot be told apart at 64 pixels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product


@dataclass(frozen=True)
class Attribute:
    """One named property: its values in a fixed order, and whether descriptions speak of it.

    ``fine`` ones are a few pixels at the model's resolution; the hold-out leaves them free (``is_held_out``).
    """

    name: str
    values: tuple[str, ...]
    spoken: bool = True
    fine: bool = False


@dataclass(frozen=True)
class Kind:
    """One kind of picture, e.g. ``critter``, with its attributes in the order they are spoken."""

    name: str
    attributes: tuple[Attribute, ...]

    @property
    def spoken(self) -> tuple[Attribute, ...]:
        return tuple(a for a in self.attributes if a.spoken)

    @property
    def visual(self) -> tuple[Attribute, ...]:
        return tuple(a for a in self.attributes if not a.spoken)

    def attribute(self, name: str) -> Attribute:
        """The attribute of that name; raises KeyError with the names there are."""
        for a in self.attributes:
            if a.name == name:
                return a
        raise KeyError(f"{self.name} has no attribute {name!r}; it has {[a.name for a in self.attributes]}")


COLOURS = ("pink", "orange", "yellow", "lime", "mint", "blue", "purple", "white")
NONE = "none"


def _visual(name: str, *values: str) -> Attribute:
    return Attribute(name, values, spoken=False)


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "critter",
            (
                Attribute("colour", COLOURS),
                Attribute(
                    "top", (NONE, "horns", "spike", "antennae", "round ears", "pointed ears", "crown", "leaf")
                ),
                Attribute("eyes", ("one", "two", "three", "four")),
                Attribute("mood", ("happy", "sad", "surprised", "fierce"), fine=True),
                _visual("background", "sea", "plum", "rose", "earth", "moss", "slate"),
                _visual("body", "dome", "block", "squat", "bell", "wedge"),
            ),
        ),
        Kind(
            "plant",
            (
                Attribute("colour", COLOURS),
                Attribute(
                    "species",
                    ("cactus", "bush", "flower", "tulip", "palm", "grass", "succulent", "seedling", "buds"),
                ),
                Attribute("mood", ("happy", "sleepy", "surprised", "angry")),
                _visual("background", "sea", "plum", "rose", "earth", "moss", "slate"),
                _visual("pot", "taper", "cylinder", "bowl", "round"),
                _visual("leaf", "fresh", "teal", "olive"),
            ),
        ),
        Kind(
            "planet",
            (
                Attribute("colour", COLOURS),
                Attribute("surface", ("plain", "striped", "cratered", "patchy")),
                Attribute("ring", (NONE, "thin", "thick")),
                Attribute("moons", (NONE, "one", "two"), fine=True),
                _visual("sky", "navy", "wine", "forest", "ash", "lagoon", "void"),
                _visual("stars", "empty", "starry"),
            ),
        ),
        Kind(
            "person",
            (
                Attribute("colour", COLOURS),
                Attribute(
                    "hair",
                    (
                        "short",
                        "long",
                        "afro",
                        "bun",
                        "mohawk",
                        "bald",
                        "beanie",
                        "hat",
                        "headscarf",
                        "turban",
                    ),
                ),
                Attribute("eyewear", (NONE, "glasses", "sunglasses", "eyepatch"), fine=True),
                Attribute("beard", (NONE, "beard", "moustache"), fine=True),
                _visual("background", "sea", "plum", "rose", "earth", "moss", "slate"),
                _visual("skin", "light", "tan", "brown", "dark"),
            ),
        ),
    )
}


@dataclass(frozen=True)
class Card:
    """What is in a picture: a kind and one value per attribute of that kind, in the kind's order."""

    kind: str
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        kind = KINDS[self.kind]
        if len(self.values) != len(kind.attributes):
            raise ValueError(f"a {self.kind} has {len(kind.attributes)} attributes, got {len(self.values)}")
        for attribute, value in zip(kind.attributes, self.values, strict=True):
            if value not in attribute.values:
                raise ValueError(
                    f"{self.kind} {attribute.name} is {value!r}, expected one of {attribute.values}"
                )

    def __getitem__(self, name: str) -> str:
        return dict(self.items())[name]

    def items(self) -> Iterator[tuple[str, str]]:
        """(attribute name, value) pairs, spoken and visual."""
        return zip((a.name for a in KINDS[self.kind].attributes), self.values, strict=True)

    @property
    def spoken(self) -> tuple[str, ...]:
        return self.values[: len(KINDS[self.kind].spoken)]

    @property
    def visual(self) -> tuple[str, ...]:
        return self.values[len(KINDS[self.kind].spoken) :]

    def with_(self, **changes: str) -> Card:
        """A card that differs in the named attributes only."""
        values = dict(self.items())
        unknown = set(changes) - set(values)
        if unknown:
            raise KeyError(f"{self.kind} has no attribute {sorted(unknown)}; it has {list(values)}")
        return replace(self, values=tuple({**values, **changes}.values()))


def spoken_combinations(kind: Kind) -> list[tuple[str, ...]]:
    """Every combination of the spoken attributes of a kind."""
    return list(product(*(a.values for a in kind.spoken)))


def is_held_out(card: Card, share: float = 0.3) -> bool:
    """Whether this combination of spoken attributes belongs to the benchmark (else: to training).

    Decided by a hash of the combination, so that both sides agree without sharing a list and
    the built-in model never sees a combination that the benchmark asks for. Fine attributes are not
    part of the hash: a model that cannot see a mouth yet would otherwise learn from the rest of the
    picture which moods training never shows with it, and those are just what the benchmark shows.
    """
    said = zip(KINDS[card.kind].spoken, card.spoken, strict=True)
    key = "|".join((card.kind, *(value for attribute, value in said if not attribute.fine))).encode()
    return int.from_bytes(hashlib.sha256(key).digest()[:8], "big") / 2**64 < share
