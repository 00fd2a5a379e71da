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


def genecis_objects(root: Path, task: str = "change_object") -> Path:
    """Three templates of three pictures each, one picture in all galleries."""
    templates = [
        {
            "reference": {"val_image_id": q},
            "target": {"val_image_id": 10 + q},
            "gallery": [{"val_image_id": 20 + q}, {"val_image_id": 30}],
            "condition": "dog",
        }
        for q in range(3)
    ]
    write_json(root / f"{task}.json", templates)
    for id in (0, 1, 2, 10, 11, 12, 20, 21, 22, 30):
        write_picture(root / "val2017" / f"{id:012d}.jpg", id)
    return root


def genecis_attributes(root: Path, task: str = "focus_attribute") -> Path:
    """Three templates about boxes in Visual Genome's two folders; two boxes of one picture are two pictures."""

    def thing(id, left):
        return {"image_id": id, "instance_bbox": [left, 1, 4, 3]}

    templates = [
        {
            "reference": thing(q, 0),
            "target": thing(7, 1 + q),
            "gallery": [thing(8, 2), thing(9, 2)],
            "condition": "red",
        }
        for q in range(3)
    ]
    write_json(root / "genecis" / f"{task}.json", templates)
    for id in (0, 1, 2, 7, 8):
        write_picture(root / "genecis" / "VG_100K" / f"{id}.jpg", id)
    write_picture(root / "genecis" / "VG_100K_2" / "9.jpg", 9)
    return root


def icir(root: Path, prefix: str = "") -> Path:
    """Two instances with databases of three and two pictures, three queries; `prefix` stands before every path."""
    database = [
        ("database/a/0.jpg", "red", "cup"),
        ("database/a/1.jpg", "broken", "cup"),
        ("database/a/2.jpg", "red", "cup"),
        ("database/b/0.jpg", "red", "hat"),
        ("database/b/1.jpg", "old", "hat"),
    ]
    queries = [
        ("query/a/0.jpg", "red", "cup"),
        ("query/a/0.jpg", "broken", "cup"),
        ("query/b/0.jpg", "old", "hat"),
    ]
    for file, lines in (("database_files.csv", database), ("query_files.csv", queries)):
        root.mkdir(parents=True, exist_ok=True)
        (root / file).write_text("".join(f"{prefix}{','.join(line)}\n" for line in lines))
        for i, (picture, *_) in enumerate(lines):
            write_picture(root / picture, i)
    return root


DOMAIN_TARGETS = {
    "imagenet-r/n1/cartoon_0.jpg": 2,
    "imagenet-r/n1/cartoon_1.jpg": 2,
    "imagenet-r/n2/origami_0.jpg": 1005,
}
DOMAIN_TARGETS |= {"real/n1/b.JPEG": 4002, "imagenet-r/n2/toy_0.jpg": 2005}
DOMAIN_QUERIES = {"real/n1/a.JPEG": 2, "real/n2/c.JPEG": 5}


def domain(root: Path) -> Path:
    """Two photographs as queries; five targets in four domains, one query without any cartoon."""
    root.mkdir(parents=True, exist_ok=True)
    for file, rows in (("imgnet_real_query.txt", DOMAIN_QUERIES), ("imgnet_targets.txt", DOMAIN_TARGETS)):
        (root / file).write_text("".join(f"imgnet/{path} {label} \n" for path, label in rows.items()))
        for i, path in enumerate(rows):
            write_picture(root / path, i)
    return root


def domain_pairs(root: Path, split: str = "minidn") -> Path:
    """Two classes in four domains: a query and two pictures of the database in each; LTLL: one list is both."""
    domains = ("Old", "New") if split == "ltll" else ("clipart", "painting", "real", "sketch")
    files = {"full_files.csv": 2} if split == "ltll" else {"query_files.csv": 1, "database_files.csv": 2}
    root.mkdir(parents=True, exist_ok=True)
    for file, number in files.items():
        lines = [
            (f"{split}/{domain}/{kind}/{file[0]}{i}.jpg", domain, kind)
            for domain in domains
            for kind in ("ant", "axe")
            for i in range(number)
        ]
        (root / file).write_text("".join(" ".join(line) + "\n" for line in lines))
        for i, (path, *_) in enumerate(lines):
            write_picture(root / path.removeprefix(f"{split}/"), len(file) * 100 + i)
    return root


OBJECTS_CSV = "id,query_regions,query_class,classes\na.jpg,1.5;2;7.0;6 ,dog,cat;sofa\nb.jpg,0;0;12;10 ,car,\n"


def coco_objects(root: Path, text: str = OBJECTS_CSV) -> Path:
    """Two pictures with a masked twin each."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "coco_eval.csv").write_text(text)
    for i, name in enumerate(("a.jpg", "b.jpg")):
        write_picture(root / "val2017" / name, i)
        write_picture(root / "val2017_masked" / name, 10 + i)
    return root


FOLDER_CSV = 'id,reference,text,target,kind\n1,a.png,"in red, please",b.png;deeper/c.jpg,colour\n2,b.png,larger,a.png,size\n'


def own_folder(root: Path, text: str = FOLDER_CSV, name: str = "queries.csv") -> Path:
    """Three pictures, one of them deeper, and a file of questions."""
    for i, picture in enumerate(("a.png", "b.png", "deeper/c.jpg")):
        write_picture(root / picture, i)
    (root / name).write_text(text)
    return root
