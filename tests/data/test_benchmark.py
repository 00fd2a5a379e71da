"""Benchmarks: every contradiction is one named error; a sound one passes, travels and stays as it was."""

import dataclasses
import pickle

import numpy as np
import pytest

import workbench.data
from workbench.data.benchmark import (
    Benchmark,
    BenchmarkError,
    Card,
    Gallery,
    Qrels,
    Query,
    qrels_from_ids,
)
from workbench.registry import UnknownName

GALLERY = Gallery(("cat", "dog", "hen", "owl"))
QUERIES = (
    Query("q0", 0, "cat", ("make it a dog",)),
    Query("q1", 0, "cat", ("let it lay eggs", "and fly")),
    Query("q2", None, "a picture of one's own", ("at night",), {"edit": "time"}),
)
QRELS = qrels_from_ids(GALLERY, [["dog"], ["hen", "owl"], ["owl"]], [["cat"], ["cat"], []])


def sound(**changes) -> Benchmark:
    parts = {
        "name": "farm",
        "split": "val",
        "queries": QUERIES,
        "gallery": GALLERY,
        "qrels": {"default": QRELS},
        "metrics": ("recall@1", "default:hit@5"),
        "protocol": {"reference": "excluded"},
        "card": Card(
            "farm", "CC0-1.0", "none", "invented", counts={"queries": 3, "gallery": 4, "references": 2}
        ),
    }
    return Benchmark(**{**parts, **changes})


def query(**changes) -> Query:
    return dataclasses.replace(QUERIES[0], **changes)


def first(**changes) -> dict:
    return {"queries": (query(**changes), *QUERIES[1:])}


def counts(**numbers) -> dict:
    return {"card": dataclasses.replace(sound().card, counts=numbers)}


def qrels(targets, *rest) -> dict:
    return {"qrels": {"default": Qrels(np.array(targets), *(np.array(r) for r in rest))}}


def test_a_sound_benchmark_passes_and_travels():
    benchmark = sound()
    benchmark.validate()
    again = pickle.loads(pickle.dumps(benchmark))
    again.validate()
    np.testing.assert_array_equal(again.qrels["default"].targets, [[1, -1], [2, 3], [3, -1]])
    np.testing.assert_array_equal(again.qrels["default"].excluded, [[0], [0], [-1]])


def test_queries_with_one_reference_are_one_cluster():
    assert sound().clusters.tolist() == [0, 0, 1]


def test_hidden_targets_are_allowed_where_all_are_hidden():
    sound(**qrels([[-1], [-1], [-1]])).validate()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gallery": Gallery(("cat", "dog", "cat", "owl"))}, "gallery id 'cat' occurs 2 times"),
        ({"gallery": Gallery(("cat",))}, "the gallery has 1 pictures; ranking needs at least 2"),
        ({"gallery": Gallery(())}, "the gallery has 0 pictures"),
        ({"gallery": Gallery(GALLERY.ids, images=[None])}, "the gallery has 4 ids but 1 images"),
        ({"queries": ()}, "there are no queries"),
        ({"queries": (*QUERIES[:2], query(id="q1"))}, "query id 'q1' occurs 2 times"),
        (first(modification=("",)), r"blank_texts: found 1, expected 0 \(the first: query 'q0'\)"),
        (first(modification=("red", " \n")), "blank_texts: found 1, expected 0"),
        (first(modification=()), r"query 'q0': modification is \(\), expected a tuple"),
        (first(modification="red"), "query 'q0': modification is 'red', expected a tuple"),
        (first(reference=4), "query 'q0': reference row 4 is outside the gallery of 4"),
        (first(reference=-1), "query 'q0': reference row -1 is outside the gallery of 4"),
        (first(reference=1), "reference_image is 'cat', but the gallery's row 1 is 'dog'"),
        (counts(queries=4), "queries: found 3, expected 4"),
        (counts(gallery=5), "gallery: found 4, expected 5"),
        (counts(references=3), "references: found 2, expected 3"),
        (counts(galery=4), "'galery' is not counted. Did you mean 'gallery'"),
        ({"qrels": {}}, "qrels: 'default' is missing; got none"),
        (qrels([[1], [2]]), r"qrels\['default'\]: got 2 rows, expected one for each of 3 queries"),
        (qrels([[1], [2], [4]]), "targets: query 2 points at row 4, but the gallery has 4 pictures"),
        (qrels([[1], [2], [3]], [[0], [9], [0]]), "excluded: query 1 points at row 9"),
        (qrels([[-1], [2], [3]]), "query 'q0' has no labelled target in column 0"),
        (qrels([[1], [2], [3]], [[0], [2], [0]]), "query 'q1' excludes its own labelled target"),
        (
            qrels([[1], [2], [3]], [[0], [0], [0]], [[1, 2], [1, 2], [1, 2]]),
            "query 'q2' has a labelled target that is not a candidate",
        ),
        (
            {"metrics": ("subset:recall@1",)},
            "metric 'subset:recall@1' asks for qrels 'subset'. Known: default",
        ),
    ],
)
def test_contradictions_are_named(changes, message):
    with pytest.raises(BenchmarkError, match=message):
        sound(**changes).validate()


