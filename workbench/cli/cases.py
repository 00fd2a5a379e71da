"""What verbs that score methods share: a case by names, its captions and edits out of their records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.base import CommandError
from workbench.cli.more import ingredients
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
    given: Sequence[str] | None = None,
    **more,
) -> Case:
    """The case with what the methods need and nothing more. Raises as `case.load_case`, MissingRecords for records.

    given: what `more.ingredients` reads. LDRE's ensembles, on which PDV can stand, are made by the LDRE among the methods.
    more: anything else that `case.load_case` takes.
    """
    from workbench.case import load_case
    from workbench.case.imported import is_imported
    from workbench.encode.remembered import remembered_encoder
    from workbench.language.cache import RecordedCaptions, RecordedEdits
    from workbench.language.recompose import RuleRecomposer
    from workbench.methods.pdv import ENSEMBLE

    methods, imported = list(methods), is_imported(encoder)
    terms = [term for method in methods for term in method.terms]
    host = _host(methods) if any(part in ENSEMBLE for part, _ in terms) else None
    model = remembered_encoder(encoder) if given and not imported else encoder  # one, for optimised words too
    made = ingredients(given, None if imported else model)
    case = load_case(
        benchmark,
        model,
        split,
        root=root,
        choices=choices(choice),
        terms=[term for term in terms if term[0] not in ENSEMBLE],
        recomposer=RecordedEdits.replay(edits) if edits else more.pop("recomposer", RuleRecomposer()),
        **({"captions": RecordedCaptions.replay(captions)} if captions else {}),
        **made,
        **more,
    )
    return case.with_parts(host.ensembles(case)) if host else case


def _host(methods: Sequence[Method]):
    """The one LDRE among the methods. Raises CommandError where there is none, or several."""
    from workbench.methods import LDRE

    hosts = list(dict.fromkeys(method for method in methods if isinstance(method, LDRE)))
    if len(hosts) != 1:
        raise CommandError(
            f"PDV on LDRE's ensembles needs one ldre(captions=...) asked for beside it, got {len(hosts)}"
        )
    return hosts[0]
