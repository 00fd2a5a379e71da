"""What stands beside and below the live map, as HTML: legend, measures, the N_k curve, and the answer to a selection.

Pure functions of numbers and of `picture(row) -> URI`. Everything that came from a file or a person is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import numpy as np
import pandas as pd

from workbench.plots.style import GREY, MODALITY_COLOURS
from workbench.widgets.colouring import Colouring
from workbench.widgets.space import Moment, Space

MOST = 24  # pictures or queries that an answer shows; how many more there are is said
SHARES = ("hit@", "lost", "never")  # measures that are shares of 1

# Beside what board.css gives to everything inside .wb-board.
STYLE = """<style>
.wb-map { color: #1a1a1a; background: white; }
.wb-map table { border-collapse: collapse; font-size: 0.85rem; line-height: 1.3; }
.wb-map th, .wb-map td { padding: 0.15rem 0.6rem; text-align: right; border-bottom: 1px solid #ddd; font-weight: normal; }
.wb-map thead th { color: #555; }
.wb-map th[scope=row], .wb-map .wb-words { text-align: left; overflow-wrap: anywhere; }
.wb-map .wb-words { max-width: 24rem; }
.wb-map .wb-board h3 { font-size: 1rem; margin: 0.2rem 0; }
.wb-map .wb-board p { margin: 0.2rem 0 0.5rem; max-width: 75ch; }
.wb-map .wb-board td .wb-pick, .wb-map .wb-board h3 ~ .wb-pick { width: 4.6rem; }
.wb-map .wb-board td { vertical-align: middle; }
.wb-map p.wb-small { margin: 0.2rem 0; }
.wb-map .wb-classes { list-style: none; display: flex; flex-wrap: wrap; gap: 0 0.9rem; margin: 0; padding: 0; font-size: 0.85rem; }
.wb-map .wb-classes li { display: flex; align-items: center; gap: 0.3rem; }
.wb-map .wb-small { font-size: 0.8rem; color: #555; line-height: 1.35; }
.wb-map .wb-curve { max-width: 100%; }
</style>"""

Picture = Callable[[int], str]


def legend(colours: Colouring) -> str:
    """The classes on the map, their colours, and how many points each has."""
    items = "".join(
        f"<li>{_dot(one.colour, 4 + 2 * one.size)}{escape(one.name)} ({n:,})</li>"
        for one, n in colours.counts()
    )
    return f'<ul class="wb-classes" aria-label="Colours: {escape(colours.title)}">{items}</ul>'


def _dot(colour: str, radius: int) -> str:
    return f'<svg width="18" height="18" aria-hidden="true"><circle cx="9" cy="9" r="{radius}" fill="{colour}"/></svg>'


def measures_table(measures: pd.DataFrame) -> str:
    """A row per measure: before, now, and the change."""
    rows = []
    for name, (before, now) in zip(measures.index, measures.to_numpy(), strict=True):
        share = name.startswith(SHARES)
        cells = [number(before, share), number(now, share), _change(now - before, share)]
        rows.append(
            f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        )
    head = (
        "<tr><td></td>"
        + "".join(f'<th scope="col">{name}</th>' for name in ("before", "now", "change"))
        + "</tr>"
    )
    return f'<table class="wb-measures"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'


def number(value: float, share: bool = False) -> str:
    """A measure as it is shown: shares in percent, counts whole.

    >>> number(0.8462, share=True), number(1.8239), number(744.0)
    ('84.6 %', '1.82', '744')
    """
    if share:
        return f"{100 * value:.1f} %"
    return f"{value:,.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:.2f}"


def _change(difference: float, share: bool) -> str:
    shown = number(abs(difference), share).replace(" %", " pt")
    if not any(digit in "123456789" for digit in shown):
        return "0"
    return f"{'+' if difference > 0 else '−'}{shown}"


def n_k_curve(before: Moment, now: Moment) -> str:
    """Pictures by N_k, the most frequent first, before (dotted) and now (solid): a drawing with its words."""
    k, n_items = int(now.capture.summary["k"]), len(now.capture.n_k)
    highest = max(int(moment.capture.n_k.max()) for moment in (before, now))
    left, right, top, bottom = 34, 312, 12, 148

    def path(n_k: np.ndarray) -> str:
        values = np.arange(n_k.max(), -1, -1)
        reached = n_items - np.searchsorted(np.sort(n_k), values)  # pictures with at least that N_k
        x = left + (right - left) * np.log10(np.maximum(reached, 1)) / np.log10(max(n_items, 2))
        y = bottom - (bottom - top) * values / max(highest, 1)
        steps = [f"M {left} {y[0]:.1f} H {x[0]:.1f}"]
        steps += [f"V {b:.1f} H {a:.1f}" for a, b in zip(x[1:], y[1:], strict=True)]
        return " ".join(steps)

    ticks = [10**i for i in range(len(str(n_items)))]
    places = [left + (right - left) * np.log10(tick) / np.log10(max(n_items, 2)) for tick in ticks]
    marks = "".join(
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}" stroke="#e3e3e3"/>'
        f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{tick:,}</text>'
        for x, tick in zip(places, ticks, strict=True)
    )
    tops = [int(moment.capture.n_k.max()) for moment in (before, now)]
    words = f"N_{k} of the pictures, the most frequent first. The highest: {tops[0]} before, {tops[1]} now."
    return (
        f'<svg class="wb-curve" role="img" aria-label="{words}" viewBox="0 0 330 182" width="330" font-size="11" '
        f'font-family="sans-serif" fill="#333">{marks}'
        f'<text x="{left - 5}" y="{top + 4}" text-anchor="end">{highest}</text><text x="{left - 5}" y="{bottom}" text-anchor="end">0</text>'
        f'<path d="{path(before.capture.n_k)}" fill="none" stroke="{GREY}" stroke-width="1.5" stroke-dasharray="3 3"/>'
        f'<path d="{path(now.capture.n_k)}" fill="none" stroke="{MODALITY_COLOURS["image"]}" stroke-width="2"/>'
        f'<text x="{right}" y="{top + 10}" text-anchor="end">N_{k}: solid now, dotted before</text>'
        f'<text x="{right}" y="{bottom + 29}" text-anchor="end">pictures, the most frequent first (log scale)</text></svg>'
    )


def hub_answer(space: Space, now: Moment, row: int, picture: Picture) -> str:
    """A hub: how often it is found and rightly so, the recall lost to it, and the queries that it captures."""
    id, hubs = escape(space.case.benchmark.gallery.ids[row]), now.capture.hubs
    mine = hubs[hubs["item"] == row]
    lists = len(space.case.benchmark.queries)
    if mine.empty:
        return (
            f"<h3>{id}</h3>{_pick(space, row, picture)}<p>In {now.capture.n_k[row]} of {lists:,} lists of {space.k}: "
            f"no hub at this setting (a hub is in {now.capture.summary['hub_from']:.0f} or more).</p>"
        )
    hub, places = mine.iloc[0], now.capture.places[now.capture.places["item"] == row]
    text = (
        f"<h3>Hub {id}: in {hub['n_k']} of {lists:,} lists of {space.k}, {hub['times_mean']:.1f} times the mean</h3>"
        f"<p>Right in {hub['right']}, wrong in {hub['wrong']}. Recall lost: {hub['robbed']} "
        f"{'query' if hub['robbed'] == 1 else 'queries'} robbed by it alone, {hub['lost']:.2f} queries charged to it "
        f"({100 * hub['lost'] / lists:.2f} points of hit@{now.capture.summary['at']:.0f}).</p>{_pick(space, row, picture)}"
    )
    ordered = worst_first(places)
    return text + _table_of(
        "wb-captured",
        ("reference", "asked for", "the hub's place", "best target", "its rank", "lost"),
        [
            (
                _reference(space, int(place.query), picture),
                escape(place.modification),
                f"{place.place}{' (right)' if place.right else ''}",
                _pick(space, int(place.target), picture, target=True),
                _rank(place.target_rank),
                "yes" if place.robbed else (f"{place.lost:.2f}" if place.lost else "no"),
            )
            for place in ordered.head(MOST).itertuples()
        ],
        len(ordered),
    )


def worst_first(places: pd.DataFrame) -> pd.DataFrame:
    """Captured queries: those first whose target is lost, then those where the hub stands highest."""
    return places.sort_values(["lost", "place", "query"], ascending=[False, True, True])


def pictures_answer(space: Space, now: Moment, rows: Sequence[int], picture: Picture) -> str:
    """The chosen pictures, those first that are found most often."""
    n_k = now.capture.n_k
    ordered = sorted(rows, key=lambda row: (-n_k[row], row))
    items = "".join(
        f"<li>{_pick(space, row, picture, words=f'N_{space.k} = {n_k[row]}')}</li>" for row in ordered[:MOST]
    )
    return f'<h3>{len(rows):,} pictures{_more(len(rows))}, the most frequent first</h3><ol class="wb-grid">{items}</ol>'


def queries_answer(
    space: Space, now: Moment, before: Moment, queries: Sequence[int], picture: Picture
) -> str:
    """The chosen texts' queries: what was asked, the labelled target, and its rank before and now."""
    bench, texts = space.case.benchmark, space.case.texts.get(space.text_part)
    ordered = sorted(queries, key=lambda q: (-now.ranks[q], q))
    rows = []
    for q in ordered[:MOST]:
        query, target = bench.queries[q], int(space.labelled[q])
        asked = escape(" / ".join(query.modification))
        if texts is not None and space.text_part != "modification":
            asked += f'<br><span class="wb-small">{escape(texts[q])}</span>'
        right = _pick(space, target, picture, target=True)
        rows.append(
            (_reference(space, q, picture), asked, right, _rank(before.ranks[q]), _rank(now.ranks[q]))
        )
    head = ("reference", "asked for", "labelled target", "best rank before", "now")
    return f"<h3>{len(queries):,} queries{_more(len(queries))}, the worst first</h3>" + _table_of(
        "wb-queries", head, rows
    )


def selection_words(pictures: Sequence[int], texts: Sequence[int]) -> str:
    """How much is selected.

    >>> selection_words([7], [0, 3, 4]), selection_words([], [])
    ('Selected: 1 picture, 3 texts', 'Nothing is selected')
    """
    if not pictures and not texts:
        return "Nothing is selected"
    parts = [(len(pictures), "picture"), (len(texts), "text")]
    return "Selected: " + ", ".join(f"{n:,} {word}{'' if n == 1 else 's'}" for n, word in parts if n)


def _table_of(name: str, head: Sequence[str], rows: Sequence[Sequence[str]], total: int | None = None) -> str:
    kinds = [
        " class=wb-words" if i == 1 else "" for i in range(len(head))
    ]  # the second column holds sentences
    columns = "".join(f'<th scope="col"{kind}>{one}</th>' for kind, one in zip(kinds, head, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(kinds, row, strict=True)) + "</tr>"
        for row in rows
    )
    more = f"<p>{total - len(rows):,} more are not shown.</p>" if total and total > len(rows) else ""
    return f'<table class="{name}"><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>{more}'


def _pick(space: Space, row: int, picture: Picture, target: bool = False, words: str = "") -> str:
    """A gallery picture as a button that chooses it on the map; "hidden" for no picture."""
    if row < 0:
        return "hidden"
    id = space.case.benchmark.gallery.ids[row]
    spoken = escape(", ".join(filter(None, [f"picture {id}", "target" if target else "", words])), quote=True)
    kind, shown = "wb-result wb-pick wb-target" if target else "wb-result wb-pick", escape(words)
    uri = picture(row)
    inner = f'<img class="wb-thumb" src="{uri}" alt="">' if uri else escape(id)
    return (
        f'<button class="{kind}" data-row="{row}" title="{spoken}" aria-label="{spoken}. Choose it on the map">'
        f"{inner}{f'<span>{shown}</span>' if shown else ''}</button>"
    )


def _reference(space: Space, q: int, picture: Picture) -> str:
    query = space.case.benchmark.queries[q]
    return (
        escape(query.reference_image) if query.reference is None else _pick(space, query.reference, picture)
    )


def _rank(rank: int) -> str:
    return f"{rank:,}" if rank < np.iinfo(np.int32).max else "not ranked"


def _more(n: int) -> str:
    return f", {MOST} of them shown" if n > MOST else ""
