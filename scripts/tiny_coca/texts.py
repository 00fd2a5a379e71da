"""The training texts of tiny-coca: one text for one picture, never a triple.

Each text comes with what it says: the attribute values a picture must have to fit it. The trainer
uses that to keep pictures that fit a text from counting as wrong answers to it.

Shares: canonical descriptions 42 %, reworded or partial descriptions 18 %, short phrases, negations
and casual wordings 40 %; 15 % of all texts also name something visual-only.
"""

from __future__ import annotations

import numpy as np

from workbench.data.tinycir.words import bare, describe, noun_phrase
from workbench.data.tinycir.world import KINDS, NONE, Card

Says = dict[str, str]
CANONICAL, REWORDED = 0.42, 0.18
VISUAL = 0.15

_IT = {"critter": "it", "plant": "it", "planet": "it", "person": "them"}
_COLOUR = (
    "in {v}",
    "a {v} one",
    "make it {v}",
    "turn it {v}",
    "the same, but in {v}",
    "same thing in {v}",
    "now in {v}",
    "change the colour to {v}",
    "paint it {v} please",
    "make the {thing} {v}",
    "turn the {thing} {v}",
    "paint the {thing} {v} please",
    "in {v} instead of {o}",
    "{v} rather than {o}",
    "{v}, not {o}",
)
_MOOD = (
    "looking {v}",
    "a {v} one",
    "make it {v}",
    "looking {v} now",
    "the same, but {v}",
    "should look {v}",
    "a {v} one please",
    "{v}, not {o}",
    "make it {v} instead of {o}",
)
_HAS = (
    "with {np}",
    "{np}",
    "add {np}",
    "give {it} {np}",
    "now with {np}",
    "the same, but with {np}",
    "put {np} on {it}",
    "make that {np}",
    "it should have {np}",
    "{np} instead of {onp}",
    "with {np} instead of {onp}",
    "give {it} {np} instead of {onp}",
    "{np} rather than {onp}",
    "swap the {ob} for {np}",
    "replace the {ob} with {np}",
    "trade the {ob} for {np}",
    "change the {ob} to {np}",
)
_HAS_NOT = (
    "with {np}",
    "lose the {ob}",
    "without the {ob}",
    "no {ob}",
    "take away the {ob}",
    "remove the {ob}",
    "drop the {ob}",
    "the same, but no {ob}",
    "without any {ob}",
)
_NOUN = {"critter": "critter", "plant": "pot", "planet": "planet", "person": "shirt"}


def pick(rng: np.random.Generator, options):
    return options[int(rng.integers(len(options)))]


def training_text(card: Card, rng: np.random.Generator) -> tuple[str, Says, bool]:
    """(text, what it says, whether it is the canonical description that the decoder learns)."""
    roll = rng.random()
    if roll < CANONICAL:
        text, says = describe(card), {"kind": card.kind, **_spoken(card)}
    elif roll < CANONICAL + REWORDED:
        text, says = reworded(card, rng)
    else:
        text, says = casual(card, rng)
    if rng.random() < VISUAL:
        phrase, extra = visual_phrase(card, rng)
        return f"{text} {phrase}", {**says, **extra}, False
    return text, says, roll < CANONICAL


def _spoken(card: Card) -> Says:
    return {a.name: card[a.name] for a in KINDS[card.kind].spoken}


def reworded(card: Card, rng: np.random.Generator) -> tuple[str, Says]:
    """A looser description that names some of the spoken attributes, in any order."""
    kind, spoken = KINDS[card.kind], _spoken(card)
    names = [a.name for a in kind.spoken]
    kept = [str(n) for n in rng.permutation(names) if rng.random() < 0.65]
    parts = [noun_phrase(n, spoken[n]) for n in kept if n not in ("colour", "mood", "species")]
    head = {"plant": "plant", "person": "person"}.get(card.kind, card.kind)
    if "species" in kept:
        head = bare("species", spoken["species"])
    if card.kind in ("critter", "planet"):
        adjectives = [spoken[n] for n in ("mood", "colour") if n in kept]
        head = " ".join([*adjectives, head])
    elif "colour" in kept:
        parts = [f"a {spoken['colour']} {_NOUN[card.kind]}", *parts]
    if card.kind == "plant" and "mood" in kept:
        head = f"{spoken['mood']} {head}"
    joined = f" with {' and '.join(parts)}" if parts else ""
    return f"{pick(rng, ('a ', 'the ', 'some ', ''))}{head}{joined}", {
        "kind": card.kind,
        **{n: spoken[n] for n in kept},
    }


