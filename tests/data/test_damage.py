"""Every loader against every way its files are known to break: one table, the same questions to each.

A loader's own tests hold what only it can get wrong; what a download, a copy or a mirror breaks is here.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.data import layouts
from tests.data.layouts import edit_json
from workbench import data
from workbench.data.benchmark import BenchmarkError
from workbench.data.files import MissingFiles


@dataclass(frozen=True)
class Layout:
    """One benchmark's folder: how it is built, its annotation files, and the folders its pictures lie in."""

    benchmark: str
    split: str
    build: Callable[[Path], Path]
    annotations: tuple[str, ...]
    pictures: tuple[str, ...]
    choices: tuple[tuple[str, str], ...] = ()

    def load(self, root: Path, **more):
        return data.load(self.benchmark, self.split, root, **{"counts": {}, **dict(self.choices), **more})


CATEGORIES = ("dress", "shirt", "toptee")
CAPTIONS = tuple(f"captions/cap.{name}.val.json" for name in CATEGORIES)
LISTS = tuple(f"image_splits/split.{name}.val.json" for name in CATEGORIES)
COCO = "COCO2017_unlabeled/annotations/image_info_unlabeled2017.json"
LAYOUTS = {
    "cirr": Layout(
        "cirr",
        "val",
        layouts.cirr,
        ("captions/cap.rc2.val.json", "image_splits/split.rc2.val.json"),
        ("dev",),
    ),
    "circo": Layout(
        "circo", "val", layouts.circo, ("annotations/val.json", COCO), ("COCO2017_unlabeled/unlabeled2017",)
    ),
    "fashioniq": Layout("fashioniq", "val", layouts.fashioniq, CAPTIONS + LISTS, ("images",)),
    "fashioniq-union": Layout(
        "fashioniq", "val", layouts.fashioniq, CAPTIONS, ("images",), (("gallery", "union"),)
    ),
    "genecis-object": Layout(
        "genecis", "change_object", layouts.genecis_objects, ("change_object.json",), ("val2017",)
    ),
    "genecis-attribute": Layout(
        "genecis",
        "focus_attribute",
        layouts.genecis_attributes,
        ("genecis/focus_attribute.json",),
        ("genecis/VG_100K", "genecis/VG_100K_2"),
    ),
    "icir": Layout(
        "icir", "test", layouts.icir, ("query_files.csv", "database_files.csv"), ("query", "database")
    ),
    "domain": Layout(
        "domain",
        "cartoon",
        layouts.domain,
        ("imgnet_real_query.txt", "imgnet_targets.txt"),
        ("real", "imagenet-r"),
    ),
    "domain-pairs": Layout(
        "domain_pairs",
        "minidn",
        layouts.domain_pairs,
        ("query_files.csv", "database_files.csv"),
        ("clipart", "painting", "real", "sketch"),
    ),
    "objects": Layout(
        "objects", "val", layouts.coco_objects, ("coco_eval.csv",), ("val2017", "val2017_masked")
    ),
    "folder": Layout("folder", "all", layouts.own_folder, ("queries.csv",), ()),
}
every_layout = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
with_pictures = pytest.mark.parametrize(
    "layout", [one for one in LAYOUTS.values() if one.pictures], ids=[n for n in LAYOUTS if n != "folder"]
)


def pictures_of(layout: Layout, root: Path) -> list[Path]:
    """Every picture that the benchmark needs, folder by folder."""
    found = [path for name in layout.pictures for path in sorted((root / name).rglob("*")) if path.is_file()]
    if dict(layout.choices).get("gallery") == "union":
        ids = layout.load(root).gallery.ids
        found = [path for path in found if path.stem in ids]
    return found


