"""What papers report, beside what was measured here: paper, ours, difference, and what differs in the protocol.

`data/published.csv` holds the literature's numbers, in percent, a row each:

    method, ours         as the paper calls it; the registered method that it is here, where there is one, and what it
                         stands on where that is not CIReVL: "pdv_f on searle"
    backbone, weights    ViT-B/32 ...; openai or laion2b where that is known: they are not interchangeable
    benchmark ... value  part: one category of FashionIQ; metric: as it is called here
    setting              "beta=0.75, ...", in the names of our fields, or what else is to be said of it
    protocol             "gallery=...; reference=..." in the words of `Benchmark.protocol`; preprocessing: what the
                         released code does unless told otherwise
    made_with            whose captions and edits
    source, verified     whose table it is; yes: the one that printed the number first, no: one that reproduces it. All
                         rows were copied from notes on these tables and compared with the notes, not with the papers

A row is set beside ours where benchmark, part, metric, method and architecture agree. All else is said, not hidden: the
papers' test splits are mostly kept by servers, so that ours is measured on another split.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping

import pandas as pd

from workbench.errors import UserError
from workbench.methods.base import MethodError, parse_method
from workbench.methods.pdv import CAPTIONS, ENSEMBLE, pseudo_word
from workbench.paths import HomeError, data_root
from workbench.registry import UnknownName
from workbench.score.naming import take_apart

COLUMNS = ("method", "ours", "backbone", "weights", "benchmark", "split", "part", "metric", "value")
COLUMNS += ("setting", "protocol", "made_with", "source", "verified")
SPLITS_ARE_SETS = ("domain_pairs",)  # a split is a data set of its own, no other selection of the same
WEIGHTS = {"openai": "openai", "laion2b": "laion2b", "datacomp": "datacomp", "dfn": "dfn"}


class PublishedError(UserError, ValueError):
    """data/published.csv is not what it should be; the message names the line."""


def published() -> pd.DataFrame:
    """All rows of data/published.csv; none where this workbench's home has no such file.

    Raises PublishedError, with its line, for a row that breaks the rules above.
    """
    try:
        path = data_root() / "published.csv"
    except HomeError:
        return pd.DataFrame(columns=COLUMNS)
    if not path.is_file():
        return pd.DataFrame(columns=COLUMNS)
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    if tuple(rows) != COLUMNS:
        raise PublishedError(f"{path.name}: its header is {', '.join(rows)}, expected {', '.join(COLUMNS)}")
    for number, row in enumerate(rows.to_dict("records"), 2):
        wrong = _wrong(row)
        if wrong:
            raise PublishedError(f"{path.name}, line {number} ({row['method']}): {wrong}")
    return rows.astype({"value": float})


def beside(results: pd.DataFrame) -> pd.DataFrame:
    """Published numbers beside those of a results table (`evaluation.results_table`), a row for each that matches.

    Columns: method (ours), metric, published as, paper, ours, difference (all three in percent), differs, source,
    verified. Empty where nothing matches.
    """
    found = []
    known = published()
    for row in results.to_dict("records"):
        name, protocol = _name(str(row["method"])), _protocol(row)
        part = protocol.get("category", "all")
        same = known[
            (known["ours"] == name)
            & (known["benchmark"] == row.get("benchmark"))
            & (known["metric"] == row["metric"])
            & (known["part"] == ("" if part == "all" else part))
            & ((known["split"] == row.get("split")) | ~known["benchmark"].isin(SPLITS_ARE_SETS))
        ]
        for paper in same.to_dict("records"):
            if architecture(paper["backbone"]) == architecture(str(row.get("encoder")).partition("@")[0]):
                found.append(_pair(row, paper, protocol))
    columns = (
        "method",
        "metric",
        "published as",
        "paper",
        "ours",
        "difference",
        "differs",
        "source",
        "verified",
    )
    return pd.DataFrame(found, columns=columns)


def architecture(name: str) -> str:
    """A backbone however it is written, with its resolution where that is not the usual one; "g" is not "G".

    >>> architecture("ViT-L/14"), architecture("ViT-L-14-quickgelu:openai"), architecture("ViT-bigG-14:laion2b")
    ('L14', 'L14', 'G14')
    >>> architecture("ViT-L-14-336:openai"), architecture("ViT-g-14:laion2b"), architecture("tiny-coca")
    ('L14-336', 'g14', 'tiny-coca')
    """
    name = name.partition(":")[0].replace("-quickgelu", "")
    match = re.fullmatch(r"ViT-(?:big)?([BLHGg])[-/](\d+)(-\d+)?", name)
    return f"{match[1]}{match[2]}{match[3] or ''}" if match else name


def _pair(row: Mapping, paper: Mapping, protocol: Mapping[str, str]) -> dict:
    ours = 100 * row["mean"]
    called = f"{paper['method']}, {paper['backbone']}" + (f", {paper['setting']}" if paper["setting"] else "")
    return {
        "method": row["method"],
        "metric": row["metric"],
        "published as": called,
        "paper": paper["value"],
        "ours": ours,
        "difference": ours - paper["value"],
        "differs": "; ".join(_differences(row, paper, protocol)) or "nothing that is known",
        "source": paper["source"],
        "verified": paper["verified"],
    }


def _differences(row: Mapping, paper: Mapping, protocol: Mapping[str, str]) -> list[str]:
    """What the two numbers do not share, each as "what: theirs, here ours"."""
    pairs = [("split", paper["split"], row.get("split"))]
    mine = {**protocol, "preprocessing": _preprocessing(str(row.get("encoder")))}
    pairs += [(rule, value, mine.get(rule)) for rule, value in rules(paper["protocol"]).items()]
    pairs += [("weights", paper["weights"] or "not stated", _weights(str(row.get("encoder"))))]
    said = [
        f"{what}: {theirs}, here {mine or 'not stated'}" for what, theirs, mine in pairs if theirs != mine
    ]
    said += _setting(paper["setting"], str(row["method"]))
    if paper["made_with"]:
        said.append(f"words: {paper['made_with']}, here {row.get('captions') or 'none'}")
    return said


def _name(label: str) -> str:
    """The method behind a label, and its host where that is not the usual one.

    >>> _name("slerp(alpha=0.7)"), _name("pdv_f(host=('pseudo_word:searle', 'composed_pseudo_word:searle'))")
    ('slerp', 'pdv_f on searle')
    """
    name = re.match(r"\w*", label)[0]
    try:
        host = tuple(getattr(parse_method(label), "host", CAPTIONS))
    except (UnknownName, MethodError):
        return name
    source = take_apart(host[-1]).source
    known = {CAPTIONS: "", ENSEMBLE: " on ldre", pseudo_word(source): f" on {source}"}
    return name + known.get(host, " on parts of its own")


def _setting(theirs: str, label: str) -> list[str]:
    """What to say where parameters differ: those that the paper names, and those of ours that are not the defaults.

    >>> _setting("alpha=0.8, beta=0.1", "weimocir"), _setting("weight=0.5", "weighted_sum(weight=0.8)")
    ([], ['setting: weight=0.5, here weight=0.8'])
    """
    try:
        method = parse_method(label)
    except (UnknownName, MethodError):  # a name that somebody gave to a setting says nothing of it
        return [f"setting: {theirs or 'not stated'}, here as {label!r} names it"]
    given = [field for field in dataclasses.fields(method) if field.name != "host"]  # see `_name`
    fields = {field.name: (getattr(method, field.name), field.default) for field in given}
    changed = {name for name, (value, default) in fields.items() if value != default}
    named = {
        name.strip(): value for name, _, value in (one.partition("=") for one in theirs.split(",") if one)
    }
    shown = [
        name for name in dict.fromkeys([*named, *fields]) if name in changed or name in fields.keys() & named
    ]
    if changed <= named.keys() and all(_equal(value, *fields.get(name, ())) for name, value in named.items()):
        return []
    mine = ", ".join(f"{name}={fields[name][0]!r}" for name in shown) or "the defaults"
    return [f"setting: {theirs or 'not stated'}, here {mine}"]


def _equal(theirs: str, ours: object = None, default: object = None) -> bool:
    return (
        isinstance(ours, float | int)
        and re.fullmatch(r"[\d.]+", theirs) is not None
        and float(theirs) == ours
    )


def _preprocessing(encoder: str) -> str:
    """As an encoder's name says it, see `encode.preprocess`; of imported rows nobody knows.

    >>> _preprocessing("ViT-L-14:openai+targetpad=1.25@ab"), _preprocessing("ViT-L-14:openai@ab")
    ('targetpad', 'clip')
    """
    label = encoder.partition("@")[0]
    if label.startswith("imported:"):
        return ""
    found = re.search(r"\+(targetpad(?:=[\d.]+)?)$", label)
    return found[1].removesuffix("=1.25") if found else "clip"


def rules(text: str) -> dict[str, str]:
    """A protocol as a row of the file has it.

    >>> rules("gallery=the split; reference=excluded")
    {'gallery': 'the split', 'reference': 'excluded'}
    """
    pairs = (one.partition("=") for one in text.split("; ") if one)
    return {name: value for name, _, value in pairs}


def _protocol(row: Mapping) -> dict[str, str]:
    return json.loads(row["protocol"]) if isinstance(row.get("protocol"), str) else {}


def _weights(encoder: str) -> str:
    """Who trained an encoder, as far as its name says."""
    tag = encoder.partition("@")[0].partition(":")[2].lower()
    return next((family for start, family in WEIGHTS.items() if tag.startswith(start)), tag or "not stated")


def _wrong(row: Mapping[str, str]) -> str:
    """What breaks the rules of the file, empty where nothing does."""
    for column in ("method", "benchmark", "split", "metric", "protocol", "source"):
        if not row[column].strip():
            return f"{column} is empty"
    if not re.fullmatch(r"\d{1,3}\.\d+", row["value"]) or float(row["value"]) > 100:
        return f"value is {row['value']!r}, expected percent such as 24.55"
    if row["verified"] not in ("yes", "no"):
        return f"verified is {row['verified']!r}, expected yes or no"
    if any(not name or not value for name, value in rules(row["protocol"]).items()):
        return f"protocol is {row['protocol']!r}, expected rule=value; rule=value"
    return ""
