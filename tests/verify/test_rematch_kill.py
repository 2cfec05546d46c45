"""A kill at any moment of a trial: the next run does what is missing and no more, and ends where a clean one would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlmodel import select

from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import TrialPaper
from biblio.store.words import Outcome, TrialState
from biblio.verify import rematch as trials
from biblio.verify.rematch import open_trial
from biblio.verify.rematch import rematch as job
from tests.verify.test_rematch import fill, found_in

CHILD = """
import os, signal, sys
from contextlib import contextmanager
from datetime import UTC, datetime
from biblio.clock import FixedClock
from biblio.jobs import run_job
from biblio.runtime import Runtime, checked_profile
from biblio.settings import Settings
from biblio.store import Store, make_engine
import biblio.verify.rematch as trials

url, place, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
trials.SHARD = 4
keep, left = trials._keep, [number]

def dying(context, trial_id, world, piece, result):
    left[0] -= 1
    if place == "before" and not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    keep(context, trial_id, world, piece, result)
    if place == "after" and not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)

class Dying(Store):
    @contextmanager
    def writing(self):
        with super().writing() as session:
            yield session
            session.flush()
            if place == "inside" and not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)

trials._keep = dying
runtime = Runtime(settings=Settings(database_url=url), profile=checked_profile(None), store=Dying(make_engine(url)),
                  clock=FixedClock(datetime(2026, 11, 22, 12, 0, tzinfo=UTC)))
run_job(runtime, trials.rematch, arguments={"model": "now"})
"""


@pytest.mark.parametrize(("place", "number", "stored"), [("before", 1, 0), ("inside", 3, 8), ("after", 2, 8)])
def test_a_killed_trial_goes_on(
    runtime: Runtime,
    monkeypatch: pytest.MonkeyPatch,
    database_url: str,
    tmp_path: Path,
    place: str,
    number: int,
    stored: int,
) -> None:
    """SIGKILL before, within and after a piece's transaction: at most that piece of four papers is done anew."""
    fill(runtime.store)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BIBLIO_")}
    child = subprocess.run(
        [sys.executable, "-c", CHILD, database_url, place, str(number)],
        env={**environment, "BIBLIO_HOME": str(tmp_path / "home")},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()[-2000:]
    monkeypatch.setattr(trials, "SHARD", 4)
    with runtime.store.reading() as session:
        trial = open_trial(session)
        assert trial is not None
        assert trial.state is TrialState.RUNNING
        assert len(session.exec(select(TrialPaper.paper_id)).all()) == stored
    row = run_job(runtime, job, arguments={"model": "now"})
    assert row.outcome is Outcome.SUCCEEDED, row.error
    assert row.counts["tried"] == 15 - stored
    resumed = found_in(runtime)
    with runtime.store.writing() as session:
        first = open_trial(session)
        assert first is not None
        assert (first.id, first.state) == (trial.id, TrialState.READY)
        trials.drop(session, first, now=runtime.clock.now())
    assert run_job(runtime, job, arguments={"model": "now"}).counts["tried"] == 15
    assert found_in(runtime) == resumed
