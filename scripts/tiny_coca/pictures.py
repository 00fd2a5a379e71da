"""Draw the training pictures of tiny-coca: cards of the TinyCIR world that the benchmark never uses.

    python scripts/tiny_coca/pictures.py --count 48000 --workers 2

Written in chunks under the cache, so that an interrupted run goes on where it stopped. Pictures are
kept at 64 pixels (the model's resolution), shrunk exactly as its own transform shrinks them.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from workbench.data.tinycir.draw import Nuisance, draw
from workbench.data.tinycir.world import KINDS, Card, is_held_out

CHUNK = 1000
PIXELS = 64
SHARE = {"critter": 0.32, "plant": 0.2, "planet": 0.18, "person": 0.3}


def training_card(rng: np.random.Generator) -> Card:
    """A card drawn uniformly from the combinations that are not held out for the benchmark."""
    while True:
        kind = KINDS[str(rng.choice(list(SHARE), p=list(SHARE.values())))]
        card = Card(kind.name, tuple(str(rng.choice(a.values)) for a in kind.attributes))
        if not is_held_out(card):
            return card


def write_chunk(folder: Path, number: int) -> Path:
    """Draw one chunk of pictures, seeded by its number; an existing chunk is left alone."""
    path = folder / f"{number:04d}.npz"
    if path.exists():
        return path
    rng = np.random.default_rng([20260000, number])
    cards, pixels = [], np.empty((CHUNK, PIXELS, PIXELS, 3), np.uint8)
    for i in range(CHUNK):
        cards.append(training_card(rng))
        picture = draw(cards[-1], Nuisance.draw(rng))
        pixels[i] = np.asarray(picture.resize((PIXELS, PIXELS), Image.Resampling.BICUBIC))
    texts = json.dumps([[c.kind, *c.values] for c in cards])
    partial = path.with_name(path.stem + ".part.npz")
    np.savez(partial, pixels=pixels, cards=np.array(texts))
    partial.replace(path)
    return path


def load(folder: Path, count: int) -> tuple[np.ndarray, list[Card]]:
    """(count, 64, 64, 3) uint8 pictures and their cards, in order."""
    pixels, cards = [], []
    for number in range(-(-count // CHUNK)):
        with np.load(folder / f"{number:04d}.npz", allow_pickle=False) as chunk:
            pixels.append(chunk["pixels"])
            cards += [Card(k, tuple(v)) for k, *v in json.loads(str(chunk["cards"]))]
    return np.concatenate(pixels)[:count], cards[:count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=48_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("cache/tiny-coca/pictures"))
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    numbers = range(-(-args.count // CHUNK))
    with ProcessPoolExecutor(args.workers, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(write_chunk, args.folder, n) for n in numbers]
        for job in tqdm(jobs, desc="pictures", unit="chunk"):
            job.result()


if __name__ == "__main__":
    main()
