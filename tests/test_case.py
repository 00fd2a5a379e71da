"""A case: the right rows for every part and view, nothing that was not asked for, errors before long work."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tests.encode.tiny import FakeEncoder, Pictures, rows_asked_for, write_coca
from workbench.arrays import ArrayError
from workbench.case import JOINS, Case, CaseError, Wording, build_case, load_case
from workbench.case import build as build_module
from workbench.data.benchmark import Benchmark, Card, Gallery, Qrels, Query
from workbench.data.fashioniq import JOINS as OF_FASHIONIQ
from workbench.encode.encoder import EncoderError, load_encoder
from workbench.encode.store import EmbeddingStore
from workbench.language.cache import MissingRecords, Record, RecordedCaptions, Records
from workbench.registry import UnknownName

N = 6
QUERIES = (
    Query("q0", 2, "p2", ("make it red",)),
    Query("q1", 0, "p0", ("two cats",)),
    Query("q2", 2, "p2", ("make it red",)),
)


def benchmark(queries=QUERIES, images="some") -> Benchmark:
    gallery = Gallery(tuple(f"p{i}" for i in range(N)), Pictures(N) if images == "some" else images)
    qrels = Qrels(np.arange(1, 1 + len(queries), dtype=np.int32)[:, None])
    return Benchmark(
        "made up", "val", tuple(queries), gallery, {"default": qrels}, (), {}, Card("", "", "", "")
    )


class Appending:
    """A recomposer that appends, and cannot do what a test forbids."""

    id = "appending"

    def __init__(self, refuses: str = "nothing"):
        self.refuses = refuses

    def recompose(self, caption, modification):
        if self.refuses in modification:
            raise ValueError(f"no rule for {modification!r}")
        return f"{caption}, {modification}"


@pytest.fixture
def store(tmp_path):
    return EmbeddingStore(tmp_path / "store", progress=False)


@pytest.fixture
def captions(tmp_path):
    """Captions "picture 0", "picture 1", ... of the gallery and of four pictures beyond it, on file."""
    records = Records(tmp_path / "captions.jsonl")
    pictures = Pictures(N + 4)
    records.append([Record(pictures.digest(i), "writer@1", f"picture {i}") for i in range(N + 4)])
    return RecordedCaptions.replay(records.path)


def test_every_part_and_view_has_the_rows_of_its_texts_and_pictures(store, captions):
    encoder = FakeEncoder()
    case = build_case(benchmark(), encoder, captions=captions, recomposer=Appending(), store=store)
    reference = ["picture 2", "picture 0", "picture 2"]
    asked = ["make it red", "two cats", "make it red"]
    composed = [f"{a}, {b}" for a, b in zip(reference, asked, strict=True)]
    gallery = [f"picture {i}" for i in range(N)]
    assert case.texts == {
        "reference_caption": tuple(reference),
        "modification": tuple(asked),
        "composed_caption": tuple(composed),
        "caption": tuple(gallery),
    }
    pictures = Pictures(N)
    image = encoder.encode_images([pictures[i] for i in range(N)])
    expected = {
        "reference_image": image[[2, 0, 2]],
        "reference_caption": encoder.encode_texts(reference),
        "modification": encoder.encode_texts(asked),
        "composed_caption": encoder.encode_texts(composed),
    }
    assert set(case.parts) == set(expected)
    for name, rows in expected.items():
        np.testing.assert_array_equal(case.parts[name], rows, err_msg=name)
    np.testing.assert_array_equal(case.views["image"], image)
    np.testing.assert_array_equal(case.views["caption"], encoder.encode_texts(gallery))
    assert (case.encoder, case.captions, case.recomposer) == ("fake@1", "writer@1", "appending")
    assert case.failures == ()


def test_rows_are_raw_and_similarities_are_of_unit_rows(store):
    case = build_case(benchmark(), FakeEncoder(), store=store)
    query, gallery = case.parts["modification"], case.views["image"]
    assert not np.allclose(np.linalg.norm(query, axis=1), 1)
    scores = case.similarities([("modification", "image")])["modification", "image"]
    lengths = np.linalg.norm(query, axis=1)[:, None] * np.linalg.norm(gallery, axis=1)
    np.testing.assert_allclose(scores, query @ gallery.T / lengths, rtol=1e-5)


def test_without_captions_or_recomposer_their_parts_are_left_out(store, captions):
    plain = build_case(benchmark(), FakeEncoder(), store=store)
    assert set(plain.parts) == {"reference_image", "modification"}
    assert set(plain.views) == {"image"}
    unedited = build_case(benchmark(), FakeEncoder(), captions=captions, store=store)
    assert set(unedited.parts) == {"reference_image", "reference_caption", "modification"}
    assert set(unedited.views) == {"image", "caption"}


def test_only_what_the_terms_need_is_encoded(tmp_path, store):
    log = tmp_path / "log"
    case = build_case(benchmark(), FakeEncoder(log=log), terms=[("modification", "image")], store=store)
    assert set(case.parts) == {"modification"}
    assert rows_asked_for(log) == 2 + N  # two different texts, and the gallery
    with pytest.raises(UnknownName, match="reference_image"):
        case.similarities([("reference_image", "image")])


def test_captions_are_asked_for_only_where_needed(tmp_path, store):
    records = Records(tmp_path / "few.jsonl")
    records.append([Record(Pictures(N).digest(i), "writer@1", f"picture {i}") for i in (0, 2)])
    few = RecordedCaptions.replay(records.path)
    case = build_case(
        benchmark(), FakeEncoder(), captions=few, terms=[("reference_caption", "image")], store=store
    )
    assert case.texts["reference_caption"] == ("picture 2", "picture 0", "picture 2")
    with pytest.raises(MissingRecords, match=r"4 of 6 pictures.*workbench caption"):
        build_case(benchmark(), FakeEncoder(), captions=few, store=store)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ([("modification", "imag")], "no gallery view is called 'imag'. Did you mean 'image'"),
        ([("modifcation", "image")], "no query part is called 'modifcation'. Did you mean 'modification'"),
    ],
)
def test_an_unknown_term_is_named(store, terms, message):
    with pytest.raises(UnknownName, match=message):
        build_case(benchmark(), FakeEncoder(), terms=terms, store=store)


def test_a_term_without_its_ingredient_says_which(store, captions):
    with pytest.raises(CaseError, match="captions: got none"):
        build_case(benchmark(), FakeEncoder(), terms=[("modification", "caption")], store=store)
    terms = [("composed_caption", "image")]
    with pytest.raises(CaseError, match="captions: got none"):
        build_case(benchmark(), FakeEncoder(), recomposer=Appending(), terms=terms, store=store)
    with pytest.raises(CaseError, match="recomposer: got none"):
        build_case(benchmark(), FakeEncoder(), captions=captions, terms=terms, store=store)
    with pytest.raises(CaseError, match="ids but no pictures"):
        build_case(benchmark(images=None), FakeEncoder(), store=store)


def test_references_outside_the_gallery_have_their_own_pictures(store, captions):
    queries = (Query("a", None, "mine", ("red",)), QUERIES[0], Query("b", None, "yours", ("blue",)))
    outside = Pictures(2, first=N)
    encoder = FakeEncoder()
    case = build_case(benchmark(queries), encoder, captions=captions, references=outside, store=store)
    expected = encoder.encode_images([outside[0], Pictures(N)[2], outside[1]])
    np.testing.assert_array_equal(case.parts["reference_image"], expected)
    assert case.texts["reference_caption"] == ("picture 6", "picture 2", "picture 7")
    with pytest.raises(CaseError, match=r"references: got 0 pictures, expected 2.*'a'"):
        build_case(benchmark(queries), encoder, store=store)
    own = replace(benchmark(queries), references=outside)
    np.testing.assert_array_equal(build_case(own, encoder, store=store).parts["reference_image"], expected)


def test_failed_edits_are_listed_and_warned_about(store, captions):
    with pytest.warns(UserWarning, match=r"appending could not edit 1 of 3 captions.*'q1'.*no rule"):
        case = build_case(
            benchmark(), FakeEncoder(), captions=captions, recomposer=Appending("cats"), store=store
        )
    (failure,) = case.failures
    assert (failure.query, failure.caption, failure.modification) == ("q1", "picture 0", "two cats")
    assert failure.used == case.texts["composed_caption"][1] == "two cats"
    assert "no rule" in failure.reason


def test_an_empty_caption_is_named(store, tmp_path):
    records = Records(tmp_path / "mute.jsonl")
    records.append([Record(Pictures(N).digest(i), "writer@1", "" if i == 2 else "words") for i in range(N)])
    mute = RecordedCaptions.replay(records.path)
    with pytest.raises(CaseError, match=r"writer@1 gave 2 empty captions, the first for picture 2"):
        build_case(benchmark(), FakeEncoder(), captions=mute, store=store)


def stating(blank: int, queries) -> Benchmark:
    """A benchmark whose card states so many blank texts."""
    card = Card("", "", "", "", counts={"blank_texts": blank})
    return replace(benchmark(queries), card=card)


def test_a_blank_text_that_the_card_states_stands_as_it_is(store, captions):
    """CIRR test1 and FashionIQ have some: they are said, and encoded as no word at all."""
    queries = (QUERIES[0], Query("mute", 1, "p1", (" ",)), Query("half", 0, "p0", ("", "is blue")))
    wording, encoder = Wording(join="cirevl"), FakeEncoder()
    with pytest.warns(UserWarning, match=r"made up val: 2 queries have a blank modification.*first: 'mute'"):
        case = build_case(stating(2, queries), encoder, wording=wording, store=store)
    assert case.texts["modification"] == ("make it red", " ", " and is blue")
    expected = encoder.encode_texts(["make it red", "", " and is blue"])
    np.testing.assert_array_equal(case.parts["modification"], expected)
    with pytest.raises(CaseError, match=r"query 'mute': .*empty \(2 such texts, the card states 1\)"):
        build_case(stating(1, queries), encoder, wording=wording, store=store)


def test_a_blank_text_in_a_prompt_is_the_prompt(store):
    queries = (QUERIES[0], Query("mute", 1, "p1", ("",)))
    with pytest.warns(UserWarning, match="1 query has a blank"):
        case = build_case(
            stating(1, queries), FakeEncoder(), wording=Wording(prompt="a photo {}"), store=store
        )
    np.testing.assert_array_equal(case.parts["modification"][1:], FakeEncoder().encode_texts(["a photo "]))


@pytest.mark.filterwarnings("ignore:made up val. 1 query has a blank")
def test_a_real_model_reads_a_stated_blank_text(tmp_path, store):
    encoder = load_encoder(f"local-dir:{write_coca(tmp_path / 'nano')}", device="cpu")
    queries = (QUERIES[0], Query("mute", 1, "p1", ("  ",)))
    case = build_case(stating(1, queries), encoder, store=store)
    row = case.parts["modification"][1:]
    assert np.linalg.norm(row) > 0
    np.testing.assert_array_equal(row, encoder.encode_blank())
    with pytest.raises(EncoderError, match="is empty"):
        encoder.encode_texts([" "])


@pytest.mark.parametrize("modification", [("",), ("  ",), (), ("red", " ")])
def test_an_empty_modification_is_named_before_anything_is_encoded(tmp_path, store, modification):
    log = tmp_path / "log"
    queries = (QUERIES[0], Query("mute", 1, "p1", modification))
    with pytest.raises(CaseError, match=r"query 'mute'.*empty"):
        build_case(benchmark(queries), FakeEncoder(log=log), store=store)
    assert rows_asked_for(log) == 0


def test_texts_are_checked_before_pictures_are_encoded(tmp_path, store):
    class Strict(FakeEncoder):
        def check_text(self, text):
            if len(text) > 20:
                raise EncoderError(f"too long: {text!r}")

    log = tmp_path / "log"
    queries = (*QUERIES, Query("long", 1, "p1", ("very " * 10,)))
    with pytest.raises(EncoderError, match="too long: 'very very"):
        build_case(benchmark(queries), Strict(log=log), store=store)
    assert rows_asked_for(log) == 0


# Worked by hand from the rules as described in the literature; the texts end in what the rules strip.
TWO = ("is Red.", " has LONG sleeves, ")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("cirevl", "is Red and has LONG sleeves"),
        ("pic2word", " has LONG sleeves,  and is Red."),
        ("weimocir", "Is red and has LONG sleeves"),
        ("imagescope", "is Red and has LONG sleeves,"),
        ("seize", "is Red. has LONG sleeves, "),
        ("searle", "is Red and has LONG sleeves"),
    ],
)
def test_join_rules(rule, expected):
    wording = Wording(join=rule)
    assert wording.modification(Query("q", 0, "p0", TWO)) == expected
    assert wording.modification(Query("q", 0, "p0", TWO[:1])) == "is Red.", "one text stands for itself"


def test_every_join_rule_is_tested():
    assert (
        set(JOINS) == {"cirevl", "searle", "pic2word", "weimocir", "imagescope", "seize"} == set(OF_FASHIONIQ)
    )


def test_both_orders_are_encoded_in_the_prompt_and_averaged(store, captions):
    """SEARLE's rule for any text: unit rows of either order, averaged, as a unit row; edits read the first order."""
    queries = (Query("two", 0, "p0", TWO), Query("one", 1, "p1", ("plain",)))
    wording, encoder = Wording(join="searle", prompt="a photo that {}"), FakeEncoder()
    case = build_case(
        benchmark(queries), encoder, captions=captions, recomposer=Appending(), wording=wording, store=store
    )
    orders = ("a photo that is Red and has LONG sleeves", "a photo that has LONG sleeves and is Red")
    a, b = (row / np.linalg.norm(row) for row in encoder.encode_texts(orders))
    both = (a + b) / np.linalg.norm(a + b)
    (plain,) = encoder.encode_texts(["a photo that plain"])
    expected = [both, plain / np.linalg.norm(plain)]
    np.testing.assert_allclose(case.parts["modification"], expected, atol=1e-6)
    assert case.texts["modification"] == ("is Red and has LONG sleeves", "plain")
    assert case.texts["composed_caption"][0] == "picture 0, is Red and has LONG sleeves"


