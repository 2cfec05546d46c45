"""Whether the audit log explains every state in the store: each row in force has one act that made it, and replaying fits.

Each check walks the rows of its kind once, counts what is explained, and names what is not: which paper, which project,
what is wrong. A check reads only. What is worked out of other tables (the queue, matches, figures) has no acts and is
left out: it can be made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, col, select

from biblio.catalogue.audit_judged import Checked, Difference, check_links, check_relations, count_rows
from biblio.catalogue.audit_merges import Merges, check_merges, check_twins
from biblio.store.models import (
    AuditEntry,
    Claim,
    ComparisonAside,
    Contact,
    ContactEvent,
    Decision,
    Escalation,
    JournalWatch,
    LibraryAssignment,
    LibraryRule,
    MergeProposal,
    OutboxMail,
    PaperCorrection,
    PaperMerge,
    PaperNote,
    PaperReport,
    PaperRevision,
    PaperTag,
    SecondReading,
    SurveyExclusion,
    UserAccount,
    WantedPaper,
)
from biblio.store.words import ClaimEnd, MailState, ReportState, WantedState

Check = Callable[[Session], Checked]


def check_everything(session: Session) -> Iterator[Checked]:
    """Give the outcome of each check, one after the other."""
    for check in CHECKS:
        yield check(session)


# -- what librarians write ------------------------------------------------------------------------------------------------


def check_corrections(session: Session) -> Checked:
    """Every correction in force is what is shown, and what is shown as a person's is a correction in force."""
    checked = Checked("corrections", count_rows(session, PaperCorrection))
    live: dict[tuple[int, str], list[Any]] = {}
    merges = Merges.of(session)
    for row in session.exec(select(PaperCorrection).where(col(PaperCorrection.withdrawn_at).is_(None))):
        live.setdefault((merges.root(row.paper_id), row.field), []).append(row.value)
    by_person = sa.cast(col(PaperRevision.provenance), sa.Text).like('%"person"%')
    shown: dict[tuple[int, str], Any] = {}
    for revision in session.exec(select(PaperRevision).where(col(PaperRevision.superseded_at).is_(None), by_person)):
        for name, source in revision.provenance.items():
            if source == "person":
                shown[revision.paper_id, name] = getattr(revision, name)
    for (paper, name), value in shown.items():
        if (paper, name) not in live:
            checked.differences.append(Difference(f"the {name} is shown as a person's, but nobody corrected it", paper))
        elif not any(_same(value, corrected) for corrected in live[paper, name]):
            checked.differences.append(Difference(f"the {name} shown is not what a person corrected it to", paper))
    for paper, name in live:
        if (paper, name) not in shown:
            checked.differences.append(Difference(f"the correction of the {name} is not shown", paper))
    return checked


def _same(shown: Any, corrected: Any) -> bool:
    return shown == corrected or str(shown) == str(corrected)


@dataclass(frozen=True)
class Ends:
    """A history whose rows somebody ends: ``by`` says who, ``unless`` which rows may end by themselves."""

    name: str
    model: type[SQLModel]
    began: Any
    ended: Any
    by: Any
    paper: Any = None
    unless: Any = None
    reopens: bool = False
    """Whether the columns say what happened last only, so that the row may have been open again since it began."""


def _ends() -> tuple[Ends, ...]:
    note, tag, corr, merge, claim = PaperNote, PaperTag, PaperCorrection, PaperMerge, Claim
    rule, given, second, raised = LibraryRule, LibraryAssignment, SecondReading, Escalation
    watch, aside, off, wish = JournalWatch, ComparisonAside, SurveyExclusion, WantedPaper
    by_itself = col(claim.end) == ClaimEnd.LAPSED
    return (
        Ends("notes", note, note.made_at, note.removed_at, note.removed_by_id, note.paper_id),
        Ends("tags", tag, tag.made_at, tag.removed_at, tag.removed_by_id, tag.paper_id),
        Ends("taken back corrections", corr, corr.made_at, corr.withdrawn_at, corr.withdrawn_by_id, corr.paper_id),
        Ends("merges undone", merge, merge.made_at, merge.undone_at, merge.undone_by_id, merge.kept_id),
        Ends("claims", claim, claim.claimed_at, claim.ended_at, claim.ended_by_id, claim.paper_id, by_itself),
        Ends("library rules", rule, rule.made_at, rule.ended_at, rule.ended_by_id),
        Ends("library assignments", given, given.made_at, given.ended_at, given.ended_by_id, given.paper_id),
        Ends("second readings", second, second.drawn_at, second.ended_at, second.ended_by_id, second.paper_id),
        Ends("escalations", raised, raised.raised_at, raised.settled_at, raised.settled_by_id, raised.paper_id),
        Ends("monitored journals", watch, watch.made_at, watch.ended_at, watch.ended_by_id),
        Ends("differences set aside", aside, aside.made_at, aside.ended_at, aside.ended_by_id),
        Ends("projects not asked", off, off.made_at, off.ended_at, off.ended_by_id),
        Ends("papers asked for", wish, wish.asked_at, wish.ended_at, wish.ended_by_id, wish.paper_id,
             col(wish.state).in_([WantedState.ADDED, WantedState.REFUSED])),
    )  # fmt: skip


