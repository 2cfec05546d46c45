"""Closing: the numbers agree, nothing readable is left behind, a crash at any point loses nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import ValidationError
from sqlmodel import col, select

from biblio.catalogue.actor import MACHINE
from biblio.clock import FixedClock
from biblio.errors import RequestRefused
from biblio.jobs import Job, run_job
from biblio.runtime import Runtime
from biblio.settings import Settings
from biblio.store.models import Answer, Ballot, Campaign, CampaignStratum, Comment, Invitation, OutboxMail
from biblio.store.words import MailState, Outcome
from survey.box import closing
from survey.box.ballots import key_path, new_key_pair, random_id, seal
from survey.box.closing import close_campaign, close_overdue, end_asking, open_waves
from survey.box.release import Release
from survey.campaign.sending import queue_batch
from survey.campaign.service import create_campaign
from survey.job import run
from survey.questionnaire import Filled
from tests.factories import add_project
from tests.survey.people import answer_all, let_it_end, make_campaign, open_and_send, said, tokens_of

ANSWERS = [
    said(1, "Journal of Tests"),
    said(4),
    said(4, "", "Rain."),
    said(7),
    said(10, "A dish"),
    said(12),
]


JOB = Job("survey", "Campaigns", run)


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
    release = let_it_end(runtime, campaign)
    assert (release.used, release.read, release.unreadable, release.destroyed) == (6, 6, 0, 0)
    with runtime.store.reading() as session:
        rows = session.exec(select(Answer)).all()
        assert Counter((r.choice, r.word) for r in rows) == Counter(
            (c.choice, c.word) for a in ANSWERS for c in a.chosen
        )
        assert [c.words for c in session.exec(select(Comment))] == ["Rain."]
        assert session.exec(select(Ballot)).all() == []
        assert not boxed & {r.id for r in rows}
        row = session.get_one(Campaign, campaign)
        assert None not in (row.closed_at, row.released_at, row.key_destroyed_at)
    assert not key_path(runtime.settings.survey_keys, campaign).exists()


def test_too_few_answers_are_destroyed_unread(runtime: Runtime) -> None:
    """Four persons with eight answers are too few: no answer is written, the ballots are gone, and it is said."""
    campaign = answered(runtime, [said(5)] * 8, projects=10, per_person=2)
    release = let_it_end(runtime, campaign)
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
        for sealed in (seal(new_key_pair()[1], said(1)), b"nonsense", seal(public, said(99))):
            session.add(Ballot(id=random_id(), campaign_id=campaign, sealed=sealed))
    release = let_it_end(runtime, campaign)
    assert (release.read, release.unreadable, release.used) == (6, 3, 6)
    assert "do not agree" in release.sentence


@pytest.mark.parametrize("step", ["_end", "open_box", "destroy_key"])
def test_a_crash_at_any_step_loses_nothing(runtime: Runtime, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Whatever step breaks, closing again ends in the same state as one clean closing."""
    campaign = answered(runtime)
    with monkeypatch.context() as broken:

        def crash(*_arguments: object) -> None:
            raise KeyboardInterrupt

        broken.setattr(closing, step, crash)
        with pytest.raises(KeyboardInterrupt):
            let_it_end(runtime, campaign)
    release = let_it_end(runtime, campaign)
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
        let_it_end(runtime, campaign)
    with runtime.store.reading() as session:
        assert len(session.exec(select(Ballot)).all()) == 6
    away.rename(path)
    assert let_it_end(runtime, campaign).read == 6


def test_whom_no_letter_reached_was_not_asked(runtime: Runtime) -> None:
    """Closing stops letters that wait and takes their invitations back, so these projects may be asked again."""
    campaign = make_campaign(runtime, projects=8)
    open_and_send(runtime, campaign, batch=6)
    answer_all(runtime, tokens_of(runtime, campaign), [said(2)] * 6)
    with runtime.store.writing() as session:
        queue_batch(session, runtime, MACHINE, campaign, batch=1)
    let_it_end(runtime, campaign)
    with runtime.store.reading() as session:
        withdrawn = session.exec(select(Invitation).where(col(Invitation.withdrawn_at).is_not(None))).all()
        assert len(withdrawn) == 2
        states = Counter(session.exec(select(OutboxMail.state)))
        assert states == {MailState.SENT: 6, MailState.CANCELLED: 1}
        counts = session.get_one(Campaign, campaign).counts
    assert counts == {"projects": 6, "persons": 6, "bounced": 0, "completed": 6, "persons_answered": 6}


def test_the_job_closes_what_is_over(runtime: Runtime, clock: FixedClock) -> None:
    """The day after its last day a campaign is closed by the job; before, it is left alone."""
    campaign = answered(runtime)
    assert close_overdue(runtime) == []
    clock.move(timedelta(weeks=runtime.profile.asking.open_weeks, days=1))
    assert [name for name, _release in close_overdue(runtime)] == ["autumn"]
    assert close_overdue(runtime) == []
    with runtime.store.reading() as session:
        assert session.get_one(Campaign, campaign).key_destroyed_at is not None


