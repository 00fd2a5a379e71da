"""Prompts: what a model is told, as files with a name, a version and a hash.

One YAML file per style of data set (``workbench/language/prompts/``), or a file of your own. The hash covers all that
the model sees and how its reply is read, so a prompt that was changed makes new records and never reuses old ones.
Left out: the templates around texts that are encoded (``case.wording``), which no model answers.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from workbench.errors import UserError
from workbench.language.replies import READERS
from workbench.registry import UnknownName, nearest

SUFFIX = ".yaml"
_PLACE = re.compile(r"\{(caption|change)\}")


class PromptError(UserError, ValueError):
    """A file is no prompt; names the file, the field and what is wrong with it."""


class Example(BaseModel):
    """One worked example: what was asked, and the reply that was wanted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    caption: str = Field(min_length=1)
    change: str = Field(min_length=1)
    reply: str = Field(min_length=1)


class Prompt(BaseModel):
    """task: "edit" (a caption and a change are given) or "caption" (a picture is). use: what it is made for.

    reads: how the reply is read, a name of ``replies.READERS``. instructions: the system's message, if any. message:
    the user's, with ``{caption}`` and ``{change}`` where they go.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    version: int = Field(ge=1)
    task: Literal["edit", "caption"]
    use: str
    reads: str = "plain"
    instructions: str = ""
    message: str = Field(min_length=1)
    examples: tuple[Example, ...] = ()

    @model_validator(mode="after")
    def _is_whole(self) -> Prompt:
        places = sorted(_PLACE.findall(self.message))
        expected = ["caption", "change"] if self.task == "edit" else []
        if places != expected:
            raise ValueError(f"message: has places for {places}, expected {expected}")
        if self.reads not in READERS:
            raise ValueError(f"reads: got {self.reads!r}.{nearest(self.reads, READERS)} {list(READERS)}")
        if self.task == "caption" and (self.examples or self.reads != "plain"):
            raise ValueError("a prompt for captions has no examples, and its reply is the caption")
        for example in self.examples:
            READERS[self.reads](example.reply, example.change)  # an example must be in the form it teaches
        return self

    @cached_property
    def hash(self) -> str:
        """16 hex digits of the SHA-256 of everything but name, version and use."""
        content = self.model_dump(exclude={"name", "version", "use"})
        text = json.dumps(content, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def messages(self, caption: str, modification: str) -> list[dict[str, str]]:
        """The chat that asks for one edit: the system's message, the examples as turns, and the question."""
        chat = [{"role": "system", "content": self.instructions}] if self.instructions else []
        for example in self.examples:
            chat.append({"role": "user", "content": self._ask(example.caption, example.change)})
            chat.append({"role": "assistant", "content": example.reply})
        return [*chat, {"role": "user", "content": self._ask(caption, modification)}]

    def read(self, reply: str, modification: str) -> str:
        """The edited caption in a reply. Raises UnreadableReply where it is not in the form that was asked for."""
        return READERS[self.reads](reply, modification)

    def _ask(self, caption: str, change: str) -> str:
        given = {"caption": caption, "change": change}
        # in one pass: a caption may hold braces of its own
        return _PLACE.sub(lambda place: given[place[1]], self.message)


def prompt_names(task: str | None = None) -> tuple[str, ...]:
    """Names of the prompts that come with the package, in alphabetical order."""
    names = sorted(
        file.name.removesuffix(SUFFIX) for file in _folder().iterdir() if file.name.endswith(SUFFIX)
    )
    return tuple(name for name in names if task in (None, load_prompt(name).task))


def load_prompt(name: str | Path, task: str | None = None) -> Prompt:
    """The prompt of that name, or out of a file of your own (a path that ends in .yaml).

    Raises UnknownName with the nearest name, PromptError where the file is no prompt or is one for another task.
    """
    if str(name).endswith(SUFFIX):
        path = Path(name).expanduser()
        if not path.is_file():
            raise PromptError(f"no prompt file {path}")
        prompt = parse_prompt(path.read_text(encoding="utf-8"), str(path))
    else:
        names = [file.name.removesuffix(SUFFIX) for file in _folder().iterdir() if file.name.endswith(SUFFIX)]
        if name not in names:
            raise UnknownName(
                f"no prompt is called {name!r}.{nearest(name, names)} Known: {', '.join(sorted(names))}, "
                f"or a {SUFFIX} file of your own"
            )
        prompt = parse_prompt((_folder() / f"{name}{SUFFIX}").read_text(encoding="utf-8"), f"{name}{SUFFIX}")
    if task not in (None, prompt.task):
        known = ", ".join(prompt_names(task))
        raise PromptError(
            f"prompt {prompt.name!r} is for the task {prompt.task!r}, expected {task!r}: {known}"
        )
    return prompt


def parse_prompt(text: str, where: str = "the prompt") -> Prompt:
    """A prompt out of YAML. Raises PromptError that says where and what is wrong."""
    try:
        return Prompt.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise PromptError(f"{where}: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(step) for step in first["loc"])
        raise PromptError(f"{where}: {field + ': ' if field else ''}{first['msg']}") from error


def _folder():
    return files("workbench.language").joinpath("prompts")