def _check_ends(ends: Ends) -> Check:
    def check(session: Session) -> Checked:
        checked = Checked(ends.name, count_rows(session, ends.model))
        began, ended, by = col(ends.began), col(ends.ended), col(ends.by)
        may_end = sa.false() if ends.unless is None else sa.func.coalesce(ends.unless, sa.false())
        key = col(ends.model.id)  # type: ignore[attr-defined]
        paper = sa.null() if ends.paper is None else col(ends.paper)
        rows = session.execute(
            sa.select(key, paper, ended, by).where(
                sa.or_(
                    sa.and_(ended.is_not(None), by.is_(None), ~may_end),
                    sa.and_(ended.is_(None), by.is_not(None)),
                )
            )
        )
        for number, of, end, who in rows:
            what = "ended by nobody" if end and who is None else "is open though somebody ended it"
            checked.differences.append(Difference(f"{ends.name}: row {number} {what}", of))
        # Whoever ended a row cannot choose the moment: such a row is the work of the machine's clock, not theirs.
        back = session.execute(sa.select(sa.func.count(), sa.func.min(key)).where(ended < began)).one()
        if back[0]:
            checked.remarks.append(
                f"{back[0]} ended before they began (row {back[1]} first): the clock was set back then"
            )
        return checked

    return check


# -- who does what ----------------------------------------------------------------------------------------------------------


def check_claims(session: Session) -> Checked:
    """Every claim says how it ended, and one that was handed over went on at that moment with somebody else."""
    checked = Checked("how claims ended", count_rows(session, Claim))
    row, following = Claim, aliased(Claim)
    further: Any = following
    for claim in session.exec(select(row).where(col(row.ended_at).is_(None) != col(row.end).is_(None))):
        checked.differences.append(Difference(f"claim {claim.id} does not say how it ended", claim.paper_id))
    went_on = sa.exists().where(further.claimed_at == col(row.ended_at), further.given_by_id == col(row.ended_by_id))
    for claim in session.exec(select(row).where(col(row.end) == ClaimEnd.HANDED_OVER, ~went_on)):
        checked.differences.append(Difference(f"claim {claim.id} was handed over to nobody", claim.paper_id))
    return checked


def check_second_readings(session: Session) -> Checked:
    """Every second reading is of a decision by its first reader, was judged by somebody else, and says if they agree."""
    row = SecondReading
    checked = Checked("second readings and decisions", count_rows(session, row))
    rows = session.execute(
        sa.select(row, Decision)
        .join(Decision, col(Decision.id) == col(row.decision_id))
        .where(
            sa.or_(
                col(Decision.paper_id) != col(row.paper_id),
                col(Decision.project_id) != col(row.project_id),
                col(Decision.actor_id) != col(row.first_reader_id),
                col(row.second_reader_id) == col(row.first_reader_id),
                col(row.verdict).is_(None) != col(row.second_reader_id).is_(None),
                col(row.verdict).is_(None) != col(row.agrees).is_(None),
                sa.and_(col(row.verdict).is_not(None), col(row.ended_at).is_(None)),
                sa.and_(col(row.agrees).is_(sa.true()), col(row.verdict) != col(Decision.verdict)),
            )
        )
    )
    for reading, decision in rows:
        what = f"second reading {reading.id} does not fit its decision {decision.id}"
        checked.differences.append(Difference(what, reading.paper_id))
    return checked


# -- letters, reports, people -------------------------------------------------------------------------------------------------


