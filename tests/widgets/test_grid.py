"""The board's HTML: what is shown is what was answered, and no text can become markup."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from tests.widgets.conftest import build
from workbench.methods import PDVFusion, Product, Slerp, TextOnly
from workbench.widgets.grid import board_html, status
from workbench.widgets.thumbnails import Thumbnails, data_uri
from workbench.widgets.view import Question


class Elements(HTMLParser):
    """(tag, classes, attributes) of every element; closed in the order in which they were opened."""

    def __init__(self, html: str):
        super().__init__()
        self.found, self.open, self.words = [], [], []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.found.append((tag, given.get("class", "").split(), given))
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def of(self, name: str) -> list[dict]:
        return [given for _, classes, given in self.found if name in classes]


@pytest.fixture
def draw(case):
    thumbnails = Thumbnails(case.benchmark.gallery.images)

    def html(answer, trail=(), gallery=case.benchmark.gallery) -> Elements:
        return Elements(board_html(answer, gallery, thumbnails, "data:,x", list(trail)))

    return html


def test_every_result_is_a_button_that_a_screen_reader_can_read(explore, draw, case):
    answer = explore(3, method=PDVFusion(), other=Slerp(0.8), k=9).answer
    page = draw(answer)
    results = page.of("wb-result")
    assert [int(one["data-row"]) for one in results] == [
        *answer.first.rows.tolist(),
        *answer.second.rows.tolist(),
    ]
    ids = case.benchmark.gallery.ids
    for place, row in enumerate(answer.first.rows.tolist()):
        label = results[place]["aria-label"]
        assert label.startswith(
            f"Rank {place + 1}, picture {ids[row]}, score {answer.first.scores[place]:.3f}"
        )
        assert (
            (", target," in label) == (row in answer.first.ranks) == ("wb-target" in results[place]["class"])
        )
        assert f"rank {answer.first.moved[place]} by the other method" in label
        assert "reference image " in label
        assert label.endswith("Make it the next reference")
    assert len(page.of("wb-thumb")) >= 18
    assert all(given["alt"] == "" for given in page.of("wb-thumb"))  # the button's label says it all
    assert {given["data-side"] for given in page.of("wb-ranking")} == {"first", "second"}


def test_targets_further_down_are_shown_with_their_ranks(explore, draw):
    explorer = explore(3, k=1)
    found = next(
        one for q in range(12) if len((one := explorer.ask(question=Question(query=q))).first.lower) == 2
    )
    page = draw(found)
    assert [int(given["data-row"]) for given in page.of("wb-lower")] == found.first.lower
    ranks = [found.first.ranks[row] for row in found.first.lower]
    assert ranks == sorted(ranks)
    assert [given["aria-label"].split(",")[0] for given in page.of("wb-lower")] == [
        f"Rank {rank}" for rank in ranks
    ]
    assert f"Best target at rank {ranks[0]} of 39 (all 2 targets: {ranks[0]}, {ranks[1]})" in page.words


def test_bars_are_drawn_to_scale_from_one_zero_line(explore, draw):
    answer = explore(1, method=PDVFusion(2.5, 0.3, 0.4), k=39).answer
    page = draw(answer)
    pieces = [
        [float(number) for number in re.findall(r"(-?[\d.]+)%", given["style"])]
        for source in answer.first.contributions
        for given in page.of(f"wb-part-{source}")
        if "style" in given
    ]
    assert len(pieces) == 2 * 39
    assert all(left >= -0.06 and left + width <= 100.11 for left, width in pieces)
    whole = np.concatenate([np.abs(values) for values in answer.first.contributions.values()])
    drawn = np.array([one[1] for one in pieces])
    np.testing.assert_allclose(drawn / drawn.max(), whole / whole.max(), atol=0.002)


def test_no_text_becomes_markup(make_case, explore):
    case = build(make_case(seed=4))
    evil = '"><script>alert(1)</script><img src=x onerror="alert(2)">&'
    gallery = replace(case.benchmark.gallery, ids=tuple(f"{evil}{n}" for n in range(40)))
    case = replace(case, benchmark=replace(case.benchmark, gallery=gallery))
    answer = explore(
        reference=3, modification=evil, case=case, method=PDVFusion(), other=Product(), k=4
    ).answer
    answer = replace(answer, notes=(evil,), first=replace(answer.first, note=evil))
    page = Elements(board_html(answer, gallery, Thumbnails(gallery.images), "data:,x", [evil]))
    assert not [tag for tag, _, given in page.found if tag == "script" or "onerror" in given]
    assert evil in page.of("wb-result")[0]["aria-label"]
    assert "".join(page.words).count(evil) >= 4  # modification, edit, note, trail: shown as they are
    assert len(page.of("wb-back")) == 1


def test_the_status_line_says_what_was_asked_and_found(explore):
    answer = explore(3, method=TextOnly(), other=Slerp(0.3)).answer
    assert status(answer).startswith("picture-1, “make it 3”. text only: ")
    assert "; SLERP(alpha=0.3): " in status(answer)


def test_thumbnails_are_made_once_and_the_oldest_go(case):
    class Counted(list):
        opened = 0

        def __getitem__(self, i):
            Counted.opened += 1
            return super().__getitem__(i)

    thumbnails = Thumbnails(Counted(case.benchmark.gallery.images), most=2)
    first = thumbnails.uri(0)
    assert first.startswith("data:image/jpeg;base64,")
    assert (thumbnails.uri(0), Counted.opened) == (first, 1)
    assert thumbnails.uri(1) != first
    thumbnails.uri(2)
    assert (thumbnails.uri(0), Counted.opened) == (first, 4)
    assert Thumbnails(None).uri(3) == ""
    assert len(data_uri(case.benchmark.gallery.images[0].resize((2000, 1000)))) < 10_000