@pytest.mark.parametrize(
    ("asked", "rule"), [(None, "pic2word"), ("pic2word", "pic2word"), ("seize", "seize")]
)
def test_the_protocol_names_the_join_rule_unless_the_wording_does(store, asked, rule):
    """Either way the case's protocol and its wording say the same: a number is never shown under another rule."""
    bench = replace(
        benchmark([Query("q", 0, "p0", TWO)]), protocol={"caption join": "pic2word", "reference": "ranked"}
    )
    case = build_case(bench, FakeEncoder(), wording=Wording(join=asked), store=store)
    assert case.texts["modification"] == (JOINS[rule](*TWO),)
    assert case.wording.join == rule
    assert case.benchmark.protocol == {"caption join": rule, "reference": "ranked"}
    assert bench.protocol["caption join"] == "pic2word"


def test_two_texts_are_not_joined_by_guess(store):
    with pytest.raises(CaseError, match=r"query 'q' has 2 modification texts.*cirevl"):
        build_case(benchmark([Query("q", 0, "p0", TWO)]), FakeEncoder(), store=store)
    with pytest.raises(CaseError, match="has 3 modification texts"):
        Wording(join="cirevl").modification(Query("q", 0, "p0", ("a", "b", "c")))
    with pytest.raises(UnknownName, match="Did you mean 'cirevl'"):
        Wording(join="cirvel")


