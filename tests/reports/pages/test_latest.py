"""The report of now: counted once while nothing changes, anew as soon as anything does, by one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from biblio.catalogue.links import Ruling, decide, relate, suggest, undo
from biblio.catalogue.merges import merge
from biblio.clock import FixedClock
from biblio.errors import NotFound
from biblio.runtime import Runtime
from biblio.store.models import PaperMatch
from biblio.store.words import RelationKind, Verdict
from reports.facts.model import Facts
from reports.facts.reading import read_facts
from reports.filters import chosen
from reports.pages import latest
from reports.pages.fingerprint import Fingerprint, fingerprint
from reports.pages.latest import Latest, Live, live_report
from tests.factories import accept, add_candidate, add_paper, add_project
from tests.reports.pages.conftest import Shelf, put_under_second_reading


def live(runtime: Runtime, as_of: date | None = None) -> Live:
    """The report as the pages take it."""
    with runtime.store.reading() as session:
        return live_report(runtime, session, as_of)


def number(runtime: Runtime, column: str, as_of: date | None = None) -> float | int | None:
    """One number of all cycles as of today."""
    return live(runtime, as_of).theme("fraction").table("now").figure("all", column).value


@pytest.mark.usefixtures("shelf")
def test_a_report_is_counted_once_while_nothing_changes(runtime: Runtime) -> None:
    """Asked again, the very same report answers; a day in the past has one of its own."""
    first = live(runtime)
    assert live(runtime) is first
    assert live(runtime, date(2026, 6, 1)) is not first
    assert live(runtime, runtime.clock.today()) is first


def test_verdicts_are_seen_at_once_and_candidates_count_nothing(runtime: Runtime, shelf: Shelf) -> None:
    """However certain the machine is, only a person's verdict counts; undoing it takes it back."""
    assert number(runtime, "published") == 2
    with runtime.store.writing() as session:
        paper = add_paper(session, "Once more", year=2020)
        add_candidate(session, paper, shelf.projects[2], score=0.999)
    assert number(runtime, "published") == 2
    assert sum(live(runtime).undecided.values()) == 1
    now = runtime.clock.now()
    with runtime.store.writing() as session:
        decision = accept(session, shelf.librarian, paper, shelf.projects[2], now=now)
    assert number(runtime, "published") == 3
    with runtime.store.writing() as session:
        undo(session, shelf.librarian, decision, now=now + timedelta(seconds=1))
    assert number(runtime, "published") == 2


def test_what_waits_is_of_now(runtime: Runtime, shelf: Shelf, clock: FixedClock) -> None:
    """A candidate comes, is decided, comes back, and is proposed no more: each time the count is the new one at once."""

    def waiting() -> int:
        return sum(live(runtime).undecided.values())

    assert waiting() == 0
    with runtime.store.writing() as session:
        paper = add_paper(session, "Once more", year=2020)
        add_candidate(session, paper, shelf.projects[2])
    assert waiting() == 1
    with runtime.store.writing() as session:
        decision = accept(session, shelf.librarian, paper, shelf.projects[2], now=clock.now())
    assert waiting() == 0
    clock.move(timedelta(seconds=1))
    with runtime.store.writing() as session:
        undo(session, shelf.librarian, decision, now=clock.now())
    assert waiting() == 1
    clock.move(timedelta(seconds=1))
    with runtime.store.writing() as session:  # as the job does that matches the paper again
        suggest(session, paper_id=paper, suggestions=[], rules_digest="", now=clock.now())
        session.merge(PaperMatch(paper_id=paper, digest="", matched_at=clock.now()))
    assert waiting() == 0


def _reject(runtime: Runtime, shelf: Shelf) -> None:
    with runtime.store.writing() as session:
        ruling = Ruling(shelf.early, shelf.projects[0], Verdict.REJECT, version_seen=1)
        decide(session, shelf.librarian, ruling, now=runtime.clock.now())


def _only_mention(runtime: Runtime, shelf: Shelf) -> None:
    with runtime.store.writing() as session:
        relate(session, shelf.librarian, paper_id=shelf.early, relation=RelationKind.MENTION, now=runtime.clock.now())


def _withdraw(runtime: Runtime, shelf: Shelf) -> None:
    with runtime.store.writing() as session:
        relate(session, shelf.librarian, paper_id=shelf.early, relation=None, now=runtime.clock.now())


