"""What tests share: run-time shape checks, fixtures of published implementations, and a case made of plain arrays."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import jaxtyping
import numpy as np
import pytest

# Shapes stand in signatures; here they are checked at every call. Must run before the modules are imported.
_checked = ["arrays", "score", "methods", "metrics", "significance", "evaluation", "geometry", "hubness"]
jaxtyping.install_import_hook([f"workbench.{name}" for name in _checked], "beartype.beartype")

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(scope="session")
def golden():
    """golden("cir/pdv", "input.npz"): one file of a fixture, arrays or parsed JSON."""

    def read(case: str, file: str):
        path = FIXTURES / case / file
        if path.suffix == ".json":
            return json.loads(path.read_text())
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)

    return read


@dataclass(frozen=True)
class ArrayCase:
    """The part of a Case that methods use, from plain arrays."""

    parts: dict
    views: dict

    def similarities(self, terms):
        from workbench.score.similarities import Similarities

        return Similarities(self.parts, self.views, terms)


PARTS = ("reference_image", "reference_caption", "reference_caption_2", "modification", "composed_caption")
VIEWS = ("image", "caption", "caption_2")


@pytest.fixture
def make_case():
    """make_case(seed): random raw rows of different lengths for every part and view."""

    def make(seed: int = 0, queries: int = 12, items: int = 40, width: int = 16) -> ArrayCase:
        rng = np.random.default_rng(seed)

        def raw(rows: int) -> np.ndarray:
            return (rng.normal(size=(rows, width)) * rng.uniform(0.5, 9, (rows, 1))).astype(np.float32)

        return ArrayCase({name: raw(queries) for name in PARTS}, {name: raw(items) for name in VIEWS})

    return make
