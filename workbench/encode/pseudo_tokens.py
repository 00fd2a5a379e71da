"""Pseudo-words: a picture as one made-up word that a text encoder reads in a sentence.

    "a photo of $ that is red"      the embedding of the first $ is replaced by the picture's word (W numbers),
                                    before positions are added; everything after is the encoder's own

Who makes the words is an *inverter*: a mapping network from its file here, optimisation in ``inversion``. Works with
every open_clip model that embeds tokens by a table (CLIP, CoCa). Left out: training of mapping networks.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from workbench.arrays import Float
from workbench.encode.clip import UNREADABLE, ClipEncoder, count_tokens, file_digest
from workbench.encode.encoder import EncoderError, encode_in_batches
from workbench.encode.inverter import Inverter
from workbench.encode.store import Collection, EmbeddingStore

PLACEHOLDER = "$"
Layers = tuple[tuple[torch.Tensor, torch.Tensor], ...]  # (weight, bias) of each
WORD_SHARD = 64  # words per stored shard: optimising one takes seconds, and a kill costs the shard in flight


@dataclass(frozen=True, eq=False)
class MappingNetwork:
    """Linear layers with one activation between them: Phi (SEARLE, LinCIR) and Pic2Word's network, without dropout."""

    id: str
    layers: Layers
    activation: torch.nn.Module

    @property
    def width(self) -> int:
        return len(self.layers[-1][1])

    @torch.inference_mode()
    def words(self, rows: Float["n D"], names: Sequence[str] = ()) -> Float["n W"]:
        """One word per raw row; raises EncoderError where rows have another width than the network reads."""
        reads = self.layers[0][0].shape[1]
        if rows.shape[1] != reads:
            raise EncoderError(
                f"{self.id} reads rows of {reads} numbers, got {rows.shape[1]}: made for another encoder"
            )
        state = torch.from_numpy(np.array(rows, np.float32))
        for weight, bias in self.layers[:-1]:
            state = self.activation(state @ weight.T + bias)
        weight, bias = self.layers[-1]
        return (state @ weight.T + bias).numpy()


def load_mapping(path: Path | str) -> MappingNetwork:
    """A mapping network from a .safetensors file; for a published .pt, see ``convert_mapping``.

    Layers are known by their published names: Phi's layers.0, layers.3, layers.6, with GELU between them; Pic2Word's
    layers.0.0, layers.1.0, fc_out, with ReLU. Raises EncoderError where the file holds anything but such a chain.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise EncoderError(
            f"{path.name}: expected a .safetensors file; make one of a .pt with convert_mapping (from "
            "workbench.encode.pseudo_tokens)"
        )
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise EncoderError(f"cannot read the mapping network {path}: {error}") from error
    layers, activation = _network(tensors, path.name)
    return MappingNetwork(f"{path.stem}@{file_digest(path)[:12]}", layers, activation)


def _network(tensors: Mapping[str, torch.Tensor], file: str) -> tuple[Layers, torch.nn.Module]:
    """(layers in their order, activation between them) of a published state dict. Raises EncoderError."""
    state = {name.removeprefix("module.").removeprefix("Phi."): tensor for name, tensor in tensors.items()}
    names = sorted({name.rpartition(".")[0] for name in state}, key=_place)
    is_pic2word = names[-1:] == ["fc_out"]
    pattern = r"layers\.\d+\.0" if is_pic2word else r"layers\.\d+"
    known = all(re.fullmatch(pattern, name) for name in names[: -1 if is_pic2word else None])
    if not names or not known or set(state) != {f"{n}.{kind}" for n in names for kind in ("weight", "bias")}:
        raise EncoderError(
            f"{file} is no chain of linear layers; it holds {sorted(tensors)[:6]}, expected weight and bias of layers.0, "
            "layers.3, layers.6 (Phi) or of layers.0.0, layers.1.0, fc_out (Pic2Word)"
        )
    layers = tuple((state[f"{n}.weight"].float(), state[f"{n}.bias"].float()) for n in names)
    shapes = [(tuple(weight.shape), tuple(bias.shape)) for weight, bias in layers]
    chained = all(len(weight) == 2 and bias == weight[:1] for weight, bias in shapes)
    if not chained or any(a[0] != b[1] for (a, _), (b, _) in pairwise(shapes)):
        raise EncoderError(f"{file}: the layers {shapes} (weight, bias) do not fit each other")
    for name, tensor in state.items():
        if not tensor.isfinite().all():
            raise EncoderError(f"{file}: {name} holds NaN or infinity")
    return layers, torch.nn.ReLU() if is_pic2word else torch.nn.GELU()


def _place(name: str) -> tuple[bool, list[int]]:
    """Where a layer stands: numbered ones by their numbers, Pic2Word's "fc_out" last."""
    return name == "fc_out", [int(i) for i in name.split(".") if i.isdigit()]


