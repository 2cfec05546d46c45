"""The audit log is one reading of all histories: nothing missing, in order, paged by keys, masked where it must be."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlmodel import Session, SQLModel, col, select

from biblio.catalogue import audit
from biblio.catalogue.actor import Actor
from biblio.catalogue.audit import Act, Place, Wanted
from biblio.catalogue.audit_streams import Kind, streams
from biblio.catalogue.corrections import correct, withdraw_correction
from biblio.catalogue.links import Ruling, decide, relate, undo
from biblio.catalogue.merges import merge, undo_merge
from biblio.clock import FixedClock
from biblio.errors import RequestRefused
from biblio.store import Store
from biblio.store.models import (
    AuditEntry,
    CandidateRevision,
    Claim,
    Contact,
    ContactEvent,
    JobRun,
    OutboxMail,
    PaperNote,
    SecondReading,
)
from biblio.store.words import ContactFault, ContactState, MailState, Outcome, RelationKind, Role, Trigger, Verdict
from tests.factories import LEARNED, add_candidate, add_paper, add_project, add_user

CODE = "2016.1.00001.S"

ELSEWHERE = {
    "campaign.created_by_id": "audit entries say who did what with a campaign",
    "ranking_choice.chosen_by_id": "an audit entry for each choice",
    "ranking_measure.measured_by_id": "a model is measured by a job, or chosen with an audit entry",
    "ranking_model.fitted_by_id": "a model is fitted by a job, which is an act of its own",
    "rematch_trial.begun_by_id": "a trial is begun by a job, which is an act of its own",
    "paper_report.handled_by_id": "an audit entry for each time it is handled",
    "comment_tag.made_by_id": "a survey reader's tag, told to survey readers alone, beside its comment",
    "comment_tag.ended_by_id": "as for whoever made it",
    "mail_bounce.handled_by_id": "an audit entry for each word on an address",
    "asking_again.actor_id": "audit entries say who gave leave to ask again, or took it back",
    "asking_again.ended_by_id": "as for whoever gave it",
    "report_snapshot.made_by_id": "an audit entry says who froze it",
    "wrong_person.handled_by_id": "a note for one librarian; it changes no state",
}
"""Columns that name a person without a stream of their own, and why."""


def test_every_person_named_in_a_table_is_an_act_of_the_log() -> None:
    """A new history with a person in it must be told by a stream, or say here why it is not."""
    told = {
        column
        for stream in streams()
        if stream.actor is not None
        for column in _names_of(stream.actor)
    } | {"claim.holder_id", "second_reading.first_reader_id", "second_reading.ended_by_id"}  # fmt: skip
    named = {
        f"{table.name}.{key.parent.name}"
        for table in SQLModel.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name == "user_account"
    }
    assert sorted(named - told - set(ELSEWHERE)) == []


def _names_of(column: object) -> set[str]:
    from sqlalchemy.sql.visitors import iterate

    found = [one for one in iterate(column) if isinstance(one, sa.Column)]  # type: ignore[arg-type]
    if not found:
        found = [one for one in [getattr(column, "property", None)] if one is not None for one in one.columns]
    return {f"{one.table.name}.{one.name}" for one in found}


def _morning(session: Session, clock: FixedClock) -> tuple[Actor, Actor, int, int]:
    """A morning's acts, a minute apart; return who and where."""
    now, step = clock.now(), timedelta(minutes=1)
    ines, tom = add_user(session), add_user(session, "tom", Role.HEAD_LIBRARIAN)
    project, paper, other = add_project(session, CODE), add_paper(session, title="Rings"), add_paper(session)
    add_candidate(session, paper, project)
    revision = session.exec(select(CandidateRevision.id)).one()
    ruling = Ruling(paper, project, Verdict.ACCEPT, 0, RelationKind.SCIENCE, "quoted", revision)
    made = decide(session, ines, ruling, now=now)
    assert made.id is not None
    undo(session, ines, made.id, now=now + step)
    relate(session, tom, paper_id=paper, relation=RelationKind.MENTION, now=now + 2 * step, reason="only named")
    relate(session, tom, paper_id=paper, relation=None, now=now + 3 * step)
    joined = merge(session, tom, kept_id=paper, merged_id=other, reason="twins", now=now + 4 * step)
    assert joined.id is not None
    undo_merge(session, tom, joined.id, now=now + 5 * step)
    correct(session, ines, paper, "title", "Rings of dust", now=now + 6 * step)
    withdraw_correction(session, tom, paper, "title", now=now + 7 * step)
    session.add(PaperNote(paper_id=paper, text="ask the PI", actor_id=ines.person_id(), made_at=now + 8 * step))
    session.add(
        Claim(paper_id=paper, holder_id=ines.person_id(), given_by_id=tom.person_id(), claimed_at=now + 9 * step,
              until=now + 10 * step)
    )  # fmt: skip
    session.add(
        JobRun(job="import", started_by=Trigger.HAND, actor_id=ines.user_id, outcome=Outcome.SUCCEEDED, version="1",
               started_at=now + 10 * step, lease_until=now, counts={"new": 3, "notes": ["x"]})
    )  # fmt: skip
    session.add(
        OutboxMail(key="k", message_id="<m>", kind="contact", recipient="Ada Author", email="ada@example.org",
                   subject="Your paper", body="a link", state=MailState.SENT, created_at=now + 11 * step,
                   sent_at=now + 12 * step)
    )  # fmt: skip
    contact = Contact(
        paper_id=paper, fault=ContactFault.NO_CODE, recipient="Ada Author", email="ada@example.org", email_from="paper",
        subject="s", body="b", state=ContactState.SENT, made_at=now + 13 * step, made_by_id=ines.person_id(),
    )  # fmt: skip
    session.add(contact)
    session.flush()
    assert contact.id is not None
    session.add(ContactEvent(contact_id=contact.id, state=ContactState.SENT, at=now + 14 * step))
    session.add(AuditEntry(made_at=now + 15 * step, actor_id=tom.user_id, action="login", subject="tom"))
    session.flush()
    return ines, tom, paper, project


