"""Many calls: each answered or listed, none twice, none lost, whatever the server does and wherever it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from tests.language.servers import AT_ONCE, FAULTS, ROOT, Editor, FaultServer, answer_to, wait_until
from workbench.language.budget import Budget, BudgetReached, Purse
from workbench.language.cache import RecordedEdits, Records, make_key
from workbench.language.calls import Call, Retry, run_calls
from workbench.language.failures import BadReply, Busy, CallTimeout, Denied, Refused, UnreadableReply
from workbench.language.server import Reply

QUICK = Retry(attempts=6, first=0.01, longest=1.0)
# A separate process that edits captions through a server, to be killed at it.
WORKER = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would hand down "ignore"
from tests.language.servers import Editor
from tests.language.test_calls import edits_by, questions
edits_by(sys.argv[1], sys.argv[2]).fill(*questions(int(sys.argv[3])))
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "edits.jsonl"


def questions(number: int) -> tuple[list[str], list[str]]:
    return [f"a cat number {i}" for i in range(number)], ["make it blue"] * number


def edits_by(url: str, path, timeout: float = 60.0, **how) -> RecordedEdits:
    return RecordedEdits.make(Editor(url, timeout=timeout), path, **{"retry": QUICK, **how})


def calls_for(*given: str, most_tokens: int = 0) -> list[Call]:
    return [Call(make_key(word, "m", {}), (word,), most_tokens=most_tokens) for word in given]


def run(calls, work, path, **how):
    return run_calls(calls, work, Records(path), **{"retry": QUICK, **how})


def texts_of(path) -> dict:
    return {record.key: record.text for record in Records(path)}


class Flaky:
    """Fails so many times with the given errors, then answers; counts."""

    def __init__(self, *errors: Exception):
        self.errors, self.asked = list(errors), []

    def __call__(self, word: str) -> Reply:
        self.asked.append(time.monotonic())
        if self.errors:
            raise self.errors.pop(0)
        return Reply(word.upper(), {"said": word}, 20, 10, 0.5)


def test_an_answer_is_recorded_with_everything_that_is_known(path):
    outcome = run(calls_for("a cat"), Flaky(Busy("busy")), path)
    (record,) = Records(path)
    assert (record.text, record.raw, record.error) == ("A CAT", {"said": "a cat"}, "")
    assert (record.prompt_tokens, record.completion_tokens, record.seconds) == (20, 10, 0.5)
    assert record.info == {"attempts": 2}
    assert record.time.endswith("+00:00")
    assert (outcome.answered, outcome.calls, outcome.tokens) == (1, 2, 30)


@pytest.mark.parametrize("error", [Busy("429"), CallTimeout("slow"), BadReply("half a JSON", raw='{"ch')])
def test_what_may_pass_is_asked_again(path, error):
    work = Flaky(error, error, error)
    outcome = run(calls_for("a cat"), work, path)
    assert (outcome.answered, outcome.failed, len(work.asked)) == (1, (), 4)


def test_what_does_not_pass_is_listed_with_its_reason_and_what_came(path):
    work = Flaky(*[BadReply("half a JSON", raw='{"ch')] * 6)
    outcome = run(calls_for("a cat"), work, path)
    assert outcome.answered == 0 and len(work.asked) == 6
    (failed,) = outcome.failed
    assert (failed.error, failed.text, failed.raw) == ("half a JSON", "", '{"ch')
    assert failed.info["attempts"] == 6
    records = Records(path)
    assert len(records) == 0 and records.failures() == (failed,)


@pytest.mark.parametrize(
    "error", [Refused("HTTP 400"), ValueError("no rule"), UnreadableReply("no edit in it")]
)
def test_what_cannot_pass_is_asked_once(path, error):
    work = Flaky(error)
    outcome = run(calls_for("a cat"), work, path)
    assert [f.error for f in outcome.failed] == [str(error)] and len(work.asked) == 1


def test_a_reply_that_could_not_be_read_is_kept_and_counted(path):
    reply = Reply("Sure! Here you go", {"all": "of it"}, 20, 10, 0.1)
    outcome = run(calls_for("a cat"), Flaky(UnreadableReply("no edit in it", reply)), path)
    (failed,) = outcome.failed
    assert (failed.raw, failed.prompt_tokens, failed.text) == ({"all": "of it"}, 20, "")
    assert outcome.tokens == 30


def test_an_empty_answer_is_a_failure(path):
    outcome = run(calls_for("a cat"), lambda word: Reply(" \n", {"all": "of it"}), path)
    assert [f.error for f in outcome.failed] == ["it gave an empty text"]


def test_failures_are_asked_again_by_the_next_run_and_then_forgotten(path):
    run(calls_for("a cat", "a dog"), Flaky(Refused("not now")), path, workers=1)
    assert [f.error for f in Records(path).failures()] == ["not now"]
    work = Flaky()
    outcome = run(calls_for("a cat", "a dog"), work, path)
    assert (outcome.answered, outcome.known, len(work.asked)) == (1, 1, 1)
    assert Records(path).failures() == () and len(Records(path)) == 2


def test_equal_questions_are_asked_once(path):
    work = Flaky()
    outcome = run(calls_for("a cat", "a cat", "a dog"), work, path)
    assert (outcome.answered, len(work.asked)) == (2, 2)


def test_a_wrong_key_ends_the_run_after_what_was_in_flight(path):
    ready = threading.Event()

    def work(word):
        if word == "wrong":
            ready.wait(30)
            raise Denied("HTTP 401")
        time.sleep(0.2)
        ready.set()
        return Reply(word.upper())

    with pytest.raises(Denied, match="401"):
        run(calls_for("a cat", "wrong", *"bcdefghijkl"), work, path, workers=2)
    records = Records(path)
    assert records.failures() == ()
    assert make_key("a cat", "m", {}) in records
    assert len(records) < 6


def test_a_bug_is_no_failure_of_a_question(path):
    with pytest.raises(TypeError):
        run(calls_for("a cat", "a dog"), lambda word: word + 1, path)
    assert not Records(path).failures()


def test_a_server_that_is_down_is_not_asked_a_thousand_times(path):
    work = Flaky(*[Busy("down")] * 1000)
    retry = Retry(attempts=2, first=0.001, longest=0.01, patience=10)
    outcome = run(calls_for(*map(str, range(500))), work, path, retry=retry, workers=4)
    assert "in a row got no answer; the last: down" in outcome.stopped
    assert 10 <= len(outcome.failed) <= 14
    assert outcome.left == 500 - len(outcome.failed)


def test_questions_that_fail_by_themselves_do_not_count_as_a_server_that_is_down(path):
    outcome = run(
        calls_for(*map(str, range(50))), Flaky(*[Refused("no")] * 50), path, retry=Retry(patience=5)
    )
    assert (outcome.stopped, len(outcome.failed), outcome.left) == ("", 50, 0)


# ---- waiting ----


def test_waits_grow_and_are_drawn_at_random(path, monkeypatch):
    waits = []
    monkeypatch.setattr("tenacity.sleep_using_event", lambda event: waits.append)
    for _ in range(40):
        run(
            calls_for("a cat"),
            Flaky(*[Busy("429")] * 6),
            path,
            retry=Retry(attempts=6, first=1.0, longest=6.0),
            workers=1,
        )
    by_attempt = [waits[n::5] for n in range(5)]
    assert len(waits) == 40 * 5
    for n, most in enumerate([1, 2, 4, 6, 6]):
        assert min(by_attempt[n]) >= 0 and max(by_attempt[n]) <= most, f"wait {n + 1} is at most {most} s"
        assert max(by_attempt[n]) > 0.7 * most and min(by_attempt[n]) < 0.3 * most, (
            "drawn from the whole span"
        )


def test_a_server_that_asks_to_be_left_alone_is(path):
    work = Flaky(Busy("429", wait=0.4))
    run(calls_for("a cat"), work, path, retry=Retry(first=0.001, longest=1.0))
    assert work.asked[1] - work.asked[0] >= 0.4


def test_a_server_that_asks_for_an_hour_is_not_asked_again_in_this_run(path):
    work = Flaky(Busy("come back in an hour", wait=3600.0))
    outcome = run(calls_for("a cat"), work, path)
    assert [f.error for f in outcome.failed] == ["come back in an hour"] and len(work.asked) == 1


# ---- several at a time ----


@pytest.mark.parametrize("workers", [1, 3])
def test_no_more_than_so_many_at_a_time(path, workers):
    now, most, lock = [0], [0], threading.Lock()

    def work(word):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.01)
        with lock:
            now[0] -= 1
        return word.upper()

    outcome = run(calls_for(*map(str, range(30))), work, path, workers=workers)
    assert outcome.answered == 30
    assert most[0] == workers


# ---- budget ----


def test_a_budget_in_calls_counts_those_asked_again(path):
    work = Flaky(*[Busy("429")] * 3)
    outcome = run(calls_for(*map(str, range(50))), work, path, budget=Budget(calls=20), workers=4)
    assert len(work.asked) == outcome.calls == 20
    assert (outcome.answered, outcome.left, outcome.failed) == (17, 33, ())
    assert outcome.stopped == "the budget of 20 calls is used up"
    again = run(calls_for(*map(str, range(50))), Flaky(), path)
    assert (again.answered, again.known) == (33, 17)


@pytest.mark.parametrize("workers", [1, 8])
def test_a_budget_in_tokens_is_never_exceeded_and_used_as_far_as_possible(path, workers):
    """A call takes 30 and may take 100: the last one that is begun leaves at least 100 until it is back."""
    calls = calls_for(*map(str, range(100)), most_tokens=100)
    outcome = run(calls, Flaky(), path, budget=Budget(tokens=1000), workers=workers)
    assert outcome.tokens == outcome.answered * 30 <= 1000
    assert outcome.tokens + 100 > 1000, "one more would have fitted"
    assert "may take 100" in outcome.stopped
    assert outcome.left == 100 - outcome.answered


def test_what_a_lost_reply_may_have_cost_is_counted(path):
    calls = calls_for("a cat", most_tokens=100)
    assert run(calls, Flaky(CallTimeout("slow")), path).tokens == 100 + 30
    assert run(calls_for("a dog", most_tokens=100), Flaky(Busy("429")), path).tokens == 30


def test_a_budget_in_tokens_needs_to_know_what_a_call_may_take(path):
    with pytest.raises(ValueError, match="most_tokens"):
        run(calls_for("a cat"), Flaky(), path, budget=Budget(tokens=10))


def test_calls_in_flight_are_counted_before_they_are_back():
    purse = Purse(Budget(tokens=250))
    purse.take(100)
    purse.take(100)
    waiting = threading.Thread(target=purse.take, args=(100,), daemon=True)
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive(), "a third could exceed the budget while two are out"
    purse.settle(100, 30)
    waiting.join(30)
    assert not waiting.is_alive() and purse.calls == 3
    purse.settle(100, 90)
    purse.settle(100, 90)
    with pytest.raises(BudgetReached, match="210 of 250"):
        purse.take(100)


def test_nothing_is_asked_beyond_what_was_asked_for(path):
    assert run([], Flaky(), path).calls == 0


# ---- progress ----


@pytest.mark.parametrize("progress", [True, False])
def test_progress_shows_rate_and_what_is_to_come(path, capsys, monkeypatch, progress):
    # the environment may silence the bar, but not while it is looked at
    monkeypatch.setenv("TQDM_DISABLE", "0")

    def work(word):
        time.sleep(0.15)
        return Flaky()(word)

    run(
        calls_for(*map(str, range(6)), most_tokens=100),
        work,
        path,
        workers=1,
        progress=progress,
        title="edits",
    )
    shown = capsys.readouterr().err
    if progress:
        assert "edits: 100%" in shown and "6/6" in shown and "call" in shown
        assert "90 tokens, about 90 to go" in shown and "0 asked again, 0 failed" in shown
    else:
        assert shown == ""


def test_nothing_to_do_shows_no_bar(path, capsys, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "0")
    for shown in (True, False):  # the second time everything is on record
        run(calls_for("one", "two"), Flaky(), path, workers=1, title="edits")
        assert ("edits" in capsys.readouterr().err) == shown


# ---- a real server with faults, through the real client ----


@pytest.fixture(scope="module")
def faulty():
    with FaultServer(share=0.2, seed=1) as server:
        yield server


def check_whole(path, outcome, number: int) -> None:
    """Every item is answered or listed, none twice, none lost, and every answer is the server's to that item."""
    records = Records(path)
    lines = list(records._read())
    answers = [record.key for record in lines if not record.error]
    assert len(answers) == len(set(answers)), "an item was answered twice"
    assert set(answers).isdisjoint(f.key for f in records.failures())
    assert len(answers) + len(records.failures()) == number
    assert (outcome.answered, outcome.failed, outcome.left) == (len(answers), records.failures(), 0)
    for record in records:
        assert record.text == answer_to(f"{record.info['caption']}: {record.info['modification']}")