@pytest.mark.parametrize("change", [_reject, _only_mention, _withdraw])
def test_what_takes_a_paper_out_is_seen_at_once(
    runtime: Runtime, shelf: Shelf, change: Callable[[Runtime, Shelf], None]
) -> None:
    """Rejected, judged a mention, or a relation taken back: its project is no longer published."""
    assert number(runtime, "published") == 2
    change(runtime, shelf)
    assert number(runtime, "published") == 1


def test_merging_and_a_second_reading_are_seen_at_once(runtime: Runtime, shelf: Shelf) -> None:
    """Two papers that become one count once; a reading that is drawn shows in the state of the bibliography."""
    assert len(live(runtime).facts.papers) == 2
    with runtime.store.writing() as session:
        merge(session, shelf.librarian, kept_id=shelf.early, merged_id=shelf.late, reason="", now=runtime.clock.now())
    assert len(live(runtime).facts.papers) == 1
    assert not live(runtime).facts.bibliography.under_second_reading
    put_under_second_reading(runtime, shelf)
    assert live(runtime).facts.bibliography.under_second_reading


def test_a_day_in_the_past_knows_what_was_known_then(runtime: Runtime, shelf: Shelf) -> None:
    """Accepted today, it does not count in yesterday's report."""
    with runtime.store.writing() as session:
        accept(session, shelf.librarian, add_paper(session, year=2020), shelf.projects[2], now=runtime.clock.now())
    assert number(runtime, "published") == 3
    assert number(runtime, "published", runtime.clock.today() - timedelta(days=1)) == 2
    assert number(runtime, "observed", date(2025, 12, 31)) == 0


