"""Names of encoders, batches and the checks on their rows."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from tests.encode.tiny import FakeEncoder
from workbench.encode.encoder import (
    ENCODERS,
    Encoder,
    EncoderError,
    batches,
    check_rows,
    encode_in_batches,
    resolve,
)


def test_the_built_in_model_has_an_alias():
    assert "tiny-coca" in ENCODERS.names()
    assert resolve("tiny-coca").endswith("tiny-coca")
    assert resolve("tiny-coca").startswith("local-dir:")
    assert resolve("ViT-B-32:laion2b_s34b_b79k") == "ViT-B-32:laion2b_s34b_b79k"


def test_a_fake_is_an_encoder_too():
    assert isinstance(FakeEncoder(), Encoder)


@pytest.mark.parametrize(
    ("part", "size"), [(slice(0, 10), 3), (slice(4, 9), 5), (slice(0, 0), 2), (slice(3, 4), 9)]
)
def test_batches_cover_everything_once_in_order(part, size):
    found = list(batches(part, size))
    assert [i for b in found for i in range(b.start, b.stop)] == list(range(part.start, part.stop))
    assert all(b.stop - b.start <= size for b in found)


def test_rows_of_batches_are_put_together_in_order():
    rows = encode_in_batches(
        lambda b: np.arange(b.start, b.stop)[:, None] * np.ones((1, 3)),
        slice(2, 9),
        dim=3,
        label="row",
        size=4,
    )
    np.testing.assert_array_equal(rows[:, 0], np.arange(2, 9))
    assert rows.dtype == np.float32


def test_bad_rows_are_named_by_item():
    good = np.ones((4, 3), dtype=np.float32)
    assert check_rows(good, range(8, 12), 3, "text") is good
    bad = good.copy()
    bad[2, 1] = np.inf
    with pytest.raises(EncoderError, match=r"text: 1 of 4 .*item 10"):
        check_rows(bad, range(8, 12), 3, "text")
    with pytest.raises(EncoderError, match=r"rows 8 to 11 have shape \(4, 3\), expected \(4, 5\)"):
        check_rows(good, range(8, 12), 5, "text")


def test_reading_the_store_needs_no_torch():
    code = (
        "import sys, workbench.encode.encoder, workbench.encode.store, workbench.language.cache, workbench.case;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
