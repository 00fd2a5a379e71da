"""A grid as a file says it, and a sweep kept beside the run whose setting was chosen in it."""

import numpy as np
import pandas as pd
import pytest

from workbench.case import Case
from workbench.choose import evaluate_chosen
from workbench.methods import MethodError
from workbench.paths import PathEscape
from workbench.runs import RunError, read_runs, read_sweep, record, write_sweep
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
def chosen(make_case, tmp_path):
    """A run whose setting was chosen in a sweep that is kept beside it, and that sweep."""
    arrays = make_case(seed=5, queries=20, items=60)
    case = Case(arrays.benchmark, "toy@aaaa.11", "toy@aaaa.11", "rules:tinycir-1", arrays.parts, arrays.views)
    settings = grid("pdv_t", **axis_values("pdv_t", {"alpha_text": [0, 2, 5]}))
    swept = sweep(settings, case, metrics=["hit@1"])
    frame = evaluate_chosen({"pdv_t": settings}, case, "hit@1", metrics=["hit@1"])
    best = settings[int(np.argmax(swept["value"]))]
    record(case, best, frame, notes=write_sweep(swept, tmp_path), folder=tmp_path)
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
