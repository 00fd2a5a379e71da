"""Lay out TinyCIR: which pictures are in the gallery and what is asked of them. Cards only, nothing drawn.

A *family* is six cards that share their visual attributes and differ pairwise in one or two spoken
ones. Queries are ordered pairs within a family: a reference, and a target drawn uniformly from the
five others, so that nothing about the five tells which one is meant. Around the families the gallery
holds *twins* (a member's spoken attributes with other visual ones: words alone cannot tell them
apart), *repeats* (a member's card drawn once more, so that several pictures fit) and, for more than
half of it, a long-tailed *background*. Every card is of a combination held out from training.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np

from workbench.data.tinycir.words import Change, edit_kind, word_edit
from workbench.data.tinycir.world import KINDS, NONE, Card, is_held_out, spoken_combinations

FAMILIES = {"val": 68, "test": 136}
QUERIES = {"val": 500, "test": 1000}
KIND_SHARE = {"critter": 0.32, "plant": 0.2, "planet": 0.2, "person": 0.28}
TWINS, REPEATS, BACKGROUND = 600, 200, 2240
INSTEAD = 0.35  # of the single changes that name both an old and a new value


@dataclass(frozen=True)
class Question:
    """One query before it is drawn: positions in the list of cards."""

    split: str
    reference: int
    target: int
    subset: tuple[int, ...]
    changes: tuple[Change, ...]
    tag: str
    modification: str


@dataclass(frozen=True)
class Layout:
    """Every card of the gallery, and the questions about them."""

    cards: tuple[Card, ...]
    questions: tuple[Question, ...]


def lay_out(seed: int) -> Layout:
    """The whole benchmark, from a seed."""
    rng = np.random.default_rng([seed, 1])
    cards: list[Card] = []
    questions: list[Question] = []
    taken: set[Card] = set()
    for split, count in FAMILIES.items():
        families = []
        for _ in range(count):
            family = draw_family(rng, taken)
            taken |= set(family)
            families.append(range(len(cards), len(cards) + 6))
            cards += family
        questions += ask(split, families, cards, rng)
    members = list(cards)
    cards += [twin(members[i], rng) for i in rng.permutation(len(members))[:TWINS]]
    cards += [members[i] for i in rng.permutation(len(members))[:REPEATS]]
    cards += [background_card(rng) for _ in range(BACKGROUND)]
    return Layout(tuple(cards), tuple(questions))


@cache
def held_out(kind: str) -> tuple[tuple[str, ...], ...]:
    """The combinations of spoken attributes that belong to the benchmark."""
    filler = tuple(a.values[0] for a in KINDS[kind].visual)
    return tuple(c for c in spoken_combinations(KINDS[kind]) if is_held_out(Card(kind, c + filler)))


def distance(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    """In how many places two combinations differ."""
    return sum(x != y for x, y in zip(a, b, strict=True))


def draw_kind(rng: np.random.Generator) -> str:
    return str(rng.choice(list(KIND_SHARE), p=list(KIND_SHARE.values())))


def draw_visual(kind: str, rng: np.random.Generator) -> tuple[str, ...]:
    return tuple(str(rng.choice(a.values)) for a in KINDS[kind].visual)


def draw_family(rng: np.random.Generator, taken: set[Card]) -> list[Card]:
    """Six new cards with the same visual attributes, pairwise one or two spoken attributes apart."""
    while True:
        kind = draw_kind(rng)
        visual, pool = draw_visual(kind, rng), held_out(kind)
        members = [pool[int(rng.integers(len(pool)))]]
        for candidate in nearby(kind, members[0], rng):
            if len(members) < 6 and all(0 < distance(candidate, m) <= 2 for m in members):
                members.append(candidate)
        cards = [Card(kind, m + visual) for m in members]
        if len(cards) == 6 and not taken & set(cards):
            return [cards[i] for i in rng.permutation(6)]


def nearby(kind: str, centre: tuple[str, ...], rng: np.random.Generator) -> list[tuple[str, ...]]:
    """Held-out combinations one or two values away, nearest first, each attribute as likely to come first.

    Attributes with many values held out (a colour, a mood) would otherwise crowd out the others.
    """
    near = [c for c in held_out(kind) if 0 < distance(c, centre) <= 2]
    changed = [
        tuple(i for i, pair in enumerate(zip(c, centre, strict=True)) if len(set(pair)) > 1) for c in near
    ]
    crowd = Counter(changed)
    luck = rng.exponential(size=len(near))
    order = sorted(range(len(near)), key=lambda i: (len(changed[i]), luck[i] * crowd[changed[i]]))
    return [near[i] for i in order]


def ask(split: str, families: list[range], cards: list[Card], rng: np.random.Generator) -> list[Question]:
    """Distinct (reference, target) pairs, spread evenly over the families, each put into words."""
    pairs = [[(r, t) for r in family for t in family if r != t] for family in families]
    order = [[p[i] for i in rng.permutation(len(p))] for p in pairs]
    rounds = -(-QUERIES[split] // len(families))
    chosen = [(families[f], *order[f][n]) for n in range(rounds) for f in range(len(families))][
        : QUERIES[split]
    ]
    return [question(split, family, r, t, cards, rng) for family, r, t in chosen]


def question(
    split: str, family: range, reference: int, target: int, cards: list[Card], rng: np.random.Generator
) -> Question:
    """The query that leads from one member of a family to another."""
    a, b = cards[reference], cards[target]
    names = [x.name for x in KINDS[a.kind].spoken]
    changes = [Change(n, a[n], b[n]) for n in names if a[n] != b[n]]
    changes = tuple(changes[i] for i in rng.permutation(len(changes)))
    tag = "two" if len(changes) == 2 else edit_kind(changes[0])
    if (
        tag not in ("two", "expression")
        and NONE not in (changes[0].old, changes[0].new)
        and rng.random() < INSTEAD
    ):
        tag = "instead"
    subset = tuple(family[i] for i in rng.permutation(6))
    return Question(split, reference, target, subset, changes, tag, word_edit(a.kind, changes, tag, rng))


def twin(card: Card, rng: np.random.Generator) -> Card:
    """The same spoken attributes, with at least one visual one different."""
    while True:
        other = Card(card.kind, card.spoken + draw_visual(card.kind, rng))
        if other != card:
            return other


def background_card(rng: np.random.Generator) -> Card:
    """A held-out card with long-tailed values: each attribute follows a Zipf law over its values."""
    kind = KINDS[draw_kind(rng)]
    while True:
        values = tuple(a.values[zipf(len(a.values), rng)] for a in kind.attributes)
        if is_held_out(card := Card(kind.name, values)):
            return card


def zipf(n: int, rng: np.random.Generator, exponent: float = 0.8) -> int:
    """A rank from 0 to n - 1 with probability proportional to 1 / (rank + 1) ** exponent."""
    weights = 1 / np.arange(1, n + 1) ** exponent
    return int(rng.choice(n, p=weights / weights.sum()))
