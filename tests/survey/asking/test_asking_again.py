"""Asking a second time: by a named person's leave, with a reason, for one asking, and all of it kept."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlmodel import Session, select

from biblio.catalogue.actor import MACHINE, Actor
from biblio.clock import FixedClock
from biblio.errors import NotAllowed, NotFound, RequestRefused
from biblio.runtime import Runtime
from biblio.store.models import AskedBefore, AskingAgain, AuditEntry
from biblio.store.words import Role
from survey.asking.asking_again import MAY_GIVE_LEAVE, give_leave, has_leave, spend_leave, take_leave_back
from survey.asking.due import due
from survey.asking.rule import Ground
from survey.campaign.sending import queue_batch, send
from survey.campaign.service import create_campaign, discard
from tests.factories import LEARNED, add_project, add_user
from tests.survey.people import open_and_send

CODE = "2016.1.00001.S"


@pytest.fixture
def manager(runtime: Runtime, clock: FixedClock) -> Actor:
    """A manager; the project was asked about in a campaign yesterday."""
    with runtime.store.writing() as session:
        add_project(session, CODE)
        campaign = create_campaign(session, runtime, MACHINE, name="first").campaign_id
    open_and_send(runtime, campaign)
    clock.move(timedelta(days=1))
    with runtime.store.writing() as session:
        return add_user(session, "mona", Role.MANAGER)


def ground(session: Session, runtime: Runtime, ignoring: int | None = None) -> Ground | None:
    """Return where the project stands."""
    return next(s.judgement.ground for s in due(session, runtime, ignoring=ignoring))


def test_leave_holds_for_one_further_asking(runtime: Runtime, clock: FixedClock, manager: Actor) -> None:
    """With leave the project is due, its letter goes, and after that it counts as asked again; the leave stays on file."""
    with runtime.store.writing() as session:
        assert ground(session, runtime) is Ground.ASKED_BEFORE
        row = give_leave(session, runtime, manager, CODE, "  The data were processed\n anew. ")
        assert row.reason == "The data were processed anew."
        assert ground(session, runtime) is None
    with runtime.store.writing() as session:
        again = create_campaign(session, runtime, MACHINE, name="second").campaign_id
        assert ground(session, runtime) is Ground.ASKED_BEFORE
    clock.move(timedelta(hours=1))
    with runtime.store.writing() as session:
        assert queue_batch(session, runtime, MACHINE, again) == 1
        assert not has_leave(session, row.project_id)
        assert ground(session, runtime, ignoring=again) is None
    assert send(runtime).sent == 1
    with runtime.store.writing() as session:
        assert ground(session, runtime) is Ground.ASKED_BEFORE
        kept = session.exec(select(AskingAgain)).one()
        assert (kept.ended_by_id, kept.ended_at) == (None, clock.now())
        give_leave(session, runtime, manager, CODE, "And once more.")


def test_a_discarded_draft_uses_nothing_up(runtime: Runtime, manager: Actor) -> None:
    """Leave ends with a letter, not with a draft."""
    with runtime.store.writing() as session:
        give_leave(session, runtime, manager, CODE, "New data.")
        draft = create_campaign(session, runtime, MACHINE, name="second").campaign_id
        with pytest.raises(RequestRefused, match="given already"):
            give_leave(session, runtime, manager, CODE, "Twice.")
        discard(session, runtime, MACHINE, draft)
        assert ground(session, runtime) is None


def test_leave_taken_back_stops_the_letter(runtime: Runtime, manager: Actor) -> None:
    """What a person takes back counts for no campaign; the history says who gave it and who took it back."""
    with runtime.store.writing() as session:
        give_leave(session, runtime, manager, CODE, "New data.")
        second = create_campaign(session, runtime, MACHINE, name="second").campaign_id
    with runtime.store.writing() as session:
        take_leave_back(session, runtime, manager, CODE)
        assert ground(session, runtime, ignoring=second) is Ground.ASKED_BEFORE
        queue_batch(session, runtime, MACHINE, second)
    assert send(runtime).sent == 0
    with runtime.store.writing() as session:
        acts = [row.action for row in session.exec(select(AuditEntry).where(AuditEntry.subject == CODE))]
        assert acts == ["asking again allowed", "asking again taken back"]
        with pytest.raises(RequestRefused, match="No leave"):
            take_leave_back(session, runtime, manager, CODE)


def test_who_may_give_leave_and_for_what(runtime: Runtime, manager: Actor) -> None:
    """Managers and head librarians, with a reason, for a project that was asked about; nobody else, for nothing else."""
    assert {Role.MANAGER, Role.HEAD_LIBRARIAN} == MAY_GIVE_LEAVE
    with runtime.store.writing() as session:
        add_project(session, "2016.1.00002.S")
        with pytest.raises(NotAllowed, match="manager"):
            give_leave(session, runtime, add_user(session, "lib"), CODE, "Because.")
        with pytest.raises(NotAllowed):
            give_leave(session, runtime, MACHINE, CODE, "Because.")
        for reason in ("", "  \n", "x" * 301):
            with pytest.raises(RequestRefused, match="Say in at most"):
                give_leave(session, runtime, manager, CODE, reason)
        with pytest.raises(RequestRefused, match="never asked about"):
            give_leave(session, runtime, manager, "2016.1.00002.S", "Because.")
        with pytest.raises(NotFound):
            give_leave(session, runtime, manager, "2099.1.00002.S", "Because.")
        draft = create_campaign(session, runtime, MACHINE, name="second")
        assert draft.projects == 1
        with pytest.raises(RequestRefused, match="draft"):
            give_leave(session, runtime, manager, "2016.1.00002.S", "Because.")


def test_leave_is_younger_than_the_last_asking(runtime: Runtime, manager: Actor) -> None:
    """An asking that is taken over later, of a later day, needs leave of its own; the past knows no leave of today."""
    with runtime.store.writing() as session:
        row = give_leave(session, runtime, manager, CODE, "New data.")
        yesterday = runtime.clock.today() - timedelta(days=1)
        assert due(session, runtime, yesterday)[0].judgement.ground is Ground.ASKED_BEFORE
        asked = AskedBefore(project_id=row.project_id, asked_on=date(2026, 11, 23), source="t", learned_at=LEARNED)
        session.add(asked)
        session.flush()
        assert ground(session, runtime) is Ground.ASKED_BEFORE


def test_spending_ends_only_what_is_open(runtime: Runtime, manager: Actor) -> None:
    """The leave of other projects stays; spending nothing is nothing."""
    with runtime.store.writing() as session:
        row = give_leave(session, runtime, manager, CODE, "New data.")
        assert spend_leave(session, [], runtime.clock.now()) == 0
        assert spend_leave(session, [row.project_id + 1], runtime.clock.now()) == 0
        assert spend_leave(session, [row.project_id], runtime.clock.now()) == 1
        assert spend_leave(session, [row.project_id], runtime.clock.now()) == 0
