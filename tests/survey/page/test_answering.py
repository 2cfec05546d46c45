"""Submit: one link, one ballot, whatever happens at the same time."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from biblio.catalogue.actor import MACHINE
from biblio.clock import FixedClock
from biblio.runtime import Runtime
from biblio.store.models import Ballot, Invitation, ObservationUnit, OptOut, UnitRevision, WrongPerson
from survey.asking.due import due
from survey.asking.rule import Ground
from survey.box.closing import end_asking
from survey.campaign.service import pause
from survey.page.answering import LinkClosed, PublicationFound, open_page, opt_out, submit, wrong_person
from tests.factories import accept, add_paper, add_user
from tests.survey.people import let_it_end, make_campaign, open_and_send, said, tokens_of


def ballots(session: Session) -> int:
    """Return how many ballots lie in the box."""
    return len(session.exec(select(Ballot.id)).all())


def used(session: Session) -> int:
    """Return how many links were used."""
    return len(session.exec(select(Invitation.id).where(col(Invitation.is_used))).all())


def opened(runtime: Runtime, projects: int = 6) -> tuple[int, list[str]]:
    """Make a campaign and send its letters; return its number and the tokens."""
    campaign = make_campaign(runtime, projects=projects)
    open_and_send(runtime, campaign)
    return campaign, tokens_of(runtime, campaign)


def test_an_answer_is_one_ballot_and_one_used_link(runtime: Runtime) -> None:
    """After Submit there is one ballot; the same link takes no second one."""
    _campaign, tokens = opened(runtime)
    with runtime.store.writing() as session:
        submit(session, runtime, tokens[0], said(4))
    with pytest.raises(LinkClosed), runtime.store.writing() as session:
        submit(session, runtime, tokens[0], said(5))
    with runtime.store.reading() as session:
        assert (ballots(session), used(session)) == (1, 1)


def test_a_race_of_eight_tabs_leaves_one_ballot(runtime: Runtime) -> None:
    """Eight threads submit the same link at once: one gets through, seven are told that the link is not open."""
    _campaign, tokens = opened(runtime)
    start = threading.Barrier(8)
    told: list[str] = []

    def press() -> None:
        start.wait()
        try:
            with runtime.store.writing() as session:
                submit(session, runtime, tokens[0], said(3))
            told.append("thanks")
        except LinkClosed:
            told.append("closed")

    threads = [threading.Thread(target=press) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["closed"] * 7 + ["thanks"]
    with runtime.store.reading() as session:
        assert (ballots(session), used(session)) == (1, 1)


def test_closing_races_with_answers_and_loses_none(runtime: Runtime) -> None:
    """While ten people press Submit the campaign is closed: every thanked person's answer is among the answers."""
    campaign, tokens = opened(runtime, projects=16)
    for token in tokens[:6]:
        with runtime.store.writing() as session:
            submit(session, runtime, token, said(2))
    start = threading.Barrier(11)
    thanked: list[str] = []

    def press(token: str) -> None:
        start.wait()
        try:
            with runtime.store.writing() as session:
                submit(session, runtime, token, said(2))
            thanked.append(token)
        except LinkClosed:
            pass

    def close() -> None:
        start.wait()
        with runtime.store.writing() as session:
            end_asking(session, runtime, MACHINE, campaign)

    threads = [threading.Thread(target=press, args=(t,)) for t in tokens[6:]] + [threading.Thread(target=close)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    release = let_it_end(runtime, campaign)
    assert release.read == 6 + len(thanked) == release.used
    assert release.unreadable == release.destroyed == 0


@pytest.mark.parametrize("link", ["unknown", "nonsense", "draft", "closed", "overdue"])
def test_links_that_are_not_open(runtime: Runtime, clock: FixedClock, link: str) -> None:
    """Unknown links, links of drafts, closed and overdue campaigns show no page and take no answer."""
    campaign = make_campaign(runtime)
    token = tokens_of(runtime, campaign)[0]
    if link != "draft":
        open_and_send(runtime, campaign)
    if link == "closed":
        let_it_end(runtime, campaign)
    if link == "overdue":
        clock.move(timedelta(weeks=runtime.profile.asking.open_weeks, days=1))
    token = {"unknown": "A" * 32, "nonsense": "../../etc/passwd\x00" * 50}.get(link, token)
    with pytest.raises(LinkClosed), runtime.store.reading() as session:
        open_page(session, runtime, token)
    with pytest.raises(LinkClosed), runtime.store.writing() as session:
        submit(session, runtime, token, said(1))
    with runtime.store.reading() as session:
        assert ballots(session) == 0


def test_links_work_on_the_last_day_and_while_letters_are_paused(runtime: Runtime, clock: FixedClock) -> None:
    """Pausing stops letters, not answers; the last day still counts."""
    campaign, tokens = opened(runtime)
    with runtime.store.writing() as session:
        pause(session, runtime, MACHINE, campaign)
    clock.move(timedelta(weeks=runtime.profile.asking.open_weeks))
    with runtime.store.writing() as session:
        submit(session, runtime, tokens[0], said(1))


def test_a_publication_verified_meanwhile_stops_the_link(runtime: Runtime) -> None:
    """The page and Submit look at silence in their own transaction; nothing is stored, nothing marked."""
    _campaign, tokens = opened(runtime)
    with runtime.store.writing() as session:
        project = session.exec(select(Invitation.project_id).order_by(col(Invitation.id))).first()
        assert project is not None
        accept(session, add_user(session), add_paper(session), project)
    with pytest.raises(PublicationFound), runtime.store.reading() as session:
        open_page(session, runtime, tokens[0])
    with pytest.raises(PublicationFound), runtime.store.writing() as session:
        submit(session, runtime, tokens[0], said(1))
    with runtime.store.reading() as session:
        assert (ballots(session), used(session)) == (0, 0)
        assert open_page(session, runtime, tokens[1]).questionnaire.reasons


def test_a_release_date_that_moves_later_closes_the_link(runtime: Runtime) -> None:
    """The data stay proprietary: the page is that of any closed link, a submit stores nothing, and others go on."""
    _campaign, tokens = opened(runtime)
    with runtime.store.writing() as session:
        project = session.exec(select(Invitation.project_id).order_by(col(Invitation.id))).first()
        unit = session.exec(select(ObservationUnit.id).where(col(ObservationUnit.project_id) == project)).one()
        held = session.exec(select(UnitRevision).where(col(UnitRevision.unit_id) == unit)).one()
        held.released_on = runtime.clock.today() + timedelta(days=30)
        session.add(held)
    with pytest.raises(LinkClosed), runtime.store.reading() as session:
        open_page(session, runtime, tokens[0])
    with pytest.raises(LinkClosed), runtime.store.writing() as session:
        submit(session, runtime, tokens[0], said(1))
    with runtime.store.reading() as session:
        assert (ballots(session), used(session)) == (0, 0)
        assert open_page(session, runtime, tokens[1]).questionnaire.reasons


def test_opting_out_is_kept_as_a_hash_and_twice_is_once(runtime: Runtime) -> None:
    """After opting out the person is off the list; the database holds no address for it."""
    campaign, tokens = opened(runtime)
    for _ in range(2):
        with runtime.store.writing() as session:
            opt_out(session, runtime, tokens[0])
    with runtime.store.reading() as session:
        rows = session.exec(select(OptOut)).all()
        assert len(rows) == 1
        assert "@" not in rows[0].address_hash
        found = {s.judgement.ground for s in due(session, runtime, ignoring=campaign)}
    assert found == {None, Ground.OPTED_OUT}


def test_not_the_right_person_reaches_a_librarian_apart_from_answers(runtime: Runtime) -> None:
    """The message is stored with its invitation; the link stays open and no ballot appears."""
    _campaign, tokens = opened(runtime)
    with runtime.store.writing() as session:
        wrong_person(session, runtime, tokens[0], "  Ask Mina Example.  ")
    with runtime.store.reading() as session:
        assert session.exec(select(WrongPerson)).one().note == "Ask Mina Example."
        assert open_page(session, runtime, tokens[0]).campaign_id
        assert ballots(session) == 0
    with pytest.raises(LinkClosed), runtime.store.writing() as session:
        wrong_person(session, runtime, "B" * 32, "")
