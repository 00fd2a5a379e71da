"""The open_clip encoder, on a tiny random CoCa and a tiny plain CLIP made on the spot."""

from __future__ import annotations

import json
import shutil
import socket

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.encode.tiny import CONFIG, CONTEXT, WIDTH, picture, write_coca
from workbench.encode import source
from workbench.encode.encoder import Encoder, EncoderError, load_encoder

TEXTS = ["the cat", "red thing", "a", "in the red cat"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_coca(tmp_path_factory.mktemp("models") / "nano-coca")


@pytest.fixture(scope="module")
def coca(folder):
    return load_encoder(f"local-dir:{folder}", device="cpu")


@pytest.fixture
def copy(folder, tmp_path):
    """A copy of the model's folder that a test may spoil."""
    return shutil.copytree(folder, tmp_path / "copy")


@pytest.fixture
def plain_clip(tmp_path, monkeypatch):
    """A plain CLIP under a name of its own, with a weights file; forgotten after the test."""
    monkeypatch.setattr(open_clip.factory, "_MODEL_CONFIGS", dict(open_clip.factory._MODEL_CONFIGS))
    monkeypatch.setattr(open_clip.factory, "_MODEL_CONFIG_PATHS", list(open_clip.factory._MODEL_CONFIG_PATHS))
    text = {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
    vision = {"image_size": 32, "patch_size": 16, "width": 16, "head_width": 8, "layers": 1}
    config = {"embed_dim": 16, "vision_cfg": vision, "text_cfg": text}
    (tmp_path / "nano-clip.json").write_text(json.dumps(config))
    open_clip.add_model_config(tmp_path / "nano-clip.json")
    torch.manual_seed(0)
    weights = tmp_path / "weights.safetensors"
    save_file(open_clip.create_model("nano-clip").state_dict(), weights)
    return f"nano-clip:{weights}"


def sabotage(folder, change):
    """Rewrite the folder's config after ``change`` has been at it."""
    config = json.loads(json.dumps(CONFIG))
    change(config)
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return f"local-dir:{folder}"


def test_it_is_an_encoder_of_raw_float32_rows(coca):
    assert isinstance(coca, Encoder)
    rows = coca.encode_images([picture(i) for i in range(3)])
    texts = coca.encode_texts(TEXTS)
    assert rows.shape == (3, WIDTH)
    assert texts.shape == (4, WIDTH)
    assert rows.dtype == texts.dtype == np.float32
    for some in (rows, texts):
        assert not np.allclose(np.linalg.norm(some, axis=1), 1, atol=1e-2), "norms are kept"


def test_rows_are_those_of_open_clip_without_its_normalising(coca, folder):
    model, _, prepare = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}", bpe_path=str(folder / "bpe.txt.gz"))
    model.eval()
    images = [picture(i) for i in range(3)]
    with torch.inference_mode():
        pixels = torch.stack([prepare(image) for image in images])
        expected_images = model.encode_image(pixels, normalize=False).numpy()
        expected_texts = model.encode_text(tokenizer(TEXTS), normalize=False).numpy()
    np.testing.assert_allclose(coca.encode_images(images), expected_images, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(coca.encode_texts(TEXTS), expected_texts, rtol=1e-5, atol=1e-6)


def test_batches_do_not_change_rows(folder, coca):
    small = load_encoder(f"local-dir:{folder}", device="cpu", batch_size=2)
    images = [picture(i) for i in range(5)]
    pairs = [
        (small.encode_texts(TEXTS), coca.encode_texts(TEXTS)),
        (small.encode_images(images), coca.encode_images(images)),
    ]
    for one, other in pairs:
        # float32 rounds relative to the largest entries, about 10 in these raw rows
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6 * np.abs(other).max())


def test_nothing_to_encode_is_no_rows(coca):
    assert coca.encode_images([]).shape == (0, WIDTH)
    assert coca.encode_texts([]).shape == (0, WIDTH)


def test_a_text_has_the_same_row_beside_a_longer_one(coca):
    # CoCa's summary token sits at the position after the context: cropping a batch would move it.
    alone = coca.encode_texts(["the cat"])
    beside = coca.encode_texts(["the cat", "in the red cat in the red"])[:1]
    np.testing.assert_allclose(alone, beside, rtol=1e-5, atol=1e-6)


def test_cropping_texts_would_change_coca_rows(coca):
    """Why ``encode_texts`` always pads to the full context."""
    tokens = coca.tokenizer(["the cat"])
    with torch.inference_mode():
        full = coca.model.encode_text(tokens, normalize=False)
        cropped = coca.model.encode_text(tokens[:, :4], normalize=False)
    assert not torch.allclose(full, cropped, rtol=1e-3)


def test_the_id_names_family_and_weights_and_no_path(coca, folder):
    weights = source_digest(folder / "open_clip_model.safetensors")
    assert coca.id.startswith(f"nano-coca@{weights[:12]}.")
    assert coca.provenance["weights"] == weights
    assert str(folder.parent) not in coca.id + str(coca.provenance)


def source_digest(path):
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_moved_folder_is_the_same_encoder(coca, copy, monkeypatch):
    moved = copy.rename(copy.parent / "nano-coca")
    assert load_encoder(f"local-dir:{moved}", device="cpu").id == coca.id
    monkeypatch.chdir(moved.parent)
    assert load_encoder("local-dir:nano-coca", device="cpu").id == coca.id


def test_the_id_changes_with_weights_preprocessing_and_vocabulary(coca, copy):
    ids = {load_encoder(f"local-dir:{copy}", device="cpu").id}
    ids.add(
        load_encoder(sabotage(copy, lambda c: c["preprocess_cfg"].update(mean=[0.4] * 3)), device="cpu").id
    )
    sabotage(copy, lambda c: None)  # as it was
    tensors = load_file(copy / "open_clip_model.safetensors")
    save_file({k: v * 1.01 for k, v in tensors.items()}, copy / "open_clip_model.safetensors")
    ids.add(load_encoder(f"local-dir:{copy}", device="cpu").id)
    other = write_vocabulary(copy)
    ids.add(load_encoder(f"local-dir:{other}", device="cpu").id)
    assert len(ids) == 4


def write_vocabulary(folder):
    import gzip

    lines = gzip.decompress((folder / "bpe.txt.gz").read_bytes()).decode().split("\n")
    lines[-1] = "e d</w>"
    (folder / "bpe.txt.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return folder


def test_a_model_name_with_a_weights_file(plain_clip):
    encoder = load_encoder(plain_clip, device="cpu")
    assert encoder.id.startswith("nano-clip:weights@")
    rows = encoder.encode_texts(["a cat", "two cats"])
    assert rows.shape == (2, 16)
    assert not np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-2)


def test_an_alias_is_a_name_for_a_folder(folder, tmp_path, monkeypatch):
    shutil.copytree(folder, tmp_path / "data" / "models" / "tiny-coca")
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    assert load_encoder("tiny-coca", device="cpu").id.startswith("tiny-coca@")


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "xyz:0"])
def test_a_device_that_is_not_there_is_named(folder, device):
    with pytest.raises(EncoderError, match=f"device '{device}' is not to be had.*cpu always is"):
        load_encoder(f"local-dir:{folder}", device=device)