def test_blank_texts_that_a_data_set_is_known_for_are_counted():
    benchmark = sound(**first(modification=("",)), **counts(blank_texts=1))
    benchmark.validate()
    with pytest.raises(BenchmarkError, match="blank_texts: found 0, expected 1"):
        sound(**counts(blank_texts=1)).validate()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"targets": np.zeros((2, 1))}, r"targets: got float64 \(2, 1\), expected a matrix of integers"),
        ({"targets": np.zeros(2, int)}, r"targets: got int64 \(2,\), expected a matrix"),
        ({"targets": [[1]]}, "targets: got list"),
        ({"targets": np.zeros((2, 0), int)}, "targets: got no column"),
        ({"targets": np.array([[-2]])}, "targets: indices must lie between -1 .* got -2"),
        ({"targets": np.array([[0, 3], [2, 2]])}, "targets: query 1 names row 2 twice"),
        ({"targets": np.array([[0]]), "excluded": np.array([[1], [1]])}, "excluded: got 2 rows, expected 1"),
        (
            {"targets": np.array([[0]]), "candidates": np.array([[3, 0, 3]])},
            "candidates: query 0 names row 3 twice",
        ),
    ],
)
def test_qrels_refuse_what_cannot_be_meant(fields, message):
    with pytest.raises(BenchmarkError, match=message):
        Qrels(**fields)


def test_qrels_keep_a_copy_that_cannot_change():
    mine = np.array([[1, -1]])
    kept = Qrels(mine)
    mine[0, 0] = 3
    assert kept.targets.tolist() == [[1, -1]]
    assert kept.excluded.shape == (1, 0)
    assert kept.candidates is None
    with pytest.raises(ValueError, match="read-only"):
        kept.targets[0, 0] = 2


def test_rows_select_queries():
    some = Qrels(
        np.array([[0], [1], [2]]), np.array([[5], [6], [7]]), np.array([[0, 1], [1, 2], [2, 3]])
    ).rows([2, 0])
    assert some.targets.tolist() == [[2], [0]]
    assert some.excluded.tolist() == [[7], [5]]
    assert some.candidates.tolist() == [[2, 3], [0, 1]]


def test_dangling_ids_are_named_with_query_and_nearest():
    with pytest.raises(BenchmarkError, match="excluded of query 1: 'dgo' is not among the gallery's 4 ids"):
        qrels_from_ids(GALLERY, [["cat"], ["cat"]], [["dog"], ["dgo"]])
    with pytest.raises(BenchmarkError, match="gallery id 'cat' occurs 2 times"):
        qrels_from_ids(Gallery(("cat", "cat")), [["cat"]])


def test_loading_validates(monkeypatch):
    monkeypatch.setattr(
        workbench.data.BENCHMARKS, "_things", {"farm": lambda split, root=None: sound(split=split)}
    )
    assert workbench.data.load("farm", "test").split == "test"
    broken = {"farm": lambda split, root=None: sound(queries=())}
    monkeypatch.setattr(workbench.data.BENCHMARKS, "_things", broken)
    with pytest.raises(BenchmarkError, match="there are no queries"):
        workbench.data.load("farm", "val")
    with pytest.raises(UnknownName, match="Did you mean 'farm'"):
        workbench.data.load("fram", "val")
