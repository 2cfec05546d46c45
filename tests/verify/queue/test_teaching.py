"""The order that teaches the matcher most: the three lanes in turn, each paper once, the sample at its place."""

from __future__ import annotations

import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from biblio.runtime import Runtime
from biblio.store.models import DeskItem
from biblio.store.words import Band
from biblio.verify.queue.items import lot
from biblio.verify.queue.teaching import CYCLE, Around, around, count, dealt, items, lane_at
from biblio.verify.queue.wanted import Onlooker, QueueFilter
from matching.learning import AUDIT, worth_asking
from tests.verify.conftest import Login
from tests.verify.factories import SEEN, add_paper

ANYBODY = Onlooker(None, SEEN)
LEARN = QueueFilter(order="learn")
papers = st.lists(st.integers(1, 200), unique=True, max_size=60)


@given(papers, papers, papers, st.integers(0, CYCLE))
def test_every_paper_comes_once_and_from_the_lane_whose_turn_it_is(
    top: list[int], uncertain: list[int], audit: list[int], turn: int
) -> None:
    """Nothing is lost or doubled; a lane is passed over only when all of it was given already."""
    found = list(dealt({"top": top, "uncertain": uncertain, "audit": audit}, turn))
    given_out = [paper for paper, _ in found]
    assert sorted(given_out) == sorted({*top, *uncertain, *audit})
    lanes = {"top": top, "uncertain": uncertain, "audit": audit}
    for at, (paper, lane) in enumerate(found):
        before = set(given_out[:at])
        assert paper == next(one for one in lanes[lane] if one not in before)
        if lane != lane_at(turn + at):
            assert set(lanes[lane_at(turn + at)]) <= before


def test_half_and_half_and_a_twentieth_at_random() -> None:
    """Of forty papers nineteen are of each half and two of the sample; the halves alternate."""
    lanes = [lane_at(turn) for turn in range(CYCLE)]
    assert (lanes.count("top"), lanes.count("uncertain"), lanes.count("audit")) == (19, 19, 2)
    assert lanes.count("audit") / len(lanes) == AUDIT
    halves = [lane for lane in lanes if lane != "audit"]
    assert all(one != other for one, other in zip(halves, halves[1:] + halves[:1], strict=True))


def test_the_lot_is_the_one_the_matcher_draws() -> None:
    """The sample on the desk are the papers that ``matching.learning`` would ask about at random."""
    drawn = sorted(range(1, 2001), key=lot)
    asked = worth_asking({str(paper): 0.3 for paper in range(1, 2001)}, 2000)
    assert [str(paper) for paper in drawn[:100]] == asked[:100]
    share = sum(lot(paper) < AUDIT for paper in range(1, 20_001)) / 20_000
    assert share == pytest.approx(AUDIT, abs=0.01)


# -- on a store -------------------------------------------------------------------------------------------------------


def fill(session: Session, number: int) -> list[DeskItem]:
    """Add papers to the queue with scores all over: certain, likely, unlikely (not shown), unsure and without any."""
    rows = []
    for i in range(number):
        score = None if i % 17 == 16 else ((i * 37) % 100 + 0.5) / 100
        why = "code" if score is None else "unlikely" if score < 0.5 else "unsure" if i % 13 == 12 else "more"
        paper = add_paper(session, title=f"Paper {i}")
        band = None if score is None else Band.LIKELY if score >= 0.5 else Band.UNLIKELY
        rows.append(
            DeskItem(
                paper_id=paper,
                score=score,
                band=band,
                why=why,
                rank=5,
                doubt=0.5 if score is None else round(abs(score - 0.5), 4),
                waiting_since=SEEN,
                is_shown=why in ("code", "more"),
                lot=lot(paper),
            )
        )
    session.add_all(rows)
    session.flush()
    return rows


def by_hand(rows: list[DeskItem], turn: int = 0) -> list[int]:
    """The order from its definition, over all rows at once."""
    shown = [row for row in rows if row.is_shown]
    scored = [row for row in shown if row.score is not None]
    top = sorted(scored, key=lambda r: (-(r.score or 0.0), -r.paper_id))
    uncertain = sorted(shown, key=lambda r: (r.doubt, r.paper_id))
    audit = sorted((r for r in rows if r.lot < AUDIT and r.why != "unsure"), key=lambda r: (r.lot, r.paper_id))
    lanes = {"top": top, "uncertain": uncertain, "audit": audit}
    return [paper for paper, _ in dealt({lane: [r.paper_id for r in found] for lane, found in lanes.items()}, turn)]  # type: ignore[misc]


def test_pages_join_to_the_whole_order(runtime: Runtime) -> None:
    """Whatever the size of a page, the pages one after the other are the order made by hand, counted right."""
    with runtime.store.writing() as session:
        rows = fill(session, 150)
        expected = by_hand(rows)
        assert any(not row.is_shown and row.paper_id in expected for row in rows)
        assert count(session, ANYBODY, LEARN) == len(expected)
        for size in (7, 25, 200):
            found = [
                row.paper_id
                for offset in range(0, len(expected), size)
                for row in items(session, ANYBODY, LEARN, size, offset)
            ]
            assert found == expected


