"""Pseudo-words: the mechanism and Phi as published, the same through an open_clip tower, checkpoints, textual inversion."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.encode.tiny import write_coca
from workbench.encode.encoder import EncoderError, load_encoder
from workbench.encode.pseudo_tokens import (
    convert_mapping,
    embedding_table,
    encode_with_words,
    load_mapping,
    placeholder_token,
    stored_sentences,
    stored_words,
    words_in_place,
)
from workbench.encode.store import EmbeddingStore

DOLLAR = 259  # in the vocabulary that all published pseudo-word methods use


class Tower(torch.nn.Module):
    """The fixture's text tower: CLIP's, but for a transformer that adds a map of the running mean over positions."""

    def __init__(self, weights):
        super().__init__()
        of = {name.removeprefix("clip."): torch.from_numpy(array) for name, array in weights.items()}
        self.of = of
        self.token_embedding = torch.nn.Embedding.from_pretrained(of["token_embedding.weight"])

    def encode_text(self, tokens, normalize):
        assert not normalize
        x = self.token_embedding(tokens) + self.of["positional_embedding"]
        count = torch.arange(1, x.shape[1] + 1)[:, None]
        x = x + torch.nn.functional.linear(x.cumsum(1) / count, self.of["mix.weight"], self.of["mix.bias"])
        x = torch.nn.functional.layer_norm(
            x, x.shape[-1:], self.of["ln_final.weight"], self.of["ln_final.bias"]
        )
        return x[torch.arange(len(x)), tokens.argmax(-1)] @ self.of["text_projection"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return load_encoder(f"local-dir:{write_coca(tmp_path_factory.mktemp('pseudo') / 'nano')}", device="cpu")


@pytest.fixture
def phi_file(golden, tmp_path):
    data = golden("cir/pseudo_tokens", "input.npz")
    state = {n.removeprefix("phi."): torch.from_numpy(a) for n, a in data.items() if n.startswith("phi.")}
    path = tmp_path / "phi.safetensors"
    save_file(state, path)
    return path


def test_words_in_place_as_published(golden):
    """One row has several placeholders, of which only the first is replaced."""
    data, expected = golden("cir/pseudo_tokens", "input.npz"), golden("cir/pseudo_tokens", "expected.npz")
    tower = Tower({name: array for name, array in data.items() if name.startswith("clip.")})
    tokens, words = torch.from_numpy(data["token_ids"]), torch.from_numpy(data["pseudo_tokens"])
    assert (data["token_ids"] == DOLLAR).sum(axis=1).max() > 1
    with words_in_place(tower, DOLLAR, words):
        found = tower.encode_text(tokens, normalize=False)
    np.testing.assert_allclose(found, expected["text_features"], atol=1e-5)
    with words_in_place(tower, DOLLAR, words[:1]):
        shared = tower.encode_text(tokens, normalize=False)
    np.testing.assert_allclose(shared[:4], expected["text_features_single_token"][:4], atol=1e-5)
    # For one word shared by all rows the released code counts placeholders over all rows: row 4 gets the place of the
    # fifth of them, which stands in row 3. There it overwrites token 170 and leaves row 4's own placeholder alone.
    row, place = np.argwhere(data["token_ids"] == DOLLAR)[4]
    assert row == 3
    with words_in_place(tower, int(tokens[4, place]), words[:1]):
        misplaced = tower.encode_text(tokens[4:], normalize=False)
    np.testing.assert_allclose(misplaced, expected["text_features_single_token"][4:], atol=1e-5)
    assert not np.allclose(tower.encode_text(tokens, normalize=False), found, atol=1e-3), "the hook is gone"


def test_phi_as_published(golden, phi_file):
    data, expected = golden("cir/pseudo_tokens", "input.npz"), golden("cir/pseudo_tokens", "expected.npz")
    phi = load_mapping(phi_file)
    assert phi.width == 16
    assert phi.id.startswith("phi@")
    np.testing.assert_allclose(phi.words(data["image_features"]), expected["phi_output"], atol=1e-5)
    with pytest.raises(EncoderError, match="reads rows of 8 numbers, got 5"):
        phi.words(np.ones((2, 5), np.float32))


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize(("reads", "width"), [(4, 5), (6, 6)])
def test_pic2word_is_relu_and_reads_its_layers_in_order(tmp_path, by_hand, reads, width):
    """Converted here, or saved by somebody with the published names; where all layers are square, too."""
    draw = torch.Generator().manual_seed(0)
    shapes = {"layers.0.0": (6, reads), "layers.1.0": (6, 6), "fc_out": (width, 6)}
    state = {}
    for name, shape in shapes.items():
        state[f"module.{name}.weight"] = torch.randn(shape, generator=draw)
        state[f"module.{name}.bias"] = torch.randn(shape[0], generator=draw)
    checkpoint = tmp_path / "pic2word.pt"
    torch.save({"epoch": 30, "state_dict": {}, "state_dict_img2text": state}, checkpoint)
    file = tmp_path / "pic2word.safetensors"
    save_file(state, file) if by_hand else convert_mapping(checkpoint, file)
    network = load_mapping(file)
    rows = np.random.default_rng(0).normal(size=(7, reads)).astype(np.float32)
    naive = rows
    for name in ("layers.0.0", "layers.1.0"):
        naive = np.maximum(
            naive @ state[f"module.{name}.weight"].numpy().T + state[f"module.{name}.bias"].numpy(), 0
        )
    naive = naive @ state["module.fc_out.weight"].numpy().T + state["module.fc_out.bias"].numpy()
    np.testing.assert_allclose(network.words(rows), naive, atol=1e-5)


def test_checkpoint_of_searle_and_lincir(golden, phi_file, tmp_path):
    from safetensors.torch import load_file

    checkpoint = tmp_path / "lincir_large.pt"
    torch.save({"Phi": load_file(phi_file), "epoch": 3}, checkpoint)
    converted = load_mapping(convert_mapping(checkpoint, tmp_path / "lincir.safetensors"))
    rows = golden("cir/pseudo_tokens", "input.npz")["image_features"]
    np.testing.assert_array_equal(converted.words(rows), load_mapping(phi_file).words(rows))


class Payload:
    """Unpickling this would create a file."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (open, (str(self.target), "w"))


