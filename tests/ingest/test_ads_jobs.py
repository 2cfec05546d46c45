"""The re-sweep, the refresh and the count: what the daily harvest of ADS leaves undone."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from biblio.clock import FixedClock
from biblio.errors import RequestRefused
from biblio.ingest import absorb
from biblio.ingest.ads_jobs import held_bibcodes, missing_references
from biblio.ingest.jobs import COUNT, HARVEST, REFRESH, RESWEEP
from biblio.jobs import Job, run_job
from biblio.runtime import Runtime
from biblio.store.models import (
    ArchiveReference,
    ExpectedCount,
    HarvestCursor,
    JobRun,
    Paper,
    PaperIdentifier,
    PaperRevision,
    Project,
    RequestCount,
    SourceRecord,
)
from biblio.store.words import Outcome, Scheme
from demo.replay import ReplayServer
from tests.ingest.conftest import TODAY, Asking
from tests.ingest.test_harvest import count


@pytest.fixture
def runtime(sqlite_runtime: Runtime) -> Runtime:
    """A runtime on SQLite alone: what a database can change is tested where pages are stored."""
    return sqlite_runtime


def run(runtime: Runtime, job: Job, **arguments: str) -> JobRun:
    """Run a job that must succeed."""
    row = run_job(runtime, job, arguments=arguments)
    assert (row.outcome, row.error) == (Outcome.SUCCEEDED, None)
    return row


def at(runtime: Runtime, day: date) -> Runtime:
    """The same runtime on another day."""
    return replace(runtime, clock=FixedClock(datetime(day.year, day.month, day.day, 9, tzinfo=UTC)))


def holds(runtime: Runtime, bibcode: str) -> bool:
    """Whether a paper is known by this bibcode."""
    with runtime.store.reading() as session:
        found = session.exec(
            select(PaperIdentifier.id).where(PaperIdentifier.scheme == Scheme.BIBCODE, PaperIdentifier.value == bibcode)
        )
        return found.first() is not None


@pytest.fixture(scope="module")
def late(observatory: Path) -> dict[str, str]:
    """Two papers whose full text came eight months after they entered: one with a date that moved, one without."""
    summary = json.loads((observatory / "summary.json").read_text("utf-8"))
    found = {"dated": summary["late_text"], "undated": summary["late_text_undated"]}
    assert all(found.values())
    return found


def test_the_resweep_finds_what_daily_harvests_missed(asking: Asking, observatory: Path, late: dict[str, str]) -> None:
    """A text that became searchable without any date moving is missed by the days, found by the quarter, and reported."""
    with ReplayServer(observatory, with_faults=False) as server:
        runtime = asking(server.url)
        for days_ago in range(1000, -1, -200):  # one at least while each text could not be searched yet
            day = TODAY - timedelta(days=days_ago)
            server.show(day)
            run(at(runtime, day), HARVEST, sources="ads")
        assert holds(runtime, late["dated"])
        assert not holds(runtime, late["undated"])
        row = run(at(runtime, TODAY), RESWEEP)
        assert holds(runtime, late["undated"])
        assert row.counts["missed"] >= 1
        assert any(late["undated"] in note for note in row.counts["notes"])
        again = run(at(runtime, TODAY), RESWEEP)
        assert again.counts["missed"] == 0
        assert any("missed no paper" in note for note in again.counts["notes"])
        with runtime.store.reading() as session:
            places = set(session.exec(select(HarvestCursor.source)))
        assert places == {"ads"}


@pytest.mark.parametrize("how", ["paused", "killed"])
def test_what_was_missed_is_counted_over_interruptions(
    asking: Asking, observatory: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A re-sweep that is paused for its quota, or killed, reports at its end what all of its runs found."""
    with ReplayServer(observatory, with_faults=False) as server, monkeypatch.context() as patch:
        runtime = asking(server.url)
        if how == "paused":
            server.services.ads.daily_limits["search/query"] = 4
            assert run_job(runtime, RESWEEP).outcome is Outcome.FAILED
        else:
            pages = itertools.count()
            store_page = absorb.store_page

            def killed(*given: Any) -> absorb.PageCounts:
                if next(pages) == 2:
                    raise KeyboardInterrupt
                return store_page(*given)

            patch.setattr(absorb, "store_page", killed)
            with pytest.raises(KeyboardInterrupt):
                run_job(runtime, RESWEEP)
    found = count(runtime, Paper)
    assert found > 0
    with ReplayServer(observatory, with_faults=False) as server:
        runtime = asking(server.url)
        with runtime.store.writing() as session:
            session.execute(sa.text("DELETE FROM quota"))  # midnight has passed
        row = run(runtime, RESWEEP)
        assert row.counts["missed"] == count(runtime, Paper) > found
        assert any(f"missed {row.counts['missed']} papers:" in note for note in row.counts["notes"])
        assert run(runtime, RESWEEP).counts["missed"] == 0


def test_a_resweep_of_one_year_asks_for_its_papers_only(asking: Asking, served: ReplayServer) -> None:
    """A journal's hole is filled by asking for the papers of its year."""
    runtime = asking(served.url)
    run(runtime, RESWEEP, year="2019")
    with runtime.store.reading() as session:
        years = set(session.exec(select(PaperRevision.year)))
    assert years == {2019}
    with pytest.raises(RequestRefused, match="A year is a number"):
        run_job(runtime, RESWEEP, arguments={"year": "soon"})


