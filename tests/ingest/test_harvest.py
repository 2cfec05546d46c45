"""The harvest from end to end, against a server that answers as the services do, faults included."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel, select

from biblio.errors import RequestRefused, StartRefused
from biblio.ingest.harvest import harvest
from biblio.ingest.jobs import HARVEST
from biblio.ingest.sources import Planned
from biblio.jobs import run_job
from biblio.observatory.profile import Plausible
from biblio.runtime import Runtime
from biblio.store.models import HarvestCursor, HarvestPage, HarvestRefusal, JobRun, Paper, Payload, Project, Quota
from biblio.store.words import Outcome
from demo.replay import ReplayServer
from harvesters.errors import PageRefused
from harvesters.http import PoliteSession
from harvesters.pace import LocalPace
from harvesters.protocol import Page, ParsedPage
from harvesters.records import HarvestedRecord, Refusal
from tests.ingest.conftest import Asking
from tests.ingest.fingerprint import fingerprint

Answer = tuple[int, str, bytes]


def count(runtime: Runtime, model: type[SQLModel]) -> int:
    """How many rows a table has."""
    with runtime.store.reading() as session:
        return session.exec(select(sa.func.count()).select_from(model)).one()


def run(runtime: Runtime, **arguments: str) -> JobRun:
    """Run the harvest with these arguments."""
    return run_job(runtime, HARVEST, arguments=arguments)


@contextmanager
def serving(answer: Callable[[str], Answer]) -> Iterator[str]:
    """A server on loopback that answers each path as told."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.answer()

        def answer(self) -> None:
            status, content_type, body = answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_everything_is_fetched_once_through_every_fault(
    asking: Asking, faulty: ReplayServer, observatory: Path
) -> None:
    """Projects, arXiv and ADS come whole though pages are empty, HTML or cut off; counts add up; twice adds nothing."""
    runtime = asking(faulty.url)
    row = run(runtime)
    assert (row.outcome, row.error) == (Outcome.SUCCEEDED, None)
    assert len(faulty.services.faults.struck) >= 3
    summary = json.loads((observatory / "summary.json").read_text("utf-8"))
    counts = row.counts
    assert counts["seen"] == counts["records"] + counts["refused"] + counts.get("ignored", 0)
    assert counts["records"] == counts["new"] + counts["changed"] + counts["unchanged"]
    codes = [json.loads(line)["code"] for line in (observatory / "projects.jsonl").read_text("utf-8").splitlines()]
    well_formed = {code for code in codes if runtime.grammar.canonical(code)}
    assert count(runtime, Project) == len(well_formed)
    assert count(runtime, Paper) >= summary["papers"]
    before = fingerprint(runtime.store)
    again = run(runtime)
    assert (again.outcome, again.counts.get("new", 0), again.counts.get("changed", 0)) == (Outcome.SUCCEEDED, 0, 0)
    assert fingerprint(runtime.store) == before


def test_a_code_that_is_none_is_named_with_its_page(asking: Asking, served: ReplayServer) -> None:
    """The registry's malformed code is refused by name and costs nothing else."""
    runtime = asking(served.url)
    row = run(runtime, sources="projects")
    assert row.counts["refused"] == 1
    with runtime.store.reading() as session:
        refusal = session.exec(select(HarvestRefusal)).one()
        assert refusal.job_run_id == row.id
        assert str(refusal.key) in refusal.reason
        assert "/tap" in refusal.place


def test_without_a_token_ads_is_left_out_and_said_so(asking: Asking, served: ReplayServer) -> None:
    """No token is no failure: the run succeeds with the other sources and a sentence about ADS."""
    runtime = asking(served.url)
    runtime = replace(runtime, settings=runtime.settings.model_copy(update={"ads_token": None}))
    row = run(runtime, sources="ads,projects")
    assert (row.outcome, row.counts["sources_left_out"]) == (Outcome.SUCCEEDED, 1)
    assert "BIBLIO_ADS_TOKEN" in row.counts["notes"][0]
    assert count(runtime, Project) > 0


BAD: dict[str, Callable[[str], Answer]] = {
    "html": lambda path: (200, "text/html", b"<html><body>Rate exceeded.</body></html>"),
    "json error": lambda path: (200, "application/json", b'{"error": {"code": 400, "msg": "undefined field xyz"}}'),
    "not found": lambda path: (404, "text/plain", b"no such page"),
    "unknown token": lambda path: (401, "application/json", b'{"error": "Unauthorized"}'),
    "cut off": lambda path: (200, "application/xml", b"<?xml version='1.0'?><feed><entry>"),
}


