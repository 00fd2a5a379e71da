"""Taking a view home: the lines of code that show it again, and a picture with a JSON file beside it.

Files go under `cache/explorer` in the workbench's home and nowhere else.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from workbench.case import Case
from workbench.case.wording import PLAIN
from workbench.methods import label
from workbench.paths import cache_root, inside
from workbench.protocol import protocol_text, rules_of
from workbench.widgets.answer import Answer, Ranking
from workbench.widgets.view import View

FOLDER = "explorer"


def case_code(case: Case) -> list[str]:
    """The lines that load the case by names; a comment where names alone do not give it back."""
    bench, name = case.benchmark, case.encoder.partition("@")[0]
    given = [_quoted(text) for text in (bench.name, name, bench.split)]
    lines = ["from workbench import load_case"]
    if case.wording != PLAIN:
        lines.append("from workbench.case import Wording")
        given.append(f"wording={case.wording!r}")
    editor = re.split("[:@]", case.recomposer or "rules")[0]
    if editor != "rules":
        given.append(f"recomposer={_quoted(editor)}")
    comment = [f"# captions by {case.captions}"] if case.captions not in (None, case.encoder) else []
    return [
        *lines,
        "from workbench.widgets import Explorer, OwnPicture",
        "",
        *comment,
        f"case = load_case({', '.join(given)})",
    ]


def _quoted(text: str) -> str:
    """The text as a Python string in double quotes; nothing in it can end the string."""
    return json.dumps(text, ensure_ascii=False)


def view_code(view: View, case: Case) -> str:
    """Lines that show the view again: run in the workbench's home, they give the same answer."""
    asked, words = view.question, []
    if asked.query is not None:
        words.append(f"query={_quoted(case.benchmark.queries[asked.query].id)}")
    elif asked.row is not None:
        words.append(f"reference={_quoted(case.benchmark.gallery.ids[asked.row])}")
    else:
        words.append(f"picture=OwnPicture.read({_quoted(asked.picture.name)})")
    if asked.modification is not None:
        words.append(f"modification={_quoted(asked.modification)}")
    words.append(f"method={_quoted(label(view.method))}")
    if view.other is not None:
        words.append(f"other={_quoted(label(view.other))}")
    words.append(f"k={view.k}")
    if view.centred:
        words.append("centred=True")
    body = "".join(f"    {word},\n" for word in words)
    lines = case_code(case)
    if asked.picture is None:
        lines = [line.replace(", OwnPicture", "") for line in lines]
    return "\n".join(lines) + f"\nexplorer = Explorer(\n    case,\n{body})\nexplorer.figure()\n"


def record(answer: Answer, case: Case) -> dict:
    """The view and its answer as plain values, with what they belong to."""
    bench, ids = case.benchmark, case.benchmark.gallery.ids
    asked = answer.question
    return {
        "benchmark": bench.name,
        "split": bench.split,
        "protocol": protocol_text(rules_of(bench)),
        "encoder": case.encoder,
        "captions": case.captions,
        "recomposer": case.recomposer,
        "query": None if asked.query is None else bench.queries[asked.query].id,
        "reference": answer.reference,
        "picture_sha256": None if asked.picture is None else asked.picture.digest,
        "texts": dict(answer.texts),
        "notes": list(answer.notes),
        "target_known": answer.judged,
        "bars": "above the gallery's mean" if answer.view.centred else "whole score",
        "rankings": [_ranking(one, ids) for one in answer.rankings.values()],
        "code": view_code(answer.view, case),
    }


def _ranking(ranking: Ranking, ids: tuple[str, ...]) -> dict:
    results = [
        {
            "rank": place + 1,
            "picture": ids[row],
            "score": float(ranking.scores[place]),
            "target": row in ranking.ranks,
            "made_of": {source: float(values[place]) for source, values in ranking.contributions.items()},
            **({"rank_by_the_other": ranking.moved[place]} if ranking.moved else {}),
        }
        for place, row in enumerate(ranking.rows.tolist())
    ]
    return {
        "method": label(ranking.method),
        "targets": {ids[row]: rank for row, rank in ranking.ranks.items()},
        "ranked": ranking.n_ranked,
        "results": results,
    }


def save(figure: Figure, facts: Mapping, name: str | None = None) -> tuple[Path, Path]:
    """Write <name>.png and <name>.json under cache/explorer, and say where; the name follows from the content unless given.

    Raises PathEscape for a name that leads out of the folder.
    """
    text = json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False)
    if name is None:
        words = re.sub(r"[^\w]+", "-", f"{facts['benchmark']}-{facts['reference']}")[:60].strip("-")
        name = f"{words}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    root = cache_root() / FOLDER
    picture, data = (inside(root, f"{name}{ending}") for ending in (".png", ".json"))
    data.parent.mkdir(parents=True, exist_ok=True)
    data.write_text(text, "utf-8")
    figure.savefig(picture, dpi=150, metadata={"Software": None})
    return picture, data