def test_the_refresh_brings_counts_and_known_links(asking: Asking, served: ReplayServer) -> None:
    """Citation counts are those ADS has now, and papers that an archive lists and we missed come in."""
    runtime = asking(served.url)
    run(runtime, HARVEST, sources="projects,ads", since="2024-01-01", until="2024-06-30")
    with runtime.store.writing() as session:
        held = count(runtime, Paper)
        listed = missing_references(session)
        assert listed
        assert held_bibcodes(session)
        # As if the last harvest had been years ago: nobody had cited anything yet.
        session.execute(sa.update(SourceRecord).values(digest="old"))
        session.execute(sa.update(PaperRevision).values(citation_count=0))
    row = run(runtime, REFRESH)
    assert count(runtime, Paper) > held
    with runtime.store.reading() as session:
        assert not missing_references(session)
        current = select(PaperRevision.citation_count).where(col(PaperRevision.superseded_at).is_(None))
        assert sum(n or 0 for n in session.exec(current)) > 0
        spent = session.exec(select(RequestCount).where(RequestCount.service == "ads")).all()
    assert any(f"Of {len(listed)} papers" in note for note in row.counts["notes"])
    assert {s.endpoint for s in spent} >= {"/ads/v1/search", "/ads/v1/search/bigquery"} or len(spent) >= 1
    assert run(runtime, REFRESH).counts.get("changed", 0) == 0


def test_a_reference_nobody_knows_is_named(asking: Asking, served: ReplayServer) -> None:
    """A bibcode that ADS does not have is refused by name and costs nothing else."""
    runtime = asking(served.url)
    run(runtime, HARVEST, sources="projects")
    with runtime.store.writing() as session:
        project = session.exec(select(Project)).first()
        assert project is not None
        assert project.id is not None
        session.add(
            ArchiveReference(
                project_id=project.id, bibcode="2031Fict....1....1E", source="list", learned_at=runtime.clock.now()
            )
        )
    row = run(runtime, REFRESH)
    assert row.counts["refused"] == 1
    assert row.counts["records"] > 0


def test_a_count_keeps_what_each_year_lacks(asking: Asking, served: ReplayServer) -> None:
    """So that a hole which is counted anew each week does not seem young for ever; a year that lacks nothing is left out."""
    runtime = asking(served.url)
    before = run(runtime, COUNT)
    lacking = {name: value for name, value in before.counts.items() if name.startswith("missing_")}
    assert sum(lacking.values()) == before.counts["papers_expected"]
    run(runtime, HARVEST, sources="ads")
    after = run(runtime, COUNT)
    assert sum(n for name, n in after.counts.items() if name.startswith("missing_")) < sum(lacking.values())


def test_what_each_journal_should_have_is_counted(asking: Asking, served: ReplayServer) -> None:
    """The count of ADS is kept per journal and year, and replaced by the next one."""
    runtime = asking(served.url)
    run(runtime, HARVEST, sources="ads")
    for _ in range(2):
        row = run(runtime, COUNT)
        with runtime.store.reading() as session:
            counts = session.exec(select(ExpectedCount)).all()
        assert row.counts["papers_expected"] == sum(c.expected for c in counts) > 0
        assert len({(c.part, c.year) for c in counts}) == len(counts)


@pytest.mark.parametrize("job", [RESWEEP, COUNT])
def test_without_a_token_the_job_says_so_and_is_no_failure(runtime: Runtime, job: Job) -> None:
    """A site without ADS is told what to do, each time, and nothing is asked."""
    row = run(runtime, job)
    assert "BIBLIO_ADS_TOKEN" in row.counts["notes"][0]
    assert row.counts["sources_left_out"] == 1


def test_the_refresh_says_when_there_is_nothing_to_ask(runtime: Runtime) -> None:
    """An empty bibliography is no error."""
    assert "run `biblio harvest --source ads`" in run(runtime, REFRESH).counts["notes"][0]
    with pytest.raises(RequestRefused, match="takes no arguments"):
        run_job(runtime, REFRESH, arguments={"x": "1"})


def test_a_spent_quota_pauses_the_run_until_it_begins_anew(asking: Asking, observatory: Path) -> None:
    """The run stops before the quota does, says so without failing, and the next run goes on and misses nothing."""
    with ReplayServer(observatory, with_faults=False) as server:
        server.services.ads.daily_limits["search/query"] = 4  # half of so few is kept in reserve
        runtime = asking(server.url)
        row = run(runtime, HARVEST, sources="ads")
        assert row.counts["sources_paused"] == 1
        assert any("kept in reserve" in note for note in row.counts["notes"])
        got = count(runtime, Paper)
        paused = run_job(runtime, RESWEEP)
        assert paused.outcome is Outcome.FAILED
        assert "goes on tomorrow" in str(paused.error)
    with ReplayServer(observatory, with_faults=False) as server:
        runtime = asking(server.url)
        with runtime.store.writing() as session:
            session.execute(sa.text("DELETE FROM quota"))  # midnight has passed
        run(runtime, HARVEST, sources="ads")
        assert count(runtime, Paper) > got
