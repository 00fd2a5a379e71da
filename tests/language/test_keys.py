"""Keys are found by name, and appear in nothing that a run leaves behind, whatever the server does with them."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import traceback

import pytest

from tests.language.servers import ALWAYS, ROOT, Editor, FaultServer
from workbench.language.archive import write_parquet
from workbench.language.cache import RecordedEdits
from workbench.language.calls import Retry
from workbench.language.failures import Denied, ServerError
from workbench.language.keys import KeysFileError, MissingKey, blot, find_key, keys_file
from workbench.language.records import Records

SECRET = "sk-planted-4f9d1e7c-do-not-print"
NAME = "PLANTED_KEY"
# Everything the server can do but refuse the key, which ends a run.
WORDS = ("fine", *sorted(set(ALWAYS) - {"denied"}))


@pytest.fixture(autouse=True)
def no_keys_of_the_machine(monkeypatch, tmp_path):
    for name in (NAME, "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WORKBENCH_KEYS", str(tmp_path / "keys.toml"))
    return tmp_path / "keys.toml"


@pytest.fixture
def planted(monkeypatch):
    monkeypatch.setenv(NAME, SECRET)


@pytest.fixture(scope="module")
def url():
    with FaultServer() as server:
        yield server.url


def write(path, text: str, mode: int = 0o600):
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_key_comes_from_the_environment_before_the_file(planted, no_keys_of_the_machine):
    write(no_keys_of_the_machine, f'{NAME} = "from-the-file"\nOTHER = " spaced "')
    assert find_key(NAME).get_secret_value() == SECRET
    assert find_key("OTHER").get_secret_value() == "spaced"


def test_a_missing_key_names_both_places_and_the_nearest(no_keys_of_the_machine):
    write(no_keys_of_the_machine, f'OPENROUTER_KEY = "{SECRET}"')
    with pytest.raises(MissingKey, match=r"variable OPENROUTER_KAY.*keys\.toml.*'OPENROUTER_KEY'") as caught:
        find_key("OPENROUTER_KAY")
    assert SECRET not in str(caught.value)


def test_the_file_lies_in_the_users_configuration(monkeypatch, tmp_path):
    monkeypatch.delenv("WORKBENCH_KEYS")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert keys_file() == tmp_path / "workbench" / "keys.toml"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert keys_file() == tmp_path / ".config" / "workbench" / "keys.toml"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused(no_keys_of_the_machine, mode):
    write(no_keys_of_the_machine, f'{NAME} = "{SECRET}"', mode)
    with pytest.raises(KeysFileError, match="chmod 600"):
        find_key(NAME)


@pytest.mark.parametrize(
    "text",
    [f"{NAME} = {SECRET}", f'[{NAME}]\nvalue = "{SECRET}"', f"{NAME} = 5", f'{NAME} = ""', f'"{SECRET}'],
)
def test_a_file_that_is_no_table_of_keys_is_refused_and_not_quoted(no_keys_of_the_machine, text):
    write(no_keys_of_the_machine, text)
    with pytest.raises(KeysFileError, match="not a TOML table of keys") as caught:
        find_key(NAME)
    assert SECRET not in everything_in(caught.value)


def test_no_key_is_sent_unless_it_is_named(monkeypatch, url):
    """The key for one provider is not for whoever listens at another address."""
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    assert Editor(url).ask("a cat", "fine").raw["echo"] == "Bearer none"
    from workbench.language.server import ChatServer

    assert ChatServer("https://api.openai.com/v1", "m")._find_key().get_secret_value() == SECRET
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(MissingKey, match="OPENAI_API_KEY"):
        ChatServer("https://api.openai.com/v1", "m").chat([{"role": "user", "content": "x"}])


def test_blotting_takes_every_appearance(planted):
    assert blot(f"{SECRET} and {SECRET}", find_key(NAME)) == "*** and ***"
    assert blot("nothing", None) == "nothing"


def everything_in(error: BaseException) -> str:
    """All that a program could print of an error: its chain, its attributes, its traceback with every local.

    The first frame is the test's own, which knows the key.
    """
    below = error.__traceback__.tb_next
    told = traceback.TracebackException(type(error), error, below, capture_locals=True)
    texts = ["".join(told.format()), str(error), repr(error), repr(vars(error))]
    for other in (error.__cause__, error.__context__):
        texts += [everything_in(other)] if other else []
    return "\n".join(texts)


@pytest.mark.parametrize("word", ["denied", *WORDS])
def test_no_error_or_reply_holds_the_key(planted, url, caplog, word):
    caplog.set_level("DEBUG")
    editor = Editor(url, NAME, timeout=1.0)
    try:
        seen = repr(editor.ask("a cat", word))
    except ServerError as error:
        seen = everything_in(error) + repr(pickle.dumps(error))
    assert caplog.records, "nothing was logged, so nothing was looked at"
    assert SECRET not in seen + caplog.text + repr(editor.server) + repr(pickle.dumps(editor.server))
    if word not in ("hanging", "trickling", "severed", "later"):
        assert "***" in seen, "the server sent the key back, and it was blotted out"


def test_no_log_holds_what_the_server_put_into_a_header(planted, url, caplog):
    caplog.set_level("DEBUG")
    Editor(url, NAME).ask("a cat", "fine")
    assert SECRET not in "".join(repr(vars(record)) for record in caplog.records)


def test_no_artefact_of_a_run_holds_the_key(planted, url, tmp_path, capfd, caplog):
    caplog.set_level("DEBUG")
    path = tmp_path / "run" / "edits.jsonl"
    retry = Retry(attempts=2, first=0.01, longest=1.0, patience=100)
    edits = RecordedEdits.make(Editor(url, NAME, timeout=1.0), path, retry=retry)
    outcome = edits.fill(["a cat"] * len(WORDS), WORDS)
    assert outcome.answered == 3 and len(outcome.failed) == len(WORDS) - 3
    with pytest.raises(Denied) as caught:
        edits.fill(["a cat"], ["denied"])
    write_parquet(Records(path), tmp_path / "run" / "edits.parquet")
    written = [file.read_bytes() for file in path.parent.iterdir()]
    assert len(written) >= 2
    printed = "".join(capfd.readouterr())
    objects = [outcome, edits, *edits.records, *edits.records.failures()]
    seen = printed + caplog.text + everything_in(caught.value) + "".join(map(repr, objects))
    assert SECRET not in seen
    assert not any(SECRET.encode() in content for content in written)
    assert b"***" in b"".join(written), "the server sent the key back, and it was blotted out"


PROGRAM = """
import logging, sys
logging.basicConfig(level=logging.DEBUG)
from tests.language.servers import Editor
Editor(sys.argv[1], "PLANTED_KEY").ask("a cat", sys.argv[2])
"""


@pytest.mark.parametrize("word", ["fine", "denied", "doomed"])
def test_a_program_with_all_logs_on_prints_no_key(planted, url, word):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, url, word],
        cwd=ROOT,
        env={**os.environ, "OPENAI_LOG": "debug", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode == 0) == (word == "fine")
    assert "DEBUG" in done.stderr
    assert SECRET not in done.stdout + done.stderr