@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_a_checkpoint_that_would_run_code_is_refused(tmp_path, how):
    checkpoint, ran = tmp_path / "hostile.pt", tmp_path / "ran"
    if how == "torch":
        torch.save({"Phi": Payload(ran)}, checkpoint)
    else:
        checkpoint.write_bytes(pickle.dumps({"Phi": Payload(ran)}))
    with pytest.raises(EncoderError, match="without running code"):
        convert_mapping(checkpoint, tmp_path / "out.safetensors")
    assert not ran.exists()


@pytest.mark.parametrize("content", [{"model": {"a": 1}}, [1, 2], {"Phi": {"a": 3}}])
def test_a_checkpoint_without_a_network_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(EncoderError, match="holds no mapping network"):
        convert_mapping(tmp_path / "other.pt", tmp_path / "out.safetensors")


def test_a_checkpoint_of_another_network_leaves_no_file(tmp_path):
    torch.save({"Phi": {"layers.0.weight": torch.ones(2, 3)}}, tmp_path / "other.pt")
    with pytest.raises(EncoderError, match=r"other\.pt is no chain of linear layers"):
        convert_mapping(tmp_path / "other.pt", tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"layers.0.weight": torch.ones(2, 3)}, "no chain of linear layers"),
        ({"embedding": torch.ones(2, 3)}, "no chain of linear layers"),
        (
            {
                "layers.0.weight": torch.ones(2, 3),
                "layers.0.bias": torch.ones(2),
                "layers.3.weight": torch.ones(4, 3),
                "layers.3.bias": torch.ones(4),
            },
            "do not fit each other",
        ),
        ({"layers.0.weight": torch.ones(2, 3), "layers.0.bias": torch.ones(5)}, "do not fit each other"),
        (
            {"layers.0.weight": torch.ones(2, 3), "layers.0.bias": torch.tensor([1, torch.nan])},
            r"layers\.0\.bias holds NaN",
        ),
        ({"fc1.weight": torch.ones(2, 3), "fc1.bias": torch.ones(2)}, r"no chain .* expected .* layers\.3"),
    ],
)
def test_a_file_that_is_no_network_is_refused(tmp_path, state, message):
    save_file(state, tmp_path / "x.safetensors")
    with pytest.raises(EncoderError, match=message):
        load_mapping(tmp_path / "x.safetensors")


