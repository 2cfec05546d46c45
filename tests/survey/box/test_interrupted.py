"""Closing, discarding and erasing, cut off between any two SQL statements: nothing is lost, doubled or left half done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import select

from biblio.catalogue.actor import MACHINE
from biblio.clock import FixedClock
from biblio.runtime import Runtime
from biblio.store.models import Answer, AuditEntry, Ballot, Campaign, Comment, Invitation, JournalSuggestion
from survey.box.ballots import key_path
from survey.box.closing import close_campaign
from survey.box.purging import purge
from tests.survey.people import answer_all, make_campaign, open_and_send, said, tokens_of


class Cut(BaseException):
    """The process ends here, as far as the database can tell."""


@contextmanager
def cut_at(runtime: Runtime, number: int) -> Iterator[None]:
    """Raise ``Cut`` in place of the ``number``-th statement or commit; what was not committed is rolled back."""
    seen = 0

    def count(*_arguments: object) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            raise Cut

    engine = runtime.store.engine
    for event in ("before_cursor_execute", "commit"):
        sa.event.listen(engine, event, count)
    try:
        yield
    finally:
        for event in ("before_cursor_execute", "commit"):
            sa.event.remove(engine, event, count)


def through_every_cut(runtime: Runtime, act: Callable[[], object], state: Callable[[], object]) -> list[object]:
    """Do ``act`` cut off at its first statement, its second … until it gets through; return the states it went through.

    When a cut-off try has moved the state on, the next tries begin at their first statement again, so that every pair
    of neighbouring statements of every unit of work is cut once.
    """
    states = [state()]
    number = 1
    while True:
        assert number < 500, "it never gets through"
        try:
            with cut_at(runtime, number):
                act()
        except Cut:
            now = state()
            number = 1 if now != states[-1] else number + 1
            if now != states[-1]:
                states.append(now)
        else:
            states.append(state())
            return states


def test_closing_cut_anywhere_ends_as_one_clean_closing(runtime: Runtime, clock: FixedClock) -> None:
    """At every moment there are six ballots and no answer, or no ballot and six answers; at the end the key is gone."""
    campaign = make_campaign(runtime, projects=8)
    open_and_send(runtime, campaign)
    answers = [said(1, "Annals of the Southern Sky"), *[said(4, "", f"words {n}") for n in range(5)]]
    answer_all(runtime, tokens_of(runtime, campaign), answers)
    clock.move(timedelta(weeks=runtime.profile.asking.open_weeks, days=1))
    path = key_path(runtime.settings.survey_keys, campaign)

    def state() -> tuple[object, ...]:
        with runtime.store.reading() as session:
            counts = [len(session.exec(select(table)).all()) for table in (Ballot, Answer, Comment, JournalSuggestion)]
            row = session.get_one(Campaign, campaign)
            assert counts in ([6, 0, 0, 0], [0, 6, 5, 1])
            assert (counts[0] == 0) == (row.released_at is not None)
            assert path.exists() or counts[0] == 0, "the key is needed for as long as there are ballots"
            return (*counts, row.closed_at is not None, path.exists(), row.key_destroyed_at is not None)

    states = through_every_cut(runtime, lambda: close_campaign(runtime, MACHINE, campaign), state)
    assert states[0] == (6, 0, 0, 0, False, True, False)
    assert states[-1] == (0, 6, 5, 1, True, False, True)
    with runtime.store.reading() as session:
        done = [e.action for e in session.exec(select(AuditEntry)) if e.action.startswith(("ballots", "campaign key"))]
    assert sorted(done) == ["ballots released", "campaign key destroyed"]


def test_erasing_cut_anywhere_leaves_no_address_in_the_end(runtime: Runtime, clock: FixedClock) -> None:
    """Rows of a campaign are erased all together; the counts never change."""
    campaign = make_campaign(runtime, projects=6)
    open_and_send(runtime, campaign)
    answer_all(runtime, tokens_of(runtime, campaign), [said(4)] * 5)
    clock.move(timedelta(weeks=runtime.profile.asking.open_weeks, days=1))
    close_campaign(runtime, MACHINE, campaign)
    with runtime.store.reading() as session:
        counts = session.get_one(Campaign, campaign).counts
    clock.move(timedelta(days=400))

    def state() -> int:
        with runtime.store.reading() as session:
            row = session.get_one(Campaign, campaign)
            assert row.counts == counts
            left = sum(bool(each.email) for each in session.exec(select(Invitation)))
            assert left == (0 if row.purged_at else 6)
            return left

    assert through_every_cut(runtime, lambda: purge(runtime, MACHINE), state)[-1] == 0


def test_the_cut_is_real(runtime: Runtime) -> None:
    """A control: what a cut-off unit of work had written is not there."""
    campaign = make_campaign(runtime, projects=1)
    with pytest.raises(Cut), cut_at(runtime, 3), runtime.store.writing() as session:
        for number in range(5):
            session.add(Ballot(id=f"{number:032d}", campaign_id=campaign, sealed=b""))
            session.flush()
    with runtime.store.reading() as session:
        assert session.exec(select(Ballot)).all() == []