def convert_mapping(checkpoint: Path | str, out: Path | str) -> Path:
    """The mapping network of a published .pt file as .safetensors; loading it runs no code from the file.

    SEARLE and LinCIR keep it under "Phi", Pic2Word under "state_dict_img2text" with names that begin with "module.".
    Raises EncoderError for a file that cannot be read so, or holds neither.
    """
    try:
        content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        raise EncoderError(f"cannot read {checkpoint} without running code from it: {error}") from error
    state = content
    for key in ("Phi", "state_dict_img2text"):
        state = content.get(key, state) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
        found = list(content) if isinstance(content, dict) else type(content).__name__
        raise EncoderError(f"{checkpoint} holds no mapping network (Phi or state_dict_img2text), but {found}")
    _network(state, str(checkpoint))  # raises where these are no linear layers
    save_file({name.removeprefix("module."): tensor.contiguous() for name, tensor in state.items()}, out)
    return Path(out)


@contextmanager
def words_in_place(model: torch.nn.Module, token: int, words: torch.Tensor) -> Iterator[None]:
    """While this lasts, the model's first ``token`` of each text is embedded as its word (b or 1, W).

    Words of several tokens (b or 1, T, W) take the first T places. Raises EncoderError for a text with fewer.
    """
    several = words if words.ndim == 3 else words[:, None]

    def replace(module, inputs, embedded):
        here = inputs[0] == token
        place = here.cumsum(dim=1)
        if not (place[:, -1] >= several.shape[1]).all():
            raise EncoderError(f"a text has no {PLACEHOLDER}, so there is no place for the pseudo-word")
        for t in range(several.shape[1]):
            at = here & (place == t + 1)
            embedded = torch.where(at[..., None], several[:, t, None].to(embedded.dtype), embedded)
        return embedded

    hook = embedding_table(model).register_forward_hook(replace)
    try:
        yield
    finally:
        hook.remove()


def embedding_table(model: torch.nn.Module) -> torch.nn.Embedding:
    """The table of token embeddings of an open_clip model. Raises EncoderError where it has none of that kind."""
    for tower in (model, getattr(model, "text", None)):
        table = getattr(tower, "token_embedding", None)
        if isinstance(table, torch.nn.Embedding):
            return table
    raise EncoderError(
        f"{type(model).__name__} has no table of token embeddings, so it cannot read pseudo-words"
    )


def placeholder_token(encoder: ClipEncoder) -> int:
    """The id of $ in the encoder's vocabulary. Raises EncoderError where it is not one token."""
    if count_tokens(encoder.tokenizer, PLACEHOLDER) != 3:  # start, $, end
        raise EncoderError(f"{encoder.id} does not read {PLACEHOLDER} as one token")
    return int(encoder.tokenizer([PLACEHOLDER])[0, 1])


def spaced(text: str) -> str:
    """The text with blanks around its first $: tokenizers read "$," as one piece of punctuation.

    >>> spaced("a photo of $, in red")
    'a photo of  $ , in red'
    """
    return text.replace(PLACEHOLDER, f" {PLACEHOLDER} ", 1)


@torch.inference_mode()
def encode_with_words(encoder: ClipEncoder, texts: Sequence[str], words: Float["n W"]) -> Float["n D"]:
    """Raw rows of texts, the first $ of each read as its word. Raises EncoderError on a wrong text or width."""
    texts = [spaced(text) for text in texts]
    for text in texts:
        encoder.check_text(text)
    width = embedding_table(encoder.model).embedding_dim
    if words.shape != (len(texts), width):
        raise EncoderError(
            f"words: got shape {words.shape}, expected ({len(texts)}, {width}) for {encoder.id}"
        )
    token = placeholder_token(encoder)

    def encode(part: slice) -> Float["b D"]:
        some = torch.from_numpy(np.array(words[part], np.float32)).to(encoder.device)
        tokens = encoder.tokenizer(texts[part]).to(encoder.device)
        with words_in_place(encoder.model, token, some):
            return encoder.model.encode_text(tokens, normalize=False).float().cpu().numpy()

    return encode_in_batches(
        encode,
        slice(0, len(texts)),
        dim=encoder.dim,
        label="text with a pseudo-word",
        size=encoder.batch_size,
    )


def stored_words(
    store: EmbeddingStore,
    encoder: ClipEncoder,
    inverter: Inverter,
    digests: Sequence[str],
    rows: Float["n D"],
) -> Float["n W"]:
    """Words of pictures by the content digests and the encoder's raw rows of these; each picture's is made once."""
    first = {digest: i for i, digest in reversed(list(enumerate(digests)))}
    names = list(dict.fromkeys(digests))
    own = rows[[first[name] for name in names]]
    small = EmbeddingStore(store.root, shard_rows=WORD_SHARD, progress=store.progress)
    what = Collection(f"{encoder.id} {inverter.id}", "words", tuple(names), inverter.width)
    made = small.rows(what, lambda some: inverter.words(own[some], [names[i] for i in some])).raw()
    place = {name: i for i, name in enumerate(names)}
    return made[[place[digest] for digest in digests]]


def stored_sentences(
    store: EmbeddingStore, encoder: ClipEncoder, texts: Sequence[str], words: Float["n W"]
) -> Float["n D"]:
    """Raw rows of texts with their words in place, out of the store where it has them."""
    digests = [
        hashlib.sha256(text.encode() + b"\0" + word.astype(np.float32).tobytes()).hexdigest()
        for text, word in zip(texts, words, strict=True)
    ]
    what = Collection(encoder.id, "sentences", tuple(digests), encoder.dim)
    return store.rows(
        what, lambda some: encode_with_words(encoder, [texts[i] for i in some], words[some])
    ).raw()
