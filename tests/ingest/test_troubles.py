"""Runs that failed: shown until they are made good for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from biblio.cli.run import status
from biblio.ingest.troubles import Trouble, open_troubles
from biblio.runtime import Runtime
from biblio.store import Store
from biblio.store.models import AuditEntry, JobRun
from biblio.store.words import Outcome, Trigger

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
GOOD, BAD, DEAD = Outcome.SUCCEEDED, Outcome.FAILED, Outcome.ABANDONED


def add(store: Store, *runs: tuple[str, Outcome, dict[str, Any]], error: str = "ads: it answers 503") -> None:
    """Add runs, one after the other: job, outcome, arguments."""
    with store.writing() as session:
        for job, outcome, arguments in runs:
            session.add(
                JobRun(
                    job=job, outcome=outcome, arguments=arguments, started_by=Trigger.HAND, started_at=NOW,
                    ended_at=None if outcome is Outcome.RUNNING else NOW, lease_until=NOW, version="0",
                    error=error if outcome is BAD else None,
                )
            )  # fmt: skip
            session.flush()


def found(store: Store, *jobs: str) -> list[Trouble]:
    """What is open of these jobs."""
    with store.reading() as session:
        return open_troubles(session, jobs or ("harvest", "resweep", "import"), NOW)


def test_a_failed_run_says_when_why_and_what_to_do(store: Store) -> None:
    """The newest one, in one sentence."""
    add(store, ("harvest", GOOD, {}), ("harvest", BAD, {}))
    (trouble,) = found(store)
    assert (trouble.run, trouble.reason, trouble.command) == (2, "ads: it answers 503.", "biblio harvest")
    assert "2026-11-22 12:00 UTC" in trouble.sentence
    assert "`biblio harvest`" in trouble.sentence


@pytest.mark.parametrize(
    ("job", "failed", "later", "is_open"),
    [
        ("harvest", {}, {}, False),
        ("harvest", {}, {"sources": "ads"}, False),
        ("harvest", {}, {"sources": "ads", "accept": "ads"}, False),
        ("harvest", {}, {"sources": "arxiv"}, True),
        ("harvest", {}, {"sources": "ads", "since": "2024-01-01"}, True),
        ("harvest", {"sources": "ads", "since": "2024-01-01"}, {"sources": "ads"}, True),
        ("harvest", {"sources": "ads", "since": "2024-01-01"}, {"sources": "ads", "since": "2024-01-01"}, False),
        ("harvest", {"sources": "ads", "since": "2024-01-01"}, {}, False),
        ("resweep", {"year": "2024"}, {"year": "2023"}, True),
        ("resweep", {"year": "2024"}, {"year": "2024", "accept": "ads"}, False),
        ("import", {"files": ["a.csv"]}, {"files": ["b.csv"]}, False),
    ],
)
def test_what_makes_good_for_it(
    store: Store, job: str, failed: dict[str, Any], later: dict[str, Any], is_open: bool
) -> None:
    """Everything, the same, or the sources that had stopped; another part of the job leaves it open."""
    add(store, (job, BAD, failed), (job, GOOD, later))
    assert bool(found(store)) is is_open


def test_a_hole_that_was_filled_does_not_hide_the_night(store: Store) -> None:
    """The newest failure is made good for, the one before it is not."""
    hole = {"sources": "arxiv", "since": "2024-01-01"}
    add(store, ("harvest", BAD, {}), ("harvest", BAD, hole), ("harvest", GOOD, hole))
    assert [trouble.run for trouble in found(store)] == [1]


@pytest.mark.parametrize("outcome", [DEAD, Outcome.RUNNING])
def test_a_run_whose_process_died_is_one(store: Store, outcome: Outcome) -> None:
    """Whether a later run has noticed it yet or not."""
    add(store, ("harvest", outcome, {}))
    assert "died" in found(store)[0].reason


def test_a_run_at_work_is_none(store: Store) -> None:
    """It may still succeed; what failed before it stays open meanwhile."""
    add(store, ("harvest", BAD, {}), ("harvest", Outcome.RUNNING, {}))
    with store.writing() as session:
        session.get_one(JobRun, 2).lease_until = NOW + timedelta(minutes=1)
    assert [trouble.run for trouble in found(store)] == [1]


def test_one_that_was_set_aside_is_shown_no_more(store: Store) -> None:
    """Until it is taken back."""
    add(store, ("harvest", BAD, {}))
    with store.writing() as session:
        session.add(AuditEntry(made_at=NOW, action="harvest.set_aside", subject="x", details={"run": 1}))
    assert found(store) == []
    with store.writing() as session:
        session.add(AuditEntry(made_at=NOW, action="harvest.set_aside_taken_back", subject="x", details={"entry": 1}))
    assert len(found(store)) == 1


def test_the_status_names_it_and_is_not_in_order(runtime: Runtime) -> None:
    """``biblio status`` ends with what to put in order, for as long as it is so."""
    add(runtime.store, ("harvest", GOOD, {}), ("refresh", BAD, {}))
    told = CliRunner().invoke(status, [], obj=lambda: runtime, catch_exceptions=False).output
    assert "Nothing to put in order" not in told
    assert "did not succeed on 2026-11-22 12:00 UTC. ads: it answers 503. Again: `biblio run refresh`." in told
    add(runtime.store, ("refresh", GOOD, {}))
    assert "did not succeed" not in CliRunner().invoke(status, [], obj=lambda: runtime, catch_exceptions=False).output
