"""Where data/, figures/, runs/ and cache/ lie: in the clone, or where `WORKBENCH_HOME` points.

Nothing is created here: who writes makes the folder.
"""

from __future__ import annotations

import os
from pathlib import Path

from workbench.errors import UserError

VARIABLE = "WORKBENCH_HOME"
_HOW = (
    f"Clone the repository and work in it, or set {VARIABLE} to a clone "
    "(a folder that holds data/tinycir and data/models)."
)


class HomeError(UserError, FileNotFoundError):
    """The folder that should hold the workbench's data was not found; the message says how to get it."""


class PathEscape(UserError, ValueError):
    """A path leads out of the folder it must stay in."""


def home() -> Path:
    """The folder that holds data/, figures/, runs/ and cache/. Raises HomeError where there is none."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        folder = Path(chosen).expanduser().resolve()
        if not folder.is_dir():
            raise HomeError(f"{VARIABLE} is {chosen!r}, which is not a folder. {_HOW}")
        return folder
    clone = Path(__file__).resolve().parents[1]
    if (clone / "pyproject.toml").is_file() and (clone / "data").is_dir():
        return clone
    raise HomeError(f"The installed package carries no data, and {VARIABLE} is not set. {_HOW}")


def data_root() -> Path:
    """Benchmarks and models."""
    return home() / "data"


def figures_root() -> Path:
    """Figures that notebooks write, as SVG."""
    return home() / "figures"


def runs_root() -> Path:
    """Results of sweeps and batches."""
    return home() / "runs"


def cache_root() -> Path:
    """Embeddings and other things that can be computed again."""
    return home() / "cache"


def benchmark_root(name: str) -> Path:
    """data/<name>. Raises HomeError, saying how to get it, where there is no such folder."""
    folder = data_root() / name
    if not folder.is_dir():
        how = _HOW if name == "tinycir" else f"See data/README.md for how to get {name}."
        raise HomeError(f"benchmark {name!r} was not found at {folder}. {how}")
    return folder


def inside(root: Path | str, path: Path | str) -> Path:
    """`root / path`, resolved. Raises PathEscape where that lies outside `root` ("../x", "/etc", a link out)."""
    root = Path(root).resolve()
    full = (root / path).resolve()
    if not full.is_relative_to(root):
        raise PathEscape(f"{str(path)!r} leads out of {root}")
    return full


def inside_lexically(path: str) -> str:
    """`path` without "." and empty parts, from its text alone. Raises PathEscape for an absolute one or one with "..".

    >>> inside_lexically("./dev/a.png")
    'dev/a.png'
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or ".." in parts or "\\" in path or "\0" in path:
        raise PathEscape(f"{path!r} leads out of its folder")
    return "/".join(parts)
