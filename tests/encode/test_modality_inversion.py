"""Modality inversion: the released loops on the fixture, and the same through open_clip's own towers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import cosine_similarity

from tests.encode.tiny import write_coca
from workbench.encode.encoder import EncoderError, load_encoder
from workbench.encode.modality_inversion import (
    PictureAsWords,
    TextAsPatches,
    descend,
    patch_layer,
    stored_inversion,
    tokens_as_patches,
)
from workbench.encode.pseudo_tokens import embedding_table
from workbench.encode.store import EmbeddingStore


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return load_encoder(f"local-dir:{write_coca(tmp_path_factory.mktemp('cross') / 'nano')}", device="cpu")


@pytest.mark.parametrize("kind", ["oti", "ovi"])
@pytest.mark.parametrize("tokens", [1, 4])
def test_the_released_loops(kind, tokens, golden):
    given = {n: torch.from_numpy(a) for n, a in golden("diag/modality_inversion_toy", "input.npz").items()}
    arrays = golden("diag/modality_inversion_toy", "expected.npz")
    scalars = golden("diag/modality_inversion_toy", "expected.json")
    name = f"{kind}_n{tokens}"

    def read(tokens):
        return torch.tanh(tokens.mean(dim=1) @ given["W1"] + given["b"]) @ given["W2"]

    curve = arrays[f"{name}_loss"]
    found, losses = descend(read, given["target"], torch.from_numpy(arrays[f"{name}_init"]), len(curve))
    np.testing.assert_allclose(losses, curve, atol=1e-4)
    assert losses[0] == pytest.approx(scalars[f"{name}_first_loss"], abs=1e-4)
    assert losses[-1] == pytest.approx(scalars[f"{name}_final_loss"], abs=1e-4)
    cosines = cosine_similarity(read(found), given["target"])
    np.testing.assert_allclose(cosines, scalars[f"{name}_final_cos"], atol=1e-3)
    theirs = torch.from_numpy(arrays[f"{name}_tokens"])
    assert cosine_similarity(found.flatten(1), theirs.flatten(1)).min() > 1 - 1e-3


def test_the_embeddings_of_a_word_read_as_the_word(tiny):
    inversion = PictureAsWords(tiny, tokens=2, template="a photo of $ in red")
    words = embedding_table(tiny.model).weight[tiny.tokenizer(["the cat"])[0, 1:3]].detach()
    expected = tiny.encode_texts(["a photo of the cat in red"])
    np.testing.assert_allclose(inversion.rows(words.flatten()[None].numpy()), expected, atol=1e-5)


def test_the_patches_of_a_picture_read_as_the_picture(tiny):
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8))
    with torch.no_grad():
        patches = patch_layer(tiny.model)(tiny.pixels([picture])).flatten(2).transpose(1, 2)
    inversion = TextAsPatches(tiny, tokens=patches.shape[1])
    np.testing.assert_allclose(
        inversion.rows(patches.flatten(1).numpy()), tiny.encode_images([picture]), atol=1e-5
    )


def test_fewer_tokens_are_stretched_over_the_grid(tiny):
    grid = torch.arange(2.0)[None, :, None].expand(1, 2, 16)  # token 0 and token 1
    with tokens_as_patches(tiny.model, grid), torch.no_grad():
        seen = patch_layer(tiny.model)(torch.zeros(1, 3, 32, 32))
    assert seen[0, 0].flatten().tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("make", [PictureAsWords, TextAsPatches])
def test_tokens_come_to_say_what_the_row_says(make, tiny):
    rows = tiny.encode_texts(["cat", "red", "the cat in red"])
    inversion = make(tiny, tokens=2, steps=30, rate=0.1)
    names = ["a", "b", "c"]
    words = inversion.words(rows, names)
    assert words.shape == (3, inversion.width)
    start = inversion.rows(inversion._start(names).flatten(1).numpy())
    before, after = (
        cosine_similarity(torch.from_numpy(got), torch.from_numpy(rows)).numpy()
        for got in (start, inversion.rows(words))
    )
    assert (after > before + 0.02).all(), (before, after)


@pytest.mark.parametrize("make", [PictureAsWords, TextAsPatches])
def test_an_items_tokens_do_not_depend_on_the_others(make, tiny):
    rows = tiny.encode_texts(["cat", "red", "the"])
    inversion = make(tiny, steps=5, batch=2)
    together = inversion.words(rows, ["a", "b", "c"])
    alone = np.concatenate([inversion.words(rows[i : i + 1], [n]) for i, n in enumerate("abc")])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_rows_and_model_are_left_as_they_are(tiny):
    rows = tiny.encode_texts(["cat"])
    before, weights = rows.copy(), [p.clone() for p in tiny.model.parameters()]
    TextAsPatches(tiny, steps=3).words(rows, ["a"])
    np.testing.assert_array_equal(rows, before)
    assert all(
        torch.equal(a, b) and a.grad is None for a, b in zip(tiny.model.parameters(), weights, strict=True)
    )
    np.testing.assert_array_equal(tiny.encode_texts(["cat"]), before)


def test_stored_tokens_are_made_once_and_what_is_missing_later(tiny, tmp_path, monkeypatch):
    store, rows = EmbeddingStore(tmp_path, progress=False), tiny.encode_texts(["cat", "red"])
    inversion = PictureAsWords(tiny, steps=3)
    first = stored_inversion(store, inversion, ["a", "b", "a"], rows[[0, 1, 0]])
    # the tokens are the same; where a row stands in a batch moves the last digit of what the tower makes of them
    np.testing.assert_allclose(first[0], first[2], rtol=0, atol=2e-6)
    monkeypatch.setattr("workbench.encode.modality_inversion.descend", None)
    np.testing.assert_allclose(
        stored_inversion(store, inversion, ["a", "b"], rows), first[:2], rtol=0, atol=2e-6
    )
    other = PictureAsWords(tiny, steps=4)
    assert other.id != inversion.id and PictureAsWords(tiny, steps=3, batch=1).id == inversion.id


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda e: PictureAsWords(e, tokens=0), "got 0 tokens"),
        (lambda e: PictureAsWords(e, template="a photo"), r"has no \$"),
        (lambda e: PictureAsWords(e, tokens=40), "more than the 24"),
        (lambda e: TextAsPatches(e).rows(np.ones((1, 3), np.float32)), r"shape \(1, 3\), expected \(n, 16\)"),
    ],
)
def test_what_cannot_be_is_named(make, message, tiny):
    with pytest.raises(EncoderError, match=message):
        make(tiny)


def test_a_tower_without_patches_is_named():
    class Tower(torch.nn.Module):
        visual = torch.nn.Linear(2, 2)

    with pytest.raises(EncoderError, match="Linear cuts no patches"):
        patch_layer(Tower())
