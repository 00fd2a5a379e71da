"""The runs there are on a case, after making those that are missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.methods.base import Method
from workbench.runs.compare import newest
from workbench.runs.record import evaluate_and_record, input_digests, method_name, parameters
from workbench.runs.run import Run
from workbench.runs.store import read_runs


def runs_on(
    case,
    methods: Sequence[Method] = (),
    metrics: Sequence[str] | None = None,
    *,
    seed: int | None = None,
    folder: Path | str | None = None,
) -> list[Run]:
    """The newest run of each setting in runs/ that belongs to this case's benchmark, split and encoder.

    Those of ``methods`` that have no run there with the same parameters, metrics, inputs and code are evaluated and
    recorded first; nothing is run twice. Raises as `evaluate_and_record` and `read_runs`.
    """
    digests: dict[str, str] = {}
    kept = _of_case(case, folder)
    asked = set(metrics or case.benchmark.metrics)

    def has_run(method: Method) -> bool:
        inputs = input_digests(case, method, digests).items()
        name, params = method_name(method), parameters(method)
        return any(
            (run.method, run.params) == (name, params)
            and asked <= set(run.metrics)
            and inputs <= run.digests.items()
            for run in kept
        )

    missing = [method for method in methods if not has_run(method)]
    if missing:
        evaluate_and_record(case, missing, metrics, seed=seed, folder=folder)
    return newest(_of_case(case, folder))


def _of_case(case, folder: Path | str | None) -> list[Run]:
    mine = (case.benchmark.name, case.benchmark.split, case.encoder)
    return [run for run in read_runs(folder) if (run.benchmark, run.split, run.encoder) == mine]
