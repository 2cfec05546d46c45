"""Who is due: the facts are read from the database as they were known, by a fixed number of statements."""

from __future__ import annotations

import gc
import hmac
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.actor import MACHINE
from biblio.catalogue.links import Ruling, decide, relate
from biblio.clock import FixedClock
from biblio.mail import Letter, queue
from biblio.mail.addresses import AddressBook
from biblio.mail.bounces import say
from biblio.runtime import Runtime
from biblio.store.models import (
    ArchiveReference,
    AskedBefore,
    Invitation,
    InvitationLetter,
    MailBounce,
    ObservationUnit,
    OptOut,
    OutboxMail,
    Paper,
    Project,
    ProjectRevision,
    UnitRevision,
)
from biblio.store.words import Band, RelationKind, Role, Scheme, Verdict
from survey.asking.due import due, still_silent, what_ended_asking
from survey.asking.rule import Ground
from survey.campaign.sending import queue_batch, send
from survey.campaign.service import create_campaign, exclude, include
from tests.factories import LEARNED, accept, add_candidate, add_paper, add_project, add_user
from tests.survey.people import open_and_send

CODE = "2016.1.00001.S"


def standing(runtime: Runtime, code: str = CODE, as_of: date | None = None) -> Ground | None:
    """Return the ground of one project."""
    with runtime.store.reading() as session:
        return next(s.judgement.ground for s in due(session, runtime, as_of) if s.code == code)


def test_a_silent_project_is_due(runtime: Runtime) -> None:
    """Released in 2018, no paper, an address: due."""
    with runtime.store.writing() as session:
        add_project(session, CODE)
    assert standing(runtime) is None


def test_only_usable_release_dates_start_the_clock(runtime: Runtime) -> None:
    """A unit with the far-off date for "unknown" does not hold the others back; alone it gives no date."""
    with runtime.store.writing() as session:
        project = add_project(session, CODE)
        unit = ObservationUnit(project_id=project, uid="uid://A001/X1/Xff", first_seen_at=LEARNED)
        session.add(unit)
        session.flush()
        session.add(UnitRevision(unit_id=unit.id or 0, source="t", learned_at=LEARNED, released_on=date(3000, 1, 1)))
        add_project(session, "2016.1.00002.S", released_on=date(3000, 1, 1), delivered_on=None)
    assert standing(runtime) is None
    assert standing(runtime, "2016.1.00002.S") is Ground.NO_RELEASE_DATE


def test_the_last_unit_counts(runtime: Runtime) -> None:
    """A second unit that is still proprietary keeps the whole project off the list."""
    with runtime.store.writing() as session:
        project = add_project(session, CODE)
        unit = ObservationUnit(project_id=project, uid="uid://A001/X1/Xfe", first_seen_at=LEARNED)
        session.add(unit)
        session.flush()
        session.add(UnitRevision(unit_id=unit.id or 0, source="t", learned_at=LEARNED, released_on=date(2027, 3, 1)))
    assert standing(runtime) is Ground.STILL_PROPRIETARY


def test_a_release_that_moves_takes_the_project_off_and_the_past_stays(runtime: Runtime, clock: FixedClock) -> None:
    """After the registry moved a release date the project is off; as of the day before it still was due."""
    with runtime.store.writing() as session:
        add_project(session, CODE)
        old = session.exec(select(UnitRevision)).one()
        moved = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
        old.superseded_at = moved
        session.add(old)
        session.flush()
        session.add(
            UnitRevision(unit_id=old.unit_id, source="t", learned_at=moved, delivered_on=old.delivered_on,
                         released_on=date(2025, 6, 1))
        )  # fmt: skip
    assert standing(runtime) is Ground.WITHIN_GRACE
    assert standing(runtime, as_of=date(2026, 8, 31)) is None
    assert standing(runtime, as_of=date(2027, 6, 1)) is None


