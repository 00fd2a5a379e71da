"""Preprocessing choices: the published padding to the pixel, and rows of another choice are other rows."""

import numpy as np
import pytest
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from tests.encode.tiny import write_coca
from workbench.encode.encoder import EncoderError, load_encoder, resolve
from workbench.encode.preprocess import TargetPad, split_name


def test_targetpad_of_the_published_implementation(golden):
    given, sizes = golden("cir/targetpad", "input.npz"), golden("cir/targetpad", "expected.json")
    tensors = golden("cir/targetpad", "expected.npz")
    prepare = image_transform_v2(PreprocessCfg(size=sizes["output_size"]), is_train=False)
    pad = TargetPad(sizes["target_ratio"])
    for name, pixels in given.items():
        padded = pad(Image.fromarray(pixels))
        assert list(padded.size) == sizes["padded_size_w_h"][name]
        np.testing.assert_allclose(prepare(padded).numpy(), tensors[name], atol=2e-2)


def test_the_choice_is_part_of_the_id_and_of_the_rows(tmp_path):
    folder = f"local-dir:{write_coca(tmp_path / 'toy')}"
    plain, padded, other = (
        load_encoder(folder + end, device="cpu") for end in ("", "+targetpad", "+targetpad=2")
    )
    assert load_encoder(folder + "+clip", device="cpu").id == plain.id
    assert len({plain.id, padded.id, other.id}) == 3
    assert padded.id.startswith("toy+targetpad=1.25@")
    long = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 60, 3), np.uint8))
    square = long.crop((0, 0, 20, 20))
    assert not np.allclose(plain.encode_images([long]), padded.encode_images([long]))
    np.testing.assert_array_equal(plain.encode_images([square]), padded.encode_images([square]))
    np.testing.assert_array_equal(plain.encode_texts(["the cat"]), padded.encode_texts(["the cat"]))


def test_names():
    assert resolve("tiny-coca+targetpad") == resolve("tiny-coca") + "+targetpad"
    assert split_name("ViT-B-32:/weights/a+b.safetensors") == ("ViT-B-32:/weights/a+b.safetensors", None)
    assert split_name("local-dir:/a+b/c+targetpad=1.5") == ("local-dir:/a+b/c", TargetPad(1.5))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ViT-B-32:openai+targetpd", "no preprocessing is called 'targetpd'. Did you mean 'targetpad'"),
        ("ViT-B-32:openai+targetpad=wide", "the ratio 'wide' is no number of 1 or more"),
        ("ViT-B-32:openai+targetpad=0.5", "the ratio '0.5' is no number of 1 or more"),
        ("ViT-B-32:openai+targetpad=nan", "is no number of 1 or more"),
        ("ViT-B-32:openai+clip=2", "clip takes no value"),
    ],
)
def test_wrong_choices(name, message):
    with pytest.raises(EncoderError, match=message):
        split_name(name)
