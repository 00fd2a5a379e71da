"""Encoding pictures: throughput, what was slow, what stopping in the middle costs, and digesting a folder.

    python benchmarks/bench_encode.py [--quick] [--pictures 4000] [--workers 0 1] [--encoder tiny-coca] [--device cpu]

TinyCIR's pictures, written into a folder (128 x 128 WebP) and enlarged to 640 x 480 JPEGs, which is what the real sets
hold, go through the store: in this process, and with worker processes before the model. Each line says which stage
was slow; the last line holds pictures per second, the share of encoding again after the last shard was lost, how much
faster remembered digests are than new ones, and what CIRCO's 123,403 pictures would take at that pace with this model.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from time import perf_counter

from PIL import Image

from workbench import data
from workbench.data import digests
from workbench.data.images import FolderImages
from workbench.encode.encoder import load_encoder
from workbench.encode.store import EmbeddingStore

CIRCO = 123_403


def written(folder: Path, count: int, kind: str) -> FolderImages:
    """The first pictures of TinyCIR as files."""
    gallery = data.load("tinycir", "val").gallery.images
    folder.mkdir()
    for i in range(count):
        picture = gallery[i % len(gallery)]
        if kind == "webp":
            picture.save(folder / f"{i:06d}.webp", lossless=True, method=0)
        else:
            picture.resize((640, 480), Image.Resampling.BICUBIC).save(folder / f"{i:06d}.jpg", quality=90)
    return FolderImages(folder, sorted(path.name for path in folder.iterdir()))


def seconds(work) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def bench(pictures: FolderImages, encoder, workers: int, name: str) -> dict[str, float]:
    """Encodes all, then the last shard again."""
    with tempfile.TemporaryDirectory() as root:
        store = EmbeddingStore(root, shard_rows=128, progress=False, workers=workers)
        store.images(encoder, pictures)
        whole = store.throughput
        print(f"{name}, {workers} workers: {whole}", flush=True)
        max(Path(root).glob("*/*.npy")).unlink()
        store.images(encoder, pictures)
        pace = whole.pictures / whole.seconds
    return {
        f"{name}, {workers} workers: pictures a second": pace,
        f"{name}, {workers} workers: again after a kill / whole": store.throughput.seconds / whole.seconds,
        f"{name}, {workers} workers: hours for {CIRCO:,}": CIRCO / pace / 3600,
    }


def bench_digests(pictures: FolderImages) -> dict[str, float]:
    """Digests of a folder: new, and remembered."""
    digests.SETTLED, digests.SMALL = 0.0, 1
    digests._memory = lambda: Path(pictures.root.parent) / "digests.sqlite"
    new, known = seconds(pictures.digests), seconds(pictures.digests)
    print(f"digests of {len(pictures):,} files: new {new:.2f} s, remembered {known:.3f} s")
    return {
        "digests: new / remembered": new / known,
        f"digests: seconds for {CIRCO:,} remembered": known / len(pictures) * CIRCO,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="512 pictures")
    parser.add_argument("--pictures", type=int, default=4000)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--encoder", default="tiny-coca")
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    count = 512 if given.quick else given.pictures
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {given.encoder} on {given.device}")
    encoder, results = load_encoder(given.encoder, device=given.device), {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("webp", "jpeg"):
            pictures = written(Path(folder) / kind, count, kind)
            for workers in given.workers:
                name = "128 x 128 WebP" if kind == "webp" else "640 x 480 JPEG"
                results |= bench(pictures, encoder, workers, name)
        results |= bench_digests(pictures)
    print("; ".join(f"{name} {value:,.2f}" for name, value in results.items()))


if __name__ == "__main__":
    main()
