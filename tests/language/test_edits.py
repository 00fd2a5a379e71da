"""Edits of many captions: failures are listed and warned about, the rest is untouched by them."""

from __future__ import annotations

import warnings

import pytest

from workbench.language import RECOMPOSERS
from workbench.language.edits import Failure, edit_captions
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
