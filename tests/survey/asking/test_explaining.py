"""What is said of one project: every fact in the order of the rule, which one decided, and never a word of an answer."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlmodel import select

from biblio.catalogue.actor import MACHINE
from biblio.catalogue.links import Ruling, decide
from biblio.clock import FixedClock
from biblio.errors import NotFound
from biblio.runtime import Runtime
from biblio.store.models import Invitation, SecondReading
from biblio.store.words import Band, Role, Verdict
from survey.asking.asking_again import give_leave
from survey.asking.explaining import explain
from survey.asking.rule import Ground
from survey.campaign.service import create_campaign, exclude, include
from tests.factories import accept, add_candidate, add_paper, add_project, add_user
from tests.survey.people import answer_all, open_and_send, said, tokens_of

CODE = "2016.1.00001.S"


def test_every_ground_is_told_in_order_and_one_decides(runtime: Runtime) -> None:
    """The steps are the rule's grounds; the first against asking decides, later ones are said to stand against it too."""
    with runtime.store.writing() as session:
        add_project(session, CODE, released_on=date(2025, 3, 1), pi_email=None)
        told = explain(session, runtime, CODE)
    assert told is not None
    assert [step.ground for step in told.steps] == list(Ground)
    assert [step.ground for step in told.steps if step.decides] == [Ground.WITHIN_GRACE]
    assert told.decider is not None
    assert told.decider.change.startswith("Time")
    assert "2 calendar years after 2025-03-01: due from 2027-03-01 (UTC)" in told.decider.fact
    assert [step.ground for step in told.steps if step.against] == [Ground.WITHIN_GRACE, Ground.NO_ADDRESS]
    assert all(step.fact and step.change for step in told.steps)
    assert [(unit.released_on, unit.is_usable) for unit in told.units] == [(date(2025, 3, 1), True)]


def test_the_past_is_told_as_it_was_known(runtime: Runtime, clock: FixedClock) -> None:
    """As of a day before a paper was accepted it is not told; before the project was known there is nothing to tell."""
    with runtime.store.writing() as session:
        project = add_project(session, CODE)
        paper = add_paper(session, "A ring of dust")
        accept(session, add_user(session), paper, project, now=clock.now())
        now = explain(session, runtime, CODE)
        before = explain(session, runtime, CODE, date(2026, 11, 1))
        assert explain(session, runtime, CODE, date(2020, 1, 1)) is None
    assert now is not None
    assert before is not None
    assert now.decider is not None
    assert now.decider.ground is Ground.NOT_SILENT
    assert [(line.title, line.what) for line in now.papers] == [
        ("A ring of dust", "judged: accepted; refereed; science")
    ]
    assert before.decider is None
    assert before.papers == []


def test_the_desks_candidates_are_named(runtime: Runtime) -> None:
    """An undecided certain candidate stands among the papers; once rejected it is told as that."""
    with runtime.store.writing() as session:
        project = add_project(session, CODE)
        paper = add_paper(session, "Waits")
        add_candidate(session, paper, project, band=Band.CERTAIN)
        first = explain(session, runtime, CODE)
        decide(
            session, add_user(session), Ruling(paper, project, Verdict.REJECT, version_seen=0), now=runtime.clock.now()
        )
        second = explain(session, runtime, CODE)
    assert first is not None
    assert second is not None
    assert "certain candidate" in first.papers[0].what
    assert "rejected" in second.papers[0].what


def test_what_a_second_reader_must_not_learn_is_not_told(runtime: Runtime) -> None:
    """While a paper is read a second time it stands nowhere, and what would tell its verdict is not shown."""
    with runtime.store.writing() as session:
        project = add_project(session, CODE)
        paper = add_paper(session, "Read twice")
        add_candidate(session, paper, project, band=Band.CERTAIN)
        actor = add_user(session)
        decision = decide(
            session, actor, Ruling(paper, project, Verdict.UNSURE, version_seen=0), now=runtime.clock.now()
        )
        reading = SecondReading(
            paper_id=paper,
            project_id=project,
            decision_id=decision.id or 0,
            first_reader_id=actor.person_id(),
            drawn_at=runtime.clock.now(),
        )
        session.add(reading)
        session.flush()
        told = explain(session, runtime, CODE)
    assert told is not None
    assert told.decider is not None
    assert told.decider.ground is Ground.READ_AGAIN
    assert told.papers == []
    hidden = {step.ground for step in told.steps if "second reader has judged" in step.fact}
    assert hidden == {Ground.UNDECIDED_CERTAIN, Ground.ARCHIVE_REFERENCE}
    assert not any(step.against for step in told.steps if step.ground in hidden)


def test_askings_are_told_without_a_word_of_an_answer(runtime: Runtime, clock: FixedClock) -> None:
    """The history is the same to the letter whether the link was used or not."""
    with runtime.store.writing() as session:
        add_project(session, CODE)
        campaign = create_campaign(session, runtime, MACHINE, name="autumn").campaign_id
        draft = explain(session, runtime, CODE)
    open_and_send(runtime, campaign)
    clock.move(timedelta(days=1))
    with runtime.store.reading() as session:
        before = explain(session, runtime, CODE)
    answer_all(runtime, tokens_of(runtime, campaign), [said(9)])
    with runtime.store.reading() as session:
        assert session.exec(select(Invitation)).one().is_used
        after = explain(session, runtime, CODE)
    assert before is not None
    assert draft is not None
    assert draft.askings[0].what == "on the list of the draft"
    assert [(line.where, line.what) for line in before.askings] == [("autumn", "letter sent on 2026-11-22")]
    assert after == before


def test_what_people_decided_is_told_with_names_and_reasons(runtime: Runtime, clock: FixedClock) -> None:
    """Leave and exclusions stand in the history, newest first, ended or not."""
    with runtime.store.writing() as session:
        add_project(session, CODE)
        campaign = create_campaign(session, runtime, MACHINE, name="autumn").campaign_id
    open_and_send(runtime, campaign)
    with runtime.store.writing() as session:
        head = add_user(session, "hana", Role.HEAD_LIBRARIAN)
        clock.move(timedelta(days=1))
        exclude(session, runtime, head, CODE, "The PI is ill.")
        clock.move(timedelta(days=1))
        include(session, runtime, head, CODE)
        give_leave(session, runtime, head, CODE, "New calibration.")
        told = explain(session, runtime, CODE)
    assert told is not None
    assert told.has_leave
    assert [(act.what, act.who, act.reason, act.ended) for act in told.acts] == [
        ("leave to ask once more", "Hana", "New calibration.", ""),
        ("taken off the list", "Hana", "The PI is ill.", "put back"),
    ]


def test_a_code_is_found_in_any_spelling_and_an_unknown_one_is_told(runtime: Runtime) -> None:
    """What the grammar reads as a code finds its project; nonsense is an error that names it."""
    with runtime.store.writing() as session:
        add_project(session, CODE)
        told = explain(session, runtime, " 2016.1.00001.s")
        with pytest.raises(NotFound, match="2099"):
            explain(session, runtime, "2099.1.00001.S")
    assert told is not None
    assert told.standing.code == CODE
