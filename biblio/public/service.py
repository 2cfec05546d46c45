"""Papers that readers tell us of: the only writer of reported papers. No sender is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.identity import Identifier
from biblio.errors import NotFound, RequestRefused, Stale
from biblio.store.current import accepted_science, survivor_of
from biblio.store.models import AuditEntry, PaperIdentifier, PaperReport, Project
from biblio.store.words import ReportState
from matching.codes import CodeFinder, Grammar

NOTE_MAX_LENGTH = 1000
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
    """Keep a reported paper for the librarians, once; say so when it is listed for that project already."""
    scheme, value = report.identifier.scheme, report.identifier.value
    if _is_listed(session, report):
        return Told.LISTED
    waiting = session.exec(
        select(PaperReport.id).where(
            col(PaperReport.scheme) == scheme,
            col(PaperReport.identifier) == value,
            col(PaperReport.project_code) == report.project_code,
            col(PaperReport.state) == ReportState.WAITING,
        )
    ).first()
    if waiting is not None:
        return Told.WAITING
    session.add(
        PaperReport(
            scheme=scheme,
            identifier=value,
            project_code=report.project_code,
            note=without_contacts(report.note),
            made_at=now,
            state=ReportState.WAITING,
        )
    )
    session.flush()
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
    accepted = accepted_science()
    row = session.execute(
        select(accepted.c.paper_id).where(
            accepted.c.paper_id == survivor_of(session, known), accepted.c.project_id == project
        )
    ).first()
    return row is not None


def handle(session: Session, actor: Actor, report_id: int, state: ReportState, *, now: datetime) -> PaperReport:
    """Note what a librarian did about a reported paper; back to ``WAITING`` takes it back.

    Raises ``NotFound`` for an unknown one, ``Stale`` when somebody else handled it meanwhile.
    """
    person = actor.person_id()
    report = session.get(PaperReport, report_id, with_for_update=True)
    if report is None:
        raise NotFound(f"There is no reported paper number {report_id}.")
    if (report.state is ReportState.WAITING) == (state is ReportState.WAITING):
        raise Stale("Somebody else handled this reported paper meanwhile.", current=report)
    before = report.state
    report.state = state
    report.handled_by_id = None if state is ReportState.WAITING else person
    report.handled_at = None if state is ReportState.WAITING else now
    session.add(report)
    session.add(
        AuditEntry(
            made_at=now,
            actor_id=person,
            action="reported_paper.handled",
            subject=f"{report.scheme.value} {report.identifier}",
            details={"project": report.project_code, "before": before.value, "after": state.value},
        )
    )
    session.flush()
    return report