@pytest.mark.parametrize(
    ("relation", "refereed", "kind", "preprint_on", "ground"),
    [
        (RelationKind.SCIENCE, True, "article", None, Ground.NOT_SILENT),
        (RelationKind.SCIENCE, False, "eprint", date(2025, 6, 1), Ground.NOT_SILENT),
        (RelationKind.SCIENCE, False, "eprint", date(2023, 6, 1), None),
        (RelationKind.SCIENCE, False, "thesis", date(2025, 6, 1), None),
        (RelationKind.SCIENCE, False, "proceedings", date(2025, 6, 1), None),
        (RelationKind.MENTION, True, "article", None, None),
        (RelationKind.ENGINEERING, True, "article", None, None),
    ],
)
def test_what_ends_silence(
    runtime: Runtime,
    relation: RelationKind,
    refereed: bool,
    kind: str,
    preprint_on: date | None,
    ground: Ground | None,
) -> None:
    """A refereed science paper does, or a young preprint; mentions, theses, proceedings and engineering papers do not."""
    with runtime.store.writing() as session:
        project = add_project(session, CODE)
        paper = add_paper(session, is_refereed=refereed, kind=kind, preprint_on=preprint_on)
        actor = add_user(session)
        accept(session, actor, paper, project)
        relate(session, actor, paper_id=paper, relation=relation, now=runtime.clock.now())
        assert still_silent(session, runtime, project) is (ground is None)
    assert standing(runtime) == ground


def test_an_undone_link_makes_silent_again_and_the_past_stays(runtime: Runtime) -> None:
    """What was accepted and then rejected counts as of the days between only."""
    with runtime.store.writing() as session:
        project = add_project(session, CODE)
        actor = add_user(session)
        paper = add_paper(session)
        accept(session, actor, paper, project, now=LEARNED)
        ruling = Ruling(paper, project, Verdict.REJECT, version_seen=1)
        decide(session, actor, ruling, now=LEARNED + timedelta(days=10))
    assert standing(runtime) is None
    assert standing(runtime, as_of=LEARNED.date() + timedelta(days=5)) is Ground.NOT_SILENT


@pytest.mark.parametrize(("band", "ground"), [(Band.CERTAIN, Ground.UNDECIDED_CERTAIN), (Band.LIKELY, None)])
def test_the_desk_comes_first(runtime: Runtime, band: Band, ground: Ground | None) -> None:
    """A certain candidate holds asking back until a person decides; a likely one does not."""
    with runtime.store.writing() as session:
        project = add_project(session, CODE)
        paper = add_paper(session)
        add_candidate(session, paper, project, band=band)
    assert standing(runtime) == ground
    with runtime.store.writing() as session:
        actor = add_user(session)
        decide(session, actor, Ruling(paper, project, Verdict.UNSURE, version_seen=0), now=LEARNED)
    assert standing(runtime) == ground
    with runtime.store.writing() as session:
        decide(session, actor, Ruling(paper, project, Verdict.REJECT, version_seen=1), now=LEARNED)
    assert standing(runtime) is None


def test_a_paper_that_only_the_archive_names_holds_asking_back(runtime: Runtime) -> None:
    """Until somebody judges the paper the archive lists, its project is not asked."""
    bibcode = "2019JTst...12...34A"
    with runtime.store.writing() as session:
        project = add_project(session, CODE)
        session.add(ArchiveReference(project_id=project, bibcode=bibcode, source="t", learned_at=LEARNED))
    assert standing(runtime) is Ground.ARCHIVE_REFERENCE
    with runtime.store.writing() as session:
        paper = add_paper(session, identifiers={Scheme.BIBCODE: bibcode})
    assert standing(runtime) is Ground.ARCHIVE_REFERENCE
    with runtime.store.writing() as session:
        ruling = Ruling(paper, project, Verdict.REJECT, version_seen=0)
        decide(session, add_user(session), ruling, now=LEARNED)
    assert standing(runtime) is None


