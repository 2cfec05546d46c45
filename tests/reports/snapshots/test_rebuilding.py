"""Whatever happens to a bibliography later: a report that was frozen is built again bit for bit."""

from __future__ import annotations

from datetime import timedelta

import pytest

from biblio.catalogue.actor import MACHINE
from biblio.clock import FixedClock
from biblio.runtime import Runtime
from reports.service import build_report, freeze, snapshots
from reports.snapshots.rebuilding import rebuild
from reports.snapshots.told import lines
from tests.reports.snapshots.life import Life


@pytest.mark.parametrize("seed", range(2))
def test_every_frozen_report_is_built_again_bit_for_bit(runtime: Runtime, clock: FixedClock, seed: int) -> None:
    """Harvests, decisions, merges, corrections and their undoing by chance; frozen in the midst of days and of past days."""
    life = Life(runtime, clock, seed)
    for days_ago in (0, 3, 12):
        life.goes_on(25)
        clock.move(timedelta(minutes=1))
        now = clock.now()
        with runtime.store.reading() as session:
            report = build_report(runtime, session, now.date() - timedelta(days=days_ago), known_by=now)
        with runtime.store.writing() as session:
            freeze(session, MACHINE, report, now=now)
    life.goes_on(30)
    with runtime.store.reading() as session:
        kept = snapshots(session)
        again = [rebuild(runtime, session, one) for one in kept]
    assert any(one.figures["papers/by-year/all/papers"] for one in kept), "a life without any paper shows nothing"
    assert len({one.sha256 for one in kept}) == len(kept)
    for one in again:
        assert one.is_same, "\n".join((str(one.snapshot), *one.reasons, *lines(one.found)))


def test_both_databases_give_the_same_bytes(runtime: Runtime, sqlite_runtime: Runtime, clock: FixedClock) -> None:
    """The same life on SQLite and on PostgreSQL is the same report, to the last byte."""
    begun = clock.now()
    digests = []
    for each in (runtime, sqlite_runtime):
        clock.move(begun - clock.now())
        Life(each, clock, 7).goes_on(40)
        now = clock.now()
        with each.store.reading() as session:
            report = build_report(each, session, now.date(), known_by=now)
        with each.store.writing() as session:
            digests.append(freeze(session, MACHINE, report, now=now).snapshot.sha256)
    assert digests[0] == digests[1]
