"""Whatever happens to a bibliography later: a report that was frozen is built again bit for bit."""

from __future__ import annotations

from datetime import timedelta

import pytest

from biblio.catalogue.actor import MACHINE
from biblio.clock import FixedClock
from biblio.errors import RequestRefused
from biblio.runtime import Runtime
from biblio.store.models import AuditEntry
from biblio.store.words import Role
from reports.service import build_report, build_to_freeze, freeze, snapshot_before, snapshots
from reports.snapshots.rebuilding import rebuild
from reports.snapshots.told import lines
from tests.factories import accept, add_paper, add_project, add_user
from tests.reports.snapshots.life import Life


@pytest.mark.parametrize("seed", range(2))
def test_every_frozen_report_is_built_again_bit_for_bit(runtime: Runtime, clock: FixedClock, seed: int) -> None:
    """Harvests, decisions, merges, corrections and their undoing by chance; frozen in the midst of days and of past days."""
    life = Life(runtime, clock, seed)
    for days_ago in (0, 3, 12):
        life.goes_on(25)
        clock.move(timedelta(minutes=1))
        now = clock.now()
        with runtime.store.reading() as session:
            report = build_report(runtime, session, now.date() - timedelta(days=days_ago), known_by=now)
        with runtime.store.writing() as session:
            freeze(session, MACHINE, report, now=now)
    life.goes_on(30)
    with runtime.store.reading() as session:
        kept = snapshots(session)
        again = [rebuild(runtime, session, one) for one in kept]
    assert any(one.figures["papers/by-year/all/papers"] for one in kept), "a life without any paper shows nothing"
    assert len({one.sha256 for one in kept}) == len(kept)
    for one in again:
        assert one.is_same, "\n".join((str(one.snapshot), *one.reasons, *lines(one.found)))


def test_both_databases_give_the_same_bytes(runtime: Runtime, sqlite_runtime: Runtime, clock: FixedClock) -> None:
    """The same life on SQLite and on PostgreSQL is the same report, to the last byte."""
    begun = clock.now()
    digests = []
    for each in (runtime, sqlite_runtime):
        clock.move(begun - clock.now())
        Life(each, clock, 7).goes_on(40)
        now = clock.now()
        with each.store.reading() as session:
            report = build_report(each, session, now.date(), known_by=now)
        with each.store.writing() as session:
            digests.append(freeze(session, MACHINE, report, now=now).snapshot.sha256)
    assert digests[0] == digests[1]


def test_a_clock_that_was_set_back_is_named(runtime: Runtime, clock: FixedClock) -> None:
    """What is stored after the freeze with an earlier moment counts as known by it: the check says whose fault that is."""
    with runtime.store.writing() as session:
        actor = add_user(session, role=Role.HEAD_LIBRARIAN)
        project, paper = add_project(session, "2016.1.00001.S"), add_paper(session)
    built = build_to_freeze(runtime)
    with runtime.store.writing() as session:
        one = freeze(session, actor, built.report, now=built.known_by).snapshot
    clock.move(-timedelta(hours=1))
    with runtime.store.writing() as session:
        accept(session, actor, paper, project, now=clock.now())
        session.add(AuditEntry(made_at=clock.now(), action="login", subject="hiro"))
    clock.move(timedelta(hours=2))
    with runtime.store.reading() as session:
        again = rebuild(runtime, session, one)
    assert not again.is_same
    assert "The clock was set back after it was frozen: the audit log has 1 later act of earlier" in again.reasons[-1]
    with runtime.store.writing() as session:
        session.add(AuditEntry(made_at=clock.now(), action="login", subject="hiro"))
        other = freeze(session, actor, build_report(runtime, session, one.as_of), now=clock.now()).snapshot
    with runtime.store.reading() as session:
        assert rebuild(runtime, session, other).is_same


def test_a_report_of_a_day_that_came_back_is_latest_and_cannot_be_checked_yet(
    runtime: Runtime, clock: FixedClock
) -> None:
    """Frozen by a clock that stood in the next year: it is shown, the check says why it waits, and goes on."""
    clock.move(timedelta(days=365))
    built = build_to_freeze(runtime)
    with runtime.store.writing() as session:
        ahead = freeze(session, MACHINE, built.report, now=built.known_by).snapshot
    clock.move(-timedelta(days=365))
    built = build_to_freeze(runtime)
    with runtime.store.writing() as session:
        today = freeze(session, MACHINE, built.report, now=built.known_by).snapshot
    with runtime.store.reading() as session:
        assert [one.id for one in snapshots(session)] == [ahead.id, today.id]
        assert snapshot_before(session, clock.today() + timedelta(days=1)) == today
        with pytest.raises(RequestRefused, match="cannot be made before that day"):
            rebuild(runtime, session, ahead)
        assert rebuild(runtime, session, today).is_same
