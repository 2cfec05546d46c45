"""Harvests on a machine in trouble: the disk is full, the database is locked, the clock goes backwards."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from biblio.clock import FixedClock
from biblio.ingest.jobs import HARVEST
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store import Store, make_engine
from biblio.store.words import Outcome
from demo.large import Size, write
from demo.replay import ReplayServer
from tests.conftest import NOW
from tests.ingest import killing
from tests.ingest.conftest import TODAY, addresses
from tests.ingest.fingerprint import fingerprint
from tests.ingest.killing import Site
from tests.warm import WarmProcess

Fingerprint = dict[str, Counter[str]]

_AT_MOST = """
import resource, runpy, sys
most = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
runpy.run_module("biblio", run_name="__main__", alter_sys=True)
"""
"""``biblio`` where no file grows beyond so many bytes: first argument."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplayServer]:
    """A server for some hundred papers."""
    folder = tmp_path_factory.mktemp("hundreds")
    write(folder, Size(papers=250, projects=40), today=TODAY)
    with ReplayServer(folder, with_faults=False) as server:
        yield server


@pytest.fixture
def clean(sqlite_template: Path, tmp_path: Path, served: ReplayServer) -> Fingerprint:
    """What an undisturbed harvest leaves."""
    site = _site(sqlite_template, tmp_path / "clean.db", served)
    killing.run("harvest", site)
    return fingerprint(site.store)


def _site(template: Path, path: Path, served: ReplayServer) -> Site:
    shutil.copyfile(template, path)
    url = f"sqlite:///{path}"
    return Site(Store(make_engine(url)), url, path.parent, served.url)


def test_a_full_disk_costs_nothing_that_was_stored(
    sqlite_template: Path, tmp_path: Path, served: ReplayServer, clean: Fingerprint
) -> None:
    """The run ends with a sentence, whole pages stay, and with more room the next run ends like a clean one."""
    site = _site(sqlite_template, tmp_path / "full.db", served)
    room = (tmp_path / "full.db").stat().st_size + 600_000

    def cramped(arguments: Sequence[str], environment: Mapping[str, str]) -> WarmProcess:
        return WarmProcess(["-c", _AT_MOST, str(room), *arguments[2:]], environment)

    process = killing.start("harvest", replace(site, starting=cramped))
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 1, output.decode()
    assert "The database could not go on:" in output.decode()
    assert "Traceback" not in output.decode()
    killing.run("harvest", site)
    assert fingerprint(site.store) == clean
    site.store.engine.dispose()


def _asking(runtime: Runtime, served: ReplayServer) -> Runtime:
    settings = runtime.settings.model_copy(update={**addresses(served.url), "ads_token": SecretStr("demo")})
    return replace(runtime, settings=settings)


def test_a_database_locked_for_too_long_ends_the_run_with_a_sentence(
    sqlite_runtime: Runtime, clock: FixedClock, served: ReplayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program holds the file longer than we wait: the run says so, and the next one loses nothing."""
    monkeypatch.setattr("biblio.store.engine.SQLITE_BUSY_MS", 50)
    runtime = _asking(sqlite_runtime, served)
    runtime = replace(runtime, store=Store(make_engine(runtime.settings.database)))
    path = runtime.settings.database.removeprefix("sqlite:///")
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def lock(what: str, done: int, _total: int | None) -> None:
        if what.startswith("arxiv") and done and not other.in_transaction:
            other.execute("BEGIN IMMEDIATE")

    with pytest.raises(Exception, match="database is locked"):
        # The row of the run cannot be closed either: the command line says the sentence, the next run tidies up.
        run_job(runtime, HARVEST, progress=lock)
    other.execute("ROLLBACK")
    other.close()
    clock.move(timedelta(minutes=2))  # the lease of the run that could not be closed is over by then
    row = run_job(runtime, HARVEST)
    assert (row.outcome, row.error) == (Outcome.SUCCEEDED, None)
    runtime.store.engine.dispose()


def test_a_clock_that_goes_backwards_loses_nothing(
    runtime: Runtime, sqlite_runtime: Runtime, served: ReplayServer
) -> None:
    """Two days back in the middle of a harvest: what is there in the end is what an undisturbed harvest leaves."""
    undisturbed = _asking(sqlite_runtime, served)
    assert run_job(undisturbed, HARVEST).outcome is Outcome.SUCCEEDED
    clean = fingerprint(undisturbed.store)
    clock = FixedClock(NOW)
    runtime = replace(_asking(runtime, served), clock=clock)

    def turn_back(what: str, _done: int, _total: int | None) -> None:
        if what.startswith("arxiv") and clock.now() == NOW:
            clock.move(timedelta(days=-2))

    assert run_job(runtime, HARVEST, progress=turn_back).outcome is Outcome.SUCCEEDED
    assert clock.now() < NOW
    clock.move(timedelta(days=2))
    row = run_job(runtime, HARVEST)
    assert (row.outcome, row.error) == (Outcome.SUCCEEDED, None)
    ended = fingerprint(runtime.store)
    for subject in ("projects", "units", "papers", "identifiers", "records", "revisions", "authors", "refusals"):
        assert ended[subject] == clean[subject], subject
