"""A case with pictures and texts, and models that answer at once: what an explorer needs, without torch."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, replace

import numpy as np
import pytest
from PIL import Image

from workbench.case import Case
from workbench.language.captions import Caption
from workbench.widgets import Explorer, OwnPicture

WIDTH = 16


def _row(content: bytes) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(content).digest()[:8], "big")
    return np.random.default_rng(seed).normal(size=WIDTH).astype(np.float32)


@dataclass
class ToyEncoder:
    """A row follows from the content alone; `asked` counts what was encoded."""

    id: str = "toy@1"
    dim: int = WIDTH
    asked: int = 0

    def encode_images(self, images):
        self.asked += len(images)
        return np.stack([_row(image.tobytes()) for image in images])

    def encode_texts(self, texts):
        self.asked += len(texts)
        return np.stack([_row(text.encode()) for text in texts])


class ToyCaptioner:
    id = "toy@1"
    options = {}  # noqa: RUF012

    def caption(self, images, sample=0):
        return [Caption(f"a square of colour {image.getpixel((0, 0))}", True, 5) for image in images]


class ToyEditor:
    """Adds the modification; cannot do anything impossible."""

    id = "toy-editor@1"

    def recompose(self, caption, modification):
        if "impossible" in modification:
            raise ValueError("nobody can do that")
        return f"{caption}, but {modification}"


@pytest.fixture
def case(make_case):
    """40 grey pictures, 12 queries, all parts; see `make_case`."""
    return build(make_case(seed=5))


def build(plain) -> Case:
    bench = plain.benchmark
    pictures = [Image.new("RGB", (24, 16), (6 * n, 0, 100)) for n in range(len(bench.gallery))]
    n_queries = len(bench.queries)
    bench = replace(
        bench,
        gallery=replace(bench.gallery, images=pictures),
        queries=tuple(
            replace(query, modification=(f"make it {q}",)) for q, query in enumerate(bench.queries)
        ),
    )
    captions = tuple(f"picture number {n}" for n in range(len(pictures)))
    return Case(
        benchmark=bench,
        encoder="toy@1",
        captions="toy@1",
        recomposer="toy-editor@1",
        parts=plain.parts,
        views=plain.views,
        texts={
            "modification": tuple(f"make it {q}" for q in range(n_queries)),
            "reference_caption": tuple(captions[query.reference] for query in bench.queries),
            "composed_caption": tuple(f"edited {q}" for q in range(n_queries)),
            "caption": captions,
        },
        corpora=plain.corpora,
        verdicts=plain.verdicts,
    )


@pytest.fixture
def encoder():
    return ToyEncoder()


@pytest.fixture
def explore(case, encoder):
    """explore(query=3, method="product", ...): an explorer with the toy models."""

    def make(*given, **more) -> Explorer:
        more = {
            "k": 5,
            "method": "weighted_sum",
            "recomposer": ToyEditor(),
            "captioner": ToyCaptioner(),
        } | more
        return Explorer(more.pop("case", case), *given, encoder=encoder, **more)

    return make


def png(size=(20, 20), colour=(200, 10, 10)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def own_picture() -> OwnPicture:
    return OwnPicture("holiday.png", png())
