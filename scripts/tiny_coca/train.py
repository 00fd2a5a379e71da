"""Train tiny-coca from scratch: an open_clip CoCa on drawn pictures and short texts.

    python scripts/tiny_coca/pictures.py --count 48000
    python scripts/tiny_coca/train.py --minutes 90

Resumable: a checkpoint under the cache is written every few minutes and picked up again. A GPU is
used where one is at hand; two CPU cores need about an hour and a half. ``export.py`` then writes
the fp16 weights, and ``report.py`` prints the model card's numbers.

Five choices matter for what the notebooks teach. The logit scale is held at a fixed high value from
the first step, as CLIP's ends: that is what keeps the modality gap and the cones open. A picture of
the batch that happens to fit another's text ("in mint") is not counted as a wrong answer to it. The
image embedding must also tell looks apart that texts hardly ever name, and what the decoder reads of
a picture must tell apart what captions name (``Reader``): a mouth or a moon is a few pixels, and the
contrastive loss alone takes far longer to see it. And the decoder reads captions whose value words
are shuffled: else it can learn by heart which combinations training has, and take the benchmark's,
which it has not, for impossible.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import open_clip
import torch
from pictures import PIXELS, load
from texts import training_text, vocabulary
from tokenizer import write_merges
from torch.nn import functional as F

from workbench.data.tinycir.world import KINDS, Card

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
WIDTH, CONTEXT = 128, 32
ATTRIBUTES = ["kind", *dict.fromkeys(a.name for k in KINDS.values() for a in k.attributes)]
CODES = {
    name: {
        v: i
        for i, v in enumerate(
            dict.fromkeys(v for k in KINDS.values() for a in k.attributes if a.name == name for v in a.values)
        )
    }
    for name in ATTRIBUTES
}
CODES["kind"] = {k: i for i, k in enumerate(KINDS)}


def config(vocabulary_size: int, logit_scale: float) -> dict:
    """The open_clip configuration; written beside the weights so that any open_clip can load them."""
    text = {
        "context_length": CONTEXT,
        "vocab_size": vocabulary_size,
        "width": WIDTH,
        "heads": 4,
        "layers": 3,
        "output_tokens": True,
        "tokenizer_kwargs": {"bpe_path": "bpe.txt.gz"},
    }
    vision = {
        "image_size": PIXELS,
        "patch_size": 8,
        "width": WIDTH,
        "head_width": 32,
        "layers": 4,
        "attentional_pool": True,
        "attn_pooler_heads": 4,
        "attn_pooler_queries": 16,
        "output_tokens": True,
    }
    decoder = {
        "context_length": CONTEXT,
        "vocab_size": vocabulary_size,
        "width": WIDTH,
        "heads": 4,
        "layers": 2,
    }
    model = {
        "embed_dim": WIDTH,
        "custom_text": True,
        "init_logit_scale": math.log(logit_scale),
        "vision_cfg": vision,
        "text_cfg": text,
        "multimodal_cfg": decoder,
    }
    return {"model_cfg": model, "preprocess_cfg": {"mean": MEAN, "std": STD, "interpolation": "bicubic"}}


def code_card(card: Card) -> np.ndarray:
    """(A,) int8: the card's value per attribute of the world, -1 where its kind has none."""
    return code({"kind": card.kind, **dict(card.items())})


def code(values: dict[str, str]) -> np.ndarray:
    row = np.full(len(ATTRIBUTES), -1, np.int8)
    for name, value in values.items():
        row[ATTRIBUTES.index(name)] = CODES[name][value]
    return row


