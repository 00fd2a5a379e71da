"""tiny-coca: trained on what the benchmark leaves out, with words for all it asks, loaded like any other model."""

import json

import numpy as np
import pytest
from pictures import training_card
from texts import CANONICAL, REWORDED, VISUAL, training_text, vocabulary
from tokenizer import learn_merges

from workbench.data.tinycir import attributes, descriptions
from workbench.data.tinycir.world import KINDS, is_held_out
from workbench.encode.encoder import load_encoder
from workbench.paths import data_root

FOLDER = data_root() / "models" / "tiny-coca"


@pytest.fixture(scope="module")
def model():
    return load_encoder("tiny-coca", device="cpu")


def words_asked():
    """Every word of the benchmark's modification texts and descriptions."""
    asked = [
        row["modification"]
        for s in ("val", "test")
        for row in json.loads((data_root() / f"tinycir/{s}.json").read_text())
    ]
    return {word.strip(",") for text in [*asked, *descriptions().values()] for word in text.split()}


def test_training_never_draws_a_combination_of_the_benchmark():
    rng = np.random.default_rng(3)
    trained = {(c.kind, *c.spoken) for c in (training_card(rng) for _ in range(3000))}
    asked = {
        (row["kind"], *(row[a.name] for a in KINDS[row["kind"]].spoken)) for row in attributes().values()
    }
    assert len(trained) > 500 and len(asked) > 500
    assert not trained & asked
    assert not any(is_held_out(training_card(rng)) for _ in range(500))


def test_a_training_text_says_what_is_in_its_picture():
    rng = np.random.default_rng(4)
    for _ in range(2000):
        card = training_card(rng)
        text, says, _ = training_text(card, rng)
        truth = {"kind": card.kind, **dict(card.items())}
        assert all(truth[name] == value for name, value in says.items()), (text, says)


def test_two_to_four_in_ten_training_texts_are_short_or_casual():
    assert 0.2 <= round(1 - CANONICAL - REWORDED, 6) <= 0.4
    rng = np.random.default_rng(5)
    drawn = [training_text(card, rng) for card in (training_card(rng) for _ in range(3000))]
    canonical = np.mean([c for *_, c in drawn])
    assert canonical == pytest.approx(CANONICAL * (1 - VISUAL), abs=0.04)


def test_every_word_the_benchmark_uses_is_one_token(model):
    for word in words_asked():
        assert len(model.tokenizer.encode(word)) == 1, word


def test_every_word_of_the_vocabulary_becomes_one_piece_and_merges_repeat():
    merges = learn_merges(vocabulary())
    assert merges == learn_merges(list(reversed(vocabulary())))
    pieces = {a + b for a, b in merges}
    assert all(word + "</w>" in pieces for word in vocabulary() if len(word) > 1)


def test_the_weights_are_small_half_precision_and_named(model):
    from safetensors import safe_open

    path = FOLDER / "open_clip_model.safetensors"
    assert path.stat().st_size < 8_000_000
    with safe_open(path, framework="np") as weights:
        assert {str(weights.get_tensor(k).dtype) for k in weights.keys()} <= {"float16", "int64"}  # noqa: SIM118
    assert model.id.startswith("tiny-coca@")
    assert model.dim == 128


def test_raw_rows_keep_their_norms(model):
    norms = np.linalg.norm(model.encode_texts(["a pink critter", "no moons, planet", "in mint"]), axis=1)
    assert np.abs(norms - 1).min() > 0.1


def test_a_text_longer_than_the_context_is_refused(model):
    with pytest.raises(ValueError, match="32"):
        model.encode_texts(["and a crown " * 20])