def test_the_prompt_stands_around_what_is_encoded_and_not_in_the_texts(store):
    wording = Wording(prompt="a drawing: {}")
    case = build_case(benchmark(), FakeEncoder(), wording=wording, store=store)
    expected = FakeEncoder().encode_texts([f"a drawing: {t}" for t in case.texts["modification"]])
    np.testing.assert_array_equal(case.parts["modification"], expected)
    assert case.texts["modification"][0] == "make it red"
    assert case.wording == wording
    for prompt in ("no place", "{} twice {}"):
        with pytest.raises(CaseError, match="exactly one"):
            Wording(prompt=prompt)


def test_nan_embeddings_are_refused(store):
    class Broken(FakeEncoder):
        def encode_images(self, images):
            return super().encode_images(images) * np.nan

    with pytest.raises(EncoderError, match="NaN"):
        build_case(benchmark(), Broken(), store=store)


def test_the_same_through_a_real_model(tmp_path, store):
    encoder = load_encoder(f"local-dir:{write_coca(tmp_path / 'nano')}", device="cpu")
    case = build_case(benchmark(), encoder, store=store)
    np.testing.assert_allclose(
        case.parts["modification"], encoder.encode_texts(case.texts["modification"]), rtol=1e-5, atol=1e-6
    )
    assert case.encoder == encoder.id
    too_long = Query("long", 1, "p1", ("red " * 30,))
    with pytest.raises(EncoderError, match=r"more than the 24 this model reads: 'red red"):
        build_case(benchmark([too_long]), encoder, store=store)


