"""Every source against every fault it can meet: the end state is that of a clean run, at once or at the next run.

A fault that strikes once may cost requests, or end the run with an error that names the page; one that never stops must
end it so, or do no harm. In each case a run after it, without the fault, must leave what a clean run leaves.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import date
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
from pydantic import SecretStr
from sqlmodel import col, select

from biblio.clock import FixedClock
from biblio.ingest import sources
from biblio.ingest.asked import KNOWN
from biblio.ingest.jobs import HARVEST, READ
from biblio.jobs import run_job
from biblio.observatory.profile import Plausible
from biblio.runtime import Runtime
from biblio.settings import Settings
from biblio.store import Store, make_engine
from biblio.store.models import HarvestRefusal, JobRun
from biblio.store.words import Outcome
from demo.large import Size, write
from demo.replay import ReplayServer
from demo.replay_faults import KINDS, Timing
from harvesters.ads import AdsQuery
from harvesters.http import HttpLimits, PoliteSession
from tests.conftest import NOW, NOWHERE, runtime_on
from tests.ingest.conftest import TODAY, addresses
from tests.ingest.fingerprint import fingerprint

Fingerprint = dict[str, Counter[str]]

DOORS = {
    "projects": "tap",
    "arxiv": "arxiv_api",
    "arxiv-oai": "arxiv_oai",
    "arxiv-rss": "arxiv_rss",
    "ads": "ads_search",
    "texts": "eprint",
}
"""What is asked for → the door it is asked at. ``texts`` is the job that reads; all others are sources of the harvest."""

QUICK = HttpLimits(connect_s=2, read_s=0.5, total_s=0.8, attempts=2, wait_initial_s=0.01, wait_max_s=0.02)
SLOW = Timing(silence_s=60, drip_s=0.01)
_SMALLER: dict[str, Any] = {
    "page_size": 8,
    "rows": 8,
    "window_days": 3_000,
    "page_wait_s": 0.01,
    "page_rows": 40,
    "since": date(2011, 1, 1),
}
_ASKED = (
    *(f"biblio.ingest.sources.{name}" for name in ("ArxivQuery", "OaiQuery", "RssQuery")),
    *("harvesters.ads.AdsQuery", "harvesters.tap.TapTable"),
)
"""What says what a source is asked for."""
WORKING_DAY = date(2026, 11, 20)
"""The day the services stand at: on the Sunday of the other tests nothing is announced."""

TOLD = {("texts", "truncated", "always"), ("arxiv", "displaced", "always"), ("ads", "displaced", "always")}
"""Where going on is better than stopping, as long as it is told: an e-print that is damaged at arXiv itself would else
stop all texts behind it, and an index that lists a paper twice all windows behind it."""

CASES = [
    pytest.param(name, kind, times, id=f"{name}-{kind}-{times}")
    for name, door in DOORS.items()
    for kind in KINDS[door]
    for times in ("once", "always")
]


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplayServer]:
    """A server for a small folder, whose pages are small."""
    folder = tmp_path_factory.mktemp("small")
    write(folder, Size(papers=36, projects=24, eprints=4, recent=6), today=TODAY)
    with pytest.MonkeyPatch.context() as patch, ReplayServer(folder, with_faults=False, timing=SLOW) as server:
        patch.setattr("demo.replay_arxiv.OAI_PAGE", 8)
        server.show(WORKING_DAY)
        yield server


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the sources ask for small pages, and have little patience."""
    monkeypatch.setattr(sources, "PoliteSession", partial(PoliteSession, limits=QUICK))
    monkeypatch.setattr(sources, "plausible", lambda *_: Plausible())
    for made in _ASKED:
        module, _, name = made.rpartition(".")
        monkeypatch.setattr(made, _smaller(resolve_name(f"{module}:{name}")))


def _smaller(made: Callable[..., Any]) -> Callable[..., Any]:
    """Makes the same with small pages; of ADS without a first day, or it would ask for what changed only."""

    def make(*args: Any, **more: Any) -> Any:
        asked = made(*args, **more)
        names = {field.name for field in fields(asked)} - ({"since"} if made is AdsQuery else set())
        return replace(asked, **{name: value for name, value in _SMALLER.items() if name in names})

    return make


@pytest.fixture
def fresh(tmp_path: Path, sqlite_template: Path, replay: ReplayServer) -> Iterator[Callable[[], Runtime]]:
    """Makes runtimes on fresh SQLite databases that ask the server, which has no faults yet."""
    made: list[Runtime] = []

    def make() -> Runtime:
        path = tmp_path / f"{len(made)}.db"
        shutil.copyfile(sqlite_template, path)
        settings = Settings(
            home=tmp_path / "home",
            database_url=f"sqlite:///{path}",
            environment="development",
            secret_key="0123456789abcdef0123456789abcdef",
            ads_token=SecretStr("demo"),
            **{**NOWHERE, **addresses(replay.url)},
        )
        store = Store(make_engine(settings.database))
        made.append(runtime_on(settings, store, FixedClock(NOW)))
        return made[-1]

    replay.set_faults([])
    yield make
    replay.set_faults([])
    for runtime in made:
        runtime.store.engine.dispose()


