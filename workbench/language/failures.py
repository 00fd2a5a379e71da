"""Why a question to a model got no answer: one class per kind, each knowing whether asking again may help.

Messages name the model and the server's host, quote what the server said where it said something, and hold no key.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from workbench.errors import UserError


class ServerError(UserError, RuntimeError):
    """A question got no usable reply.

    again: asking again may help. fatal: no other question will fare better. spent: the server may have done, and
    counted, the work. wait: seconds the server asked to be left alone for. raw: what it sent, where that was text.
    """

    again = False
    fatal = False
    spent = False

    def __init__(self, message: str, *, wait: float | None = None, raw: object = None):
        super().__init__(message)
        self.wait = wait
        self.raw = raw


class Refused(ServerError):
    """The server will not answer this question (HTTP 4xx), however often it is asked."""


class Denied(Refused):
    """The server will not answer this asker at all: no such model, no or a wrong key (401, 403, 404)."""

    fatal = True


class Busy(ServerError):
    """The server cannot answer now (HTTP 408, 409, 425, 429, 5xx)."""

    again = True


class NoConnection(ServerError):
    """No connection, or one that was lost before the reply was whole."""

    again = True


class CallTimeout(ServerError):
    """The reply was not whole in time: a hang, a trickle, or a model slower than the time-out."""

    again = True
    spent = True


class BadReply(ServerError):
    """A reply came that is none: half a JSON, no choices, no text. ``raw`` holds it."""

    again = True
    spent = True


class UnreadableReply(UserError, ValueError):
    """The model answered, but not in the form that was asked for. ``reply`` is the whole Reply, for the record.

    Raised by those who read replies (recomposers, captioners). Asking again at once would give the same.
    """

    def __init__(self, message: str, reply=None):
        super().__init__(message)
        self.reply = reply


def of_status(status: int) -> type[ServerError]:
    """The class for an HTTP status that is no success."""
    if status in (401, 403, 404):
        return Denied
    return Busy if status in (408, 409, 425, 429) or status >= 500 else Refused


def seconds_to_wait(headers: Mapping[str, str], now: float) -> float | None:
    """What ``retry-after-ms`` or ``Retry-After`` (seconds, or a date compared with ``now``, POSIX seconds) ask for.

    >>> seconds_to_wait({"retry-after": "2.5"}, now=0.0), seconds_to_wait({"retry-after-ms": "300"}, now=0.0)
    (2.5, 0.3)
    >>> seconds_to_wait({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, now=50.0), seconds_to_wait({}, now=0.0)
    (10.0, None)
    """
    try:
        if "retry-after-ms" in headers:
            seconds = float(headers["retry-after-ms"]) / 1000
        else:
            seconds = float(headers["retry-after"])
    except KeyError:
        return None
    except ValueError:
        try:
            seconds = parsedate_to_datetime(headers["retry-after"]).timestamp() - now
        except (KeyError, ValueError):
            return None
    return max(seconds, 0.0) if seconds < float("inf") else None
