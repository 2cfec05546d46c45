"""From a preprint without the statement to its second version with it, over a replayed arXiv and a real SMTP server."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from sqlmodel import col, select

from biblio.catalogue.projects import record_projects
from biblio.clock import FixedClock
from biblio.contacts.feature import feature
from biblio.contacts.service import prepared, send_letter, the_case
from biblio.feature import all_jobs
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import Contact, ContactCase, ContactEvent, JobRun, PaperIdentifier, Project
from biblio.store.words import ContactFault, ContactState, Outcome
from demo.replay import ReplayServer
from harvesters.records import HarvestedProject
from tests.factories import accept, add_user
from tests.ingest.conftest import addresses
from tests.mailserver import smtp_server

ARXIV_ID = "2102.90137"
"""A preprint of the demo that lacks the statement in its first version only."""


def _row(folder: Path, name: str, **wanted: str) -> dict[str, Any]:
    with (folder / name).open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return next(row for row in rows if all(row.get(key) == value for key, value in wanted.items()))


def _run(runtime: Runtime, name: str, **arguments: object) -> JobRun:
    row = run_job(runtime, all_jobs()[name], arguments=arguments)
    assert row.outcome is Outcome.SUCCEEDED, (name, row.error)
    return row


def _harvested(runtime: Runtime, url: str, day: date, **asked: str) -> None:
    """Let the replayed services know what they knew a day after ``day``, fetch what is asked, and read one e-print."""
    requests.post(f"{url}/replay/day", data=(day + timedelta(1)).isoformat(), timeout=10).raise_for_status()
    assert isinstance(runtime.clock, FixedClock)
    runtime.clock.move(datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + timedelta(1) - runtime.clock.now())
    _run(runtime, "harvest", **asked)
    _run(runtime, "read", limit=1)


def test_a_letter_mends_the_second_version(sqlite_runtime: Runtime, observatory: Path) -> None:
    """v1 is read and lacks it; the librarian's letter leaves over SMTP; v2 is fetched, read, and found to have it."""
    facts = _row(observatory, "papers/arxiv.jsonl", id=ARXIV_ID)
    codes = _row(observatory, "truth.jsonl", arxiv_id=ARXIV_ID)["codes"]
    first, second = (date.fromisoformat(version["date"][:10]) for version in facts["versions"])
    with ReplayServer(observatory, with_faults=False) as server, smtp_server() as box:
        more = {
            "smtp_host": "127.0.0.1",
            "smtp_port": box.port,
            "smtp_starttls": False,
            "mail_from": "Library <lib@example.org>",
        }
        settings = sqlite_runtime.settings.model_copy(update={**addresses(server.url), **more})
        runtime = replace(sqlite_runtime, settings=settings)
        assert isinstance(runtime.clock, FixedClock)
        with runtime.store.writing() as session:
            projects = [HarvestedProject("list", code) for code in codes]
            record_projects(session, projects, grammar=runtime.grammar, now=runtime.clock.now())
        _harvested(runtime, server.url, first, sources="arxiv", since=first.isoformat(), until=first.isoformat())
        contact_id = _write(runtime, codes)
        runtime.clock.move(timedelta(minutes=11))
        _run(runtime, "contacts")
        [message] = box.accepted
        assert f"ADS/JAO.ALMA#{sorted(codes)[0]}" in message.get_content()
        assert ARXIV_ID in message["Subject"]
        _harvested(
            runtime, server.url, second, sources="arxiv-oai"
        )  # hundreds of papers: the awaited one is read first
        assert _run(runtime, "contacts").counts["mended"] == 1
    with runtime.store.reading() as session:
        contact = session.get_one(Contact, contact_id)
        assert (contact.state, contact.mended_in, contact.arxiv_version) == (ContactState.MENDED, "v2", 1)
        last = session.exec(select(ContactEvent).order_by(col(ContactEvent.id).desc())).first()
        assert last is not None
        assert last.details["quote"]["mark"] in codes
        assert session.exec(select(ContactCase.standing)).all() == ["in_order"]
    assert len(box.accepted) == 1


def _write(runtime: Runtime, codes: list[str]) -> int:
    """Judge the paper, look, and send the letter that is prepared to the address that the manuscript prints."""
    with runtime.store.writing() as session:
        librarian = add_user(session, "ines")
        paper_id = session.exec(select(PaperIdentifier.paper_id).where(col(PaperIdentifier.value) == ARXIV_ID)).one()
        for project_id in session.exec(select(Project.id).where(col(Project.code).in_(codes))):
            accept(session, librarian, paper_id, project_id or 0, now=runtime.clock.now())
    _run(runtime, "contacts")
    with runtime.store.writing() as session:
        assert session.exec(select(ContactCase.fault)).all() == [ContactFault.NO_STATEMENT]
        case = the_case(session, runtime, paper_id)
        letter = prepared(runtime, case)
        assert letter.email_from == "paper"
        return send_letter(session, runtime, librarian, letter).id or 0


def test_the_job_is_part_of_the_house() -> None:
    """It is run by name, each hour."""
    assert all_jobs()["contacts"] is feature.jobs[0]
    assert feature.jobs[0].period == "hour"
