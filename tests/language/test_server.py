"""One question to a chat server, through the real client: checked replies, named failures, always an end."""

from __future__ import annotations

import asyncio
import base64
import io
import multiprocessing
import pickle
import socket
import time

import pytest

from tests.encode.tiny import picture
from tests.language.servers import ALWAYS, Editor, FaultServer, answer_to
from workbench.language.failures import (
    BadReply,
    Busy,
    CallTimeout,
    Denied,
    NoConnection,
    Refused,
    ServerError,
    of_status,
    seconds_to_wait,
)
from workbench.language.server import ChatServer, Reply, ServerAddressError, image_message


@pytest.fixture(scope="module")
def url():
    with FaultServer() as server:
        yield server.url


@pytest.fixture(scope="module")
def faulty():
    with FaultServer() as server:
        yield server


def test_a_reply_is_text_counts_and_the_whole_answer(url):
    reply = Editor(url).ask("a cat", "make it blue")
    assert reply.text == answer_to("a cat: make it blue")
    assert (reply.prompt_tokens, reply.completion_tokens) == (20, 10)
    assert reply.raw["choices"][0]["message"]["content"] == reply.text
    assert 0 < reply.seconds < 60
    assert reply.finished


def test_a_reply_cut_at_its_limit_says_so():
    assert not Reply("a cat and", {"choices": [{"finish_reason": "length"}]}).finished
    assert Reply("a cat").finished, "nobody said that it was cut"


def test_options_go_into_the_request_as_they_are(faulty):
    messages = [{"role": "user", "content": "hello"}]
    ChatServer(faulty.url, "m").chat(messages, temperature=0.5, seed=3, top_k=7, stop=["\n\n"])
    sent = faulty.stats()["bodies"][-1]
    expected = {
        "model": "m",
        "messages": messages,
        "temperature": 0.5,
        "seed": 3,
        "top_k": 7,
        "stop": ["\n\n"],
    }
    assert sent == expected


@pytest.mark.parametrize(
    ("word", "kind", "says"),
    [
        ("doomed", Busy, "HTTP 500"),
        ("later", Busy, "HTTP 429.*come back in an hour"),
        ("refused", Refused, "HTTP 400.*no good"),
        ("denied", Denied, "HTTP 401"),
        ("hanging", CallTimeout, "within 0.5 s"),
        ("trickling", CallTimeout, "within 0.5 s"),
        ("halved", BadReply, "no JSON"),
        ("page", BadReply, "no JSON"),
        ("severed", NoConnection, "without sending complete message"),
        ("schemaless", BadReply, "choices: List should have at least 1 item"),
        ("null", BadReply, r"choices\.0\.message\.content"),
    ],
)
def test_every_failure_has_a_name_and_ends_on_time(url, word, kind, says):
    start = time.perf_counter()
    with pytest.raises(ServerError, match=f"faulty@127.0.0.1.*{says}") as caught:
        Editor(url, timeout=0.5).ask("a cat", word)
    assert type(caught.value) is kind
    assert time.perf_counter() - start < 10, "the time-out is half a second"


def test_the_reply_that_is_none_is_kept_for_the_record(url):
    for word in ("halved", "schemaless", "null"):
        with pytest.raises(BadReply) as caught:
            Editor(url).ask("a cat", word)
        assert caught.value.raw, word


def test_what_asking_again_may_help_is_known_and_what_it_cost():
    again = {kind for kind in (Busy, NoConnection, CallTimeout, BadReply, Refused, Denied) if kind.again}
    assert again == {Busy, NoConnection, CallTimeout, BadReply}
    assert {kind for kind in again if kind.spent} == {CallTimeout, BadReply}
    assert Denied.fatal and not Refused.fatal
    statuses = (400, 401, 403, 404, 408, 409, 422, 425, 429, 500, 502, 503, 529)
    assert [of_status(s).__name__ for s in statuses] == (
        ["Refused", "Denied", "Denied", "Denied", "Busy", "Busy", "Refused"] + ["Busy"] * 6
    )


def test_a_server_that_is_not_there_cost_nothing():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(NoConnection) as caught:
            Editor(url).ask("a cat", "make it blue")
    assert not caught.value.spent