def test_files_of_the_wrong_kind_are_named(tmp_path):
    with pytest.raises(
        EncoderError, match=r"expected a \.safetensors file; make one of a \.pt with convert_mapping"
    ):
        load_mapping(tmp_path / "phi.pt")
    (tmp_path / "cut.safetensors").write_bytes(b"123")
    for name in ("cut", "none"):
        with pytest.raises(EncoderError, match="cannot read the mapping network"):
            load_mapping(tmp_path / f"{name}.safetensors")


def test_a_words_own_embedding_changes_nothing(tiny):
    """The embedding of "cat" in the place of $ gives the row of the sentence with "cat"; another one another row."""
    cat = int(tiny.tokenizer(["cat"])[0, 1])
    table = embedding_table(tiny.model).weight.detach().numpy()
    texts = ["the $ that is red", "$", "the $, red"]
    words = np.stack([table[cat]] * 3)
    found = encode_with_words(tiny, texts, words)
    expected = tiny.encode_texts(["the cat that is red", "cat", "the cat, red"])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert not np.allclose(encode_with_words(tiny, texts, words[:, ::-1]), found, atol=1e-2)


def test_wrong_sentences_and_words_are_named(tiny):
    words = np.zeros((1, 16), np.float32)
    with pytest.raises(EncoderError, match=r"no \$"):
        encode_with_words(tiny, ["a photo"], words)
    with pytest.raises(EncoderError, match=r"words: got shape \(1, 16\), expected \(2, 16\)"):
        encode_with_words(tiny, ["$", "$"], words)
    with pytest.raises(EncoderError, match="more than the 24"):
        encode_with_words(tiny, ["$ " + "red " * 30], words)
    with pytest.raises(EncoderError, match="no table of token embeddings"):
        embedding_table(torch.nn.Linear(2, 2))


def test_the_placeholder_is_one_token(tiny):
    assert placeholder_token(tiny) == DOLLAR


class Doubling:
    """An inverter that logs what it is asked for."""

    id, width = "doubling@1", 16

    def __init__(self):
        self.asked = []

    def words(self, rows, names):
        self.asked.append(list(names))
        return 2 * np.asarray(rows)


def test_words_and_sentences_are_made_once_per_content(tiny, tmp_path):
    store, inverter = EmbeddingStore(tmp_path, progress=False), Doubling()
    rows = np.random.default_rng(0).normal(size=(3, 16)).astype(np.float32)[[0, 1, 0, 2]]
    words = stored_words(store, tiny, inverter, ["a", "b", "a", "c"], rows)
    np.testing.assert_array_equal(words, 2 * rows)
    assert inverter.asked == [["a", "b", "c"]]
    np.testing.assert_array_equal(stored_words(store, tiny, inverter, ["a", "b", "a", "c"], rows), words)
    assert len(inverter.asked) == 1
    texts = ["the $", "the $", "the $ in red", "$"]
    sentences = stored_sentences(store, tiny, texts, words)
    np.testing.assert_array_equal(sentences, encode_with_words(tiny, texts, words))
    changed = stored_sentences(store, tiny, texts, words[:, ::-1])
    assert not np.allclose(changed, sentences)


def test_a_kill_costs_one_shard_of_words(tiny, tmp_path):
    class Dying(Doubling):
        def words(self, rows, names):
            if len(self.asked) == 1:
                raise KeyboardInterrupt
            return super().words(rows, names)

    store, rows = EmbeddingStore(tmp_path, progress=False), np.ones((150, 16), np.float32)
    names = [str(i) for i in range(150)]
    with pytest.raises(KeyboardInterrupt):
        stored_words(store, tiny, Dying(), names, rows)
    again = Doubling()
    stored_words(store, tiny, again, names, rows)
    assert [len(asked) for asked in again.asked] == [64, 22], "the first 64 were kept"
