"""Whatever happens to a bibliography later: a report that was frozen is built again bit for bit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import col, select

from biblio.catalogue.actor import MACHINE
from biblio.catalogue.merges import merge
from biblio.catalogue.papers import absorb_records
from biblio.catalogue.splits import split_off
from biblio.clock import FixedClock
from biblio.errors import RequestRefused
from biblio.runtime import Runtime
from biblio.store.models import AuditEntry, Decision, SourceRecord
from biblio.store.words import Role
from biblio.verify.sharing.second_readings import call_off, put_to_readers, resume
from reports.facts.reading import read_facts
from reports.service import Snapshot, build_report, build_to_freeze, freeze, snapshot_before, snapshots
from reports.snapshots.rebuilding import rebuild
from reports.snapshots.told import lines
from tests.catalogue.records import article, preprint
from tests.factories import accept, add_paper, add_project, add_user
from tests.reports.snapshots.life import Life


@pytest.mark.parametrize(
    "seed", [20, 21]
)  # here records are split off, readings called off and resumed between the freezes
def test_every_frozen_report_is_built_again_bit_for_bit(runtime: Runtime, clock: FixedClock, seed: int) -> None:
    """Harvests, decisions, second readings, merges, splits, corrections and their undoing by chance; frozen in the midst of
    days and of past days.
    """
    life = Life(runtime, clock, seed)
    for days_ago in (0, 3, 12):
        life.goes_on(30)
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


def test_a_reading_that_was_called_off_stays_so_where_it_was_frozen(runtime: Runtime, clock: FixedClock) -> None:
    """Resumed, it is open again from that moment; before, it had ended, and before that it was open. Nobody's clock is blamed."""
    with runtime.store.writing() as session:
        actor = add_user(session, role=Role.HEAD_LIBRARIAN)
        add_user(session, "jo")
        paper, project = add_paper(session), add_project(session, "2016.1.00001.S")
        decision = session.get_one(Decision, accept(session, actor, paper, project, now=clock.now()))
        (reading,) = put_to_readers(session, actor, [decision], 1.0, lambda: 0.0)
        number = reading.id or 0
    kept = [_frozen(runtime, clock)]
    for act in (call_off, resume, call_off, resume):
        with runtime.store.writing() as session:
            act(session, actor, number, now=clock.now())
        kept.append(_frozen(runtime, clock))
    with runtime.store.reading() as session:
        for one in kept:
            again = rebuild(runtime, session, one)
            assert again.is_same, again.reasons
        days = [read_facts(session, runtime.profile, one.as_of, today=clock.today()).bibliography for one in kept]
    assert [len(state.under_second_reading) for state in days] == [1, 0, 1, 0, 1]
    told = "its second reader would learn the first verdict from a day between"
    assert all(state.read_again.papers == {paper} for state in days), told


def test_a_split_renames_no_paper_of_a_day_before_the_merge(runtime: Runtime, clock: FixedClock) -> None:
    """An identifier belongs to the paper that had it then: the merged one, not the one that stood for it at the split."""
    with runtime.store.writing() as session:
        actor, project = add_user(session, role=Role.HEAD_LIBRARIAN), add_project(session, "2016.1.00001.S")
        records = [
            article(key="a1", doi="10.9999/root.1", arxiv_id=None, bibcode="2019ApJ...001....1A", title="Root"),
            article(key="a2", doi="10.9999/part.1", arxiv_id=None, bibcode="2019ApJ...002....2A", title="Part"),
            preprint(key="x2", doi="10.9999/part.1", arxiv_id="1901.00002", title="Part"),
        ]
        absorbed = absorb_records(session, records, payload_sha256=None, now=clock.now())
        root, part = absorbed[0].paper_id, absorbed[1].paper_id
        accept(session, actor, part, project, now=clock.now())
    kept = [_frozen(runtime, clock)]
    with runtime.store.writing() as session:
        merge(session, actor, kept_id=root, merged_id=part, reason="", now=clock.now())
    kept.append(_frozen(runtime, clock))
    for key in ("a2", "x2"):
        with runtime.store.writing() as session:
            live = col(SourceRecord.superseded_at).is_(None)
            record = session.exec(select(SourceRecord.id).where(SourceRecord.key == key, live)).one()
            split_off(session, actor, record or 0, now=clock.now())
        kept.append(_frozen(runtime, clock))
    with runtime.store.reading() as session:
        for one in kept:
            again = rebuild(runtime, session, one)
            assert again.is_same, "\n".join((str(one), *again.reasons, *lines(again.found)))
        assert dict(build_report(runtime, session, kept[0].as_of).papers)[part].startswith("2019ApJ...002....2A")


def _frozen(runtime: Runtime, clock: FixedClock) -> Snapshot:
    """Freeze a report a day after what was done, and let another day pass."""
    clock.move(timedelta(days=1))
    built = build_to_freeze(runtime)
    with runtime.store.writing() as session:
        found = freeze(session, MACHINE, built.report, now=built.known_by).snapshot
    clock.move(timedelta(days=1))
    return found


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