def test_load_case_goes_by_names_and_replays_captions(tmp_path, monkeypatch, captions):
    from workbench import data

    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    write_coca(tmp_path / "data" / "models" / "tiny-coca")
    (tmp_path / "data" / "toy").mkdir()
    asked = []

    def load(split, root=None, gallery="split"):
        asked.append((split, root, gallery))
        return benchmark()

    monkeypatch.setattr(data, "BENCHMARKS", SimpleNamespace(get=lambda name: load))
    case = load_case("toy", "tiny-coca", "val")
    assert case.encoder.startswith("tiny-coca@")
    assert case.captions is None
    shutil.copy(captions.records.path, tmp_path / "data" / "toy" / "captions.jsonl")
    monkeypatch.setattr(
        build_module, "RECOMPOSERS", SimpleNamespace(get=lambda name: {"rules": Appending}[name])
    )
    case = load_case("toy", "tiny-coca", "val")
    assert case.captions == "writer@1"
    assert case.texts["composed_caption"][1] == "picture 0, two cats"
    load_case("toy", "tiny-coca", "val", root=tmp_path / "elsewhere", choices={"gallery": "union"})
    assert asked == [*[("val", None, "split")] * 2, ("val", tmp_path / "elsewhere", "union")]
    with pytest.raises(UnknownName, match=r"toy has no choice 'galery'\. Did you mean 'gallery'"):
        load_case("toy", "tiny-coca", "val", choices={"galery": "union"})
    stored = [json.loads(p.read_text()) for p in (tmp_path / "cache" / "embeddings").glob("*/manifest.json")]
    assert {m["encoder"] for m in stored} == {case.encoder}


