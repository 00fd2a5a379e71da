"""Train tiny-editor from scratch: a small Llama on (caption, change) -> edited caption, text only.

    python scripts/tiny_editor/train.py --steps 4000

Resumable: a checkpoint under the cache is written every two minutes and picked up again. Batches depend on
the seed and the step alone, and the schedule on the step, so a run stopped and resumed gives the same
weights as one that was not (one thread, one processor). ``export.py`` then writes the fp16 folder, and
``report.py`` prints the model card's numbers.

The loss is on the reply alone. While training, the share of right replies is measured on ``CHECKED`` of
TinyCIR's validation queries, never on its test split.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from accuracy import edits, questions
from pairs import Pair, combinations_digest, training_pair
from tokens import CONTEXT, build_tokenizer, prompt
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM
from wordings import vocabulary

CHECKED = 100
POOL = 8  # batches drawn together and sorted by length: less padding
IGNORED = -100


def config(tokenizer, width: int = 192, layers: int = 4) -> LlamaConfig:
    """A plain Llama: rotary positions, tied embeddings."""
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=width * 8 // 3,
        num_hidden_layers=layers,
        num_attention_heads=width // 32,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def encode(pair: Pair, tokenizer) -> tuple[list[int], int]:
    """(token ids of the whole exchange, number of them that belong to the prompt)."""
    asked = tokenizer.apply_chat_template(
        prompt(pair.caption, pair.change), tokenize=False, add_generation_prompt=True
    )
    ids = tokenizer.encode(asked, add_special_tokens=False)
    reply = tokenizer.encode(pair.reply, add_special_tokens=False)
    return [*ids, *reply, tokenizer.eos_token_id], len(ids)


def pool(step: int, size: int, seed: int, tokenizer) -> list[list[tuple[list[int], int]]]:
    """``POOL`` batches of ``size`` encoded pairs each, alike in length, in random order."""
    rng = np.random.default_rng([seed, step])
    drawn = sorted(
        (encode(training_pair(rng), tokenizer) for _ in range(POOL * size)), key=lambda e: len(e[0])
    )
    batches = [drawn[i * size : (i + 1) * size] for i in range(POOL)]
    return [batches[i] for i in rng.permutation(POOL)]


def collate(batch: list[tuple[list[int], int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(tokens, labels), both (b, length), padded on the right; labels only where the reply is."""
    length = max(len(ids) for ids, _ in batch)
    tokens = torch.full((len(batch), length), pad)
    labels = torch.full((len(batch), length), IGNORED)
    for row, (ids, start) in enumerate(batch):
        tokens[row, : len(ids)] = torch.tensor(ids)
        labels[row, start : len(ids)] = tokens[row, start : len(ids)]
    return tokens, labels


def loss_of(model, tokens: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of the reply's tokens; padding on the right is never looked at, the model being causal."""
    hidden = model.model(tokens, use_cache=False).last_hidden_state[:, :-1]
    wanted = labels[:, 1:]
    told = wanted != IGNORED
    return F.cross_entropy(model.lm_head(hidden[told]), wanted[told])


def learning_rate(progress: float, peak: float) -> float:
    """Warm-up over the first 3 %, then a cosine to zero; ``progress`` runs from 0 to 1."""
    return peak * min(progress / 0.03, 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--peak", type=float, default=1.5e-3)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, default=Path("cache/tiny-editor"))
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    tokenizer = build_tokenizer(vocabulary())
    model = LlamaForCausalLM(config(tokenizer, args.width)).train()
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": 0.05},
        {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=args.peak, betas=(0.9, 0.98))
    state = {"step": 0, "seconds": 0.0, "curve": [], "combinations": combinations_digest()}
    args.work.mkdir(parents=True, exist_ok=True)
    checkpoint = args.work / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        state = saved["state"]
        if state["combinations"] != combinations_digest():
            raise SystemExit(f"{checkpoint} was trained on other combinations; start anew in another --work")
        print(f"resuming at step {state['step']}", flush=True)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(tokenizer)} tokens", flush=True)
    tokenizer.save_pretrained(args.work / "tokenizer")
    state |= {name: getattr(args, name) for name in ("steps", "batch", "peak", "seed")}
    train(model, tokenizer, optimiser, state, args, checkpoint)


def train(model, tokenizer, optimiser, state: dict, args, checkpoint: Path) -> None:
    """All steps that are left; a line every 50, validation every 500, a checkpoint every two minutes."""
    asked = questions("val")[:CHECKED]
    drawn, batches, recent = -1, [], []
    began, earlier, saved_at = time.time(), state["seconds"], time.time()
    while state["step"] < args.steps:
        step = state["step"]
        if step // POOL != drawn:
            drawn = step // POOL
            batches = pool(drawn, args.batch, args.seed, tokenizer)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate((step + 1) / args.steps, args.peak)
        loss = loss_of(model, *collate(batches[step % POOL], tokenizer.pad_token_id))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        recent.append(loss.item())
        state["step"] = step = step + 1
        if step % 50 == 0:
            right = None
            if step % 500 == 0 or step == args.steps:
                replies = edits(model.eval(), tokenizer, [(q.caption, q.change) for q in asked])
                right = float(np.mean([r == q.expected for r, q in zip(replies, asked, strict=True)]))
                model.train()
            state["curve"].append([step, round(float(np.mean(recent)), 4), right])
            state["seconds"] = earlier + time.time() - began
            print(
                f"step {step} loss {np.mean(recent):.4f} right {right} {state['seconds']:.0f} s", flush=True
            )
            recent = []
            if time.time() - saved_at > 120 or step == args.steps:
                save(model, optimiser, state, checkpoint)
                saved_at = time.time()


def save(model, optimiser, state: dict, path: Path) -> None:
    """Write a checkpoint whole or not at all."""
    partial = path.with_suffix(".part")
    torch.save({"model": model.state_dict(), "optimiser": optimiser.state_dict(), "state": state}, partial)
    partial.replace(path)


if __name__ == "__main__":
    main()
