"""From an evaluated method to its run: what went in is digested, what came out is kept, per query and as means."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import pandas as pd

from workbench.evaluation import CHOSEN, evaluate, metric_columns
from workbench.methods.base import METHODS, LinearMethod, Method, label
from workbench.official import official_of
from workbench.protocol import groups_of, protocol_of
from workbench.provenance import array_digest, code_digest, commit, machine, text_digest, versions
from workbench.runs.run import Run, RunError, new_id
from workbench.runs.store import append_run, write_queries

WORDLESS = {
    "reference_image",
    "modification",
    "image",
}  # parts and views that need no captioner and no recomposer


def evaluate_and_record(
    case,
    methods: Mapping[str, Method] | Sequence[Method],
    metrics: Sequence[str] | None = None,
    *,
    seed: int | None = None,
    notes: Mapping[str, str] | None = None,
    folder: Path | str | None = None,
) -> tuple[pd.DataFrame, list[Run]]:
    """`evaluation.evaluate`, and a run of each method appended to runs/; gives back the frame and the runs.

    Raises as `evaluate`, and RunError where a method's parameters cannot be written down.
    """
    named = methods if isinstance(methods, Mapping) else {label(method): method for method in methods}
    frames, runs, known = [], [], {}
    for name, method in named.items():  # recorded one by one: what is stopped has lost one method at most
        wall, cpu = perf_counter(), process_time()
        frame = evaluate(case, {name: method}, metrics)
        time = perf_counter() - wall, process_time() - cpu
        frames.append(frame)
        runs.append(
            record(
                case,
                method,
                frame,
                name=name,
                seconds=time,
                seed=seed,
                notes=notes,
                folder=folder,
                known=known,
            )
        )
    return pd.concat(frames, ignore_index=True), runs


def record(
    case,
    method: Method,
    frame: pd.DataFrame,
    *,
    name: str | None = None,
    mitigator: str | None = None,
    seconds: tuple[float, float] = (0.0, 0.0),
    seed: int | None = None,
    notes: Mapping[str, str] | None = None,
    folder: Path | str | None = None,
    known: dict[str, str] | None = None,
) -> Run:
    """Append the run of one method on one case; ``frame`` is what `evaluate` gave for it, one row per query.

    seconds: wall and CPU. known: digests of the case that were taken before, and are added to.
    Raises RunError where the frame is not this case's, or the parameters cannot be written down.
    """
    frame = _own_rows(case, frame)
    made, at = new_id(), commit()
    run = Run(
        id=made,
        created=datetime.now(UTC),
        name=name or label(method),
        method=method_name(method),
        params=parameters(method),
        **_of_case(case, method),
        mitigator=mitigator,
        seed=seed,
        metrics=means(frame),
        official=official_of(case.benchmark, frame) if case.benchmark.summaries else {},
        chosen={
            name: str(frame[name].iloc[0]) for name in CHOSEN if name in frame and frame[name].notna().all()
        },
        digests=input_digests(case, method, known) | {"per query": write_queries(made, frame, folder)},
        versions=versions(),
        machine=machine(),
        commit=at.id,
        dirty=at.dirty,
        wall_seconds=seconds[0],
        cpu_seconds=seconds[1],
        notes=dict(notes or {}),
    )
    return append_run(run, folder)


def _own_rows(case, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame without its method. Raises RunError where it is not of the case's queries, or of several settings."""
    if "fold" in frame:
        raise RunError(
            "the frame is of nested cross-validation, where each fold has its own setting; a run has one"
        )
    queries = [query.id for query in case.benchmark.queries]
    if frame["query"].tolist() != queries:
        raise RunError(
            f"the frame has {len(frame)} rows, expected one for each of the case's {len(queries)} queries in order"
        )
    return frame.drop(columns="method", errors="ignore").reset_index(drop=True)


