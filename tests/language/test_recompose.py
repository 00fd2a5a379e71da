"""The rule recomposer edits the caption it is given, right or wrong."""

import pytest

from workbench.language import RECOMPOSERS
from workbench.language.recompose import RuleRecomposer


def test_it_is_known_by_name():
    assert RECOMPOSERS.get("rules") is RuleRecomposer
    assert RuleRecomposer.id == "rules:tinycir-1"


def test_a_wrong_caption_leads_to_a_wrong_edit():
    edited = RuleRecomposer().recompose("a pink planet with no ring and one moon", "add a thin ring")
    assert edited == "a pink planet with a thin ring and one moon"


@pytest.mark.parametrize(("caption", "text"), [("nothing much", "make it blue"), ("a pink planet", "nicer")])
def test_what_cannot_be_edited_is_an_error_that_quotes_it(caption, text):
    with pytest.raises(ValueError, match=r"nothing much|nicer"):
        RuleRecomposer().recompose(caption, text)
