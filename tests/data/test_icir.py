"""i-CIR's loader and its three averages."""

import itertools

import numpy as np
import pytest

from tests.data.layouts import icir
from workbench import data
from workbench.data.benchmark import BenchmarkError, Qrels
from workbench.data.files import MissingFiles, padded
from workbench.data.predictions import Rankings
from workbench.metrics import average_precision_trapezoid
from workbench.official import score_rankings, summarise
from workbench.score.lists import list_ranks
from workbench.score.ranks import count_ties, target_ranks


def load(root, **changes):
    return data.load("icir", "test", root, **{"counts": {"queries": 3, "instance": 2}, **changes})


@pytest.mark.parametrize("prefix", ["", "icir/"])
def test_each_query_searches_its_instance(tmp_path, prefix):
    bench = load(icir(tmp_path / "icir", prefix))
    qrels = bench.qrels["default"]
    np.testing.assert_array_equal(qrels.candidates, [[0, 1, 2], [0, 1, 2], [3, 4, -1]])
    np.testing.assert_array_equal(qrels.targets, [[0, 2], [1, -1], [4, -1]])
    assert bench.queries[0].reference is None
    assert bench.gallery.images[0].size == bench.references[0].size == (12, 10)


@pytest.mark.parametrize("prefix", ["", "icir/"])
def test_one_missing_picture_is_one_problem_wherever_paths_start(tmp_path, prefix):
    icir(tmp_path / "icir", prefix)
    (tmp_path / "icir" / "database/a/0.jpg").unlink()
    with pytest.raises(MissingFiles) as caught:
        load(tmp_path / "icir")
    (problem,) = caught.value.problems
    assert problem.endswith("database/a/0.jpg is missing")


def test_three_averages(tmp_path):
    bench = load(icir(tmp_path))
    ids = bench.gallery.ids
    lists = {"0": (ids[0], ids[2], ids[1]), "1": (ids[0], ids[1], ids[2]), "2": (ids[4], ids[3])}
    first, second, third = 2 / (2 + 1e-5), 0.25 / (1 + 1e-5), 1 / (1 + 1e-5)
    found = score_rankings(bench, Rankings(lists)).metrics
    assert found["mAP"] == pytest.approx((first + second + third) / 3)
    assert found["mmAP"] == pytest.approx(((first + second) / 2 + third) / 2)
    assert found["minmAP"] == pytest.approx((second + third) / 2)


def test_summary_of_the_published_implementation(golden, tmp_path):
    """`product` searched in each instance's own database, as files in the published layout."""
    given, expected = golden("cir/basic_icir", "input.npz"), golden("cir/basic_icir", "expected.json")
    for file, kind in (("database", "database"), ("query", "query")):
        texts = given["database_text" if kind == "database" else "query_text_label"]
        rows = zip(texts.tolist(), given[f"{kind}_instance"].tolist(), strict=True)
        lines = [f"{kind}/{i}.jpg,{text},{instance}\n" for i, (text, instance) in enumerate(rows)]
        (tmp_path / f"{file}_files.csv").write_text("".join(lines))
    bench = data.load("icir", "test", tmp_path, pictures=False)
    scores, qrels = golden("cir/basic_icir", "expected_scores.npz")["product"], bench.qrels["default"]
    ap, tied = average_precision_trapezoid(target_ranks(scores, qrels)), count_ties(scores, qrels).any(axis=1)
    given_ap = np.empty(len(ap))
    for name, values in expected["per_instance_product_AP"].items():
        given_ap[[query.tags["instance"] == name for query in bench.queries]] = values
    np.testing.assert_allclose(ap[~tied], given_ap[~tied], atol=1e-6)
    # Clamped similarities tie at 0, where the reference keeps whatever order its sort leaves. Each of its APs is that
    # of some order of the tied pictures, and ours that of the least favourable one.
    for q in range(len(ap)):
        possible = aps_of_tied_orders(scores[q], qrels.targets[q], qrels.candidates[q])
        assert np.abs(possible - given_ap[q]).min() < 1e-6
        assert ap[q] == pytest.approx(possible.min(), abs=1e-12)
        assert (len(possible) > 1) == tied[q]
    for name, value in summarise(bench, {"map_trapezoid": given_ap}).items():
        assert 100 * value == pytest.approx(expected["per_instance_product"][name.lower()], abs=0.0051)


