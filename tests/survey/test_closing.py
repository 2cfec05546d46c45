"""Closing: the numbers agree, nothing readable is left behind, a crash at any point loses nothing."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from sqlmodel import col, select

from biblio.catalogue.actor import MACHINE
from biblio.clock import FixedClock
from biblio.errors import NotFound, RequestRefused
from biblio.runtime import Runtime
from biblio.store.answers import answers_of_closed_campaigns
from biblio.store.models import Answer, Ballot, Campaign, Invitation, OutboxMail
from biblio.store.words import MailState
from survey import closing
from survey.ballots import key_path, new_key_pair, random_id, seal
from survey.closing import close_campaign, close_overdue
from survey.queries import rate, results
from survey.questionnaire import Filled
from survey.sending import queue_batch
from tests.survey.people import answer_all, make_campaign, open_and_send, tokens_of

ANSWERS = [
    Filled(1, "Journal of Tests"),
    Filled(4),
    Filled(4, "", "Rain."),
    Filled(7),
    Filled(10, "A dish"),
    Filled(12),
]


def answered(runtime: Runtime, answers: list[Filled] = ANSWERS, *, projects: int = 8, per_person: int = 1) -> int:
    """Make a campaign that some people have answered; return its number."""
    campaign = make_campaign(runtime, projects=projects, per_person=per_person)
    open_and_send(runtime, campaign)
    answer_all(runtime, tokens_of(runtime, campaign), answers)
    return campaign


def test_ballots_become_answers_and_the_key_is_destroyed(runtime: Runtime) -> None:
    """Every answer comes out as it went in; ballots and key are gone; ids are new and random."""
    campaign = answered(runtime)
    with runtime.store.reading() as session:
        boxed = set(session.exec(select(Ballot.id)))
    release = close_campaign(runtime, MACHINE, campaign)
    assert (release.used, release.read, release.unreadable, release.destroyed) == (6, 6, 0, 0)
    with runtime.store.reading() as session:
        rows = session.exec(select(Answer)).all()
        assert Counter(Filled(r.reason, r.detail, r.comment) for r in rows) == Counter(ANSWERS)
        assert session.exec(select(Ballot)).all() == []
        assert not boxed & {r.id for r in rows}
        row = session.get_one(Campaign, campaign)
        assert None not in (row.closed_at, row.released_at, row.key_destroyed_at)
    assert not key_path(runtime.settings.survey_keys, campaign).exists()


def test_too_few_answers_are_destroyed_unread(runtime: Runtime) -> None:
    """Four persons with eight answers are too few: no answer is written, the ballots are gone, and it is said."""
    campaign = answered(runtime, [Filled(5)] * 8, projects=10, per_person=2)
    release = close_campaign(runtime, MACHINE, campaign)
    assert (release.read, release.destroyed) == (0, 8)
    assert "destroyed unread" in release.sentence
    with runtime.store.reading() as session:
        assert session.exec(select(Answer)).all() == []
        assert session.exec(select(Ballot)).all() == []


def test_unreadable_ballots_are_counted_not_fatal(runtime: Runtime) -> None:
    """A ballot of another key, one of nonsense and one with an answer that does not exist are counted as lost."""
    campaign = answered(runtime)
    with runtime.store.writing() as session:
        public = session.get_one(Campaign, campaign).public_key
        for sealed in (seal(new_key_pair()[1], Filled(1)), b"nonsense", seal(public, Filled(99))):
            session.add(Ballot(id=random_id(), campaign_id=campaign, sealed=sealed))
    release = close_campaign(runtime, MACHINE, campaign)
    assert (release.read, release.unreadable, release.used) == (6, 3, 6)
    assert "do not agree" in release.sentence


@pytest.mark.parametrize("step", ["_end_asking", "_open_box", "_empty_journal", "destroy_key"])
def test_a_crash_at_any_step_loses_nothing(runtime: Runtime, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Whatever step breaks, closing again ends in the same state as one clean closing."""
    campaign = answered(runtime)
    with monkeypatch.context() as broken:

        def crash(*_arguments: object) -> None:
            raise KeyboardInterrupt

        broken.setattr(closing, step, crash)
        with pytest.raises(KeyboardInterrupt):
            close_campaign(runtime, MACHINE, campaign)
    release = close_campaign(runtime, MACHINE, campaign)
    assert (release.used, release.read) == (6, 6)
    with runtime.store.reading() as session:
        assert len(session.exec(select(Answer)).all()) == 6
        assert session.get_one(Campaign, campaign).key_destroyed_at is not None
    assert not key_path(runtime.settings.survey_keys, campaign).exists()


