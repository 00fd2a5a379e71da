"""Captions of a CoCa, greedy and sampled, held to slow twins: one picture at a time, the whole model at every step."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.encode.tiny import CONTEXT, picture, write_coca
from workbench.encode.encoder import EncoderError, load_encoder
from workbench.language.coca import CoCaCaptioner, decode, special_tokens
from workbench.language.decoding import Decoding, DecodingError, picture_content


@pytest.fixture(scope="module", params=[True, False], ids=["class-token", "end-token"])
def folder(request, tmp_path_factory):
    """A CoCa whose text tower pools at a class token, as published ones do, or at the end token, as tiny-coca does."""
    return write_coca(
        tmp_path_factory.mktemp("models") / "nano-coca",
        seed=0 if request.param else 1,
        class_token=request.param,
    )


@pytest.fixture
def captioner(folder):
    """A fresh one each time: tests below change its weights."""
    return CoCaCaptioner(load_encoder(f"local-dir:{folder}", device="cpu"))


def favour_the_end(captioner, strength: float) -> None:
    """Turn the decoder's output for the end token up, so that random weights end some captions early."""
    with torch.no_grad():
        captioner.encoder.model.text_decoder.text_projection[:, captioner.end] *= strength


def best(scores, step) -> int:
    return int(scores.argmax())


def drawn(decoding, image, sample):
    """A token by the definition of sampling with top_p: walk down the tokens from the most probable one."""
    numbers = decoding.numbers([picture_content(image)], sample, CONTEXT)[0]

    def choose(scores, step) -> int:
        chances = (scores.double() / decoding.temperature).softmax(dim=-1)
        kept, total = [], 0.0
        for token in chances.argsort(descending=True).tolist():
            kept.append(token)
            total += float(chances[token])
            if total >= decoding.top_p:
                break
        passed = 0.0
        for token in kept:
            passed += float(chances[token]) / total
            if passed > numbers[step]:
                break
        return token

    return choose


def slow_caption(captioner, image, choose=best) -> list[int]:
    """The definition: ask the whole model, picture and all, for one more token until it says end."""
    model = captioner.encoder.model
    tokens = [captioner.start]
    with torch.inference_mode():
        while len(tokens) < captioner.max_tokens:
            text = torch.tensor([tokens + [0] * (captioner.encoder.context_length - len(tokens))])
            out = model(captioner.encoder.pixels([image]), text, output_labels=False)
            scores = out["logits"][0, len(tokens) - 1].clone()
            scores[captioner.start] = -torch.inf
            scores[captioner.vocabulary :] = -torch.inf
            tokens.append(choose(scores, len(tokens)))
            if tokens[-1] == captioner.end:
                break
    return tokens


PICTURES = [picture(i) for i in range(6)]


@pytest.mark.parametrize("strength", [1.0, 3.0])
def test_batches_single_pictures_and_the_slow_twin_agree(captioner, strength):
    favour_the_end(captioner, strength)
    together = captioner.caption(PICTURES)
    assert together == [captioner.caption([image])[0] for image in PICTURES]
    for caption, image in zip(together, PICTURES, strict=True):
        tokens = slow_caption(captioner, image)
        words = [t for t in tokens[1:] if t != captioner.end]
        assert caption.text == decode(captioner.encoder.tokenizer, words)
        assert caption.finished == (tokens[-1] == captioner.end)
        assert caption.tokens == len(words)


@pytest.mark.parametrize("sample", [0, 2])
def test_sampled_captions_belong_to_picture_and_sample_and_agree_with_the_slow_twin(captioner, sample):
    decoding = Decoding(temperature=0.8, top_p=0.9, seed=5)
    sampling = CoCaCaptioner(captioner.encoder, decoding)
    together = sampling.caption(PICTURES, sample=sample)
    assert together[::-1] == sampling.caption(PICTURES[::-1], sample=sample)
    for caption, image in zip(together, PICTURES, strict=True):
        words = slow_caption(captioner, image, drawn(decoding, image, sample))[1:]
        assert caption.text == decode(captioner.encoder.tokenizer, [t for t in words if t != captioner.end])


