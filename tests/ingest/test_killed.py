"""A harvest or a reading that is killed at any moment, then run again, ends as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel, select

from biblio.store import Store, make_engine, upgrade
from biblio.store.models import HarvestPage, JobRun, TextReading
from demo.replay import ReplayServer
from tests.ingest.conftest import addresses
from tests.ingest.fingerprint import fingerprint

ROOT = Path(__file__).resolve().parents[2]

Reached = Callable[[Store], bool]


def _pages(source: str, count: int) -> Reached:
    """A harvest has stored so many pages of a source."""
    return lambda store: _count(store, HarvestPage, HarvestPage.source == source) >= count


def _texts(count: int) -> Reached:
    """A reading has stored so many texts."""
    return lambda store: _count(store, TextReading) >= count


def _count(store: Store, model: type[SQLModel], *where: object) -> int:
    with store.reading() as session:
        return session.exec(select(sa.func.count()).select_from(model).where(*where)).one()  # type: ignore[arg-type]


def _start(job: str, url: str, served: ReplayServer, home: Path) -> subprocess.Popen[bytes]:
    settings = addresses(served.url) | {"database_url": url, "home": home, "ads_token": "demo"}
    environment = {f"BIBLIO_{name.upper()}": str(value) for name, value in settings.items()}
    environment["PATH"] = os.environ["PATH"]
    return subprocess.Popen(
        [sys.executable, "-m", "biblio", "run", job, "--quiet"],
        env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def _run(job: str, url: str, served: ReplayServer, home: Path) -> None:
    process = _start(job, url, served, home)
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 0, output.decode()


def _kill_when(reached: Reached, store: Store, process: subprocess.Popen[bytes]) -> None:
    """Kill the process, as a power cut would, as soon as ``reached``."""
    deadline = time.monotonic() + 100
    while process.poll() is None and not reached(store):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    output, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, output.decode()


def _clean(tmp_path: Path, served: ReplayServer) -> Store:
    """A database in which both jobs ran once, undisturbed."""
    url = f"sqlite:///{tmp_path / 'clean.db'}"
    store = Store(make_engine(url))
    upgrade(store.engine)
    for job in ("harvest", "read"):
        _run(job, url, served, tmp_path)
    return store


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory, served: ReplayServer) -> dict[str, object]:
    """What an undisturbed harvest and reading leave."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("BIBLIO_")]:
            patch.delenv(name)
        store = _clean(tmp_path_factory.mktemp("clean"), served)
    found: dict[str, object] = dict(fingerprint(store))
    store.engine.dispose()
    return found


def test_killed_and_run_again_ends_like_one_clean_run(
    store: Store, database_url: str, served: ReplayServer, tmp_path: Path, clean: dict[str, object]
) -> None:
    """Five kills at different moments of harvest and reading change nothing of the end state."""
    kills: list[tuple[str, Reached]] = [
        ("harvest", _pages("registry", 1)),
        ("harvest", _pages("arxiv", 30)),
        ("harvest", _pages("ads", 2)),
        ("read", _texts(1)),
        ("read", _texts(1100)),
    ]
    for place, (job, reached) in enumerate(kills):
        if place and job != kills[place - 1][0]:
            _run(kills[place - 1][0], database_url, served, tmp_path)
        _kill_when(reached, store, _start(job, database_url, served, tmp_path))
    _run("read", database_url, served, tmp_path)
    ended = fingerprint(store)
    for subject, rows in clean.items():
        assert ended[subject] == rows, subject
    outcomes = [row for row in _outcomes(store) if row != "abandoned"]
    assert outcomes == ["succeeded", "succeeded"]


def _outcomes(store: Store) -> list[str]:
    with store.reading() as session:
        return [row.outcome.value for row in session.exec(select(JobRun).order_by(sa.text("id")))]
