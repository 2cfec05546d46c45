"""Figures of campaigns: two rates that never pass 1, and no two figures that differ by the answers of few persons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import chain, combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biblio.store import Store
from biblio.store.answers import (
    GROUPS,
    Part,
    Rate,
    Standing,
    answers_of_closed_campaigns,
    figures_of,
    groups_of,
    reasons_of,
    shown,
)
from biblio.store.models import CampaignStratum, Invitation, InvitationLetter, OutboxMail, PastTotal, Project
from biblio.store.words import MailState
from tests.survey.released import CLOSED, OPENED, add_answers, add_campaign, counts

numbers = st.integers(0, 3000)


# -- rates ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("completed", "asked", "words"),
    [
        (185 - 32, 616, "153 of 616 (24.8\u202f%)"),
        (965, 1278, "965 of 1\u202f278 (75.5\u202f%)"),
        (965, None, "965 of a number not known"),
        (None, 616, "a number not known of 616"),
        (None, None, "not known"),
        (0, 0, "nobody was asked"),
        (0, 10, "0 of 10 (0.0\u202f%)"),
        (1300, 1278, "1\u202f300 of 1\u202f278: the two numbers contradict each other"),
    ],
)
def test_rates_as_people_read_them(completed: int | None, asked: int | None, words: str) -> None:
    """Two published surveys give the rates that were published; an unknown number is never 0 %."""
    assert Rate(completed, asked).words == words


@given(st.none() | numbers, st.none() | numbers)
def test_no_rate_passes_one(completed: int | None, asked: int | None) -> None:
    """Whatever the two numbers, a rate lies between 0 and 1 or is not known."""
    share = Rate(completed, asked).share
    assert share is None or 0 <= share <= 1
    assert (share is None) == (completed is None or not asked or completed > asked)


# -- small numbers ----------------------------------------------------------------------------------------------------

# A person and the reason given, once for each of their projects; a list of them for each stratum.
strata_of_answers = st.lists(
    st.lists(st.tuples(st.integers(0, 25), st.integers(1, 12)), max_size=14), min_size=1, max_size=4
)


def part(name: str, answers: Sequence[tuple[int, int]]) -> Part:
    """Count answers given by (person, reason)."""
    counts: dict[int, int] = {}
    for _person, reason in answers:
        counts[reason] = counts.get(reason, 0) + 1
    persons = len({person for person, _ in answers})
    return Part(name, completed=len(answers), persons_answered=persons, chosen={"status": counts} if counts else {})


@given(strata_of_answers, st.integers(2, 7), st.booleans())
def test_no_two_figures_differ_by_the_answers_of_few(
    strata: list[list[tuple[int, int]]], minimum: int, some_stand_apart: bool
) -> None:
    """All that can be added up and subtracted of what is shown is about nobody, or about the minimum of persons at least.

    Answers may stand under no stratum (the last ones here then do), which then is what the strata leave of the whole.
    """
    numbered = [[(place, index, *answer) for index, answer in enumerate(each)] for place, each in enumerate(strata)]
    everything = [answer for each in numbered for answer in each]
    named = numbered[:-1] if some_stand_apart else numbered
    whole, parts = shown(
        part("all", [(person, reason) for _, _, person, reason in everything]),
        [part(str(place), [(p, r) for _, _, p, r in each]) for place, each in enumerate(named)],
        question="status",
        minimum=minimum,
    )
    published = [set(everything)] if whole.chosen else []
    published += [set(numbered[int(each.name)]) for each in parts]
    sums = [set(chain(*some)) for size in range(len(published) + 1) for some in combinations(published, size)]
    for one, other in combinations(sums, 2):
        persons = {person for _, _, person, _ in one ^ other}
        assert not one ^ other or len(persons) >= minimum


def test_a_small_stratum_hides_all_strata_but_not_the_whole() -> None:
    """Of strata of six and three persons neither is shown: the whole less one would be the other."""
    strata = [part("A", [(n, 1) for n in range(6)]), part("B", [(n, 2) for n in range(6, 9)])]
    everybody = part("all", [(n, 1 if n < 6 else 2) for n in range(9)])
    whole, parts = shown(everybody, strata, question="status", minimum=5)
    assert whole.chosen == {"status": {1: 6, 2: 3}}
    assert parts == ()


def test_many_answers_of_few_persons_are_not_shown() -> None:
    """Nine answers of three persons are the answers of three persons."""
    whole, _ = shown(part("all", [(n % 3, 1) for n in range(9)]), (), question="status", minimum=5)
    assert whole.chosen == {}
    assert whole.completed == 9


# -- reading ----------------------------------------------------------------------------------------------------------


def test_a_closed_campaign_has_both_rates_and_its_reasons(store: Store) -> None:
    """Frozen counts give the rates, rows the reasons in the order of the chain, and the five groups add them up."""
    with store.writing() as session:
        campaign = add_campaign(session, "spring", counts=counts(40, 30, 12, 9, bounced=2))
        add_answers(session, campaign, {9: 7, 1: 4, 6: 1})
        (found,) = answers_of_closed_campaigns(session)
    assert found.standing is Standing.WHOLE
    assert found.whole.questionnaires == Rate(12, 40)
    assert found.whole.people == Rate(9, 30)
    assert found.whole.bounced == 2
    assert [number for number, _, _ in found.by_reason] == list(range(1, 13))
    assert {number: count for number, _, count in found.by_reason if count} == {1: 4, 6: 1, 9: 7}
    assert dict(found.by_group) == {"published": 4, "data": 1, "science": 0, "resources": 7, "other": 0}
    assert [key for key, _ in found.by_group] == list(GROUPS)


def test_a_report_of_an_earlier_day_knows_what_was_known_then(store: Store) -> None:
    """Neither a campaign whose box was opened later nor totals that were taken over later."""
    with store.writing() as session:
        add_campaign(session, "spring", counts=counts(40, 30, 12, 9))
        add_campaign(session, "2017", past={}, created_at=CLOSED + timedelta(days=3))
        days = [CLOSED.date() + timedelta(days=n) for n in (-1, 0, 2, 3)]
        known = [[each.name for each in answers_of_closed_campaigns(session, day)] for day in days]
        moments = [CLOSED + timedelta(seconds=n) for n in (-1, 0)]
        at_once = [len(answers_of_closed_campaigns(session, moment)) for moment in moments]
    assert at_once == [0, 1], "a report frozen in the midst of a day knows what was known by then"
    assert [sorted(names) for names in known] == [[], ["spring"], ["spring"], ["2017", "spring"]]


def test_merged_strata_are_shown_as_one(store: Store) -> None:
    """Under the merged name with the counts of all; nothing of a stratum that was merged stands beside it."""
    together = counts(18, 15, 6, 6)
    with store.writing() as session:
        campaign = add_campaign(session, "spring", counts=counts(40, 30, 12, 11), stratify_by="cycle")
        for name, reported, counted in (
            ("Cycle 1", "Cycle 1", counts(22, 16, 6, 5)),
            ("Cycle 2", "Cycle 2 + Cycle 3", together),
            ("Cycle 3", "Cycle 2 + Cycle 3", together),
        ):
            session.add(CampaignStratum(campaign_id=campaign.id, name=name, reported_as=reported, counts=counted))
        add_answers(session, campaign, {9: 6}, "Cycle 1")
        add_answers(session, campaign, {9: 5, 4: 1}, "Cycle 2 + Cycle 3")
        found = figures_of(session, campaign)
    assert [each.name for each in found.strata] == ["Cycle 1", "Cycle 2 + Cycle 3"]
    assert found.strata[1].people == Rate(6, 15)
    assert dict(groups_of(found, found.strata[1])) == {
        "published": 0,
        "data": 1,
        "science": 0,
        "resources": 5,
        "other": 0,
    }
    assert sum(count for _, _, count in reasons_of(found, found.strata[0])) == 6


def test_answers_under_no_stratum_hide_the_strata(store: Store) -> None:
    """What the strata leave of the whole would be a figure of its own, of nobody knows how many persons."""
    with store.writing() as session:
        campaign = add_campaign(session, "spring", counts=counts(40, 30, 13, 12), stratify_by="cycle")
        for name in ("Cycle 1", "Cycle 2"):
            session.add(
                CampaignStratum(campaign_id=campaign.id, name=name, reported_as=name, counts=counts(20, 15, 6, 6))
            )
            add_answers(session, campaign, {9: 6}, name)
        add_answers(session, campaign, {1: 1})
        found = figures_of(session, campaign)
    assert found.strata == ()
    assert sum(count for _, _, count in found.by_reason) == 13


def test_too_few_show_rates_and_nothing_by_reason(store: Store) -> None:
    """A campaign of its own minimum, whatever its rows say."""
    with store.writing() as session:
        campaign = add_campaign(session, "spring", counts=counts(40, 30, 9, 7), minimum_persons=8)
        add_answers(session, campaign, {9: 9})
        found = figures_of(session, campaign)
    assert found.standing is Standing.FEW
    assert found.by_reason == found.by_group == ()
    assert found.whole.people == Rate(7, 30)


@pytest.mark.parametrize(
    ("moments", "standing"),
    [
        ({"closed_at": None, "released_at": None}, Standing.SEALED),
        ({"released_at": None}, Standing.SEALED),
        ({"closed_at": None, "released_at": OPENED + timedelta(days=9)}, Standing.WAVES),
        ({"released_at": OPENED + timedelta(days=9)}, Standing.WAVES),
    ],
)
def test_what_is_not_over_is_no_closed_campaign(store: Store, moments: dict[str, Any], standing: Standing) -> None:
    """Neither a sealed box nor a wave of answers makes a closed campaign, for the report counts those alone."""
    with store.writing() as session:
        campaign = add_campaign(session, "spring", **moments)
        if standing is Standing.WAVES:
            campaign.counts = counts(40, 30, 20, 20)
            add_answers(session, campaign, {9: 20})
        assert figures_of(session, campaign).standing is standing
        assert answers_of_closed_campaigns(session) == []


def test_an_open_campaign_counts_whom_a_letter_left_for(store: Store) -> None:
    """One person once however the address is written; those taken back, or whose letter waits, not at all."""
    people = ("ahn@example.org", "Ahn@example.org", "berg@example.org", "cole@example.org", "dunn@example.org")
    with store.writing() as session:
        campaign = add_campaign(session, "spring", closed_at=None, released_at=None)
        for number, email in enumerate(people):
            project = Project(code=f"P{number}", kind="S", is_pi_project=True, first_seen_at=OPENED)
            session.add(project)
            session.flush()
            invitation = Invitation(
                campaign_id=campaign.id, project_id=project.id, recipient="", email=email, nonce="",
                token_hash=str(number), is_used=number < 2, created_at=OPENED,
                withdrawn_at=CLOSED if number == 3 else None,
            )  # fmt: skip
            state = MailState.UNCERTAIN if number == 2 else MailState.WAITING
            mail = OutboxMail(
                key=str(number), message_id=str(number), kind="survey-invitation", recipient="", email=email,
                subject="", body="", state=state, created_at=OPENED,
            )  # fmt: skip
            session.add_all((invitation, mail))
            session.flush()
            session.add(InvitationLetter(invitation_id=invitation.id or 0, outbox_mail_id=mail.id or 0))
        session.flush()
        whole = figures_of(session, campaign).whole
    assert whole.questionnaires == Rate(2, 3)
    assert whole.people == Rate(1, 2)


def test_totals_taken_over_are_shown_as_their_source_gives_them(store: Store) -> None:
    """Two published surveys: the rates that were published, and "not known" for what nobody told."""
    with store.writing() as session:
        users = {"persons_asked": 616, "persons_answered": 153, "incomplete": 32, "source": "User survey"}
        silent = {"questionnaires_sent": 1278, "questionnaires_completed": 965, "source": "Silent programmes"}
        first = add_campaign(session, "users", opened_at=None, past=users, as_of=date(2018, 2, 1))
        second = add_campaign(session, "silent", opened_at=None, past=silent, as_of=date(2017, 5, 1))
        session.add(PastTotal(campaign_id=second.id, question="status", choice=3, answers=965))
        session.flush()
        assert len(answers_of_closed_campaigns(session)) == 2
        one, other = figures_of(session, first), figures_of(session, second)
    assert one.whole.people.words == "153 of 616 (24.8\u202f%)"
    assert one.whole.questionnaires.words == "not known"
    assert one.incomplete == 32
    assert one.standing is Standing.FEW  # nobody took over its reasons
    assert other.whole.questionnaires.words == "965 of 1\u202f278 (75.5\u202f%)"
    assert other.whole.people.share is None
    assert other.by_reason[2][2] == 965
    assert other.source == "Silent programmes"


@pytest.mark.parametrize(("told", "answers"), [({"persons_answered": 4}, 9), ({}, 4)])
def test_few_taken_over_are_withheld_as_well(store: Store, told: dict[str, Any], answers: int) -> None:
    """Totals of earlier times from fewer than five persons, or answers where persons are not known, have no reasons."""
    with store.writing() as session:
        campaign = add_campaign(session, "old", opened_at=None, past=told)
        session.add(PastTotal(campaign_id=campaign.id, question="status", choice=3, answers=answers))
        session.flush()
        found = figures_of(session, campaign)
    assert found.standing is Standing.FEW
    assert found.by_reason == ()