def test_samples_and_seeds_differ_and_can_be_had_again(captioner):
    def captions(sample, **options):
        return CoCaCaptioner(captioner.encoder, Decoding(temperature=1.0, **options)).caption(
            PICTURES, sample=sample
        )

    assert captions(0) == captions(0)
    several = [captions(0), captions(1), captions(2), captions(0, seed=1), captioner.caption(PICTURES)]
    for i, one in enumerate(several):
        assert one not in several[i + 1 :]


def test_the_options_say_how_it_was_sampled(captioner):
    sampling = CoCaCaptioner(captioner.encoder, Decoding(0.7, top_p=0.9, seed=3, max_tokens=9))
    assert sampling.options == {
        "decoding": "sampling",
        "temperature": 0.7,
        "top_p": 0.9,
        "seed": 3,
        "max_tokens": 9,
    }
    assert max(caption.tokens for caption in sampling.caption(PICTURES)) <= 8


def test_a_greedy_captioner_has_no_second_sample(captioner):
    with pytest.raises(DecodingError, match="set a temperature"):
        captioner.caption(PICTURES, sample=1)


def test_captions_of_one_batch_may_end_at_different_steps(captioner):
    favour_the_end(captioner, 3.0)
    captions = captioner.caption(PICTURES)
    # Else the test above would not have shown that pictures matter and that a finished row stays finished.
    assert len({caption.tokens for caption in captions}) > 1
    assert {caption.finished for caption in captions} == {True, False}
    assert len({caption.text for caption in captions}) > 2


def test_a_caption_that_never_ends_says_so(captioner):
    favour_the_end(captioner, 0.0)
    for caption in captioner.caption(PICTURES[:2]):
        assert not caption.finished
        assert caption.tokens == CONTEXT - 1


def test_a_caption_may_be_empty(captioner):
    model = captioner.encoder.model.text_decoder
    with torch.no_grad():
        model.ln_final.weight.zero_()
        model.ln_final.bias.fill_(1.0)
        model.text_projection.zero_()
        model.text_projection[:, captioner.end] = 1.0
    (caption,) = captioner.caption(PICTURES[:1])
    assert (caption.text, caption.finished, caption.tokens) == ("", True, 0)


def test_captions_are_the_same_every_time(captioner):
    assert captioner.caption(PICTURES) == captioner.caption(PICTURES)


def test_the_picture_is_encoded_once(captioner, monkeypatch):
    calls = []
    captioner.encoder.model.visual.register_forward_hook(lambda *args: calls.append(1))
    captioner.caption(PICTURES[:2])
    assert len(calls) == 1


def test_no_pictures_no_captions(captioner):
    assert captioner.caption([]) == []


def test_it_is_named_by_its_weights_and_options(captioner):
    assert captioner.id == captioner.encoder.id
    assert captioner.options == {"decoding": "greedy", "max_tokens": CONTEXT}


def test_a_model_without_a_decoder_is_refused_by_name(captioner):
    towers = replace(captioner.encoder, id="towers@1", model=torch.nn.Linear(1, 1))
    with pytest.raises(EncoderError, match="towers@1 has no caption decoder"):
        CoCaCaptioner(towers)


def test_special_tokens_come_from_the_tokenizer(captioner):
    tokenizer = captioner.encoder.tokenizer
    start, end, size = special_tokens(tokenizer)
    (row,) = tokenizer(["the cat"]).tolist()
    assert row[0] == start
    assert row[row.index(end) :] == [end] + [0] * (len(row) - row.index(end) - 1)
    assert size == tokenizer.vocab_size
    assert decode(tokenizer, row[1 : row.index(end)]) == "the cat"


def test_special_tokens_of_a_transformers_tokenizer():
    class Inner:
        bos_token_id, cls_token_id, eos_token_id, sep_token_id = None, 5, None, 6

        def __len__(self):
            return 40

        def decode(self, ids, skip_special_tokens):
            assert skip_special_tokens
            return " ".join(f"w{i}" for i in ids)

    class Wrapped:
        tokenizer = Inner()

    assert special_tokens(Wrapped()) == (5, 6, 40)
    assert decode(Wrapped(), [1, 2]) == "w1 w2"