def check_letters(session: Session) -> Checked:
    """Every letter that left says when, and every contact stands where the last thing that happened to it put it."""
    checked = Checked("letters and contacts", count_rows(session, OutboxMail) + count_rows(session, Contact))
    mail = OutboxMail
    unlike = (col(mail.state) == MailState.SENT) != col(mail.sent_at).is_not(None)
    for letter in session.exec(select(mail).where(unlike)):
        checked.differences.append(
            Difference(f"letter {letter.id} is {letter.state.value} and does not fit when it left")
        )
    last = sa.select(sa.func.max(col(ContactEvent.id))).group_by(col(ContactEvent.contact_id))
    states = dict(
        session.execute(
            sa.select(col(ContactEvent.contact_id), col(ContactEvent.state)).where(col(ContactEvent.id).in_(last))
        ).all()
    )
    for contact in session.exec(select(Contact)):
        if contact.id not in states:
            checked.differences.append(Difference(f"contact {contact.id} has no history", contact.paper_id))
        elif states[contact.id] is not contact.state:
            said = states[contact.id].value
            what = f"contact {contact.id} is {contact.state.value}, its history says {said}"
            checked.differences.append(Difference(what, contact.paper_id))
    return checked


def check_reports(session: Session) -> Checked:
    """Every reported paper that does not wait was handled by somebody, and the log holds each of these acts."""
    row = PaperReport
    checked = Checked("reported papers", count_rows(session, row))
    handled = col(row.state) != ReportState.WAITING
    unlike = sa.or_(handled != col(row.handled_by_id).is_not(None), handled != col(row.handled_at).is_not(None))
    for report in session.exec(select(row).where(unlike)):
        checked.differences.append(
            Difference(f"report {report.id} is {report.state.value}, handled by nobody or too soon")
        )
    return checked


def check_accounts(session: Session) -> Checked:
    """Every account was added by somebody; its role, and whether it is active, are what the log says last."""
    checked = Checked("accounts", count_rows(session, UserAccount))
    added: set[str] = set()
    roles: dict[str, str] = {}
    active: dict[str, bool] = {}
    rows = select(AuditEntry).where(col(AuditEntry.action).like("account.%")).order_by(col(AuditEntry.id))
    for entry in session.exec(rows):
        name = entry.subject
        if entry.action == "account.added":
            added.add(name)
            roles[name], active[name] = str(entry.details.get("role")), True
        elif entry.action == "account.role":
            roles[name] = str(entry.details.get("after"))
        elif entry.action in ("account.deactivated", "account.reactivated"):
            active[name] = entry.action == "account.reactivated"
    for account in session.exec(select(UserAccount)):
        name = account.username
        if name not in added:
            checked.differences.append(Difference(f"the account {name} was added by no act"))
        elif roles[name] != account.role.value:
            checked.differences.append(
                Difference(f"the account {name} is {account.role.value}, the log says {roles[name]}")
            )
        elif active[name] is not account.is_active:
            checked.differences.append(Difference(f"the account {name} is (in)active against what the log says"))
    return checked


def check_people(session: Session) -> Checked:
    """Everybody who is named in a history is still there with a name: whoever leaves is deactivated, never deleted."""
    checked = Checked("people named in histories")
    there = sa.select(col(UserAccount.id))
    for table in SQLModel.metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column.table.name != "user_account":
                continue
            column = key.parent
            counts = sa.select(sa.func.count(), sa.func.count(sa.case((column.not_in(there), 1)))).where(
                column.is_not(None)
            )
            named, lost = session.execute(counts.select_from(table)).one()
            checked.states += named
            if lost:
                checked.differences.append(Difference(f"{lost} rows of {table.name} name people who are not there"))
    return checked


def check_answers(session: Session) -> Checked:
    """Every answered question about twins says who answered it and when."""
    row = MergeProposal
    checked = Checked("answers about twins", count_rows(session, row))
    answered = col(row.verdict).is_not(None)
    unlike = sa.or_(answered != col(row.actor_id).is_not(None), answered != col(row.decided_at).is_not(None))
    for proposal in session.exec(select(row).where(unlike)):
        checked.differences.append(Difference(f"question {proposal.id} was answered by nobody", proposal.paper_id))
    return checked


def _merged(session: Session) -> Checked:
    states, wrong = check_merges(session)
    return Checked("merged papers", states, [Difference(what, paper) for paper, what in wrong])


def _twins(session: Session) -> Checked:
    states, wrong = check_twins(session)
    return Checked("twins found to be one", states, [Difference(what, paper) for paper, what in wrong])


CHECKS: tuple[Check, ...] = (
    check_links,
    check_relations,
    _merged,
    _twins,
    check_answers,
    check_corrections,
    *(_check_ends(ends) for ends in _ends()),
    check_claims,
    check_second_readings,
    check_letters,
    check_reports,
    check_accounts,
    check_people,
)
"""Every check, in the order in which they are told."""
