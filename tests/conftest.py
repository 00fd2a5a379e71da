"""What tests share: run-time shape checks, fixtures of published implementations, and a case made of plain arrays."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# Shapes stand in signatures; here they are checked at every call. Must run before the modules are imported.
_checked = [
    "arrays",
    "encode",
    "language",
    "case",
    "score",
    "methods",
    "metrics",
    "significance",
    "evaluation",
]
_checked += ["geometry", "interventions", "maps", "hubness", "index", "protocol", "choose", "breakdown"]
jaxtyping.install_import_hook([f"workbench.{name}" for name in _checked], "beartype.beartype")

# a busy machine is no failure
settings.register_profile("workbench", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("workbench")

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
    benchmark: object = None
    corpora: dict = field(default_factory=dict)
    verdicts: dict = field(default_factory=dict)

    def similarities(self, terms):
        from workbench.score.similarities import Similarities

        return Similarities(self.parts, self.views, terms)


PARTS = ("reference_image", "reference_caption", "reference_caption_2", "modification", "composed_caption")
VIEWS = ("image", "caption", "caption_2")
MORE_PARTS = (
    "composed",
    "composed_caption_2",
    "target_description",
    "target_description_2",
    "wanted_objects",
    "unwanted_objects",
)
MORE_PARTS += tuple(
    f"{part}:{source}"
    for part in ("pseudo_word", "composed_pseudo_word")
    for source in ("searle", "searle_oti", "lincir", "pic2word")
)
CORPORA = {"subjects": 30, "styles": 12, "mean_image": 1, "pair_images": 20, "pair_texts": 20}


@pytest.fixture
def make_case():
    """make_case(seed): random raw rows of different lengths for every part and view, and a benchmark around them."""

    def make(seed: int = 0, queries: int = 12, items: int = 40, width: int = 16) -> ArrayCase:
        rng = np.random.default_rng(seed)

        def raw(rows: int) -> np.ndarray:
            return (rng.normal(size=(rows, width)) * rng.uniform(0.5, 9, (rows, 1))).astype(np.float32)

        parts, views = {name: raw(queries) for name in PARTS}, {name: raw(items) for name in VIEWS}
        parts |= {name: raw(queries) for name in MORE_PARTS}
        corpora = {name: raw(rows) for name, rows in CORPORA.items()}
        benchmark = _benchmark(queries, items)
        return ArrayCase(parts, views, benchmark, corpora, _verdicts(rng, benchmark))

    return make


def _verdicts(rng, benchmark):
    """Two judges' random verdicts on every picture: how many of four propositions hold, and yes or no."""
    from workbench.language.verdicts import Verdicts

    def judged(name: str, grades: int):
        return Verdicts(
            name,
            {
                query.id: {id: float(rng.integers(grades)) for id in benchmark.gallery.ids}
                for query in benchmark.queries
            },
        )

    return {"verify": judged("verify", 5), "compare": judged("compare", 2)}


def _benchmark(queries: int, items: int):
    """Query q has its reference at row q // 2 and its targets at the two rows after queries + q."""
    from workbench.data.benchmark import Benchmark, Card, Gallery, Qrels, Query

    ids = tuple(f"picture-{n}" for n in range(items))
    reference = np.arange(queries) // 2
    label = (queries + np.arange(queries)) % items
    targets = np.stack([label, (label + 1) % items], axis=1)
    candidates = np.stack([(label + step) % items for step in range(6)], axis=1)
    excluded = np.where(reference == label, -1, reference)[:, None]
    return Benchmark(
        name="arrays",
        split="val",
        queries=tuple(
            Query(f"q{q}", int(r), ids[r], ("make it blue",), {"edit": "colour" if q % 3 else "part"})
            for q, r in enumerate(reference)
        ),
        gallery=Gallery(ids),
        qrels={
            "default": Qrels(targets, excluded),
            "subset": Qrels(label[:, None], candidates=candidates),
        },
        metrics=("recall@5", "hit@5", "map@5", "subset:recall@1"),
        protocol={"reference": "excluded"},
        card=Card(
            "arrays", "CC0-1.0", "none", "random numbers", counts={"queries": queries, "gallery": items}
        ),
    )