@pytest.mark.usefixtures("shelf")
def test_one_thread_reads_while_the_others_wait(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six ask at once for a report nobody has: the facts are read once, and all get the same report."""
    reads, together = [], threading.Barrier(6)

    def read(*given: Any, **more: Any) -> Facts:
        reads.append(1)
        return read_facts(*given, **more)

    monkeypatch.setattr(latest, "read_facts", read)
    fresh = Latest()

    def ask(_: int) -> Live:
        together.wait(timeout=30)
        with runtime.store.reading() as session:
            return fresh.live(runtime, session, None, chosen([]))

    with ThreadPoolExecutor(6) as pool:
        reports = list(pool.map(ask, range(6)))
    assert len(reads) == 1
    assert all(report is reports[0] for report in reports)


def test_what_could_not_be_read_is_read_again(runtime: Runtime, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure is nobody's report: the next who asks gets one."""

    def fail(*_given: object, **_more: object) -> None:
        raise OSError("the disk is gone")

    fresh = Latest()
    with monkeypatch.context() as broken, runtime.store.reading() as session:
        broken.setattr(latest, "read_facts", fail)
        with pytest.raises(OSError, match="the disk is gone"):
            fresh.live(runtime, session, None, chosen([]))
    with runtime.store.reading() as session:
        assert fresh.live(runtime, session, None, chosen([])).facts.projects.keys() == set(shelf.projects)


@pytest.mark.usefixtures("shelf")
def test_a_part_is_kept_beside_the_whole(runtime: Runtime) -> None:
    """Filters read nothing anew; one that no project has is refused with the values there are."""
    fresh = Latest()
    with runtime.store.reading() as session:
        whole = fresh.live(runtime, session, None, chosen([]))
        part = fresh.live(runtime, session, None, chosen([("cycle", "2015.1")]))
        assert part.facts.papers.keys() == whole.facts.papers.keys()
        assert len(part.counted.observed) == 4
        assert fresh.live(runtime, session, None, chosen([("cycle", "2015.1")])) is part
        with pytest.raises(NotFound, match=r"no project has the cycle “1999\.9”. There are: 2015\.1, 2016\.1"):
            fresh.live(runtime, session, None, chosen([("cycle", "1999.9")]))


def test_a_writer_under_way_may_still_add_an_older_row() -> None:
    """A fingerprint taken while somebody wrote holds until that writing has ended; equal rows alone do not settle it."""
    taken = Fingerprint((7, 3), frozenset({"801", "802"}))
    assert taken.is_of_now(Fingerprint((7, 3), frozenset({"801", "802", "803"})))
    assert not taken.is_of_now(Fingerprint((7, 3), frozenset({"802"})))
    assert not taken.is_of_now(Fingerprint((8, 3), frozenset({"801", "802"})))


def test_a_decision_that_commits_after_a_later_one_is_seen(runtime: Runtime, shelf: Shelf) -> None:
    """Two librarians: who began first ends last, with smaller row numbers, and is counted all the same.

    SQLite lets one write after the other, so there the second begins when the first has ended.
    """
    now = runtime.clock.now()
    with runtime.store.writing() as session:
        papers = [add_paper(session, year=2020), add_paper(session, year=2021)]
    if runtime.store.is_sqlite:
        for paper, project in zip(papers, shelf.projects[2:4], strict=True):
            with runtime.store.writing() as session:
                accept(session, shelf.librarian, paper, project, now=now)
            assert number(runtime, "published") == 3 + papers.index(paper)
        return
    with runtime.store.writing() as slow:
        accept(slow, shelf.librarian, papers[0], shelf.projects[2], now=now)
        with runtime.store.writing() as quick:
            accept(quick, shelf.librarian, papers[1], shelf.projects[3], now=now)
        assert number(runtime, "published") == 3
    assert number(runtime, "published") == 4


@pytest.mark.usefixtures("shelf")
def test_a_fingerprint_sees_what_sources_told(runtime: Runtime) -> None:
    """Another project, and a new revision of one, are changes; looking is none."""
    with runtime.store.reading() as session:
        before = fingerprint(session)
        assert before.is_of_now(fingerprint(session))
    with runtime.store.writing() as session:
        add_project(session, "2016.1.00077.S")
    with runtime.store.reading() as session:
        assert not before.is_of_now(fingerprint(session))
    assert number(runtime, "observed") == 6


def test_nobody_waits_for_a_large_report_that_changed_a_moment_ago(
    runtime: Runtime, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looks then gets the one of before, which says so; another thread counts, and who looks next gets the new one."""
    monkeypatch.setattr(latest, "PATIENCE", 0)
    reports = Latest()

    def ask() -> Live:
        with runtime.store.reading() as session:
            return reports.live(runtime, session, None, chosen([]))

    first = ask()
    assert not first.standing.is_earlier
    with runtime.store.writing() as session:
        accept(session, shelf.librarian, add_paper(session, year=2020), shelf.projects[2], now=runtime.clock.now())
    assert ask() is first
    assert first.standing.is_earlier
    assert reports.renewing is not None
    reports.renewing.join(timeout=60)
    second = ask()
    assert second is not first
    assert not second.standing.is_earlier
    assert len(second.counted.published) == 3


def test_a_report_that_nobody_looked_at_for_long_is_waited_for(
    runtime: Runtime, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one of this morning is not shown in the evening, however long counting takes."""
    monkeypatch.setattr(latest, "PATIENCE", 0)
    monkeypatch.setattr(latest, "EARLIER_S", -1)
    assert number(runtime, "published") == 2
    with runtime.store.writing() as session:
        accept(session, shelf.librarian, add_paper(session, year=2020), shelf.projects[2], now=runtime.clock.now())
    assert number(runtime, "published") == 3


def test_counting_anew_that_fails_is_logged_and_tried_again(
    runtime: Runtime, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report of before stays, and the log says that it is no newer; nothing of the data stands there."""
    monkeypatch.setattr(latest, "PATIENCE", 0)
    reports = Latest()
    with runtime.store.reading() as session:
        first = reports.live(runtime, session, None, chosen([]))
    with runtime.store.writing() as session:
        accept(session, shelf.librarian, add_paper(session, year=2020), shelf.projects[2], now=runtime.clock.now())

    def fail(*_given: object, **_more: object) -> None:
        raise OSError("the disk with Ahn's papers is gone")

    with monkeypatch.context() as broken, capture_logs() as logs:
        broken.setattr(latest, "read_facts", fail)
        with runtime.store.reading() as session:
            assert reports.live(runtime, session, None, chosen([])) is first
        assert reports.renewing is not None
        reports.renewing.join(timeout=60)
    assert [(entry["event"], entry["error"]) for entry in logs] == [("report not counted anew", "OSError")]
    assert "Ahn" not in str(logs)
