"""A small byte-pair vocabulary for tiny-coca, in the file format of open_clip's own tokenizer.

Byte-pair merges are learned from the word list until every word of it is a single token; anything
else a user types still falls back on pieces and bytes. Kept small because the decoder's softmax
over the vocabulary is a good part of a tiny model's cost.
"""

from __future__ import annotations

import gzip
from collections import Counter
from itertools import pairwise
from pathlib import Path


def learn_merges(words: list[str]) -> list[tuple[str, str]]:
    """Byte-pair merges that make every word one token; ties broken alphabetically, so deterministic."""
    pieces = {w: (*w[:-1], w[-1] + "</w>") for w in sorted(set(words))}
    merges: list[tuple[str, str]] = []
    while pairs := Counter(p for piece in pieces.values() for p in pairwise(piece)):
        best = min(pairs, key=lambda p: (-pairs[p], p))
        merges.append(best)
        pieces = {w: _merge(piece, best) for w, piece in pieces.items()}
    return merges


def _merge(piece: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    out: list[str] = []
    i = 0
    while i < len(piece):
        if piece[i : i + 2] == pair:
            out.append(pair[0] + pair[1])
            i += 2
        else:
            out.append(piece[i])
            i += 1
    return tuple(out)


def write_merges(path: Path, words: list[str]) -> int:
    """Write the gzipped merges file and return the tokenizer's vocabulary size."""
    merges = learn_merges(words)
    text = "\n".join(["#version: 0.2", *(" ".join(m) for m in merges)])
    path.write_bytes(gzip.compress(text.encode(), mtime=0))  # no date: the same words give the same bytes
    return 2 * 256 + len(merges) + 2
