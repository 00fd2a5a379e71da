"""What a sweep file says: which notebook, with which parameters, where to and how; and the jobs that makes.

    notebook: ../notebooks/10_ablation.ipynb     # beside the sweep file, or from there
    parameters: {benchmark: tinycir}             # the same for every job
    cases:                                       # one job each ...
      - {method: pdv_t, axes: {alpha_text: [0, 2, 21]}}
      - {method: pdv_i, axes: {alpha_image: [0, 2, 21]}}
    grid: {encoder: [tiny-coca, "ViT-B-32:openai"]}   # ... times every combination of these
    out: pdv                                     # runs/pdv; the sweep file's name unless given
    timeout: 600                                 # seconds that one cell may take
    retries: 1
    executor: {kind: dask, workers: 2}

"{job}" in a text value becomes the job's name, so that jobs side by side write no file twice. Read by PyYAML's
safe loader: a file can hold values, nothing that runs.
"""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, field_validator

from workbench.errors import UserError
from workbench.paths import inside, runs_root
from workbench.registry import nearest

TIMEOUT = 600  # papermill's own default is none at all


class SpecError(UserError, ValueError):
    """A sweep file cannot be read, or asks for what its notebook does not have; names the file and the field."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InProcess(_Model):
    """One notebook after the other, here."""

    kind: Literal["in-process"] = "in-process"


class Dask(_Model):
    """Worker processes of a cluster on this machine, or of any scheduler that listens at ``address``."""

    kind: Literal["dask"] = "dask"
    workers: PositiveInt = 2
    address: str | None = None


class Submitit(_Model):
    """One SLURM job per notebook ("local": the same, as processes here). ``options`` go to `update_parameters`."""

    kind: Literal["submitit"] = "submitit"
    cluster: Literal["slurm", "local"] = "slurm"
    options: dict[str, str | int | float | bool] = {}


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a key that is given twice; PyYAML alone would silently take the last."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = [key for key in keys if keys.count(key) > 1]
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f"{twice[0]!r} is given twice", node.start_mark
            )
        return super().construct_mapping(node, deep)


Values = dict[str, object]
KINDS = {"in-process": InProcess, "dask": Dask, "submitit": Submitit}


class Spec(_Model):
    """A sweep file's content; see the module."""

    notebook: Path
    parameters: Values = {}
    cases: Annotated[list[Values], Field(min_length=1)] = [{}]
    grid: dict[str, Annotated[list[object], Field(min_length=1)]] = {}
    out: str = ""
    timeout: PositiveInt = TIMEOUT
    retries: Annotated[int, Field(ge=0, le=10)] = 1
    executor: Annotated[InProcess | Dask | Submitit, Field(discriminator="kind")] = InProcess()

    @field_validator("executor", mode="before")
    @classmethod
    def _by_name(cls, value):
        return {"kind": value} if isinstance(value, str) else value

    @property
    def folder(self) -> Path:
        """Where everything is written. Raises PathEscape where it is not below runs/."""
        return inside(runs_root(), self.out)

    def settings(self) -> list[Values]:
        """The parameters of every job: each case times each point of the grid. Raises SpecError for two alike."""
        for case in self.cases:
            both = sorted(set(case) & set(self.grid))
            if both:
                raise SpecError(f"{both[0]!r} is set by a case and by the grid; which one is meant?")
        points = [
            dict(zip(self.grid, point, strict=True)) for point in itertools.product(*self.grid.values())
        ]
        settings = [self.parameters | case | point for case in self.cases for point in points]
        seen: dict[str, int] = {}
        for number, one in enumerate(settings, start=1):
            first = seen.setdefault(json.dumps(one, sort_keys=True, default=repr), number)
            if first != number:
                raise SpecError(f"jobs {first} and {number} are the same: {one}")
        return settings

    def varying(self) -> list[str]:
        """The names that tell jobs apart."""
        return list(dict.fromkeys([*(name for case in self.cases for name in case), *self.grid]))


@dataclass(frozen=True)
class Job:
    """One notebook to run: plain values and absolute paths, so that it can travel to another machine.

    ``name`` is made of what tells jobs apart and ``digest`` of all that its result depends on.
    """

    name: str
    digest: str
    notebook: str
    parameters: Values
    folder: str
    timeout: int
    retries: int


def read_spec(path: Path | str) -> Spec:
    """A sweep file. Raises SpecError with the first field that is wrong and the nearest right name."""
    path = Path(path)
    try:
        data = yaml.load(path.read_text("utf-8"), _UniqueKeys)
        if not isinstance(data, dict):
            raise SpecError(f"{path}: expected fields such as notebook:, got {type(data).__name__}")
        spec = Spec.model_validate(data)
    except FileNotFoundError:
        raise SpecError(f"{path}: there is no such sweep file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SpecError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        raise SpecError(f"{path}: {_first_problem(error)}") from error
    notebook = (path.parent / spec.notebook).resolve()
    return spec.model_copy(update={"notebook": notebook, "out": spec.out or path.stem})


def job_name(values: Values, varying: list[str], digest: str) -> str:
    """A file name that tells what is in it: letters, digits and a few signs, the digest's beginning at its end.

    >>> job_name({"method": "pdv_t", "axes": {"alpha": [0, 1]}}, ["method", "axes"], "0123456789abcdef")
    'method=pdv_t,axes=alpha-0,1-01234567'
    """
    said = ",".join(f"{name}={values[name]}" for name in varying if name in values)
    plain = re.sub(r"(?<!\d)\.|\.(?!\d)|[^A-Za-z0-9_=,.]", "-", said)  # a dot stays within a number
    plain = re.sub(r"-*([,=-])-*", r"\1", plain)[:80].strip("-.,")
    return "-".join(part for part in (plain, digest[:8]) if part)


def _first_problem(error: ValidationError) -> str:
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")  # a typo also leaves a gap
    where = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        model = KINDS.get(where[1], Spec) if where[0] == "executor" and len(where) > 2 else Spec
        known = list(model.model_fields)
        return f"there is no field {'.'.join(where)}.{nearest(where[-1], known)} Known: {', '.join(known)}"
    return f"{'.'.join(where)}: {first['msg']}"
