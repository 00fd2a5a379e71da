"""What numbers belong to, and which queries hang together: read off a frame, so that every table can say and check it.

Frames carry `benchmark`, `split` and `protocol`, the benchmark's protocol as JSON. Three of its keys are read here:

    mean over   queries (unless stated), clusters (i-CIR's macro means over instances) or strata (FashionIQ)
    strata      the tag that names a query's stratum: "category"
    clusters    the tag that names a query's cluster: "instance"; the reference image unless stated

Results of different benchmarks, splits or protocols are never put into one table.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd

from workbench.errors import UserError
from workbench.registry import nearest
from workbench.significance import Groups

SAME = ("benchmark", "split", "protocol")  # one value of each per table


class EvaluationError(UserError, ValueError):
    """Results that cannot be compared; the message names the methods."""


class ProtocolMismatch(EvaluationError):
    """Numbers that were made under different rules; the message names the key and both values."""


def rules_of(bench) -> dict[str, str]:
    """A benchmark's protocol, and how its queries hang together where its official numbers say so.

    Where all of them are means over the values of one tag (FashionIQ's categories), those values are strata and the
    mean is over them. Where only some are (i-CIR's mmAP beside mAP), they are clusters: queries of one instance succeed
    and fail together. What the protocol states itself stands.
    """
    official = [one for one in bench.summaries if one.where is None]
    tags = {one.over for one in official if one.over is not None}
    if len(tags) != 1:
        return dict(bench.protocol)
    (tag,) = tags
    if all(one.over == tag and one.within == "mean" for one in official):
        return {"mean over": "strata", "strata": tag, **bench.protocol}
    return {"clusters": tag, **bench.protocol}


def protocol_text(protocol: Mapping[str, str]) -> str:
    """A protocol as one cell of a frame.

    >>> protocol_text({"reference": "excluded", "gallery": "all"})
    '{"gallery": "all", "reference": "excluded"}'
    """
    return json.dumps(dict(protocol), sort_keys=True, ensure_ascii=False)


def protocol_of(frame: pd.DataFrame) -> dict[str, str]:
    """The one protocol of a frame; empty where the frame carries none. Raises ProtocolMismatch where it has several."""
    check_same(frame)
    if "protocol" not in frame:
        return {}
    return json.loads(frame["protocol"].iloc[0])


def check_same(frame: pd.DataFrame) -> None:
    """Raises ProtocolMismatch where rows are of different benchmarks, splits or protocols, naming what differs."""
    for name in SAME:
        if name not in frame or frame[name].nunique(dropna=False) < 2:
            continue
        first, *others = frame.drop_duplicates(name).to_dict("records")
        for other in others:
            key, one, two = name, first[name], other[name]
            if name == "protocol":
                key, one, two = _first_difference(json.loads(one), json.loads(two))
            raise ProtocolMismatch(
                f"{_who(first)} and {_who(other)} do not belong in one table: {key} is {one!r} for one and "
                f"{two!r} for the other"
            )


def join(*frames: pd.DataFrame) -> pd.DataFrame:
    """Frames of `evaluate` or `results_table` as one, after seeing that they were made under the same rules.

    Raises ProtocolMismatch where benchmark, split or protocol differ, EvaluationError where a method comes twice.
    """
    whole = pd.concat(frames, ignore_index=True)
    check_same(whole)
    names = [name for frame in frames for name in frame["method"].unique()]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise EvaluationError(
            f"{', '.join(twice)}: in more than one of the frames; give them names of their own"
        )
    return whole


def groups_of(queries: pd.DataFrame, unit: str = "cluster") -> Groups:
    """Clusters, strata and the mean of one method's rows, one per query, as their protocol says.

    unit: "query" lets every query stand alone (narrower intervals: say so where they are shown).
    Raises EvaluationError for a tag that the queries lack, and as `Groups` does.
    """
    clusters, protocol = cluster_numbers(queries, unit), protocol_of(queries)
    mean = protocol.get("mean over", "queries")
    if unit == "query" and mean == "clusters":
        raise EvaluationError("unit: got 'query', but this benchmark's mean is over clusters")
    strata = _numbers(queries, f"tag_{protocol['strata']}") if "strata" in protocol else None
    return Groups(clusters, strata, mean)


def cluster_numbers(queries: pd.DataFrame, unit: str = "cluster") -> np.ndarray:
    """A number per query (Q,), equal within a cluster; one each with unit="query". Raises as `groups_of`."""
    if unit not in ("cluster", "query"):
        raise EvaluationError(f"unit: got {unit!r}, expected 'cluster' or 'query'")
    if unit == "query":
        return np.arange(len(queries))
    return _numbers(queries, cluster_column(protocol_of(queries)))


def cluster_column(protocol: Mapping[str, str]) -> str:
    """The column whose equal values make a cluster.

    >>> cluster_column({}), cluster_column({"clusters": "instance"})
    ('reference', 'tag_instance')
    """
    return f"tag_{protocol['clusters']}" if "clusters" in protocol else "reference"


def _numbers(queries: pd.DataFrame, column: str) -> np.ndarray:
    if column not in queries:
        raise EvaluationError(
            f"the protocol groups queries by {column!r}, which the frame lacks.{nearest(column, queries)}"
        )
    if queries[column].isna().any():
        where = queries.loc[queries[column].isna(), "query"].iloc[0]
        raise EvaluationError(f"the protocol groups queries by {column!r}, which query {where} lacks")
    return pd.factorize(queries[column])[0]


def _first_difference(one: dict, two: dict) -> tuple[str, str | None, str | None]:
    key = next(key for key in sorted({*one, *two}) if one.get(key) != two.get(key))
    return f"protocol {key!r}", one.get(key), two.get(key)


def _who(row: Mapping) -> str:
    return str(row.get("method", "one frame"))
