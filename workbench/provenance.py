"""Where numbers come from: versions, the commit, the digests of arrays, texts and code; and what must never be kept.

Nothing here names the machine, the user or a path.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import numpy as np

PACKAGE = Path(__file__).resolve().parent

# What can change a number: read by name, whether or not it is imported.
PACKAGES = (
    *("numpy", "scipy", "pandas", "pillow", "torch", "open_clip_torch", "safetensors"),
    *("tokenizers", "transformers", "openai", "numba", "faiss-cpu"),
)
SHORT = 6  # a secret of fewer characters is only blotted out where it stands alone: "1" is everywhere


class Commit(NamedTuple):
    """The commit that the package lies at, and whether anything is not committed; None where there is no clone."""

    id: str | None
    dirty: bool | None


@cache
def versions() -> dict[str, str]:
    """Version of Python, the workbench, and every package above that is installed."""
    import workbench

    found = {"python": platform.python_version(), "workbench": workbench.__version__}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> str:
    """System and kind of processor, such as "Linux x86_64": last digits depend on it."""
    return f"{platform.system()} {platform.machine()}"


def commit() -> Commit:
    """Asked of git each time: a long session may see commits come."""
    try:
        top = _git("rev-parse", "--show-toplevel")
        if Path(top).resolve() != PACKAGE.parent:  # installed somewhere below another project's clone
            return Commit(None, None)
        return Commit(_git("rev-parse", "HEAD"), bool(_git("status", "--porcelain")))
    except (OSError, subprocess.SubprocessError):
        return Commit(None, None)


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(PACKAGE), *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
    )
    return done.stdout.strip()


def code_digest(package: Path = PACKAGE) -> str:
    """SHA-256 over the package's own sources: tells uncommitted states apart, and does not mind a new README."""
    total = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        total.update(path.relative_to(package).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def array_digest(array: np.ndarray) -> str:
    """SHA-256 over type, shape and numbers, in C order; a memory map is read through once.

    >>> array_digest(np.zeros(2, np.float32)) == array_digest(np.zeros(2, np.float64))
    False
    """
    array = np.asarray(array)
    total = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    total.update(memoryview(np.ascontiguousarray(array)).cast("B") if array.size else b"")
    return total.hexdigest()


def text_digest(texts: Iterable[str]) -> str:
    """SHA-256 over texts in their order; where one ends and the next begins counts.

    >>> text_digest(["ab", "c"]) == text_digest(["a", "bc"])
    False
    """
    total = hashlib.sha256()
    for text in texts:
        total.update(hashlib.sha256(text.encode()).digest())
    return total.hexdigest()


def without_secrets(value):
    """`value` with the values of environment variables named ...TOKEN, ...KEY, ...SECRET, ...PASSWORD and the like blotted out.

    Looks into mappings (keys, too), lists and tuples; anything else than text stays as it is.
    """
    return _blot(value, _secrets())


def _secrets() -> list[str]:
    """Also as they read within JSON; the longest first: one secret may be part of another."""
    kinds = ("TOKEN", "KEY", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIALS")
    found = {value for name, value in os.environ.items() if value and name.upper().endswith(kinds)}
    found |= {json.dumps(value, ensure_ascii=ascii)[1:-1] for value in found for ascii in (True, False)}
    return sorted(found, key=len, reverse=True)


def _blot(value, secrets: list[str]):
    if isinstance(value, str):
        for secret in secrets:
            if len(secret) >= SHORT or value == secret:
                value = value.replace(secret, "***")
        return value
    if isinstance(value, Mapping):
        return {_blot(key, secrets): _blot(item, secrets) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_blot(item, secrets) for item in value)
    return value