def _run(runtime: Runtime, name: str) -> JobRun:
    """Ask for one thing, as a person or the night would."""
    if name == "texts":
        return run_job(runtime, READ)
    return run_job(runtime, HARVEST, arguments={"sources": name})


def _prepare(runtime: Runtime, name: str) -> None:
    """What has to be there before: texts belong to papers."""
    if name == "texts":
        assert _run(runtime, "arxiv").outcome is Outcome.SUCCEEDED


_clean: dict[str, Fingerprint] = {}


def _clean_state(make: Callable[[], Runtime], name: str) -> Fingerprint:
    """What an undisturbed run leaves; worked out once."""
    if name not in _clean:
        runtime = make()
        _prepare(runtime, name)
        row = _run(runtime, name)
        assert (row.outcome, row.error) == (Outcome.SUCCEEDED, None)
        _clean[name] = fingerprint(runtime.store)
        assert sum(map(len, _clean[name].values())) > 20
    return _clean[name]


def _differences(clean: Fingerprint, ended: Fingerprint) -> dict[str, tuple[Counter[str], Counter[str]]]:
    """What is missing and what is too much, by subject; a page refused on the way may stay noted."""
    found = {}
    for subject, rows in clean.items():
        missing, surplus = rows - ended[subject], ended[subject] - rows
        if missing or (surplus and subject != "refusals"):
            found[subject] = (missing, surplus)
    return found


def _check(runtime: Runtime, replay: ReplayServer, case: tuple[str, str, str], clean: Fingerprint) -> None:
    name, kind, times = case
    _prepare(runtime, name)
    often, request = (1 if times == "once" else "always"), (1 if name == "arxiv-rss" else 2)  # a feed is one answer
    replay.set_faults([{"service": DOORS[name], "kind": kind, "request": request, "times": often}])
    row = _run(runtime, name)
    struck = replay.services.faults.struck
    assert struck, "the fault was never met"
    if row.outcome is Outcome.FAILED:
        assert _page_named(runtime, row, name), f"the error names no page: {row.error}"
        replay.set_faults([])
        row = _run(runtime, name)
    replay.set_faults([])
    assert (row.outcome, row.error) == (Outcome.SUCCEEDED, None)
    if case in TOLD and _differences(clean, fingerprint(runtime.store)):
        _check_told(runtime, name, row)
        return
    assert _differences(clean, fingerprint(runtime.store)) == {}


def _check_told(runtime: Runtime, name: str, row: JobRun) -> None:
    """What did not come is told by name; asked for by its days it comes."""
    with runtime.store.reading() as session:
        refusals = session.exec(select(HarvestRefusal).where(col(HarvestRefusal.job_run_id) == row.id)).all()
    if name == "texts":
        assert any("arXiv:" in refusal.place for refusal in refusals)
        return
    assert any("are missing" in refusal.reason for refusal in refusals)
    again = run_job(runtime, HARVEST, arguments={"sources": name, "since": "2011-01-01", "until": TODAY.isoformat()})
    assert again.outcome is Outcome.SUCCEEDED
    papers = fingerprint(runtime.store)["papers"]
    assert papers == _clean[name]["papers"]


def _page_named(runtime: Runtime, row: JobRun, name: str) -> bool:
    """Whether the run's error says where it ended: a page, beyond the address of the service."""
    error = str(row.error)
    if name == "texts":
        return "arXiv:" in error or "/e-print/" in error
    with runtime.store.reading() as session:
        places = session.exec(select(HarvestRefusal.place).where(col(HarvestRefusal.job_run_id) == row.id)).all()
    return any(place in error and not place.endswith(("/query", "/oai", "/sync", "/rss")) for place in places)


def test_every_source_is_in_the_matrix() -> None:
    """A source that is added to the harvest without its door here fails this test."""
    assert set(DOORS) == {*KNOWN, "texts"}


@pytest.mark.parametrize(("name", "kind", "times"), CASES)
def test_a_fault_costs_nothing_that_stays(
    fresh: Callable[[], Runtime], replay: ReplayServer, name: str, kind: str, times: str
) -> None:
    """Nothing is lost, doubled or different after a fault, whether it strikes once or until the run gives up."""
    clean = _clean_state(fresh, name)
    _check(fresh(), replay, (name, kind, times), clean)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("projects", "truncated"), ("arxiv", "changed_total"), ("arxiv-oai", "expired_token"), ("ads", "reset")],
)
def test_a_fault_costs_nothing_on_either_database(
    runtime: Runtime, fresh: Callable[[], Runtime], replay: ReplayServer, name: str, kind: str
) -> None:
    """What holds on SQLite holds on PostgreSQL: the same rows are there in the end."""
    clean = _clean_state(fresh, name)
    settings = runtime.settings.model_copy(update={**addresses(replay.url), "ads_token": SecretStr("demo")})
    _check(replace(runtime, settings=settings), replay, (name, kind, "once"), clean)
