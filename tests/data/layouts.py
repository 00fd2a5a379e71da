"""Small directories in the layouts the real benchmarks are published in, with drawn pictures.

Every builder gives back the folder it filled. Counts differ from the published ones on purpose: tests say
`counts=...` where they load such a folder.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image


def write_json(path: Path, data) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))
    return path


def write_picture(path: Path, seed: int, size: tuple[int, int] = (12, 10)) -> Path:
    """Noise that is the same for the same seed, in the format its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def edit_json(path: Path, change) -> None:
    """Rewrite a JSON file with `change(data)`, which changes it in place."""
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


CIRR_COUNTS = {"queries": 6, "gallery": 12, "references": 6, "set": 2}


def cirr(root: Path, split: str = "val", annotations: str = "", pictures: str = "") -> Path:
    """Two sets of six pictures, three pairs in each. `annotations`, `pictures`: the folders other codebases use."""
    folder = {"val": "dev", "test1": "test1"}[split]
    names = [f"{folder}-{i}-0-img{i % 2}" for i in range(12)]
    pairs = []
    for q in range(6):
        members = names[6 * (q % 2) : 6 * (q % 2) + 6]
        reference, target = members[q // 2], members[q // 2 + 3]
        pair = {
            "pairid": 100 + q,
            "reference": reference,
            "target_hard": target,
            "target_soft": {target: 1.0},
            "caption": f"make it number {q}",
            "img_set": {"id": q % 2, "members": members, "reference_rank": 3, "target_rank": 0},
        }
        if split == "test1":
            del pair["target_hard"], pair["target_soft"]
        pairs.append(pair)
    write_json(root / annotations / f"captions/cap.rc2.{split}.json", pairs)
    listing = {name: f"./{folder}/{name}.png" for name in names}
    write_json(root / annotations / f"image_splits/split.rc2.{split}.json", listing)
    for i, name in enumerate(names):
        write_picture(root / pictures / folder / f"{name}.png", seed=i)
    return root


CIRCO_COUNTS = {"queries": 4, "gallery": 20, "references": 4, "targets": 8}
CIRCO_TEST_COUNTS = {"queries": 4, "gallery": 20, "references": 4}


def circo(root: Path, split: str = "val") -> Path:
    """Twenty pictures with ids 1000, 1007 ...; queries of one to three right answers, the last named twice as test has none."""
    ids = [1000 + 7 * i for i in range(20)]
    aspects = ("addition", "negation", "viewpoint")
    queries = []
    for q, right in enumerate((1, 2, 3, 2)):
        truths = [ids[5 + 3 * q + j] for j in range(right)]
        entry = {
            "reference_img_id": ids[q],
            "target_img_id": truths[0],
            "relative_caption": f"has {q} dogs",
            "shared_concept": "a dog",
            "gt_img_ids": truths,
            "id": q,
            "semantic_aspects": list(aspects[: 1 + q % 3]),
        }
        if split == "test":
            for hidden in ("target_img_id", "gt_img_ids", "semantic_aspects"):
                del entry[hidden]
        queries.append(entry)
    write_json(root / f"annotations/{split}.json", queries)
    images = [{"id": id, "file_name": f"{id:012d}.jpg", "width": 12, "height": 10} for id in ids]
    coco = root / "COCO2017_unlabeled"
    write_json(
        coco / "annotations/image_info_unlabeled2017.json", {"info": {}, "images": images, "licenses": []}
    )
    for i, image in enumerate(images):
        write_picture(coco / "unlabeled2017" / image["file_name"], seed=i)
    return root


FASHIONIQ_COUNTS = {"queries": 9, "gallery": 22}


def fashioniq(root: Path, split: str = "val", captions: str = "captions", ending: str = ".png") -> Path:
    """Three pairs and eight pictures in each category; two pictures are in two categories' lists."""
    for c, category in enumerate(("dress", "shirt", "toptee")):
        ids = [f"B0{c}{i:03d}" for i in range(7)] + ["B01006", "B00006", "B09000"][c : c + 1]
        pairs = []
        for q in range(3):
            pair = {
                "candidate": ids[q],
                "target": ids[q + 3],
                "captions": [f"is {category} {q}.", "has no sleeves"],
            }
            if split == "test":
                del pair["target"]
            pairs.append(pair)
        write_json(root / captions / f"cap.{category}.{split}.json", pairs)
        write_json(root / f"image_splits/split.{category}.{split}.json", ids)
        for i, id in enumerate(ids):
            write_picture(root / "images" / f"{id}{ending}", seed=100 * c + i)
    return root
