"""The further parts of a case: several captions and edits, descriptions and objects, pseudo-words, corpora, verdicts."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from tests.encode.tiny import FakeEncoder, Pictures, rows_asked_for, write_coca
from tests.test_case import QUERIES, Appending, N, benchmark
from workbench.arrays import ArrayError, unit
from workbench.case import PSEUDO_PROMPTS, CaseError, build_case
from workbench.case.wording import given_texts, pseudo_prompt
from workbench.data.benchmark import Query
from workbench.encode.encoder import EncoderError, load_encoder
from workbench.encode.pseudo_tokens import encode_with_words
from workbench.encode.store import EmbeddingStore
from workbench.language.cache import MissingRecords, Record, RecordedCaptions, Records
from workbench.language.replies import Target
from workbench.language.verdicts import Verdicts
from workbench.methods import LDRE, CIReVL, LDREPerQuery, ObjectTerms, PDVFusion, WeiMoCIR
from workbench.methods.pdv import ENSEMBLE, pseudo_word
from workbench.registry import UnknownName


@pytest.fixture
def store(tmp_path):
    return EmbeddingStore(tmp_path / "store", progress=False)


@pytest.fixture
def captions(tmp_path):
    """Two captions of every picture of the gallery: "picture 0", "picture 0 again" ..."""
    records = Records(tmp_path / "captions.jsonl")
    pictures = Pictures(N)
    for sample, more in enumerate(["", " again"]):
        records.append(
            [Record(pictures.digest(i), "writer@1", f"picture {i}{more}", sample=sample) for i in range(N)]
        )
    return RecordedCaptions.replay(records.path)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return load_encoder(f"local-dir:{write_coca(tmp_path_factory.mktemp('case') / 'nano')}", device="cpu")


def test_several_captions_and_their_edits(store, captions):
    terms = (*WeiMoCIR(captions=2).terms, *CIReVL(captions=2).terms)
    case = build_case(
        benchmark(), FakeEncoder(), captions=captions, recomposer=Appending(), terms=terms, store=store
    )
    assert case.texts["reference_caption_2"] == ("picture 2 again", "picture 0 again", "picture 2 again")
    assert case.texts["caption_2"] == tuple(f"picture {i} again" for i in range(N))
    assert case.texts["composed_caption_2"][1] == "picture 0 again, two cats"
    assert case.texts["composed_caption"][1] == "picture 0, two cats"
    expected = FakeEncoder().encode_texts(case.texts["composed_caption_2"])
    np.testing.assert_array_equal(case.parts["composed_caption_2"], expected)
    for method in (WeiMoCIR(captions=2), CIReVL(captions=2)):
        assert method.score(case).shape == (3, N)


def test_only_the_first_caption_is_made_unless_terms_ask(store, captions):
    case = build_case(benchmark(), FakeEncoder(), captions=captions, store=store)
    assert set(case.parts) == {"reference_image", "reference_caption", "modification"}
    with pytest.raises(MissingRecords, match=r"no caption by writer@1 for 2 of 2 pictures"):
        build_case(
            benchmark(), FakeEncoder(), captions=captions, terms=WeiMoCIR(captions=3).terms, store=store
        )


def test_failures_of_every_edit_are_listed(store, captions):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        case = build_case(
            benchmark(),
            FakeEncoder(),
            captions=captions,
            recomposer=Appending("cats"),
            terms=CIReVL(captions=2).terms,
            store=store,
        )
    assert [(f.query, f.caption) for f in case.failures] == [("q1", "picture 0"), ("q1", "picture 0 again")]


def test_ensembles_of_ldre_become_parts_that_pdv_walks_between(store, captions):
    terms = (*LDREPerQuery(captions=2).terms, *PDVFusion().terms)
    case = build_case(
        benchmark(), FakeEncoder(), captions=captions, recomposer=Appending(), terms=terms, store=store
    )
    hosted = case.with_parts(LDRE(captions=2).ensembles(case))
    assert set(hosted.parts) - set(case.parts) == set(ENSEMBLE)
    assert PDVFusion(host=ENSEMBLE).score(hosted).shape == (3, N)


def target(description: str, present=(), absent=()) -> Target:
    return Target(description=description, present=list(present), absent=list(absent))


DESCRIPTIONS = {
    "q0": [target("a red house", ("door", "red wall")), target("a house in red")],
    "q1": [target("two cats", ("cat",), ("dog", "leash")), target("cats")],
    "q2": [target("a red barn"), target("a barn")],
}


def test_descriptions_and_their_objects(store):
    encoder, terms = FakeEncoder(), (*ObjectTerms(1.0, 1.0).terms, ("target_description_2", "image"))
    case = build_case(benchmark(), encoder, descriptions=DESCRIPTIONS, terms=terms, store=store)
    assert case.texts["target_description"] == ("a red house", "two cats", "a red barn")
    assert case.texts["target_description_2"] == ("a house in red", "cats", "a barn")
    door, wall, dog, leash = unit(encoder.encode_texts(["door", "red wall", "dog", "leash"]))
    np.testing.assert_allclose(case.parts["wanted_objects"][0], (door + wall) / 2, atol=1e-6)
    np.testing.assert_allclose(case.parts["unwanted_objects"][1], (dog + leash) / 2, atol=1e-6)
    assert np.linalg.norm(case.parts["wanted_objects"][2]) < 1e-10, "a query that names nothing"
    plain = case.similarities([("target_description", "image")])["target_description", "image"]
    scores = ObjectTerms(1.0, 1.0).score(case)
    np.testing.assert_allclose(scores[2], plain[2], atol=1e-6)
    assert not np.allclose(scores[:2], plain[:2], atol=1e-3)


def test_descriptions_that_name_no_object_at_all(store):
    plain = {query: [target(some[0].description)] for query, some in DESCRIPTIONS.items()}
    terms = ObjectTerms(1.0, 1.0).terms
    case = build_case(benchmark(), FakeEncoder(), descriptions=plain, terms=terms, store=store)
    sims = case.similarities([("target_description", "image")])
    np.testing.assert_allclose(
        ObjectTerms(1.0, 1.0).score(case), sims["target_description", "image"], atol=1e-6
    )


def test_a_query_without_description_is_named(store):
    some = {query: given for query, given in DESCRIPTIONS.items() if query != "q1"}
    with pytest.raises(CaseError, match=r"1 queries have fewer than 1, the first is 'q1'"):
        build_case(benchmark(), FakeEncoder(), descriptions=some, store=store)
    terms = [("target_description_3", "image")]
    with pytest.raises(CaseError, match=r"3 queries have fewer than 3"):
        build_case(benchmark(), FakeEncoder(), descriptions=DESCRIPTIONS, terms=terms, store=store)


class Halving:
    """An inverter of 16 numbers that makes a word of a row, and counts."""

    id, width = "half@1", 16

    def __init__(self):
        self.made = 0

    def words(self, rows, names):
        self.made += len(names)
        return np.asarray(rows) / 2


def test_pseudo_words_in_the_sentences_of_their_maker(tiny, store):
    inverter = Halving()
    makers = {"searle": inverter, "pic2word": Halving()}
    case = build_case(benchmark(), tiny, pseudo_words=makers, store=store)
    assert {"pseudo_word:searle", "composed_pseudo_word:searle", "composed_pseudo_word:pic2word"} < set(
        case.parts
    )
    assert case.makers == {"searle": "half@1", "pic2word": "half@1"}
    words = case.parts["reference_image"] / 2
    asked = ["make it red", "two cats", "make it red"]
    for name, sentences in {
        "pseudo_word:searle": ["a photo of $"] * 3,
        "composed_pseudo_word:searle": [f"a photo of $ that {text}" for text in asked],
        "composed_pseudo_word:pic2word": [f"a photo of $, {text}" for text in asked],
    }.items():
        expected = encode_with_words(tiny, sentences, words)
        np.testing.assert_allclose(case.parts[name], expected, atol=1e-5, err_msg=name)
    assert inverter.made == 2, "three queries, two pictures"
    assert PDVFusion(host=pseudo_word("searle")).score(case).shape == (3, N)


def test_two_modifications_are_read_in_both_orders(tiny, store):
    queries = (Query("q0", 2, "p2", ("red.", "the")), QUERIES[1])
    terms = [("composed_pseudo_word:searle", "image"), ("composed_pseudo_word:pic2word", "image")]
    makers = {"searle": Halving(), "pic2word": Halving()}
    case = build_case(benchmark(queries), tiny, pseudo_words=makers, terms=terms, store=store)
    image = tiny.encode_images([Pictures(N)[2], Pictures(N)[0]]) / 2

    def read(sentence, query):
        return encode_with_words(tiny, [sentence], image[[query]])

    orders = [read("a photo of $ that red and the", 0), read("a photo of $ that the and red", 0)]
    mean = unit((unit(orders[0]) + unit(orders[1])) / 2)
    searle = case.parts["composed_pseudo_word:searle"]
    np.testing.assert_allclose(searle[:1], mean, atol=1e-5)
    np.testing.assert_allclose(searle[1:], unit(read("a photo of $ that two cats", 1)), atol=1e-5)
    second_first = read("a photo of $ , the and red.", 0)
    np.testing.assert_allclose(case.parts["composed_pseudo_word:pic2word"][:1], second_first, atol=1e-5)


def test_sentences_are_checked_before_any_word_is_made(tiny, store):
    inverter = Halving()
    queries = (*QUERIES, Query("long", 1, "p1", ("red " * 18,)))
    makers, terms = {"lincir": inverter}, [("composed_pseudo_word:lincir", "image")]
    with pytest.raises(EncoderError, match=r"more than the 24 this model reads: 'a photo of \$ that red"):
        build_case(benchmark(queries), tiny, pseudo_words=makers, terms=terms, store=store)
    assert inverter.made == 0


def test_references_outside_the_gallery_have_words_of_their_own(tiny, store):
    queries = (Query("a", None, "mine", ("red",)), QUERIES[0])
    outside = Pictures(1, first=N)
    case = build_case(
        benchmark(queries), tiny, pseudo_words={"lincir": Halving()}, references=outside, store=store
    )
    words = tiny.encode_images([outside[0], Pictures(N)[2]]) / 2
    expected = encode_with_words(tiny, ["a photo of $"] * 2, words)
    np.testing.assert_allclose(case.parts["pseudo_word:lincir"], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("maker", "name", "expected"),
    [
        ("pic2word", "domain", "a origami of $"),
        ("pic2word", "objects", "a photo of $ and {class} and an {} origami"),
        ("pic2word", "cirr", "a photo of $, an {} origami"),
        ("searle", "domain", "a photo of $ that an {} origami"),
    ],
)
def test_a_benchmark_is_asked_as_its_published_evaluation_does(maker, name, expected):
    """Places are filled once: what a text or a tag holds stands as it is."""
    query = Query("q", 0, "p0", ("an {} origami",), {"domain": "origami", "class": "{class}"})
    assert pseudo_prompt(maker, name).sentences(query) == (expected,)


def test_a_benchmarks_own_sentence_reaches_the_encoder(tiny, store):
    queries = tuple(replace(query, tags={"domain": "cat"}) for query in QUERIES)
    bench, terms = replace(benchmark(queries), name="domain"), [("composed_pseudo_word:pic2word", "image")]
    case = build_case(bench, tiny, pseudo_words={"pic2word": Halving()}, terms=terms, store=store)
    words = tiny.encode_images([Pictures(N)[query.reference] for query in queries]) / 2
    expected = encode_with_words(tiny, ["a cat of $"] * 3, words)
    np.testing.assert_allclose(case.parts["composed_pseudo_word:pic2word"], expected, atol=1e-5)


@pytest.mark.parametrize("maker", PSEUDO_PROMPTS)
def test_prompts_need_one_or_two_modifications(maker):
    prompt = PSEUDO_PROMPTS[maker]
    assert all("$" in sentence for sentence in prompt.sentences(Query("q", 0, "p0", ("red", "big"))))
    with pytest.raises(CaseError, match="query 'q' has 3 modification texts, expected one or two"):
        prompt.sentences(Query("q", 0, "p0", ("a", "b", "c")))
    with pytest.raises(CaseError, match="empty"):
        given_texts(Query("q", 0, "p0", ()))


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("pseudo_word", r"it takes a maker: pseudo_word:searle"),
        ("modification:searle", "modification takes no maker"),
        ("pseudo_word:serle", "no maker of pseudo-words is called 'serle'. Did you mean 'searle'"),
        ("modification_2", "there is one modification"),
        (
            "reference_caption_0",
            "no query part is called 'reference_caption_0'. Did you mean 'reference_caption'",
        ),
    ],
)
def test_names_that_no_part_can_have(store, part, message):
    with pytest.raises(UnknownName, match=message):
        build_case(benchmark(), FakeEncoder(), terms=[(part, "image")], store=store)


def test_a_maker_that_was_not_given_is_named(store):
    with pytest.raises(
        CaseError, match=r"pseudo_words: got none, but the asked terms need 'searle'.*pseudo_words="
    ):
        build_case(benchmark(), FakeEncoder(), terms=[("pseudo_word:searle", "image")], store=store)
    with pytest.raises(UnknownName, match="no maker of pseudo-words is called 'phi'"):
        build_case(benchmark(), FakeEncoder(), pseudo_words={"phi": Halving()}, store=store)


def test_corpora_are_texts_or_rows(store):
    encoder = FakeEncoder()
    mean = np.ones((1, 8), np.float32)
    corpora = {"subjects": ["cat", "dog", "cat"], "mean_image": mean}
    case = build_case(benchmark(), encoder, corpora=corpora, store=store)
    np.testing.assert_array_equal(case.corpora["subjects"], encoder.encode_texts(corpora["subjects"]))
    np.testing.assert_array_equal(case.corpora["mean_image"], mean)
    # behind the back of the tests' own shape checks
    object.__setattr__(case, "corpora", {"mean_image": np.ones((1, 9), np.float32)})
    with pytest.raises(ArrayError, match=r"corpus 'mean_image': got shape \(1, 9\).*D=8"):
        case.__post_init__()


def test_verdicts_come_along(store):
    verdicts = {"grid": Verdicts("m@1", {"q0": {"p1": 1.0}})}
    assert build_case(benchmark(), FakeEncoder(), verdicts=verdicts, store=store).verdicts == verdicts


def test_lacking_captions_say_what_to_do_for_a_folder_of_ones_own(store, tmp_path):
    log = tmp_path / "log"
    with pytest.raises(CaseError, match=r"For pictures of your own: RecordedCaptions\.make\(CoCaCaptioner"):
        build_case(benchmark(), FakeEncoder(log=log), terms=PDVFusion().terms, store=store)
    assert rows_asked_for(log) == 0
