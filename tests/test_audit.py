"""The audit of false negatives: sheets, marks that are checked, metrics without and with them."""

import csv

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from tests.reference import ranks as slow
from workbench import cli
from workbench.audit import AuditError, Marks, changes, read_marks, rescore, sheet, with_marks, write_sheet
from workbench.methods import ImageOnly, Product, TextOnly
from workbench.tables import audit_table, to_text

METRICS = ("recall@5", "hit@5", "map@5", "subset:recall@1")


@pytest.fixture
def case(make_case):
    return make_case(seed=4)


def fill(path, marks) -> None:
    """Writes (query, item): mark into a sheet on disk."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["mark"] = marks.get((row["query"], row["item"]), "")
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def test_a_sheet_holds_the_first_pictures_of_all_methods(case):
    one, two = sheet(case, [TextOnly()], 5), sheet(case, [TextOnly(), Product()], 5)
    assert len(one) == 12 * 5
    scores = TextOnly().score(case)
    qrels = case.benchmark.qrels["default"]
    for q, rows in enumerate(dict(list(one.groupby("query", sort=False))).values()):
        order = slow.ranking(scores[q], qrels.targets[q].tolist(), qrels.excluded[q].tolist(), None)
        assert rows["item"].tolist() == [case.benchmark.gallery.ids[n] for n in order[:5]]
        known = [case.benchmark.gallery.ids[n] for n in qrels.targets[q]]
        assert (rows["target"] == "yes").tolist() == [item in known for item in rows["item"]]
    both = {*zip(one["query"], one["item"], strict=True)}
    both |= {*zip(*sheet(case, [Product()], 5)[["query", "item"]].T.to_numpy(), strict=True)}
    assert {*zip(two["query"], two["item"], strict=True)} == both and not two.duplicated(
        ["query", "item"]
    ).any()


def test_a_sample_is_some_of_the_queries(case):
    some = sheet(case, [TextOnly()], 3, sample=4, seed=1)
    assert some["query"].nunique() == 4 and len(some) == 12
    assert some.equals(sheet(case, [TextOnly()], 3, sample=4, seed=1))
    assert not some.equals(sheet(case, [TextOnly()], 3, sample=4, seed=2))


def marked(case, method, query: int = 3, places=(0,)) -> Marks:
    """The distractors at these places of a query's list are right."""
    rows = sheet(case, [method], 10)
    rows = rows[(rows["query"] == f"q{query}") & (rows["target"] == "")]
    return Marks({f"q{query}": tuple(rows["item"].iloc[list(places)])}, len(rows))


def test_a_marked_picture_is_one_more_target(case):
    marks = marked(case, TextOnly(), places=(0, 1))
    frame = rescore(case, [TextOnly()], marks, METRICS)
    without, added = (frame[frame["marks"] == which].reset_index(drop=True) for which in ("without", "with"))
    same = without["query"] != "q3"
    assert without[same][list(METRICS)].equals(added[same][list(METRICS)])
    scores, bench = TextOnly().score(case)[3:4], with_marks(case.benchmark, marks)
    targets = bench.qrels["default"].targets[3]
    assert len(targets) == 4 and targets[:2].tolist() == case.benchmark.qrels["default"].targets[3].tolist()
    ranks = slow.target_ranks(scores, bench.qrels["default"].rows(slice(3, 4)))[0]
    row = added[~same].iloc[0]
    assert row["recall@5"] == row["hit@5"] == float(min(ranks) <= 5)
    within = np.sort(ranks)
    precision = [(i + 1) / rank for i, rank in enumerate(within) if rank <= 5]
    assert row["map@5"] == pytest.approx(sum(precision) / 4)


def test_recall_asks_for_the_labelled_or_a_marked_target_not_for_any_other(case):
    """The case's queries have a second target; it does not count for Recall@K, with marks or without."""
    frame = rescore(case, [TextOnly()], Marks({}, 0), METRICS)
    without, added = (frame[frame["marks"] == which].reset_index(drop=True) for which in ("without", "with"))
    assert without[list(METRICS)].equals(added[list(METRICS)])
    assert (without["hit@5"] > without["recall@5"]).any()


