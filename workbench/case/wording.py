"""How a modification is worded before it is encoded: rules that join two texts, prompts, sentences with a pseudo-word.

The only file with prompt templates for encoders and caption-join rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from workbench.data.benchmark import Benchmark, Query
from workbench.errors import UserError
from workbench.registry import UnknownName, nearest


class CaseError(UserError, ValueError):
    """A case cannot be made from what was given; names the query or the missing ingredient."""


def known_names(kind: str, names: Iterable[str], known: Iterable[str]) -> list[str]:
    """The names, each once, in the order of the known ones. Raises UnknownName for any other."""
    for name in names:
        if name not in known:
            raise UnknownName(
                f"no {kind} is called {name!r}.{nearest(name, known)} Known: {', '.join(known)}"
            )
    return [name for name in known if name in names]


STRIPPED = ".?, "  # what the published rules take off both ends of a text

# How two modification texts become one, by who does it so. SEIZE's has no word between: users report lower numbers.
JOINS: Mapping[str, Callable[[str, str], str]] = {
    "cirevl": lambda a, b: f"{a.strip(STRIPPED)} and {b.strip(STRIPPED)}",
    "searle": lambda a, b: f"{a.strip(STRIPPED)} and {b.strip(STRIPPED)}",
    "pic2word": lambda a, b: f"{b} and {a}",
    "weimocir": lambda a, b: f"{a.strip(STRIPPED).capitalize()} and {b.strip(STRIPPED)}",
    "imagescope": lambda a, b: f"{a.strip('.? ')} and {b.strip('.? ')}",
    "seize": lambda a, b: f"{a}{b}",
}
BOTH_ORDERS = ("searle",)  # joined in either order and encoded twice; the unit rows are averaged


def joined(rule: str, texts: tuple[str, ...]) -> tuple[str, ...]:
    """One or two modification texts under a rule of JOINS: as one, or as two where the rule takes both orders.

    >>> joined("cirevl", ("is red.", "has dots")), joined("searle", ("is red.", "has dots"))
    (('is red and has dots',), ('is red and has dots', 'has dots and is red'))
    """
    if len(texts) == 1:
        return texts
    orders = [texts, texts[::-1]] if rule in BOTH_ORDERS else [texts]
    return tuple(JOINS[rule](*order) for order in orders)


@dataclass(frozen=True)
class Wording:
    """Part of a case's identity: on FashionIQ alone, published join rules differ by up to 20 points.

    ``join`` names the rule for two modification texts (``JOINS``; a single text always stands for itself); None leaves
    it to the benchmark's protocol.
    ``prompt`` is put around every text before it is encoded, ``{}`` being the text.
    """

    join: str | None = None
    prompt: str = "{}"

    def __post_init__(self):
        if self.join is not None:
            known_names("join rule", [self.join], JOINS)
        if self.prompt.count("{}") != 1:
            raise CaseError(f"prompt: got {self.prompt!r}, expected exactly one {{}} where the text goes")

    def sentences(self, query: Query) -> tuple[str, ...]:
        """The query's modification as what is encoded: one text, or two whose rows are averaged ("searle").

        Raises CaseError where there is none, or two are to be joined by no rule.
        """
        texts = given_texts(query)
        if len(texts) > 2 or (len(texts) == 2 and self.join is None):
            raise CaseError(
                f"query {query.id!r} has {len(texts)} modification texts; two can be joined by a rule, "
                f"Wording(join=...): {', '.join(JOINS)}"
            )
        return joined(self.join or "", texts)

    def modification(self, query: Query) -> str:
        """The query's modification as one text, which recomposers read: of two orders the first. Raises as above."""
        return self.sentences(query)[0]


PLAIN = Wording()  # one text per query, as it stands


def under_protocol(benchmark: Benchmark, wording: Wording) -> tuple[Benchmark, Wording]:
    """Benchmark and wording with one and the same join rule: the wording's where it names one, else the protocol's.

    The rule is part of what a number means, so another one than the benchmark was loaded with makes another protocol.
    """
    rule = benchmark.protocol.get("caption join")
    if rule is None or rule == wording.join:
        return benchmark, wording
    if wording.join is None:
        return benchmark, replace(wording, join=rule)
    return replace(benchmark, protocol={**benchmark.protocol, "caption join": wording.join}), wording


def given_texts(query: Query) -> tuple[str, ...]:
    """The query's modification texts. Raises CaseError where there is none."""
    if not query.modification:
        raise CaseError(f"query {query.id!r}: modification text {query.modification!r} is empty")
    return query.modification


def blank_queries(benchmark: Benchmark) -> tuple[str, ...]:
    """Ids of the queries with a blank modification text, which published sets are known to have.

    Raises CaseError where there are more such texts than the benchmark's card states.
    """
    blank = [query.id for query in benchmark.queries for text in query.modification if not text.strip()]
    stated = benchmark.card.counts.get("blank_texts", 0)
    if len(blank) > stated:
        raise CaseError(
            f"query {blank[0]!r}: modification text is empty ({len(blank)} such texts, the card states {stated})"
        )
    return tuple(dict.fromkeys(blank))


@dataclass(frozen=True)
class PseudoPrompt:
    """Sentences in which $ stands for a picture's pseudo-word: without a modification, and with it.

    In ``composed`` stands {} for the modification and {tag} for the query's tag of that name. Two modification texts
    are joined by the rule ``join``. The released evaluations use no sentence without a modification: ``alone`` is what
    remains of theirs.
    """

    composed: str
    join: str
    alone: str = "a photo of $"

    def sentences(self, query: Query) -> tuple[str, ...]:
        """One sentence with the query's modification, or two where both orders count."""
        texts = given_texts(query)
        if len(texts) > 2:
            raise CaseError(f"query {query.id!r} has {len(texts)} modification texts, expected one or two")
        return tuple(
            _PLACE.sub(lambda place, text=text: query.tags[place[1]] if place[1] else text, self.composed)
            for text in joined(self.join, texts)
        )


_PLACE = re.compile(r"\{(\w*)\}")
_THAT = PseudoPrompt("a photo of $ that {}", "searle")

# By who makes the pseudo-word. Pic2Word's published prompts write * where others write $; the sign is replaced anyway.
PSEUDO_PROMPTS: Mapping[str, PseudoPrompt] = {
    "searle": _THAT,
    "searle_oti": _THAT,
    "lincir": _THAT,
    "pic2word": PseudoPrompt("a photo of $, {}", "pic2word"),
}

# Where the published evaluation of a benchmark asks in other words; by maker and the benchmark's name.
OWN_PROMPTS: Mapping[tuple[str, str], PseudoPrompt] = {
    ("pic2word", "domain"): PseudoPrompt("a {domain} of $", "pic2word"),
    ("pic2word", "objects"): PseudoPrompt("a photo of $ and {class} and {}", "pic2word"),
}


def pseudo_prompt(maker: str, benchmark: str) -> PseudoPrompt:
    """The sentences of who makes the pseudo-word, on the benchmark of that name."""
    return OWN_PROMPTS.get((maker, benchmark), PSEUDO_PROMPTS[maker])


# Sentences in which textual inversion tries a word out; ours, few and plain, in place of the published list of 80.
INVERSION_TEMPLATES = (
    "a photo of $",
    "a picture of $",
    "a drawing of $",
    "a close-up of $",
    "a small picture of $",
    "a good photo of $",
    "there is $ in the picture",
    "this is $",
)
