"""What is told of a campaign while it goes on: only whom a letter left for was asked, and what came back is seen."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from biblio.catalogue.actor import MACHINE
from biblio.mail.addresses import AddressBook
from biblio.runtime import Runtime
from biblio.store.answers import Rate, figures_of
from biblio.store.models import Campaign, MailBounce, OutboxMail
from survey.box.closing import end_asking
from survey.campaign.queries import CampaignRow, campaign_row, campaigns, invited, strata
from survey.campaign.service import create_campaign
from survey.page.answering import opt_out, wrong_person
from tests.survey.people import (
    add_silent_projects,
    answer_all,
    let_it_end,
    make_campaign,
    open_and_send,
    said,
    tokens_of,
)
from tests.survey.released import add_campaign


def came_back(runtime: Runtime, *codes: int) -> None:
    """Let the letters with these places in the outbox come back for good."""
    book = AddressBook(runtime.settings)
    with runtime.store.writing() as session:
        mails = session.exec(select(OutboxMail).order_by(col(OutboxMail.id))).all()
        for mail in (mails[place] for place in codes):
            row = MailBounce(
                digest=f"bounce {mail.id}", outbox_mail_id=mail.id or 0, address_hash=book.hash(mail.email),
                key_id=book.key_id, is_hard=True, told_at=runtime.clock.now(), learned_at=runtime.clock.now(),
            )  # fmt: skip
            session.add(row)


def row_of(runtime: Runtime, campaign_id: int) -> CampaignRow:
    """Return a campaign's row as of now."""
    with runtime.store.reading() as session:
        return campaign_row(session, runtime, campaign_id)


def rates(runtime: Runtime, campaign_id: int) -> tuple[Rate, Rate]:
    """Return both rates of a campaign as the results show them."""
    with runtime.store.reading() as session:
        whole = figures_of(session, session.get_one(Campaign, campaign_id)).whole
        return whole.questionnaires, whole.people


def test_links_that_no_letter_told_of_were_not_sent(runtime: Runtime) -> None:
    """Of 24 links of 12 persons 10 went to 5: both rates are of these; ended early it stays so, as the others are taken back."""
    campaign = make_campaign(runtime, projects=24, per_person=2)
    assert row_of(runtime, campaign).progress.asked == 0
    open_and_send(runtime, campaign, batch=5)
    answer_all(runtime, tokens_of(runtime, campaign)[:3], [said(9)] * 3)
    progress = row_of(runtime, campaign).progress
    assert (progress.projects, progress.persons, progress.asked, progress.persons_asked) == (24, 12, 10, 5)
    assert rates(runtime, campaign) == (Rate(3, 10), Rate(2, 5))
    with runtime.store.writing() as session:
        end_asking(session, runtime, MACHINE, campaign)
    progress = row_of(runtime, campaign).progress
    assert (progress.projects, progress.persons, progress.asked, progress.withdrawn) == (10, 5, 10, 14)
    assert rates(runtime, campaign) == (Rate(3, 10), Rate(2, 5))


def test_an_uncertain_letter_counts_as_sent_and_a_stopped_one_does_not(runtime: Runtime) -> None:
    """A letter that may have arrived asked somebody; one that was given up asked nobody."""
    campaign = make_campaign(runtime, projects=6)
    open_and_send(runtime, campaign)
    with runtime.store.writing() as session:
        mails = session.exec(select(OutboxMail).order_by(col(OutboxMail.id))).all()
        mails[0].state = type(mails[0].state).UNCERTAIN
        mails[1].state = type(mails[1].state).CANCELLED
        session.add_all(mails)
    assert row_of(runtime, campaign).progress.asked == 5
    assert rates(runtime, campaign)[0] == Rate(0, 5)


def test_what_came_back_is_counted_and_told(runtime: Runtime) -> None:
    """A letter that came back was not delivered; the list says so, and who wants no more letters or is the wrong person."""
    campaign = make_campaign(runtime, projects=6)
    open_and_send(runtime, campaign)
    came_back(runtime, 0, 1)
    tokens = tokens_of(runtime, campaign)
    with runtime.store.writing() as session:
        opt_out(session, runtime, tokens[1])
        opt_out(session, runtime, tokens[2])
        wrong_person(session, runtime, tokens[3], "Ask Mina instead.")
    progress = row_of(runtime, campaign).progress
    assert (progress.delivered, progress.came_back) == (4, 2)
    with runtime.store.reading() as session:
        before = invited(session, runtime, campaign)
    assert [(row.letter, row.note) for row in before] == [
        ("came back", "The letter came back: its address does not work."),
        ("came back", "The letter came back: its address does not work. The PI wants no more letters."),
        ("sent", "The PI wants no more letters."),
        ("sent", "Told us that somebody else should be asked."),
        ("sent", ""),
        ("sent", ""),
    ]
    answer_all(runtime, tokens[3:5], [said(9)] * 2)
    with runtime.store.reading() as session:
        assert invited(session, runtime, campaign) == before


def test_ended_is_not_closed(runtime: Runtime) -> None:
    """Ended early the box is still sealed: "ended"; after its last day it was opened: "closed"."""
    campaign = make_campaign(runtime, projects=20)
    assert row_of(runtime, campaign).standing == "draft"
    open_and_send(runtime, campaign)
    assert row_of(runtime, campaign).standing == "open"
    with runtime.store.writing() as session:
        end_asking(session, runtime, MACHINE, campaign)
    assert row_of(runtime, campaign).standing == "ended"
    let_it_end(runtime, campaign)
    assert row_of(runtime, campaign).standing == "closed"


def test_totals_of_earlier_times_tell_what_is_known(runtime: Runtime) -> None:
    """What their source does not say is None, never 0."""
    with runtime.store.writing() as session:
        told = {"questionnaires_completed": 965, "persons_asked": 0, "source": "a list"}
        add_campaign(session, "2015", opened_at=None, past=told)
        row = campaigns(session, runtime)[0]
    progress = row.progress
    assert row.standing == "earlier"
    assert (progress.answered, progress.persons, progress.projects, progress.delivered) == (965, 0, None, None)


@pytest.mark.parametrize("projects", [4, 24])
def test_a_single_group_is_never_merged(runtime: Runtime, projects: int) -> None:
    """A group is too small only beside another one, however few its persons."""
    with runtime.store.writing() as session:
        add_silent_projects(session, projects)
        made = create_campaign(session, runtime, MACHINE, name="autumn", stratify_by="partner").campaign_id
        rows = strata(session, campaign_row(session, runtime, made))
    assert [(row.name, row.persons, row.is_small) for row in rows] == [("EU", projects, False)]