def test_with_faults_every_item_is_answered_or_listed(faulty, path):
    outcome = edits_by(faulty.url, path, timeout=5.0).fill(*questions(60))
    check_whole(path, outcome, 60)
    assert outcome.calls > 60, "there were faults"


@pytest.mark.slow
def test_a_thousand_items_with_a_fifth_faults(path):
    captions, modifications = questions(1000)
    captions[::100] = [f"{caption} doomed" for caption in captions[::100]]
    with FaultServer(share=0.2, seed=2) as server:
        outcome = edits_by(server.url, path, timeout=5.0, workers=16).fill(captions, modifications)
        kinds = server.stats()["kinds"]
    check_whole(path, outcome, 1000)
    faults = sum(kinds.values()) - kinds["good"] - 10 * QUICK.attempts
    assert 150 < faults < 350, "about a fifth of the requests"
    assert all(kinds.get(kind, 0) > 10 for kind in FAULTS)
    assert sum(kinds.values()) == outcome.calls
    assert len(outcome.failed) == 10 and all("doomed" in f.info["caption"] for f in outcome.failed)


def start(url: str, path, number: int) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, url, str(path), str(number)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )


def test_killed_in_mid_work_and_resumed_it_is_as_if_undisturbed(path):
    number, other = 80, path.with_name("undisturbed.jsonl")
    with FaultServer(share=0.2, seed=3, delay=0.1, faults=AT_ONCE) as server:
        worker = start(server.url, path, number)
        wait_until(lambda: path.exists() and path.read_bytes().count(b"\n") >= 20)
        os.kill(worker.pid, signal.SIGKILL)
        assert worker.wait() == -signal.SIGKILL
        kept = len(Records(path))
        assert 20 <= kept < number, "the kill came too late to test anything"
        before = sum(server.stats()["kinds"].values())
        outcome = edits_by(server.url, path).fill(*questions(number))
        assert outcome.known == kept
        assert sum(server.stats()["kinds"].values()) - before == outcome.calls, (
            "nothing known was asked again"
        )
        edits_by(server.url, other).fill(*questions(number))
    assert len(texts_of(path)) == number
    assert texts_of(path) == texts_of(other)


def test_interrupted_by_hand_what_was_in_flight_is_kept(path):
    with FaultServer(delay=0.5) as server:
        worker = start(server.url, path, 60)
        wait_until(lambda: path.exists() and path.read_bytes().count(b"\n") >= 8)
        worker.send_signal(signal.SIGINT)
        assert worker.wait(120) != 0
        good = server.stats()["kinds"]["good"]
    assert 8 <= good < 60
    assert len(Records(path)) == good, "every answer that the server gave is on file"
