"""transformers models that write: found in a folder or on the hub, loaded without running their code, asked in batches.

Weights are read from safetensors alone, and every parameter must be among them: a model with some left at random is
refused. Left out: which inputs a model takes (``image_to_text``, ``text_generation``), quantised weights, more than one
device.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError

from workbench.encode.clip import file_digest, find_device
from workbench.errors import UserError
from workbench.language.decoding import Decoding

FILES = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")  # no code, no pickles
NOT_THE_MODEL = ("trainer_state.json", "training_args.json", "model_card.json")
WAYS_OUT = "Without a network: give the path of a folder with config.json, the tokenizer's files and .safetensors weights"


class ModelError(UserError, ValueError):
    """A transformers model cannot be had or does not fit its task; says what to do instead."""


@dataclass(frozen=True)
class ModelFolder:
    """Where a model lies, and its id: ``name@weights.recipe`` of a local folder, ``owner/name@commit`` of one on the hub.

    The digests are 12 and 8 hex digits of SHA-256 over the weights, and over configs, tokenizer and chat template.
    """

    path: Path
    id: str


@dataclass(frozen=True)
class Written:
    """One text that was generated; ``finished`` is False where the limit came before an end token."""

    text: str
    finished: bool
    tokens: int


def find_model(name: str | Path) -> ModelFolder:
    """A local folder, or ``owner/name`` on the hub (downloaded once, safetensors and configs only). Raises ModelError."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        return ModelFolder(folder, f"{folder.resolve().name}@{_digest(_weights(folder))}.{_recipe(folder)}")
    text = str(name)
    if text.count("/") != 1 or text.startswith((".", "/", "~")):
        raise ModelError(f"no model folder {text}; a model on the hub is called owner/name")
    folder = _download(text)
    _weights(folder)
    return ModelFolder(folder, f"{text}@{folder.name[:12]}")


def transformers_package():
    """The transformers package. Raises ImportError that names its extra."""
    try:
        import transformers
    except ImportError as error:
        raise ImportError(
            "models in this process need the transformers package: pip install 'zscir-workbench[language]'"
        ) from error
    return transformers


def load(kind, folder: ModelFolder, device: str | None = None):
    """The model of that auto class, ready to generate, strictly from its safetensors. Raises ModelError."""
    where = find_device(device)
    try:
        model, report = kind.from_pretrained(
            folder.path,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32 if where.type == "cpu" else "auto",
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError, ImportError, SafetensorError) as error:
        raise ModelError(f"{folder.id}: cannot load it as {kind.__name__}: {_first_line(error)}") from error
    if report["missing_keys"]:
        first = sorted(report["missing_keys"])[0]
        raise ModelError(
            f"{folder.id}: the weights lack {len(report['missing_keys'])} parameters, which would be left at random, "
            f"the first {first!r}"
        )
    return model.to(where).eval()


def load_part(kind, folder: ModelFolder, **options):
    """A tokenizer or processor of that auto class. Raises ModelError."""
    try:
        return kind.from_pretrained(folder.path, local_files_only=True, trust_remote_code=False, **options)
    except (OSError, ValueError, RuntimeError, KeyError, ImportError, TypeError) as error:
        raise ModelError(f"{folder.id}: cannot load its {kind.__name__}: {_first_line(error)}") from error


def dtype_of(model) -> str:
    """What the model counts in, such as "float32": part of what its texts depend on."""
    return str(model.dtype).removeprefix("torch.")


@torch.inference_mode()
def generate(
    model,
    tokenizer,
    inputs: Mapping[str, torch.Tensor],
    about: Sequence[bytes],
    decoding: Decoding,
    max_tokens: int,
    sample: int = 0,
) -> list[Written]:
    """One text per row of the inputs; ``about`` says what each is about, so that its sample can be had again."""
    from transformers import LogitsProcessorList

    steps = make_steps(decoding, decoding.numbers(about, sample, max_tokens))
    given = {name: _moved(value, model) for name, value in inputs.items()}
    rows = model.generate(
        **given,
        max_new_tokens=max_tokens,
        do_sample=False,  # the steps draw
        num_beams=1,
        logits_processor=LogitsProcessorList([steps]),
    )
    ends = _end_tokens(model, tokenizer)
    return [_written(row[steps.start :], tokenizer, ends) for row in rows.tolist()]


def make_steps(decoding: Decoding, numbers: np.ndarray):
    """A logits processor that leaves only the token it picked, and knows where the generated part begins."""
    from transformers import LogitsProcessor

    class Steps(LogitsProcessor):
        start: int | None = None

        def __call__(self, input_ids, scores):
            if self.start is None:
                self.start = input_ids.shape[1]
            step = torch.from_numpy(numbers[:, input_ids.shape[1] - self.start]).to(scores.device)
            chosen = decoding.pick(scores, step)
            return torch.full_like(scores, -torch.inf).scatter(1, chosen[:, None], 0.0)

    return Steps()


def _written(tokens: list[int], tokenizer, ends: set[int]) -> Written:
    length = next((i for i, token in enumerate(tokens) if token in ends), None)
    words = tokens[:length]
    text = tokenizer.decode(words, skip_special_tokens=True).strip()
    return Written(text, length is not None, len(words))


def _end_tokens(model, tokenizer) -> set[int]:
    """Ids that end a text: the model's, and the tokenizer's (BLIP's captions end with its separator)."""
    named = model.generation_config.eos_token_id
    ids = list(named) if isinstance(named, list | tuple) else [named]
    ids += [tokenizer.eos_token_id, tokenizer.sep_token_id]
    return {i for i in ids if i is not None}


def _moved(value: torch.Tensor, model) -> torch.Tensor:
    return value.to(model.device, model.dtype) if value.is_floating_point() else value.to(model.device)


def _weights(folder: Path) -> list[Path]:
    """The folder's weights files. Raises ModelError where there is none, or an index names files elsewhere."""
    found = sorted(folder.glob("*.safetensors"))
    if not found:
        raise ModelError(
            f"{folder.name}: no .safetensors file in it; weights in other forms can run code and are not read"
        )
    for index in folder.glob("*.safetensors.index.json"):
        try:
            named = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (json.JSONDecodeError, KeyError, AttributeError, TypeError) as error:
            raise ModelError(f"{folder.name}: {index.name} is no index of weights: {error!r}") from error
        strange = sorted(str(name) for name in named - {path.name for path in found})
        if strange:
            raise ModelError(f"{folder.name}: {index.name} names {strange[0]!r}, which is not in that folder")
    return found


def _recipe(folder: Path) -> str:
    names = {path for pattern in FILES[1:] for path in folder.glob(pattern)}
    return _digest(sorted(path for path in names if path.name not in NOT_THE_MODEL), 8)


def _digest(paths: Sequence[Path], length: int = 12) -> str:
    """The digest of files under their names, so that renaming one is a change."""
    lines = "".join(f"{path.name} {file_digest(path)}\n" for path in paths)
    return hashlib.sha256(lines.encode()).hexdigest()[:length]


def _download(name: str) -> Path:
    import huggingface_hub

    try:
        return Path(huggingface_hub.snapshot_download(name, allow_patterns=list(FILES)))
    except (OSError, ValueError) as error:  # no network, no such model, a name that is none
        raise ModelError(f"cannot get {name!r} from the hub ({_first_line(error)}). {WAYS_OUT}") from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