def aps_of_tied_orders(scores, targets, candidates) -> np.ndarray:
    """The AP under every way to place the targets among the pictures that score as they do."""
    pool, right = set(candidates[candidates >= 0].tolist()), set(targets[targets >= 0].tolist())
    blocks, start = [], 1
    for value in sorted({scores[n] for n in pool}, reverse=True):
        block = {n for n in pool if scores[n] == value}
        places = range(start, start + len(block))
        blocks.append(itertools.combinations(places, len(block & right)))
        start += len(block)
    ranks = np.array([list(itertools.chain(*chosen)) for chosen in itertools.product(*blocks)], np.int32)
    return average_precision_trapezoid(ranks)


def test_every_ap_of_the_published_rankings(golden):
    """Twelve ways to score, all ten queries, from the order that the reference left: no tie is ours to decide."""
    given, expected = golden("cir/basic_icir", "input.npz"), golden("cir/basic_icir", "expected.json")
    right = [
        np.flatnonzero((given["database_instance"] == instance) & (given["database_text"] == text)).tolist()
        for instance, text in zip(given["query_instance"], given["query_text_label"], strict=True)
    ]
    rankings = golden("cir/basic_icir", "expected_rankings.npz")
    assert len(rankings) == 12
    for name, lists in rankings.items():
        ap = average_precision_trapezoid(list_ranks(lists.astype(np.int32), Qrels(padded(right))))
        np.testing.assert_allclose(ap, expected[name]["AP"], atol=1e-6)
        assert 100 * ap.mean() == pytest.approx(expected[name]["mAP_percent_rounded"], abs=0.0051)


def test_every_missing_picture_is_named(tmp_path):
    icir(tmp_path)
    (tmp_path / "database/a/1.jpg").unlink()
    (tmp_path / "database/b/0.jpg").write_bytes(b"")
    with pytest.raises(MissingFiles) as caught:
        load(tmp_path)
    assert [problem.split("/", 1)[1] for problem in caught.value.problems] == [
        "database/a/1.jpg is missing",
        "database/b/0.jpg is empty (0 bytes)",
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "query/a/0.jpg,red, blue,cup",
            r"query_files.csv: line 4: expected picture,text,instance \(1 such lines\)",
        ),
        (
            "query/a/0.jpg,green,cup",
            "1 queries have no right answer in database_files.csv, the first is line 4",
        ),
    ],
)
def test_damaged_lists(tmp_path, line, message):
    icir(tmp_path)
    with (tmp_path / "query_files.csv").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(BenchmarkError, match=message):
        load(tmp_path)


def test_a_picture_that_stands_twice_in_one_database(tmp_path):
    """Under another text: which of the two would be at which rank?"""
    icir(tmp_path)
    with (tmp_path / "database_files.csv").open("a") as file:
        file.write("database/a/0.jpg,blue,cup\n")
    with pytest.raises(
        BenchmarkError, match=r"line 6 names 'database/a/0\.jpg' of 'cup' again, after line 1"
    ):
        load(tmp_path)


def test_lists_that_end_early_or_hold_another_instance_are_said(tmp_path):
    bench = load(icir(tmp_path))
    a, b = [f"database/a/{i}.jpg" for i in range(3)], [f"database/b/{i}.jpg" for i in range(2)]
    scored = score_rankings(bench, Rankings({"0": (a[1], a[0]), "1": (b[0], *a), "2": b}))
    assert scored.metrics["mAP"] == pytest.approx(
        ((0 + 1 / 2) / 2 / (2 + 1e-5) + (0 + 1 / 2) / 2 / (1 + 1e-5) * 2) / 3
    )
    assert scored.notes == (
        "1 lists hold pictures that their query does not search: they were taken out",
        "map_trapezoid: some lists end before all right pictures; the rest counts as not found",
    )
    whole = {"0": a, "1": a, "2": b}
    assert score_rankings(bench, Rankings(whole)).notes == ()


def test_missing_lists_and_published_counts(tmp_path):
    with pytest.raises(MissingFiles, match=r"query_files\.csv is missing"):
        load(tmp_path)
    with pytest.raises(BenchmarkError, match="queries: found 3, expected 1883"):
        data.load("icir", "test", icir(tmp_path))


def test_the_published_ap_of_positives_that_are_not_found(golden):
    """Two positives, one first and one nowhere in the list; no positive found at all."""
    expected = golden("cir/basic_icir", "expected.json")["compute_ap"]
    qrels = Qrels(np.array([[3, 4]]))
    found = average_precision_trapezoid(list_ranks(np.array([[3, 8, 9]]), qrels))
    assert found[0] == pytest.approx(expected["ranks_0_of_2"], abs=1e-9)
    nothing = average_precision_trapezoid(list_ranks(np.array([[7, 8, 9]]), qrels))
    assert nothing[0] == expected["no_positive"] == 0
