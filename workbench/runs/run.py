"""What a run is: one setting of one method on one case, its metrics, and everything they depend on."""

from __future__ import annotations

import secrets
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from workbench.errors import UserError
from workbench.registry import nearest

ID_BYTES = 5
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Number = Annotated[float, Field(allow_inf_nan=False)]


class RunError(UserError, ValueError):
    """A run cannot be written, read, found or compared; the message names the run, the file or the field."""


class Run(BaseModel):
    """One evaluated setting.

    ``name`` is what results tables call it; ``method`` and ``params`` are the registered name and every parameter,
    defaults included. ``encoder``, ``captions``, ``recomposer``, ``mitigator`` and the ``makers`` of pseudo-words are
    ids (None: not used); ``interventions`` are the ids of what was done to the case's rows, in order. ``digests`` has a SHA-256 for each input by name: "queries", "gallery", "qrels default", "part
    modification", "view image", "text composed_caption" (captions and edits as they were used), "corpus subjects",
    "verdicts m"; one for the package's sources ("code") and one for what was kept of each query ("per query").
    ``metrics`` are means as the benchmark's protocol takes them, in full precision, ``official`` what the set's own
    evaluation prints, under its own names, where that is more than those means; ``chosen`` says on which data the
    setting was picked, where it was; ``notes`` is free. Seconds are those of scoring and ranking, not of encoding.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal[1] = 1
    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{10}$")]
    created: Annotated[AwareDatetime, Field(strict=False)]
    name: str
    method: str
    params: dict[str, object]
    benchmark: str
    split: str
    protocol: dict[str, str]
    wording: dict[str, str | None]
    encoder: str
    captions: str | None
    recomposer: str | None
    makers: dict[str, str]
    mitigator: str | None
    interventions: tuple[str, ...] = ()
    queries: int
    gallery: int
    failures: int
    seed: int | None
    metrics: dict[str, Number]
    official: dict[str, Number] = Field(default_factory=dict)
    chosen: dict[str, str]
    digests: dict[str, Digest]
    versions: dict[str, str]
    machine: str
    commit: str | None
    dirty: bool | None
    wall_seconds: Number
    cpu_seconds: Number
    notes: dict[str, str]


def new_id() -> str:
    """Ten hex digits, drawn anew: the same setting run twice is two runs."""
    return secrets.token_hex(ID_BYTES)


def parse_run(line: str | bytes, where: str) -> Run:
    """A run from its line. Raises RunError with ``where`` and the first field that is wrong."""
    try:
        return Run.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the line"
        raise RunError(f"{where} is not a run: {field}: {first['msg']}") from error


def find_run(runs: list[Run], id: str) -> Run:
    """The run whose id begins with ``id``. Raises RunError where none or several do."""
    found = [run for run in runs if run.id.startswith(id)] if id else []
    if len(found) != 1:
        ids = [run.id for run in found or runs]
        many = (
            f"{len(found)} runs begin so: {', '.join(ids)}"
            if found
            else f"There are {len(runs)} runs here: workbench runs list"
        )
        raise RunError(f"no single run is called {id!r}.{'' if found else nearest(id, ids)} {many}")
    return found[0]
