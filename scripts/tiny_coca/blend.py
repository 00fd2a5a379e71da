"""Blend two checkpoints of one training line: first + share * (second - first), weight by weight.

    python scripts/tiny_coca/blend.py cache/tiny-coca/first cache/tiny-coca/second --share 0.7

A fine-tuned model and its starting point lie in one valley, so points between them work too and trade
what each is good at (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch


def blend(first: Path, second: Path, share: float) -> dict[str, torch.Tensor]:
    """The blended weights of two run folders."""
    a, b = (
        torch.load(run / "checkpoint.pt", weights_only=True, map_location="cpu")["model"]
        for run in (first, second)
    )
    return {
        name: a[name] + share * (b[name] - a[name]) if a[name].is_floating_point() else a[name] for name in a
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--share", type=float, default=0.7)
    parser.add_argument("--out", type=Path, default=Path("cache/tiny-coca/blend.pt"))
    args = parser.parse_args()
    torch.save({"model": blend(args.first, args.second, args.share)}, args.out)


if __name__ == "__main__":
    main()
