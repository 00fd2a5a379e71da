"""Edits of many captions: failures are listed and warned about, the rest is untouched by them."""

from __future__ import annotations

import threading
import warnings

import pytest

from workbench.language import RECOMPOSERS
from workbench.language.cache import RecordedEdits
from workbench.language.edits import EditError, Failure, edit_captions
from workbench.registry import UnknownName


class Upper:
    id = "upper"

    def recompose(self, caption, modification):
        if modification == "cannot":
            raise ValueError("no rule")
        return "" if modification == "mute" else f"{caption} {modification}".upper()


def test_each_caption_is_edited_by_its_own_modification():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        edits = edit_captions(Upper(), ["q0", "q1"], ["a cat", "a dog"], ["red", "blue"])
    assert edits.texts == ("A CAT RED", "A DOG BLUE")
    assert edits.failures == ()


def test_failures_are_listed_with_their_reason_and_stand_in():
    with pytest.warns(UserWarning, match=r"upper could not edit 2 of 3 captions.*query 'q0', no rule"):
        edits = edit_captions(Upper(), ["q0", "q1", "q2"], ["a", "b", "c"], ["cannot", "red", "mute"])
    assert edits.texts == ("cannot", "B RED", "mute")
    assert edits.failures == (
        Failure("q0", "a", "cannot", "no rule", used="cannot"),
        Failure("q2", "c", "mute", "it gave an empty text", used="mute"),
    )


def test_a_bug_in_a_recomposer_is_no_failure_of_the_edit():
    class Broken(Upper):
        def recompose(self, caption, modification):
            return None.upper()

    with pytest.raises(AttributeError):
        edit_captions(Broken(), ["q"], ["a"], ["b"])


def test_lists_of_different_length_are_refused():
    with pytest.raises(ValueError, match="longer"):
        edit_captions(Upper(), ["q"], ["a", "b"], ["c", "d"])


def test_recomposers_go_by_name():
    assert "rules" in RECOMPOSERS.names()
    with pytest.raises(UnknownName, match="Did you mean 'rules'"):
        RECOMPOSERS.get("rule")


def test_the_caption_may_stand_in_instead():
    with pytest.warns(UserWarning, match="there the caption text stands in"):
        edits = edit_captions(Upper(), ["q0", "q1"], ["a", "b"], ["cannot", "red"], stand_in="caption")
    assert edits.texts == ("a", "B RED")
    assert edits.failures[0].used == "a"


def test_nothing_may_stand_in():
    with pytest.raises(EditError, match=r"upper could not edit 1 of 2 captions\. First: query 'q1', no rule"):
        edit_captions(Upper(), ["q0", "q1"], ["a", "b"], ["red", "cannot"], stand_in="none")


def test_a_wrong_stand_in_is_named():
    with pytest.raises(EditError, match="Did you mean 'caption'"):
        edit_captions(Upper(), [], [], [], stand_in="captions")


def test_a_recomposer_with_workers_is_asked_from_as_many_threads_and_the_order_is_kept():
    class Together(Upper):
        workers = 3
        meeting = threading.Barrier(3, timeout=60)

        def recompose(self, caption, modification):
            self.meeting.wait()  # nobody passes before three have come
            return super().recompose(caption, modification)

    edits = edit_captions(Together(), list("qrs"), list("abc"), ["x", "y", "z"])
    assert edits.texts == ("A X", "B Y", "C Z")


def test_recorded_edits_are_filled_first_and_their_failures_are_listed(tmp_path):
    recorded = RecordedEdits.make(Upper(), tmp_path / "e.jsonl")
    asked = (["q0", "q1"], ["a", "b"], ["cannot", "red"])
    with pytest.warns(UserWarning, match="could not edit 1 of 2"):
        made = edit_captions(recorded, *asked)
    assert made.texts == ("cannot", "B RED")
    assert made.failures[0].reason == "no rule"
    with pytest.warns(UserWarning, match="could not edit 1 of 2"):
        assert edit_captions(RecordedEdits.replay(tmp_path / "e.jsonl"), *asked) == made
