"""Claims: who works on a paper, until when; handing over; and deciding what somebody else works on."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlmodel import col, select

from biblio.catalogue import merges
from biblio.catalogue.actor import Actor
from biblio.clock import FixedClock
from biblio.errors import NotAllowed, RequestRefused, Stale
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import (
    Claim,
    Decision,
    DeskItem,
    LibraryAssignment,
    Link,
    MergeProposal,
    PaperRelation,
    UserAccount,
)
from biblio.store.words import ClaimEnd, RelationKind, Role, Verdict
from biblio.verify import service
from biblio.verify.proposing.match import match
from biblio.verify.sharing import claims
from biblio.verify.sharing import service as sharing
from tests.verify.factories import SEEN, add_mention, add_project
from tests.verify.shared_work import CODE, TITLE, Work, as_client, ruling, today, two_papers


@pytest.fixture
def work(runtime: Runtime) -> Work:
    """Two papers that wait, and three people."""
    return two_papers(runtime)


def claimed(runtime: Runtime, person: Actor, paper: int, minutes: int = 30) -> Claim:
    """Let somebody claim a paper now."""
    with runtime.store.writing() as session:
        return sharing.claim(session, person, paper, today(runtime), minutes=minutes)


def test_others_see_who_works_on_a_paper_and_until_when(runtime: Runtime, app: Flask, work: Work) -> None:
    """On the page with name, library and hour; the holder sees it as theirs; releasing frees it."""
    vera, hanna = as_client(app, runtime, work.vera), as_client(app, runtime, work.hanna)
    assert vera.post(f"/desk/paper/{work.paper}/claim").status_code == 302
    assert "You work on this until 12:30 UTC" in vera.get(f"/desk/paper/{work.paper}").get_data(as_text=True)
    page = hanna.get(f"/desk/paper/{work.paper}").get_data(as_text=True)
    assert "Vera (ESO) works on this until 12:30 UTC" in page
    assert f"/desk/paper/{work.paper}/claim" not in page
    assert "claimed by Vera" in hanna.get("/desk").get_data(as_text=True)
    vera.post(f"/desk/paper/{work.paper}/release")
    assert "works on this" not in hanna.get(f"/desk/paper/{work.paper}").get_data(as_text=True)


@pytest.mark.parametrize("left", [{"is_active": False}, {"role": Role.MANAGER}], ids=["deactivated", "another role"])
def test_nobody_waits_for_who_has_left(runtime: Runtime, app: Flask, work: Work, left: dict[str, object]) -> None:
    """A paper handed to somebody who no longer works at the desk is free: on its page, in the queue, and to decide."""
    with runtime.store.writing() as session:
        sharing.hand_to_person(session, work.vera, work.paper, work.hanna.person_id(), "yours", today(runtime))
    with runtime.store.writing() as session:
        account = session.get_one(UserAccount, work.hanna.person_id())
        account.sqlmodel_update(left)
        session.add(account)
    vera = as_client(app, runtime, work.vera)
    assert "works on this" not in vera.get(f"/desk/paper/{work.paper}").get_data(as_text=True)
    assert "claimed by Hanna" not in vera.get("/desk").get_data(as_text=True)
    assert TITLE in vera.get("/desk?holder=free").get_data(as_text=True)
    with runtime.store.writing() as session:
        service.judge(session, work.vera, ruling(session, work), today(runtime))


def test_a_claim_lapses_by_the_clock_and_whoever_comes_next_ends_it(
    runtime: Runtime, work: Work, clock: FixedClock
) -> None:
    """After its time nobody holds the paper; the next claim notes that the one before lapsed, and when."""
    first = claimed(runtime, work.vera, work.paper)
    clock.move(timedelta(minutes=31))
    with runtime.store.reading() as session:
        assert claims.held_now(session, [work.paper], clock.now()) == {}
    claimed(runtime, work.hanna, work.paper)
    with runtime.store.reading() as session:
        row = session.get_one(Claim, first.id)
        assert (row.end, row.ended_at) == (ClaimEnd.LAPSED, first.until)
        assert claims.held_now(session, [work.paper], clock.now())[work.paper].holder_id == work.hanna.user_id


def test_claiming_again_begins_the_time_anew(runtime: Runtime, work: Work, clock: FixedClock) -> None:
    """Still one live claim, from now on for the whole time."""
    claimed(runtime, work.vera, work.paper)
    clock.move(timedelta(minutes=20))
    again = claimed(runtime, work.vera, work.paper)
    assert again.until == clock.now() + timedelta(minutes=30)
    with runtime.store.reading() as session:
        live = session.exec(select(Claim).where(col(Claim.ended_at).is_(None))).all()
        assert [row.id for row in live] == [again.id]


def test_of_two_who_claim_at_once_exactly_one_gets_the_paper(runtime: Runtime, work: Work) -> None:
    """On both databases, whoever is first; the other is told."""
    outcomes: list[str] = []
    gate = threading.Barrier(2)

    def take(person: Actor) -> None:
        gate.wait(timeout=10)
        try:
            claimed(runtime, person, work.paper)
        except Stale:
            outcomes.append("told")
        else:
            outcomes.append("got it")

    threads = [threading.Thread(target=take, args=(person,)) for person in (work.vera, work.hanna)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(outcomes) == ["got it", "told"]
    with runtime.store.reading() as session:
        assert len(session.exec(select(Claim).where(col(Claim.ended_at).is_(None))).all()) == 1


def test_who_claims_while_somebody_else_does_ends_nothing_of_theirs(
    runtime: Runtime, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking who works on a paper and claiming it, nobody else can claim it and lose that claim again."""
    outcomes: list[str] = []

    def take(person: Actor) -> None:
        try:
            claimed(runtime, person, work.paper)
        except Stale:
            outcomes.append("told")
        else:
            outcomes.append("got it")

    other = threading.Thread(target=take, args=(work.hanna,))
    look = claims.held_now

    def look_and_let_the_other_try(*given: Any) -> Any:
        found = look(*given)
        if threading.current_thread() is not other:
            other.start()
            other.join(timeout=0.5)
        return found

    monkeypatch.setattr(claims, "held_now", look_and_let_the_other_try)
    take(work.vera)
    other.join(timeout=30)
    assert sorted(outcomes) == ["got it", "told"]
    with runtime.store.reading() as session:
        assert [one.holder_id for one in session.exec(select(Claim))] == [work.vera.user_id]


