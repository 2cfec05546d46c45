"""Erasing addresses and letters of campaigns that closed long ago: all of them, once, and no figure with them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel, select

from biblio.catalogue.actor import MACHINE
from biblio.clock import FixedClock
from biblio.runtime import Runtime
from biblio.store.models import Answer, Ballot, Campaign, Invitation, OptOut, ProjectRevision
from survey.asking.due import due
from survey.asking.rule import Ground
from survey.box.ballots import key_path
from survey.box.closing import close_overdue
from survey.box.purging import due_for_purging, purge
from survey.box.release import release_of
from survey.campaign.sending import queue_batch
from survey.campaign.service import discard
from survey.page.answering import LinkClosed, addressed, opt_out, wrong_person
from tests.survey.people import answer_all, let_it_end, make_campaign, open_and_send, said, tokens_of


def closed(runtime: Runtime) -> tuple[int, list[str]]:
    """Return a closed campaign with answers, an opt-out and a message, and its links."""
    campaign = make_campaign(runtime, projects=8)
    open_and_send(runtime, campaign)
    tokens = tokens_of(runtime, campaign)
    answer_all(runtime, tokens, [said(4)] * 6)
    with runtime.store.writing() as session:
        opt_out(session, runtime, tokens[0])
        wrong_person(session, runtime, tokens[7], "Ask Mina Example, mina@example.org.")
    let_it_end(runtime, campaign)
    return campaign, tokens


def dumped(runtime: Runtime) -> str:
    """Return every row of the database but the project list, whose addresses are the registry's own."""
    with runtime.store.engine.connect() as connection:
        return "".join(
            repr(connection.execute(sa.select(table)).all())
            for table in SQLModel.metadata.sorted_tables
            if table.name != ProjectRevision.__tablename__
        )


def test_after_a_year_no_address_is_left(runtime: Runtime, clock: FixedClock) -> None:
    """Names, addresses, links, notes, letters on disk and which links were used are gone; counts and answers stay."""
    campaign, tokens = closed(runtime)
    folder = Path(runtime.settings.outgoing_mail)
    assert len(list(folder.glob("*.eml"))) == 8
    clock.move(timedelta(days=330))
    assert purge(runtime, MACHINE) == []
    clock.move(timedelta(days=40))
    with runtime.store.reading() as session:
        (waiting,) = due_for_purging(session, runtime)
        before = session.get_one(Campaign, campaign).counts
    assert (waiting.addresses, waiting.letters) == (8, 8)
    assert purge(runtime, MACHINE) == [waiting]
    assert purge(runtime, MACHINE) == []
    left = dumped(runtime)
    for number in range(8):
        assert f"person{number}@" not in left
        assert f"Person{number}" not in left
    assert "Mina" not in left
    assert list(folder.glob("*.eml")) == []
    with runtime.store.reading() as session:
        row = session.get_one(Campaign, campaign)
        assert row.counts == before == {
            "projects": 8, "persons": 8, "bounced": 0, "completed": 6, "persons_answered": 6
        }  # fmt: skip
        assert len(session.exec(select(Answer)).all()) == 6
        assert not any(row.is_used for row in session.exec(select(Invitation)))
        assert release_of(session, row).used == 6
        grounds = {s.judgement.ground for s in due(session, runtime)}
        assert grounds == {Ground.ASKED_BEFORE}
        assert len(session.exec(select(OptOut)).all()) == 1
    with pytest.raises(LinkClosed), runtime.store.reading() as session:
        addressed(session, tokens[7])


def test_a_campaign_that_is_not_settled_keeps_its_addresses(runtime: Runtime, clock: FixedClock) -> None:
    """An open campaign, and one whose box could not be opened yet, are never erased; a discarded draft is."""
    draft = make_campaign(runtime, projects=3)
    with runtime.store.writing() as session:
        discard(session, runtime, MACHINE, draft)
    running = make_campaign(runtime, projects=0, name="running")
    with runtime.store.writing() as session:
        queue_batch(session, runtime, MACHINE, running, batch=1)
    clock.move(timedelta(days=500))
    assert [each.campaign_id for each in purge(runtime, MACHINE)] == [draft]
    with runtime.store.reading() as session:
        assert session.get_one(Campaign, running).purged_at is None


def test_a_kill_between_files_and_rows_is_made_good(
    runtime: Runtime, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the process dies after the files are gone, the next run erases the rows."""
    campaign, _tokens = closed(runtime)
    clock.move(timedelta(days=400))
    with monkeypatch.context() as broken:
        broken.setattr("survey.box.purging._erase", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            purge(runtime, MACHINE)
    assert [each.campaign_id for each in purge(runtime, MACHINE)] == [campaign]
    assert "person1@" not in dumped(runtime)


def test_a_lost_key_keeps_no_address_for_ever(runtime: Runtime, clock: FixedClock) -> None:
    """Where the key is gone the ballots can never be read: when addresses are erased they are destroyed, and it is said."""
    campaign = make_campaign(runtime, projects=8)
    open_and_send(runtime, campaign)
    answer_all(runtime, tokens_of(runtime, campaign), [said(4)] * 6)
    key_path(runtime.settings.survey_keys, campaign).unlink()
    clock.move(timedelta(weeks=runtime.profile.asking.open_weeks, days=1))
    ((_name, problem),) = close_overdue(runtime)
    assert "put the key back" in str(problem)
    clock.move(timedelta(days=200))
    assert purge(runtime, MACHINE) == []
    clock.move(timedelta(days=200))
    assert [each.campaign_id for each in purge(runtime, MACHINE)] == [campaign]
    assert "person1@" not in dumped(runtime)
    with runtime.store.reading() as session:
        release = release_of(session, session.get_one(Campaign, campaign))
        assert (release.used, release.destroyed) == (6, 6)
        assert session.exec(select(Ballot)).all() == []
    assert close_overdue(runtime) == []


def test_a_forgotten_draft_is_given_up(runtime: Runtime, clock: FixedClock) -> None:
    """A draft that nobody opened for a year is discarded, and its addresses go a year after that."""
    draft = make_campaign(runtime, projects=4)
    clock.move(timedelta(days=370))
    assert purge(runtime, MACHINE) == []
    clock.move(timedelta(days=370))
    assert [each.campaign_id for each in purge(runtime, MACHINE)] == [draft]
    assert "person1@" not in dumped(runtime)
