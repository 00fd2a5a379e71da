"""An answer as one HTML string: the question, and per method a ranked grid with scores, marks and bars.

Every result is a button with a label for screen readers. A target has a thick green frame and a tick; the three
sources of a bar differ in colour and in pattern: colour alone decides nothing. All texts are escaped. What a click
means is left to `board`; class names are listed in `workbench.widgets`.
"""

from __future__ import annotations

from html import escape

from workbench.data.benchmark import Gallery
from workbench.methods import label
from workbench.plots.style import label_of
from workbench.widgets.answer import Answer, Ranking
from workbench.widgets.thumbnails import Thumbnails

SOURCE_WORDS = {"image": "reference image", "text": "modification text", "caption": "captions and edits"}


def board_html(
    answer: Answer, gallery: Gallery, thumbnails: Thumbnails, reference: str, trail: list[str]
) -> str:
    """Everything that is shown of an answer. reference: the reference picture's data URI; trail: a line per question."""
    rankings = "".join(
        _ranking(side, answer, ranking, gallery, thumbnails) for side, ranking in answer.rankings.items()
    )
    notes = "".join(f'<p class="wb-note">Note: {escape(note)}.</p>' for note in answer.notes)
    return f'{_trail(trail)}{_question(answer, reference)}{notes}<div class="wb-columns">{rankings}</div>'


def status(answer: Answer) -> str:
    """One line for a screen reader: what was asked, and where the target stands."""
    found = "; ".join(f"{name_of(one)}: {answer.standing(one)}" for one in answer.rankings.values())
    return f"{answer.reference}, “{answer.texts['modification']}”. {found}"


def name_of(ranking: Ranking) -> str:
    """The method as readers see it: "PDV-F(beta=0.5)"."""
    return label_of(label(ranking.method))


def _trail(lines: list[str]) -> str:
    if not lines:
        return ""
    steps = "".join(
        f'<li><button class="wb-back" data-back="{place}">{escape(line)}</button></li>'
        for place, line in enumerate(lines)
    )
    return f'<nav class="wb-trail" aria-label="Earlier questions"><ol>{steps}</ol></nav>'


def _question(answer: Answer, reference: str) -> str:
    rows = [
        ("wb-modification", "modification text", answer.texts["modification"]),
        *(
            ("wb-edit" if name.startswith("composed") else "wb-caption", name.replace("_", " "), text)
            for name, text in answer.texts.items()
            if name != "modification"
        ),
    ]
    texts = "".join(
        f'<dt>{escape(what)}</dt><dd class="{kind}">{escape(text)}</dd>' for kind, what, text in rows
    )
    name = escape(answer.reference)
    return (
        f'<div class="wb-question"><figure class="wb-reference"><img src="{reference}" alt="reference image {name}">'
        f"<figcaption>{name}</figcaption></figure><dl>{texts}</dl></div>"
    )


def _ranking(side: str, answer: Answer, ranking: Ranking, gallery: Gallery, thumbnails: Thumbnails) -> str:
    name = escape(name_of(ranking))
    scale, results = _Scale(ranking), []
    for place, (row, score) in enumerate(zip(ranking.rows.tolist(), ranking.scores.tolist(), strict=True)):
        right = row in ranking.ranks
        there = ranking.moved[place] if ranking.moved else None
        spoken = [f"Rank {place + 1}", f"picture {gallery.ids[row]}", f"score {score:.3f}"]
        spoken += ["target"] if right else []
        spoken += [f"rank {there:,} by the other method"] if there else []
        spoken += [f"{SOURCE_WORDS[s]} {v[place]:+.3f}" for s, v in ranking.contributions.items()]
        change = f'<span class="wb-move">{moved(place + 1, there)}</span>' if there else ""
        inner = (
            f'<span class="wb-rank">{place + 1}{" ✓" if right else ""}</span>'
            f'<img class="wb-thumb" src="{thumbnails.uri(row)}" alt="">'
            f'<span class="wb-score">{score:.3f}</span>{change}{scale.bar(place)}'
        )
        results.append(f"<li>{_button('wb-result', row, spoken, right, inner)}</li>")
    return (
        f'<section class="wb-ranking" data-side="{side}" aria-label="Ranking by {name}">'
        f'<h3 class="wb-method">{name}</h3><p class="wb-target-rank">{escape(answer.standing(ranking))}</p>'
        f'{_legend(ranking)}<ol class="wb-grid">{"".join(results)}</ol>{_lower(ranking, gallery, thumbnails)}</section>'
    )


