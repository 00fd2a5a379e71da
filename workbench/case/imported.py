"""Cases of imported features: `load_case("cirr", "imported:magiclens")`, wherever an encoder's name is asked for.

    imported:NAME        the parts and views of one import: `composed`, `image`, and what else was imported
    imported:A+B         both: B's as `composed:B` and `image:B`, A's under plain names and as `composed:A` too

Rows of several widths are filled up with zeros, which changes no product. Captions, editors and wordings play no part:
how the queries were worded is what whoever imported them said, and `UNSAID` in the protocol where nobody did, so that
their numbers are not taken for ones that were made under another rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from workbench import data
from workbench.arrays import Float
from workbench.case.case import Case
from workbench.case.wording import CaseError
from workbench.data.benchmark import Benchmark
from workbench.data.features import Features, FeaturesError, rows_of
from workbench.data.files import MissingFiles
from workbench.data.gallery import with_gallery
from workbench.data.imports import Import, read_import
from workbench.provenance import text_digest
from workbench.registry import nearest

PREFIX = "imported:"
# Rules of a protocol that were followed, or not, before rows were imported.
WORDED = ("caption join", "shared concept")
UNSAID = "not said for imported features"


def is_imported(encoder: str) -> bool:
    """Whether an encoder's name means imported features."""
    return encoder.startswith(PREFIX)


def imported_case(
    benchmark: str,
    encoder: str,
    split: str,
    *,
    root: Path | str | None = None,
    choices: Mapping[str, object] | None = None,
    terms: Iterable[tuple[str, str]] | None = None,
) -> Case:
    """The case of "imported:NAME" or "imported:A+B" (what follows an "@" is left out); no picture is needed.

    root, choices: as ``data.load`` takes them. Raises FeaturesError for an unknown import or one whose ids are not the
    benchmark's, CaseError where ``terms`` ask for rows that were not imported.
    """
    names = encoder.removeprefix(PREFIX).partition("@")[0].split("+")
    imports = [read_import(benchmark, split, name) for name in names]
    return case_of_imports(benchmark_for(benchmark, split, imports[0].gallery, root, choices), imports, terms)


def benchmark_for(
    name: str,
    split: str,
    gallery: Sequence[str] | None,
    root: Path | str | None = None,
    choices: Mapping[str, object] | None = None,
) -> Benchmark:
    """A benchmark, with its pictures where they are all there. Where its list of pictures is missing, `gallery` is it.

    Raises CaseError for the choice of a rule that joins texts: imported queries were joined before.
    """
    if "join" in (choices or {}):
        raise CaseError(
            f"join={choices['join']}: the texts of imported queries were joined before; say which rule was followed "
            f'when they are imported: --rule "caption join={choices["join"]}"'
        )
    try:
        return data.load(name, split, root, **(choices or {}))
    except MissingFiles:
        found = data.load(name, split, root, pictures=False, **(choices or {}))
    if found.gallery.whole:
        return found
    if gallery is None:
        raise FeaturesError(
            f"{name} {split}: the list of its pictures is missing, so the gallery's ids must be given"
        )
    return with_gallery(found, gallery)


def case_of_imports(
    benchmark: Benchmark, imports: Sequence[Import], terms: Iterable[tuple[str, str]] | None = None
) -> Case:
    """Imports side by side over one benchmark, rows in its order. Raises as `imported_case`."""
    benchmark = replace(benchmark, protocol=_protocol(benchmark, imports))
    width = max(one.width for one in imports)
    queries = [query.id for query in benchmark.queries]
    parts, views = {}, {}
    for one in imports:
        for name in one.parts:
            rows = _widened(rows_of(one.features(name), queries, "query"), width)
            parts |= {f"{name}:{one.name}": rows} | ({name: rows} if one is imports[0] else {})
        for name in one.views:
            rows = _widened(rows_of(one.features(name), benchmark.gallery.ids, "picture"), width)
            views |= {f"{name}:{one.name}": rows} | ({name: rows} if one is imports[0] else {})
    for kind, index, table in (("part", 0, parts), ("view", 1, views)):
        for asked in dict.fromkeys(term[index] for term in terms or ()):
            if asked not in table:
                raise CaseError(
                    f"{_named(imports)} has no {kind} {asked!r}.{nearest(asked, table)} It has: {', '.join(table)}; "
                    "methods that need no more than composed queries: composed, imported_sum"
                )
    return Case(benchmark, _named(imports), None, None, parts, views)


def import_features(
    benchmark: Benchmark,
    name: str,
    parts: Mapping[str, Features],
    views: Mapping[str, Features],
    spare: str = "refuse",
    rules: Mapping[str, str] | None = None,
) -> Import:
    """Features as an import: every query and picture has its row, found by id, in the benchmark's order.

    spare="drop" leaves rows of other queries and pictures away. rules: how the queries were worded, such as
    {"shared concept": "joined to the text"}; of those in `WORDED` that the benchmark has.
    Raises FeaturesError as `rows_of`, and for a rule that the benchmark does not have.
    """
    for rule in rules or ():
        known = [name for name in WORDED if name in benchmark.protocol]
        if rule not in known:
            raise FeaturesError(
                f"{benchmark.name} has no rule {rule!r} on how queries are worded.{nearest(rule, known)} "
                f"It has: {', '.join(known) or 'none'}"
            )
    queries = tuple(query.id for query in benchmark.queries)
    return Import(
        name,
        benchmark.name,
        benchmark.split,
        queries,
        benchmark.gallery.ids,
        {part: rows_of(some, queries, "query", spare) for part, some in parts.items()},
        {view: rows_of(some, benchmark.gallery.ids, "picture", spare) for view, some in views.items()},
        dict(rules or {}),
    )


def _protocol(benchmark: Benchmark, imports: Sequence[Import]) -> dict[str, str]:
    """The benchmark's, with what the imports say about wording. Raises CaseError where they say different things."""
    protocol = dict(benchmark.protocol)
    for rule in WORDED:
        said = {one.name: one.rules.get(rule, UNSAID) for one in imports}
        if rule in protocol:
            protocol[rule], *others = dict.fromkeys(said.values())
            if others:
                raise CaseError(
                    f"{rule}: {', '.join(f'{name}: {value}' for name, value in said.items())}; "
                    "numbers under different rules are not put side by side"
                )
    return protocol


def _named(imports: Sequence[Import]) -> str:
    """The id of one, or of all together."""
    if len(imports) == 1:
        return imports[0].id
    return f"{PREFIX}{'+'.join(one.name for one in imports)}@{text_digest(one.id for one in imports)[:12]}"


def _widened(rows: Float["n D"], width: int) -> Float["n W"]:
    return rows if rows.shape[1] == width else np.pad(rows, ((0, 0), (0, width - rows.shape[1])))
