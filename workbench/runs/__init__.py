"""Runs: every evaluated setting kept with all that its numbers depend on, compared in words, and done again.

frame, runs = evaluate_and_record(case, methods)      evaluate, and append a run of each to runs/runs.jsonl
results_table(query_frame(read_runs()), metrics)      all runs -> means with intervals and paired tests
runs_on(case, methods)                                the runs on a case, the missing ones made first
write_sweep(swept), read_sweep(run)                   the grid that a run's setting was chosen in
diff(first, second)                                   why two runs differ, one sentence each
rerun(run).same                                       the same numbers to the last digit?
"""

from workbench.runs.compare import check_comparable, diff, mixed, names, newest, query_frame
from workbench.runs.fill import runs_on
from workbench.runs.record import evaluate_and_record, record
from workbench.runs.rerun import Rerun, rerun
from workbench.runs.run import Run, RunError, find_run
from workbench.runs.store import append_run, export_runs, read_queries, read_runs, runs_frame
from workbench.runs.sweeps import read_sweep, write_sweep

__all__ = [
    "Rerun",
    "Run",
    "RunError",
    "append_run",
    "check_comparable",
    "diff",
    "evaluate_and_record",
    "export_runs",
    "find_run",
    "mixed",
    "names",
    "newest",
    "query_frame",
    "read_queries",
    "read_runs",
    "read_sweep",
    "record",
    "rerun",
    "runs_frame",
    "runs_on",
    "write_sweep",
]
