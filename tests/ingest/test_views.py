"""The harvest page: what was fetched, what is missing, and the buttons that fetch it."""

from __future__ import annotations

import re
import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlmodel import col, select

from biblio.runtime import Runtime
from biblio.store.models import (
    AuditEntry,
    ExpectedCount,
    HarvestPage,
    HarvestRefusal,
    JobRun,
    Paper,
    PaperIdentifier,
    PaperRevision,
    Payload,
    Quota,
    RequestCount,
    SourceRecord,
    TextReading,
)
from biblio.store.words import Outcome, Role, Scheme, Trigger
from biblio.web import create_app
from demo.replay import ReplayServer
from tests.ingest.conftest import Asking
from tests.web.visitors import Visitor, logged_in

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The web door with every feature."""
    return create_app(runtime)


def fetched(runtime: Runtime, *windows: tuple[date, date, int, int]) -> None:
    """Note that arXiv was asked for these days: (first, last, promised, got)."""
    with runtime.store.writing() as session:
        session.add(Payload(sha256="a" * 64, body=b"", size=0, first_seen_at=NOW))
        run = JobRun(
            job="harvest",
            started_by=Trigger.HAND,
            outcome=Outcome.SUCCEEDED,
            started_at=NOW,
            lease_until=NOW,
            version="0",
        )
        session.add(run)
        session.flush()
        for first, last, promised, got in windows:
            session.add(
                HarvestPage(
                    job_run_id=run.id, source="arxiv", place="a page", payload_sha256="a" * 64, content_type="x",
                    fetched_at=NOW, promised=promised, records=got, window_from=first, window_to=last,
                )
            )  # fmt: skip


def test_before_the_first_harvest_the_page_says_what_fills_it(app: Flask, runtime: Runtime) -> None:
    """An empty page explains itself and names the command."""
    page = logged_in(app, runtime).get("/harvest").text
    assert "Nothing has been fetched yet" in page
    assert "biblio run harvest" in page
    assert "no token is set" in page


def test_holes_stand_in_plain_sight(app: Flask, runtime: Runtime) -> None:
    """Days never asked for, and days of which not everything came, are listed with a button each."""
    fetched(
        runtime,
        (date(2011, 1, 1), date(2024, 12, 31), 10, 10),
        (date(2025, 1, 1), date(2025, 1, 31), 10, 7),
        (date(2025, 2, 1), date(2026, 11, 22), 0, 0),
    )
    head = logged_in(app, runtime, Role.HEAD_LIBRARIAN).get("/harvest/coverage").text
    assert "3 of 10 did not come" in head
    assert 'name="since" value="2025-01-01"' in head
    assert 'name="until" value="2025-01-31"' in head
    librarian = logged_in(app, runtime, Role.LIBRARIAN).get("/harvest/coverage").text
    assert "2025-01-31" in librarian
    assert "Fill this hole" not in librarian


def test_what_was_refused_is_listed_and_exported(app: Flask, runtime: Runtime) -> None:
    """Refusals show place, key and reason, can be filtered by source, and leave as CSV without formulas."""
    with runtime.store.writing() as session:
        for source, key in (("arxiv", "=1+1"), ("ads", "2021ApJ...900....1D")):
            session.add(HarvestRefusal(source=source, place="page 1", key=key, reason="<b>broken</b>", refused_at=NOW))
        session.add(Quota(service="ads", endpoint="/v1/search/query", allowed=5000, remaining=4321, read_at=NOW))
    visitor = logged_in(app, runtime)
    page = visitor.get("/harvest").text
    assert "&lt;b&gt;broken" in page
    assert re.search(r"4\D?321", page)
    only = visitor.get("/harvest/refused?source=ads").text
    assert "2021ApJ...900....1D" in only
    assert "=1+1" not in only
    assert "'=1+1" in visitor.get("/harvest/refused?format=csv").text


def test_the_button_runs_the_harvest(asking: Asking, served: ReplayServer) -> None:
    """Filling a hole starts the same job as the command line, in the name of who pressed the button."""
    runtime = asking(served.url)
    app = create_app(runtime)
    visitor = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    answer = visitor.post(
        "/harvest/fill", {"source": "arxiv", "since": "2024-01-01", "until": "2024-01-31"}, form_on="/harvest"
    )
    assert answer.status_code == 302
    wait_for("harvest")
    with runtime.store.reading() as session:
        run = session.exec(select(JobRun)).one()
        assert (run.outcome, run.arguments["since"]) == (Outcome.SUCCEEDED, "2024-01-01")
        assert run.actor_id is not None
    assert "background" in visitor.get("/harvest").text


def test_days_the_wrong_way_round_are_explained(app: Flask, runtime: Runtime) -> None:
    """A form that cannot be used comes back with what was typed and starts nothing."""
    visitor = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    answer = visitor.post(
        "/harvest/fill", {"source": "arxiv", "since": "2024-02-01", "until": "2024-01-31"}, form_on="/harvest"
    )
    assert answer.status_code == 422
    assert "before the first" in answer.text
    with runtime.store.reading() as session:
        assert session.exec(select(JobRun)).all() == []


def test_only_who_may_starts_a_harvest(app: Flask, runtime: Runtime) -> None:
    """A librarian sees the page and cannot start a harvest; a manager does not see it."""
    librarian = logged_in(app, runtime, Role.LIBRARIAN)
    assert librarian.post("/harvest/run", {}, form_on="/harvest").status_code in (400, 403)
    assert logged_in(app, runtime, Role.MANAGER).get("/harvest").status_code == 403
    assert Visitor(app).get("/harvest").status_code in (302, 401, 403)


def a_run(runtime: Runtime, job: str = "harvest", outcome: Outcome = Outcome.RUNNING, **facts: Any) -> int:
    """Note a run of a job; return its number."""
    with runtime.store.writing() as session:
        run = JobRun(
            job=job, started_by=Trigger.HAND, outcome=outcome, started_at=NOW,
            lease_until=runtime.clock.now() + timedelta(minutes=1), version="0", **facts,
        )  # fmt: skip
        session.add(run)
        session.flush()
        assert run.id is not None
        return run.id


def wait_for(job: str) -> None:
    """Wait until the background thread of a job has ended."""
    for thread in threading.enumerate():
        if thread.name == f"job-{job}":
            thread.join(timeout=60)


def test_a_running_job_is_shown_with_its_progress_and_its_button_waits(app: Flask, runtime: Runtime) -> None:
    """The bar, the words, a reload without scripts while something runs, and no second start."""
    number = a_run(runtime, progress={"what": "arxiv (days)", "done": 812, "total": 5439, "at": "x"})
    head = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    for address in ("/harvest", "/harvest/coverage"):
        page = head.get(address).text
        assert '<progress aria-label="Fetch projects and papers (archive, arXiv, ADS)" max="5439" value="812">' in page
        assert "arXiv API (days) 812 of 5,439" in page
        assert '<noscript><meta http-equiv="refresh" content="15"></noscript>' in page
    page = head.get("/harvest").text
    assert f'disabled>Fetch what is new</button> <a href="#run-{number}">' in page
    assert "Re-sweep ADS" in page
    assert head.post("/harvest/start/harvest", {}, form_on="/harvest").status_code == 409
    with runtime.store.writing() as session:
        session.get_one(JobRun, number).outcome = Outcome.SUCCEEDED
    quiet = head.get("/harvest").text
    assert "http-equiv" not in quiet
    assert ">runs now</a>" not in quiet


def test_the_script_reads_progress_and_how_it_ended_as_json(app: Flask, runtime: Runtime) -> None:
    """Runs at work always, ended ones when asked after; jobs of others and odd numbers are left out."""
    now = a_run(runtime, "read", progress={"what": "e-prints", "done": 1, "total": None, "at": "x"})
    past = a_run(runtime, "harvest", Outcome.SUCCEEDED, counts={"records": 7})
    other = a_run(runtime, "match", Outcome.SUCCEEDED)
    librarian = logged_in(app, runtime)
    answer = librarian.get(f"/harvest/progress?watch={past},{other},x,99999999999999")
    assert answer.headers["Cache-Control"] == "no-store"
    assert [(r["id"], r["state"], r["words"]) for r in answer.get_json()["runs"]] == [
        (now, "running", "e-prints 1"),
        (past, "succeeded", "Ended: 7 records."),
    ]
    assert Visitor(app).get("/harvest/progress").status_code in (302, 401)
    assert logged_in(app, runtime, Role.MANAGER).get("/harvest/progress").status_code == 403


def held_back(runtime: Runtime, job: str = "harvest", source: str = "registry", **arguments: str) -> int:
    """Note a page that was held back in a run of a job; return the number of its refusal."""
    number = a_run(runtime, job, Outcome.FAILED, arguments=arguments, error=f"{source}: page 1: held back")
    with runtime.store.writing() as session:
        reason = "page 1: held back, because 9 is odd. Nothing of this page was taken."
        row = HarvestRefusal(job_run_id=number, source=source, place="page 1", reason=reason, refused_at=NOW)
        session.add(row)
        session.flush()
        assert row.id is not None
        return row.id


def test_what_is_held_back_can_be_taken_by_who_may(app: Flask, runtime: Runtime) -> None:
    """The page says why; the button starts the harvest of that source, accepted; nothing else can be accepted."""
    number = held_back(runtime)
    head = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    page = head.get("/harvest").text
    assert "Project list is held back" in page
    assert "9 is odd" in page
    assert "biblio harvest --source projects --accept projects" in page
    assert "Take it anyway" not in logged_in(app, runtime, Role.LIBRARIAN).get("/harvest").text
    assert head.post(f"/harvest/accept/{number + 1}", {}, form_on="/harvest").status_code == 400
    assert head.post(f"/harvest/accept/{number}", {}, form_on="/harvest").status_code == 302
    wait_for("harvest")
    with runtime.store.reading() as session:
        run = session.exec(select(JobRun).order_by(col(JobRun.id).desc())).first()
    assert run is not None
    assert run.arguments == {"sources": "projects", "accept": "projects"}


@pytest.mark.parametrize(
    ("job", "asked", "command", "started"),
    [
        (
            "harvest",
            {"sources": "ads,arxiv", "since": "2024-01-01", "until": "2024-01-31"},
            "biblio harvest --source ads --since 2024-01-01 --until 2024-01-31 --accept ads",
            {"sources": "ads", "since": "2024-01-01", "until": "2024-01-31", "accept": "ads"},
        ),
        (
            "resweep",
            {"year": "2024"},
            "biblio run resweep -a year=2024 -a accept=ads",
            {"year": "2024", "accept": "ads"},
        ),
        ("refresh", {}, "biblio run refresh -a accept=ads", {"accept": "ads"}),
    ],
)
def test_what_is_held_back_is_taken_by_the_job_that_held_it(
    app: Flask, runtime: Runtime, job: str, asked: dict[str, str], command: str, started: dict[str, str]
) -> None:
    """A page of a hole, a re-sweep or a refresh is taken there: the daily harvest would not come to it."""
    number = held_back(runtime, job, "ads", **asked)
    head = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    assert command in head.get("/harvest").text
    assert command in head.get("/harvest/coverage").text
    assert head.post(f"/harvest/accept/{number}", {}, form_on="/harvest").status_code == 302
    wait_for(job)
    with runtime.store.reading() as session:
        run = session.exec(select(JobRun).order_by(col(JobRun.id).desc())).first()
    assert run is not None
    assert (run.job, run.arguments, run.error) == (job, started, None)


def test_what_is_set_aside_is_shown_no_more_and_can_be_taken_back(app: Flask, runtime: Runtime) -> None:
    """A reason is needed; the audit log keeps it; undo shows it again; a librarian cannot."""
    number = held_back(runtime)
    head = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    form = {"source": "registry", "page": "page 1", "until": str(number)}
    librarian = logged_in(app, runtime, Role.LIBRARIAN)
    assert librarian.post("/harvest/set-aside", {**form, "why": "x"}, form_on="/harvest").status_code in (400, 403)
    for wrong in ({**form, "why": " "}, {**form, "why": "x", "until": "99"}, {"run": "99", "why": "x"}, {"why": "x"}):
        assert head.post("/harvest/set-aside", wrong, form_on="/harvest").status_code == 400, wrong
    assert "Project list is held back" in head.get("/harvest").text
    assert head.post("/harvest/set-aside", {**form, "why": "the archive moved"}, form_on="/harvest").status_code == 302
    with runtime.store.reading() as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "harvest.set_aside")).one()
    assert entry.details["why"] == "the archive moved"
    assert "Project list is held back" not in head.get("/harvest").text
    assert head.post(f"/harvest/set-aside/{entry.id}/undo", {}, form_on="/harvest").status_code == 302
    assert head.post(f"/harvest/set-aside/{entry.id}/undo", {}, form_on="/harvest").status_code == 409
    assert "Project list is held back" in head.get("/harvest").text
    assert head.post("/harvest/set-aside/9999/undo", {}, form_on="/harvest").status_code == 404


def test_a_failed_run_is_shown_until_one_succeeds(app: Flask, runtime: Runtime) -> None:
    """Which job, when, why, and how to do it again; who may has a button; it can be set aside with a reason."""
    number = a_run(runtime, "harvest", Outcome.FAILED, ended_at=NOW, error="ads: the service answers 503.")
    head = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    page = head.get("/harvest").text
    assert "did not succeed" in page
    assert "ads: the service answers 503." in page
    assert "“biblio harvest”" in page
    assert "Run again" in page
    librarian = logged_in(app, runtime, Role.LIBRARIAN).get("/harvest").text
    assert "ads: the service answers 503." in librarian
    assert "Run again" not in librarian
    assert head.post("/harvest/set-aside", {"run": str(number), "why": "known"}, form_on="/harvest").status_code == 302
    assert "did not succeed" not in head.get("/harvest").text
    a_run(runtime, "refresh", Outcome.FAILED, ended_at=NOW, error="ads: no.")
    assert "did not succeed" in head.get("/harvest").text
    a_run(runtime, "refresh", Outcome.SUCCEEDED, ended_at=NOW)
    assert "did not succeed" not in head.get("/harvest").text


def test_who_may_not_start_a_harvest_reads_who_may(app: Flask, runtime: Runtime) -> None:
    """A page without buttons says whom to ask; who has the buttons needs no such line."""
    line = "Head librarians and administrators start harvests"
    assert line in logged_in(app, runtime).get("/harvest").text
    assert line not in logged_in(app, runtime, Role.HEAD_LIBRARIAN).get("/harvest").text


def test_a_source_that_failed_says_so_and_when(app: Flask, runtime: Runtime) -> None:
    """A page that never came leaves a refusal only; its source's line speaks of that, not of the page before."""
    run = a_run(runtime, outcome=Outcome.FAILED, ended_at=NOW, error="ads: no.")
    with runtime.store.writing() as session:
        session.add(HarvestRefusal(job_run_id=run, source="ads", place="ADS", reason="ADS: no.", refused_at=NOW))
    page = logged_in(app, runtime).get("/harvest").text
    row = page.partition('<th scope="row">ADS</th>')[2].partition("</tr>")[0]
    assert "failed" in row
    assert "2026-11-22" in row