@pytest.mark.parametrize("kind", BAD)
def test_an_answer_that_is_none_stops_its_source_with_a_reason(asking: Asking, kind: str) -> None:
    """HTML, JSON errors, cut-off XML: nothing is stored of them, each source says why, the run fails and tells all."""
    with serving(BAD[kind]) as url:
        runtime = asking(url)
        row = run(runtime, sources="projects,arxiv,ads", since="2026-11-01")
    assert row.outcome is Outcome.FAILED
    assert row.counts["sources_stopped"] == 3
    for name in ("projects:", "arxiv:", "ads:"):
        assert name in str(row.error)
    with runtime.store.reading() as session:
        reasons = session.exec(select(HarvestRefusal.reason)).all()
        assert len(reasons) == 3
        assert all(reasons)
    assert (count(runtime, Paper), count(runtime, Project), count(runtime, HarvestCursor)) == (0, 0, 0)


def test_one_broken_source_costs_the_others_nothing(asking: Asking, served: ReplayServer) -> None:
    """When the registry answers HTML, papers are harvested all the same, and next time projects as well."""
    runtime = asking(served.url)
    with serving(BAD["html"]) as url:
        settings = runtime.settings.model_copy(update={"tap_url": f"{url}/tap"})
        row = run(replace(runtime, settings=settings), sources="projects,ads")
    assert (row.outcome, row.counts["sources_stopped"]) == (Outcome.FAILED, 1)
    assert (count(runtime, Project), count(runtime, Paper) > 400) == (0, True)
    assert run(runtime, sources="projects").outcome is Outcome.SUCCEEDED
    assert count(runtime, Project) > 400


def test_bodies_and_places_are_kept(asking: Asking, served: ReplayServer) -> None:
    """Every page's body is kept once by its hash, with what it promised and the days it covers; quota is noted."""
    runtime = asking(served.url)
    run(runtime, sources="arxiv,ads", since="2024-01-01", until="2024-03-31")
    with runtime.store.reading() as session:
        pages = session.exec(select(HarvestPage)).all()
        assert {p.payload_sha256 for p in pages} == set(session.exec(select(Payload.sha256)))
        arxiv = [p for p in pages if p.source == "arxiv"]
        assert (str(arxiv[0].window_from), str(arxiv[-1].window_to)) == ("2024-01-01", "2024-03-31")
        assert sum(p.records for p in arxiv) == sum(p.promised or 0 for p in arxiv) > 0
        assert session.exec(select(Quota.remaining).where(Quota.service == "ads")).one() is not None
        assert session.exec(select(HarvestCursor)).all() == []


def test_days_asked_for_once_leave_the_own_place_alone(asking: Asking, served: ReplayServer) -> None:
    """Filling a hole neither moves nor needs the place where the daily harvest goes on."""
    runtime = asking(served.url)
    run(runtime, sources="arxiv")
    with runtime.store.reading() as session:
        before = session.exec(select(HarvestCursor.cursor)).all()
    run(runtime, sources="arxiv", since="2020-02-01", until="2020-02-29")
    with runtime.store.reading() as session:
        assert session.exec(select(HarvestCursor.cursor)).all() == before


@pytest.mark.parametrize(
    "arguments",
    [
        {"sources": "usenet"},
        {"since": "soon"},
        {"until": "2026-01-01"},
        {"since": "2026-02-01", "until": "2026-01-01"},
        {"x": "1"},
    ],
)
def test_wrong_arguments_are_refused_by_name(runtime: Runtime, arguments: dict[str, Any]) -> None:
    """A source or day that makes no sense is a sentence, and neither a run nor a question to anybody."""
    with pytest.raises(RequestRefused):
        run(runtime, **arguments)
    assert (count(runtime, JobRun), count(runtime, HarvestPage)) == (0, 0)


def test_the_real_arxiv_is_never_asked_too_often(runtime: Runtime) -> None:
    """With a pace below arXiv's own and its real address the harvest refuses to start."""
    settings = runtime.settings.model_copy(update={"arxiv_url": "https://export.arxiv.org"})
    runtime = replace(runtime, settings=settings)
    assert runtime.settings.arxiv_pace_s == 0
    row = run(runtime, sources="arxiv")
    assert "asks for 3 seconds" in str(row.error)
    with pytest.raises(StartRefused):
        harvest(_context(runtime))


def _context(runtime: Runtime) -> Any:
    from biblio.jobs import JobContext

    return JobContext(runtime=runtime, run_id=1, arguments={"sources": "arxiv"})


