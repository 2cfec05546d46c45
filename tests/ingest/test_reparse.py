"""Stored answers can be parsed again at any time, without network, and give the same records."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlmodel import col, select

from biblio.clock import FixedClock
from biblio.errors import RequestRefused
from biblio.ingest import reparse as reparsing
from biblio.ingest.importing import import_job, paper_file
from biblio.ingest.jobs import HARVEST, REPARSE
from biblio.jobs import run_job
from biblio.observatory.profile import Plausible
from biblio.runtime import Runtime
from biblio.settings import Settings
from biblio.store import Store, make_engine
from biblio.store.models import HarvestPage, JobRun, Paper, PaperRevision, SourceRecord
from biblio.store.words import Outcome
from demo.replay import ReplayServer
from harvesters.arxiv import ArxivSource
from harvesters.errors import PageRefused
from harvesters.protocol import Page, ParsedPage
from tests.conftest import NOW, runtime_on
from tests.ingest.conftest import Asking, addresses
from tests.ingest.fingerprint import fingerprint
from tests.ingest.test_harvest import count


@pytest.fixture
def runtime(sqlite_runtime: Runtime) -> Runtime:
    """A runtime on SQLite alone: what a database can change is tested where pages are stored."""
    return sqlite_runtime


def reparse(runtime: Runtime, **arguments: str) -> JobRun:
    """Run the job with these arguments."""
    return run_job(runtime, REPARSE, arguments=arguments)


@pytest.fixture(scope="module")
def one_harvest(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, served: ReplayServer) -> Path:
    """A SQLite database to copy that holds one harvest: it takes four seconds to make."""
    path = tmp_path_factory.mktemp("harvested") / "harvested.db"
    shutil.copyfile(sqlite_template, path)
    settings = Settings(
        home=path.parent, database_url=f"sqlite:///{path}", ads_token=SecretStr("demo"), **addresses(served.url)
    )
    engine = make_engine(settings.database)
    assert run_job(runtime_on(settings, Store(engine), FixedClock(NOW)), HARVEST).outcome is Outcome.SUCCEEDED
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture
def harvested(runtime: Runtime, asking: Asking, one_harvest: Path) -> Runtime:
    """A runtime whose database holds one harvest, and whose services are gone."""
    database = runtime.store.engine.url.database
    assert database is not None
    shutil.copyfile(one_harvest, database)
    return asking("http://127.0.0.1:9")


def test_all_stored_answers_give_the_same_records_again(harvested: Runtime) -> None:
    """With the same parsers nothing changes: no record, no history, no cursor; and no service is asked."""
    before = fingerprint(harvested.store)
    row = reparse(harvested)
    assert (row.outcome, row.error) == (Outcome.SUCCEEDED, None)
    assert row.counts["pages"] > 10
    assert row.counts["unchanged"] > 500
    assert {row.counts.get(what, 0) for what in ("new", "changed", "pages_refused")} == {0}
    after = fingerprint(harvested.store)
    for subject, rows in before.items():
        assert after[subject] == rows, subject


def test_a_parser_that_reads_more_changes_the_records(harvested: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """A better title reaches every record of its source; the old one stays in the history; a dry run only tells."""
    parse = ArxivSource.parse

    def better(self: ArxivSource, page: Page) -> ParsedPage:
        parsed = parse(self, page)
        return replace(parsed, records=tuple(replace(r, comment=f"read better: {r.comment}") for r in parsed.records))

    monkeypatch.setattr(ArxivSource, "parse", better)
    with harvested.store.reading() as session:
        current = (col(SourceRecord.source) == "arxiv", col(SourceRecord.superseded_at).is_(None))
        held = len(session.exec(select(SourceRecord.id).where(*current)).all())
    dry = reparse(harvested, source="arxiv", dry="yes")
    assert dry.counts["changed"] == held > 100
    with harvested.store.reading() as session:
        assert not session.exec(
            select(SourceRecord).where(*current, col(SourceRecord.superseded_at).is_not(None))
        ).all()
    row = reparse(harvested, source="arxiv")
    assert row.counts["changed"] == held
    with harvested.store.reading() as session:
        records = session.exec(select(SourceRecord).where(*current)).all()
        assert {r.record["comment"][:12] for r in records} == {"read better:"}
        old = session.exec(
            select(sa.func.count()).where(
                col(SourceRecord.source) == "arxiv", col(SourceRecord.superseded_at).is_not(None)
            )
        ).one()
    assert (len(records), old) == (held, held)
    assert reparse(harvested, source="arxiv").counts.get("changed", 0) == 0


def test_what_was_refused_can_be_read_later(
    asking: Asking, served: ReplayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that a parser could not read was kept, and gives its records once the parser can."""
    parse = ArxivSource.parse

    def cannot(_self: ArxivSource, page: Page) -> ParsedPage:
        raise PageRefused(f"{page.place}: not yet")

    runtime = asking(served.url)
    with monkeypatch.context() as patch:
        patch.setattr(ArxivSource, "parse", cannot)
        row = run_job(runtime, HARVEST, arguments={"sources": "arxiv", "since": "2024-01-01", "until": "2024-03-31"})
        assert (row.outcome, count(runtime, Paper)) == (Outcome.FAILED, 0)
        again = reparse(runtime)
        assert (again.counts["pages_refused"], count(runtime, Paper)) == (1, 0)
        assert "not yet" in again.counts["notes"][0]
    assert ArxivSource.parse is parse
    assert reparse(runtime).counts["new"] == count(runtime, Paper) > 5


