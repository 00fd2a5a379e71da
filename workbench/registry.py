"""One Registry for everything that can be added by name: methods, benchmarks, metrics, encoders ...

A thing is registered by a decorator, declared as "module:attribute" (imported only when asked for), or announced by
another package as an entry point. Left out: options, aliases, scanning of folders.
"""

from __future__ import annotations

import difflib
import importlib
from importlib import metadata
from typing import Any

from workbench.errors import UserError


class UnknownName(UserError, KeyError):
    """A name that nothing was registered under; the message lists the nearest and all valid ones."""

    def __str__(self) -> str:  # KeyError would print the message with quotes around it
        return self.args[0]


class DuplicateName(ValueError):
    """Two different things under one name."""


def nearest(name: str, names) -> str:
    """ " Did you mean 'recall'?" or nothing: the end of an error message.

    >>> nearest("recal", ["recall", "hit"])
    " Did you mean 'recall'?"
    """
    close = difflib.get_close_matches(str(name), [str(n) for n in names], n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""


class Registry:
    """Names to things of one kind.

    >>> SHAPES = Registry("shape")
    >>> @SHAPES.register("circle")
    ... class Circle: ...
    >>> SHAPES.get("circle").__name__, SHAPES.names()
    ('Circle', ('circle',))
    >>> SHAPES.get("circel")
    Traceback (most recent call last):
    workbench.registry.UnknownName: no shape is called 'circel'. Did you mean 'circle'? Known: circle
    """

    def __init__(self, kind: str, entry_point_group: str | None = None):
        self.kind = kind
        self.entry_point_group = entry_point_group
        self._things: dict[str, Any] = {}
        self._declared: dict[str, str] = {}

    def register(self, name: str):
        """Decorator: `@METHODS.register("pdv_f")`. Registering a redefinition (a notebook cell run twice) replaces it."""

        def keep(thing):
            known = self._things.get(name)
            if known is not None and _origin(known) != _origin(thing):
                raise DuplicateName(f"{self.kind} {name!r} is already {_origin(known)}; got {_origin(thing)}")
            self._things[name] = thing
            return thing

        return keep

    def declare(self, name: str, path: str) -> None:
        """Makes "package.module:attribute" known as `name` without importing it."""
        if self._declared.get(name, path) != path:
            raise DuplicateName(f"{self.kind} {name!r} is already {self._declared[name]}; got {path}")
        self._declared[name] = path

    def get(self, name: str):
        """The thing registered as `name`. Raises UnknownName with the nearest valid name."""
        if name in self._things:
            return self._things[name]
        if name in self._declared:
            module, _, attribute = self._declared[name].partition(":")
            return getattr(importlib.import_module(module), attribute)
        announced = self._announced()
        if name in announced:
            return announced[name].load()
        names = self.names()
        raise UnknownName(
            f"no {self.kind} is called {name!r}.{nearest(name, names)} Known: {', '.join(names) or 'none'}"
        )

    def name_of(self, thing) -> str | None:
        """The (first) name that gives `thing`, None where none does; other packages are asked last, which takes long."""
        own = sorted(name for name, known in self._things.items() if known is thing)
        return own[0] if own else next((name for name in self.names() if self.get(name) is thing), None)

    def names(self) -> tuple[str, ...]:
        """Every name that `get` accepts, in alphabetical order."""
        return tuple(sorted({*self._things, *self._declared, *self._announced()}))

    def __contains__(self, name: str) -> bool:
        return name in self.names()

    def _announced(self) -> dict[str, metadata.EntryPoint]:
        if self.entry_point_group is None:
            return {}
        return {point.name: point for point in metadata.entry_points(group=self.entry_point_group)}


def _origin(thing) -> str:
    return f"{getattr(thing, '__module__', '?')}.{getattr(thing, '__qualname__', repr(thing))}"
