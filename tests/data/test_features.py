"""Features from files: read without unpickling, put in order by id, refused by name."""

import csv
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from workbench.data.features import Features, FeaturesError, read_features, read_ids, rows_of
from workbench.data.imports import Import, import_names, path_of, read_import, write_import
from workbench.paths import PathEscape

IDS = ("a", "b", "c", "d")


def rows(n: int = 4, width: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)


def write_ids(path, ids):
    if path.suffix == ".txt":
        path.write_text("\n".join(ids) + "\n")
    elif path.suffix == ".json":
        path.write_text(json.dumps([int(id) if id.isdigit() else id for id in ids]))
    else:
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([["path", "id"], *(["x", id] for id in ids)])
    return path


@pytest.mark.parametrize("suffix", [".txt", ".json", ".csv"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("kind", [".npy", ".npz", ".safetensors"])
def test_every_kind_of_file_gives_the_rows_by_id(tmp_path, kind, dtype, suffix):
    given, path = rows().astype(dtype), tmp_path / f"f{kind}"
    if kind == ".npy":
        np.save(path, given)
    elif kind == ".npz":
        np.savez(path, features=given)
    else:
        save_file({"features": given}, path)
    ids = write_ids(tmp_path / f"ids{suffix}", ["c", "a", "d", "b"])
    found = rows_of(read_features(path, ids), IDS, "query")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, given[[1, 3, 0, 2]].astype(np.float32))


@given(st.permutations(range(7)))
def test_rows_follow_their_ids_through_any_order(order):
    ids = [f"q{i}" for i in order]
    whole = rows(7)
    found = rows_of(Features(whole[list(order)], tuple(ids), "f"), [f"q{i}" for i in range(7)], "query")
    np.testing.assert_array_equal(found, whole)


def test_an_npz_may_hold_its_ids_and_several_arrays(tmp_path):
    np.savez(tmp_path / "f.npz", text=rows(), image=rows(seed=1), ids=np.array([3, 1, 2, 0]))
    found = read_features(f"{tmp_path}/f.npz#image")
    assert found.ids == ("3", "1", "2", "0")
    np.testing.assert_array_equal(found.rows, rows(seed=1))
    with pytest.raises(
        FeaturesError, match=r"2 arrays of \(n, D\) floats \(text, image\), expected one; name it"
    ):
        read_features(tmp_path / "f.npz")
    with pytest.raises(FeaturesError, match=r"no array 'imag'\. Did you mean 'image'"):
        read_features(f"{tmp_path}/f.npz#imag")


def test_ids_may_be_written_as_file_names_or_with_zeros_in_front():
    given = Features(rows(), ("000000000012.jpg", "000000000007.jpg", "3", "x/4.png"), "f")
    np.testing.assert_array_equal(rows_of(given, ["3", "4", "7", "12"], "picture"), rows()[[2, 3, 1, 0]])
    with pytest.raises(
        FeaturesError, match="have no row"
    ):  # the benchmark's own ids are paths: nothing is guessed
        rows_of(given, ["dev/3.png", "dev/4.png"], "picture")


def test_paths_may_have_folders_in_front_and_nothing_is_found_twice():
    given = Features(rows(), ("/d/icir/a/1.jpg", "/d/icir/b/1.jpg", "/d/icir/b/2.jpg", "b/3.jpg"), "f")
    wanted = ["b/2.jpg", "a/1.jpg", "b/3.jpg", "b/1.jpg"]
    np.testing.assert_array_equal(rows_of(given, wanted, "picture"), rows()[[2, 0, 3, 1]])
    twice = Features(rows(), ("/d/a.png", "/e/a.png", "b.png", "c.png"), "f")
    with pytest.raises(FeaturesError, match=r"'a.png' has 2 rows, as '/d/a.png' and '/e/a.png'"):
        rows_of(twice, ["a.png", "b.png"], "picture", spare="drop")
    zeros = Features(rows(3), ("007", "07", "8"), "f")
    with pytest.raises(FeaturesError, match=r"'7' has 2 rows, as '007' and '07'"):
        rows_of(zeros, ["7", "8"], "picture", spare="drop")


@pytest.mark.parametrize(
    ("ids", "wanted", "message"),
    [
        (("a", "b", "c", "e"), IDS, r"1 of 4 queries have no row, the first is 'd'.*such as 'a'"),
        (("a", "b", "c", "a"), IDS, r"the query 'a' has 2 rows, expected one"),
        (
            IDS,
            ("a", "b", "c"),
            r"1 of 4 rows belong to no query of the benchmark, the first to 'd'.*--drop-others",
        ),
        (None, IDS, r"does not say which row is which query"),
        (("x", "b", "c", "d"), ("bx", "b", "c", "d"), r"'bx'\. Did you mean 'x'"),
    ],
)
def test_ids_that_do_not_fit_are_refused_by_name(ids, wanted, message):
    with pytest.raises(FeaturesError, match=message):
        rows_of(Features(rows(), ids, "f.npy"), wanted, "query")


def test_rows_of_others_are_left_away_only_when_asked():
    found = rows_of(Features(rows(), IDS, "f"), ("c", "a"), "query", spare="drop")
    np.testing.assert_array_equal(found, rows()[[2, 0]])


@pytest.mark.parametrize(
    ("value", "message"),
    [(np.nan, "'c' holds NaN or infinity"), (-np.inf, "'c' holds NaN"), (0.0, "'c' is all zeros \\(1 of 4")],
)
def test_rows_without_direction_are_refused_by_id(value, message):
    bad = rows()
    bad[2] = value
    with pytest.raises(FeaturesError, match=message):
        rows_of(Features(bad, IDS, "f"), IDS, "picture")
    good = rows_of(Features(bad, IDS, "f"), ("a", "b"), "picture", spare="drop")
    assert len(good) == 2  # what nobody asks for may be anything


def test_float64_beyond_float32_is_refused():
    with pytest.raises(FeaturesError, match="'a' holds NaN or infinity"):
        rows_of(Features(np.full((4, 3), 1e300), IDS, "f"), IDS, "query")


def test_files_that_are_something_else_are_refused(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], object), allow_pickle=True)
    (tmp_path / "pickled.npy").write_bytes(pickle.dumps(np.ones((2, 3))))
    np.savez(tmp_path / "objects.npz", x=np.array([{"a": 1}], object))
    np.save(tmp_path / "whole.npy", np.ones((2, 3), int))
    np.save(tmp_path / "flat.npy", np.ones(3))
    save_file({"x": np.ones((2, 3), np.int32)}, tmp_path / "whole.safetensors")
    for name in ("broken.npy", "broken.npz", "broken.safetensors"):
        (tmp_path / name).write_bytes(b"\x93NUMPY nothing")
    for name, message in {
        "objects.npy": "no .npy file of numbers .it holds Python objects, which are never unpickled",
        "pickled.npy": "no .npy file of numbers .it holds Python objects, which are never unpickled",
        "objects.npz": "no .npz file of plain arrays .it holds Python objects, which are never unpickled",
        "whole.npy": r"int64 \(2, 3\), expected \(n, D\) floats",
        "flat.npy": r"float64 \(3,\), expected \(n, D\) floats",
        "whole.safetensors": "x is I32, expected one of F16, F32, F64",
        "broken.npy": "no .npy file",
        "broken.npz": "no .npz file",
        "broken.safetensors": "no .safetensors file",
        "gone.npy": "there is no such file",
        "f.pkl": "expected one of .npy, .npz, .safetensors",
        "whole.npy#x": "holds one array, without a name",
    }.items():
        with pytest.raises(FeaturesError, match=message):
            read_features(tmp_path / name)


