"""What verbs that score methods share: a case by names, its captions and edits out of their records."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.score import choices

if TYPE_CHECKING:  # these cost seconds to import, and `--help` should not
    from workbench.case import Case
    from workbench.methods.base import Method

Captions = Annotated[
    Path | None, typer.Option(help="caption records; data/BENCHMARK/captions.jsonl unless given")
]
Edits = Annotated[
    Path | None, typer.Option(help="edit records of workbench recompose; TinyCIR's rules unless given")
]


def load(
    benchmark: str,
    split: str,
    encoder: str,
    methods: Iterable[Method],
    root: Path | None = None,
    choice: list[str] | None = None,
    captions: Path | None = None,
    edits: Path | None = None,
    **more,
) -> Case:
    """The case with what the methods need and nothing more. Raises as `case.load_case`, MissingRecords for records.

    more: anything else that `case.load_case` takes.
    """
    from workbench.case import load_case
    from workbench.language.cache import RecordedCaptions, RecordedEdits
    from workbench.language.recompose import RuleRecomposer

    return load_case(
        benchmark,
        encoder,
        split,
        root=root,
        choices=choices(choice),
        terms=[term for method in methods for term in method.terms],
        recomposer=RecordedEdits.replay(edits) if edits else RuleRecomposer(),
        **({"captions": RecordedCaptions.replay(captions)} if captions else {}),
        **more,
    )
