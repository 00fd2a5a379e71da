"""Textual inversion: a naive twin, what a word depends on, phrases, and mistakes named."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.func import functional_call

from tests.encode.tiny import write_coca
from workbench.arrays import unit
from workbench.case.wording import INVERSION_TEMPLATES
from workbench.encode.encoder import EncoderError, load_encoder
from workbench.encode.inversion import TextualInversion, numbers_of
from workbench.encode.pseudo_tokens import embedding_table, encode_with_words, placeholder_token


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return load_encoder(
        f"local-dir:{write_coca(tmp_path_factory.mktemp('inversion') / 'nano')}", device="cpu"
    )


FEW = INVERSION_TEMPLATES[:3]


def invert(encoder, **settings):
    return TextualInversion(encoder, FEW, **{"steps": 60, "average": 0.9, **settings})


@pytest.fixture(scope="module")
def cats(tiny):
    """Rows of a sentence with two made-up words, as if they were pictures: there is a word that says them."""
    words = np.random.default_rng(0).normal(size=(2, 16)).astype(np.float32)
    return encode_with_words(tiny, [FEW[0]] * 2, words)


def test_inversion_comes_close_to_the_picture(tiny, cats):
    def distance(words):
        rows = unit(encode_with_words(tiny, [FEW[0]] * 2, words))
        return 1 - np.sum(rows * unit(cats), axis=1)

    one = {"templates": FEW[:1], "steps": 60, "average": 0.9}
    before = TextualInversion(tiny, **one | {"steps": 0}).words(cats, ["a", "b"])
    after = TextualInversion(tiny, **one).words(cats, ["a", "b"])
    assert np.abs(before).max() < 0.1, "a word begins small"
    assert (distance(after) < distance(before) / 4).all()


def test_a_word_depends_on_its_picture_name_and_seed_alone(tiny, cats):
    both = invert(tiny, steps=8).words(cats, ["a", "b"])
    np.testing.assert_allclose(invert(tiny, steps=8).words(cats[1:], ["b"])[0], both[1], atol=1e-5)
    np.testing.assert_allclose(invert(tiny, steps=8, batch=1).words(cats, ["a", "b"]), both, atol=1e-5)
    assert not np.allclose(invert(tiny, steps=8, seed=1).words(cats, ["a", "b"]), both, atol=1e-3)
    assert not np.allclose(invert(tiny, steps=8).words(cats, ["b", "a"]), both, atol=1e-3)


def test_phrases_pull_the_word_to_their_concept(tiny, cats):
    """With phrases alone (no weight on the picture) the phrase reads with the word as it reads with its concept."""
    phrases = {"cat": ["the cat in the red"]}
    settings = {"cos_weight": 0.0, "phrase_weight": 1.0, "phrases": phrases}
    meant = tiny.encode_texts(phrases["cat"])[0]

    def cosine(words):
        row = encode_with_words(tiny, ["the $ in the red"], words[:1])[0]
        return row @ meant / np.linalg.norm(row) / np.linalg.norm(meant)

    before, after = (invert(tiny, **settings, steps=n).words(cats, ["a", "b"]) for n in (0, 60))
    assert cosine(after) > cosine(before)
    assert not np.allclose(
        invert(tiny, phrases=phrases, steps=8).words(cats, ["a", "b"]),
        invert(tiny, steps=8).words(cats, ["a", "b"]),
    )


def test_only_the_nearest_concepts_are_used(tiny, cats):
    inversion = invert(tiny, phrases={"cat": ["the cat"], "red": ["red in"], "the": ["the the"]}, concepts=1)
    near = inversion._phrases_near(cats)
    names = np.array(["cat", "red", "the"])
    rows = tiny.encode_texts([FEW[0].replace("$", name) for name in names])
    cosine = (cats / np.linalg.norm(cats, axis=1)[:, None]) @ (rows / np.linalg.norm(rows, axis=1)[:, None]).T
    assert [[concept for concept, _ in some] for some in near] == [
        [name] for name in names[cosine.argmax(axis=1)]
    ]


def test_the_id_names_every_setting(tiny):
    ids = {
        invert(tiny).id,
        invert(tiny, steps=61).id,
        invert(tiny, seed=1).id,
        invert(tiny, phrases={"cat": ["the cat"]}).id,
        TextualInversion(tiny, FEW[:2], steps=60, average=0.9).id,
    }
    assert len(ids) == 5
    assert invert(tiny, batch=2).id == invert(tiny).id, "how many are done at once changes nothing"


@pytest.mark.parametrize(
    ("templates", "phrases", "message"),
    [
        (["a photo"], {}, r"'a photo' has no \$"),
        ([], {}, "at least one template"),
        (FEW, {"cat": ["a dog"]}, "does not hold its concept 'cat'"),
        (FEW, {"cat": []}, "a phrase for every concept"),
        (["$ " + "red " * 30], {}, "more than the 24"),
    ],
)
def test_wrong_templates_and_phrases_are_named(tiny, templates, phrases, message):
    with pytest.raises(EncoderError, match=message):
        TextualInversion(tiny, templates, phrases)


class Reading(torch.nn.Module):
    """A model as a function of its tokens, so that `functional_call` can put another table into it."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, tokens):
        return self.model.encode_text(tokens, normalize=False)


def naive_word(encoder, row, name, steps, phrases=()):
    """One picture by itself, as published; the word is the row of $ in the table of embeddings, not put in place."""
    reading, table, token = Reading(encoder.model), embedding_table(encoder.model), placeholder_token(encoder)
    (where,) = [name for name, weight in reading.named_parameters() if weight is table.weight]
    draw, old = numbers_of(42, name), table.weight.detach()
    word = torch.tensor(draw.normal(0, 0.02, table.embedding_dim), dtype=torch.float32).requires_grad_()
    average, optimiser = word.detach().clone(), torch.optim.AdamW([word], lr=2e-2, weight_decay=0.01)

    def distance(text, other):
        rows = {where: torch.cat([old[:token], word[None], old[token + 1 :]])}
        found = functional_call(reading, rows, (encoder.tokenizer([text]),))[0]
        return 1 - torch.nn.functional.cosine_similarity(found, other, dim=0)

    for _ in range(steps):
        loss = distance(FEW[draw.integers(len(FEW))], torch.tensor(row))
        if phrases:
            concept, phrase = phrases[draw.integers(len(phrases))]
            meant = torch.tensor(encoder.encode_texts([phrase])[0])
            loss = (loss + 0.5 * distance(phrase.replace(concept, "$", 1), meant)) / 1.5
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        average = 0.99 * average + 0.01 * word.detach()
    return average.numpy()


@pytest.mark.parametrize("phrases", [{}, {"cat": ["the cat in the red", "a cat"], "red": ["the red"]}])
def test_the_published_optimisation_written_out(tiny, cats, phrases):
    pairs = [(concept, phrase) for concept, some in phrases.items() for phrase in some]
    inversion = TextualInversion(tiny, FEW, phrases, steps=12)
    found = inversion.words(cats, ["a", "b"])
    for i, name in enumerate(["a", "b"]):
        known = inversion._phrases_near(cats)[i]
        assert sorted(known) == sorted(pairs)
        np.testing.assert_allclose(found[i], naive_word(tiny, cats[i], name, 12, known), atol=1e-6)