@pytest.mark.parametrize("text", ["", "  ", "\n\t"])
def test_an_empty_text_is_refused(coca, text):
    with pytest.raises(EncoderError, match="is empty"):
        coca.encode_texts(["the cat", text])


def test_a_long_text_is_reported_never_cut(coca, monkeypatch):
    fits = "the " * (CONTEXT - 2)
    assert coca.encode_texts([fits]).shape == (1, WIDTH)
    monkeypatch.setattr(coca.model, "encode_text", None)  # nothing may be encoded before the error
    with pytest.raises(EncoderError, match=r"text has 25 tokens, more than the 24 .*'the the"):
        coca.encode_texts(["a", "cat", "the " * (CONTEXT - 1)])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tiny-cocoa", "no model is called 'tiny-cocoa'.*tiny-coca.*local-dir:"),
        ("ViT-B-23:openai", "no model is called 'ViT-B-23'.*ViT-B-.*local-dir:"),
        ("ViT-B-32:laion2b_s34b_b97k", "no pretrained tag.*laion2b_s34b_b79k.*local-dir:"),
        ("ViT-B-32", "needs weights.*laion2b_s34b_b79k"),
        ("ViT-B-32:", "needs weights"),
        ("ViT-B-32:/nowhere/weights.safetensors", "no weights file /nowhere/weights.safetensors"),
        ("hf-hub:someone/something", "local-dir:"),
        ("local-dir:/nowhere", "no open_clip_config.json in the model folder /nowhere"),
    ],
)
def test_a_wrong_name_says_the_nearest_and_the_way_offline(name, message):
    with pytest.raises(EncoderError, match=message):
        load_encoder(name)


def test_openai_weights_without_quick_gelu_are_refused_by_name():
    with pytest.raises(EncoderError, match="use ViT-B-32-quickgelu:openai"):
        load_encoder("ViT-B-32:openai")


def test_quick_gelu_is_forced_where_there_is_no_model_name_for_it():
    with pytest.warns(UserWarning, match="mine:openai was trained with QuickGELU"):
        assert source._quick_gelu("mine", "openai", trained=True, config=False)
    with pytest.raises(EncoderError, match="use the plain model"):
        source._quick_gelu("mine", "laion", trained=False, config=True)
    assert not source._quick_gelu("mine", "openai", trained=True, config=True)


def test_forced_quick_gelu_changes_the_model_that_is_built(plain_clip):
    from dataclasses import replace

    from workbench.encode.clip import _build

    plain = source.find_source(plain_clip)
    acts = [
        type(_build(s).transformer.resblocks[0].mlp.gelu).__name__
        for s in (plain, replace(plain, quick_gelu=True))
    ]
    assert acts == ["GELU", "QuickGELU"]


def test_a_folder_named_after_openai_without_quick_gelu_warns(copy):
    with pytest.warns(UserWarning, match="looks like OpenAI weights"):
        load_encoder(f"local-dir:{copy.rename(copy.parent / 'vit-openai')}", device="cpu")


