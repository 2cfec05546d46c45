"""Papers that readers tell us of: the only writer of reported papers. No sender is kept."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.identity import Identifier
from biblio.errors import RequestRefused, Stale
from biblio.store.current import accepted_science, survivor_of, under_second_reading
from biblio.store.found import found
from biblio.store.models import AuditEntry, PaperIdentifier, PaperReport, Project
from biblio.store.words import ReportState
from matching.codes import CodeFinder, Grammar

NOTE_MAX_LENGTH = 1000

MOST_CODES = 20
"""Projects of one paper that wait at once."""

MOST_PAPERS = 200
"""Papers that are handled by ticking them; all at once goes without ticks."""

_ADDRESS = re.compile(r"[^\s@<>()]+@[^\s@<>()]+\.[^\s@<>().]+|\+?\d[\d ()/-]{7,}\d")


class Told(StrEnum):
    """What became of a report."""

    NEW = "new"
    WAITING = "waiting"
    LISTED = "listed"


@dataclass(frozen=True, slots=True)
class Report:
    """A paper that the list misses, as somebody reports it: identifier and code are in their one spelling."""

    identifier: Identifier
    project_code: str
    note: str = ""


def read_code(written: str, grammar: Grammar) -> str:
    """Return the project code in ``written``, in its one spelling. Raises ``RequestRefused`` when there is none."""
    code = grammar.canonical(written.strip())
    if code is not None:
        return code
    found = {mention.code for mention in CodeFinder(grammar, None).find(written[:200])}
    if len(found) == 1:
        return found.pop()
    raise RequestRefused("This is no project code: copy it from the paper's acknowledgement or from the archive.")


def without_contacts(note: str) -> str:
    """Return a note without e-mail addresses and telephone numbers: we do not want to hold them."""
    return _ADDRESS.sub("(contact left out)", note.strip())[:NOTE_MAX_LENGTH]


def report_paper(session: Session, report: Report, *, now: datetime) -> Told:
    """Keep a reported paper for the librarians, once; say so when it is listed for that project already.

    Of one paper at most ``MOST_CODES`` projects wait: whoever sends more is not telling us of papers.
    """
    scheme, value = report.identifier.scheme, report.identifier.value
    if _is_listed(session, report):
        return Told.LISTED
    waiting = session.exec(
        select(PaperReport.project_code).where(
            col(PaperReport.scheme) == scheme,
            col(PaperReport.identifier) == value,
            col(PaperReport.state) == ReportState.WAITING,
        )
    ).all()
    if report.project_code in waiting or len(waiting) >= MOST_CODES:
        return Told.WAITING
    row = PaperReport(
        scheme=scheme,
        identifier=value,
        project_code=report.project_code,
        note=without_contacts(report.note),
        made_at=now,
        state=ReportState.WAITING,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # the same was reported at the same moment
        return Told.WAITING
    return Told.NEW


def _is_listed(session: Session, report: Report) -> bool:
    known = session.exec(
        select(PaperIdentifier.paper_id).where(
            col(PaperIdentifier.scheme) == report.identifier.scheme,
            col(PaperIdentifier.value) == report.identifier.value,
        )
    ).first()
    project = session.exec(select(Project.id).where(col(Project.code) == report.project_code)).first()
    if known is None or project is None:
        return False
    paper_id = survivor_of(session, known)
    if paper_id is None or under_second_reading(session, {paper_id}):  # it is on no public page either
        return False
    accepted = accepted_science()
    row = session.execute(
        select(accepted.c.paper_id).where(accepted.c.paper_id == paper_id, accepted.c.project_id == project)
    ).first()
    return row is not None


def handle(
    session: Session, actor: Actor, report_id: int, state: ReportState, *, now: datetime, reason: str = ""
) -> PaperReport:
    """Note what a librarian did about one reported project of a paper; back to ``WAITING`` takes it back.

    Raises ``NotFound`` for an unknown one, ``Stale`` when somebody else handled it meanwhile.
    """
    person = actor.person_id()
    report = found(session, PaperReport, report_id, "reported paper", to_change=True)
    if (report.state is ReportState.WAITING) == (state is ReportState.WAITING):
        raise Stale("Somebody else handled this reported paper meanwhile.", current=report)
    _note(session, [report], person, state, now, reason)
    return report


def handle_papers(
    session: Session,
    actor: Actor,
    papers: Collection[Identifier] | None,
    state: ReportState,
    *,
    now: datetime,
    reason: str = "",
) -> list[PaperReport]:
    """Take up or decline all that waits of some papers, in one act; None: of all papers. Returns what was handled."""
    person = actor.person_id()
    statement = select(PaperReport).where(col(PaperReport.state) == ReportState.WAITING).with_for_update()
    if papers is not None:
        named = [
            sa.and_(col(PaperReport.scheme) == one.scheme, col(PaperReport.identifier) == one.value)
            for one in sorted(papers, key=str)[:MOST_PAPERS]
        ]
        statement = statement.where(sa.or_(sa.false(), *named))
    reports = list(session.exec(statement.order_by(col(PaperReport.id))))
    _note(session, reports, person, state, now, reason)
    return reports


def reopen(session: Session, actor: Actor, handled_at: datetime, *, now: datetime) -> int:
    """Let what a person handled in one act wait again; what was reported anew since stays as it is. Returns how many."""
    person = actor.person_id()
    reports = session.exec(
        select(PaperReport)
        .where(col(PaperReport.handled_at) == handled_at, col(PaperReport.handled_by_id) == person)
        .with_for_update()
    ).all()
    named = sa.select(col(PaperReport.scheme), col(PaperReport.identifier), col(PaperReport.project_code))
    waiting = session.execute(named.where(col(PaperReport.state) == ReportState.WAITING))
    there = {(scheme, value, code) for scheme, value, code in waiting}
    back = [report for report in reports if (report.scheme, report.identifier, report.project_code) not in there]
    _note(session, back, person, ReportState.WAITING, now, "")
    return len(back)


def _note(
    session: Session, reports: Sequence[PaperReport], person: int, state: ReportState, now: datetime, reason: str
) -> None:
    """Put reports into a state, each with its entry in the audit log."""
    waits = state is ReportState.WAITING
    words = " ".join(reason.split())[:NOTE_MAX_LENGTH]
    for report in reports:
        details = {"project": report.project_code, "before": report.state.value, "after": state.value}
        report.state, report.reason = state, "" if waits else words
        report.handled_by_id = None if waits else person
        report.handled_at = None if waits else now
        session.add(report)
        session.add(
            AuditEntry(
                made_at=now,
                actor_id=person,
                action="reported_paper.handled",
                subject=f"{report.scheme.value} {report.identifier}",
                details={**details, **({"reason": words} if words else {})},
            )
        )
    session.flush()
