"""A run done again from its record: the same numbers to the last digit, or which input is not what it was."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from workbench.case import load_case
from workbench.case.case import Case
from workbench.case.wording import Wording
from workbench.encode.encoder import EncoderError
from workbench.evaluation import evaluate
from workbench.language import RECOMPOSERS
from workbench.methods.base import METHODS, Method
from workbench.methods.pdv import ENSEMBLE
from workbench.paths import HomeError
from workbench.provenance import commit, machine, versions
from workbench.registry import nearest
from workbench.runs.compare import APART, diff
from workbench.runs.record import input_digests, means
from workbench.runs.run import Run, RunError


@dataclass(frozen=True)
class Rerun:
    """``same``: every metric to the last digit, of the same question. ``said``: what differs, in the words of `compare.diff`."""

    run: Run
    metrics: Mapping[str, float]
    said: tuple[str, ...]

    @property
    def same(self) -> bool:
        return dict(self.metrics) == self.run.metrics and APART not in self.said


def rerun(run: Run, case: Case | None = None, encoder: str | None = None) -> Rerun:
    """Evaluate a run's setting again; nothing is recorded.

    case: where the run's own was made by hand. encoder: what to load where the run's id does not say (a folder's id has
    no path). Raises RunError where the method or the recomposer cannot be made again or a mitigator was behind it, and
    what `load_case` raises.
    """
    if run.mitigator is not None:
        raise RunError(
            f"run {run.id}: the mitigator {run.mitigator} was behind its scores, and its record cannot make it again; "
            "evaluate it as it was made, and compare: diff(first, second)"
        )
    method = method_of(run)
    case = case_of(run, method, encoder) if case is None else case
    frame = evaluate(case, {run.name: method}, list(run.metrics))
    metrics = means(frame)
    at = commit()
    now = run.model_copy(
        update={
            "metrics": metrics,
            "benchmark": case.benchmark.name,
            "split": case.benchmark.split,
            "protocol": dict(case.benchmark.protocol),
            "wording": dataclasses.asdict(case.wording),
            "encoder": case.encoder,
            "makers": dict(case.makers) if run.makers else {},
            "interventions": case.interventions,
            "captions": run.captions and case.captions,
            "recomposer": run.recomposer and case.recomposer,
            "digests": input_digests(case, method),
            "versions": versions(),
            "machine": machine(),
            "commit": at.id,
            "dirty": at.dirty,
        }
    )
    return Rerun(run, metrics, tuple(diff(run, now)))


def method_of(run: Run) -> Method:
    """The method as it was. Raises RunError for a parameter that only its digest was kept of, or that is unknown now."""
    return _made({"method": run.method, **run.params}, run)


def case_of(run: Run, method: Method, encoder: str | None = None) -> Case:
    """The run's case, loaded by the names in its record. Raises RunError where its rows were changed afterwards."""
    if run.interventions:
        raise RunError(
            f"run {run.id}: its rows were changed ({'; '.join(run.interventions)}); make that case yourself and give it: "
            "rerun(run, case)"
        )
    if any(part in ENSEMBLE for part, _ in method.terms):
        raise RunError(
            f"run {run.id}: PDV on LDRE's ensembles, and its record does not say which LDRE; make that case yourself and "
            "give it: rerun(run, case.with_parts(LDRE(...).ensembles(case)))"
        )
    with hints(run, encoder):
        return load_case(
            run.benchmark,
            encoder or run.encoder.partition("@")[0],
            run.split,
            terms=method.terms,
            recomposer=recomposer_name(run.recomposer) if run.recomposer else None,
            wording=Wording(**run.wording),
        )


@contextmanager
def hints(run: Run, encoder: str | None = None) -> Iterator[None]:
    """What a record holds no path of is named, with the option that gives it: an encoder's file or folder, a benchmark's."""
    try:
        yield
    except EncoderError as error:
        if encoder is not None:
            raise
        raise RunError(
            f"run {run.id}: its encoder is {run.encoder}, and {str(error).partition('. ')[0]}; where it was a file or a "
            "folder, give it again: --encoder MODEL:/weights.safetensors or --encoder local-dir:/folder"
        ) from error
    except HomeError as error:
        raise RunError(f"run {run.id}: {error} Or say where it lies: --root FOLDER") from error


def recomposer_name(id: str) -> str:
    """The registered recomposer with this id. Raises RunError where none has it."""
    prefix = id.partition("@")[0].partition(":")[0]
    if prefix in RECOMPOSERS.names():  # by name first: to look at every class would import them all
        return prefix
    known = {name: getattr(RECOMPOSERS.get(name), "id", None) for name in RECOMPOSERS.names()}
    found = [name for name, one in known.items() if one == id]
    if not found:
        raise RunError(
            f"no recomposer has the id {id!r}.{nearest(id, known)} Known: {', '.join(known)}; give its records, "
            "--edits FILE, or make the case yourself: rerun(run, case)"
        )
    return found[0]


def _made(params: Mapping, run: Run):
    """A method from its name and fields; lists become tuples, as fields of frozen dataclasses are."""
    kind = METHODS.get(params["method"])
    fields = {field.name for field in dataclasses.fields(kind)}
    given = {name: _value(value, run) for name, value in params.items() if name != "method"}
    unknown = [name for name in given if name not in fields]
    if unknown:
        raise RunError(
            f"run {run.id}: {params['method']} has no {unknown[0]!r} any more; it has {', '.join(fields)}"
        )
    return kind(**given)


def _value(value, run: Run):
    if isinstance(value, list):
        return tuple(_value(item, run) for item in value)
    if isinstance(value, Mapping):
        if "method" in value:
            return _made(value, run)
        if set(value) == {"sha256"}:
            raise RunError(f"run {run.id}: a parameter was an array, of which only the digest was kept")
        return {name: _value(item, run) for name, item in value.items()}
    return value