def test_without_its_key_a_campaign_stays_sealed_and_can_be_closed_later(runtime: Runtime) -> None:
    """A missing key is told; the ballots stay; with the key back in its place closing goes on."""
    campaign = answered(runtime)
    path = key_path(runtime.settings.survey_keys, campaign)
    away = path.rename(path.with_suffix(".away"))
    with pytest.raises(RequestRefused, match="ballots are safe"):
        close_campaign(runtime, MACHINE, campaign)
    with runtime.store.reading() as session:
        assert len(session.exec(select(Ballot)).all()) == 6
    away.rename(path)
    assert close_campaign(runtime, MACHINE, campaign).read == 6


def test_whom_no_letter_reached_was_not_asked(runtime: Runtime) -> None:
    """Closing stops letters that wait and takes their invitations back, so these projects may be asked again."""
    campaign = make_campaign(runtime, projects=8)
    open_and_send(runtime, campaign, batch=6)
    answer_all(runtime, tokens_of(runtime, campaign), [Filled(2)] * 6)
    with runtime.store.writing() as session:
        queue_batch(session, runtime, MACHINE, campaign, batch=1)
    close_campaign(runtime, MACHINE, campaign)
    with runtime.store.reading() as session:
        withdrawn = session.exec(select(Invitation).where(col(Invitation.withdrawn_at).is_not(None))).all()
        assert len(withdrawn) == 2
        states = Counter(session.exec(select(OutboxMail.state)))
        assert states == {MailState.SENT: 6, MailState.CANCELLED: 1}
        found = results(session, session.get_one(Campaign, campaign))
    assert (found.questionnaires_sent, found.persons_asked, found.answers) == (6, 6, 6)


def test_the_job_closes_what_is_over(runtime: Runtime, clock: FixedClock) -> None:
    """The day after its last day a campaign is closed by the job; before, it is left alone."""
    campaign = answered(runtime)
    assert close_overdue(runtime) == []
    clock.move(timedelta(weeks=runtime.profile.asking.open_weeks, days=1))
    assert [name for name, _release in close_overdue(runtime)] == ["autumn"]
    assert close_overdue(runtime) == []
    with runtime.store.reading() as session:
        assert session.get_one(Campaign, campaign).key_destroyed_at is not None


def test_the_figures_are_what_people_answered(runtime: Runtime) -> None:
    """Reasons in the order of the chain, groups, and both rates; nothing is known while the campaign is open."""
    campaign = answered(runtime, projects=12, per_person=1)
    with runtime.store.reading() as session:
        assert answers_of_closed_campaigns(session) == []
        with pytest.raises(NotFound):
            results(session, session.get_one(Campaign, campaign))
    close_campaign(runtime, MACHINE, campaign)
    with runtime.store.reading() as session:
        found = results(session, session.get_one(Campaign, campaign))
    assert [r.number for r, _count in found.by_reason] == list(range(1, 13))
    assert {r.number: count for r, count in found.by_reason if count} == {1: 1, 4: 2, 7: 1, 10: 1, 12: 1}
    assert dict(found.by_group) == {
        "Published or coming": 1,
        "The data": 2,
        "The science": 1,
        "Resources": 1,
        "Other": 1,
    }
    assert found.questionnaire_rate == found.person_rate == 0.5


def test_the_published_rates_are_met() -> None:
    """ESO 2018: (185 - 32) / 616 = 24.8 %; the survey of non-publishing programmes: 965 / 1278 = 75.5 %."""
    assert f"{rate(185 - 32, 616):.1%}" == "24.8%"
    assert f"{rate(965, 1278):.1%}" == "75.5%"
    assert rate(0, 0) is None