def test_an_older_answer_never_speaks_over_a_newer_one(sqlite_runtime: Runtime, tmp_path: object) -> None:
    """Of two imports of one list the later stands; parsing both again changes nothing."""
    path = tmp_path / "list.jsonl"  # type: ignore[operator]
    for title in ("The first title of this paper", "The second title of this paper"):
        path.write_text(f'{{"id": "a1", "title": "{title}", "doi": "10.1234/a1", "year": 2020}}\n', "utf-8")
        assert run_job(sqlite_runtime, import_job([paper_file(path)])).outcome is Outcome.SUCCEEDED
    row = reparse(sqlite_runtime)
    assert (row.counts["pages"], row.counts["unchanged"], row.counts["given_anew_since"]) == (2, 1, 1)
    with sqlite_runtime.store.reading() as session:
        shown = session.exec(select(PaperRevision.title).where(col(PaperRevision.superseded_at).is_(None))).one()
    assert shown == "The second title of this paper"


def test_arguments_that_make_no_sense_are_refused(sqlite_runtime: Runtime) -> None:
    """A misspelt argument or source is refused with what there is, and is no run; a source without answers is said."""
    with pytest.raises(RequestRefused, match="takes source and dry"):
        reparse(sqlite_runtime, sauce="ads")
    with pytest.raises(RequestRefused, match="no source 'nonsense'; there are: projects, arxiv"):
        reparse(sqlite_runtime, source="nonsense")
    assert count(sqlite_runtime, JobRun) == 0
    assert (
        "no stored answers of projects yet: run `biblio harvest --source projects`"
        in reparse(sqlite_runtime, source="projects").counts["notes"][0]
    )
    assert "no stored answers of ads" in reparse(sqlite_runtime, source="ads").counts["notes"][0]


@pytest.mark.parametrize("source", reparsing.SERVICES)
def test_every_service_has_a_parser(sqlite_runtime: Runtime, source: str) -> None:
    """Each source that harvests can read its stored answers again without being asked."""
    parser = reparsing.parser_of(sqlite_runtime, source, "text/xml")
    assert parser.name == source
    with pytest.raises(PageRefused):
        parser.parse(Page(source, "page 1", b"no answer", "text/plain", {}, is_last=True))
    assert count(sqlite_runtime, HarvestPage) == 0


def test_what_is_held_back_stays_so(asking: Asking, served: ReplayServer) -> None:
    """Parsing again takes nothing of a page that a person has not accepted."""
    runtime = asking(served.url)
    harvest = runtime.profile.harvest
    plausible = {**harvest.plausible, "arxiv": Plausible(maximum=1)}
    profile = runtime.profile.model_copy(update={"harvest": harvest.model_copy(update={"plausible": plausible})})
    days = {"sources": "arxiv", "since": "2024-01-01", "until": "2024-03-31"}
    held = run_job(replace(runtime, profile=profile), HARVEST, arguments=days)
    assert held.counts["sources_held_back"] == 1
    assert reparse(runtime).counts.get("new", 0) == count(runtime, Paper) == 0