def test_only_the_holder_or_a_head_librarian_releases(runtime: Runtime, work: Work) -> None:
    """Others are told whom to ask."""
    claimed(runtime, work.vera, work.paper)
    with pytest.raises(NotAllowed, match="head librarian"), runtime.store.writing() as session:
        claims.release(session, work.hanna, work.paper, now=runtime.clock.now())
    with runtime.store.writing() as session:
        claims.release(session, work.ines, work.paper, now=runtime.clock.now())
    with pytest.raises(Stale), runtime.store.writing() as session:
        claims.release(session, work.vera, work.paper, now=runtime.clock.now())


def test_two_claims_on_papers_that_became_one_are_both_told(runtime: Runtime, work: Work) -> None:
    """Neither holder decides, claims or gives away unawares of the other; each releases only their own."""
    claimed(runtime, work.vera, work.paper)
    claimed(runtime, work.hanna, work.other)
    with runtime.store.writing() as session:
        merges.merge(
            session, work.ines, kept_id=work.paper, merged_id=work.other, reason="one", now=runtime.clock.now()
        )
    for person in (work.vera, work.hanna):
        with pytest.raises(claims.Claimed), runtime.store.writing() as session:
            service.judge(session, person, ruling(session, work), today(runtime))
        with pytest.raises(claims.Claimed):
            claimed(runtime, person, work.paper)
    with runtime.store.writing() as session:
        claims.release(session, work.hanna, work.paper, now=runtime.clock.now())
    with runtime.store.reading() as session:
        assert [one.holder_id for one in claims.held_by(session, work.vera.person_id(), runtime.clock.now())] == [
            work.vera.user_id
        ]
        assert not claims.held_by(session, work.hanna.person_id(), runtime.clock.now())


# -- deciding -----------------------------------------------------------------------------------------------------------


def test_deciding_ends_the_claim(runtime: Runtime, work: Work) -> None:
    """When nothing of the paper waits any more, whoever has claimed it has it no longer."""
    row = claimed(runtime, work.vera, work.paper)
    with runtime.store.writing() as session:
        service.judge(session, work.vera, ruling(session, work), today(runtime))
    with runtime.store.reading() as session:
        assert session.get_one(Claim, row.id).end is ClaimEnd.DECIDED


