"""Oracles say the truth about TinyCIR, about nothing else, and refuse what has two answers."""

from dataclasses import replace

import pytest

from workbench import data
from workbench.data.tinycir import descriptions
from workbench.language.oracle import CaptionsByHand, OracleCaptions, OracleEdits, OracleError
from workbench.language.recompose import RuleRecomposer


@pytest.fixture(scope="module")
def bench():
    return data.load("tinycir", "val")


@pytest.fixture(scope="module")
def oracle(bench):
    return OracleCaptions.of(bench)


class Mumbling:
    """The same words for every picture."""

    id = "mumbling"

    def texts(self, pictures, indices, sample=0):
        return tuple(f"a picture, said {sample}" for _ in indices)


def test_oracle_captions_are_the_descriptions(bench, oracle):
    rows = [query.reference for query in bench.queries]
    said = descriptions()
    texts = oracle.texts(bench.gallery.images, rows)
    assert list(texts) == [said[query.reference_image] for query in bench.queries]


def test_one_description_per_picture_of_the_gallery_and_no_more(bench, oracle):
    with pytest.raises(OracleError, match="got 3 pictures"):
        oracle.texts(bench.gallery.images.names[:3], [0])
    with pytest.raises(OracleError, match="sample 1"):
        oracle.texts(bench.gallery.images, [0], sample=1)


def test_oracle_edits_are_the_targets_descriptions_and_what_the_rules_make_of_the_truth(bench, oracle):
    edits, said = OracleEdits.of(bench, oracle), descriptions()
    captions = oracle.texts(bench.gallery.images, [query.reference for query in bench.queries])
    targets = bench.qrels["default"].targets[:, 0]
    for query, caption, target in zip(bench.queries, captions, targets, strict=True):
        wanted = said[bench.gallery.ids[target]]
        assert edits.recompose(caption, query.modification[0]) == wanted
        assert RuleRecomposer().recompose(caption, query.modification[0]) == wanted


def test_an_oracle_of_edits_refuses_pairs_it_does_not_know(bench, oracle):
    with pytest.raises(OracleError, match="no query asks 'make it square'"):
        OracleEdits.of(bench, oracle).recompose("a planet", "make it square")


def test_one_caption_and_modification_for_two_targets_has_no_right_edit(bench):
    with pytest.raises(OracleError, match="elsewhere"):
        OracleEdits.of(bench, Mumbling())


def test_no_other_benchmark_has_a_known_truth(bench):
    other = replace(bench, name="cirr")
    for make in (OracleCaptions.of, OracleEdits.of):
        with pytest.raises(OracleError, match="cirr"):
            make(other)


def test_captions_by_hand_change_the_named_pictures_alone():
    changed = CaptionsByHand(Mumbling(), {7: "a mint planet"})
    assert changed.texts([], [3, 7]) == ("a picture, said 0", "a mint planet")
    assert changed.texts([], [7, 3], sample=2) == ("a mint planet", "a picture, said 2")
    assert changed.id == "mumbling, 1 by hand"
