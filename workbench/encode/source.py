"""Where a model's config and weights come from: the name a user types, checked and resolved.

Every mistake in a name is met here, before anything long starts. Left out: ``hf-hub:`` names,
because a folder downloaded once and given as ``local-dir:`` does the same and stays put.
"""

from __future__ import annotations

import json
import socket
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

import open_clip
from huggingface_hub import try_to_load_from_cache
from huggingface_hub.constants import ENDPOINT
from open_clip.pretrained import download_pretrained

from workbench.encode.encoder import EncoderError
from workbench.registry import nearest

WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")
CONFIG_FILE = "open_clip_config.json"
PREFERRED_WEIGHTS = "open_clip_model.safetensors"
OFFLINE = (
    "Without a network: put open_clip_config.json and its .safetensors into one folder "
    "(copied from a machine that has them) and use local-dir:/that/folder, or give the file as model:/that/file.safetensors"
)


@dataclass(frozen=True)
class Source:
    """What is needed to build one model.

    ``label`` goes into ids and tables and never holds a machine's path; ``model`` and
    ``pretrained`` are what open_clip understands; ``vocabulary`` is the model's own merges file, if it has one.
    """

    label: str
    model: str
    weights: Path
    config: Mapping
    pretrained: str | None = None
    quick_gelu: bool = False
    vocabulary: Path | None = field(default=None)


def find_source(name: str, aliases: Sequence[str] = ()) -> Source:
    """Resolve a full encoder name; raises EncoderError naming the nearest valid name."""
    if name.startswith("local-dir:"):
        return _from_folder(Path(name.removeprefix("local-dir:")).expanduser())
    if name.startswith("hf-hub:"):
        raise EncoderError(f"{name!r}: hub names are not read directly. {OFFLINE}")
    model, colon, tag = name.partition(":")
    if model not in open_clip.list_models():
        known = [*aliases, *open_clip.list_models()]
        raise EncoderError(f"no model is called {model!r}.{nearest(model, known)} {OFFLINE}")
    if not colon or not tag:
        tags = open_clip.list_pretrained_tags_by_model(model)
        raise EncoderError(
            f"{model!r} needs weights, as {model}:TAG or {model}:/a/file.safetensors; tags: {_listed(tags)}"
        )
    if tag.endswith(WEIGHT_SUFFIXES):
        return _from_file(model, Path(tag).expanduser())
    return _from_tag(model, tag)


