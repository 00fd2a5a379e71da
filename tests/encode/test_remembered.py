"""Encoders remembered by id and width: loaded only when a row has to be made, and again when anything changed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.encode.tiny import write_coca
from workbench.encode import remembered
from workbench.encode.encoder import Encoder, EncoderError, load_encoder
from workbench.encode.remembered import RememberedEncoder, remembered_encoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_coca(tmp_path_factory.mktemp("remembered") / "nano")


@pytest.fixture
def never_loaded(monkeypatch):
    def refuse(name):
        raise AssertionError(f"{name} was loaded")

    return lambda: monkeypatch.setattr(remembered, "load_encoder", refuse)


def test_the_second_time_nothing_is_loaded(folder, tmp_path, never_loaded):
    first = remembered_encoder(f"local-dir:{folder}", tmp_path)
    never_loaded()
    second = remembered_encoder(f"local-dir:{folder}", tmp_path)
    assert (second.id, second.dim) == (first.id, first.dim)
    assert isinstance(second, Encoder) and hasattr(second, "check_text")


def test_it_loads_and_encodes_when_asked(folder, tmp_path):
    first = remembered_encoder(f"local-dir:{folder}", tmp_path)
    second = remembered_encoder(f"local-dir:{folder}", tmp_path)
    assert isinstance(second, RememberedEncoder)
    assert (second.encode_texts(["red"]) == first.encode_texts(["red"])).all()
    assert second.context_length == first.context_length
    with pytest.raises(EncoderError, match="empty"):
        second.check_text(" ")


def test_a_broken_memory_and_a_changed_file_are_loaded_anew(folder, tmp_path, never_loaded):
    remembered_encoder(f"local-dir:{folder}", tmp_path)
    (memory,) = tmp_path.iterdir()
    kept = memory.read_text()
    for broken in ("", "[]", '{"files": 3}', kept.replace('"dim": ', '"dim": "x", "was": ')):
        memory.write_text(broken)
        assert remembered_encoder(f"local-dir:{folder}", tmp_path).id == json.loads(kept)["id"]
        assert memory.read_text() == kept
    known = json.loads(kept)
    known["files"] = dict.fromkeys(known["files"], "0" * 64)
    memory.write_text(json.dumps(known))
    never_loaded()
    with pytest.raises(AssertionError, match="was loaded"):
        remembered_encoder(f"local-dir:{folder}", tmp_path)


def test_another_model_than_remembered_is_refused(folder):
    with pytest.raises(EncoderError, match="start again"):
        RememberedEncoder(f"local-dir:{folder}", "nano@other", 3).encode_texts(["red"])


def test_a_wrong_name_is_the_loaders_error(tmp_path):
    with pytest.raises(EncoderError) as of_loader:
        load_encoder("tiny-cocoa")
    with pytest.raises(EncoderError) as here:
        remembered_encoder("tiny-cocoa", tmp_path)
    assert str(here.value) == str(of_loader.value)


@pytest.mark.slow
def test_a_case_from_the_store_needs_no_torch():
    from workbench.case import load_case

    load_case(terms=[("modification", "image")])  # fills the store and the memory
    code = (
        "import sys; from workbench.case import load_case; load_case(terms=[('modification', 'image')]); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
