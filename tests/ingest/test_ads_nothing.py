"""A search of ADS that finds nothing: from the service to the places, pages and refusals of a harvest."""

from __future__ import annotations

import json

import pytest
from sqlmodel import col, select

from biblio.ingest.harvest import harvest
from biblio.jobs import Job, run_job
from biblio.runtime import Runtime
from biblio.store.models import HarvestCursor, HarvestPage, HarvestRefusal, JobRun, Paper
from biblio.store.words import Outcome
from tests.harvesters.servers import Asked, Reply, serving
from tests.ingest.conftest import Asking
from tests.ingest.test_harvest import count

HARVEST = Job("harvest", "Harvest", harvest)


@pytest.fixture
def runtime(sqlite_runtime: Runtime) -> Runtime:
    """A runtime on SQLite alone: what a database can change is tested where pages are stored."""
    return sqlite_runtime


class Service:
    """An ADS whose search of acknowledgements finds nothing while ``is_silent``, and the others one paper."""

    def __init__(self) -> None:
        self.is_silent = True

    def __call__(self, asked: Asked) -> Reply:
        """Answer a request as Solr does."""
        number = 2 if "ack:" in asked.query["q"] else 1
        document = {
            "id": str(number),
            "bibcode": f"2021Fict.{number:04d}....1E",
            "title": ["Rings"],
            "author": ["Ash, T."],
        }
        docs = [] if self.is_silent and number == 2 else [document]
        answer = {
            "responseHeader": {"params": {"rows": asked.query["rows"]}},
            "response": {"numFound": len(docs), "docs": docs},
            "nextCursorMark": asked.query["cursorMark"],
        }
        return Reply(json.dumps(answer).encode(), content_type="application/json")


def run(runtime: Runtime) -> JobRun:
    """Ask ADS."""
    return run_job(runtime, HARVEST, arguments={"sources": "ads"})


def test_a_search_that_finds_nothing_is_told_and_made_good_later(asking: Asking) -> None:
    """The others are stored; the run fails by its name each time, until its past comes."""
    service = Service()
    with serving(service) as server:
        runtime = asking(server.url)
        for _ in range(2):
            row = run(runtime)
            assert row.outcome is Outcome.FAILED
            assert "ADS finds nothing at all for this search" in (row.error or "")
            assert count(runtime, Paper) == 1
        with runtime.store.reading() as session:
            (place,) = session.exec(select(HarvestCursor)).all()
            assert place.cursor["empty"] == ["acknowledgement"]
            assert not any(session.exec(select(HarvestPage.is_last)))
            told = session.exec(select(HarvestRefusal.place)).all()
        assert told == 2 * ["ADS search acknowledgement, records from 1"]
        service.is_silent = False
        row = run(runtime)
        assert (row.outcome, row.error) == (Outcome.SUCCEEDED, None)
        assert count(runtime, Paper) == 2
        with runtime.store.reading() as session:
            assert "empty" not in session.exec(select(HarvestCursor)).one().cursor
            last = session.exec(select(HarvestPage).order_by(col(HarvestPage.id).desc())).first()
        assert last is not None
        assert last.is_last
