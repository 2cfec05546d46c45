"""``biblio harvest`` and ``biblio reparse`` as an operator types them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlmodel import select

from biblio.ingest.run_commands import harvest, reparse
from biblio.runtime import Runtime
from biblio.store.models import HarvestCursor, HarvestPage, JobRun, Paper
from demo.replay import ReplayServer
from tests.ingest.conftest import Asking
from tests.ingest.test_harvest import count
from tests.ingest.test_importing import call


@pytest.fixture
def runtime(sqlite_runtime: Runtime) -> Runtime:
    """A runtime on SQLite alone: what a database can change is tested where pages are stored."""
    return sqlite_runtime


def test_a_dry_run_says_what_would_be_asked_and_asks_nobody(asking: Asking) -> None:
    """Every source is named with what it would be asked; nothing listens at its address, and nothing is written."""
    runtime = asking("http://127.0.0.1:9")
    result = call(runtime, harvest, "--dry-run")
    assert result.exit_code == 0, result.output
    for name in ("projects", "arxiv", "arxiv-oai", "ads"):
        assert any(line.startswith(f"{name} ") for line in result.output.splitlines())
    assert "from the beginning" in result.output
    assert "Nobody was asked" in result.output
    assert (count(runtime, HarvestPage), count(runtime, JobRun)) == (0, 0)


def test_days_of_one_source_are_fetched_and_then_read_again(asking: Asking, served: ReplayServer) -> None:
    """A span of days is fetched once more; its stored answers can be read again when nobody answers any more."""
    runtime = asking(served.url)
    days = ("--source", "arxiv", "--since", "2024-01-01", "--until", "2024-03-31")
    result = call(runtime, harvest, *days, "--quiet")
    assert result.exit_code == 0, result.output
    assert "harvest: succeeded" in result.output
    held = count(runtime, Paper)
    assert held > 5
    gone = asking("http://127.0.0.1:9")
    result = call(gone, reparse, "--dry-run", "--quiet")
    assert f"unchanged{held:>28}"[-8:] in result.output
    assert "Nothing was changed" in result.output
    assert call(gone, reparse, "--source", "arxiv", "--quiet").exit_code == 0
    assert count(runtime, Paper) == held


def test_the_second_harvest_leaves_the_api_to_holes(asking: Asking, served: ReplayServer) -> None:
    """Once the past is filled, the daily run asks OAI-PMH; the API is asked by name, and its place stays."""
    runtime = asking(served.url)
    call(runtime, harvest, "--source", "arxiv", "--source", "arxiv-oai", "--quiet")

    def pages(source: str) -> int:
        with runtime.store.reading() as session:
            return session.exec(select(sa.func.count()).where(HarvestPage.source == source)).one()

    filled, changes = pages("arxiv"), pages("arxiv-oai")
    assert min(filled, changes) > 0
    assert call(runtime, harvest, "--quiet").exit_code == 0
    assert (pages("arxiv"), pages("arxiv-oai") > changes) == (filled, True)
    call(runtime, harvest, "--source", "arxiv", "--quiet")
    assert pages("arxiv") > filled
    with runtime.store.reading() as session:
        places = set(session.exec(select(HarvestCursor.source)))
    assert {"arxiv", "arxiv-oai physics:astro-ph"} <= places


def test_a_source_there_is_not_is_refused_with_those_there_are(runtime: Runtime) -> None:
    """A typing mistake costs nothing and names the choices."""
    result = call(runtime, harvest, "--source", "usenet")
    assert result.exit_code == 2
    assert "arxiv-oai" in result.output
    wrong = call(runtime, harvest, "--until", "2026-01-01", "--dry-run")
    assert "since which day" in wrong.output
    assert wrong.exit_code == 1
