"""Freeze a trained checkpoint: fp16 safetensors, configuration and tokenizer in one folder open_clip can load.

python scripts/tiny_coca/export.py --out data/models/tiny-coca
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file


def export(work: Path, out: Path) -> dict:
    """Write the model folder; returns the training record (steps, seconds, loss curve)."""
    saved = torch.load(work / "checkpoint.pt", weights_only=True, map_location="cpu")
    out.mkdir(parents=True, exist_ok=True)
    weights = {k: v.half().contiguous() if v.is_floating_point() else v for k, v in saved["model"].items()}
    save_file(weights, out / "open_clip_model.safetensors")
    for name in ("open_clip_config.json", "bpe.txt.gz"):
        shutil.copyfile(work / name, out / name)
    curve = "step,contrastive,caption,looks,details\n" + "\n".join(
        ",".join(map(str, row)) for row in saved["state"]["curve"]
    )
    (out / "training.csv").write_text(curve + "\n")
    return {"steps": saved["state"]["step"], "seconds": round(saved["state"]["seconds"])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("cache/tiny-coca/run"))
    parser.add_argument("--out", type=Path, default=Path("data/models/tiny-coca"))
    args = parser.parse_args()
    print(json.dumps(export(args.work, args.out)))


if __name__ == "__main__":
    main()
