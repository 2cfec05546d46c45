"""The quality page: agreement by period, pace and libraries, never by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlmodel import Session, col, select

from biblio.clock import FixedClock
from biblio.runtime import Runtime
from biblio.store.models import Decision
from biblio.store.words import RelationKind, Role, Verdict
from biblio.verify.sharing import quality
from biblio.verify.sharing import service as sharing
from biblio.verify.sharing.second_readings import View
from tests.verify.conftest import Login
from tests.verify.factories import add_user
from tests.verify.shared_work import Work, as_client, drawn_ruling, today, two_papers


@pytest.fixture
def work(runtime: Runtime) -> Work:
    """Two papers that wait, and three people."""
    return two_papers(runtime)


def read_twice(runtime: Runtime, work: Work) -> None:
    """One agreement in this quarter, one disagreement in the next."""
    _, first = drawn_ruling(runtime, work)
    with runtime.store.writing() as session:
        sharing.judge_second(session, work.hanna, first, View(Verdict.ACCEPT, RelationKind.SCIENCE), today(runtime))
    assert isinstance(runtime.clock, FixedClock)
    runtime.clock.move(timedelta(days=60))
    _, second = drawn_ruling(runtime, work, paper_id=work.other, candidate_revision_id=None, reason="secret reason")
    with runtime.store.writing() as session:
        sharing.judge_second(session, work.ines, second, View(Verdict.REJECT), today(runtime))


def test_agreement_is_told_in_all_and_by_quarter(runtime: Runtime, work: Work) -> None:
    """Quarters by the day of the second view; a class that one did not name is no pair."""
    read_twice(runtime, work)
    with runtime.store.reading() as session:
        rows = quality.compared(session)
    verdicts, classes = quality.of_verdicts(rows, ""), quality.of_relations(rows, "")
    assert (verdicts.agreement.n, verdicts.agreement.agreed) == (2, 1)
    assert (classes.agreement.n, classes.agreement.agreed) == (1, 1)
    assert [(v.period, v.agreement.n) for v, _ in quality.by_quarter(rows)] == [("2027-Q1", 1), ("2026-Q4", 1)]


def test_the_page_tells_figures_and_no_names(runtime: Runtime, app: Flask, work: Work, login: Login) -> None:
    """Managers see it; neither people nor reasons stand on it or in its files."""
    read_twice(runtime, work)
    manager = login(Role.MANAGER, "mara")
    for address in ("/desk/quality", "/desk/quality?period=2027-Q1", "/desk/quality?format=csv", "/desk/libraries"):
        text = manager.get(address).get_data(as_text=True)
        for word in ("Vera", "Hanna", "Ines", "secret reason"):
            assert word not in text, (address, word)
    page = manager.get("/desk/quality").get_data(as_text=True)
    assert "50\u202f%" in page
    assert "2026-Q4" in page
    rows = manager.get("/desk/quality?format=csv").get_data(as_text=True)
    assert "verdict,all,2,1,0.5" in rows
    assert "verdict,all,,,,,,,,,,accept,reject,1" in rows
    assert manager.get("/desk/quality?period=nonsense").status_code == 200
    assert manager.get("/desk").status_code == 403


def test_an_empty_page_says_what_would_fill_it(app: Flask, login: Login) -> None:
    """No pair yet, no decision yet, and second readings switched off in this test's settings."""
    page = login(Role.MANAGER, "mara").get("/desk/quality").get_data(as_text=True)
    assert "Second readings are switched off" in page


def decided(session: Session, work: Work, who: int, at: datetime, *seconds: float) -> None:
    """Store timed decisions, without links: only their time is looked at."""
    for one in seconds:
        session.add(
            Decision(
                paper_id=work.paper,
                project_id=work.project,
                actor_id=who,
                made_at=at,
                verdict=Verdict.REJECT,
                shown_for_s=one,
            )
        )


@pytest.mark.parametrize(
    ("seconds", "median"),
    [((9, 1, 3, 7, 5), 5), ((1, 2, 3, 10, 20, 30), 6.5), ((1, 2, 3, 4), None)],
    ids=["odd", "even", "too few"],
)
def test_the_median_by_month(runtime: Runtime, work: Work, seconds: tuple[float, ...], median: float | None) -> None:
    """As anybody would work it out, in the month they were taken; too few are not told."""
    with runtime.store.writing() as session:
        decided(session, work, work.vera.person_id(), datetime(2026, 10, 31, 23, 59, tzinfo=UTC), *seconds)
        decided(session, work, work.vera.person_id(), datetime(2025, 11, 30, 23, 59, tzinfo=UTC), *[99.0] * 9)
    with runtime.store.reading() as session:
        months = quality.months(session, runtime.clock.now())
    assert [m.name for m in months][:2] == ["2026-11", "2026-10"]
    assert len(months) == quality.MONTHS
    assert [(m.count, m.median_s) for m in months if m.count] == [(len(seconds), median)]


def test_a_library_s_seconds_are_told_only_of_several_people(runtime: Runtime, work: Work) -> None:
    """Of one person they would be by name; share, backlog and the oldest are told in any case."""
    now = runtime.clock.now()
    with runtime.store.writing() as session:
        decided(session, work, work.vera.person_id(), now - timedelta(days=3), *[5.0] * 6)
    with runtime.store.reading() as session:
        row = quality.library_rows(session, runtime.profile, now)[0]
        assert (row.library, row.decided, row.share, row.waiting, row.median_s) == ("ESO", 6, 1.0, 2, None)
        assert row.oldest is not None
    with runtime.store.writing() as session:
        decided(session, work, work.hanna.person_id(), now - timedelta(days=3), 7.0, 7.0)
        decided(session, work, add_user(session, "old").person_id(), now - timedelta(days=31), 900.0)
    with runtime.store.reading() as session:
        row = quality.library_rows(session, runtime.profile, now)[0]
        assert (row.decided, row.median_s) == (8, 5.0)


def test_what_was_taken_back_is_no_part_of_a_share(runtime: Runtime, work: Work) -> None:
    """Twenty-five confirmed together and undone as one are no work done."""
    now = runtime.clock.now()
    with runtime.store.writing() as session:
        decided(session, work, work.vera.person_id(), now - timedelta(hours=2), 5.0, 5.0)
    with runtime.store.writing() as session:
        first = session.exec(select(Decision).order_by(col(Decision.id))).all()[0]
        session.add(
            Decision(
                paper_id=work.paper,
                project_id=work.project,
                actor_id=work.vera.person_id(),
                made_at=now - timedelta(hours=1),
                undoes_id=first.id,
            )
        )
    with runtime.store.reading() as session:
        assert quality.library_rows(session, runtime.profile, now)[0].decided == 1


def test_the_libraries_page_shows_every_library(runtime: Runtime, app: Flask, work: Work) -> None:
    """Also those for which nothing waits; with a file of the same figures."""
    client = as_client(app, runtime, work.vera)
    page = client.get("/desk/libraries").get_data(as_text=True)
    for name in ("ESO", "NRAO", "NAOJ"):
        assert name in page
    assert "ESO,0,,2," in client.get("/desk/libraries?format=csv").get_data(as_text=True)
