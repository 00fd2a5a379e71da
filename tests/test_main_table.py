"""The main table, whole, on the first queries of val: every row it promises, and nothing it does not."""

from dataclasses import replace

import pytest

from scripts import main_table
from workbench import data
from workbench.encode.encoder import load_encoder
from workbench.methods import METHODS
from workbench.runs import read_runs
from workbench.tables import to_markdown

pytestmark = pytest.mark.slow
Q = 24


@pytest.fixture(scope="module")
def cases():
    whole = data.load("tinycir", "val")
    few = replace(
        whole,
        queries=whole.queries[:Q],
        qrels={name: some.rows(slice(0, Q)) for name, some in whole.qrels.items()},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(main_table, "STEPS", 2)  # inversion's steps: minutes at their full number
        return main_table.cases(few, load_encoder("tiny-coca"))


def test_every_method_has_its_row_and_chosen_settings_say_where_they_were_chosen(cases):
    frame = main_table.frame_of(cases, cases[0])
    asked = [*main_table.PLAIN, *main_table.SAMPLED, *main_table.FAMILIES]
    assert frame.groupby("method", sort=False).size().to_dict() == dict.fromkeys(asked, Q)
    assert frame[list(main_table.METRICS)].notna().all(axis=None)
    chosen = frame[frame["method"].isin(main_table.FAMILIES)]
    assert set(chosen["chosen_on"]) == {"val, the other 4 of 5 folds"}
    text = to_markdown(main_table.table_of(frame))
    assert text.count("the best of ") == len(main_table.FAMILIES)
    assert text.count("\n|") >= len(asked)


def test_on_another_split_the_setting_is_the_one_of_val_and_runs_say_so(cases, tmp_path):
    test = tuple(replace(case, benchmark=replace(case.benchmark, split="test")) for case in cases)
    frame = main_table.frame_of(test, cases[0], tmp_path)
    chosen = frame[frame["method"].isin(main_table.FAMILIES)].drop_duplicates("method")
    assert set(chosen["chosen_on"]) == {"val"} and set(frame["split"]) == {"test"}
    kept = {run.name: run for run in read_runs(tmp_path)}
    assert list(kept) == list(dict.fromkeys(frame["method"]))
    for row in chosen.to_dict("records"):
        run = kept[row["method"]]
        assert run.chosen["setting"] == row["setting"] and run.chosen["chosen_on"] == "val"
    for row in frame.groupby("method")["hit@10"].mean().items():
        assert kept[row[0]].metrics["hit@10"] == pytest.approx(row[1])


def test_every_registered_method_is_either_run_or_said_to_lack_something():
    methods = [*main_table.PLAIN.values(), *main_table.SAMPLED.values()]
    methods += [some[0] for some in main_table.FAMILIES.values()]
    not_run = {name for names in main_table.NOT_RUN for name in names.split(", ")}
    ours = {
        n for n in METHODS.names() if METHODS.get(n).__module__.startswith("workbench.")
    }  # not tests' toys
    run = {name for name in ours if any(type(m) is METHODS.get(name) for m in methods)}
    assert run | not_run == ours and not run & not_run
