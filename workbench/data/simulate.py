"""Embedding clouds whose gap, cone, pairs and hubs are known, because they were put there.

For teaching (turn one cause, watch one symptom) and for tests at sizes no shipped data has. A row is

    sqrt(cone) axis + sqrt(1 - cone) content          axis: one per modality;  content: a unit row of its own

Contents are orthogonal to both axes, so within a modality the mean cosine is `cone`, and the two mean rows lie
sqrt(cone) |axis_image - axis_text| = `gap` apart. A text's content is its picture's, turned by noise. Three causes of
hubs can be turned up one at a time: pictures pulled towards a lean that all texts share (`hubs`, `lean`); pictures that
stand unevenly along the gap (`uneven`), which favours some of them with every text by gap / 2 times where they stand;
and the dimension of the contents, for the more there are, the closer together all other similarities lie.
Left out: anything a real model would add; nothing here is drawn from data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.arrays import Float, unit
from workbench.data.benchmark import Benchmark, Card, Gallery, Qrels, Query


class SimulationError(ValueError):
    """Parameters that no cloud can have."""


@dataclass(frozen=True, eq=False)
class Clouds:
    """Unit rows: `texts[i]` belongs to `images[i]`. `hubs` are the rows of pictures pulled into the lean."""

    images: Float["N D"]
    texts: Float["N D"]
    hubs: np.ndarray


@dataclass(frozen=True, eq=False)
class Triplets:
    """Query parts and gallery for composed retrieval: raw rows, and the row of each query's reference and target."""

    parts: dict[str, np.ndarray]
    views: dict[str, np.ndarray]
    reference: np.ndarray
    target: np.ndarray


def clouds(
    pairs: int = 500,
    width: int = 64,
    cone: float = 0.4,
    gap: float = 0.8,
    noise: float = 0.6,
    hubs: int = 0,
    lean: float = 0.4,
    dimension: int | None = None,
    uneven: float = 0.0,
    seed: int = 0,
) -> Clouds:
    """Two clouds of `pairs` unit rows.

    cone: mean cosine within a modality, 0 (spread evenly) to 1. gap: distance between the two mean rows, 0 to
    2 sqrt(cone). noise: sine of the angle between the contents of a pair, 0 (exact pairs) to 1 (unrelated).
    hubs: how many pictures are pulled towards the direction that every text leans to by `lean`, 0 to 1 (which all
    texts then share: their mean cosine is higher by (1 - cone) lean^2, and the gap grows with it).
    dimension: of the contents, 2 to width - 3, which it is unless given; the rows have `width` numbers all the same.
    uneven: standard deviation of the pictures' places along the gap's direction, before rows are made unit again, 0 to
    1 (cone and gap are met less exactly with it).

    >>> toy = clouds(pairs=2000, cone=0.4, gap=0.8)
    >>> round(float(np.linalg.norm(toy.images.mean(axis=0) - toy.texts.mean(axis=0))), 1)
    0.8

    Raises SimulationError for values outside these ranges.
    """
    _check(cone=(cone, 0, 1), gap=(gap, 0, 2 * np.sqrt(cone)), noise=(noise, 0, 1), lean=(lean, 0, 1))
    _check(hubs=(hubs, 0, pairs), width=(width, 4, np.inf), pairs=(pairs, 2, np.inf))
    dimension = max(width - 3, 1) if dimension is None else dimension
    _check(dimension=(dimension, min(2, width - 3), width - 3), uneven=(uneven, 0, 1))
    rng = np.random.default_rng(seed)
    content = _directions(rng, pairs, dimension)
    other = _orthogonal(rng, content)
    texts = np.sqrt(1 - noise**2) * content + noise * other
    chosen = rng.choice(pairs, hubs, replace=False)
    texts, content = _leaning(texts, content, chosen, lean if hubs else 0.0)
    texts, content = (
        np.hstack([np.zeros((pairs, width - 3 - dimension)), rows]) for rows in (texts, content)
    )
    place = _Placing.of(rng, width, cone, gap)
    along = uneven * rng.normal(size=pairs)
    return Clouds(place(content, "image", along), place(texts, "text"), np.sort(chosen))


def one_to_one(pairs: int) -> Benchmark:
    """The benchmark of a cloud's pairs: query i is text i, and picture i alone is right."""
    ids = tuple(f"pair-{i}" for i in range(pairs))
    return Benchmark(
        name="simulated pairs",
        split="all",
        queries=tuple(Query(f"text-{i}", None, id, (f"text {i}",)) for i, id in enumerate(ids)),
        gallery=Gallery(ids),
        qrels={"default": Qrels(np.arange(pairs)[:, None])},
        metrics=("recall@1", "recall@10"),
        protocol={"gallery": f"all {pairs} pictures", "right": "the text's own picture"},
        card=Card(
            "Simulated pairs",
            "CC0-1.0",
            "none",
            "drawn at random",
            counts={"queries": pairs, "gallery": pairs},
        ),
    )