def test_each_job_says_what_came_of_its_last_run(app: Flask, runtime: Runtime) -> None:
    """Also of one that was over before the page came back: a moment ago, at the top; later, in the table of jobs."""
    now = runtime.clock.now()
    a_run(runtime, "count", Outcome.SUCCEEDED, ended_at=now, counts={"papers_expected": 812})
    visitor = logged_in(app, runtime)
    page = visitor.get("/harvest").text
    assert page.count("812 papers counted.") == 2
    assert 'data-newest="1"' in page
    with runtime.store.writing() as session:
        session.get_one(JobRun, 1).ended_at = now - timedelta(hours=1)
    assert visitor.get("/harvest").text.count("812 papers counted.") == 1


def test_e_prints_are_counted_on_the_coverage_page(app: Flask, runtime: Runtime) -> None:
    """How many were read, wait and could not be read, and what reads them."""
    with runtime.store.writing() as session:
        for number in range(3):
            paper = Paper(first_seen_at=NOW)
            session.add(paper)
            session.flush()
            assert paper.id is not None
            value = f"2401.0000{number}"
            session.add(PaperRevision(paper_id=paper.id, title="x", arxiv_version=1, learned_at=NOW))
            session.add(
                PaperIdentifier(paper_id=paper.id, scheme=Scheme.ARXIV, value=value, source="arxiv", learned_at=NOW)
            )
            if number:
                refusal = "withdrawn" if number == 2 else None
                session.add(
                    TextReading(
                        paper_id=paper.id,
                        origin="eprint",
                        phrases_digest="0",
                        place="p",
                        version=f"{value}v1",
                        refusal=refusal,
                        read_at=NOW,
                    )
                )
    page = logged_in(app, runtime, Role.HEAD_LIBRARIAN).get("/harvest/coverage").text.split('id="eprints"')[1]
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.split('id="journals"')[0]))
    assert "Read 1 of 3 papers" in words
    assert "Not fetched yet 1 " in words
    assert "Could not be read 1 " in words
    assert "Read texts now" in words


