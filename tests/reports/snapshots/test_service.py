"""Freezing a report: once for a day and its bytes, never changed, read back whole, built again bit for bit."""

from __future__ import annotations

import errno
import json
import os
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import Session, col, select

from biblio.catalogue.actor import MACHINE, Actor
from biblio.catalogue.links import undo
from biblio.clock import FixedClock
from biblio.errors import NotFound, RequestRefused
from biblio.runtime import Runtime
from biblio.store import downgrade, upgrade
from biblio.store.models import AuditEntry, ReportSnapshot, SecondReading
from biblio.store.words import Role
from reports import service
from reports.document import Report
from reports.facts.counted import Counted
from reports.service import (
    Frozen,
    Made,
    build_report,
    document_of,
    freeze,
    hidden_now,
    load_snapshot,
    snapshot_called,
    snapshots,
)
from reports.snapshots.canonical import SnapshotUnreadable, packed, to_json
from reports.snapshots.hiding import Hidden
from reports.snapshots.rebuilding import rebuild
from tests.factories import accept, add_candidate, add_paper, add_project, add_user
from tests.reports.snapshots.made import small


def frozen(runtime: Runtime, as_of: date | None = None, actor: Actor = MACHINE, **options: bool | Made) -> Frozen:
    """Build the report of a day (None: today) as the commands and pages do, and freeze it."""
    now = runtime.clock.now()
    with runtime.store.reading() as session:
        report = build_report(runtime, session, as_of or now.date(), known_by=now)
    with runtime.store.writing() as session:
        return freeze(session, actor, report, now=now, **options)  # type: ignore[arg-type]


def filled(runtime: Runtime) -> tuple[Actor, int, int, int]:
    """Store two projects and a paper accepted for the first; return who decided, the projects, and the paper."""
    with runtime.store.writing() as session:
        actor = add_user(session, role=Role.HEAD_LIBRARIAN)
        first, second = add_project(session, "2016.1.00001.S"), add_project(session, "2016.1.00002.S")
        paper = add_paper(session)
        accept(session, actor, paper, first, now=runtime.clock.now())
    return actor, first, second, paper