def triplets(
    queries: int = 200,
    things: int = 125,
    variants: int = 8,
    width: int = 64,
    step: float = 0.6,
    cone: float = 0.4,
    gap: float = 0.8,
    noise: float = 0.9,
    seed: int = 0,
) -> Triplets:
    """Composed queries over a gallery of `things` x `variants` pictures: "this thing, but in that variant".

    A picture's content is its thing and its variant, in proportion `step` (0: all variants alike, 1: all things
    alike). Distractors of both kinds are there: the same thing in other variants, other things in the right variant.
    Parts: reference_image, reference_caption, modification (the variant in words), composed_caption (the caption
    with the variant exchanged; most of what `noise` got wrong stays wrong in the same way); views: image, caption.
    Raw rows: texts are three times as long as pictures, so that methods which use raw lengths can be told apart.

    Raises SimulationError where a value is out of range.
    """
    _check(step=(step, 0, 1), cone=(cone, 0, 1), gap=(gap, 0, 2 * np.sqrt(cone)), noise=(noise, 0, 1))
    _check(variants=(variants, 2, np.inf), things=(things, 1, np.inf), width=(width, 4, np.inf))
    rng = np.random.default_rng(seed)
    thing, variant = _directions(rng, things, width - 2), _directions(rng, variants, width - 2)
    of_thing, of_variant = np.repeat(np.arange(things), variants), np.tile(np.arange(variants), things)
    content = unit(np.sqrt(1 - step**2) * thing[of_thing] + step * variant[of_variant])
    misreading = noise * _orthogonal(rng, content)
    reference = rng.integers(0, things * variants, queries)
    asked = (of_variant[reference] + rng.integers(1, variants, queries)) % variants
    target = of_thing[reference] * variants + asked
    place = _Placing.of(rng, width, cone, gap)
    still = 0.8 * misreading[reference] + 0.6 * noise * _orthogonal(rng, content[target])
    faithful, said = np.sqrt(1 - noise**2), variant[asked]
    parts = {
        "reference_image": place(content[reference], "image"),
        "reference_caption": 3 * place(faithful * content[reference] + misreading[reference], "text"),
        "modification": 3 * place(faithful * said + noise * _orthogonal(rng, said), "text"),
        "composed_caption": 3 * place(unit(faithful * content[target] + still), "text"),
    }
    captions = 3 * place(faithful * content + misreading, "text")
    return Triplets(parts, {"image": place(content, "image"), "caption": captions}, reference, target)


@dataclass(frozen=True)
class _Placing:
    """Contents (n, D - 2) to rows (n, D): on a modality's axis, then turned so that no coordinate is special."""

    axes: dict[str, np.ndarray]
    cone: float
    rotation: np.ndarray

    @classmethod
    def of(cls, rng: np.random.Generator, width: int, cone: float, gap: float) -> _Placing:
        half = 0.0 if cone == 0 else np.arcsin(gap / (2 * np.sqrt(cone)))  # half the angle between the axes
        axes = {
            "image": np.array([np.cos(half), np.sin(half)]),
            "text": np.array([np.cos(half), -np.sin(half)]),
        }
        return cls(axes, cone, np.linalg.qr(rng.normal(size=(width, width)))[0])

    def __call__(self, content: np.ndarray, modality: str, along: np.ndarray | float = 0.0) -> Float["N D"]:
        """`along` is added in the direction from the texts' axis to the pictures'; rows are unit rows again."""
        axis = np.tile(np.sqrt(self.cone) * self.axes[modality], (len(content), 1))
        axis[:, 1] += along
        return (unit(np.hstack([axis, np.sqrt(1 - self.cone) * content])) @ self.rotation).astype(np.float32)


def _leaning(
    texts: np.ndarray, content: np.ndarray, hubs: np.ndarray, lean: float
) -> tuple[np.ndarray, np.ndarray]:
    """Contents with one more axis, unused until now: all texts lean to it, and hubs stand on it."""
    texts = np.hstack([np.sqrt(1 - lean**2) * texts, np.full((len(texts), 1), lean)])
    content = np.hstack([content, np.zeros((len(content), 1))])
    content[hubs] *= 0.3
    content[hubs, -1] = np.sqrt(1 - 0.3**2)
    return texts, content


def _directions(rng: np.random.Generator, rows: int, width: int) -> np.ndarray:
    return unit(rng.normal(size=(rows, width)))


def _orthogonal(rng: np.random.Generator, rows: np.ndarray) -> np.ndarray:
    """A random unit row at right angles to each row."""
    other = rng.normal(size=rows.shape)
    return unit(other - np.einsum("nd,nd->n", other, rows)[:, None] * rows)


def _check(**ranges: tuple[float, float, float]) -> None:
    for name, (value, low, high) in ranges.items():
        if not low <= value <= high:
            raise SimulationError(f"{name}: got {value}, expected {low} to {high:.4g}")
