"""Error budgets and error sources by hand: each link of a chain is blamed for its own errors."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.encode.tiny import FakeEncoder
from workbench import data
from workbench.breakdown.caption_edit import (
    SOURCES,
    budget_grid,
    captions_right,
    chain_cases,
    error_budget,
    error_sources,
    sample_spread,
    sampled_case,
    substitutions,
    wrong_link,
)
from workbench.case import Case
from workbench.encode.store import EmbeddingStore
from workbench.language.oracle import OracleCaptions, OracleEdits
from workbench.language.recompose import RuleRecomposer
from workbench.significance import bootstrap_interval

CAPTION, ASKED = "a mint planet with no ring and one moon", "give it two moons"
WANTED = "a mint planet with no ring and two moons"


@pytest.fixture
def frame() -> pd.DataFrame:
    """Four queries; right captions help where edits are right, and not otherwise."""
    hits = {
        "oracle + rules": [1, 1, 1, 0],
        "oracle + model": [1, 0, 0, 0],
        "model + rules": [1, 1, 0, 0],
        "model + model": [0, 0, 1, 0],
    }
    one = {"query": list("abcd"), "reference": list("abcd"), "rank": 1}
    return pd.concat(
        [pd.DataFrame({"method": name, **one, "hit@1": np.array(h, float)}) for name, h in hits.items()]
    )


def test_the_grid_has_a_row_per_captioner_and_a_column_per_editor(frame):
    grid = budget_grid(frame, "hit@1")
    assert grid.to_numpy().tolist() == [[0.75, 0.25], [0.5, 0.25]]
    assert (list(grid.index), list(grid.columns)) == (["oracle", "model"], ["rules", "model"])


def test_both_orders_of_replacing_start_and_end_alike_and_part_in_between(frame):
    steps = substitutions(frame, "model + model", "oracle + rules", "hit@1")
    assert steps[["order", "replaced", "before", "after", "difference"]].to_numpy().tolist() == [
        ["captions first", "captions", 0.25, 0.25, 0.0],
        ["captions first", "edits", 0.25, 0.75, 0.5],
        ["edits first", "edits", 0.25, 0.5, 0.25],
        ["edits first", "captions", 0.5, 0.75, 0.25],
    ]
    paired = bootstrap_interval(
        np.array([1.0, 1, -1, 0]), np.arange(4)
    )  # edits replaced in the model's chain
    assert tuple(steps.loc[2, ["low", "high"]]) == (paired.low, paired.high)


@pytest.mark.parametrize(
    ("caption", "composed", "link"),
    [
        (CAPTION, "a mint planet with no ring and two moons", "encoder"),
        (CAPTION, "a planet , mint , with no ring and two moons", "encoder"),  # other words, the same values
        (CAPTION, "a mint planet with two moons", "edit"),  # it dropped the ring
        (CAPTION.replace("mint", "lime"), WANTED.replace("mint", "lime"), "caption"),
        (CAPTION.replace("mint", "lime"), "a lime planet", "caption and edit"),
        (CAPTION.replace("one moon", "three moons"), WANTED, "encoder"),  # the error was edited away
        (CAPTION.replace("one moon", "three moons"), CAPTION, "edit"),
        ("something round", "something round", "caption and edit"),
    ],
)
def test_the_wrong_link_is_the_one_that_brought_the_error_in(caption, composed, link):
    assert wrong_link(caption, ASKED, composed, WANTED) == link


def searching(first: np.ndarray, bench, texts: dict) -> Case:
    """A case in which each query's first picture is the given one."""
    # gallery rows on a circle: a query equal to a row finds it first
    angle = np.linspace(0, np.pi, len(bench.gallery), dtype=np.float64)
    rows = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return Case(bench, "circle", None, None, {"composed_caption": rows[first]}, {"image": rows}, texts=texts)


def test_first_pictures_are_right_or_lack_what_no_word_says_or_are_wrong():
    bench, said = data.load("tinycir", "val"), OracleCaptions.of(data.load("tinycir", "val")).descriptions
    targets, captions = bench.qrels["default"].targets, [said[query.reference] for query in bench.queries]
    wanted = [said[target] for target in targets[:, 0]]
    texts = {"reference_caption": tuple(captions), "composed_caption": tuple(wanted)}
    first = targets[:, 0].copy()
    alike = next(
        (q, n)
        for q, target in enumerate(targets)
        for n, text in enumerate(said)
        if text == wanted[q] and n not in target
    )
    first[alike[0]] = alike[1]
    wrong = (alike[0] + 1) % len(first)
    first[wrong] = next(n for n, text in enumerate(said) if text not in (wanted[wrong], captions[wrong]))
    found = error_sources({"chain": searching(first, bench, texts)})["source"]
    assert found[alike[0]] == "looks left unsaid"
    assert found[wrong] == "encoder"
    assert (found.drop([alike[0], wrong]) == "right").all()
    assert set(found) <= set(SOURCES)


def test_a_chain_for_every_captioner_and_editor(tmp_path):
    bench = data.load("tinycir", "val")
    oracle = OracleCaptions.of(bench)
    cases = chain_cases(
        bench,
        FakeEncoder(),
        {"oracle": oracle},
        {"oracle": OracleEdits.of(bench, oracle), "rules": RuleRecomposer()},
        store=EmbeddingStore(tmp_path, progress=False),
    )
    assert list(cases) == ["oracle + oracle", "oracle + rules"]
    one, two = (case.texts["composed_caption"] for case in cases.values())
    assert one == two  # the rules read every modification as it was meant
    frame = error_budget(cases, ["hit@1"])
    assert frame["method"].value_counts().tolist() == [500, 500]


class Sampling:
    """The truth in its first sample; in the second, a colour too few."""

    id = "sampling"

    def __init__(self, oracle):
        self.oracle = oracle

    def texts(self, pictures, indices, sample=0):
        texts = self.oracle.texts(pictures, indices)
        return tuple(text.replace(" mint ", " ") for text in texts) if sample else texts


def test_each_sample_is_judged_by_itself(tmp_path):
    bench = data.load("tinycir", "val")
    oracle = OracleCaptions.of(bench)
    store = EmbeddingStore(tmp_path, progress=False)
    case = sampled_case(bench, FakeEncoder(), Sampling(oracle), RuleRecomposer(), 2, store=store)
    spread = sample_spread(case, ["hit@10"])
    mint = ["mint" in oracle.descriptions[query.reference] for query in bench.queries]
    assert spread["sample"].value_counts().to_dict() == {1: 500, 2: 500}
    assert spread.loc[spread["sample"] == 1, "right"].all()
    assert (spread.loc[spread["sample"] == 2, "right"] == 0).tolist() == mint
    for number, name in ((1, "composed_caption"), (2, "composed_caption_2")):
        alone = replace(case, parts={"composed_caption": case.parts[name]})
        hits = error_budget({"one": alone}, ["hit@10"])["hit@10"]
        assert spread.loc[spread["sample"] == number, "hit@10"].tolist() == hits.tolist()
    assert captions_right(case, 2).tolist() == [float(not one) for one in mint]
    elsewhere = replace(case, benchmark=replace(bench, name="mine"))
    assert (
        np.isnan(captions_right(elsewhere)).all() and np.isnan(captions_right(replace(case, texts={}))).all()
    )
