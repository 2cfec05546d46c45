"""A kill at any moment of a trial: the next run does what is missing and no more, and ends where a clean one would."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlmodel import select

from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import TrialPaper
from biblio.store.words import Outcome, TrialState
from biblio.verify.learning import rematch as trials
from biblio.verify.learning.rematch import open_trial
from biblio.verify.learning.rematch import rematch as job
from tests.verify.killing import run_and_kill
from tests.verify.learning.test_rematch import fill, found_in

CHILD = """
import biblio.verify.learning.rematch as trials

trials.SHARD = 4
keep, left = trials._keep, [number]

def dying(context, trial_id, world, piece, result):
    left[0] -= 1
    if place == "before" and not left[0]:
        die()
    keep(context, trial_id, world, piece, result)
    if place == "after" and not left[0]:
        die()

class Dying(Store):
    @contextmanager
    def writing(self):
        with super().writing() as session:
            yield session
            session.flush()
            if place == "inside" and not left[0]:
                die()

trials._keep = dying
run_job(site(Dying), trials.rematch, arguments={"model": "now"})
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
    run_and_kill(CHILD, database_url, place, number, tmp_path / "home")
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