@every_layout
def test_it_loads_whole_and_extra_files_change_nothing(tmp_path, layout):
    layout.build(tmp_path)
    before = layout.load(tmp_path)
    for folder in {path.parent for path in tmp_path.rglob("*")}:
        (folder / "Thumbs.db").write_bytes(b"x")
        (folder / ".DS_Store").write_bytes(b"")
        (folder / "notes.txt").write_text("mine")
        (folder / "cap.rc2.val.json~").write_text("[")
    after = layout.load(tmp_path)
    assert after.gallery.ids == before.gallery.ids
    assert after.queries == before.queries
    for name, qrels in before.qrels.items():
        assert (after.qrels[name].targets == qrels.targets).all()


@every_layout
def test_every_missing_annotation_is_named_with_what_to_do(tmp_path, layout):
    layout.build(tmp_path)
    for file in layout.annotations:
        (tmp_path / file).unlink()
    with pytest.raises(MissingFiles) as caught:
        layout.load(tmp_path)
    for file in layout.annotations:
        assert any(Path(file).name in problem for problem in caught.value.problems), file
    assert all("missing" in problem for problem in caught.value.problems)
    assert caught.value.advice in str(caught.value)


@with_pictures
def test_missing_annotations_and_folders_are_named_together(tmp_path, layout):
    """Nothing but an empty folder: one report has all of it, so that nobody downloads in five rounds."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingFiles) as caught:
        layout.load(tmp_path / "empty")
    said = " ".join(caught.value.problems)
    assert all(Path(file).name in said for file in layout.annotations)
    # of these the paths of pictures stand in the lists alone
    lists_name_folders = layout.benchmark in ("icir", "domain", "domain_pairs")
    assert lists_name_folders or Path(layout.pictures[0]).name in said
    assert str(tmp_path / "empty") in said


@with_pictures
def test_missing_and_empty_pictures_are_all_named(tmp_path, layout):
    pictures = pictures_of(layout, layout.build(tmp_path))
    gone, empty = pictures[0], pictures[-1]
    gone.unlink()
    empty.write_bytes(b"")
    with pytest.raises(MissingFiles) as caught:
        layout.load(tmp_path)
    problems = caught.value.problems
    assert len(problems) == 2
    assert any(gone.name in problem and problem.endswith("is missing") for problem in problems)
    assert any(empty.name in problem and problem.endswith("is empty (0 bytes)") for problem in problems)
    assert sum(map(len, caught.value.there)) > 0, "the others are there to be looked at"


@pytest.mark.parametrize("name", ["cirr", "circo", "fashioniq", "icir", "domain"])
def test_a_missing_annotation_hides_no_missing_picture(tmp_path, name):
    """Where another file says which pictures there must be."""
    layout = LAYOUTS[name]
    pictures = pictures_of(layout, layout.build(tmp_path))
    (tmp_path / layout.annotations[0]).unlink()
    pictures[-1].unlink()
    with pytest.raises(MissingFiles) as caught:
        layout.load(tmp_path)
    first, *others = caught.value.problems
    assert Path(layout.annotations[0]).name in first
    assert any(pictures[-1].name in problem for problem in others)


@every_layout
def test_a_file_that_was_cut_off_is_named(tmp_path, layout):
    """JSON and lists whose download broke in the middle; every one of them where they are JSON."""
    layout.build(tmp_path)
    for file in layout.annotations:
        text = (tmp_path / file).read_text().rstrip()
        cut = text[: len(text) // 2] if file.endswith(".json") else text[: text.rstrip().rfind("/") + 1]
        (tmp_path / file).write_text(cut)
    with pytest.raises(BenchmarkError) as caught:
        layout.load(tmp_path)
    named = [file for file in layout.annotations if Path(file).name in str(caught.value)]
    json_files = [file for file in layout.annotations if file.endswith(".json")]
    assert named[: len(json_files)] == json_files
    assert named
    assert "ends in the middle" in str(caught.value) or not json_files


@every_layout
def test_an_empty_file_is_named(tmp_path, layout):
    layout.build(tmp_path)
    (tmp_path / layout.annotations[-1]).write_bytes(b"")
    with pytest.raises(BenchmarkError, match=f"{Path(layout.annotations[-1]).name} is empty; fetch it again"):
        layout.load(tmp_path)


@every_layout
def test_a_root_that_holds_none_of_it_says_where_it_looked(tmp_path, layout):
    """The folder of pictures, or a folder beside: a wrong variant is not guessed at."""
    layout.build(tmp_path / "right")
    (tmp_path / "wrong" / "deep" / "deeper").mkdir(parents=True)
    shutil.move(tmp_path / "right", tmp_path / "wrong" / "deep" / "deeper")
    with pytest.raises(MissingFiles, match="is missing") as caught:
        layout.load(tmp_path / "wrong")
    assert str(tmp_path / "wrong") in str(caught.value)
    assert len(layout.load(tmp_path / "wrong" / "deep" / "deeper" / "right").queries) > 1


def as_texts(value):
    """Every whole number that is an id as a text."""
    if isinstance(value, dict):
        return {key: inner if key == "instance_bbox" else as_texts(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_texts(inner) for inner in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


@pytest.mark.parametrize("name", ["cirr", "circo", "genecis-object", "genecis-attribute"])
def test_ids_may_be_numbers_or_texts(tmp_path, name):
    layout = LAYOUTS[name]
    layout.build(tmp_path)
    numbers = layout.load(tmp_path)

    def rewrite(entries):
        changed = as_texts(entries)
        entries[:] = changed

    edit_json(tmp_path / layout.annotations[0], rewrite)
    if name == "circo":
        edit_json(tmp_path / COCO, lambda listing: listing.update(images=as_texts(listing["images"])))
    texts = layout.load(tmp_path)
    assert texts.gallery.ids == numbers.gallery.ids
    assert texts.queries == numbers.queries


def test_fashioniqs_ids_may_be_numbers(tmp_path):
    layouts.fashioniq(tmp_path)

    def number(id: str) -> str | int:
        return int(id[1:]) if id.startswith("B00") else id

    for file in (*CAPTIONS, *LISTS):

        def rewrite(entries):
            for i, entry in enumerate(entries):
                if isinstance(entry, str):
                    entries[i] = number(entry)
                else:
                    entry.update({key: number(entry[key]) for key in ("candidate", "target")})

        edit_json(tmp_path / file, rewrite)
    for path in (tmp_path / "images").glob("B00*.png"):
        path.rename(path.with_name(f"{int(path.stem[1:])}.png"))
    bench = LAYOUTS["fashioniq"].load(tmp_path)
    assert bench.queries[0].reference_image == "0"
    assert len(bench.queries) == 9


def blank(entries, place: int) -> None:
    for key in ("caption", "relative_caption", "condition"):
        if key in entries[place]:
            entries[place][key] = "  "
    if "captions" in entries[place]:
        entries[place]["captions"][1] = ""


@pytest.mark.parametrize(
    "name", ["cirr", "circo", "fashioniq", "fashioniq-union", "genecis-object", "genecis-attribute"]
)
def test_a_blank_text_is_refused_unless_it_is_known(tmp_path, name):
    layout = LAYOUTS[name]
    layout.build(tmp_path)
    edit_json(tmp_path / layout.annotations[0], lambda entries: blank(entries, 1))
    with pytest.raises(BenchmarkError, match=r"blank_texts: found 1, expected 0 \(the first: query '"):
        layout.load(tmp_path)
    bench = layout.load(tmp_path, counts={"blank_texts": 1})
    assert [query.id for query in bench.queries if not all(map(str.strip, query.modification))] == [
        bench.queries[1].id
    ]


def test_a_blank_text_of_icir_is_refused(tmp_path):
    layouts.icir(tmp_path)
    for file in ("query_files.csv", "database_files.csv"):
        path = tmp_path / file
        path.write_text(path.read_text().replace(",old,", ",,"))
    with pytest.raises(BenchmarkError, match=r"blank_texts: found 1, expected 0 \(the first: query '2'\)"):
        LAYOUTS["icir"].load(tmp_path)


@pytest.mark.parametrize(
    ("name", "key", "message"),
    [
        ("cirr", "pairid", "query id '100' occurs 2 times"),
        ("circo", "id", "query id '0' occurs 2 times"),
    ],
)
def test_a_pair_id_that_stands_twice(tmp_path, name, key, message):
    layout = LAYOUTS[name]
    layout.build(tmp_path)
    edit_json(
        tmp_path / layout.annotations[0], lambda entries: entries[2].update({key: str(entries[0][key])})
    )
    with pytest.raises(BenchmarkError, match=message):
        layout.load(tmp_path)


def test_a_line_of_objects_that_stands_twice(tmp_path):
    layouts.coco_objects(tmp_path, layouts.OBJECTS_CSV + layouts.OBJECTS_CSV.splitlines()[1] + "\n")
    with pytest.raises(BenchmarkError, match=r"gallery id 'a\.jpg' occurs 2 times"):
        LAYOUTS["objects"].load(tmp_path)


@pytest.mark.parametrize("name", ["circo", "genecis-object"])
def test_coco_files_without_their_twelve_digits_are_all_named(tmp_path, name):
    layout = LAYOUTS[name]
    pictures = pictures_of(layout, layout.build(tmp_path))
    for path in pictures:
        path.rename(path.with_name(f"{int(path.stem)}.jpg"))
    with pytest.raises(MissingFiles) as caught:
        layout.load(tmp_path)
    folder = Path(layout.pictures[0]).name
    assert set(caught.value.problems) == {f"{folder}/{path.name} is missing" for path in pictures}


@pytest.mark.parametrize(
    ("name", "moves"),
    [
        (
            "icir",
            {
                "query_files.csv": "annotations/query_files.csv",
                "database_files.csv": "annotations/database_files.csv",
            },
        ),
        ("genecis-object", {"val2017": "coco/val2017"}),
        ("genecis-object", {"change_object.json": "genecis/change_object.json", "val2017": "images/val2017"}),
        ("genecis-attribute", {"genecis/VG_100K": "VG_100K", "genecis/VG_100K_2": "VG_100K_2"}),
        (
            "genecis-attribute",
            {"genecis/VG_100K": "visual_genome/VG_100K", "genecis/VG_100K_2": "visual_genome/VG_100K_2"},
        ),
        (
            "circo",
            {
                COCO: "annotations/image_info_unlabeled2017.json",
                "COCO2017_unlabeled/unlabeled2017": "unlabeled2017",
            },
        ),
        ("fashioniq", {"images": "resized_image"}),
        ("cirr", {"captions": "cirr/captions", "image_splits": "cirr/image_splits"}),
        ("cirr", {"dev": "img_raw/dev"}),
        ("cirr", {f: Path(f).name for f in ("captions/cap.rc2.val.json", "image_splits/split.rc2.val.json")}),
        ("circo", {"annotations/val.json": "val.json"}),
        ("fashioniq", {file: Path(file).name for file in CAPTIONS}),
    ],
)
def test_arrangements_of_other_copies(tmp_path, name, moves):
    layout = LAYOUTS[name]
    layout.build(tmp_path)
    expected = layout.load(tmp_path).gallery.ids
    for old, new in moves.items():
        (tmp_path / new).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(tmp_path / old, tmp_path / new)
    bench = layout.load(tmp_path)
    assert bench.gallery.ids == expected
    assert all(len(bench.gallery.images[i].size) == 2 for i in range(len(expected)))


def test_visual_genome_in_one_folder(tmp_path):
    layout = LAYOUTS["genecis-attribute"]
    layout.build(tmp_path)
    expected = [layout.load(tmp_path).gallery.images.digest(i) for i in range(8)]
    shutil.move(tmp_path / "genecis/VG_100K_2/9.jpg", tmp_path / "genecis/VG_100K/9.jpg")
    (tmp_path / "genecis/VG_100K_2").rmdir()
    shutil.move(tmp_path / "genecis/VG_100K", tmp_path / "VG_100K_all")
    again = layout.load(tmp_path).gallery.images
    assert [again.digest(i) for i in range(len(again))] == expected
