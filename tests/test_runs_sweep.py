"""A grid as a file says it, a sweep kept beside the run whose setting was chosen in it, and runs that are made once."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from workbench.case import Case
from workbench.choose import evaluate_chosen
from workbench.methods import ImageOnly, MethodError, PDVText
from workbench.paths import PathEscape
from workbench.runs import RunError, read_runs, read_sweep, record, runs_on, write_sweep
from workbench.sweep import axis_values, grid, sweep


def test_start_stop_and_count_or_the_values_themselves():
    values = axis_values("weimocir", {"alpha": [0, 1, 11], "beta": [0.0, 0.5, 1.0], "captions": [1, 2, 3]})
    assert values["alpha"] == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert values["beta"] == [0.0, 0.5, 1.0]  # the last has a point: no count
    assert values["captions"] == [1, 2, 3]  # a field of whole numbers is never spaced
    assert axis_values("slerp", {"alpha": [0.2, 0.4]}) == {"alpha": [0.2, 0.4]}
    assert len(grid("weimocir", **values)) == 99


@pytest.mark.parametrize("given", [0.5, "0.5", None, [0.0, 1.0, 1], [0.0, 1.0, -3]])
def test_an_axis_that_is_none(given):
    with pytest.raises(MethodError, match="the axis 'alpha' is"):
        axis_values("slerp", {"alpha": given})


@pytest.fixture
def full_case(make_case) -> Case:
    arrays = make_case(seed=5, queries=20, items=60)
    return Case(arrays.benchmark, "toy@aaaa.11", "toy@aaaa.11", "rules:tinycir-1", arrays.parts, arrays.views)


@pytest.fixture
def chosen(full_case, tmp_path):
    """A run whose setting was chosen in a sweep that is kept beside it, and that sweep."""
    settings = grid("pdv_t", **axis_values("pdv_t", {"alpha_text": [0, 2, 5]}))
    swept = sweep(settings, full_case, metrics=["hit@1"])
    frame = evaluate_chosen({"pdv_t": settings}, full_case, "hit@1", metrics=["hit@1"])
    best = settings[int(np.argmax(swept["value"]))]
    record(full_case, best, frame, notes=write_sweep(swept, tmp_path), folder=tmp_path)
    return read_runs(tmp_path)[0], swept


def test_a_choice_is_one_run_with_its_sweep_beside_it(chosen, tmp_path):
    run, swept = chosen
    kept = read_sweep(run, tmp_path)
    pd.testing.assert_frame_equal(kept, swept)
    assert run.metrics["hit@1"] == kept["value"].max()
    assert (run.chosen["chosen_on"], run.chosen["settings"]) == ("val", "5")
    assert kept.loc[kept["value"].idxmax(), "alpha_text"] == run.params["alpha_text"]


def test_the_same_sweep_is_kept_once(chosen, tmp_path):
    run, swept = chosen
    assert write_sweep(swept, tmp_path) == run.notes
    assert write_sweep(swept.assign(value=0.0), tmp_path) != run.notes
    assert len(list((tmp_path / "sweeps").glob("*.parquet"))) == 2


def test_a_sweep_that_is_gone_or_changed_is_refused(chosen, tmp_path):
    run, swept = chosen
    path = tmp_path / run.notes["sweep"]
    swept.assign(value=1.0).to_parquet(path)
    with pytest.raises(RunError, match="is not what was written"):
        read_sweep(run, tmp_path)
    path.unlink()
    with pytest.raises(RunError, match="its sweep is gone"):
        read_sweep(run, tmp_path)
    with pytest.raises(RunError, match="was chosen in no sweep that was kept"):
        read_sweep(run.model_copy(update={"notes": {}}), tmp_path)
    with pytest.raises(PathEscape):
        read_sweep(run.model_copy(update={"notes": {"sweep": "../elsewhere.parquet"}}), tmp_path)


def test_runs_on_a_case_are_made_once_and_again_when_an_input_changed(full_case, tmp_path):
    methods = [ImageOnly(), PDVText()]
    first = runs_on(full_case, methods, folder=tmp_path)
    assert [run.name for run in first] == ["image_only", "pdv_t"]
    again = runs_on(full_case, [*methods, PDVText(alpha_text=2.0)], folder=tmp_path)
    assert [run.id for run in again[:2]] == [run.id for run in first]
    assert again[2].params["alpha_text"] == 2.0
    rows = {**full_case.parts, "composed_caption": full_case.parts["composed_caption"][::-1].copy()}
    changed = runs_on(replace(full_case, parts=rows), methods, folder=tmp_path)
    assert changed[0].id == first[0].id  # its rows are the same
    assert changed[1].id != first[1].id
    assert [run.name for run in changed] == [
        "image_only",
        "pdv_t",
        "pdv_t(alpha_text=2.0)",
    ]  # the newest of each


def test_runs_on_another_case_are_left_out(full_case, tmp_path):
    runs_on(full_case, [ImageOnly()], folder=tmp_path)
    test = replace(full_case, benchmark=replace(full_case.benchmark, split="test"))
    assert runs_on(test, folder=tmp_path) == []
    assert runs_on(replace(full_case, encoder="toy@bbbb.11"), folder=tmp_path) == []


def test_a_run_without_the_metric_is_not_enough(full_case, tmp_path):
    (short,) = runs_on(full_case, [ImageOnly()], ["hit@1"], folder=tmp_path)
    (longer,) = runs_on(full_case, [ImageOnly()], ["hit@1", "hit@10"], folder=tmp_path)
    assert (set(short.metrics), set(longer.metrics)) == ({"hit@1"}, {"hit@1", "hit@10"})