def test_a_claim_holds_while_the_paper_has_more_to_decide(runtime: Runtime, work: Work) -> None:
    """A second serious candidate waits: the first verdict does not free the paper for others."""
    with runtime.store.writing() as session:
        add_project(session, "2017.1.00002.S", targets=("Tamsin 9",))
        add_mention(session, work.paper, "2017.1.00002.S")
    run_job(runtime, match)
    row = claimed(runtime, work.vera, work.paper)
    with runtime.store.writing() as session:
        service.judge(session, work.vera, ruling(session, work, candidate_revision_id=None), today(runtime))
    with runtime.store.reading() as session:
        assert session.get_one(Claim, row.id).ended_at is None


@pytest.mark.parametrize("verdict", ["accept", "none"])
def test_whoever_decides_what_another_works_on_is_asked_once_more(
    runtime: Runtime, app: Flask, work: Work, verdict: str
) -> None:
    """409 with the holder's name and the form once more; nothing is stored before the yes, which then is."""
    row = claimed(runtime, work.vera, work.paper)
    hanna = as_client(app, runtime, work.hanna)
    form = {
        "project": str(work.project),
        "version": "0",
        "verdict": verdict,
        "relation": "science" if verdict == "accept" else "mention",
        "reason": "my own words",
    }
    answer = hanna.post(f"/desk/paper/{work.paper}/decide", data=form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Vera (ESO) works on this" in page
    assert 'value="my own words"' in page
    assert f'name="aware" value="{row.id}"' in page
    with runtime.store.reading() as session:
        assert session.exec(select(Decision)).all() == []
    answer = hanna.post(f"/desk/paper/{work.paper}/decide", data={**form, "aware": str(row.id)})
    assert answer.status_code == 302
    with runtime.store.reading() as session:
        assert len(session.exec(select(Decision)).all()) == 1


def test_many_are_not_confirmed_unawares(runtime: Runtime, app: Flask, work: Work) -> None:
    """One of the ticked papers is somebody else's: asked once more, then all are stored."""
    row = claimed(runtime, work.vera, work.other)
    hanna = as_client(app, runtime, work.hanna)
    with runtime.store.reading() as session:
        items = session.exec(select(DeskItem).order_by(col(DeskItem.paper_id))).all()
        chosen = [f"{i.paper_id}:{work.project}:{i.candidate_id}" for i in items]
    answer = hanna.post("/desk/certain", data={"chosen": chosen})
    assert answer.status_code == 409
    assert "Vera (ESO) works on this" in answer.get_data(as_text=True)
    answer = hanna.post("/desk/certain", data={"chosen": chosen, "aware": str(row.id)})
    assert answer.status_code == 302
    with runtime.store.reading() as session:
        assert len(session.exec(select(Link)).all()) == 2


def test_of_many_those_that_nobody_works_on_are_confirmed_alone(runtime: Runtime, app: Flask, work: Work) -> None:
    """The page that asks once more holds a form with the others; what somebody works on stays as it was."""
    claimed(runtime, work.vera, work.other)
    hanna = as_client(app, runtime, work.hanna)
    with runtime.store.reading() as session:
        items = session.exec(select(DeskItem).order_by(col(DeskItem.paper_id))).all()
        chosen = [f"{i.paper_id}:{work.project}:{i.candidate_id}" for i in items]
    page = hanna.post("/desk/certain", data={"chosen": chosen}).get_data(as_text=True)
    free = page.partition("free-ones")[2].partition("</form>")[0]
    assert "Confirm the other 1" in free
    left = re.findall(r'name="chosen" value="([^"]+)"', free)
    assert left == [one for one in chosen if one.startswith(f"{work.paper}:")]
    assert hanna.post("/desk/certain", data={"chosen": left}).status_code == 302
    with runtime.store.reading() as session:
        assert [link.paper_id for link in session.exec(select(Link)).all()] == [work.paper]


def test_many_confirmed_too_late_show_both_views_and_keep_the_others(runtime: Runtime, app: Flask, work: Work) -> None:
    """409: which one somebody judged meanwhile, how and why; the others can be confirmed from there."""
    with runtime.store.reading() as session:
        items = session.exec(select(DeskItem).order_by(col(DeskItem.paper_id))).all()
        chosen = [f"{i.paper_id}:{work.project}:{i.candidate_id}" for i in items]
    with runtime.store.writing() as session:
        rejected = ruling(session, work, verdict=Verdict.REJECT, relation=None, reason="another object")
        service.judge(session, work.vera, rejected, today(runtime))
    hanna = as_client(app, runtime, work.hanna)
    answer = hanna.post("/desk/certain", data={"chosen": chosen})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    for part in (TITLE, "rejected", "Vera", "another object", "Confirm the other 1"):
        assert part in page
    assert f'name="chosen" value="{chosen[1]}"' in page
    assert f'name="chosen" value="{chosen[0]}"' not in page


def test_a_class_judged_meanwhile_is_not_overwritten_unawares(runtime: Runtime, app: Flask, work: Work) -> None:
    """Two say of the whole paper how it relates: the second gets 409 with both views, and can replace it."""
    vera, hanna = as_client(app, runtime, work.vera), as_client(app, runtime, work.hanna)
    seen = {"verdict": "none", "relation_seen": "0"}
    in_force = select(PaperRelation.id).where(
        col(PaperRelation.paper_id) == work.paper, col(PaperRelation.ended_at).is_(None)
    )
    with runtime.store.writing() as session:
        service.dismiss(session, work.ines, service.Dismissal(work.paper, RelationKind.ENGINEERING), today(runtime))
    with runtime.store.reading() as session:
        now_seen = session.exec(in_force).one()
    vera.post(f"/desk/paper/{work.paper}/decide", data={**seen, "relation": "mention", "relation_seen": str(now_seen)})
    answer = hanna.post(
        f"/desk/paper/{work.paper}/decide",
        data={**seen, "relation": "not_ours", "relation_seen": str(now_seen), "reason": "about the city"},
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "about the city" in page
    assert "Vera" in page
    with runtime.store.reading() as session:
        current = session.exec(in_force).one()
    assert f'name="relation_seen" value="{current}"' in page
    same = {**seen, "relation": "mention", "relation_seen": str(now_seen)}
    assert hanna.post(f"/desk/paper/{work.paper}/decide", data=same).status_code == 302  # they agree: no conflict
    again = {**seen, "relation": "not_ours", "relation_seen": str(current)}
    assert hanna.post(f"/desk/paper/{work.paper}/decide", data=again).status_code == 302


def test_two_answers_to_one_question_show_both_views(runtime: Runtime, app: Flask, work: Work) -> None:
    """Are these two one paper? Who answers second gets 409 with the first answer, and can part them again."""
    with runtime.store.writing() as session:
        session.add(
            MergeProposal(paper_id=work.paper, twin_id=work.other, probability=0.8, reasons=[], proposed_at=SEEN)
        )
    vera, hanna = as_client(app, runtime, work.vera), as_client(app, runtime, work.hanna)
    assert vera.post("/desk/twin/1", data={"verdict": "accept"}).status_code == 302
    answer = hanna.post("/desk/twin/1", data={"verdict": "reject"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    for part in ("two different papers", "one paper", "Vera", "Part them again"):
        assert part in page, part


# -- handing over -------------------------------------------------------------------------------------------------------


def test_a_paper_handed_to_a_person_lands_with_its_note_among_theirs(runtime: Runtime, app: Flask, work: Work) -> None:
    """The note stands on the list, the page and in the history; the giver can take it back and has it again."""
    claimed(runtime, work.vera, work.paper)
    vera, hanna = as_client(app, runtime, work.vera), as_client(app, runtime, work.hanna)
    answer = vera.post(
        f"/desk/paper/{work.paper}/hand-over",
        data={"to": f"person:{work.hanna.user_id}", "note": "you know this <b>object</b>"},
        follow_redirects=True,
    )
    assert "Handed over to Hanna" in answer.get_data(as_text=True)
    for address in ("/desk/mine", f"/desk/paper/{work.paper}"):
        page = hanna.get(address).get_data(as_text=True)
        assert "you know this &lt;b&gt;object&lt;/b&gt;" in page
        assert "Vera" in page
    assert "handed the paper to Hanna" in hanna.get(f"/desk/paper/{work.paper}").get_data(as_text=True)
    with runtime.store.reading() as session:
        given = session.exec(select(Claim).where(col(Claim.ended_at).is_(None))).one()
    vera.post(f"/desk/claim/{given.id}/back")
    with runtime.store.reading() as session:
        held = claims.held_now(session, [work.paper], runtime.clock.now())[work.paper]
        assert (held.holder_id, held.given_by_id) == (work.vera.user_id, None)
    assert "You work on no paper now" in hanna.get("/desk/mine").get_data(as_text=True)


def test_what_is_handed_over_waits_for_days(runtime: Runtime, work: Work, clock: FixedClock) -> None:
    """It must not lapse before the other has come to work; claiming it does not shorten its time."""
    with runtime.store.writing() as session:
        row = sharing.hand_to_person(session, work.vera, work.paper, work.hanna.person_id(), "", today(runtime))
    clock.move(timedelta(days=3))
    assert claimed(runtime, work.hanna, work.paper).id == row.id
    with pytest.raises(claims.Claimed):
        claimed(runtime, work.vera, work.paper)


@pytest.mark.parametrize("to", ["person:999999", "person:x", "library:NOBODY", "", "everybody"])
def test_nothing_is_handed_to_nobody(runtime: Runtime, app: Flask, work: Work, to: str) -> None:
    """A person or library that is not there: a sentence, and nothing changes."""
    vera = as_client(app, runtime, work.vera)
    page = vera.post(f"/desk/paper/{work.paper}/hand-over", data={"to": to}, follow_redirects=True)
    assert "Choose" in page.get_data(as_text=True)
    with runtime.store.reading() as session:
        assert session.exec(select(Claim)).all() == []
        assert session.exec(select(LibraryAssignment)).all() == []


def test_nobody_gives_away_what_another_works_on(runtime: Runtime, work: Work) -> None:
    """But a head librarian does."""
    claimed(runtime, work.vera, work.paper)
    with pytest.raises(claims.Claimed), runtime.store.writing() as session:
        sharing.hand_to_library(session, work.hanna, work.paper, "NRAO", "", today(runtime))
    with pytest.raises(RequestRefused, match="yourself"), runtime.store.writing() as session:
        sharing.hand_to_person(session, work.vera, work.paper, work.vera.person_id(), "", today(runtime))
    with runtime.store.writing() as session:
        sharing.hand_to_person(session, work.ines, work.paper, work.hanna.person_id(), "", today(runtime))


def test_a_paper_handed_to_a_library_is_in_its_part_of_the_queue(runtime: Runtime, app: Flask, work: Work) -> None:
    """With the note on its page; taken back it is where it was before."""
    vera = as_client(app, runtime, work.vera)
    to = {"to": "library:NAOJ", "note": "a paper in Japanese"}
    vera.post(f"/desk/paper/{work.paper}/hand-over", data=to)
    assert TITLE in vera.get("/desk?library=NAOJ").get_data(as_text=True)
    page = vera.get(f"/desk/paper/{work.paper}").get_data(as_text=True)
    assert "a paper in Japanese" in page
    assert "handed the paper to NAOJ" in page
    with runtime.store.reading() as session:
        given = session.exec(select(LibraryAssignment)).one()
    vera.post(f"/desk/assignment/{given.id}/back")
    assert TITLE not in vera.get("/desk?library=NAOJ").get_data(as_text=True)
    assert CODE in vera.get("/desk").get_data(as_text=True)


def test_taking_back_gives_a_paper_to_the_library_before(runtime: Runtime, work: Work) -> None:
    """Handed on from one library to another, then taken back: the first has it again."""
    with runtime.store.writing() as session:
        sharing.hand_to_library(session, work.vera, work.paper, "NAOJ", "first", today(runtime))
        second = sharing.hand_to_library(session, work.vera, work.paper, "NRAO", "second", today(runtime))
    with runtime.store.writing() as session:
        sharing.take_from_library(session, work.vera, second.id or 0, today(runtime))
    with runtime.store.reading() as session:
        assert session.get_one(DeskItem, work.paper).library == "NAOJ"
    with pytest.raises(Stale), runtime.store.writing() as session:
        sharing.take_from_library(session, work.vera, second.id or 0, today(runtime))
