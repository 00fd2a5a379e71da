"""Batches: one notebook, many parameters, run by papermill here or on a cluster, and never twice.

    workbench batch sweeps/pdv.yaml
    run_batch(read_spec("sweeps/pdv.yaml"))

`spec` says what a sweep file may hold, `check` holds it against the notebook before a kernel starts, `job` runs one
notebook, `executors` says where, `run` does the lot and sums it up. Left out: dependencies between jobs.
"""

from workbench.batch.check import check_values, notebook_parameters
from workbench.batch.executors import (
    DaskExecutor,
    Executor,
    InProcessExecutor,
    SubmititExecutor,
    make_executor,
)
from workbench.batch.job import Outcome, run_job
from workbench.batch.run import Summary, plan, run_batch
from workbench.batch.spec import Dask, InProcess, Job, Spec, SpecError, Submitit, read_spec

__all__ = [
    "Dask",
    "DaskExecutor",
    "Executor",
    "InProcess",
    "InProcessExecutor",
    "Job",
    "Outcome",
    "Spec",
    "SpecError",
    "Submitit",
    "SubmititExecutor",
    "Summary",
    "check_values",
    "make_executor",
    "notebook_parameters",
    "plan",
    "read_spec",
    "run_batch",
    "run_job",
]