class Stubborn:
    """A source of three pages, the second of which cannot be read the first ``broken`` times."""

    name = "stubborn"

    def __init__(self, broken: int) -> None:
        self.broken = broken
        self.asked: list[int] = []

    def pages(self, cursor: Mapping[str, object]) -> Iterator[Page]:
        """Yield the pages from the cursor on."""
        for number in range(int(str(cursor.get("page", 1))), 4):
            self.asked.append(number)
            yield Page("stubborn", f"page {number}", b"%d" % number, "text/x", {"page": number + 1}, number == 3)

    def parse(self, page: Page) -> ParsedPage:
        """One paper per page, one refused row, one ignored."""
        if page.body == b"2" and self.broken > 0:
            self.broken -= 1
            raise PageRefused(f"{page.place}: is garbled")
        record = HarvestedRecord(source="stubborn", key=page.place, title=f"Paper of {page.place}")
        refusal = Refusal("stubborn", f"{page.place} entry 2", "has no title", "x")
        return ParsedPage((record,), refusals=(refusal,), ignored=1, unread_fields=("colour",))


def ask_stubborn(runtime: Runtime, monkeypatch: pytest.MonkeyPatch, source: Stubborn, *, minimum: int = 4) -> JobRun:
    """Run the harvest with that source alone."""
    session = PoliteSession("stubborn", LocalPace({}), contact="nobody@example.org")
    planned = [Planned("stubborn", source, session, cursor="stubborn", plausible=Plausible(minimum=minimum))]
    monkeypatch.setattr("biblio.ingest.harvest.plan", lambda *_: (planned, []))
    return run(runtime)


def test_a_page_garbled_on_its_way_is_asked_for_again(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once garbled costs one more request and nothing else; what nobody reads is said once."""
    source = Stubborn(broken=1)
    row = ask_stubborn(runtime, monkeypatch, source)
    assert source.asked == [1, 2, 2, 3]
    assert (row.counts["seen"], row.counts["records"], row.counts["refused"], row.counts["ignored"]) == (9, 3, 3, 3)
    assert [n for n in row.counts["notes"] if "colour" in n] == ["stubborn gives fields that nobody reads: colour."]


def test_a_page_that_stays_garbled_is_kept_and_gone_on_from(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its body is kept with its place and reason, the pages before it are stored, and the next run goes on there."""
    row = ask_stubborn(runtime, monkeypatch, Stubborn(broken=2), minimum=3)
    assert row.outcome is Outcome.FAILED
    assert "page 2: is garbled" in str(row.error)
    with runtime.store.reading() as session:
        assert session.exec(select(HarvestRefusal.reason).where(HarvestRefusal.place == "page 2")).one()
        assert len(session.exec(select(Payload)).all()) == 2
    assert count(runtime, Paper) == 1
    source = Stubborn(broken=0)
    assert ask_stubborn(runtime, monkeypatch, source, minimum=3).outcome is Outcome.SUCCEEDED
    assert (source.asked, count(runtime, Paper)) == ([2, 3], 3)


def test_a_source_that_breaks_costs_the_others_nothing(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever one source's answer breaks in our own code, the next source is asked; the run says which broke."""

    class Breaking(Stubborn):
        def parse(self, page: Page) -> ParsedPage:
            raise KeyError("nobody thought of this")

    session = PoliteSession("stubborn", LocalPace({}), contact="nobody@example.org")
    planned = [Planned(n, s, session, cursor=n) for n, s in (("breaking", Breaking(0)), ("stubborn", Stubborn(0)))]
    monkeypatch.setattr("biblio.ingest.harvest.plan", lambda *_: (planned, []))
    row = run(runtime)
    assert (row.outcome, count(runtime, Paper)) == (Outcome.FAILED, 3)
    assert "breaking: broke (KeyError)" in str(row.error)


def test_a_run_that_was_taken_for_dead_writes_nothing(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that slept through its lease finds its run ended: its page is not stored and no place moves back."""

    class Sleeping(Stubborn):
        def parse(self, page: Page) -> ParsedPage:
            if page.body == b"2":
                with runtime.store.writing() as session:
                    session.execute(sa.update(JobRun).values(outcome=Outcome.ABANDONED))
            return super().parse(page)

    assert ask_stubborn(runtime, monkeypatch, Sleeping(0)).outcome is Outcome.ABANDONED
    with runtime.store.reading() as session:
        assert session.get_one(HarvestCursor, "stubborn").cursor == {"page": 2}
    assert (count(runtime, Paper), count(runtime, HarvestPage)) == (1, 1)


def test_too_small_a_first_harvest_is_said(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first run with fewer records than the profile expects fails with a sentence; what came is stored."""
    row = ask_stubborn(runtime, monkeypatch, Stubborn(broken=0))
    assert (row.outcome, count(runtime, Paper)) == (Outcome.FAILED, 3)
    assert "3 records where 4 at least are plausible" in str(row.error)
