"""Picking tokens: sampling follows its distribution exactly, and its numbers belong to the content and the sample."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from workbench.language.decoding import GREEDY, Decoding, DecodingError

LOGITS = torch.tensor([2.0, -1.0, 0.5, 1.9, -30.0])


def shares(decoding: Decoding, n: int = 20_000) -> np.ndarray:
    """How often each token is picked when the numbers run evenly through [0, 1)."""
    numbers = torch.arange(n) / n
    picked = decoding.pick(LOGITS.expand(n, -1), numbers)
    return np.bincount(picked.numpy(), minlength=len(LOGITS)) / n


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_tokens_are_picked_as_often_as_they_are_probable(temperature):
    chances = (LOGITS.double() / temperature).softmax(dim=-1).numpy()
    np.testing.assert_allclose(shares(Decoding(temperature)), chances, atol=3e-4)


@pytest.mark.parametrize(
    ("top_p", "kept"), [(0.3, [0]), (0.5, [0, 3]), (0.9, [0, 3, 2]), (1.0, [0, 3, 2, 1, 4])]
)
def test_top_p_keeps_the_fewest_tokens_that_reach_it(top_p, kept):
    chances = LOGITS.double().softmax(dim=-1).numpy()
    expected = np.zeros_like(chances)
    expected[kept] = chances[kept] / chances[kept].sum()
    np.testing.assert_allclose(shares(Decoding(1.0, top_p=top_p)), expected, atol=3e-4)


def test_top_p_keeps_what_transformers_keeps():
    from transformers import TopPLogitsWarper

    logits = torch.randn(50, 30, generator=torch.Generator().manual_seed(0)) * 3
    for top_p in (0.2, 0.6, 0.95):
        kept = TopPLogitsWarper(top_p)(None, logits) > -torch.inf
        last = Decoding(1.0, top_p=top_p).pick(logits, torch.full((50,), 1.0))  # the least probable one kept
        least = logits.masked_fill(~kept, torch.inf).argmin(dim=-1)
        assert torch.equal(last, least)


def test_greedy_takes_the_best_and_no_number():
    assert GREEDY.pick(torch.stack([LOGITS, -LOGITS]), None).tolist() == [0, 4]


def test_numbers_depend_on_seed_content_and_sample_and_not_on_the_batch():
    decoding = Decoding(1.0, seed=1)
    together = decoding.numbers([b"a", b"b"], 0, 5)
    assert together.shape == (2, 5) and together.dtype == np.float32
    np.testing.assert_array_equal(together[1:], decoding.numbers([b"b"], 0, 5))
    np.testing.assert_array_equal(together[:, :3], decoding.numbers([b"a", b"b"], 0, 3))
    rows = [
        together[0],
        together[1],
        decoding.numbers([b"a"], 1, 5)[0],
        Decoding(1.0).numbers([b"a"], 0, 5)[0],
    ]
    assert len({row.tobytes() for row in rows}) == 4
    assert ((np.array(rows) >= 0) & (np.array(rows) <= 1)).all()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"temperature": -0.1}, "temperature: got -0.1"),
        ({"temperature": float("nan")}, "temperature: got nan"),
        ({"temperature": float("inf")}, "temperature: got inf"),
        ({"top_p": 0.0}, "top_p: got 0"),
        ({"top_p": 1.1}, "top_p: got 1.1"),
        ({"seed": -1}, "seed: got -1"),
        ({"max_tokens": 0}, "max_tokens: got 0"),
    ],
)
def test_options_out_of_range_are_named(options, problem):
    with pytest.raises(DecodingError, match=problem):
        Decoding(**options)


def test_a_negative_sample_is_refused():
    with pytest.raises(DecodingError, match="sample: got -1"):
        Decoding(1.0).check_sample(-1)
