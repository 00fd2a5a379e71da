"""How right edited captions are: TinyCIR's queries as text, and what an edited caption should say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from pairs import mishear, pick, write
from tokens import prompt
from wordings import UNSEEN, fill

from workbench.data.tinycir import descriptions
from workbench.data.tinycir.grammar import GrammarError, parse_description
from workbench.data.tinycir.words import Change, describe_values, edit_kind
from workbench.paths import data_root


@dataclass(frozen=True)
class Question:
    """One query as text: a caption of its reference, the change in words, and the changes truly meant."""

    reference: str
    caption: str
    change: str
    kind: str
    style: str
    changes: tuple[Change, ...]
    target: str

    @property
    def edit(self) -> dict[str, str]:
        """Attribute -> the value that was asked for."""
        return {c.attribute: c.new for c in self.changes}

    @property
    def expected(self) -> str | None:
        """What the caption says with the meant edit applied: errors that nobody asked to change stay.

        None where the caption names no kind of picture.
        """
        try:
            _, said = parse_description(self.caption)
        except GrammarError:
            return None
        return describe_values(self.kind, {**said, **self.edit})


def questions(split: str, captions: Mapping[str, str] | None = None) -> list[Question]:
    """The queries of a split; captions are the references' true descriptions unless given by picture id."""
    said = descriptions()
    captions = said if captions is None else captions
    rows = json.loads((data_root() / "tinycir" / f"{split}.json").read_text("utf-8"))
    return [
        Question(
            reference=r["reference"],
            caption=captions[r["reference"]],
            change=r["modification"],
            kind=r["tags"]["kind"],
            style=r["tags"]["edit"],
            changes=tuple(Change(name, old, new) for name, (old, new) in r["edit"].items()),
            target=said[r["targets"][0]],
        )
        for r in rows
    ]


def reworded(asked: Sequence[Question], seed: int = 0) -> list[Question]:
    """The same questions in wordings that training never uses."""
    rng = np.random.default_rng(seed)
    return [
        replace(
            q,
            change=" and ".join(fill(pick(rng, UNSEEN[edit_kind(c)]), q.kind, c) for c in q.changes),
        )
        for q in asked
    ]


def misheard(asked: Sequence[Question], seed: int = 0) -> list[Question]:
    """The same questions about captions with the errors of training: wrong and missing values, spaced commas."""
    rng = np.random.default_rng(seed)
    heard = []
    for q in asked:
        said = mishear(q.kind, parse_description(q.caption)[1], set(q.edit), rng)
        heard.append(replace(q, caption=write(q.kind, said, noisy=True, rng=rng)))
    return heard


def judge(question: Question, edited: str) -> dict[str, bool]:
    """``asked``: kind and every edited attribute are named rightly; ``whole``: the caption with just that edit;
    ``target``: the true description of the target."""
    try:
        kind, said = parse_description(edited)
    except GrammarError:
        kind, said = "", {}
    right = kind == question.kind and all(said.get(n) == v for n, v in question.edit.items())
    return {"asked": right, "whole": edited == question.expected, "target": edited == question.target}


def load_editor(folder: Path):
    """(model in float32, tokenizer) of a folder, without asking any hub."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    return model.eval(), AutoTokenizer.from_pretrained(folder, local_files_only=True)


@torch.inference_mode()
def edits(model, tokenizer, asked: Sequence[tuple[str, str]], batch_size: int = 64) -> list[str]:
    """Greedy replies to (caption, change) pairs, in their order."""
    replies: list[str] = []
    for start in range(0, len(asked), batch_size):
        chats = [prompt(*pair) for pair in asked[start : start + batch_size]]
        given = tokenizer.apply_chat_template(
            chats, add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True
        )
        made = model.generate(**given, do_sample=False, max_new_tokens=64)
        replies += tokenizer.batch_decode(made[:, given["input_ids"].shape[1] :], skip_special_tokens=True)
    return [" ".join(reply.split()) for reply in replies]