def test_an_archive_that_names_the_preprint_is_answered_by_the_article(runtime: Runtime) -> None:
    """A reference by the preprint's bibcode is settled by the verdict on the article we hold under another one."""
    known_as = {Scheme.BIBCODE: "2019JTst...12...34A", Scheme.ARXIV: "1901.00001"}
    with runtime.store.writing() as session:
        project = add_project(session, CODE)
        preprint = "2019arXiv190100001A"
        session.add(ArchiveReference(project_id=project, bibcode=preprint, source="t", learned_at=LEARNED))
        paper = add_paper(session, identifiers=known_as)
    assert standing(runtime) is Ground.ARCHIVE_REFERENCE
    with runtime.store.writing() as session:
        ruling = Ruling(paper, project, Verdict.REJECT, version_seen=0)
        decide(session, add_user(session), ruling, now=LEARNED)
    assert standing(runtime) is None


def test_who_was_asked_is_not_asked_again(runtime: Runtime) -> None:
    """Invitations count, also for the days before they were made not; taken-back ones do not; old lists do."""
    with runtime.store.writing() as session:
        add_project(session, CODE)
        asked = add_project(session, "2016.1.00002.S")
        session.add(AskedBefore(project_id=asked, asked_on=date(2020, 1, 1), source="t", learned_at=LEARNED))
    with runtime.store.writing() as session:
        made = create_campaign(session, runtime, MACHINE, name="first")
    assert made.projects == 1
    assert standing(runtime) is Ground.ASKED_BEFORE
    assert standing(runtime, as_of=date(2026, 11, 21)) is None
    assert standing(runtime, "2016.1.00002.S") is Ground.ASKED_BEFORE
    with runtime.store.reading() as session:
        own = {s.code: s.judgement.ground for s in due(session, runtime, ignoring=made.campaign_id)}
    assert own == {CODE: None, "2016.1.00002.S": Ground.ASKED_BEFORE}
    with runtime.store.writing() as session:
        invitation = session.exec(select(Invitation)).one()
        invitation.withdrawn_at = runtime.clock.now()
        session.add(invitation)
    assert standing(runtime) is None


def test_opting_out_is_by_address_however_it_is_spelt(runtime: Runtime) -> None:
    """All projects of an address that opted out are off the list, though only its keyed hash is stored."""
    with runtime.store.writing() as session:
        add_project(session, CODE, pi_email="Bora.Ahn@Example.org ")
        book = AddressBook(runtime.settings)
        session.add(OptOut(address_hash=book.hash("bora.ahn@example.org"), key_id=book.key_id, made_at=LEARNED))
    assert standing(runtime) is Ground.OPTED_OUT


@pytest.mark.parametrize("address", [None, "", "nobody", "a b@example.org", "a@b"])
def test_without_a_usable_address_nobody_is_asked(runtime: Runtime, address: str | None) -> None:
    """No address, or nonsense in its place, is its own ground."""
    with runtime.store.writing() as session:
        add_project(session, CODE, pi_email=address)
    assert standing(runtime) is Ground.NO_ADDRESS


def test_a_person_can_take_a_project_off_and_put_it_back(runtime: Runtime) -> None:
    """An exclusion holds from the day it was made until it is ended."""
    with runtime.store.writing() as session:
        add_project(session, CODE)
        exclude(session, runtime, add_user(session), CODE, "the PI has left science")
    assert standing(runtime) is Ground.EXCLUDED
    assert standing(runtime, as_of=date(2026, 11, 21)) is None
    with runtime.store.writing() as session:
        include(session, runtime, add_user(session, "other"), CODE)
    assert standing(runtime) is None