def _of_case(case, method: Method) -> dict[str, object]:
    """The fields of a run that its case gives; who wrote the captions only where the method uses words of theirs."""
    bench = case.benchmark
    worded = not {name for term in method.terms for name in term} <= WORDLESS
    return {
        "benchmark": bench.name,
        "split": bench.split,
        "protocol": dict(bench.protocol),
        "wording": dataclasses.asdict(case.wording),
        "encoder": case.encoder,
        "captions": case.captions if worded else None,
        "recomposer": case.recomposer if worded else None,
        "makers": dict(case.makers) if worded else {},
        "queries": len(bench.queries),
        "gallery": len(bench.gallery),
        "failures": len(case.failures) if worded else 0,
        "interventions": case.interventions,
    }


def means(frame: pd.DataFrame) -> dict[str, float]:
    """Each metric of one method's rows, averaged as the benchmark's protocol says."""
    metrics = metric_columns(frame)
    values = frame[metrics].to_numpy(np.float64)
    plain = protocol_of(frame).get("mean over", "queries") == "queries"
    averages = values.mean(axis=0) if plain else groups_of(frame).average(values)
    return dict(zip(metrics, averages.tolist(), strict=True))


def method_name(method: Method) -> str:
    """The name that a method's class is registered under. Raises RunError for one that is not."""
    names = [name for name in METHODS.names() if METHODS.get(name) is type(method)]
    if not names:
        raise RunError(
            f"{type(method).__name__} is not registered as a method; register it: @METHODS.register(...)"
        )
    return names[0]


def parameters(method: Method) -> dict[str, object]:
    """Every field of a method as JSON can hold it, defaults included.

    Raises RunError for a field that is neither text, number, a list or mapping of such, nor a method itself.
    """
    return {
        field.name: _jsonable(getattr(method, field.name), f"{type(method).__name__}.{field.name}")
        for field in dataclasses.fields(method)
    }


def input_digests(case, method: Method, known: dict[str, str] | None = None) -> dict[str, str]:
    """A SHA-256 for everything a method's numbers depend on in this case, by name; see `Run`.

    known: digests taken before are read from it and new ones added, so that an array shared by many is read once.
    """
    known = {} if known is None else known
    bench = case.benchmark
    takers = {
        "code": code_digest,
        "queries": lambda: text_digest(
            text for q in bench.queries for text in (q.id, q.reference_image, *q.modification)
        ),
        "gallery": lambda: text_digest(bench.gallery.ids),
    }
    takers |= {f"qrels {name}": lambda one=one: _qrels_digest(one) for name, one in bench.qrels.items()}
    parts, views = ({term[i] for term in method.terms} for i in (0, 1))
    takers |= {f"part {name}": lambda rows=case.parts[name]: array_digest(rows) for name in sorted(parts)}
    takers |= {f"view {name}": lambda rows=case.views[name]: array_digest(rows) for name in sorted(views)}
    texts = sorted((parts | views) & set(case.texts))
    takers |= {f"text {name}": lambda texts=case.texts[name]: text_digest(texts) for name in texts}
    if not isinstance(method, LinearMethod):  # only these may read more of a case than their terms
        takers |= {
            f"corpus {name}": lambda rows=rows: array_digest(rows) for name, rows in case.corpora.items()
        }
        takers |= {f"verdicts {name}": lambda one=one: one.digest for name, one in case.verdicts.items()}
    for name, take in takers.items():
        if name not in known:
            known[name] = take()
    return {name: known[name] for name in takers}


def _qrels_digest(qrels) -> str:
    candidates = "none" if qrels.candidates is None else array_digest(qrels.candidates)
    return text_digest([array_digest(qrels.targets), array_digest(qrels.excluded), candidates])


def _jsonable(value, where: str):
    """Plain values as they are, NumPy's as Python's, methods as their name and fields, arrays as their digest."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_jsonable(item, where) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item, where) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return {"sha256": array_digest(value)}
    if dataclasses.is_dataclass(value) and type(value) in map(METHODS.get, METHODS.names()):
        return {"method": method_name(value), **parameters(value)}
    raise RunError(f"{where} is a {type(value).__name__}, expected text, numbers, lists or mappings of them")
