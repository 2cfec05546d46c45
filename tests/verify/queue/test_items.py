"""The queue on a store: its orders and filters against what their definitions give, and rows that follow from papers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlmodel import Session, col, select

from biblio.catalogue.links import EvidenceFacts, Ruling, Suggestion, live_link, suggest
from biblio.runtime import Runtime
from biblio.store.models import Claim, Decision, DeskItem, Escalation, PaperTag, SourceRecord
from biblio.store.words import Band, RelationKind, Verdict
from biblio.verify import service
from biblio.verify.paper import one_or_two
from biblio.verify.queue import queries, tally
from biblio.verify.queue.items import RANKS, lot, refresh
from biblio.verify.queue.queries import Slice
from biblio.verify.queue.wanted import ORDERS, Onlooker, QueueFilter
from biblio.verify.service import Today, judge, take_back
from tests.verify.factories import SEEN, add_paper, add_project, add_user

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BY_HAND: dict[str, tuple[Callable[[DeskItem], Any], bool]] = {
    "": (lambda r: (r.rank, r.doubt, r.waiting_since, r.paper_id), False),
    "oldest": (lambda r: (r.waiting_since, r.paper_id), False),
    "newest": (lambda r: (r.waiting_since, r.paper_id), True),
    "score": (lambda r: None if r.score is None else (r.score, r.paper_id), True),
    "press": (lambda r: None if r.press_on is None else (r.press_on, r.paper_id), False),
}
"""The orders from their definitions: the key (None: not in this order), and whether it goes down."""


def made(paper_id: int, chance: Random) -> DeskItem:
    """A row of the queue with any values; few different ones, so that every order has ties."""
    why = chance.choice(list(RANKS))
    score = chance.choice([None, 0.2, 0.5, 0.9, 0.99])
    return DeskItem(
        paper_id=paper_id,
        band=None if score is None else chance.choice(list(Band)),
        score=score,
        doubt=0.5 if score is None else round(abs(score - 0.5), 4),
        why=why,
        rank=RANKS[why],
        waiting_since=SEEN - timedelta(hours=chance.randrange(100)),
        is_shown=why not in ("unlikely", "unsure"),
        is_at_press=chance.random() < 0.3,
        press_on=chance.choice([None, TODAY, TODAY + timedelta(days=30)]),
        is_escalated=chance.random() < 0.2,
        look_again=chance.random() < 0.2,
        has_text=chance.random() < 0.5,
        source=chance.choice([None, "ads", "arxiv"]),
        journal=chance.choice([None, "ApJ", "A&A"]),
        year=chance.choice([None, 2019, 2024]),
        cycle=chance.choice([None, "2016.1"]),
        library=chance.choice([None, "ESO", "NRAO"]),
        language=chance.choice([None, "en", "ja"]),
        published_on=chance.choice([None, date(2019, 5, 1), date(2024, 5, 1)]),
        lot=lot(paper_id),
    )


def fill(session: Session, number: int) -> list[DeskItem]:
    """Put papers into the queue."""
    chance = Random(5)
    rows = [made(add_paper(session, title=f"Paper {n}"), chance) for n in range(number)]
    session.add_all(rows)
    session.flush()
    tally.true_up(session)
    return rows


def expected(
    rows: list[DeskItem], order: str, keep: Callable[[DeskItem], bool] = lambda row: row.is_shown
) -> list[int]:
    """The papers of an order by hand."""
    key, is_down = BY_HAND[order]
    placed = [row for row in rows if keep(row) and key(row) is not None]
    return [row.paper_id for row in sorted(placed, key=key, reverse=is_down)]


def found(session: Session, who: Onlooker, wanted: QueueFilter, size: int = 200) -> list[int]:
    """The papers as the pages give them, one after the other, and the count that stands above them."""
    count = queries.queue_count(session, who, wanted, tally.sums(session))
    papers = [
        row.paper_id
        for start in range(0, max(count, 1), size)
        for row in queries.queue_items(session, who, wanted, Slice(size, start), count)
    ]
    assert len(papers) == count
    return papers


@pytest.fixture
def who() -> Onlooker:
    """Somebody without claims."""
    return Onlooker(None, NOW)


@pytest.mark.parametrize("order", sorted(BY_HAND))
def test_pages_join_to_the_order(runtime: Runtime, who: Onlooker, order: str) -> None:
    """Whatever the size of a page, read from the nearer end: nothing is lost, doubled or out of place."""
    with runtime.store.writing() as session:
        rows = fill(session, 60)
        for size in (7, 25, 200):
            assert found(session, who, QueueFilter(order=order), size) == expected(rows, order)


@pytest.mark.parametrize("order", sorted(BY_HAND))
def test_next_and_previous_walk_the_order(runtime: Runtime, who: Onlooker, order: str) -> None:
    """From paper to paper down to the last, round to the first, and back up to where nothing stands before."""
    with runtime.store.writing() as session:
        rows = fill(session, 40)
        wanted, papers = QueueFilter(order=order), expected(rows, order)
        item = {row.paper_id: row for row in rows}
        assert queries.next_paper(session, who, wanted) == papers[0]
        for here, after in zip(papers, papers[1:] + papers[:1], strict=True):
            assert queries.next_paper(session, who, wanted, after=item[here]) == after
        for here, before in zip(papers, [None, *papers], strict=False):
            assert queries.previous_paper(session, who, wanted, before=item[here]) == before


FILTERS: list[tuple[QueueFilter, Callable[[DeskItem], bool]]] = [
    (QueueFilter(band="certain"), lambda r: r.is_shown and r.band is Band.CERTAIN),
    (QueueFilter(band="unlikely"), lambda r: r.band is Band.UNLIKELY),
    (QueueFilter(why="press"), lambda r: r.why == "press"),
    (QueueFilter(why="unsure"), lambda r: r.why == "unsure"),
    (QueueFilter(source="ads"), lambda r: r.is_shown and r.source == "ads"),
    (QueueFilter(cycle="2016.1"), lambda r: r.is_shown and r.cycle == "2016.1"),
    (QueueFilter(year="2019"), lambda r: r.is_shown and r.year == 2019),
    (QueueFilter(journal="A&A"), lambda r: r.is_shown and r.journal == "A&A"),
    (QueueFilter(journal="none"), lambda r: False),
    (QueueFilter(library="ESO"), lambda r: r.is_shown and r.library == "ESO"),
    (QueueFilter(language="ja"), lambda r: r.is_shown and r.language == "ja"),
    (QueueFilter(language="none"), lambda r: r.is_shown and r.language is None),
    (QueueFilter(text="yes"), lambda r: r.is_shown and r.has_text),
    (QueueFilter(text="no"), lambda r: r.is_shown and not r.has_text),
    (QueueFilter(again="yes"), lambda r: r.is_shown and r.look_again),
    (QueueFilter(press="yes"), lambda r: r.is_shown and r.is_at_press),
    (QueueFilter(escalated="yes"), lambda r: r.is_shown and r.is_escalated),
    (QueueFilter(published_from="2024-05-01"), lambda r: r.is_shown and r.published_on == date(2024, 5, 1)),
    (QueueFilter(published_to="2024-04-30"), lambda r: r.is_shown and r.published_on == date(2019, 5, 1)),
    (QueueFilter(waiting_from="2026-10-30"), lambda r: r.is_shown and r.waiting_since.date() >= date(2026, 10, 30)),
    (QueueFilter(waiting_to="2026-10-30"), lambda r: r.is_shown and r.waiting_since.date() <= date(2026, 10, 30)),
    (
        QueueFilter(library="ESO", text="yes", source="ads"),
        lambda r: r.is_shown and r.library == "ESO" and r.has_text and r.source == "ads",
    ),
]


def test_each_filter_leaves_the_papers_it_names(runtime: Runtime, who: Onlooker) -> None:
    """Every filter in every order, and three at once; what is counted is what is shown."""
    with runtime.store.writing() as session:
        rows = fill(session, 80)
        for wanted, keep in FILTERS:
            for order in BY_HAND:
                assert found(session, who, replace(wanted, order=order)) == expected(rows, order, keep), (wanted, order)


def test_claims_and_tags_are_filters_too(runtime: Runtime) -> None:
    """Mine, nobody's and others'; a claim that lapsed or ended is none. A tag that was taken away is none."""
    with runtime.store.writing() as session:
        vera, ines = (add_user(session, name).person_id() for name in ("vera", "ines"))
        papers = [row.paper_id for row in fill(session, 60) if row.is_shown]
        hour = timedelta(hours=1)
        for paper, holder, until, ended in (
            (papers[0], vera, NOW + hour, None),
            (papers[1], ines, NOW + hour, None),
            (papers[2], ines, NOW - hour, None),
            (papers[3], vera, NOW + hour, NOW),
        ):
            session.add(Claim(paper_id=paper, holder_id=holder, claimed_at=NOW - hour, until=until, ended_at=ended))
        for paper, removed in ((papers[4], None), (papers[5], NOW)):
            session.add(PaperTag(paper_id=paper, tag="review", actor_id=vera, made_at=NOW, removed_at=removed))
        session.flush()
        me = Onlooker(vera, NOW)
        assert found(session, me, QueueFilter(holder="mine")) == [papers[0]]
        assert found(session, me, QueueFilter(holder="others")) == [papers[1]]
        assert set(found(session, me, QueueFilter(holder="free"))) == set(papers) - set(papers[:2])
        assert found(session, me, QueueFilter(tag="review")) == [papers[4]]
        walked: set[int] = set()
        here = queries.next_paper(session, me, QueueFilter())
        while here is not None and here not in walked:
            walked.add(here)
            here = queries.next_paper(session, me, QueueFilter(), after=session.get_one(DeskItem, here))
        assert walked == set(papers) - {papers[1]}, "what somebody else works on is passed over"


@pytest.mark.parametrize(
    "address",
    [
        {"band": "sure", "why": "x", "order": "random", "holder": "them", "text": "maybe", "again": "no"},
        {"waiting_from": "2026-13-01", "waiting_to": "yesterday", "published_from": "20240501", "published_to": "''"},
        {"year": "20191", "turn": "7", "press": "1", "escalated": "true"},
    ],
)
def test_what_is_no_choice_is_not_asked(address: dict[str, str]) -> None:
    """Unknown words and impossible dates in an address are taken for nothing."""
    assert QueueFilter.from_address(address) == QueueFilter()


def test_an_address_says_all_of_the_view() -> None:
    """What an address asks for, written as an address again, asks for the same; without one filter, for the rest."""
    wanted = QueueFilter.from_address(
        {"journal": " A&A ", "tag": "Review", "waiting_from": "2026-11-01", "order": "oldest", "page": "3"}
    )
    assert wanted.address() == {"journal": "A&A", "tag": "review", "waiting_from": "2026-11-01", "order": "oldest"}
    assert QueueFilter.from_address(wanted.address()) == wanted
    assert wanted.without("tag") == {"journal": "A&A", "waiting_from": "2026-11-01", "order": "oldest"}
    assert set(ORDERS) == {*BY_HAND, "learn"}


def test_the_calendar_has_an_end(runtime: Runtime, who: Onlooker) -> None:
    """Its first and last day are days like any other."""
    with runtime.store.writing() as session:
        rows = fill(session, 10)
        every = QueueFilter(waiting_from="0001-01-01", waiting_to="9999-12-31")
        assert found(session, who, every) == expected(rows, "")


# -- rows that follow from papers -------------------------------------------------------------------------------------


def proposed(session: Session, runtime: Runtime, paper: int, project: int) -> DeskItem:
    """Propose a project for a paper; return the paper's row in the queue."""
    evidence = EvidenceFacts("code", "x", 4.0, "It is printed.")
    said = Suggestion(project_id=project, score=0.9, band=Band.LIKELY, evidence=(evidence,))
    suggest(session, paper_id=paper, suggestions=[said], rules_digest="0", now=SEEN)
    return in_step(session, runtime, paper)


