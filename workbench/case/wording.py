"""How a modification is worded before it is encoded: rules that join two texts, and the prompt around every text.

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
        texts = query.modification
        if not texts or not all(text.strip() for text in texts):
            raise CaseError(f"query {query.id!r}: modification text {texts!r} is empty")
        if len(texts) == 1:
            return texts[0]
        if self.join is None or len(texts) != 2:
            raise CaseError(
                f"query {query.id!r} has {len(texts)} modification texts; two can be joined by a rule, "
                f"Wording(join=...): {', '.join(JOINS)}"
            )
        return JOINS[self.join](*texts)


PLAIN = Wording()  # one text per query, as it stands