def _told(acts: list[Act]) -> list[str]:
    return [f"{act.who}: {act.what}" for act in acts]


def test_a_morning_is_told_in_order(store: Store, clock: FixedClock) -> None:
    """Every act of every history, the latest first, with who did it."""
    with store.writing() as session:
        _morning(session, clock)
    with store.reading() as session:
        acts = audit.page(session, Wanted(first=clock.today()), viewer=None)
    assert _told(acts) == [
        "Tom: logged in: tom",
        "biblio: contact 1 with an author: sent",
        "Ines: wrote to an author: no code",
        "biblio: letter 1 left: contact",
        "biblio: letter 1 was written: contact",
        "Ines: started the job import",
        "Tom: handed the paper over",
        "Ines: noted",
        "Tom: took back the correction of the title",
        "Ines: corrected the title",
        "Tom: made two papers of 1 and 2 again",
        "Tom: made paper 2 one with paper 1",
        "Tom: took back how the paper relates",
        "Tom: judged how the paper relates: mention",
        "Ines: took back decision 1",
        "Ines: took back how the paper relates",
        "Ines: accepted",
    ]


def test_a_decision_tells_what_was_seen(store: Store, clock: FixedClock) -> None:
    """Score, band, rules and model of the revision that was on the screen stand with the decision."""
    with store.writing() as session:
        _, _, paper, _ = _morning(session, clock)
    with store.reading() as session:
        act = audit.page(session, Wanted(words="quoted"), viewer=None)[0]
    assert (act.what, act.reason, act.project, act.paper_id) == ("accepted", "quoted", CODE, paper)
    assert act.seen is not None
    assert (act.seen.score, act.seen.band, act.seen.rules_digest) == (0.9, "likely", "test")
    assert ("relation", "science") in act.details


def test_no_address_answer_or_link_is_told(store: Store, clock: FixedClock) -> None:
    """What letters hold and to whom they go is not in the log."""
    with store.writing() as session:
        _morning(session, clock)
    with store.reading() as session:
        everything = str([act.plain() for act in audit.everything(session, Wanted(), viewer=None)])
    assert "Your paper" in everything
    for secret in ("example.org", "a link", "Ada Author"):
        assert secret not in everything