def test_changes_say_how_much_and_for_how_many(case):
    marks = marked(case, TextOnly())
    frame = rescore(case, {"text": TextOnly(), "image": ImageOnly()}, marks, METRICS)
    table = changes(frame, METRICS).set_index(["method", "metric"])
    row = table.loc[("text", "hit@5")]
    assert row["with"] - row["without"] == pytest.approx(row["difference"])
    assert row["queries"] in (0, 1) and table.loc[("text", "map@5"), "queries"] == 1
    text = to_text(audit_table(changes(frame, METRICS)))
    assert "queries changed" in text and "compare methods whose lists were all marked" in text


def test_marks_are_read_from_the_sheet(case, tmp_path):
    path = tmp_path / "marks.csv"
    rows = sheet(case, [TextOnly()], 5)
    write_sheet(rows, path)
    new = rows[rows["target"] == ""]
    first, second = (tuple(new.iloc[i][["query", "item"]]) for i in (0, 7))
    fill(path, {first: "1", second: "no"})
    marks = read_marks(path, case.benchmark)
    assert marks.right == {first[0]: (first[1],)} and marks.judged == 2
    again = pd.read_csv(path).assign(mark=lambda rows: rows["mark"].map({"1": 1, "no": 0}))
    again.to_csv(path, index=False)  # a column with gaps: pandas writes 1.0
    assert ",1.0," in path.read_text() and read_marks(path, case.benchmark) == marks
    with pytest.raises(AuditError, match="is there already, and may hold marks"):
        write_sheet(rows, path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("q0,picture-20,maybe", "line 2: mark is 'maybe', expected 1"),
        ("q99,picture-20,1", "line 2: no query is called 'q99'"),
        ("q0,picture-99,1", "line 2: no picture is called 'picture-99'"),
        ("q0,picture-0,1", "'picture-0' is never ranked for this query"),
        ("q0,picture-12,0", "'picture-12' is a labelled target"),
        (
            "q0,picture-20,1\nq0,picture-20,0",
            "line 3: query 'q0', picture 'picture-20' is marked right and wrong",
        ),
    ],
)
def test_wrong_marks_are_refused_by_line(case, tmp_path, line, message):
    path = tmp_path / "marks.csv"
    path.write_text(f"query,item,mark\n{line}\n")
    with pytest.raises(AuditError, match=message):
        read_marks(path, case.benchmark)


def test_files_that_are_no_sheet(case, tmp_path):
    (tmp_path / "a.csv").write_text("query,rank\n")
    with pytest.raises(AuditError, match="has no item, mark"):
        read_marks(tmp_path / "a.csv", case.benchmark)
    with pytest.raises(AuditError, match="cannot be read"):
        read_marks(tmp_path / "b.csv", case.benchmark)


def test_hidden_targets_cannot_be_rescored(case):
    from dataclasses import replace

    from workbench.data.benchmark import Qrels

    bench = replace(case.benchmark, qrels={"default": Qrels(np.full((12, 1), -1))})
    with pytest.raises(AuditError, match="its targets are hidden"):
        rescore(replace(case, benchmark=bench), [TextOnly()], Marks({}, 0), ["recall@5"])


@pytest.mark.slow
def test_from_the_command_line(tmp_path):
    def run(*arguments):
        result = CliRunner().invoke(cli.app, ["audit", *map(str, arguments)])
        assert result.exit_code == 0, result.output
        return result.stdout

    path = tmp_path / "marks.csv"
    said = run("sheet", path, "--method", "text_only", "--k", 3, "--sample", 5)
    assert "of 5 queries" in said
    with path.open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["target"] == "" and row["rank"] == "1")
    fill(path, {(row["query"], row["item"]): "1"})
    said = run("rescore", path, "--method", "text_only", "--metric", "hit@1")
    assert "1 pictures judged, 1 of them right, for 1 queries" in said
    assert "+0.20" in said  # one of 500 queries
    options = ["--method", "cirevl", "--captions", tmp_path / "gone.jsonl"]
    for command in (["sheet", tmp_path / "other.csv", *options], ["rescore", path, *options]):
        result = CliRunner().invoke(cli.app, ["audit", *map(str, command)])
        assert result.exit_code == 2 and "gone.jsonl" in result.stderr
