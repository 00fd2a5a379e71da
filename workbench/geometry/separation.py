"""Can the two modalities be told apart, and are a row's neighbours of its own modality? Flags rather than scales.

On every real model, trained or not, all three are 1.000: they say that there is a gap, never how large it is. The
accuracies are cross-validated: with fewer rows than dimensions any two sets can be separated on the rows one has
trained on. They are means over the two modalities, so that chance is 0.5 whatever the sizes; pairs share a fold.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from workbench.arrays import Float
from workbench.geometry.rows import GeometryError, blocks, both

Classifier = Callable[[np.ndarray], np.ndarray]  # rows -> positive where it says "image"


def linear_separability(images: Float["N D"], texts: Float["M D"], folds: int = 5, seed: int = 0) -> float:
    """Held-out accuracy of a logistic regression (ridge penalty 1/2 |w|^2), image against text.

    Raises GeometryError for fewer rows of either than folds.
    """
    return _held_out(images, texts, _logistic, folds, seed)


def mean_separability(images: Float["N D"], texts: Float["M D"], folds: int = 5, seed: int = 0) -> float:
    """Held-out accuracy of one threshold along the gap: halfway between the two means of the training rows.

    Raises GeometryError for fewer rows of either than folds.
    """
    return _held_out(images, texts, _halfway, folds, seed)


def neighbour_purity(images: Float["N D"], texts: Float["M D"], k: int = 10) -> float:
    """Share of a row's k nearest others in the union that are of its own modality, from 0 to 1.

    Random: (N (N-1) + M (M-1)) / ((N+M) (N+M-1)), about 0.5. Rows that tie at the k-th place share what is left of the
    k, so that duplicates do not depend on the order. Raises GeometryError for fewer than k + 1 rows in all.
    """
    x, y = both(images, texts)
    union, is_image = np.concatenate([x, y]), np.arange(len(x) + len(y)) < len(x)
    if not 1 <= k < len(union):
        raise GeometryError(
            f"neighbour purity: got k={k}, expected 1 to {len(union) - 1}, one less than the rows"
        )
    total = 0.0
    for part in blocks(len(union), len(union)):
        cosines = union[part] @ union.T
        here = np.arange(part.start, part.stop)
        cosines[np.arange(len(here)), here] = -np.inf
        last = np.partition(cosines, -k, axis=1)[:, -k, None]
        own = is_image[here, None] == is_image
        closer, tied = cosines > last + 1e-12, np.abs(cosines - last) <= 1e-12
        left = k - closer.sum(axis=1)
        total += ((own & closer).sum(axis=1) + left * (own & tied).sum(axis=1) / tied.sum(axis=1)).sum()
    return float(total / (k * len(union)))


def _held_out(
    images: np.ndarray, texts: np.ndarray, train: Callable[..., Classifier], folds: int, seed: int
) -> float:
    x, y = both(images, texts)
    if not 2 <= folds <= min(len(x), len(y)):
        raise GeometryError(
            f"separability: {folds} folds need as many rows of each, got {len(x)} and {len(y)}"
        )
    # equal sizes get equal folds, so that no text is trained on whose image is held out
    fold_x, fold_y = (np.random.default_rng(seed).permutation(len(z)) % folds for z in (x, y))
    right_x = right_y = 0
    for fold in range(folds):
        says_image = train(x[fold_x != fold], y[fold_y != fold])
        right_x += int((says_image(x[fold_x == fold]) > 0).sum())
        right_y += int((says_image(y[fold_y == fold]) <= 0).sum())
    return (right_x / len(x) + right_y / len(y)) / 2


def _halfway(x: Float["n D"], y: Float["m D"]) -> Classifier:
    gap, middle = x.mean(axis=0) - y.mean(axis=0), (x.mean(axis=0) + y.mean(axis=0)) / 2
    return lambda rows: (rows - middle) @ gap


def _logistic(x: Float["n D"], y: Float["m D"]) -> Classifier:
    """min 1/2 |w|^2 + sum log(1 + exp(-s (z . w + b))),  s = +1 for images, -1 for texts."""
    from scipy.optimize import minimize

    rows = np.concatenate([x, y])
    sign = np.where(np.arange(len(rows)) < len(x), 1.0, -1.0)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        w, margin = parameters[:-1], sign * (rows @ parameters[:-1] + parameters[-1])
        pull = -sign / (1 + np.exp(np.minimum(margin, 500)))
        value = w @ w / 2 + np.logaddexp(0, -margin).sum()
        return float(value), np.append(w + pull @ rows, pull.sum())

    best = minimize(loss, np.zeros(rows.shape[1] + 1), jac=True, method="L-BFGS-B").x
    return lambda some: some @ best[:-1] + best[-1]
