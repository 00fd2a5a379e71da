"""Keys of servers: where they are read from, and how they are kept out of everything that is written.

A key is named, never given: the name is an environment variable, or an entry of a TOML file that only its owner can
read (``OPENAI_API_KEY = "..."`` in ``~/.config/workbench/keys.toml``; ``WORKBENCH_KEYS`` names another file). The
variable goes first. Left out: the operating system's keyrings.
"""

from __future__ import annotations

import logging
import os
import stat
import tomllib
from pathlib import Path

from pydantic import SecretStr

from workbench.errors import UserError
from workbench.registry import nearest

VARIABLE = "WORKBENCH_KEYS"
BLOT = "***"
# A filter of a logger is not asked about its children's records, hence every one by name.
_PARTS = ("connection", "http11", "http2", "proxy", "socks")
_LOGGERS = ("openai._base_client", "httpx2", *(f"httpcore2.{part}" for part in _PARTS))


class MissingKey(UserError, LookupError):
    """No key under this name, neither in the environment nor in the keys file."""


class KeysFileError(UserError, ValueError):
    """The keys file can be read by others, or is not a table of strings. Never quotes the file."""


def find_key(name: str) -> SecretStr:
    """The key called ``name``; print it and you see stars.

    Raises MissingKey with both places that were searched, and KeysFileError.
    """
    value = os.environ.get(name, "").strip()
    if value:
        return SecretStr(value)
    known = _read(keys_file())
    if name in known:
        return known[name]
    raise MissingKey(
        f'no key called {name!r}: set the environment variable {name}, or write {name} = "..." into {keys_file()}'
        f"{nearest(name, known)}"
    )


def keys_file() -> Path:
    """Where the keys file lies, whether it exists or not."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    config = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(config).expanduser() / "workbench" / "keys.toml"


def blot(text: str, key: SecretStr | None) -> str:
    """``text`` with every appearance of the key blotted out."""
    value = key.get_secret_value() if key else ""
    return text.replace(value, BLOT) if value else text


def hide_in_logs(key: SecretStr) -> None:
    """Blot the key out of what the HTTP client logs: it logs, when asked to, the headers that a server sends."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_filter)
    _filter.keys.add(key)


class _Blotting(logging.Filter):
    def __init__(self):
        super().__init__()
        self.keys: set[SecretStr] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        told = record.getMessage()
        for key in self.keys:
            told = blot(told, key)
        record.msg, record.args = told, None
        return True


_filter = _Blotting()


def _read(path: Path) -> dict[str, SecretStr]:
    if not path.is_file():
        return {}
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeysFileError(f"{path} can be read by others: chmod 600 {path}")
    keys = _parse(path)
    if keys is None:  # what went wrong is not said: it could quote a key
        raise KeysFileError(
            f'{path} is not a TOML table of keys: expected lines such as OPENAI_API_KEY = "..."'
        )
    return keys


def _parse(path: Path) -> dict[str, SecretStr] | None:
    try:
        table = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return None
    if not all(isinstance(value, str) and value.strip() for value in table.values()):
        return None
    return {name: SecretStr(value.strip()) for name, value in table.items()}