def in_step(session: Session, runtime: Runtime, paper: int) -> DeskItem:
    """Bring a paper's row in step and return it."""
    refresh(session, runtime.profile, [paper], today=TODAY)
    return session.exec(select(DeskItem).where(col(DeskItem.paper_id) == paper)).one()


def test_a_row_tells_library_language_and_dates(runtime: Runtime) -> None:
    """The partner's library, the language its source says, the journal's date; a 10,000-letter journal is cut."""
    with runtime.store.writing() as session:
        project = add_project(session, partner="NA")
        paper = add_paper(session, journal="J" * 10_000, preprint_on=date(2019, 3, 1))
        session.add(
            SourceRecord(
                paper_id=paper, source="files", key="a", record={"language": "French"}, digest="0", learned_at=SEEN
            )
        )
        row = proposed(session, runtime, paper, project)
        assert (row.library, row.language, row.published_on) == ("NRAO", "fr", date(2019, 3, 1))
        assert row.journal == "J" * 200


def test_a_young_preprint_tells_when_it_is_expected_in_print(runtime: Runtime) -> None:
    """A preprint without a journal has a date to be sorted by; an article has none."""
    with runtime.store.writing() as session:
        project = add_project(session)
        young = add_paper(
            session, title="A", journal=None, is_refereed=False, preprint_on=date(2026, 11, 1), arxiv="2611.1"
        )
        printed = add_paper(session, title="B", preprint_on=date(2026, 11, 1), arxiv="2611.2")
        row = proposed(session, runtime, young, project)
        assert (row.is_at_press, row.press_on is not None and row.press_on > TODAY) == (True, True)
        assert proposed(session, runtime, printed, project).press_on is None


