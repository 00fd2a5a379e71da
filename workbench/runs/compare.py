"""Why two runs differ, in words; which runs may stand in one table; their numbers per query as one frame.

Left out: intervals and tests, which `evaluation.results_table` makes of that frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import pandas as pd

from workbench.registry import nearest
from workbench.runs.run import Run, RunError
from workbench.runs.store import read_queries

APART = "the metrics cannot be compared"  # said where two runs answer different questions
UNEXPLAINED = (
    "nothing that is recorded explains the metrics: another processor or number of threads, or no fixed seed"
)
ASKED = ("queries", "gallery", "qrels ")  # digests of the question itself, by how their names begin


def diff(first: Run, second: Run) -> list[str]:
    """What differs between two runs, one sentence each, the question first and the numbers last.

    What only follows from something said already (other weights give other rows) is not said again. Where the
    questions differ the metrics are not set against each other.
    """
    said = _question(first, second)
    numbers = [APART] if said else _metrics(first, second)
    said += _setting(first, second) + inputs_changed(first, second) + _surroundings(first, second)
    if not said:
        said = ["the same setting, inputs, code and versions"]
        if any(second.metrics.get(name, value) != value for name, value in first.metrics.items()):
            said.append(UNEXPLAINED)
    return [*said, *numbers]


def mixed(runs: Sequence[Run]) -> list[str]:
    """What runs of one question do not share though they should: inputs of the same name, the package's sources.

    A sentence each, for a table of them: a difference between two of its rows may come from there.
    """
    said: dict[str, tuple[str, str]] = {}
    for one, other in combinations(runs, 2):
        for sentence in inputs_changed(one, other):
            said.setdefault(sentence, (one.id, other.id))
    sentences = [f"{sentence} (between runs {a} and {b})" for sentence, (a, b) in said.items()]
    states: dict[str | None, str] = {}
    for run in runs:
        states.setdefault(run.digests.get("code"), _commit(run))
    if len(states) > 1:
        sentences.append(
            f"made by {len(states)} states of the package's sources, at commits {', '.join(states.values())}"
        )
    return sentences


def check_comparable(runs: Sequence[Run]) -> None:
    """Raises RunError, with the first difference in words, where runs do not answer the same question."""
    for run in runs[1:]:
        said = _question(runs[0], run)
        if said:
            raise RunError(
                f"runs {runs[0].id} ({runs[0].name}) and {run.id} ({run.name}) cannot be compared: {'; '.join(said)}"
            )


def query_frame(
    runs: Sequence[Run], metrics: Sequence[str] | None = None, folder: Path | str | None = None
) -> pd.DataFrame:
    """The runs' numbers per query as `evaluation.evaluate` gives them, ready for `results_table`.

    Column "method" holds each run's name, followed by what sets it apart where two share one. metrics: the first
    run's unless given. Raises RunError where a run has no such metric or answers another question.
    """
    check_comparable(runs)
    wanted = list(metrics or (runs[0].metrics if runs else ()))
    for run in runs:
        for metric in wanted:
            if metric not in run.metrics:
                raise RunError(
                    f"run {run.id} ({run.name}) has no {metric}.{nearest(metric, run.metrics)} "
                    f"It has {', '.join(run.metrics)}"
                )
    frames = []
    for run, name in zip(runs, names(runs), strict=True):
        rows = read_queries(run, folder)
        frames.append(rows.drop(columns=[m for m in run.metrics if m not in wanted]).assign(method=name))
    frame = pd.concat(frames, ignore_index=True)
    return frame[["method", *frame.columns.drop("method")]]


def names(runs: Sequence[Run]) -> list[str]:
    """A name for each run: its own, with encoder, captions ... in brackets where they vary among runs of that name.

    Runs that are still called the same get their id.
    """
    varying = ("encoder", "captions", "recomposer", "mitigator", "interventions", "seed")
    called = []
    for run in runs:
        same = [other for other in runs if other.name == run.name]
        apart = [f for f in varying if len({getattr(other, f) for other in same}) > 1]
        words = [str(getattr(run, f)).partition("@")[0] for f in apart]
        called.append(f"{run.name} [{', '.join(words)}]" if words else run.name)
    return [
        name if called.count(name) == 1 else f"{name} #{run.id}"
        for run, name in zip(runs, called, strict=True)
    ]


def newest(runs: Sequence[Run]) -> list[Run]:
    """Of runs that are the same setting under the same ids the last one, in order of first appearance."""
    last = {}
    for run in sorted(runs, key=lambda run: run.created):
        setting = run.model_dump_json(
            include={"name", "method", "params", "benchmark", "split", "protocol", "wording", "seed"}
            | {"encoder", "captions", "recomposer", "mitigator", "interventions"}
        )
        last[setting] = run
    return list(last.values())


def inputs_changed(first: Run, second: Run) -> list[str]:
    """Which inputs are not the same bytes, unless another difference of the two runs says why already."""
    a, b = first.digests, second.digests
    shared = [name for name in a if name in b and a[name] != b[name] and name != "per query"]
    texts = {name.removeprefix("text ") for name in shared if name.startswith("text ")}
    same_writers = (first.captions, first.recomposer) == (second.captions, second.recomposer)
    said = []
    for text in sorted(texts):
        if text == "modification" and "queries" in shared:
            continue
        if text == "modification" or same_writers:
            source = "caption cache" if "caption" in text else "texts"
            said.append(f"{source}: the {_spoken(text)} texts changed")
    if (first.encoder, first.wording) == (second.encoder, second.wording):
        rows = [n for n in shared if n.startswith(("part ", "view ")) and n.split(" ")[1] not in texts]
        rows = [name for name in rows if "gallery" not in shared or "image" not in name]
        rows += [name for name in shared if name.startswith("corpus ")]
        said += [f"rows: {_spoken(name)} changed (other pictures, or encoded anew)" for name in rows]
    return said + [f"{name} changed" for name in shared if name.startswith("verdicts ")]


def _question(first: Run, second: Run) -> list[str]:
    """Differences in what is asked and what counts as right: with any of them numbers mean different things."""
    said = _fields(first, second, "benchmark", "split")
    said += _mapping("protocol", first.protocol, second.protocol)
    if not said:
        a, b = first.digests, second.digests
        changed = [name for name in a if name.startswith(ASKED) and b.get(name, a[name]) != a[name]]
        said = [f"{name} changed under the same name ({first.benchmark} {first.split})" for name in changed]
    return said


def _setting(first: Run, second: Run) -> list[str]:
    said = _fields(first, second, "method") + _mapping("parameters", first.params, second.params)
    said += _mapping("wording", first.wording, second.wording)
    for field in ("encoder", "captions"):
        said += _model(field, getattr(first, field), getattr(second, field))
    said += _mapping("pseudo-words", first.makers, second.makers)
    return said + _fields(first, second, "recomposer", "mitigator", "interventions", "seed")


def _surroundings(first: Run, second: Run) -> list[str]:
    said = _mapping("versions", first.versions, second.versions) + _fields(first, second, "machine")
    if first.digests.get("code") != second.digests.get("code"):
        said.append(f"code: the package's sources changed, commit {_commit(first)} → {_commit(second)}")
    elif first.commit != second.commit:
        said.append(f"commit: {_commit(first)} → {_commit(second)}; the package's sources are the same")
    return said


def _metrics(first: Run, second: Run) -> list[str]:
    said = []
    for name in dict.fromkeys([*first.metrics, *second.metrics]):
        a, b = first.metrics.get(name), second.metrics.get(name)
        if a is None or b is None:
            said.append(f"metrics: {name} only in {(first if b is None else second).id}")
        else:
            said.append(
                f"metrics: {name} {a!r} → {b!r} ({b - a:+.6f})"
                if a != b
                else f"metrics: {name} {a!r} in both"
            )
    return said


def _fields(first: Run, second: Run, *fields: str) -> list[str]:
    pairs = [(field, getattr(first, field), getattr(second, field)) for field in fields]
    return [f"{field}: {_said(a)} → {_said(b)}" for field, a, b in pairs if a != b]


def _mapping(what: str, first: Mapping, second: Mapping) -> list[str]:
    said = []
    for name in dict.fromkeys([*first, *second]):
        if name not in second or name not in first:
            side = "first" if name in first else "second"
            said.append(f"{what}: {name} {_said((first | second)[name])} only in the {side}")
        elif first[name] != second[name]:
            said.append(f"{what}: {name} {_said(first[name])} → {_said(second[name])}")
    return said


def _model(what: str, first: str | None, second: str | None) -> list[str]:
    """Ids read ``name@weights.recipe``: which of the three is another one."""
    if first == second:
        return []
    if first is None or second is None:
        return [f"{what}: {_said(first)} → {_said(second)}"]
    a, b = first.partition("@"), second.partition("@")
    if a[0] != b[0]:
        return [f"{what}: another model, {first} → {second}"]
    weights = a[2].partition(".")[0] != b[2].partition(".")[0]
    return [f"{what}: {'other weights' if weights else 'inputs prepared differently'}, {first} → {second}"]


def _said(value) -> str:
    return "none" if value is None else str(value)


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _commit(run: Run) -> str:
    return "unknown" if run.commit is None else run.commit[:10] + (" with changes" if run.dirty else "")
