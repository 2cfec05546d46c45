"""What runs now and how far it is, and how it ended, as the page and its script read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from biblio.ingest.running import running_now, state_of, states
from biblio.store import Store
from biblio.store.models import JobRun
from biblio.store.words import Outcome, Trigger

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def run(number: int, job: str = "harvest", outcome: Outcome = Outcome.RUNNING, **facts: Any) -> JobRun:
    """One row of a job."""
    values = {"lease_until": NOW + timedelta(minutes=1)} | facts
    return JobRun(id=number, job=job, started_by=Trigger.HAND, outcome=outcome, started_at=NOW, version="0", **values)


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (None, "at work"),
        ({"what": "arxiv (days)", "done": 812, "total": 5439}, "arXiv API (days) 812 of 5,439"),
        ({"what": "projects", "done": 40, "total": None}, "Project list 40"),
        ({"what": "ads (waiting for an answer)", "done": 0, "total": None}, "ADS (waiting for an answer)"),
        ({"what": "e-prints", "done": 3, "total": 9}, "e-prints 3 of 9"),
    ],
)
def test_a_running_job_says_how_far_it_is(progress: dict[str, Any] | None, words: str) -> None:
    """Sources by the names that pages show; a total only where one is known."""
    state = state_of(run(1, progress=progress), NOW)
    assert (state.is_running, state.words) == (True, words)


def test_how_a_run_ended_is_said_with_its_counts() -> None:
    """What was stored is told whether it went well or not; a dead process is not taken for a running one."""
    good = run(1, outcome=Outcome.SUCCEEDED, counts={"records": 1200, "new": 30, "pages": 9, "notes": ["x"]})
    bad = run(2, outcome=Outcome.FAILED, counts={"records": 5}, error="arxiv: the service answers 503.")
    dead = run(3, lease_until=NOW - timedelta(seconds=1))
    assert state_of(good, NOW).words == "Ended: 1,200 records, 30 new."
    assert state_of(run(4, outcome=Outcome.SUCCEEDED), NOW).words == "Ended: nothing new."
    assert state_of(bad, NOW).words == "arxiv: the service answers 503. Stored before: 5 records."
    assert state_of(dead, NOW).state == "abandoned"


@pytest.mark.parametrize(("missed", "words"), [(0, "missed none"), (3, "missed 3")])
def test_a_re_sweep_says_what_the_daily_runs_had_missed(missed: int, words: str) -> None:
    """Also where it was nothing: that is what it is run for."""
    swept = run(1, "resweep", outcome=Outcome.SUCCEEDED, counts={"records": 200, "missed": missed})
    assert state_of(swept, NOW).words == f"Ended: 200 records. The daily runs had {words}."


def test_only_jobs_of_ingest_are_told_of(store: Store) -> None:
    """What the desk or the mailer does is nobody's business here, not even when it is asked after by number."""
    with store.writing() as session:
        session.add_all(
            [
                run(1, "harvest", Outcome.SUCCEEDED),
                run(2, "read"),
                run(3, "match"),
                run(4, "resweep", lease_until=NOW - timedelta(seconds=1)),
            ]
        )
    with store.reading() as session:
        assert [state.id for state in running_now(session, NOW)] == [2]
        assert [state.id for state in states(session, [1, 3, 99], NOW)] == [1, 2]