def test_the_script_hears_of_a_run_that_ended_between_two_questions(app: Flask, runtime: Runtime) -> None:
    """All that began after the page was made, whether they still run or not; of other features none."""
    first = a_run(runtime, "count", Outcome.SUCCEEDED)
    a_run(runtime, "match", Outcome.SUCCEEDED)
    fast = a_run(runtime, "count", Outcome.SUCCEEDED, counts={"journals": 3})
    visitor = logged_in(app, runtime)
    answer = visitor.get(f"/harvest/progress?watch=&after={first}").get_json()
    assert [(run["id"], run["state"]) for run in answer["runs"]] == [(fast, "succeeded")]
    assert visitor.get("/harvest/progress?after=x").get_json() == {"runs": []}


def test_the_same_refusal_stands_once_with_how_often(app: Flask, runtime: Runtime) -> None:
    """A code that the registry gives wrongly every night fills no list; another reason is another line."""
    with runtime.store.writing() as session:
        for night, reason in enumerate(("no code", "no code", "no code", "no date")):
            session.add(
                HarvestRefusal(
                    source="registry", place=f"table row {night}", key="2019.1.X", reason=reason,
                    refused_at=NOW + timedelta(days=night),
                )
            )  # fmt: skip
    visitor = logged_in(app, runtime)
    rows = visitor.get("/harvest/refused?format=csv").text.splitlines()
    assert [row.split(",")[4:6] for row in rows[1:]] == [["no date", "1"], ["no code", "3"]]
    assert visitor.get("/harvest/refused").text.count("2019.1.X") == 2


