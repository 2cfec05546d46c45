"""What is frozen while others write can be built again: they are waited for, or write down a later moment."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from biblio.catalogue.actor import MACHINE
from biblio.clock import FixedClock
from biblio.errors import RequestRefused
from biblio.runtime import Runtime
from biblio.store.models import AuditEntry, Link, ReportSnapshot
from biblio.store.words import Role
from reports.facts.reading_papers import ask_papers
from reports.service import FROZEN, Frozen, build_to_freeze, freeze, load_snapshot
from reports.snapshots.rebuilding import rebuild
from reports.snapshots.settling import settled_moment
from tests.factories import accept, add_paper, add_project, add_user
from tests.mail.forks import KILLED, ended, fork
from tests.reports.snapshots.made import small


def frozen(runtime: Runtime) -> Frozen:
    """Freeze the report of today, as commands, pages and the job do."""
    built = build_to_freeze(runtime)
    with runtime.store.writing() as session:
        return freeze(session, MACHINE, built.report, now=built.known_by)


def test_a_report_that_is_frozen_while_somebody_writes_is_built_again(runtime: Runtime, clock: FixedClock) -> None:
    """What a writer wrote down before the freeze and stores after it began is waited for, and in the report."""
    with runtime.store.writing() as session:
        actor = add_user(session, role=Role.HEAD_LIBRARIAN)
        project = add_project(session, "2016.1.00001.S")
        papers = [add_paper(session, title) for title in ("Rings", "Gaps")]
        accept(session, actor, papers[0], project, now=clock.now())
    made: list[Frozen] = []
    freezing = threading.Thread(target=lambda: made.append(frozen(runtime)))
    with runtime.store.writing() as session:
        decided_at = clock.now() + timedelta(seconds=1)
        accept(session, actor, papers[1], project, now=decided_at)
        clock.move(timedelta(seconds=2))
        freezing.start()
        freezing.join(0.3)
        assert freezing.is_alive(), "it does not freeze what it cannot see"
    freezing.join(30)
    (one,) = made
    assert one.snapshot.made_at > decided_at
    assert one.snapshot.figures["papers/by-year/all/papers"] == 2
    with runtime.store.reading() as session:
        again = rebuild(runtime, session, one.snapshot)
    assert again.is_same, again.reasons


def test_a_writer_who_only_asked_the_time_is_waited_for_too(runtime: Runtime, clock: FixedClock) -> None:
    """A unit that writes is seen from its beginning, before its first row."""
    with runtime.store.writing() as session:
        actor = add_user(session, role=Role.HEAD_LIBRARIAN)
        project, paper = add_project(session, "2016.1.00001.S"), add_paper(session)
    made: list[Frozen] = []
    freezing = threading.Thread(target=lambda: made.append(frozen(runtime)))
    with runtime.store.writing() as session:
        moment = clock.now()
        clock.move(timedelta(seconds=2))
        freezing.start()
        freezing.join(0.3)
        assert freezing.is_alive()
        accept(session, actor, paper, project, now=moment)
    freezing.join(30)
    with runtime.store.reading() as session:
        assert rebuild(runtime, session, made[0].snapshot).is_same


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_who_begins_later_is_not_waited_for(runtime: Runtime, clock: FixedClock) -> None:
    """A busy desk does not keep anybody from freezing: only those are waited for who wrote when the clock was asked."""
    moments = []
    with runtime.store.writing():
        settling = threading.Thread(target=lambda: moments.append(settled_moment(runtime)))
        settling.start()
        settling.join(0.3)
        assert settling.is_alive()
        later = runtime.store.writing()
        later.__enter__()
    try:
        settling.join(30)
        assert moments == [clock.now()]
    finally:
        later.__exit__(None, None, None)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_who_writes_without_end_is_told_of(runtime: Runtime) -> None:
    """After a while nobody waits any longer: nothing is frozen, and the message says why."""
    with runtime.store.writing(), pytest.raises(RequestRefused, match="is being stored for more than"):
        settled_moment(runtime, wait_s=0.1)


def test_of_many_who_freeze_at_once_one_does(runtime: Runtime) -> None:
    """The same report of the same day is kept once, whoever comes at the same moment; nobody fails."""
    with runtime.store.writing() as session:
        add_project(session, "2016.1.00001.S")
    ready = threading.Barrier(4)
    made: list[Frozen] = []

    def one() -> None:
        built = build_to_freeze(runtime)
        ready.wait(30)
        with runtime.store.writing() as session:
            made.append(freeze(session, MACHINE, built.report, now=built.known_by))

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(each.is_new for each in made) == [False, False, False, True]
    with runtime.store.reading() as session:
        assert len(session.exec(select(ReportSnapshot.id)).all()) == 1


def test_reading_sees_one_moment(runtime: Runtime, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is stored between two of its questions is in none of its answers."""
    with runtime.store.writing() as session:
        actor = add_user(session, role=Role.HEAD_LIBRARIAN)
        project, paper = add_project(session, "2016.1.00001.S"), add_paper(session)
    before, read = build_to_freeze(runtime).report, ask_papers

    def interrupted(*arguments: object) -> object:
        with runtime.store.writing() as session:
            accept(session, actor, paper, project, now=clock.now() - timedelta(days=1))
            assert session.execute(sa.select(sa.func.count()).select_from(Link)).scalar_one() == 1
        return read(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("reports.facts.reading.ask_papers", interrupted)
    assert build_to_freeze(runtime).report == before


def test_killed_at_any_statement_it_is_whole_or_not_there(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """For every n: killed before its n-th statement, and done once more: one snapshot, one act, and nobody waits for the dead."""
    monkeypatch.setattr("reports.service.build_report", lambda *_given, **_named: current[0])
    for step in range(1, 60):
        current = [replace(small(headline=()), observatory=f"Step {step}")]
        end = ended(fork(runtime, frozen, die_at=step))
        assert end in (0, KILLED)
        one = frozen(runtime).snapshot
        with runtime.store.reading() as session:
            assert load_snapshot(session, one.id).observatory == f"Step {step}"
            assert len(session.exec(select(ReportSnapshot.id)).all()) == step
            act = AuditEntry
            assert len(session.exec(select(act.id).where(col(act.action) == FROZEN)).all()) == step
        if end == 0:
            break
    assert 5 < step < 59