@pytest.mark.parametrize(
    ("parts", "views", "message"),
    [
        ({"modification": (2, 8)}, {}, r"part 'modification': got shape \(2, 8\), expected \"Q D\" with Q=3"),
        ({"modification": (3,)}, {}, r"part 'modification': got shape \(3,\)"),
        ({}, {"image": (3, 8)}, r"view 'image': got shape \(3, 8\), expected \"N D\" with N=6"),
        ({"modification": (3, 8), "reference_image": (3, 9)}, {}, "part 'reference_image'.*D=8"),
        ({"modification": (3, 8)}, {"image": (6, 4)}, "view 'image'.*D=8"),
    ],
)
def test_rows_that_fit_neither_the_benchmark_nor_each_other_are_named(parts, views, message):
    case = Case(benchmark(), "fake@1", None, None, {}, {})
    for name, shapes in (
        ("parts", parts),
        ("views", views),
    ):  # behind the back of the tests' own shape checks
        rows = {key: np.ones(shape, np.float32) for key, shape in shapes.items()}
        object.__setattr__(case, name, rows)
    with pytest.raises(ArrayError, match=message):
        case.__post_init__()


def test_the_door_is_there_when_a_case_is_made():
    rows = np.ones((2, 8), np.float32)
    with pytest.raises(ArrayError, match="part 'modification': got shape"):
        Case(benchmark(), "fake@1", None, None, {"modification": rows}, {})