def test_rows_and_ids_must_be_as_many(tmp_path):
    np.save(tmp_path / "f.npy", rows())
    (tmp_path / "ids.txt").write_text("a\nb\n")
    with pytest.raises(FeaturesError, match="4 rows, but there are 2 ids"):
        read_features(tmp_path / "f.npy", tmp_path / "ids.txt")
    (tmp_path / "ids.csv").write_text("pairid\n1\n2\n3\n4\n")
    with pytest.raises(FeaturesError, match=r"there are 5 ids for them; is 'pairid' a header\? call it id"):
        read_features(tmp_path / "f.npy", tmp_path / "ids.csv")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("i.json", "{}", "expected a list of texts"),
        ("i.json", "[true]", "expected a list of texts"),
        ("i.json", "[1,", "ends in the middle"),
        ("i.csv", "name,path\na,b\n", "no column 'id'"),
        ("i.txt", "\n", "holds no id"),
        ("i.xml", "", "ids are read from"),
    ],
)
def test_lists_of_ids_that_cannot_be_read(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(FeaturesError, match=message):
        read_ids(tmp_path / name)


def test_a_column_alone_needs_no_header(tmp_path):
    (tmp_path / "i.csv").write_text("3\n1\n")
    assert read_ids(tmp_path / "i.csv") == ("3", "1")
    (tmp_path / "i.csv").write_text("id\n3\n1\n")
    assert read_ids(tmp_path / "i.csv") == ("3", "1")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    return tmp_path


def an_import(name: str = "theirs", seed: int = 0) -> Import:
    parts, views = {"composed": rows(2, seed=seed)}, {"image": rows(4, seed=seed + 1)}
    return Import(name, "toy", "val", ("q0", "q1"), IDS, parts, views)


def test_what_is_kept_is_read_again(home):
    kept = an_import()
    write_import(kept)
    found = read_import("toy", "val", "theirs")
    assert (found.id, found.queries, found.gallery) == (kept.id, kept.queries, kept.gallery)
    np.testing.assert_array_equal(found.views["image"], kept.views["image"])
    assert import_names("toy", "val") == ["theirs"]
    assert kept.id.startswith("imported:theirs@") and an_import(seed=5).id != kept.id


def test_a_name_is_taken_until_it_is_replaced(home):
    write_import(an_import())
    with pytest.raises(FeaturesError, match="'theirs' was imported for toy val already; --replace"):
        write_import(an_import(seed=3))
    write_import(an_import(seed=3), replace=True)
    assert read_import("toy", "val", "theirs").id == an_import(seed=3).id
    with pytest.raises(FeaturesError, match=r"nothing was imported as 'theirz'.*Did you mean 'theirs'"):
        read_import("toy", "val", "theirz")


def test_a_file_that_changed_is_not_believed(home):
    path = write_import(an_import())
    data = bytearray(path.read_bytes())
    data[-1] ^= 64
    path.write_bytes(bytes(data))
    with pytest.raises(FeaturesError, match="is not what was written"):
        read_import("toy", "val", "theirs")
    path.write_bytes(b"{}")
    with pytest.raises(FeaturesError, match="is no kept import"):
        read_import("toy", "val", "theirs")


def test_a_name_leads_nowhere(home):
    for name in ("../x", "/etc/x", "", ".hidden", "a+b", "a:b"):
        with pytest.raises((FeaturesError, PathEscape)):
            path_of("toy", "val", name)


def test_rows_of_several_widths_are_no_import(home):
    wide = Import("x", "toy", "val", ("q0", "q1"), IDS, {"composed": rows(2, 5)}, {"image": rows(4, 3)})
    with pytest.raises(FeaturesError, match=r"'part composed': 5, 'view image': 3"):
        write_import(wide)


def test_lengths_are_said():
    unit = np.eye(3, dtype=np.float32)
    given = Import("x", "toy", "val", ("q0",), IDS[:3], {"composed": unit[:1] * 2}, {"image": unit})
    assert given.lengths() == "part composed: rows of length 2 to 2; view image: unit rows"