def test_the_box_is_never_opened_early(runtime: Runtime, clock: FixedClock) -> None:
    """By hand only the asking ends: links close at once, the ballots stay sealed until the promised day is over."""
    campaign = answered(runtime)
    with pytest.raises(RequestRefused, match="never before"):
        close_campaign(runtime, MACHINE, campaign)
    with runtime.store.writing() as session:
        end_asking(session, runtime, MACHINE, campaign)
    clock.move(timedelta(weeks=runtime.profile.asking.open_weeks))
    assert close_overdue(runtime) == []
    with pytest.raises(RequestRefused, match="never before"):
        close_campaign(runtime, MACHINE, campaign)
    with runtime.store.reading() as session:
        assert len(session.exec(select(Ballot)).all()) == 6
        assert session.exec(select(Answer)).all() == []
    clock.move(timedelta(days=1))
    ((_name, release),) = close_overdue(runtime)
    assert isinstance(release, Release)
    assert release.read == 6


def test_a_process_that_serves_pages_opens_no_box(runtime: Runtime, clock: FixedClock) -> None:
    """The job started from a page leaves the box alone and says so; the scheduler's own run opens it."""
    campaign = answered(runtime)
    clock.move(timedelta(weeks=runtime.profile.asking.open_weeks, days=1))
    beside = run_job(runtime, JOB, is_beside_pages=True)
    assert (beside.outcome, beside.counts.get("boxes_opened")) == (Outcome.SUCCEEDED, None)
    assert any("left alone" in sentence for sentence in beside.counts["notes"])
    apart = run_job(runtime, JOB)
    assert apart.counts["boxes_opened"] == 1
    with runtime.store.reading() as session:
        assert session.get_one(Campaign, campaign).key_destroyed_at is not None


def test_a_box_is_opened_in_waves_only_when_enough_persons_are_in_it(runtime: Runtime, clock: FixedClock) -> None:
    """Twenty new persons make a wave, nineteen do not; what is left at the end is a batch of its own."""
    runtime = replace(runtime, settings=runtime.settings.model_copy(update={"survey_wave_persons": 20}))
    campaign = make_campaign(runtime, projects=30)
    open_and_send(runtime, campaign)
    tokens = tokens_of(runtime, campaign)
    answer_all(runtime, tokens[:19], [said(4)] * 19)
    assert open_waves(runtime) == []
    answer_all(runtime, tokens[19:20], [said(4, "", "The twentieth.")])
    ((_name, wave),) = open_waves(runtime)
    assert isinstance(wave, Release)
    assert wave.read == 20
    assert open_waves(runtime) == []
    answer_all(runtime, tokens[20:24], [said(5)] * 4)
    release = let_it_end(runtime, campaign)
    assert (release.used, release.read, release.destroyed) == (24, 20, 4)
    with runtime.store.reading() as session:
        assert {a.choice for a in session.exec(select(Answer))} == {4}
        assert session.get_one(Campaign, campaign).key_destroyed_at is not None


def test_a_setting_cannot_make_waves_small() -> None:
    """Waves of fewer than twenty persons, and a minimum of fewer than three, are refused when settings are read."""
    for wrong in ({"survey_wave_persons": 19}, {"survey_minimum_persons": 2}):
        with pytest.raises(ValidationError):
            Settings(**wrong)  # type: ignore[arg-type]


def test_unreadable_ballots_make_a_box_too_small(runtime: Runtime) -> None:
    """Six persons answered, but of their ballots only four can be read: these are destroyed, and it is said."""
    campaign = answered(runtime)
    with runtime.store.writing() as session:
        for ballot in session.exec(select(Ballot)).all()[:2]:
            ballot.sealed = b"damaged"
            session.add(ballot)
    release = let_it_end(runtime, campaign)
    assert (release.used, release.read, release.unreadable, release.destroyed) == (6, 0, 2, 4)
    assert "nobody has seen them" in release.sentence
    with runtime.store.reading() as session:
        assert session.exec(select(Answer)).all() == []
        assert session.exec(select(Comment)).all() == []