@pytest.mark.parametrize(
    ("wanted", "number"),
    [
        (Wanted(kind=Kind.MERGE), 2),
        (Wanted(kind=Kind.EDIT), 3),
        (Wanted(kind=Kind.MAIL), 4),
        (Wanted(kind=Kind.IMPORT), 1),
        (Wanted(kind=Kind.ACCOUNT), 1),
        (Wanted(papers=(2,)), 2),
        (Wanted(words="DUST"), 2),
        (Wanted(words="ask PI"), 1),
        (Wanted(words="100% _"), 0),
        (Wanted(who=0, kind=Kind.MAIL), 3),
        (Wanted(who=1, kind=Kind.EDIT), 2),
    ],
)
def test_each_filter_counts_what_it_shows(store: Store, clock: FixedClock, wanted: Wanted, number: int) -> None:
    """The count and the acts agree."""
    with store.writing() as session:
        _morning(session, clock)
    with store.reading() as session:
        assert audit.count(session, wanted, viewer=None) == number
        assert len(audit.page(session, wanted, viewer=None)) == number


def test_pages_of_one_are_the_whole(store: Store, clock: FixedClock) -> None:
    """Going on from each act in turn meets every act once, in the same order, also where moments are equal."""
    with store.writing() as session:
        _morning(session, clock)
        for number in range(7):
            session.add(AuditEntry(made_at=clock.now(), action=f"x{number}", subject="same moment"))
    with store.reading() as session:
        whole = [act.place for act in audit.page(session, Wanted(), viewer=None)]
        one_by_one: list[Place] = []
        before: Place | None = None
        while acts := audit.page(session, Wanted(), viewer=None, before=before, size=1):
            before = Place.read(str(acts[0].place))
            one_by_one.append(before)
        assert one_by_one == whole
        assert len(whole) == audit.count(session, Wanted(), viewer=None) > 20


def test_a_page_takes_the_same_statements_however_long_it_is(store: Store, clock: FixedClock) -> None:
    """One statement finds the acts, one counts them; names and titles come for all at once."""
    with store.writing() as session:
        _morning(session, clock)
    statements: list[str] = []
    with store.reading() as session:
        event.listen(store.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
        audit.page(session, Wanted(kind=Kind.DECISION), viewer=None, size=2)
        few = len(statements)
        audit.page(session, Wanted(kind=Kind.DECISION), viewer=None, size=50)
        assert len(statements) - few <= few + 2
        assert few <= 9


@pytest.mark.parametrize("who", ["first", "other", "nobody"])
def test_under_a_second_reading_only_the_first_reader_sees(store: Store, clock: FixedClock, who: str) -> None:
    """To all others the act is told without verdict, reason, relation, score; no search leads to it by its words."""
    with store.writing() as session:
        ines, tom, paper, project = _morning(session, clock)
        session.add(
            SecondReading(paper_id=paper, project_id=project, decision_id=1, first_reader_id=ines.person_id(),
                          drawn_at=clock.now())
        )  # fmt: skip
    viewer = {"first": ines.user_id, "other": tom.user_id, "nobody": None}[who]
    with store.reading() as session:
        acts = [a for a in audit.page(session, Wanted(kind=Kind.DECISION), viewer=viewer) if a.paper_id == paper]
        found = audit.count(session, Wanted(words="quoted"), viewer=viewer)
        named = audit.count(session, Wanted(words="only named"), viewer=viewer)
    if who == "first":
        assert found == named == 1
        assert not any(act.is_hidden for act in acts)
        return
    assert found == named == 0
    assert all(act.is_hidden and not act.reason and not act.details and act.seen is None for act in acts)
    assert {act.what for act in acts} <= {"judged the project", "judged the paper"}


@pytest.mark.parametrize(
    "written", ["", "x", "20261122T120000000000.nowhere.1", "99999999T999999999999.decision.1", "1.decision.1"]
)
def test_a_place_that_is_none_is_refused(written: str) -> None:
    """An address that was changed by hand gets a sentence."""
    with pytest.raises(RequestRefused, match="no place in the audit log"):
        Place.read(written)


def test_streams_have_names_of_their_own() -> None:
    """A place names its stream, so no two may share a name; each stands in an address as it is."""
    names = Counter(stream.name for stream in streams())
    assert max(names.values()) == 1
    assert all(Place.read(f"20261122T120000000000.{name}.1").stream == name for name in names)


def test_the_log_begins_with_what_is_oldest(store: Store) -> None:
    """Candidates and revisions are the machine's and no acts: an untouched store has an empty log."""
    with store.writing() as session:
        add_candidate(session, add_paper(session), add_project(session, CODE))
    with store.reading() as session:
        assert audit.page(session, Wanted(), viewer=None) == []
        assert session.exec(select(CandidateRevision).where(col(CandidateRevision.suggested_at) == LEARNED)).all()