def test_an_escalated_paper_waits_though_all_is_judged(runtime: Runtime) -> None:
    """It stands in the queue while the head librarian has not settled it, and not after; counts follow."""
    with runtime.store.writing() as session:
        paper = add_paper(session)
        person = add_user(session).person_id()
        row = Escalation(paper_id=paper, reason="two readings", raised_by_id=person, raised_at=SEEN)
        session.add(row)
        session.flush()
        item = in_step(session, runtime, paper)
        assert (item.why, item.is_shown, item.is_escalated, item.open_count) == ("escalated", True, True, 0)
        assert tally.sums(session)["escalated"]["yes"] == 1
        row.settled_at = NOW
        session.add(row)
        refresh(session, runtime.profile, [paper], today=TODAY)
        assert session.exec(select(DeskItem)).all() == []
        assert tally.sums(session)["all"][""] == 0


def test_other_papers_follow_when_a_project_turns(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first science paper makes the others "further" ones, its last one's going "silent" again; nothing else does."""
    refreshed: list[int] = []

    def noted(session: Session, profile: Any, paper_ids: Iterable[int], *, today: date) -> int:
        ids = list(paper_ids)
        refreshed.append(len(ids))
        return refresh(session, profile, ids, today=today)

    monkeypatch.setattr(service, "refresh", noted)
    today = Today(runtime.profile, NOW, 0.0)
    with runtime.store.writing() as session:
        project, person = add_project(session), add_user(session)
        papers = [add_paper(session, title=f"Paper {n}") for n in range(5)]
        for paper in papers:
            proposed(session, runtime, paper, project)

        def decided(paper: int, verdict: Verdict, relation: RelationKind | None = None) -> Decision:
            live = live_link(session, paper, project)
            ruling = Ruling(paper, project, verdict, live.version if live else 0, relation)
            return judge(session, person, ruling, today)

        def whys() -> set[str]:
            return set(session.exec(select(DeskItem.why).where(col(DeskItem.is_shown))))

        decided(papers[0], Verdict.REJECT)
        assert (refreshed.pop(), whys()) == (1, {"silent"})
        first = decided(papers[1], Verdict.ACCEPT, RelationKind.SCIENCE)
        assert (refreshed.pop(), whys()) == (4, {"more"})
        second = decided(papers[2], Verdict.ACCEPT, RelationKind.SCIENCE)
        assert (refreshed.pop(), whys()) == (1, {"more"})
        take_back(session, person, [first.id or 0], today)
        assert whys() == {"more"}
        take_back(session, person, [second.id or 0], today)
        assert whys() == {"silent"}
        assert tally.true_up(session) == 0


def test_other_papers_follow_when_a_paper_is_merged_or_parted(runtime: Runtime) -> None:
    """A science paper becomes one with a mention, which was said later: its project is silent until they are two again."""
    today = Today(runtime.profile, NOW, 0.0)
    with runtime.store.writing() as session:
        project, person = add_project(session), add_user(session)
        papers = [add_paper(session, title=f"Paper {n}") for n in range(3)]
        for paper in papers[:2]:
            proposed(session, runtime, paper, project)

        def why() -> str | None:
            return session.exec(select(DeskItem.why).where(col(DeskItem.paper_id) == papers[1])).one()

        judge(session, person, Ruling(papers[0], project, Verdict.ACCEPT, 0, RelationKind.SCIENCE), today)
        assert why() == "more"
        service.dismiss(session, person, service.Dismissal(papers[2], RelationKind.MENTION), today)
        merged = one_or_two.make_one(session, person, papers[0], papers[2], today)
        assert why() == "silent"
        service.part_again(session, person, merged.id or 0, today)
        assert why() == "more"


def test_a_paper_follows_by_a_candidate_of_one_merged_into_it(runtime: Runtime) -> None:
    """Two papers become one; before they are matched anew, the candidate of the one that went still makes the other follow."""
    today = Today(runtime.profile, NOW, 0.0)
    with runtime.store.writing() as session:
        project, person = add_project(session), add_user(session)
        science, kept, gone = (add_paper(session, title=f"Paper {n}") for n in range(3))
        for paper in (science, gone):
            proposed(session, runtime, paper, project)
        one_or_two.make_one(session, person, kept, gone, today)
        item = session.get_one(DeskItem, kept)
        assert item.why == "silent"
        judge(session, person, Ruling(science, project, Verdict.ACCEPT, 0, RelationKind.SCIENCE), today)
        assert item.why == "more"


def test_other_papers_follow_when_only_the_class_is_judged(runtime: Runtime) -> None:
    """The only science paper of a project is said to be a mention, without a word on the project: it is silent again."""
    today = Today(runtime.profile, NOW, 0.0)
    with runtime.store.writing() as session:
        project, person = add_project(session), add_user(session)
        papers = [add_paper(session, title=f"Paper {n}") for n in range(2)]
        for paper in papers:
            proposed(session, runtime, paper, project)
        judge(session, person, Ruling(papers[0], project, Verdict.ACCEPT, 0, RelationKind.SCIENCE), today)
        item = session.get_one(DeskItem, papers[1])
        assert item.why == "more"
        service.dismiss(session, person, service.Dismissal(papers[0], RelationKind.MENTION), today)
        assert item.why == "silent"