def casual(card: Card, rng: np.random.Generator) -> tuple[str, Says]:
    """A short phrase, negation or casual wording about one or two spoken attributes."""
    names = [a.name for a in KINDS[card.kind].spoken]
    count = 2 if rng.random() < 0.45 else 1
    chosen = [str(n) for n in rng.choice(names, count, replace=False)]
    text = " and ".join(_phrase(card, n, rng) for n in chosen)
    says = {n: card[n] for n in chosen}
    if rng.random() < 0.4:
        says["kind"] = card.kind
        text = f"{card.kind}, {text}" if rng.random() < 0.5 else f"{text}, {card.kind}"
    return text, says


def _phrase(card: Card, name: str, rng: np.random.Generator) -> str:
    value = card[name]
    others = [v for v in KINDS[card.kind].attribute(name).values if v not in (value, NONE)]
    other = pick(rng, others)
    if name in ("colour", "mood"):
        template = pick(rng, _COLOUR if name == "colour" else _MOOD)
        return template.format(v=value, o=other, thing=_NOUN[card.kind])
    template = pick(rng, _HAS_NOT if value == NONE else _HAS)
    return template.format(
        np=noun_phrase(name, value), onp=noun_phrase(name, other), ob=bare(name, other), it=_IT[card.kind]
    )


def visual_phrase(card: Card, rng: np.random.Generator) -> tuple[str, Says]:
    """A phrase that names one visual-only attribute."""
    name = pick(rng, [a.name for a in KINDS[card.kind].visual])
    value = card[name]
    form = {
        "background": "on a {} background",
        "sky": "in a {} sky",
        "stars": "in a {} sky",
        "body": "with a {} body",
        "pot": "in a {} pot",
        "leaf": "with {} leaves",
        "skin": "with {} skin",
    }[name]
    return form.format(value), {name: value}


def vocabulary() -> list[str]:
    """Every word a training or modification text may use, plus everyday words, sorted."""
    from workbench.data.tinycir.words import TEMPLATES

    words: set[str] = set(EVERYDAY.split())
    for kind in KINDS.values():
        words.add(kind.name)
        for attribute in kind.attributes:
            words.add(attribute.name)
            for value in attribute.values:
                words |= set(value.split())
                if attribute.spoken and attribute.name not in ("colour", "mood"):
                    words |= set(noun_phrase(attribute.name, value).split())
    templates = [*_COLOUR, *_MOOD, *_HAS, *_HAS_NOT, *(t for ts in TEMPLATES.values() for t in ts)]
    for template in templates:
        words |= {w.strip(",.") for w in template.split() if "{" not in w}
    words |= {
        "background",
        "sky",
        "body",
        "pot",
        "leaves",
        "skin",
        "shirt",
        "plant",
        "looking",
        "bare",
        "head",
        "no",
        "some",
        "the",
        "an",
        "any",
        "them",
    }
    return sorted(w for w in words if w.isalpha())


EVERYDAY = """
i you he she they we this that these those there here my your his her their our one ones is are was be been
have has had do does did not never also too very really more less many much few bit little big small large tiny
same other another different new old look looks like show shows showing picture image photo drawing find want
wants need get got keep kept all any both each every and or but if then than so just only still with without
from into onto over under on in at by for of to up down left right next behind front side top bottom middle
of off out put take takes make makes made change changes swap swaps add adds remove removes give gives lose
turn turns paint wear wears wearing worn hold please instead rather now more plus minus face smile smiling
frown frowning grin mouth eye eyed head headed hair haired beard bearded shaved horned ear spikes hats cap
cup green red black brown grey gray gold golden silver dark bright pale light cute funny scary friendly
monster alien animal creature world moon ring rings ringed stripes craters spots crater space star stars round
thin thick square flower flowers pots planted man woman someone people guy lady wearing coloured colored color
"""
