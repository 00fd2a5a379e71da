"""Two dimensions of two clouds together: PCA of the union (the default), or UMAP (optional, seeded, kept on disk).

PCA is linear: a distance on its map is a shadow of a real distance. UMAP keeps neighbours and bends everything else;
how far apart its clusters lie says nothing about the gap. Both are fitted once on the union of both modalities.
"""

from __future__ import annotations

import functools
import importlib.metadata
from pathlib import Path
from typing import NamedTuple

import numpy as np

from workbench.arrays import Float, check_shape, unit
from workbench.encode.store import Collection, EmbeddingStore
from workbench.errors import UserError
from workbench.paths import cache_root
from workbench.provenance import array_digest
from workbench.registry import nearest

HOW = ("pca", "umap")


class MapError(UserError, ValueError):
    """A map cannot be made: too few rows, an unknown kind, or a missing package."""


class JointMap(NamedTuple):
    """Coordinates of both modalities on one map; ``explained``: share of the variance per axis, None for UMAP."""

    images: Float["N 2"]
    texts: Float["M 2"]
    explained: tuple[float, float] | None

    @property
    def axis_labels(self) -> tuple[str, str]:
        """What to write on the axes.

        >>> JointMap(np.zeros((1, 2)), np.zeros((1, 2)), None).axis_labels
        ('UMAP 1 (not to be measured)', 'UMAP 2 (not to be measured)')
        """
        if self.explained is None:
            return ("UMAP 1 (not to be measured)", "UMAP 2 (not to be measured)")
        first, second = (f"PC{i} ({share:.0%} of the variance)" for i, share in enumerate(self.explained, 1))
        return first, second


def joint_map(
    images: Float["N D"],
    texts: Float["M D"],
    how: str = "pca",
    seed: int = 0,
    cache: Path | str | None = None,
) -> JointMap:
    """Both modalities' unit rows on one map of two axes; sets need not be pairs.

    how: "pca", centred on the union and signed so that pictures lie to the right. UMAP (extra `maps`) takes seconds to
    minutes, so its map is kept under ``cache`` (the workbench's cache unless given) by the content of the rows, seed
    and version; ``seed`` is for UMAP alone. Its coordinates differ between machines: look, do not compare.
    Raises MapError for fewer than three rows in all, another ``how``, or where umap-learn is missing.
    """
    check_shape("texts", texts, "M D", D=check_shape("images", images, "N D")["D"])
    if how not in HOW:
        raise MapError(f"how: got {how!r}, expected pca or umap.{nearest(how, HOW)}")
    union = np.concatenate(
        [unit(images.astype(np.float64), "images"), unit(texts.astype(np.float64), "texts")]
    )
    if len(union) < 3:
        raise MapError(f"a map needs three rows, got {len(union)}")
    if how == "pca":
        coordinates, explained = _pca(union, len(images))
    else:
        coordinates, explained = _stored_umap(union.astype(np.float32), seed, cache), None
    return JointMap(coordinates[: len(images)], coordinates[len(images) :], explained)


def _pca(union: Float["n D"], n_images: int) -> tuple[Float["n 2"], tuple[float, float]]:
    centred = union - union.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred)  # D x D: rows may be many
    axes = vectors[:, ::-1][:, :2]
    coordinates = np.zeros((len(union), 2))
    coordinates[:, : axes.shape[1]] = centred @ axes
    # the sign of an axis is free; fixed, so that the map is the same on every machine
    signs = [np.sum(coordinates[:n_images, 0]), axes[np.argmax(np.abs(axes[:, -1])), -1]]
    coordinates *= np.where(np.asarray(signs) < 0, -1.0, 1.0)
    total = max(values.sum(), np.finfo(float).tiny)
    shares = np.append(np.maximum(values[::-1], 0), 0.0)[:2] / total
    return coordinates, (float(shares[0]), float(shares[1]))


def _stored_umap(union: Float["n D"], seed: int, cache: Path | str | None) -> Float["n 2"]:
    root = Path(cache) if cache is not None else cache_root() / "maps"
    store = EmbeddingStore(root, shard_rows=len(union), progress=False)
    items = (array_digest(union),) * len(union)  # a point's place depends on all the others
    whole = functools.cache(lambda: _umap(union, seed))
    what = Collection(f"umap-learn {_umap_version()} seed={seed}", "map", items, 2)
    return np.array(store.rows(what, lambda some: whole()[some]).raw())


def _umap_version() -> str:
    try:
        return importlib.metadata.version("umap-learn")
    except importlib.metadata.PackageNotFoundError as error:
        raise MapError("how='umap' needs umap-learn: pip install 'zscir-workbench[maps]'") from error


def _umap(union: Float["n D"], seed: int) -> Float["n 2"]:
    import umap  # the `maps` extra; seconds to import

    # a seed makes it single-threaded; said here, because the library warns otherwise
    made = umap.UMAP(n_neighbors=min(15, len(union) - 1), metric="cosine", random_state=seed, n_jobs=1)
    return made.fit_transform(union)