def _from_folder(folder: Path) -> Source:
    config_file = folder / CONFIG_FILE
    if not config_file.is_file():
        raise EncoderError(f"no {CONFIG_FILE} in the model folder {folder}")
    try:
        config = json.loads(config_file.read_text(encoding="utf-8"))["model_cfg"]
        vocabulary = config["text_cfg"].get("tokenizer_kwargs", {}).get("bpe_path")
        config["embed_dim"], config["vision_cfg"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise EncoderError(
            f"{config_file} is not an open_clip config (model_cfg with embed_dim, text_cfg, vision_cfg): {error!r}"
        ) from error
    if "multimodal_cfg" in config and not config.get("custom_text"):
        raise EncoderError(
            f'{config_file} describes a CoCa (multimodal_cfg), which needs "custom_text": true in model_cfg'
        )
    weights = _weights_in(folder)
    _warn_if_named_openai(folder.name, bool(config.get("quick_gelu")))
    merges = None
    if vocabulary:
        # open_clip takes the path as it stands; a folder that can be moved needs it relative to itself.
        merges = folder.resolve() / vocabulary
        if not merges.is_file():
            raise EncoderError(
                f"{config_file} names the vocabulary {vocabulary!r}, which is not in that folder"
            )
    return Source(folder.resolve().name, f"local-dir:{folder.resolve()}", weights, config, vocabulary=merges)


def _weights_in(folder: Path) -> Path:
    """The weights file of a folder: the one of the usual name, else the only one there is.

    In both cases it is the one open_clip picks; where that would be a guess, EncoderError.
    """
    found = sorted(p for p in folder.iterdir() if p.suffix in (".safetensors", ".bin", ".pth"))
    choice = [p for p in found if p.name == PREFERRED_WEIGHTS] or found
    if len(choice) != 1:
        raise EncoderError(
            f"{folder} holds {len(choice)} weights files ({_listed(p.name for p in choice)}), "
            f"expected exactly one, or one called {PREFERRED_WEIGHTS}"
        )
    return choice[0]


def _from_file(model: str, weights: Path) -> Source:
    if not weights.is_file():
        raise EncoderError(f"{model}: no weights file {weights}")
    config = open_clip.get_model_config(model)
    _warn_if_named_openai(f"{model}:{weights.name}", bool(config.get("quick_gelu")))
    return Source(f"{model}:{weights.stem}", model, weights, config, str(weights))


def _from_tag(model: str, tag: str) -> Source:
    tags = open_clip.list_pretrained_tags_by_model(model)
    trained = open_clip.get_pretrained_cfg(model, tag)
    if not trained:
        raise EncoderError(
            f"{model!r} has no pretrained tag {tag!r}.{nearest(tag, tags)} Tags: {_listed(tags)}. {OFFLINE}"
        )
    config = open_clip.get_model_config(model)
    quick_gelu = _quick_gelu(model, tag, bool(trained.get("quick_gelu")), bool(config.get("quick_gelu")))
    if not _cached(trained) and _hub_is_silent(trained):
        raise EncoderError(f"cannot download {model}:{tag}: no connection to the model hub. {OFFLINE}")
    try:
        weights = Path(download_pretrained(trained))
    except (OSError, RuntimeError, ValueError) as error:  # no hub, no file, a wrong checksum: one remedy
        raise EncoderError(
            f"cannot download {model}:{tag} ({type(error).__name__}: {error}). {OFFLINE}"
        ) from error
    return Source(f"{model}:{tag}", model, weights, config, tag, quick_gelu)


def _cached(trained: Mapping) -> bool:
    """Whether the hub's client has these weights on disk already."""
    repository, _, name = trained.get("hf_hub", "").rpartition("/")
    names = {name, "open_clip_model.safetensors", "open_clip_pytorch_model.bin"} - {""}
    return bool(repository) and any(isinstance(try_to_load_from_cache(repository, n), str) for n in names)


def _hub_is_silent(trained: Mapping) -> bool:
    """Whether the hub cannot be reached at all: its own client finds out only after 90 seconds of trying again."""
    if not trained.get("hf_hub") or getproxies():  # behind a proxy a direct connection says nothing
        return False
    hub = urlsplit(ENDPOINT)
    try:
        socket.create_connection((hub.hostname, hub.port or 443), timeout=5).close()
    except OSError:
        return True
    return False


def _quick_gelu(model: str, tag: str, trained: bool, config: bool) -> bool:
    """Whether to force QuickGELU on; refuses a pair whose activation was not the trained one."""
    if trained == config:
        return False
    if trained and f"{model}-quickgelu" in open_clip.list_models():
        raise EncoderError(
            f"{model}:{tag} was trained with QuickGELU and {model!r} is built with GELU: every embedding would be "
            f"slightly wrong; use {model}-quickgelu:{tag}"
        )
    if not trained:
        raise EncoderError(
            f"{model}:{tag} was trained with GELU and {model!r} is built with QuickGELU; use the plain model"
        )
    warnings.warn(f"{model}:{tag} was trained with QuickGELU: building {model!r} with it", stacklevel=2)
    return True


def _warn_if_named_openai(name: str, quick_gelu: bool) -> None:
    if "openai" in name.lower() and not quick_gelu:
        warnings.warn(
            f"{name} looks like OpenAI weights, which were trained with QuickGELU, but this config has GELU: "
            "use the -quickgelu model, or set quick_gelu in the config",
            stacklevel=2,
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