def test_a_hole_is_filled_by_its_own_button_only(app: Flask, runtime: Runtime) -> None:
    """A job that fills no hole, and arguments that no job takes, start nothing."""
    head = logged_in(app, runtime, Role.HEAD_LIBRARIAN)
    for wrong in (
        {"job": "match"},
        {"job": "harvest", "sources": "usenet"},
        {"job": "harvest", "since": "2024-02-31"},
        {"job": "resweep", "year": "x"},
        {},
    ):
        assert head.post("/harvest/fill-hole", wrong, form_on="/harvest").status_code == 400, wrong
    assert head.post("/harvest/start/match", {}, form_on="/harvest").status_code == 404
    with runtime.store.reading() as session:
        assert session.exec(select(JobRun)).all() == []
    assert head.post("/harvest/fill-hole", {"job": "resweep", "year": "2024"}, form_on="/harvest").status_code == 302
    wait_for("resweep")
    with runtime.store.reading() as session:
        run = session.exec(select(JobRun)).one()
    assert (run.job, run.arguments) == ("resweep", {"year": "2024"})


def test_journals_show_what_is_missing_by_year(app: Flask, runtime: Runtime) -> None:
    """This year and the last unless a year is chosen; counted or not is said; the list leaves as CSV."""
    with runtime.store.writing() as session:
        for part, year, expected in (("ApJ", 2026, 3), ("A&A", 2024, 8)):
            session.add(ExpectedCount(source="ads", part=part, year=year, expected=expected, counted_at=NOW))
        paper = Paper(first_seen_at=NOW)
        session.add(paper)
        session.flush()
        assert paper.id is not None
        for key in ("2026ApJ...900....1D", "2025PASP..900....1D"):
            session.add(SourceRecord(paper_id=paper.id, source="ads", key=key, record={}, digest="d", learned_at=NOW))
    visitor = logged_in(app, runtime)
    page = visitor.get("/harvest/coverage").text
    assert 'aria-label="ApJ 2026: 0 fetched, 3 missing of 3"' in page
    assert 'aria-label="PASP 2025: 1 fetched, not counted yet"' in page
    assert "A&amp;A" not in page.split('id="journals"')[1]
    assert "A&amp;A 2024: 0 fetched, 8 missing of 8" in visitor.get("/harvest/coverage?year=2024").text
    assert "A&amp;A 2024" in visitor.get("/harvest/coverage?year=all").text
    exported = visitor.get("/harvest/coverage?format=csv").text.splitlines()
    assert exported[1].startswith("ApJ,2026,3,0,0,0,3,")
    assert exported[2] == "PASP,2025,,1,0,0,,"
    assert visitor.get("/harvest/coverage?year=9999&page=-1&sort=x").status_code == 200


def test_requests_and_quotas_are_shown_with_words_beside_the_bars(app: Flask, runtime: Runtime) -> None:
    """Whoever cannot see the bars reads what they show."""
    with runtime.store.writing() as session:
        today = runtime.clock.today()
        session.add(RequestCount(service="arxiv", endpoint="/oai", day=today, requests=5, refused=1, failed=0))
    page = logged_in(app, runtime).get("/harvest").text
    assert f"arXiv, /oai: 5 requests in 14 days, most on {today} (5); 1 refused, 0 failed" in page
    assert "bar-refused" in page