def bounced(runtime: Runtime, campaign_id: int, *, is_hard: bool = True, letters: int | None = None) -> list[int]:
    """Let the letters of a campaign (the first ``letters``) come back; return the numbers of the bounces."""
    book = AddressBook(runtime.settings)
    with runtime.store.writing() as session:
        mails = session.exec(select(OutboxMail).order_by(col(OutboxMail.id))).all()[:letters]
        rows = [
            MailBounce(
                digest=f"{campaign_id}-{mail.id}",
                outbox_mail_id=mail.id or 0,
                address_hash=book.hash(mail.email),
                key_id=book.key_id,
                is_hard=is_hard,
                told_at=runtime.clock.now(),
                learned_at=runtime.clock.now(),
            )
            for mail in mails
        ]
        session.add_all(rows)
        session.flush()
        return [row.id or 0 for row in rows]


def asked_once(runtime: Runtime) -> int:
    """Ask about one silent project; return the number of the campaign."""
    with runtime.store.writing() as session:
        add_project(session, CODE, pi_email="bora.ahn@example.org")
        campaign = create_campaign(session, runtime, MACHINE, name="first").campaign_id
    open_and_send(runtime, campaign)
    return campaign


def test_letters_that_all_came_back_are_no_asking(runtime: Runtime, clock: FixedClock) -> None:
    """Nobody was reached: the address is the ground, and with one that works the project is due again."""
    campaign = asked_once(runtime)
    assert standing(runtime) is Ground.ASKED_BEFORE
    clock.move(timedelta(days=1))
    bounced(runtime, campaign)
    assert standing(runtime) is Ground.NO_ADDRESS
    assert standing(runtime, as_of=date(2026, 11, 22)) is Ground.ASKED_BEFORE
    with runtime.store.writing() as session:
        row = session.exec(select(ProjectRevision)).one()
        row.pi_email = "mina.ito@example.org"
        session.add(row)
    assert standing(runtime) is None


def test_a_letter_that_was_late_or_one_of_two_that_arrived_is_an_asking(runtime: Runtime) -> None:
    """A mailbox that was full once does not count as gone, and a reminder that arrived has asked."""
    campaign = asked_once(runtime)
    bounced(runtime, campaign, is_hard=False)
    assert standing(runtime) is Ground.ASKED_BEFORE
    with runtime.store.writing() as session:
        invitation = session.exec(select(Invitation)).one()
        letter = Letter("second", "survey-reminder", "Ahn", "bora.ahn@example.org", "Again", "Again.")
        mail = queue(session, runtime.settings, letter, now=runtime.clock.now())
        session.add(InvitationLetter(invitation_id=invitation.id or 0, outbox_mail_id=mail.id or 0))
        session.exec(select(MailBounce)).one().is_hard = True
    assert standing(runtime) is Ground.ASKED_BEFORE


def test_a_dead_address_is_no_address_until_somebody_says_it_works(runtime: Runtime) -> None:
    """All projects of an address whose letter came back for good are off the list, until a person's word."""
    campaign = asked_once(runtime)
    with runtime.store.writing() as session:
        add_project(session, "2016.1.00002.S", pi_email="Bora.Ahn@Example.org")
        head = add_user(session, "head", Role.HEAD_LIBRARIAN)
    (number,) = bounced(runtime, campaign)
    assert standing(runtime, "2016.1.00002.S") is Ground.NO_ADDRESS
    with runtime.store.writing() as session:
        say(session, head, number, "works", now=runtime.clock.now())
    assert standing(runtime, "2016.1.00002.S") is None


def test_an_opt_out_under_the_key_of_before_is_honoured(runtime: Runtime) -> None:
    """Hashes from the time when the server's secret was the key still recognise their address."""
    with runtime.store.writing() as session:
        add_project(session, CODE, pi_email="Bora.Ahn@example.org")
        secret = runtime.settings.secret().encode()
        hashed = hmac.digest(secret, b"biblio opt-out\0bora.ahn@example.org", "sha256").hex()
        session.add(OptOut(address_hash=hashed, key_id="", made_at=LEARNED))
    assert standing(runtime) is Ground.OPTED_OUT


