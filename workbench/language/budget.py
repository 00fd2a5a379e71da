"""What a run may spend, in calls and in tokens, with the calls in flight counted before they are made."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """The most that one run may take; None is no limit. A question asked again is another call."""

    calls: int | None = None
    tokens: int | None = None


class BudgetReached(Exception):
    """One more call could go beyond the budget."""


class Purse:
    """A budget being spent by several threads: ``take`` before a call, ``settle`` after it, whatever came of it."""

    def __init__(self, budget: Budget):
        self.budget = budget
        self.calls = 0
        self.tokens = 0
        self._held = 0
        self._in_flight = 0
        self._changed = threading.Condition()

    def take(self, tokens: int) -> None:
        """Set one call and so many tokens aside; waits where calls in flight may give tokens back.

        Raises BudgetReached where they would not suffice even if nothing were in flight.
        """
        with self._changed:
            while True:
                if self.budget.calls is not None and self.calls >= self.budget.calls:
                    raise BudgetReached(f"the budget of {self.budget.calls:,} calls is used up")
                if self.budget.tokens is None or self.tokens + self._held + tokens <= self.budget.tokens:
                    break
                if not self._in_flight:
                    raise BudgetReached(
                        f"{self.tokens:,} of {self.budget.tokens:,} tokens are used up, "
                        f"and the next call may take {tokens:,}"
                    )
                self._changed.wait()
            self.calls += 1
            self._in_flight += 1
            self._held += tokens

    def settle(self, held: int, used: int) -> None:
        """Give back what was set aside and count what was used."""
        with self._changed:
            self._in_flight -= 1
            self._held -= held
            self.tokens += used
            self._changed.notify_all()