def test_the_sample_holds_papers_that_nobody_would_ask_about(runtime: Runtime) -> None:
    """Unlikely papers that the desk hides are asked about when their lot is low; with a filter only those it leaves."""
    with runtime.store.writing() as session:
        rows = fill(session, 150)
        hidden = {r.paper_id for r in rows if not r.is_shown and r.why == "unlikely" and r.lot < AUDIT}
        found = {row.paper_id for row in items(session, ANYBODY, LEARN, 200)}
        assert hidden
        assert hidden <= found
        assert {r.paper_id for r in rows if not r.is_shown} & found == hidden
        likely = QueueFilter(order="learn", band="likely")
        assert {row.band for row in items(session, ANYBODY, likely, 200)} == {Band.LIKELY}
        assert count(session, ANYBODY, likely) == len(items(session, ANYBODY, likely, 200))


def test_whoever_decides_from_the_top_meets_the_halves_in_turn(runtime: Runtime) -> None:
    """What was decided leaves the queue, and still best and most uncertain alternate, the sample every twentieth."""
    with runtime.store.writing() as session:
        rows = fill(session, 150)
        left = {row.paper_id: row for row in rows}
        expected = by_hand(rows)
        wanted, here = LEARN, around(session, ANYBODY, LEARN, None).following
        met = []
        for _ in range(25):
            assert here is not None
            met.append(here)
            ahead = around(session, ANYBODY, wanted, here)
            session.delete(left.pop(here))
            session.flush()
            here, wanted = ahead.following, QueueFilter(order="learn", turn=str(ahead.turn))
        assert met == expected[:25]


def test_who_passes_a_paper_over_does_not_meet_it_again_at_once(runtime: Runtime) -> None:
    """Next goes down the list and previous back up; the last leads to the first; a paper from elsewhere to the first."""
    with runtime.store.writing() as session:
        expected = by_hand(fill(session, 150))
        for place in (0, 1, 70):
            found = around(session, ANYBODY, LEARN, expected[place])
            assert found.following == expected[place + 1]
            assert found.previous == (expected[place - 1] if place else None)
        assert around(session, ANYBODY, LEARN, expected[-1]).following == expected[0]
        assert around(session, ANYBODY, LEARN, 10**6) == Around(None, expected[0], 0)


def test_an_empty_queue_has_no_neighbours(runtime: Runtime) -> None:
    """Nothing waits: no page, no next paper, no error."""
    with runtime.store.reading() as session:
        assert items(session, ANYBODY, LEARN, 25) == []
        assert count(session, ANYBODY, LEARN) == 0
        assert around(session, ANYBODY, LEARN, None) == Around(None, None, 0)


def test_the_page_of_the_queue_marks_what_is_asked_at_random(runtime: Runtime, login: Login) -> None:
    """The order has an address; its page lists by it and says of each row of the sample why it is there."""
    with runtime.store.writing() as session:
        rows = fill(session, 60)
        expected = by_hand(rows)
        sample = {row.paper_id for row in rows if row.lot < AUDIT and row.why != "unsure"}
    client = login()
    text = client.get("/desk?order=learn").get_data(as_text=True)
    listed = [
        int(one) for one in re.findall(r'<th scope="row" class="wrap"><a href="/desk/paper/(\d+)\?order=learn"', text)
    ]
    assert listed == expected[:25]
    assert text.count("Asked at random") == len(sample & set(listed)) > 0
    assert "Asked at random" not in client.get("/desk").get_data(as_text=True)
    asked = next(paper for paper in listed if paper in sample)
    assert "to keep the figures honest" in client.get(f"/desk/paper/{asked}?order=learn").get_data(as_text=True)
    assert client.get("/desk?order=learn&format=csv").get_data(as_text=True).count("\n") == len(expected) + 1


@pytest.mark.parametrize("address", ["order=best", "order=learn&turn=-1", "order=learn&turn=999", "order=&turn=3"])
def test_addresses_that_make_no_sense_are_taken_for_none(address: str) -> None:
    """An unknown order is the usual one, an impossible turn the first."""
    values = dict(part.split("=") for part in address.split("&"))
    found = QueueFilter.from_address(values)
    assert found.turn == ""
    assert found.teaches == (values["order"] == "learn")


def test_deep_pages_take_no_more_than_they_need() -> None:
    """The first papers of the order need only as many of each lane."""
    top, uncertain, audit = list(range(1000)), list(range(500, 1500)), list(range(990, 1100))
    whole = dealt({"top": top, "uncertain": uncertain, "audit": audit})
    part = dealt({"top": top[:75], "uncertain": uncertain[:75], "audit": audit[:75]})
    assert list(islice(whole, 75)) == list(islice(part, 75))