def test_papers_that_became_one_count_by_the_later_word(runtime: Runtime, clock: FixedClock) -> None:
    """A verdict on a paper that was merged away counts for its survivor; of two the later one holds."""
    with runtime.store.writing() as session:
        project = add_project(session, CODE)
        actor = add_user(session)
        gone, kept = add_paper(session), add_paper(session)
        accept(session, actor, gone, project)
        session.get_one(Paper, gone).merged_into_id = kept
    assert standing(runtime) is Ground.NOT_SILENT
    with runtime.store.reading() as session:
        assert not still_silent(session, runtime, project)
        assert what_ended_asking(session, runtime, project) is Ground.NOT_SILENT
    with runtime.store.writing() as session:
        decide(session, actor, Ruling(kept, project, Verdict.REJECT, version_seen=1), now=runtime.clock.now())
    assert standing(runtime) is None
    with runtime.store.reading() as session:
        assert still_silent(session, runtime, project)


def test_a_release_that_moves_ends_a_running_asking(runtime: Runtime) -> None:
    """After the release date moved later, the letter that waits is stopped and the page has a reason to ask no more."""
    with runtime.store.writing() as session:
        project = add_project(session, CODE)
        campaign = create_campaign(session, runtime, MACHINE, name="first").campaign_id
        assert what_ended_asking(session, runtime, project) is None
        queue_batch(session, runtime, MACHINE, campaign)
        session.exec(select(UnitRevision)).one().released_on = date(2025, 6, 1)
    with runtime.store.reading() as session:
        assert what_ended_asking(session, runtime, project) is Ground.WITHIN_GRACE
        assert still_silent(session, runtime, project)
    counts = send(runtime)
    assert (counts.sent, counts.cancelled) == (0, 1)
    with runtime.store.reading() as session:
        invitation = session.exec(select(Invitation)).one()
    assert invitation.withdrawn_at is not None
    assert "years of grace end on 2027-06-01" in (invitation.withdrawn_reason or "")


def test_many_projects_asked_for_by_number_are_all_found(runtime: Runtime) -> None:
    """With more numbers than one statement should hold the answer is the same, for those numbers only."""
    with runtime.store.writing() as session:
        wanted = add_project(session, CODE)
        add_project(session, "2016.1.00002.S")
        found = due(session, runtime, projects=[wanted, *range(10_000, 12_000)])
    assert [(s.code, s.judgement.ground) for s in found] == [(CODE, None)]


def test_judging_everything_leaves_the_search_for_garbage_as_it_was(runtime: Runtime) -> None:
    """It is paused while all projects are judged and goes on afterwards, also when reading fails."""
    with runtime.store.writing() as session:
        add_project(session, CODE)
        due(session, runtime)
    assert gc.isenabled()
    with pytest.raises(sa.exc.InvalidRequestError), runtime.store.reading() as session:
        session.close()
        session.connection = _broken  # type: ignore[method-assign]
        due(session, runtime)
    assert gc.isenabled()


def _broken(*_arguments: object, **_named: object) -> sa.Connection:
    raise sa.exc.InvalidRequestError("the connection is gone")


def test_the_number_of_statements_does_not_grow(runtime: Runtime) -> None:
    """600 projects take as many statements as one."""

    def statements() -> int:
        seen: list[str] = []

        def note(_c: object, _cur: object, statement: str, *_rest: object) -> None:
            seen.append(statement)

        sa.event.listen(runtime.store.engine, "before_cursor_execute", note)
        with runtime.store.reading() as session:
            due(session, runtime)
        sa.event.remove(runtime.store.engine, "before_cursor_execute", note)
        return len(seen)

    with runtime.store.writing() as session:
        add_project(session, CODE)
    few = statements()
    with runtime.store.writing() as session:
        _many(session, 600)
    assert statements() == few


def _many(session: Session, count: int) -> None:
    for number in range(2, count):
        add_project(session, f"2016.1.{number:05d}.S", pi_email=f"p{number}@example.org")
    assert session.exec(select(sa.func.count(col(Project.id)))).one() == count - 1