def _button(kind: str, row: int, spoken: list[str], right: bool, inner: str) -> str:
    title = escape(", ".join(spoken), quote=True)
    kind = f"{kind} wb-target" if right else kind
    return (
        f'<button class="{kind}" data-row="{row}" title="{title}" '
        f'aria-label="{title}. Make it the next reference">{inner}</button>'
    )


def moved(here: int, there: int) -> str:
    """The rank by the other method: ▲ it stands higher there, ▼ lower.

    >>> moved(3, 1), moved(3, 1200), moved(3, 3)
    ('▲ 1', '▼ 1,200', '= 3')
    """
    sign = "▲" if there < here else "▼" if there > here else "="
    return f"{sign} {there:,}"


def _lower(ranking: Ranking, gallery: Gallery, thumbnails: Thumbnails) -> str:
    """The targets below the end of the list, so that one sees what was missed."""
    if not ranking.lower:
        return ""
    items = "".join(
        "<li>"
        + _button(
            "wb-lower",
            row,
            [f"Rank {ranking.ranks[row]:,}", f"picture {gallery.ids[row]}", "target"],
            True,
            f'<span class="wb-rank">{ranking.ranks[row]:,} ✓</span><img class="wb-thumb" src="{thumbnails.uri(row)}" alt="">',
        )
        + "</li>"
        for row in ranking.lower
    )
    return f'<p class="wb-further">Further down:</p><ol class="wb-grid wb-missed">{items}</ol>'


def _legend(ranking: Ranking) -> str:
    note = f'<p class="wb-note">Note: {escape(ranking.note)}.</p>' if ranking.note else ""
    if ranking.moved:
        note += (
            '<p class="wb-note">▲ ▼ =: higher, lower, the same by the other method, and its rank there</p>'
        )
    if ranking.no_bars:
        return f'{note}<p class="wb-no-bars">{escape(ranking.no_bars)}</p>'
    marks = "".join(
        f'<li><span class="wb-key wb-part-{source}"></span>{SOURCE_WORDS[source]}</li>'
        for source in ranking.contributions
    )
    return f'{note}<ul class="wb-legend" aria-label="What a score is made of">{marks}</ul>'


class _Scale:
    """Bars of one ranking on one scale: what adds to a score goes right of the zero line, what takes off it left."""

    def __init__(self, ranking: Ranking):
        self.values = {source: values.tolist() for source, values in ranking.contributions.items()}
        columns = list(zip(*self.values.values(), strict=True))
        self.low = min((sum(min(v, 0.0) for v in column) for column in columns), default=0.0)
        high = max((sum(max(v, 0.0) for v in column) for column in columns), default=0.0)
        self.width = max(high - self.low, 1e-12)

    def bar(self, place: int) -> str:
        if not self.values:
            return ""
        pieces, left, right = [], 0.0, 0.0
        for source, values in self.values.items():
            value = values[place]
            start = right if value > 0 else left + value
            left, right = left + min(value, 0.0), right + max(value, 0.0)
            pieces.append(
                f'<i class="wb-part-{source}" style="left:{self._percent(start - self.low)};width:{self._percent(abs(value))}"></i>'
            )
        zero = f'<b style="left:{self._percent(-self.low)}"></b>' if self.low < 0 else ""
        return f'<span class="wb-bar" aria-hidden="true">{"".join(pieces)}{zero}</span>'

    def _percent(self, value: float) -> str:
        return f"{100 * value / self.width:.1f}%"
