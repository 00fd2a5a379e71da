"""A notebook's parameters, and whether values fit them, before any kernel starts: papermill runs typos and wrong types.

A grid of a method's fields is checked, too, where the notebook makes it of its parameters with `axis_values`: a typo
in {alpha_txt: [0, 1, 5]} is one, though the parameter's name, axes, is right. Left out: parameters that are not
literals; the hygiene test of this project's own notebooks allows none.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.batch.spec import SpecError
from workbench.registry import nearest

TAG = "parameters"
GRID = "axis_values"


def notebook_parameters(path: Path | str) -> dict[str, object]:
    """Names and defaults from the cell tagged "parameters".

    Raises SpecError where there is no such notebook, no such cell or several, or a default is not a literal.
    """
    cells = [cell for cell in _cells(path) if TAG in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise SpecError(f"{_short(path)} has {len(cells)} cells tagged {TAG!r}, expected one")
    found = {}
    try:
        for statement in ast.parse(cells[0].source).body:
            if isinstance(statement, ast.AnnAssign):
                found[statement.target.id] = ast.literal_eval(statement.value)
            elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                found[statement.targets[0].id] = ast.literal_eval(statement.value)
            else:
                raise ValueError
    except (SyntaxError, ValueError, AttributeError, TypeError):
        raise SpecError(
            f"{_short(path)}: its parameters cell must hold only lines such as alpha = 0.5"
        ) from None
    return found


def source_digest(path: Path | str) -> str:
    """SHA-256 of what the notebook runs: its code in order. Outputs and prose do not count."""
    code = [cell.source for cell in _cells(path) if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()


def check_values(values: Mapping[str, object], known: Mapping[str, object], notebook: Path | str) -> None:
    """Raises SpecError for the first name the notebook does not have, or value of another type than its default.

    An integer will do for a float, a list for a tuple, and anything for a default of None. The items of a list of
    plain values are held to the types of the default's.
    """
    for name, value in values.items():
        if name not in known:
            raise SpecError(
                f"{_short(notebook)} has no parameter {name!r}.{nearest(name, known)} It has {', '.join(known)}"
            )
        wrong = _misfit(value, known[name])
        if wrong:
            hint = "; YAML reads 1e-3 as text, write 1.0e-3" if _looks_like_a_number(value) else ""
            raise SpecError(f"{_short(notebook)}: {name} is {value!r}, {wrong} such as {known[name]!r}{hint}")


def grid_parameters(path: Path | str, known: Mapping[str, object]) -> list[tuple[str, str]]:
    """The pairs of parameters, (method, axes), that the notebook calls `axis_values` with."""
    found = []
    for cell in _cells(path):
        if cell.cell_type == "code" and GRID in cell.source:
            calls = [node for node in ast.walk(_parsed(cell.source)) if isinstance(node, ast.Call)]
            names = [
                tuple(getattr(one, "id", None) for one in call.args) for call in calls if _makes_grid(call)
            ]
            found += [pair for pair in names if len(pair) == 2 and set(pair) <= set(known)]
    return found


def check_grids(values: Mapping[str, object], pairs: Sequence[tuple[str, str]], notebook: Path | str) -> None:
    """Raises SpecError for a method or a field that does not exist, or a value that the method refuses."""
    from workbench.methods.base import (
        MethodError,
    )  # with `sweep` it costs a second, and few notebooks need it
    from workbench.registry import UnknownName
    from workbench.sweep import axis_values, grid

    for method, axes in pairs:
        try:
            grid(values[method], **axis_values(values[method], values[axes]))
        except (UnknownName, MethodError) as error:
            raise SpecError(
                f"{_short(notebook)}: {axes} is {values[axes]!r} for {method} {values[method]!r}: {error}"
            ) from error


def _makes_grid(call: ast.Call) -> bool:
    return getattr(call.func, "id", getattr(call.func, "attr", None)) == GRID


def _parsed(source: str) -> ast.AST:
    """The code's tree; empty for a cell with a magic, which is not plain Python."""
    try:
        return ast.parse(source)
    except SyntaxError:
        return ast.Module([], [])


def _misfit(value, default) -> str:
    """What was expected instead of the value, or nothing."""
    if not _plain(value):
        return f"which cannot be handed to a notebook ({type(value).__name__}); expected"
    if default is None or _same_type(value, default):
        return _items_misfit(value, default)
    return f"expected {type(default).__name__}"


def _items_misfit(value, default) -> str:
    scalars = (
        isinstance(default, list | tuple)
        and default
        and all(not isinstance(x, list | dict | tuple) for x in default)
    )
    if not scalars:
        return ""
    wrong = [item for item in value if not any(_same_type(item, one) for one in default)]
    kinds = " or ".join(dict.fromkeys(type(one).__name__ for one in default))
    return f"whose {wrong[0]!r} is not {kinds}: expected a list" if wrong else ""


def _same_type(value, default) -> bool:
    pair = (type(value), type(default))
    return pair[0] is pair[1] or pair in ((int, float), (list, tuple))


def _plain(value) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _plain(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    return value is None or isinstance(value, str | bool | int | float)


def _looks_like_a_number(value) -> bool:
    try:
        return isinstance(value, str) and float(value) is not None
    except ValueError:
        return False


def _cells(path: Path | str) -> list:
    import nbformat  # the `notebooks` extra

    try:
        return nbformat.read(path, as_version=4).cells
    except FileNotFoundError:
        raise SpecError(f"there is no notebook {path}") from None
    except (
        nbformat.reader.NotJSONError,
        nbformat.ValidationError,
        AttributeError,
        UnicodeDecodeError,
    ) as error:
        raise SpecError(f"{path} is not a notebook: {type(error).__name__}") from error


def _short(path: Path | str) -> str:
    return Path(path).name
