"""How a modification is worded before it is encoded: rules that join two texts, prompts, sentences with a pseudo-word.

The only file with prompt templates for encoders and caption-join rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from workbench.data.benchmark import Query
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
    "pic2word": lambda a, b: f"{b} and {a}",
    "weimocir": lambda a, b: f"{a.strip(STRIPPED).capitalize()} and {b.strip(STRIPPED)}",
    "imagescope": lambda a, b: f"{a.strip('.? ')} and {b.strip('.? ')}",
    "seize": lambda a, b: f"{a}{b}",
}


@dataclass(frozen=True)
class Wording:
    """Part of a case's identity: on FashionIQ alone, published join rules differ by up to 20 points.

    ``join`` names the rule for two modification texts (``JOINS``; a single text always stands for itself).
    ``prompt`` is put around every text before it is encoded, ``{}`` being the text.
    """

    join: str | None = None
    prompt: str = "{}"

    def __post_init__(self):
        if self.join is not None:
            known_names("join rule", [self.join], JOINS)
        if self.prompt.count("{}") != 1:
            raise CaseError(f"prompt: got {self.prompt!r}, expected exactly one {{}} where the text goes")

    def modification(self, query: Query) -> str:
        """The query's modification text. Raises CaseError where it is empty, or two are to be joined by no rule."""
        texts = given_texts(query)
        if len(texts) == 1:
            return texts[0]
        if self.join is None or len(texts) != 2:
            raise CaseError(
                f"query {query.id!r} has {len(texts)} modification texts; two can be joined by a rule, "
                f"Wording(join=...): {', '.join(JOINS)}"
            )
        return JOINS[self.join](*texts)


PLAIN = Wording()  # one text per query, as it stands


def given_texts(query: Query) -> tuple[str, ...]:
    """The query's modification texts. Raises CaseError where there is none or one is empty."""
    if not query.modification or not all(text.strip() for text in query.modification):
        raise CaseError(f"query {query.id!r}: modification text {query.modification!r} is empty")
    return query.modification


@dataclass(frozen=True)
class PseudoPrompt:
    """Sentences in which $ stands for a picture's pseudo-word: without a modification, and with it.

    Two modification texts are joined by the rule ``join``; ``both_orders``: in either order, as two sentences, whose
    unit rows are averaged. The released evaluations use no sentence without a modification: ``alone`` is what
    remains of theirs.
    """

    composed: str
    join: str
    both_orders: bool
    alone: str = "a photo of $"

    def sentences(self, query: Query) -> tuple[str, ...]:
        """One sentence with the query's modification, or two where both orders count."""
        texts = given_texts(query)
        if len(texts) > 2:
            raise CaseError(f"query {query.id!r} has {len(texts)} modification texts, expected one or two")
        orders = [texts, texts[::-1]] if self.both_orders and len(texts) == 2 else [texts]
        joined = [JOINS[self.join](*order) if len(order) == 2 else order[0] for order in orders]
        return tuple(self.composed.replace("{}", text) for text in joined)


_BOTH_ORDERS = PseudoPrompt("a photo of $ that {}", "cirevl", both_orders=True)

# By who makes the pseudo-word. Pic2Word's published prompts write * where others write $; the sign is replaced anyway.
PSEUDO_PROMPTS: Mapping[str, PseudoPrompt] = {
    "searle": _BOTH_ORDERS,
    "searle_oti": _BOTH_ORDERS,
    "lincir": _BOTH_ORDERS,
    "pic2word": PseudoPrompt("a photo of $, {}", "pic2word", both_orders=False),
}

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