@pytest.fixture
def hub(monkeypatch):
    """A hub that answers but has nothing: the test says how it fails. No test here touches the network."""
    calls = []

    def download(*args, **kwargs):
        calls.append(kwargs)
        raise OSError("connection reset")

    monkeypatch.setattr(source, "getproxies", dict)
    monkeypatch.setattr(source, "try_to_load_from_cache", lambda repository, name: None)
    monkeypatch.setattr(source.socket, "create_connection", lambda *args, **kwargs: socket.socket())
    monkeypatch.setattr(open_clip.pretrained, "hf_hub_download", download)
    return calls


def test_a_download_that_breaks_says_how_to_go_on(hub):
    with pytest.raises(EncoderError, match=r"cannot download ViT-B-32:laion2b_s34b_b79k.*reset.*local-dir:"):
        load_encoder("ViT-B-32:laion2b_s34b_b79k")
    assert hub


def silence(*args, **kwargs):
    raise socket.gaierror(-2, "Name or service not known")


def test_without_a_network_it_fails_at_once(hub, monkeypatch):
    monkeypatch.setattr(source.socket, "create_connection", silence)
    with pytest.raises(EncoderError, match=r"laion2b_s34b_b79k: no connection to the model hub.*local-dir:"):
        load_encoder("ViT-B-32:laion2b_s34b_b79k")
    assert not hub, "the hub's client, which tries for 90 seconds, was not asked"


@pytest.mark.parametrize("way", ["cached", "proxy"])
def test_cached_weights_and_proxies_need_no_direct_connection(hub, monkeypatch, way):
    monkeypatch.setattr(source.socket, "create_connection", silence)
    if way == "cached":
        monkeypatch.setattr(source, "try_to_load_from_cache", lambda repository, name: "/a/file")
    else:
        monkeypatch.setattr(source, "getproxies", lambda: {"https": "http://proxy"})
    with pytest.raises(EncoderError, match="reset"):
        load_encoder("ViT-B-32:laion2b_s34b_b79k")
    assert hub


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("model_cfg"), "not an open_clip config"),
        (lambda c: c["model_cfg"].pop("embed_dim"), "not an open_clip config.*embed_dim"),
        (lambda c: c["model_cfg"].pop("custom_text"), '"custom_text": true'),
        (lambda c: c["model_cfg"]["text_cfg"]["tokenizer_kwargs"].update(bpe_path="no.gz"), "'no.gz'"),
        (lambda c: c["model_cfg"]["vision_cfg"].update(width=32), "cannot load open_clip_model.safetensors"),
    ],
)
def test_a_wrong_config_is_named(copy, change, message):
    with pytest.raises(EncoderError, match=message):
        load_encoder(sabotage(copy, change), device="cpu")


def test_a_config_that_is_no_json_is_named(copy):
    (copy / "open_clip_config.json").write_text("{")
    with pytest.raises(EncoderError, match="not an open_clip config"):
        load_encoder(f"local-dir:{copy}", device="cpu")


def test_a_folder_without_weights_is_never_a_random_model(copy):
    (copy / "open_clip_model.safetensors").unlink()
    with pytest.raises(EncoderError, match="holds 0 weights files"):
        load_encoder(f"local-dir:{copy}", device="cpu")


def test_two_weights_files_are_not_guessed_between(copy):
    weights = copy / "open_clip_model.safetensors"
    shutil.copy(weights, copy / "a.safetensors")
    weights.rename(copy / "b.safetensors")
    with pytest.raises(EncoderError, match=r"holds 2 weights files \(a.safetensors, b.safetensors\)"):
        load_encoder(f"local-dir:{copy}", device="cpu")


def test_cut_weights_are_named(copy):
    weights = copy / "open_clip_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(EncoderError, match=r"cannot load open_clip_model\.safetensors"):
        load_encoder(f"local-dir:{copy}", device="cpu")


def test_missing_parameters_are_not_left_at_random(copy):
    weights = copy / "open_clip_model.safetensors"
    tensors = load_file(weights)
    tensors.pop("visual.proj")
    save_file(tensors, weights)
    with pytest.raises(EncoderError, match=r"visual\.proj"):
        load_encoder(f"local-dir:{copy}", device="cpu")


class Payload:
    """Unpickling this would create a file: what a hostile weights file does."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (open, (str(self.target), "w"))


def test_a_pickle_that_would_run_code_is_refused(copy, tmp_path):
    (copy / "open_clip_model.safetensors").unlink()
    torch.save({"state_dict": Payload(tmp_path / "ran")}, copy / "model.bin")
    with pytest.raises(EncoderError, match=r"cannot load model\.bin"):
        load_encoder(f"local-dir:{copy}", device="cpu")
    assert not (tmp_path / "ran").exists()


def test_nan_weights_are_noticed_at_the_first_row(copy):
    weights = copy / "open_clip_model.safetensors"
    tensors = load_file(weights)
    tensors["visual.proj"][0, 0] = torch.nan
    save_file(tensors, weights)
    broken = load_encoder(f"local-dir:{copy}", device="cpu")
    with pytest.raises(EncoderError, match="NaN"):
        broken.encode_images([picture(0)])
