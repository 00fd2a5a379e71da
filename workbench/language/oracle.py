"""Captions and edits as a perfect captioner and a perfect editor would write them, and captions changed by hand.

Where the truth is known (TinyCIR), putting it in place of a model's text says what that model's errors cost. An edit by
the oracle is the true description of what is asked for, whatever the caption said: it repairs the caption as well. For
the right edit of the caption *as it stands* take the rules (``recompose.RuleRecomposer``), which read every modification
of TinyCIR as it was meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.data.benchmark import Benchmark
from workbench.data.tinycir import descriptions
from workbench.errors import UserError


class OracleError(UserError, ValueError):
    """The truth about a text is not known, or two queries with the same texts ask for different things."""


@dataclass(frozen=True)
class OracleCaptions:
    """The true description of every gallery picture, in the gallery's order; asked like ``cache.RecordedCaptions``."""

    descriptions: tuple[str, ...]
    id = "oracle"

    @classmethod
    def of(cls, benchmark: Benchmark) -> OracleCaptions:
        """Those of a benchmark whose truth is known. Raises OracleError for any but TinyCIR."""
        return cls(tuple(_truth(benchmark)))

    def texts(self, pictures: Sequence, indices: Sequence[int], sample: int = 0) -> tuple[str, ...]:
        """The descriptions of the gallery pictures at these indices. Raises OracleError for another set of pictures."""
        if len(pictures) != len(self.descriptions) or sample:
            raise OracleError(
                f"oracle: got {len(pictures)} pictures, sample {sample}; it has one description for each of the "
                f"gallery's {len(self.descriptions)} pictures"
            )
        return tuple(self.descriptions[i] for i in indices)


@dataclass(frozen=True)
class OracleEdits:
    """A recomposer that knows what is asked for: (caption, modification) -> the target's true description."""

    wanted: Mapping[tuple[str, str], str]
    id = "oracle"

    @classmethod
    def of(cls, benchmark: Benchmark, *captions) -> OracleEdits:
        """For the captions that these sources give to the benchmark's references.

        Raises OracleError for any benchmark but TinyCIR, and where one caption and modification stand for two targets.
        """
        said, wanted = _truth(benchmark), {}
        rows = [query.reference for query in benchmark.queries]
        for source in captions:
            texts = source.texts(benchmark.gallery.images, rows)
            targets = benchmark.qrels["default"].targets[:, 0]
            for query, caption, target in zip(benchmark.queries, texts, targets, strict=True):
                pair = caption, query.modification[0]
                if wanted.setdefault(pair, said[target]) != said[target]:
                    raise OracleError(
                        f"query {query.id!r}: {pair} asks for {said[target]!r} here, for {wanted[pair]!r} elsewhere"
                    )
        return cls(wanted)

    def recompose(self, caption: str, modification: str) -> str:
        """The true description of the target. Raises OracleError for a pair that no query has."""
        if (caption, modification) not in self.wanted:
            raise OracleError(f"oracle: no query asks {modification!r} of {caption!r}")
        return self.wanted[caption, modification]


@dataclass(frozen=True)
class CaptionsByHand:
    """The captions of a source, but for the pictures (by gallery row) that somebody described otherwise."""

    source: object
    instead: Mapping[int, str]

    @property
    def id(self) -> str:
        return f"{self.source.id}, {len(self.instead)} by hand"

    def texts(self, pictures: Sequence, indices: Sequence[int], sample: int = 0) -> tuple[str, ...]:
        """As the source's, with the changes in every sample."""
        texts = self.source.texts(pictures, indices, **({"sample": sample} if sample else {}))
        return tuple(self.instead.get(i, text) for i, text in zip(indices, texts, strict=True))


def _truth(benchmark: Benchmark) -> list[str]:
    """The true description of each gallery picture."""
    if benchmark.name != "tinycir":
        raise OracleError(
            f"{benchmark.name}: what its pictures show is known only through models; TinyCIR's is known"
        )
    said = descriptions()
    return [said[id] for id in benchmark.gallery.ids]