@pytest.mark.parametrize("work", ["done", "died", "refused"])
def test_a_large_report_is_the_same_made_by_two_processes(
    sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    """To the byte; also where the second process dies, or the machine does not let it begin."""
    filled(sqlite_runtime)

    def made() -> bytes:
        with sqlite_runtime.store.reading() as session:
            return to_json(build_report(sqlite_runtime, session, sqlite_runtime.clock.today()))

    alone = made()
    monkeypatch.setattr(service, "MANY", 0)
    monkeypatch.setattr("reports.facts.reading_rows.MANY", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    if work == "died":
        monkeypatch.setattr("biblio.bulk._begin", os.abort)
    if work == "refused":
        monkeypatch.setattr("multiprocessing.context.SpawnProcess.start", _no_process)
    told: list[bool] = []
    ask = Counted._told_aside

    def noting(self: Counted, what: Any) -> Any:
        found = ask(self, what)
        told.append(found is not None)
        return found

    monkeypatch.setattr(Counted, "_told_aside", noting)
    assert made() == alone
    assert told == [work == "done"] * 2


def _no_process(_self: object) -> None:
    raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")


def test_the_same_day_with_the_same_content_is_kept_once(runtime: Runtime) -> None:
    """Again there is nothing new; by force there is; after a decision there is by itself."""
    actor, _, second, paper = filled(runtime)
    one = frozen(runtime, actor=actor)
    again = frozen(runtime)
    assert (one.is_new, again.is_new, again.snapshot) == (True, False, one.snapshot)
    forced = frozen(runtime, force=True)
    assert (forced.is_new, forced.snapshot.sha256) == (True, one.snapshot.sha256)
    with runtime.store.writing() as session:
        accept(session, actor, paper, second, now=runtime.clock.now())
    assert frozen(runtime).snapshot.sha256 != one.snapshot.sha256


def test_a_snapshot_says_who_froze_what_with_what(runtime: Runtime) -> None:
    """Day, moment, person, version, profile, hash, what waited and the first numbers are told without its document."""
    actor, first, *_ = filled(runtime)
    with runtime.store.writing() as session:
        add_candidate(session, add_paper(session, "Another"), first)
    one = frozen(runtime, actor=actor).snapshot
    with runtime.store.reading() as session:
        report = load_snapshot(session, one.id)
        assert snapshots(session) == [one]
        assert snapshot_called(session, "latest") == snapshot_called(session, one.id) == one
        data = document_of(session, one.id)
    assert (one.as_of, one.made_at, one.made_by) == (runtime.clock.today(), runtime.clock.now(), actor.name)
    assert (one.version, one.profile_hash) == (report.version, report.profile_hash)
    assert one.undecided == report.undecided
    assert to_json(report) == data
    for at in report.headline:
        assert one.figures.get(service.place_of(at)) == report.figure(at).value


def test_the_audit_log_tells_who_froze_which_report(runtime: Runtime) -> None:
    """One act for each snapshot, with its day and hash; what was not new is no act."""
    actor, *_ = filled(runtime)
    one = frozen(runtime, actor=actor).snapshot
    frozen(runtime, actor=actor)
    with runtime.store.reading() as session:
        (act,) = session.exec(select(AuditEntry).where(col(AuditEntry.action) == "report.frozen")).all()
    assert (act.actor_id, act.subject, act.made_at) == (actor.user_id, f"snapshot {one.id}", one.made_at)
    assert act.details == {"as_of": one.as_of.isoformat(), "sha256": one.sha256}


def test_a_frozen_report_is_built_again_bit_for_bit_whatever_comes_later(runtime: Runtime, clock: FixedClock) -> None:
    """Undone, accepted and added later, on the same day and after: the frozen day stays what it was."""
    actor, _, second, paper = filled(runtime)
    with runtime.store.writing() as session:
        decision = accept(session, actor, add_paper(session, "Second"), second, now=clock.now())
    clock.move(timedelta(minutes=1))
    one = frozen(runtime).snapshot
    clock.move(timedelta(minutes=1))
    with runtime.store.writing() as session:
        undo(session, actor, decision, now=clock.now())
        accept(session, actor, paper, second, now=clock.now())
    clock.move(timedelta(days=40))
    with runtime.store.writing() as session:
        accept(session, actor, add_paper(session, "Third"), second, now=clock.now())
    with runtime.store.reading() as session:
        rebuilt = rebuild(runtime, session, one)
    assert (rebuilt.is_same, rebuilt.sha256, rebuilt.reasons) == (True, one.sha256, ())
    other = frozen(runtime, one.as_of).snapshot
    assert other.sha256 != one.sha256, "the end of that day knew more than the moment of the snapshot"
    with runtime.store.reading() as session:
        assert rebuild(runtime, session, other).is_same


def test_what_differs_is_said(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version alone leaves the figures the same; a history that was changed by hand moves them."""
    filled(runtime)
    one = frozen(runtime).snapshot
    monkeypatch.setattr("reports.building.biblio_version", lambda: "99.0")
    with runtime.store.reading() as session:
        rebuilt = rebuild(runtime, session, one)
    assert (rebuilt.is_same, rebuilt.same_figures) == (False, True)
    assert rebuilt.reasons == (f"It was built by version {one.version}; this is version 99.0.",)
    with runtime.store.writing() as session:
        session.execute(sa.text("UPDATE link SET verdict = 'reject'"))
    with runtime.store.reading() as session:
        rebuilt = rebuild(runtime, session, one)
    assert not rebuilt.same_figures
    assert "figures are not the same" in rebuilt.reasons[1]
    assert not rebuilt.found.is_empty


@pytest.mark.parametrize("statement", ["UPDATE report_snapshot SET version = '2'", "DELETE FROM report_snapshot"])
def test_the_database_refuses_to_change_a_snapshot(runtime: Runtime, statement: str) -> None:
    """No UPDATE, no DELETE, whoever tries."""
    frozen(runtime)
    with pytest.raises(DBAPIError, match="never changed or deleted"), runtime.store.writing() as session:
        session.execute(sa.text(statement))


def test_a_recipes_report_is_kept_once_for_its_period(runtime: Runtime) -> None:
    """By hand there may be more; of a recipe and a period the database itself allows one."""
    frozen(runtime)
    made = Made("yearly", "2026")
    assert frozen(runtime, made=made).is_new
    assert not frozen(runtime, made=made).is_new
    assert frozen(runtime, made=Made("yearly", "2027")).is_new
    with pytest.raises(IntegrityError), runtime.store.writing() as session:
        session.add(
            ReportSnapshot(
                as_of=runtime.clock.today(), made_at=runtime.clock.now(), figures={}, recipe="yearly", period="2026"
            )
        )


def stored(session: Session, report: Report, **changes: object) -> int:
    """Store a snapshot's row as it is given; return its number."""
    values: dict[str, Any] = {"as_of": report.as_of, "figures": {}, "sha256": "0" * 64}
    row = ReportSnapshot(**{**values, **changes})
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def test_a_damaged_document_is_told_and_never_shown(runtime: Runtime) -> None:
    """Bytes that are not those that were frozen are refused, and so are bytes that cannot be unpacked."""
    now = runtime.clock.now()
    with runtime.store.writing() as session:
        other = stored(session, small(), made_at=now, document=packed(to_json(small())))
        broken = stored(session, small(), made_at=now, document=b"broken")
    for number, words in ((other, "SHA-256 differs"), (broken, "cannot be unpacked")):
        with runtime.store.reading() as session, pytest.raises(SnapshotUnreadable, match=words):
            load_snapshot(session, number)


@pytest.mark.parametrize("damaged", ["[1, 2]", "null", '"x"', '{"a": [1], "b": "2"}', "7"])
def test_one_damaged_row_hides_no_other(runtime: Runtime, damaged: str) -> None:
    """Numbers of a list that are no numbers are left out; their snapshot and all others stay."""
    one = frozen(runtime).snapshot
    with runtime.store.writing() as session:
        number = stored(session, small(), made_at=runtime.clock.now(), figures=json.loads(damaged) or {}, undecided=[1])
    with runtime.store.reading() as session:
        found = {each.id: each for each in snapshots(session)}
    assert (found[number].figures, found[number].undecided, found[one.id]) == ({}, {}, one)


def test_a_row_that_is_no_json_hides_no_other(sqlite_runtime: Runtime) -> None:
    """SQLite keeps what a broken disk or a hand left in it."""
    now = sqlite_runtime.clock.now()
    with sqlite_runtime.store.writing() as session:
        session.execute(
            sa.text("INSERT INTO report_snapshot (as_of, made_at, figures) VALUES ('2026-01-31', :now, '{broken')"),
            {"now": f"{now:%Y-%m-%d %H:%M:%S.%f}"},
        )
    one = frozen(sqlite_runtime).snapshot
    with sqlite_runtime.store.reading() as session:
        first, broken = snapshots(session)
    assert (first, broken.figures) == (one, {})


def test_fifty_snapshots_are_listed_by_day_in_one_question(runtime: Runtime, clock: FixedClock) -> None:
    """However they came: by day, then by when they were made; documents are not read for a list."""
    report = small()
    with runtime.store.writing() as session:
        for number in range(50):
            as_of = report.as_of - timedelta(days=number * 7 % 10)
            stored(session, report, as_of=as_of, made_at=clock.now() + timedelta(minutes=number % 5), document=b"x")
    asked: list[str] = []
    with runtime.store.reading() as session:
        sa.event.listen(session.connection(), "before_cursor_execute", lambda *given: asked.append(given[2]))
        found = snapshots(session)
    assert len(asked) == 1
    assert "document" not in asked[0]
    order = [(one.as_of, one.made_at, one.id) for one in found]
    assert order == sorted(order, reverse=True)
    assert len(order) == 50


@pytest.mark.parametrize("name", ["7", "-1", "latest", "x; DROP TABLE", "1" * 40, "½"])
def test_a_snapshot_that_is_not_there_is_told(runtime: Runtime, name: str) -> None:
    """Whatever is asked for: not found, with the command that lists those there are or makes one."""
    with runtime.store.reading() as session, pytest.raises(NotFound, match="biblio report"):
        snapshot_called(session, name)


def test_a_day_to_come_cannot_be_frozen(runtime: Runtime) -> None:
    """Nothing is known of tomorrow."""
    with pytest.raises(RequestRefused, match="before that day"):
        frozen(runtime, runtime.clock.today() + timedelta(days=1))


def test_a_snapshot_of_before_is_kept_and_shown_as_what_it_is(runtime: Runtime) -> None:
    """Migrating up keeps the five numbers of old rows; down keeps new rows with theirs; up again has both."""
    filled(runtime)
    one = frozen(runtime).snapshot
    downgrade(runtime.store.engine, "0019")
    with runtime.store.engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO report_snapshot (as_of, made_at, figures) "
                "VALUES ('2026-01-31', '2026-01-31 10:00:00.000000', '{\"published\": 7}')"
            )
        )
    upgrade(runtime.store.engine)
    with runtime.store.reading() as session:
        new, old = snapshots(session)
        assert (old.is_whole, old.as_of, old.figures, old.sha256) == (False, date(2026, 1, 31), {"published": 7}, None)
        assert (new.id, new.as_of, new.figures, new.is_whole) == (one.id, one.as_of, one.figures, False)
        with pytest.raises(SnapshotUnreadable, match=r"before whole reports were kept.*build --as-of"):
            load_snapshot(session, old.id)


def test_no_recipes_report_is_made_again_after_a_downgrade(runtime: Runtime) -> None:
    """Down and up again: who froze a report, for which recipe and period, is known again; only documents are gone."""
    actor, *_ = filled(runtime)
    made = Made("yearly", "2026")
    one = frozen(runtime, actor=actor, made=made).snapshot
    frozen(runtime, force=True)
    downgrade(runtime.store.engine, "0019")
    upgrade(runtime.store.engine)
    with runtime.store.reading() as session:
        other, again = snapshots(session)
    assert (again.id, again.made, again.made_by, again.is_whole) == (one.id, made, actor.name, False)
    assert (other.made, other.made_by) == (None, None)
    assert frozen(runtime, made=made).snapshot.id == one.id


def test_what_a_second_reader_is_to_judge_is_not_named(runtime: Runtime, clock: FixedClock) -> None:
    """The paper and its project are hidden while the second reading is open, and no longer."""
    actor, first, _, paper = filled(runtime)
    with runtime.store.writing() as session:
        reading = SecondReading(
            paper_id=paper,project_id=first,decision_id=1,first_reader_id=actor.person_id(),drawn_at=clock.now()
        )  # fmt: skip
        session.add(reading)
    with runtime.store.reading() as session:
        hidden = hidden_now(session)
    assert hidden == Hidden(frozenset({paper}), frozenset({first}))