def test_small_strata_are_merged_before_anything_is_written(runtime: Runtime) -> None:
    """Two persons of one category, six and five of two others: no answer stands under fewer persons than five."""
    with runtime.store.writing() as session:
        for number, category in enumerate(["Galaxies"] * 7 + ["Sun"] * 3 + ["Stars"] * 5):
            add_project(
                session,
                f"2016.1.{number:05d}.S",
                pi=f"{'abcdefghijklmno'[number]}wander, Ines",
                pi_email=f"person{number}@example.org",
                category=category,
            )
        campaign = create_campaign(session, runtime, MACHINE, name="x", stratify_by="category").campaign_id
    open_and_send(runtime, campaign)
    tokens = tokens_of(runtime, campaign)
    answer_all(runtime, tokens[:6] + tokens[7:9] + tokens[10:], [said(4)] * 6 + [said(5)] * 2 + [said(6)] * 5)
    let_it_end(runtime, campaign)
    with runtime.store.reading() as session:
        rows = session.exec(select(CampaignStratum).order_by(col(CampaignStratum.id))).all()
        answers = Counter((a.stratum, a.choice) for a in session.exec(select(Answer)))
    assert {row.name: row.reported_as for row in rows} == {
        "Galaxies": "Galaxies",
        "Stars": "Stars + Sun",
        "Sun": "Stars + Sun",
    }
    assert answers == {("Galaxies", 4): 6, ("Stars + Sun", 5): 2, ("Stars + Sun", 6): 5}
    merged = next(row.counts for row in rows if row.name == "Sun")
    assert merged == {"projects": 8, "persons": 8, "bounced": 0, "completed": 7, "persons_answered": 7}


def test_a_clock_set_back_loses_no_ballot(runtime: Runtime, clock: FixedClock) -> None:
    """A wave stamped later than the end of asking does not pass for the last opening: what came after it is read."""
    runtime = replace(runtime, settings=runtime.settings.model_copy(update={"survey_wave_persons": 20}))
    campaign = make_campaign(runtime, projects=40)
    open_and_send(runtime, campaign)
    tokens = tokens_of(runtime, campaign)
    clock.move(timedelta(days=2))
    answer_all(runtime, tokens[:20], [said(4)] * 20)
    assert len(open_waves(runtime)) == 1
    clock.move(timedelta(days=-2))
    answer_all(runtime, tokens[20:39], [said(5)] * 19)
    with runtime.store.writing() as session:
        end_asking(session, runtime, MACHINE, campaign)
    release = let_it_end(runtime, campaign)
    assert (release.used, release.read, release.destroyed) == (39, 39, 0)


def test_asking_few_of_many_and_ending_early_opens_no_box(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, clock: FixedClock
) -> None:
    """Only eight of thirty were written to when asking was ended: a campaign of eight, whose answers nobody reads."""
    monkeypatch.setattr("survey.campaign.service.SMALLEST_CAMPAIGN", 20)
    campaign = make_campaign(runtime, projects=30)
    open_and_send(runtime, campaign, batch=8)
    answer_all(runtime, tokens_of(runtime, campaign), [said(4)] * 8)
    with runtime.store.writing() as session:
        end_asking(session, runtime, MACHINE, campaign)
    release = let_it_end(runtime, campaign)
    assert (release.used, release.read, release.destroyed) == (8, 0, 8)


def test_a_future_day_and_a_draft_that_shrank_are_refused(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who will be silent is not known beforehand; a draft of whom too few are left sends no first letter."""
    with pytest.raises(RequestRefused, match="still to come"), runtime.store.writing() as session:
        create_campaign(session, runtime, MACHINE, name="x", as_of=runtime.clock.today() + timedelta(days=1))
    campaign = make_campaign(runtime, projects=19)
    monkeypatch.setattr("survey.campaign.service.SMALLEST_CAMPAIGN", 20)
    with pytest.raises(RequestRefused, match="Only 19 persons are left"), runtime.store.writing() as session:
        queue_batch(session, runtime, MACHINE, campaign)


def test_one_problem_holds_up_nothing_else(runtime: Runtime, clock: FixedClock) -> None:
    """A key that cannot be destroyed is told; the other campaign is closed by the same run, and so it is the next time."""
    first = answered(runtime)
    second = make_campaign(runtime, projects=8, start=20, name="second")
    open_and_send(runtime, second)
    path = key_path(runtime.settings.survey_keys, first)
    path.rename(path.with_suffix(".away"))
    clock.move(timedelta(weeks=runtime.profile.asking.open_weeks, days=1))
    outcomes = dict(close_overdue(runtime))
    assert isinstance(outcomes["autumn"], str)
    assert isinstance(outcomes["second"], Release)


def test_what_the_database_says_of_a_row_stays_unsaid(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL quotes a refused row: neither the sentence nor the cause of the error holds a word of it."""
    campaign = answered(runtime)
    monkeypatch.setattr("survey.box.release.random_id", lambda: "0" * 32)
    with pytest.raises(RequestRefused, match="The database refused") as caught:
        let_it_end(runtime, campaign)
    assert "Rain" not in repr(caught.value) + repr(caught.value.__cause__)
    assert caught.value.__suppress_context__
    with runtime.store.reading() as session:
        assert len(session.exec(select(Ballot)).all()) == 6
