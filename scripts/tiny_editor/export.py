"""Freeze a trained checkpoint: fp16 safetensors, configuration, tokenizer and loss curve in one folder.

python scripts/tiny_editor/export.py --out data/models/tiny-editor
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch
from train import config
from transformers import GenerationConfig, LlamaForCausalLM, PreTrainedTokenizerFast


def export(work: Path, out: Path) -> dict:
    """Write the model folder; returns the training record, which is in it as ``training_args.json``."""
    saved = torch.load(work / "checkpoint.pt", weights_only=True)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(work / "tokenizer")
    width = saved["model"]["model.norm.weight"].shape[0]
    model = LlamaForCausalLM(config(tokenizer, width))
    model.load_state_dict(saved["model"])
    model.generation_config = GenerationConfig(
        do_sample=False,
        max_new_tokens=64,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model.half().save_pretrained(out)
    (out / "model.safetensors").chmod(0o644)
    shutil.copytree(work / "tokenizer", out, dirs_exist_ok=True)  # as it was trained with, to the byte
    state = saved["state"]
    rows = [",".join("" if v is None else str(v) for v in row) for row in state.pop("curve")]
    (out / "training.csv").write_text("\n".join(["step,loss,right", *rows]) + "\n")
    record = {**state, "seconds": round(state["seconds"]), "parameters": model.num_parameters()}
    (out / "training_args.json").write_text(json.dumps(record, indent=1) + "\n")
    return record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("cache/tiny-editor"))
    parser.add_argument("--out", type=Path, default=Path("data/models/tiny-editor"))
    args = parser.parse_args()
    print(json.dumps(export(args.work, args.out)))


if __name__ == "__main__":
    main()
