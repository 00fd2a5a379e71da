"""What the notebooks teach is there: measured on TinyCIR with the shipped weights and caption records.

Bounds are the ones the model was to reach before its weights were frozen. Settings of methods are chosen on validation
data; which outcome shows the gap's effect was chosen there too, after another proved inconclusive (model card).
"""

import pytest

from scripts.tiny_coca import report
from workbench.case import load_case
from workbench.cli.evaluate import ALL_METHODS
from workbench.data.tinycir.world import KINDS
from workbench.evaluation import evaluate, results_table
from workbench.methods import CIReVL, ImageOnly, PDVFusion, TextOnly, WeiMoCIR, parse_method

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def val():
    case = load_case("tinycir", "tiny-coca", "val")
    assert case.captions == case.encoder, "the caption records are of other weights: run workbench caption"
    return case


@pytest.fixture(scope="module")
def chosen(val):
    return report.choose(val)


def compare(case, methods, metric, baseline):
    """{method: row of the results table} for one metric."""
    table = results_table(evaluate(case, methods, [metric]), [metric], baseline)
    return {row["method"]: row for row in table.to_dict("records")}


def test_descriptions_find_their_pictures_on_the_test_split():
    found = report.describe_to_picture("test", "tiny-coca")
    assert found["hit@1"] >= 0.50
    assert found["hit@10"] >= 0.90


def test_greedy_captions_name_the_spoken_attributes(val):
    right = report.caption_accuracy(val)
    assert right["all"] >= 0.85
    chance = {f"{kind.name}.{a.name}": 1 / len(a.values) for kind in KINDS.values() for a in kind.spoken}
    assert all(right[name] > 2 * share for name, share in chance.items()), right


def test_composed_beats_both_halves_and_nothing_is_trivial(val):
    methods = {"image": ImageOnly(), "text": TextOnly(), "composed": PDVFusion()}
    for half in ("image", "text"):
        rows = compare(val, methods, "hit@1", half)
        assert rows["composed"]["difference_low"] > 0.05
        assert 0 < rows[half]["mean"] < rows["composed"]["mean"]
    every = [parse_method(label) for label in ALL_METHODS]
    hits = evaluate(val, every, ["hit@1"]).groupby("method")["hit@1"].mean()
    assert len(hits) >= 10
    assert hits.min() > 0 and 0.30 <= hits.max() <= 0.85


def test_text_only_shows_what_was_asked(val):
    assert report.shows_what_was_asked(val) >= 0.80


def test_pdv_gains_over_cirevl_what_words_leave_out(val):
    gain = compare(val, {"cirevl": CIReVL(), "pdv": PDVFusion()}, "hit@1", "cirevl")["pdv"]
    assert gain["difference"] >= 0.05
    assert gain["difference_low"] > 0


def test_the_modalities_lie_in_two_cones_and_closing_the_gap_moves_retrieval(val):
    measured = report.gap(val)
    assert measured["gap_alignment"] > 0.9
    assert min(measured["cone_image"], measured["cone_text"]) > 0.2
    _, low, high = measured["translated_hit@1"]
    assert low > 0 or high < 0


@pytest.mark.parametrize("method", [CIReVL(), PDVFusion()], ids=["cirevl", "pdv_f"])
def test_composed_rankings_have_hubs(val, method):
    measured = report.hubs(val, method)
    assert measured["k_skewness"] > 1.5 * measured["random_max"]


def test_the_caption_view_changes_weimocir(val, chosen):
    methods = {"image view": WeiMoCIR(beta=0.0), "both": WeiMoCIR(beta=chosen[1])}
    change = compare(val, methods, "hit@10", "image view")["both"]
    assert change["difference_low"] > 0 or change["difference_high"] < 0


@pytest.mark.parametrize("split", ["val", "test"])
def test_no_prior_gives_the_subset_away(split):
    case = load_case("tinycir", "tiny-coca", split, terms=[("reference_image", "image")])
    guess = report.central_prior(case)
    assert guess["chance_low"] <= guess["right"] <= guess["chance_high"]
