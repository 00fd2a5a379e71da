"""The training pairs of tiny-editor: (caption, change) -> edited caption, of combinations TinyCIR never uses.

A pair begins with a card, one to three changes of its spoken attributes, and what a captioner made of the
card: all of it, or with wrong and missing values as tiny-coca has them. The reply is what was said with
the asked change applied: what the caption says and nobody asked to change stays, even where it is wrong.

Neither a card, nor its changed card, nor what a caption or reply says is a combination of the benchmark
(``is_held_out``); a description with gaps must fit one that training may use. Left out: pictures, which the editor never sees.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from wordings import (
    COLOURED,
    FRAMES,
    GENERIC,
    JOINS,
    KEEP,
    KEEP_ALL,
    OUTSIDE,
    WORDINGS,
    fill,
    world_words,
)

from workbench.data.tinycir.words import Change, describe_values, edit_kind, noun_phrase, word_change
from workbench.data.tinycir.world import KINDS, NONE, Card, is_held_out, spoken_combinations

Values = dict[str, str]
KIND_SHARE = {"critter": 0.3, "plant": 0.2, "planet": 0.22, "person": 0.28}
CHANGES = {1: 0.5, 2: 0.46, 3: 0.04}
BENCHMARK_WORDING = 0.5  # of single changes, the others are worded by ``WORDINGS``
INSTEAD = 0.35  # of those that may name both an old and a new value, as in the benchmark
HEARD_WRONG = 0.45  # captions that may have errors
LOOSE, ELSEWHERE, FRAMED, KEPT, UNCHANGED = 0.08, 0.25, 0.1, 0.04, 0.005
MISSING, EDITED_MISSING = 0.04, 0.12
ERRORS = {
    "critter.mood": 0.5,
    "planet.moons": 0.4,
    "person.eyewear": 0.35,
    "person.beard": 0.3,
}  # after tiny-coca's
OTHER_ERRORS = 0.05


@dataclass(frozen=True)
class Pair:
    """One lesson. ``said`` is what the caption says, ``asked`` what the change asks for."""

    caption: str
    change: str
    reply: str
    kind: str
    said: Mapping[str, str]
    asked: Mapping[str, str]


@cache
def trainable(kind: str) -> tuple[tuple[str, ...], ...]:
    """The combinations of spoken attributes that training may use."""
    filler = tuple(a.values[0] for a in KINDS[kind].visual)
    return tuple(c for c in spoken_combinations(KINDS[kind]) if not is_held_out(Card(kind, c + filler)))


def may_train(kind: str, values: Mapping[str, str]) -> bool:
    """Whether a description of these values, which may have gaps, fits a combination that training may use."""
    return tuple(values.get(a.name) for a in KINDS[kind].spoken) in _descriptions(kind)


@cache
def _descriptions(kind: str) -> frozenset[tuple[str | None, ...]]:
    """Every combination that training may use, with every choice of values left out (None)."""
    size = len(KINDS[kind].spoken)
    shown = list(product((True, False), repeat=size))
    return frozenset(
        tuple(v if show else None for v, show in zip(c, mask, strict=True))
        for c in trainable(kind)
        for mask in shown
    )


def combinations_digest() -> str:
    """Names the set of combinations that training may use: it changes when the hold-out does."""
    text = json.dumps({kind: sorted(trainable(kind)) for kind in KINDS}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def pick(rng: np.random.Generator, options):
    return options[int(rng.integers(len(options)))]


def training_pair(rng: np.random.Generator) -> Pair:
    """One pair, drawn at random."""
    kind = str(rng.choice(list(KIND_SHARE), p=list(KIND_SHARE.values())))
    names = [a.name for a in KINDS[kind].spoken]
    card = dict(zip(names, pick(rng, trainable(kind)), strict=True))
    changes = draw_changes(kind, card, rng)
    noisy = rng.random() < HEARD_WRONG
    said = mishear(kind, card, {c.attribute for c in changes}, rng) if noisy else card
    asked = {c.attribute: c.new for c in changes}
    edited = {**said, **asked}
    if not all(may_train(kind, v) for v in ({**card, **asked}, said, edited)):
        return training_pair(rng)
    caption = write(kind, said, noisy, rng)
    change = ask(kind, changes, {n: card[n] for n in said if said[n] == card[n] and n not in asked}, rng)
    pair = Pair(caption, change, describe_values(kind, edited), kind, said, asked)
    return elsewhere(pair, rng) if rng.random() < ELSEWHERE else pair


def draw_changes(kind: str, card: Values, rng: np.random.Generator) -> tuple[Change, ...]:
    """One to three changes of different attributes, rarely none."""
    if rng.random() < UNCHANGED:
        return ()
    count = int(rng.choice(list(CHANGES), p=list(CHANGES.values())))
    count = min(count, len(card))
    changes = []
    for name in rng.permutation(list(card))[:count]:
        others = [v for v in KINDS[kind].attribute(name).values if v != card[name]]
        changes.append(Change(str(name), card[name], pick(rng, others)))
    return tuple(changes)


def mishear(kind: str, card: Values, edited: set[str], rng: np.random.Generator) -> Values:
    """What a captioner says of a card: some values wrong, some missing, the edited ones more often."""
    said = {}
    for name, value in card.items():
        if rng.random() < (EDITED_MISSING if name in edited else MISSING):
            continue
        wrong = rng.random() < ERRORS.get(f"{kind}.{name}", OTHER_ERRORS)
        others = [v for v in KINDS[kind].attribute(name).values if v != value]
        said[name] = pick(rng, others) if wrong else value
    return said


def write(kind: str, said: Values, noisy: bool, rng: np.random.Generator) -> str:
    """The caption: canonical, now and then loosely put, with the spacing and slips of a small captioner."""
    text = loose(kind, said, rng) if rng.random() < LOOSE else describe_values(kind, said)
    if noisy and rng.random() < 0.05:
        text = text.replace("one moon", "one moons").replace("eyes", "eye").replace("a bald head", "a bald")
    if rng.random() < (0.6 if noisy else 0.1):
        text = text.replace(",", " ,")
    return text


def loose(kind: str, said: Values, rng: np.random.Generator) -> str:
    """The same values in another order: the mood in front, the parts shuffled."""
    head = describe_values(kind, {n: v for n, v in said.items() if n in ("colour", "species", "surface")})
    parts = [noun_phrase(n, v) for n, v in said.items() if n not in ("colour", "species", "surface", "mood")]
    parts = [parts[i] for i in rng.permutation(len(parts))]
    text = head + (f" with {' and '.join(parts)}" if parts else "")
    if "mood" not in said:
        return text.replace("a ", "the ", 1) if text.startswith("a ") else text
    return pick(rng, ("{m} looking, {t}", "{t}, {m}", "{t} that looks {m}", "{t}, it looks {m}")).format(
        m=said["mood"], t=text
    )


def ask(kind: str, changes: tuple[Change, ...], kept: Values, rng: np.random.Generator) -> str:
    """The modification text; ``kept`` are values that it may ask to keep."""
    if not changes:
        return pick(rng, KEEP_ALL)
    text = word(kind, changes[0], rng)
    for change in changes[1:]:
        join = " and " if rng.random() < 0.7 else pick(rng, JOINS)
        text += join + word(kind, change, rng).removeprefix("the same, but ")
    phrases = [noun_phrase(n, v) for n, v in kept.items() if n not in ("colour", "mood") and v != NONE]
    if phrases and rng.random() < KEPT:
        phrase = pick(rng, phrases)
        text = pick(rng, KEEP).format(kept=phrase, change=text)
    return pick(rng, FRAMES).format(text) if rng.random() < FRAMED else text


def word(kind: str, change: Change, rng: np.random.Generator) -> str:
    """One change in words: the benchmark's wording or another."""
    style = edit_kind(change)
    if rng.random() < BENCHMARK_WORDING:
        both = style not in ("expression", "add", "remove")
        return word_change(kind, change, "instead" if both and rng.random() < INSTEAD else style, rng)
    generic = GENERIC.get(change.attribute) if style == "remove" and rng.random() < 0.4 else None
    wording = pick(rng, WORDINGS[style])
    return fill(wording, kind, change, generic, pick(rng, COLOURED[kind]))