def test_a_connection_lost_half_way_may_have_cost_something(url):
    with pytest.raises(NoConnection) as caught:
        Editor(url).ask("a cat", "severed")
    assert caught.value.spent


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "1", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "Thu, 01 Jan 1970 00:03:00 GMT"}, 80.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_how_long_the_server_asks_to_be_left_alone(headers, seconds):
    assert seconds_to_wait(headers, now=100.0) == seconds


def test_half_a_character_is_replaced_not_passed_on(url):
    reply = Editor(url).ask("a cat", "surrogate")
    assert reply.text == "half \ufffd"
    assert reply.text.encode()


def test_it_works_inside_a_running_event_loop_as_in_a_notebook(url):
    async def cell():
        return Editor(url).ask("a cat", "make it blue").text

    assert asyncio.run(cell()) == answer_to("a cat: make it blue")


def ask_in_child(url: str, queue) -> None:
    queue.put(Editor(url).ask("a cat", "make it blue").text)


def test_a_forked_process_makes_its_own_connection(url):
    assert Editor(url).ask("a dog", "make it red").text, "the parent's loop runs"
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=ask_in_child, args=(url, queue))
    child.start()
    assert queue.get(timeout=120) == answer_to("a cat: make it blue")
    child.join(60)
    assert child.exitcode == 0


def test_a_server_is_named_by_model_and_host_alone():
    assert ChatServer("http://127.0.0.1:8080/v1", "m").id == "m@127.0.0.1"
    assert ChatServer("https://api.openai.com/v1", "gpt-x").id == "gpt-x@api.openai.com"
    assert ChatServer("http://localhost/v1", "/home/me/models/mine").id == "mine@localhost"
    assert ChatServer("http://localhost/v1", "owner/name").id == "owner/name@localhost"


@pytest.mark.parametrize(
    "url",
    ["https://me:secret-word@host/v1", "https://host/v1?api_key=secret-word", "https://secret-word@host/v1"],
)
def test_an_address_with_a_password_in_it_is_refused_without_saying_it(url):
    with pytest.raises(ServerAddressError, match="name a key by key=") as caught:
        ChatServer(url, "m")
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "127.0.0.1:80/v1", "ftp://host/v1", "http:///v1", "file:///etc/passwd"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ServerAddressError, match="expected one such as"):
        ChatServer(url, "m")


def test_a_picture_goes_as_a_data_url_with_every_pixel(faulty):
    from PIL import Image

    message = image_message(picture(3), "what is it?")
    ChatServer(faulty.url, "m").chat([message])
    sent = faulty.stats()["bodies"][-1]["messages"][0]
    assert sent == message
    header, _, data = sent["content"][1]["image_url"]["url"].partition(",")
    assert header == "data:image/png;base64"
    back = Image.open(io.BytesIO(base64.b64decode(data)))
    assert back.tobytes() == picture(3).tobytes()


def test_the_bound_on_tokens_covers_text_picture_and_answer():
    server = ChatServer("http://127.0.0.1/v1", "m")
    plain = server.most_tokens([{"role": "user", "content": "frische Brötchen"}], 50)
    assert plain >= 50 + len("frische Brötchen".encode())
    seen = server.most_tokens([image_message(picture(0), "what is it?")], 50)
    assert seen > plain + 1000


def test_a_server_and_its_failures_can_be_sent_to_another_process(url):
    editor = Editor(url)
    editor.ask("a cat", "make it blue")
    assert pickle.loads(pickle.dumps(editor.server)) == editor.server
    for word in set(ALWAYS) - {"mute", "surrogate", "escaped", "hanging"}:
        with pytest.raises(ServerError) as caught:
            Editor(url, timeout=0.5).ask("a cat", word)
        error = pickle.loads(pickle.dumps(caught.value))
        assert (str(error), error.wait, error.raw, error.spent) == (
            str(caught.value),
            caught.value.wait,
            caught.value.raw,
            caught.value.spent,
        )


def test_without_the_package_its_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(ImportError, match=r"zscir-workbench\[language\]"):
        ChatServer("http://127.0.0.1:9/v1", "never asked before").chat([{"role": "user", "content": "x"}])
