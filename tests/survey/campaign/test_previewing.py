"""What a campaign would do: counts, warnings, groups, the next letters; nothing is changed by looking."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlmodel import select

from biblio.catalogue.actor import MACHINE
from biblio.errors import RequestRefused
from biblio.mail import usable_address
from biblio.runtime import Runtime
from biblio.store.models import Campaign, OutboxMail
from survey.asking.rule import Ground
from survey.campaign.previewing import name_refused, next_letters, preview, reminder_days, wording_of
from survey.campaign.sending import queue_batch, send
from survey.campaign.service import create_campaign
from tests.factories import accept, add_paper, add_project, add_user
from tests.survey.people import add_silent_projects, make_campaign


@pytest.mark.smallest
def test_an_empty_bibliography_warns_and_a_filled_one_does_not(runtime: Runtime) -> None:
    """On day one no cycle has verified papers: the warning names it. With a fifth of them verified it is gone."""
    with runtime.store.writing() as session:
        numbers = add_silent_projects(session, 30)
        first = preview(session, runtime)
        actor = add_user(session)
        for number in numbers[:6]:
            accept(session, actor, add_paper(session), number, now=runtime.clock.now())
        second = preview(session, runtime)
    assert first.persons == 30
    assert first.refusal is None
    assert len(first.warnings) == 1
    assert "2016.1: only 0 of 30 projects" in first.warnings[0]
    assert [(c.cycle, c.verified, c.old, c.is_thin) for c in second.cycles] == [("2016.1", 6, 30, False)]
    assert second.warnings == []
    assert dict(second.by_ground)[Ground.NOT_SILENT] == 6


@pytest.mark.smallest
@pytest.mark.parametrize(("persons", "is_refused"), [(0, True), (1, True), (19, True), (20, False)])
def test_fewer_than_twenty_persons_are_no_campaign(sqlite_runtime: Runtime, persons: int, is_refused: bool) -> None:
    """The preview and the service agree on the number, which counts persons and not projects."""
    with sqlite_runtime.store.writing() as session:
        add_silent_projects(session, 2 * persons, per_person=2)
        ahead = preview(session, sqlite_runtime)
    assert ahead.persons == persons
    assert (ahead.refusal is not None) is is_refused
    if is_refused:
        with pytest.raises(RequestRefused), sqlite_runtime.store.writing() as session:
            create_campaign(session, sqlite_runtime, MACHINE, name="small")


def test_groups_count_persons_once(runtime: Runtime) -> None:
    """By cycle, each group has its projects and its distinct persons; the smallest are marked to be merged."""
    with runtime.store.writing() as session:
        add_silent_projects(session, 12, per_person=2)
        add_project(session, "2013.1.00001.S", pi_email="other@example.org")
        ahead = preview(session, runtime, stratify_by="cycle")
    assert [(s.projects, s.persons, s.is_small) for s in ahead.strata] == [(1, 1, True), (12, 6, False)]
    assert ahead.minimum == 5


def test_the_next_letters_are_what_the_sender_sends(runtime: Runtime) -> None:
    """One letter for each person with all their projects, without a published one; then exactly these letters go."""
    campaign = make_campaign(runtime, projects=6, per_person=2)
    with runtime.store.writing() as session:
        session.get_one(Campaign, campaign)
        projects = [s.project_id for s in preview(session, runtime).standings]
        actor = add_user(session)
        for number in projects[:3]:
            accept(session, actor, add_paper(session), number, now=runtime.clock.now())
        ahead = next_letters(session, runtime, campaign, 2)
        assert session.exec(select(OutboxMail)).all() == []
    assert [(letter.codes, len(letter.left_out)) for letter in ahead] == [([], 2), (["2016.1.00003.S"], 1)]
    assert ahead[0].body == ""
    assert "2016.1.00003.S  Fictional discs 3" in ahead[1].body
    assert "/survey/…" in ahead[1].body
    assert "A refereed science paper" in ahead[1].left_out[0][1]
    with runtime.store.writing() as session:
        queue_batch(session, runtime, MACHINE, campaign, batch=2)
    counts = send(runtime)
    assert (counts.sent, counts.cancelled) == (1, 1)
    with runtime.store.reading() as session:
        assert [letter.codes for letter in next_letters(session, runtime, campaign, 9)] == [
            ["2016.1.00004.S", "2016.1.00005.S"]
        ]


def test_days_of_reminders_follow_the_first_letter(runtime: Runtime) -> None:
    """None while it is a draft; then the profile's days after the first, as far as the campaign is open."""
    campaign = make_campaign(runtime, projects=2)
    with runtime.store.writing() as session:
        row = session.get_one(Campaign, campaign)
        assert reminder_days(runtime, row) == []
        assert not wording_of(runtime, row).is_frozen
        queue_batch(session, runtime, MACHINE, campaign)
        assert reminder_days(runtime, row) == [date(2026, 12, 6), date(2026, 12, 20)]
        row.closes_on = date(2026, 12, 7)
        assert reminder_days(runtime, row) == [date(2026, 12, 6)]
        row.closed_at = datetime(2026, 11, 30, tzinfo=UTC)
        assert reminder_days(runtime, row) == []
        assert wording_of(runtime, row).is_frozen


@pytest.mark.parametrize(
    ("name", "is_refused"),
    [
        ("2026 autumn", False),
        ("\u79cb", False),
        ("", True),
        (" \t", True),
        ("a\x00b", True),
        ("a\u202eb", True),
        ("x" * 101, True),
    ],
)
def test_a_name_is_one_that_can_be_read(name: str, is_refused: bool) -> None:
    """Empty names, too long ones, and signs that nobody sees are refused."""
    assert (name_refused(name) is not None) is is_refused


@pytest.mark.parametrize(
    ("address", "wire"),
    [
        (" Ada.Maker@Astro.Example.ORG ", "Ada.Maker@astro.example.org"),
        ("a+b@example.org", "a+b@example.org"),
        ("ada@b\u00fccher.example", "ada@xn--bcher-kva.example"),
        ("x" * 64 + "@example.org", "x" * 64 + "@example.org"),
    ],
)
def test_addresses_take_the_form_of_the_wire(address: str, wire: str) -> None:
    """Small letters after the "@", other scripts in ASCII; what stands before it stays."""
    assert usable_address(address) == wire


@pytest.mark.parametrize(
    "address",
    ["a..b@example.org", ".a@example.org", "a@-b.org", "a@b..org", "a@localhost", "a@b", ""],
)
def test_addresses_that_cannot_work_are_refused(address: str) -> None:
    """The quick way for plain addresses lets none through that the long way refuses."""
    with pytest.raises(RequestRefused):
        usable_address(address)
