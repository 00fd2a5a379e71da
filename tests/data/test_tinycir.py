"""TinyCIR keeps its promises: on the files as shipped, and on a sample that is drawn again."""

import dataclasses
import hashlib
import io
import json
from collections import Counter
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image

from workbench import data
from workbench.data.benchmark import BenchmarkError
from workbench.data.tinycir import attributes, benchmark, build, compose, description_benchmark, descriptions
from workbench.data.tinycir.draw import STYLE, Nuisance, draw
from workbench.data.tinycir.grammar import GrammarError, apply_edit, parse_description, parse_edit
from workbench.data.tinycir.words import EDIT_KINDS, Change, describe, edit_kind, word_edit
from workbench.data.tinycir.world import KINDS, NONE, Card, is_held_out
from workbench.paths import data_root

ROOT = data_root() / "tinycir"
HIDDEN = {"kind"}


@pytest.fixture(scope="module")
def val():
    return data.load("tinycir", "val")


@pytest.fixture(scope="module")
def test():
    return data.load("tinycir", "test")


@pytest.fixture(scope="module")
def cards():
    return {
        id: Card(row["kind"], tuple(v for k, v in row.items() if k not in HIDDEN))
        for id, row in attributes().items()
    }


def rows(split):
    return json.loads((ROOT / f"{split}.json").read_text())


def random_card(rng):
    kind = KINDS[str(rng.choice(list(KINDS)))]
    return Card(kind.name, tuple(str(rng.choice(a.values)) for a in kind.attributes))


def random_edit(card, rng):
    names = [str(n) for n in rng.permutation([a.name for a in KINDS[card.kind].spoken])[: rng.integers(1, 3)]]
    values = {n: [v for v in KINDS[card.kind].attribute(n).values if v != card[n]] for n in names}
    return tuple(Change(n, card[n], str(rng.choice(values[n]))) for n in names)


def test_counts(val, test):
    assert (len(val.queries), len(test.queries), len(val.gallery)) == (500, 1000, benchmark.PICTURES)
    assert benchmark.PICTURES >= 4000
    assert (ROOT / "pictures.zip").stat().st_size < 10_000_000


def test_half_the_gallery_is_background():
    members = 6 * sum(compose.FAMILIES.values())
    assert members + compose.TWINS + compose.REPEATS + compose.BACKGROUND == benchmark.PICTURES
    assert compose.BACKGROUND >= benchmark.PICTURES / 2


def test_every_edit_kind_is_asked_in_both_splits(val, test):
    for split in (val, test):
        asked = Counter(q.tags["edit"] for q in split.queries)
        assert set(asked) == set(EDIT_KINDS) and len(asked) >= 8
        assert {q.tags["kind"] for q in split.queries} == set(KINDS) and len(KINDS) >= 4


def test_the_splits_share_no_reference_and_no_target(val, test):
    used = [
        {q.reference_image for q in split.queries}
        | {split.gallery.ids[t] for t in split.qrels["default"].targets[:, 0]}
        for split in (val, test)
    ]
    assert not used[0] & used[1]


def test_pictures_are_reference_target_and_distractor_alike(test):
    references = {q.reference for q in test.queries}
    targets = set(test.qrels["default"].targets[:, 0].tolist())
    assert len(references & targets) > len(references) / 2
    assert len(references | targets) < len(test.gallery) / 2


@pytest.mark.parametrize("split", ["val", "test"])
def test_right_answers_are_all_pictures_with_the_edited_card(split, cards):
    bench = data.load("tinycir", split)
    for query, row in zip(bench.queries, bench.qrels["default"].targets, strict=True):
        reference = cards[query.reference_image]
        asked = parse_edit(query.modification[0], reference.kind)
        wanted = reference.with_(**asked)
        assert {bench.gallery.ids[t] for t in row if t >= 0} == {id for id, c in cards.items() if c == wanted}
        assert reference != wanted


def test_several_pictures_fit_many_queries(test):
    assert (test.qrels["default"].targets[:, 1] >= 0).mean() > 0.1


def test_reference_is_excluded_unless_asked_for(val):
    references = np.array([q.reference for q in val.queries])
    assert (val.qrels["default"].excluded[:, 0] == references).all()
    assert val.qrels["with_reference"].excluded.size == 0


def test_subset_is_the_five_others_of_a_group_of_six(val, cards):
    rules = val.qrels["subset"]
    assert rules.candidates.shape == (500, 5)
    for query, row in zip(val.queries, rules.candidates, strict=True):
        group = [cards[val.gallery.ids[n]] for n in (*row, query.reference)]
        assert len(set(group)) == 6 and len({c.visual for c in group}) == 1
    assert (rules.candidates == rules.targets[:, :1]).sum(axis=1).tolist() == [1] * 500


def test_no_combination_of_the_benchmark_may_be_trained_on(cards):
    assert all(is_held_out(card) for card in cards.values())


def test_no_two_pictures_are_alike_by_pixels(val):
    pictures = (val.gallery.images[i] for i in range(len(val.gallery)))
    digests = {hashlib.sha256(p.tobytes()).digest() for p in pictures}
    assert len(digests) == len(val.gallery)


