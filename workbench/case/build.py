"""Making a case: what the terms need, texts before pictures, everything through the store."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench import data
from workbench.arrays import Float
from workbench.case.case import Case
from workbench.case.imported import imported_case, is_imported
from workbench.case.ingredients import OBJECTS, TEXTS, Ingredients, wanted
from workbench.case.rows import Rows
from workbench.case.texts import Texts
from workbench.case.wording import PLAIN, CaseError, Wording, blank_queries, under_protocol
from workbench.data.benchmark import Benchmark
from workbench.encode.encoder import Encoder
from workbench.encode.inverter import Inverter
from workbench.encode.remembered import remembered_encoder
from workbench.encode.store import EmbeddingStore
from workbench.language import RECOMPOSERS
from workbench.language.cache import RecordedCaptions
from workbench.language.captions import CaptionSource
from workbench.language.replies import Target
from workbench.language.verdicts import Verdicts
from workbench.paths import data_root
from workbench.score.naming import take_apart

if TYPE_CHECKING:
    from workbench.language.recompose import Recomposer


def load_case(
    benchmark: str = "tinycir",
    encoder: str | Encoder = "tiny-coca",
    split: str = "val",
    *,
    root: Path | str | None = None,
    choices: Mapping[str, object] | None = None,
    terms: Iterable[tuple[str, str]] | None = None,
    recomposer: Recomposer | str | None = "rules",
    wording: Wording = PLAIN,
    store: EmbeddingStore | None = None,
    **more,
) -> Case:
    """A case by names: benchmark and encoder (or one at hand), captions replayed from data/<benchmark>/captions.jsonl.

    Without that file the parts that need captions are left out, or are a CaseError where ``terms`` ask for them.
    "imported:NAME" in the place of an encoder is a case of imported features, see ``case.imported``.
    root, choices: as ``data.load`` takes them, such as choices={"gallery": "union"} for FashionIQ.
    more: anything else that ``build_case`` takes.
    """
    if isinstance(encoder, str) and is_imported(encoder):
        beside = {"verdicts", "corpora"}
        if set(more) - beside:
            raise CaseError(
                f"{encoder}: imported features are not made here, so {', '.join(sorted(set(more) - beside))} would have "
                f"no effect; beside them go {' and '.join(sorted(beside))}"
            )
        case = imported_case(benchmark, encoder, split, root=root, choices=choices, terms=terms)
        return replace(case, **more)
    if "captions" not in more:
        records = data_root() / benchmark / "captions.jsonl"
        more["captions"] = RecordedCaptions.replay(records) if records.is_file() else None
    if isinstance(recomposer, str):
        recomposer = RECOMPOSERS.get(recomposer)() if more["captions"] else None
    return build_case(
        data.load(benchmark, split, root, **(choices or {})),
        remembered_encoder(encoder) if isinstance(encoder, str) else encoder,
        recomposer=recomposer,
        terms=terms,
        wording=wording,
        store=store,
        **more,
    )


def build_case(
    benchmark: Benchmark,
    encoder: Encoder,
    *,
    captions: CaptionSource | None = None,
    recomposer: Recomposer | None = None,
    descriptions: Mapping[str, Sequence[Target]] | None = None,
    pseudo_words: Mapping[str, Inverter] | None = None,
    corpora: Mapping[str, Sequence[str] | Float["_ D"]] | None = None,
    verdicts: Mapping[str, Verdicts] | None = None,
    terms: Iterable[tuple[str, str]] | None = None,
    wording: Wording = PLAIN,
    references: Sequence | None = None,
    store: EmbeddingStore | None = None,
) -> Case:
    """Encode what ``terms`` need (default: all that the given sources allow) and put it together.

    descriptions: by query id, what models expect of the target; the second one makes target_description_2.
    pseudo_words: by name (searle, searle_oti, lincir, pic2word), who makes a word of a picture.
    corpora: by name, texts (encoded here, under the prompt) or rows about no query. verdicts: by name, of judges.
    wording: where it names no rule for two texts, the benchmark's protocol does ("caption join").
    references: pictures of the queries whose reference is not in the gallery, in the order of those queries; the
    benchmark's own unless given.
    Blank modification texts stand as they are, with a warning that says how many, where the benchmark's card states them.
    Raises CaseError where an ingredient is missing or a modification is empty, UnknownName for an unknown part or
    view, MissingRecords, PictureError and EncoderError from the layers below: texts first, pictures last.
    A ValueError of the recomposer is a Failure, which the case lists.
    """
    benchmark, wording = under_protocol(benchmark, wording)
    _say_blank(benchmark)
    given = Ingredients(
        benchmark,
        encoder,
        captions,
        recomposer,
        descriptions or {},
        pseudo_words or {},
        benchmark.references if references is None else references,
        wording,
        store or EmbeddingStore(),
    )
    parts, views = given.possible() if terms is None else wanted(terms)
    return _put_together(given, parts, views, corpora or {}, verdicts or {})


def _say_blank(benchmark: Benchmark) -> None:
    blank = blank_queries(benchmark)
    if blank:
        number = "1 query has" if len(blank) == 1 else f"{len(blank)} queries have"
        warnings.warn(
            f"{benchmark.name} {benchmark.split}: {number} a blank modification text, which stands as it is "
            f"(the first: {blank[0]!r})",
            stacklevel=3,
        )


def _put_together(
    given: Ingredients, parts: Sequence[str], views: Sequence[str], corpora: Mapping, verdicts: Mapping
) -> Case:
    texts = Texts(given)
    rows = Rows(given, texts)
    for name in sorted([*parts, *views], key=_when):
        rows.of(name)
    worded = [name for name in (*parts, *views) if take_apart(name).base in TEXTS]
    return Case(
        benchmark=given.benchmark,
        encoder=given.encoder.id,
        captions=given.captions and given.captions.id,
        recomposer=given.recomposer and given.recomposer.id,
        parts={name: rows.of(name) for name in parts},
        views={name: rows.of(name) for name in views},
        texts={name: texts.of(name) for name in worded},
        failures=tuple(texts.failures),
        wording=given.wording,
        makers={name: inverter.id for name, inverter in given.pseudo_words.items()},
        corpora={name: _corpus(rows, corpus) for name, corpus in corpora.items()},
        verdicts=verdicts,
    )


def _when(name: str) -> int:
    """Texts are made and encoded before pictures, in a fixed order."""
    order = (*TEXTS, *OBJECTS)
    base = take_apart(name).base
    return order.index(base) if base in order else len(order)


def _corpus(rows: Rows, corpus: Sequence[str] | np.ndarray) -> Float["M D"]:
    return corpus if isinstance(corpus, np.ndarray) else rows.encode(list(corpus))
