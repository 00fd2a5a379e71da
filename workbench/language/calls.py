"""Many questions to a model that can fail: a few at a time, asked again with patience, never beyond a budget.

Every answer is recorded as it comes. A question that got none is recorded with the reason and listed, and the next run
asks it again; nothing stands in for it. Left out: what is asked and how the answer is read, which ``work`` does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from json import loads
from time import perf_counter

from workbench.language.budget import Budget, BudgetReached, Purse
from workbench.language.failures import ServerError
from workbench.language.records import Key, Record, Records
from workbench.language.server import Reply
from workbench.progress import progress_bar


@dataclass(frozen=True)
class Call:
    """One question: ``work(*given)`` answers it, ``key`` is what the answer is recorded under.

    most_tokens: an upper bound for what one attempt may take, needed where the budget is in tokens.
    """

    key: Key
    given: tuple
    info: Mapping[str, object] = field(default_factory=dict)
    most_tokens: int = 0


@dataclass(frozen=True)
class Retry:
    """How often a question is asked, and how long to wait in between.

    The wait after attempt n = 1, 2 ... is drawn evenly from 0 to min(longest, first 2^(n - 1)) seconds ("full
    jitter"), or is what the server asked for where that is longer; a server that asks for more than ``longest`` is not
    asked again in this run. After ``patience`` questions in a row that the server failed, the run stops: it is down.
    """

    attempts: int = 6
    first: float = 0.5
    longest: float = 60.0
    patience: int = 20


NO_LIMIT, PATIENT = Budget(), Retry()


@dataclass(frozen=True)
class Outcome:
    """What became of the questions: answered now, known before, failed (with reasons), left unasked, and why.

    calls and tokens count every attempt of this run; seconds is its wall time.
    """

    answered: int
    known: int
    failed: tuple[Record, ...]
    left: int
    stopped: str
    calls: int
    tokens: int
    seconds: float


def run_calls(
    calls: Iterable[Call],
    work: Callable[..., Reply | str],
    records: Records,
    *,
    workers: int = 8,
    budget: Budget = NO_LIMIT,
    retry: Retry = PATIENT,
    progress: bool = True,
    title: str = "calls",
) -> Outcome:
    """Ask what the records do not answer yet, ``workers`` at a time, and record every answer as it comes.

    A ValueError of ``work`` (it cannot, or cannot read what the model said) and a ServerError that stays are failures
    of their question. A ServerError that is fatal (``Denied``) and any other error end the run and are raised, after
    what is in flight has been recorded. The budget is for this run.
    """
    by_key = {call.key: call for call in calls}
    todo = [call for key, call in by_key.items() if key not in records]
    if budget.tokens is not None and not all(call.most_tokens for call in todo):
        raise ValueError("budget: a budget in tokens needs `most_tokens` of every call")
    with progress_bar(show=progress and bool(todo), total=len(todo), desc=title, unit="call") as bar:
        run = _Run(work, records, Purse(budget), retry, bar)
        run.all_of(todo, workers)
    failed = tuple(run.failed)
    left = len(todo) - run.answered - len(failed)
    spent, took = run.purse, round(perf_counter() - run.start, 3)
    return Outcome(
        run.answered, len(by_key) - len(todo), failed, left, run.stopped, spent.calls, spent.tokens, took
    )


class _Run:
    """The state of one run. Only the thread that called ``all_of`` writes; the workers ask."""

    def __init__(self, work, records: Records, purse: Purse, retry: Retry, bar):
        self.work, self.records, self.purse, self.retry, self.bar = work, records, purse, retry, bar
        self.start, self.halt = perf_counter(), threading.Event()
        self.answered, self.in_a_row, self.stopped = 0, 0, ""
        self.failed: list[Record] = []

    def all_of(self, todo: list[Call], workers: int) -> None:
        waiting, running = iter(todo), set()
        with ThreadPoolExecutor(workers, thread_name_prefix="workbench-call") as pool:
            try:
                while True:
                    while not self.stopped and len(running) < workers and (call := next(waiting, None)):
                        running.add(pool.submit(self._ask, call))
                    if not running:
                        return
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    self._keep(done)
            finally:
                self.halt.set()
                done, _ = wait(running)  # interrupted: what is in flight was paid for
                self._keep(future for future in done if not future.exception())

    def _keep(self, done: Iterable[Future]) -> None:
        """Record what came; an error that is not a question's own is raised once the others are safe."""
        problem = None
        for future in done:
            try:
                record = future.result()
            except BudgetReached as reached:
                self.stopped = str(reached)
            except Exception as error:
                problem = error
            else:
                self._note(record)
        if problem:
            raise problem

    def _note(self, record: Record) -> None:
        self.records.append([record])
        if record.error:
            self.failed.append(record)
            self.in_a_row += bool(record.info.get("again"))
        else:
            self.answered, self.in_a_row = self.answered + 1, 0
        if self.in_a_row >= self.retry.patience:
            self.stopped = f"{self.in_a_row} in a row got no answer; the last: {record.error}"
        self.bar.update()
        self.bar.set_postfix_str(self._costs())

    def _costs(self) -> str:
        left = self.bar.total - self.bar.n
        per_item = self.purse.tokens / max(self.bar.n, 1)
        again = self.purse.calls - self.answered - len(self.failed)
        tokens = f"{self.purse.tokens:,} tokens, about {round(per_item * left):,} to go, " if per_item else ""
        return f"{tokens}{max(again, 0):,} asked again, {len(self.failed):,} failed"

    def _ask(self, call: Call) -> Record:
        """The record of a call's answer or failure. Raises BudgetReached, a fatal ServerError, and what is a bug."""
        attempts, again = 0, False
        try:
            for attempt in self._attempts():
                with attempt:
                    attempts = attempt.retry_state.attempt_number
                    reply = self._ask_once(call)
            error = "" if reply.text.strip() else "it gave an empty text"
        except ServerError as failure:
            if failure.fatal:
                raise
            error, reply, again = str(failure), Reply("", failure.raw), failure.again
        except ValueError as failure:
            said = getattr(failure, "reply", None) or Reply("")
            error, reply = str(failure) or type(failure).__name__, replace(said, text="")
        info = {**call.info, "attempts": attempts} | ({"again": True} if again else {})
        return _record(call.key, reply, error, info)

    def _ask_once(self, call: Call) -> Reply:
        if self.halt.is_set():
            raise BudgetReached("interrupted")
        self.purse.take(call.most_tokens)
        used = 0
        start = perf_counter()
        try:
            reply = self.work(*call.given)
            if isinstance(reply, str):
                reply = Reply(reply, seconds=round(perf_counter() - start, 6))
            used = tokens_of(reply, call.most_tokens)
        except ServerError as failure:
            used = call.most_tokens if failure.spent else 0
            raise
        except ValueError as failure:
            said = getattr(failure, "reply", None)
            used = tokens_of(said, call.most_tokens) if said else 0
            raise
        finally:
            self.purse.settle(call.most_tokens, used)
        return reply

    def _attempts(self):
        import tenacity

        def worth_it(error: BaseException) -> bool:
            return isinstance(error, ServerError) and error.again and (error.wait or 0) <= self.retry.longest

        jitter = tenacity.wait_random_exponential(multiplier=self.retry.first, max=self.retry.longest)

        def pause(state) -> float:
            return max(jitter(state), state.outcome.exception().wait or 0.0)

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(worth_it),
            stop=tenacity.stop_after_attempt(self.retry.attempts),
            wait=pause,
            sleep=tenacity.sleep_using_event(self.halt),
            reraise=True,
        )


def tokens_of(reply: Reply, otherwise: int) -> int:
    """What a reply took; ``otherwise`` where the server does not count."""
    if reply.prompt_tokens is None or reply.completion_tokens is None:
        return otherwise
    return reply.prompt_tokens + reply.completion_tokens


def _record(key: Key, reply: Reply, error: str, info: Mapping[str, object]) -> Record:
    return Record(
        key.input,
        key.model,
        "" if error else reply.text,
        loads(key.options),
        key.prompt,
        key.sample,
        seconds=reply.seconds,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        info=info,
        raw=reply.raw,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        error=error,
    )
