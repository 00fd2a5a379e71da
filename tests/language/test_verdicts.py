"""Verdicts: both forms of a line, and each way a file can be wrong."""

import json

import pytest

from workbench.language.verdicts import MissingVerdict, VerdictError, Verdicts, from_order

FITS = {"judge": "m@1", "query": "q1", "candidate": "p1", "fits": True}
GRID = {"judge": "m@1", "query": "q2", "shown": ["p1", "p2", "p3"], "order": ["p3"]}


@pytest.fixture
def write(tmp_path):
    def write(*lines) -> str:
        path = tmp_path / "verdicts.jsonl"
        path.write_text(
            "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        )
        return path

    return write


def test_both_forms(write):
    verdicts = Verdicts.read(write(FITS, FITS | {"candidate": "p2", "fits": 3}, GRID))
    assert verdicts.judge == "m@1"
    assert verdicts.fits == {"q1": {"p1": 1.0, "p2": 3.0}, "q2": {"p1": 0.0, "p2": 0.0, "p3": 3.0}}
    assert verdicts.of("q2", "p3") == 3
    with pytest.raises(MissingVerdict, match=r"m@1 has no verdict on 'p9' for query 'q1' \(2 on others\)"):
        verdicts.of("q1", "p9")
    with pytest.raises(MissingVerdict, match=r"query 'q9' \(0 on others\)"):
        verdicts.of("q9", "p1")


def test_the_digest_names_what_was_said_and_not_in_which_order():
    one = Verdicts("m@1", {"q1": {"a": 1.0, "b": 0.0}, "q2": {"a": 2.0}})
    same = Verdicts("m@1", {"q2": {"a": 2.0}, "q1": {"b": 0.0, "a": 1.0}})
    assert one.digest == same.digest
    assert one.digest != Verdicts("m@2", one.fits).digest
    assert one.digest != Verdicts("m@1", {"q1": {"a": 1.0, "b": 1.0}, "q2": {"a": 2.0}}).digest


def test_one_of_several_judges(write):
    path = write(FITS, FITS | {"judge": "other"})
    assert Verdicts.read(path, "other").judge == "other"
    for judge in (None, "third"):
        with pytest.raises(VerdictError, match=r"holds \['m@1', 'other'\]"):
            Verdicts.read(path, judge)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (FITS, "'p1' was judged before"),
        ({**FITS, "fits": float("nan")}, "finite"),
        ({**FITS, "fits": "5"}, "finite"),
        ({**FITS, "query": 7}, "must be texts"),
        ({**FITS, "candidate": 7}, "candidate's id"),
        ({"judge": "m@1", "query": "q1"}, "with candidate and fits, or with shown and order"),
        ({"query": "q1"}, r"got \['query'\]"),
        ({**GRID, "order": ["p9"]}, "does not fit"),
        ({**GRID, "order": ["p1", "p1"]}, "does not fit"),
        ({**GRID, "shown": ["p1", "p1"], "order": []}, "does not fit"),
        ({**GRID, "shown": 3}, "must be lists"),
        ("{", "Expecting"),
        ("[]", "got list"),
        ("3", "got int"),
    ],
)
def test_a_wrong_line_is_named(write, line, message):
    with pytest.raises(VerdictError, match=rf"line 2: .*{message}"):
        Verdicts.read(write(FITS, line))


def test_a_file_that_is_not_there_or_empty(write, tmp_path):
    with pytest.raises(VerdictError, match="cannot be read"):
        Verdicts.read(tmp_path / "none.jsonl")
    with pytest.raises(VerdictError, match=r"holds \[\]"):
        Verdicts.read(write())


def test_an_order_keeps_everything_that_was_shown():
    assert from_order(["a", "b"], []) == {"a": 0.0, "b": 0.0}
    assert from_order(["a", "b"], ["b", "a"]) == {"a": 1.0, "b": 2.0}