_KIND_WORDS = frozenset(KINDS) | {"pot", "shirt"}
_GRAMMAR = "a an no with and in looking eye eyes moon moons ring ears hair head surface"


@cache
def _replaceable() -> frozenset[str]:
    values = {w for k in KINDS.values() for a in k.spoken for v in a.values for w in v.split()}
    return frozenset((values | _KIND_WORDS) - set(_GRAMMAR.split()) - {NONE, "one"})


def elsewhere(pair: Pair, rng: np.random.Generator) -> Pair:
    """The same pair about things outside the world: one to four of its words replaced everywhere.

    A word and its stand-in agree in whether "a" or "an" goes before them. Some stand-ins are made up, letter by letter.
    """
    texts = (pair.caption, pair.change, pair.reply)
    known = sorted({w for t in texts for w in re.findall(r"[a-z]+", t)} & _replaceable())
    if not known:
        return pair
    for old in rng.permutation(known)[: int(rng.integers(1, 5))]:
        new = stand_in(str(old), rng)
        texts = tuple(re.sub(rf"\b{old}\b", new, t) for t in texts)
    return Pair(*texts, pair.kind, {}, {})


def stand_in(word: str, rng: np.random.Generator) -> str:
    """A word from outside the world that begins as ``word`` does: with a vowel or without."""
    vowel = word[0] in "aeiou"
    while True:
        new = pick(rng, OUTSIDE) if rng.random() < 0.85 else made_up(rng)
        if (new[0] in "aeiou") == vowel and new not in world_words():
            return new


def made_up(rng: np.random.Generator) -> str:
    """Two or three syllables that mean nothing."""
    text = "".join(pick(rng, "bdfgklmnprstvz") + pick(rng, "aeiou") for _ in range(int(rng.integers(2, 4))))
    return text[1:] if rng.random() < 0.3 else text