class Reader(torch.nn.Module):
    """Reads attributes off a row of a picture; used in training, not kept.

    A cosine classifier per attribute: the lower its scale, the wider the angle it asks for between
    values. 25 keeps that angle below the cone's, which 12 opened too far.
    """

    def __init__(self, attributes: Iterable[str], scale: float = 25.0):
        super().__init__()
        self.scale = scale
        self.heads = torch.nn.ModuleDict(
            {n: torch.nn.Linear(WIDTH, len(CODES[n]), bias=False) for n in dict.fromkeys(attributes)}
        )

    def forward(self, rows: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy over the attributes; rows (b, W), ``codes`` (b, A) as ``code_card`` gives them."""
        total, rows = rows.new_zeros(()), F.normalize(rows, dim=1)
        for name, head in self.heads.items():
            wanted = codes[:, ATTRIBUTES.index(name)].long()
            cosine = rows @ F.normalize(head.weight, dim=1).T
            if (wanted >= 0).any():
                total = total + F.cross_entropy(self.scale * cosine, wanted, ignore_index=-1)
        return total / len(self.heads)


def readers() -> torch.nn.ModuleDict:
    """``looks`` reads what captions leave out off the embedding, ``details`` what they name off the tokens."""
    return torch.nn.ModuleDict(
        {
            "looks": Reader(a.name for k in KINDS.values() for a in k.visual),
            "details": Reader(a.name for k in KINDS.values() for a in k.spoken),
        }
    )


class Batches:
    """Batches of (pictures, token ids, what the decoder reads, caption mask, fits, codes), from a seed and a step.

    Once the pictures have been seen for good (``look``), a batch begins with their embeddings and tokens instead.

    Half of each batch is of one kind: look-alikes are what the towers must learn to tell apart.
    """

    def __init__(self, folder: Path, tokenizer, size: int, seed: int, limit: int | None = None):
        count = 1000 * len([p for p in folder.glob("*.npz") if "part" not in p.name])
        self.pixels, self.cards = load(folder, min(count, limit or count))
        self.codes = np.stack([code_card(c) for c in self.cards])
        self.by_kind = [np.flatnonzero([c.kind == k for c in self.cards]) for k in KINDS]
        self.tokenizer, self.size, self.seed = tokenizer, size, seed
        self.word_ids = functools.lru_cache(None)(tokenizer.encode)
        words = {w for k in KINDS.values() for a in k.spoken for v in a.values for w in v.split()} - {"ears"}
        self.values = np.array(sorted(i for w in words for i in tokenizer.encode(w)))
        self.no = self.word_ids("no")[0]
        self.seen: tuple[torch.Tensor, torch.Tensor] | None = None

    @torch.no_grad()
    def look(self, model, device: str) -> None:
        """See every picture once, as a fixed image tower does for good: batches then carry (embedding, tokens)."""
        blocks = [slice(start, start + 512) for start in range(0, len(self.pixels), 512)]
        rows = [model._encode_image(normalise(torch.from_numpy(self.pixels[b]).to(device))) for b in blocks]
        self.seen = tuple(torch.cat(kind).cpu() for kind in zip(*rows, strict=True))

    def encode(self, text: str) -> list[int]:
        """Token ids; words are looked up one by one, which is what the tokenizer does, only faster."""
        words = text.replace(",", " ,").split()
        ids = [i for w in words for i in self.word_ids(w)]
        return [self.tokenizer.sot_token_id, *ids, self.tokenizer.eot_token_id]

    def __call__(self, step: int) -> tuple[torch.Tensor, ...]:
        rng = np.random.default_rng([self.seed, step])
        kind = self.by_kind[int(rng.integers(len(self.by_kind)))]
        half = self.size // 2
        rows = np.concatenate(
            [rng.choice(kind, half, replace=False), rng.integers(len(self.cards), size=self.size - half)]
        )
        texts, says, canonical = zip(*(training_text(self.cards[i], rng) for i in rows), strict=True)
        ids = [self.encode(t) for t in texts]
        tokens = np.zeros((len(ids), max(map(len, ids))), np.int64)
        for row, line in zip(tokens, ids, strict=True):
            row[: len(line)] = line
        asked = np.stack([code(s) for s in says])
        fits = ((asked[:, None] == self.codes[rows][None]) | (asked[:, None] < 0)).all(-1)
        # Value words are shuffled where the decoder reads them, but for "no ...": it must see where it stands.
        told = np.isin(tokens, self.values) & (np.roll(tokens, 1, axis=1) != self.no)
        read = np.where(told, rng.choice(self.values, tokens.shape), tokens)
        arrays = (tokens, read, np.array(canonical), fits, self.codes[rows])
        views = (
            [torch.from_numpy(shift(self.pixels[rows], rng))]
            if self.seen is None
            else [s[rows] for s in self.seen]
        )
        return (*views, *(torch.from_numpy(a) for a in arrays))


def shift(pixels: np.ndarray, rng: np.random.Generator, most: int = 2) -> np.ndarray:
    """Move each picture by up to ``most`` pixels, repeating its border."""
    padded = np.pad(pixels, ((0, 0), (most, most), (most, most), (0, 0)), mode="edge")
    moves = rng.integers(0, 2 * most + 1, (len(pixels), 2))
    return np.stack([p[y : y + PIXELS, x : x + PIXELS] for p, (y, x) in zip(padded, moves, strict=True)])


def normalise(pixels: torch.Tensor) -> torch.Tensor:
    x = pixels.permute(0, 3, 1, 2).float() / 255
    return (x - torch.tensor(MEAN, device=x.device).view(1, 3, 1, 1)) / torch.tensor(
        STD, device=x.device
    ).view(1, 3, 1, 1)


def losses(model, read_off, batch, scale: float, smooth: float) -> tuple[torch.Tensor, ...]:
    """(contrastive, caption, looks, details) losses; only canonical descriptions teach the decoder."""
    *views, tokens, read, canonical, fits, codes = batch
    image, image_tokens = views if len(views) == 2 else model._encode_image(normalise(*views))
    text, _ = encode_text(model, tokens)
    logits = scale * text @ image.T
    wrong_twin = fits & ~torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    contrastive = (smoothed(logits, wrong_twin, smooth) + smoothed(logits.T, wrong_twin.T, smooth)) / 2
    _, heard = encode_text(model, read[canonical])
    said = model.text_decoder(image_tokens[canonical], heard[:, :-1])
    caption = F.cross_entropy(said.flatten(0, 1), tokens[canonical][:, 1:].flatten(), ignore_index=0)
    details = read_off["details"](image_tokens.mean(1), codes)
    return contrastive, caption, read_off["looks"](image, codes), details


def smoothed(logits: torch.Tensor, masked: torch.Tensor, smooth: float) -> torch.Tensor:
    """Cross-entropy of the diagonal, ``smooth`` of it against an even spread over what is not masked.

    Smoothing makes margins wider than needed costly, so angles stay small and the cone stays open.
    """
    log_p = F.log_softmax(logits.masked_fill(masked, float("-inf")), dim=1)
    even = log_p.masked_fill(masked, 0).sum(1) / (~masked).sum(1)
    return -((1 - smooth) * log_p.diagonal() + smooth * even).mean()


def encode_text(model, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """As the model's own, with its causal mask cut to the batch's longest text: the same numbers, sooner."""
    full, length = model.text.attn_mask, tokens.shape[1]
    model.text.attn_mask = full[:length, :length]
    try:
        return model._encode_text(tokens)
    finally:
        model.text.attn_mask = full


def learning_rate(progress: float, peak: float) -> float:
    """Warm-up over the first 2 %, then a cosine to zero; ``progress`` runs from 0 to 1."""
    return peak * min(progress / 0.02, 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))


def build(folder: Path, logit_scale: float):
    """The folder with configuration and tokenizer, and the untrained model in it."""
    folder.mkdir(parents=True, exist_ok=True)
    size = write_merges(folder / "bpe.txt.gz", vocabulary())
    settings = config(size, logit_scale)
    (folder / "open_clip_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    tokenizer = open_clip.SimpleTokenizer(
        bpe_path=str((folder / "bpe.txt.gz").resolve()), context_length=CONTEXT
    )
    if tokenizer.vocab_size != size:
        raise ValueError(f"tokenizer has {tokenizer.vocab_size} entries, the configuration says {size}")
    model = open_clip.coca_model.CoCa(
        **{k: v for k, v in settings["model_cfg"].items() if k != "custom_text"}
    )
    model.logit_scale.requires_grad_(False)
    return model, tokenizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--minutes", type=float, default=90, help="training time; the schedule follows the clock"
    )
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--peak", type=float, default=1e-3)
    parser.add_argument("--scale", type=float, default=50.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--looks", type=float, default=0.5, help="weight of the looks loss beside the others' 1"
    )
    parser.add_argument("--smooth", type=float, default=0.0, help="label smoothing of the contrastive loss")
    parser.add_argument("--pictures", type=Path, default=Path("cache/tiny-coca/pictures"))
    parser.add_argument("--start-from", type=Path, help="a checkpoint whose weights a new run begins with")
    parser.add_argument("--keep-pictures", action="store_true", help="leave the image tower as it is")
    parser.add_argument("--work", type=Path, default=Path("cache/tiny-coca/run"))
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model, tokenizer = build(args.work, args.scale)
    model.to(device).train()
    read_off = readers().to(device)
    if args.start_from:
        model.load_state_dict(torch.load(args.start_from, weights_only=True, map_location=device)["model"])
    if args.keep_pictures:
        model.visual.requires_grad_(False)
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": 0.05},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
        {"params": list(read_off.parameters()), "weight_decay": 0.0, "times": 10},
    ]
    optimiser = torch.optim.AdamW(groups, lr=args.peak, betas=(0.9, 0.98))
    batches = Batches(args.pictures, tokenizer, args.batch, args.seed)
    if args.keep_pictures:
        batches.look(model, device)
    print(
        f"{sum(p.numel() for p in trained):,} parameters, {len(batches.cards):,} pictures, {device}",
        flush=True,
    )
    state = {"step": 0, "seconds": 0.0, "curve": []}
    checkpoint = args.work / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True, map_location=device)
        model.load_state_dict(saved["model"])
        read_off.load_state_dict(saved["readers"])
        optimiser.load_state_dict(saved["optimiser"])
        state = saved["state"]
        print(f"resuming at step {state['step']}", flush=True)
    train(model, read_off, optimiser, batches, state, args, checkpoint, device)


def train(model, read_off, optimiser, batches, state, args, checkpoint: Path, device: str) -> None:
    """Steps until the clock says so; a line of losses every 50 steps, a checkpoint every 5 minutes."""
    began, earlier = time.time(), state["seconds"]
    saved_at, recent = time.time(), []
    while (progress := state["seconds"] / (60 * args.minutes)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = group.get("times", 1) * learning_rate(progress + 1e-4, args.peak)
        parts = losses(
            model, read_off, [t.to(device) for t in batches(state["step"])], args.scale, args.smooth
        )
        optimiser.zero_grad(set_to_none=True)
        contrastive, caption, looks, details = parts
        (contrastive + caption + args.looks * looks + details).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        state["step"] += 1
        state["seconds"] = earlier + time.time() - began
        recent.append([part.item() for part in parts])
        if state["step"] % 50 == 0:
            mean = [round(float(m), 4) for m in np.mean(recent, axis=0)]
            recent = []
            state["curve"].append([state["step"], *mean])
            rate = args.batch * state["step"] / state["seconds"]
            print(
                f"step {state['step']} contrastive, caption, looks, details {mean} {rate:.0f} pictures/s",
                flush=True,
            )
        if time.time() - saved_at > 300:
            save(model, read_off, optimiser, state, checkpoint)
            saved_at = time.time()
    save(model, read_off, optimiser, state, checkpoint)


def save(model, read_off, optimiser, state, path: Path) -> None:
    partial = path.with_suffix(".part")
    modules = {"model": model, "readers": read_off, "optimiser": optimiser}
    torch.save({**{name: m.state_dict() for name, m in modules.items()}, "state": state}, partial)
    partial.replace(path)


if __name__ == "__main__":
    main()
