"""Jobs: one at a time, every attempt in a row, a dead one taken over."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select

from biblio.alive import holder_here
from biblio.clock import FixedClock
from biblio.errors import BiblioError, JobRunning, NotFound
from biblio.jobs import (
    LEASE_S,
    Job,
    JobContext,
    RunSuperseded,
    find_job,
    next_start,
    require_running,
    run_job,
    still_running,
)
from biblio.runtime import Runtime
from biblio.store.models import AuditEntry, JobRun
from biblio.store.words import Outcome, Trigger


def count_three(context: JobContext) -> None:
    """A job that counts."""
    context.count("papers", 3)
    context.note("Nothing was left out.")


def fail(_context: JobContext) -> None:
    """A job that refuses."""
    raise BiblioError("The archive does not answer; try again later.")


def crash(_context: JobContext) -> None:
    """A job that breaks."""
    raise ZeroDivisionError("oops")


COUNT = Job("count", "Counts", count_three, schedule="0 3 * * *")


def rows(runtime: Runtime) -> list[JobRun]:
    """All attempts, oldest first."""
    with runtime.store.reading() as session:
        return list(session.exec(select(JobRun).order_by(col(JobRun.id))))


def test_a_run_leaves_one_row_with_its_counts(runtime: Runtime) -> None:
    """The row says succeeded, when, and what was counted."""
    row = run_job(runtime, COUNT)
    assert row.outcome is Outcome.SUCCEEDED
    assert row.counts == {"papers": 3, "notes": ["Nothing was left out."]}
    assert [r.id for r in rows(runtime)] == [row.id]


@pytest.mark.parametrize(("work", "words"), [(fail, "archive does not answer"), (crash, "ZeroDivisionError: oops")])
def test_a_failure_is_in_the_row_and_not_raised(runtime: Runtime, work: object, words: str) -> None:
    """Whoever started the job reads why it failed; the next run may start."""
    row = run_job(runtime, Job("broken", "Breaks", work))  # type: ignore[arg-type]
    assert row.outcome is Outcome.FAILED
    assert words in (row.error or "")
    assert run_job(runtime, Job("broken", "Breaks", count_three)).outcome is Outcome.SUCCEEDED


def test_a_running_job_is_not_started_again(runtime: Runtime) -> None:
    """While it runs, the same job is refused and another one may run."""

    def try_again(_context: JobContext) -> None:
        with pytest.raises(JobRunning):
            run_job(runtime, Job("outer", "Runs", count_three))
        assert run_job(runtime, COUNT).outcome is Outcome.SUCCEEDED

    assert run_job(runtime, Job("outer", "Runs", try_again)).outcome is Outcome.SUCCEEDED


def stale_row(runtime: Runtime, holder: str) -> None:
    """A row that says it is running, by ``holder``."""
    with runtime.store.writing() as session:
        session.add(
            JobRun(
                job="count",
                started_by=Trigger.HAND,
                outcome=Outcome.RUNNING,
                started_at=runtime.clock.now(),
                lease_until=runtime.clock.now() + timedelta(seconds=LEASE_S),
                holder=holder,
                version="0",
            )
        )


def test_a_run_of_a_dead_process_here_is_taken_over_at_once(runtime: Runtime) -> None:
    """A killed run on this machine does not block the next one, and is marked abandoned."""
    stale_row(runtime, f"{holder_here().split(':')[0]}:99999999:1")
    assert run_job(runtime, COUNT).outcome is Outcome.SUCCEEDED
    assert [r.outcome for r in rows(runtime)] == [Outcome.ABANDONED, Outcome.SUCCEEDED]


@pytest.mark.parametrize("holder", ["elsewhere:1", f"{socket.gethostname()}-0123456789:99999999:1"])
def test_a_run_elsewhere_is_taken_over_when_its_lease_ends(runtime: Runtime, clock: FixedClock, holder: str) -> None:
    """Of another machine, or container of the same name, nothing is known, so its lease is waited for."""
    stale_row(runtime, holder)
    with pytest.raises(JobRunning, match="is running since"):
        run_job(runtime, COUNT)
    clock.move(timedelta(seconds=LEASE_S + 1))
    assert run_job(runtime, COUNT).outcome is Outcome.SUCCEEDED


def test_a_run_that_wakes_after_another_took_over_writes_nothing(runtime: Runtime, clock: FixedClock) -> None:
    """A machine was suspended in the middle of a run; the run that took its place is the only one that goes on."""
    told: list[bool] = []

    def sleep(context: JobContext) -> None:
        with runtime.store.writing() as session:
            told.append(still_running(session, context.run_id))
            require_running(session, context.run_id)
        clock.move(timedelta(seconds=LEASE_S + 1))
        assert run_job(runtime, Job("slow", "Slow", count_three)).outcome is Outcome.SUCCEEDED
        with runtime.store.writing() as session:
            told.append(still_running(session, context.run_id))
            require_running(session, context.run_id)
            raise AssertionError("it went on")

    row = run_job(runtime, Job("slow", "Slow", sleep))
    assert told == [True, False]
    assert row.outcome is Outcome.ABANDONED
    assert [r.outcome for r in rows(runtime)] == [Outcome.ABANDONED, Outcome.SUCCEEDED]


def test_a_run_that_ended_or_never_was_is_not_running(runtime: Runtime) -> None:
    """What belongs to no run may be written."""
    row = run_job(runtime, COUNT)
    assert row.id is not None
    with runtime.store.writing() as session:
        assert not still_running(session, row.id)
        assert not still_running(session, row.id + 1)
        require_running(session, None)
        with pytest.raises(RunSuperseded, match="a later run took its place"):
            require_running(session, row.id)


def test_nobody_takes_over_while_a_run_writes(runtime: Runtime, clock: FixedClock) -> None:
    """Between the question and the end of its transaction a run cannot lose its place."""
    ended: list[str] = []

    def take_over() -> None:
        run_job(runtime, Job("slow", "Slow", count_three))
        ended.append("taken over")

    def work(context: JobContext) -> None:
        other = threading.Thread(target=take_over)
        with runtime.store.writing() as session:
            require_running(session, context.run_id)
            clock.move(timedelta(seconds=LEASE_S + 1))
            other.start()
            other.join(timeout=0.5)
            session.add(AuditEntry(made_at=runtime.clock.now(), action="test", subject="page"))
            session.flush()
            ended.append("written")
        other.join(timeout=60)

    run_job(runtime, Job("slow", "Slow", work))
    assert ended == ["written", "taken over"]


def test_a_scheduled_job_succeeds_once_a_day(runtime: Runtime, clock: FixedClock) -> None:
    """A second leader on the same day is refused; by hand and the next day are allowed."""
    run_job(runtime, COUNT, started_by=Trigger.SCHEDULE)
    with pytest.raises(JobRunning, match="succeeded"):
        run_job(runtime, COUNT, started_by=Trigger.SCHEDULE)
    run_job(runtime, COUNT)
    clock.move(timedelta(days=1))
    run_job(runtime, COUNT, started_by=Trigger.SCHEDULE)
    assert len(rows(runtime)) == 3


def test_an_unknown_job_is_refused_with_the_names_there_are() -> None:
    """The message lists what can be run."""
    with pytest.raises(NotFound, match="count"):
        find_job({"count": COUNT}, "cuont")


def test_a_running_job_says_how_far_it_is(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """The latest progress can be read while the job works, reaches whoever started it, and is gone at the end."""
    monkeypatch.setattr("biblio.jobs.PROGRESS_S", 0.01)
    shown: list[tuple[str, int, int | None]] = []
    read: list[dict[str, object]] = []

    def work(context: JobContext) -> None:
        for done in range(3):
            context.progress("pages", done, 5)
        for _ in range(2_000):
            with runtime.store.reading() as session:
                progress = session.get_one(JobRun, context.run_id).progress
            if progress is not None:
                read.append(progress)
                return
            threading.Event().wait(0.01)

    row = run_job(runtime, Job("slow", "Slow", work), progress=lambda *told: shown.append(told))
    assert shown == [("pages", 0, 5), ("pages", 1, 5), ("pages", 2, 5)]
    assert {k: read[0][k] for k in ("what", "done", "total")} == {"what": "pages", "done": 2, "total": 5}
    assert row.progress is None
    assert [r.progress for r in rows(runtime)] == [None]


def test_progress_is_written_while_the_job_holds_a_unit_of_work(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that reports inside its own unit of work waits for nobody and loses nothing."""
    monkeypatch.setattr("biblio.jobs.PROGRESS_S", 0.01)

    def work(context: JobContext) -> None:
        for done in range(20):
            with runtime.store.writing() as session:
                context.progress("units", done, 20)
                session.add(AuditEntry(made_at=runtime.clock.now(), action="test", subject=str(done)))

    assert run_job(runtime, Job("units", "Units", work)).outcome is Outcome.SUCCEEDED
    with runtime.store.reading() as session:
        assert len(session.exec(select(AuditEntry)).all()) == 20


def test_the_next_start_follows_the_schedule_and_waits_out_what_is_done() -> None:
    """A crontab line says when, in UTC; a job of the week that is done waits for the next week; by hand says nothing."""
    sunday = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    daily = Job("a", "A", count_three, schedule="30 4 * * *")
    weekly = Job("b", "B", count_three, schedule="30 4 * * *", period="week")
    assert next_start(daily, sunday, None) == datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
    assert next_start(weekly, sunday, "2026-W48") == datetime(2026, 11, 30, 4, 30, tzinfo=UTC)
    assert next_start(Job("c", "C", count_three), sunday, None) is None