def test_a_sample_drawn_again_is_the_same_to_the_pixel(val, cards):
    drawn = {p["id"]: p["drawn"] for p in json.loads((ROOT / "gallery.json").read_text())["pictures"]}
    for row in range(0, len(val.gallery), 97):
        id = val.gallery.ids[row]
        again = Image.open(io.BytesIO(build.encode(cards[id], build.nuisance_of(drawn[id])))).convert("RGB")
        assert again.tobytes() == val.gallery.images[row].tobytes()


def test_the_builder_lays_out_what_is_shipped():
    layout = compose.lay_out(build.SEED)
    build.prove(layout)
    names = build.names_of(layout)
    assert build.query_records(layout, names, "val") == rows("val")
    assert build.query_records(layout, names, "test") == rows("test")
    shipped = json.loads((ROOT / "gallery.json").read_text())
    assert build.gallery_record(layout, names) == shipped["pictures"]
    assert hashlib.sha256((ROOT / "pictures.zip").read_bytes()).hexdigest() == shipped["about"]["sha256"]


def test_a_broken_promise_is_named():
    layout = compose.lay_out(build.SEED)
    broken = dataclasses.replace(layout.questions[0], modification="make it blue and angry and four eyes")
    with pytest.raises((build.BuildError, GrammarError)):
        build.prove(dataclasses.replace(layout, questions=(broken, *layout.questions[1:])))


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_changes_the_picture_at_the_models_resolution(kind):
    card = Card(kind, tuple(a.values[-1] for a in KINDS[kind].attributes))  # the palest colour there is

    def seen(**changes):
        small = draw(card.with_(**changes), Nuisance()).resize((64, 64), Image.Resampling.BICUBIC)
        return np.asarray(small).astype(int)

    for attribute in KINDS[kind].attributes:
        looks = [seen(**{attribute.name: value}) for value in attribute.values]
        for i, one in enumerate(looks):
            for other in looks[:i]:
                # of 4,096 pixels two dozen or more differ by 20 of 255 and more
                assert (np.abs(one - other).max(axis=2) >= 20).sum() >= 24, (kind, attribute.name, i)


def test_descriptions_read_back_and_name_nothing_visual(cards):
    for id, text in descriptions().items():
        card = cards[id]
        kind, said = parse_description(text)
        assert (kind, tuple(said.values())) == (card.kind, card.spoken)


def test_modification_texts_read_back_as_their_edit():
    rng = np.random.default_rng(5)
    for _ in range(3000):
        card = random_card(rng)
        changes = random_edit(card, rng)
        tag = "two" if len(changes) == 2 else edit_kind(changes[0])
        if len(changes) == 1 and tag != "expression" and NONE not in (changes[0].old, changes[0].new):
            tag = str(rng.choice([tag, "instead"]))
        text = word_edit(card.kind, changes, tag, rng)
        asked = {c.attribute: c.new for c in changes}
        assert parse_edit(text, card.kind) == asked, text
        assert apply_edit(describe(card), text) == describe(card.with_(**asked))


@pytest.mark.parametrize(
    ("text", "kind", "asked"),
    [
        ("I'd love it in purple", "planet", {"colour": "purple"}),
        ("get rid of the moons", "planet", {"moons": NONE}),
        (
            "exchange the hat for a turban and take off the glasses",
            "person",
            {"hair": "turban", "eyewear": NONE},
        ),
        ("Three-eyed, with horns rather than a crown", "critter", {"top": "horns", "eyes": "three"}),
    ],
)
def test_the_grammar_reads_wordings_that_no_template_makes(text, kind, asked):
    assert parse_edit(text, kind) == asked


@pytest.mark.parametrize("text", ["something nicer", "add two moons"])
def test_an_edit_that_cannot_be_read_is_quoted(text):
    with pytest.raises(GrammarError, match=text):
        parse_edit(text, "critter")


def test_a_caption_that_names_less_is_edited_as_far_as_it_goes():
    assert apply_edit("a blue planet", "add two moons") == "a blue planet with two moons"
    with pytest.raises(GrammarError, match="no kind of picture"):
        apply_edit("something blue", "add two moons")


def test_a_description_task_counts_every_picture_that_fits():
    bench = description_benchmark("val")
    bench.validate()
    said = descriptions()
    for query, row in zip(bench.queries, bench.qrels["default"].targets, strict=True):
        assert {said[bench.gallery.ids[t]] for t in row if t >= 0} == {query.modification[0]}


def test_an_unknown_split_and_missing_files_are_named(tmp_path):
    with pytest.raises(BenchmarkError, match="test"):
        benchmark.load("tset")
    with pytest.raises(BenchmarkError, match=r"gallery\.json is missing"):
        benchmark.load("val", root=tmp_path)


def test_a_card_refuses_values_of_another_kind():
    with pytest.raises(ValueError, match="colour is 'teal'"):
        Card("planet", ("teal", "plain", NONE, NONE, "navy", "empty"))
    with pytest.raises(KeyError, match="no attribute"):
        Card("planet", ("blue", "plain", NONE, NONE, "navy", "empty")).with_(top="horns")


def test_the_art_is_cc0_by_its_own_metadata():
    styles = files("dicebear_styles")
    table = (data_root() / "README.md").read_text()
    for kind, style in STYLE.items():
        meta = json.loads(styles.joinpath(f"{style}.json").read_text("utf-8"))["meta"]
        assert meta["license"]["name"] == "CC0 1.0"
        assert f"| {kind} | {meta['source']['name']} | {meta['creator']['name']} |" in table
