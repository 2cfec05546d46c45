"""Who was asked before biblio kept the list: read from a CSV file, so that nobody is asked twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from biblio.errors import RequestRefused
from biblio.store.models import AskedBefore, Project
from survey.earlier.tables import Table, day_of


@dataclass(frozen=True, slots=True)
class Asked:
    """One row: this project's PI was asked on this day. ``line`` is its place in the file."""

    code: str
    asked_on: date
    line: int


def read_asked(table: Table) -> tuple[list[Asked], list[str]]:
    """Read rows of code and asked_on; return them and a sentence per row that is refused.

    Raises ``RequestRefused`` when the file has other columns.
    """
    if not {"code", "asked_on"} <= table.columns:
        raise RequestRefused(
            f"{table.name} must begin with a line that names the columns code and asked_on (who was asked when), or "
            "campaign, closed_on, choice and answers (what came back). Nothing was stored."
        )
    rows, refused = [], []
    for row in table.rows:
        try:
            rows.append(Asked(_code(row["code"]), day_of("asked_on", row["asked_on"]), row.line))
        except ValueError as error:
            refused.append(f"{table.at(row.line)}: {error}")
    return rows, [*refused, *([table.broken] if table.broken else [])]


def _code(code: str) -> str:
    if not code or len(code) > 64:
        raise ValueError("there is no project code")
    return code


def import_asked(
    session: Session, rows: Sequence[Asked], *, source: str, now: datetime
) -> tuple[Counter[str], list[str]]:
    """Store who was asked when; return how many were new or known, and a sentence per row that cannot be.

    A day still to come is refused: nobody was asked then.
    """
    projects = dict(session.exec(select(Project.code, Project.id)).all())
    known = {(p, d) for p, d in session.exec(select(col(AskedBefore.project_id), col(AskedBefore.asked_on)))}
    counts: Counter[str] = Counter(new=0, known=0)
    refused = []
    for row in rows:
        project = projects.get(row.code)
        if project is None:
            refused.append(f"{source}, line {row.line}: there is no project {row.code!r} in the project list")
        elif row.asked_on > now.date():
            refused.append(f"{source}, line {row.line}: {row.asked_on} is still to come")
        elif (project, row.asked_on) in known:
            counts["known"] += 1
        else:
            known.add((project, row.asked_on))
            session.add(AskedBefore(project_id=project, asked_on=row.asked_on, source=source[:255], learned_at=now))
            counts["new"] += 1
    session.flush()
    return counts, refused
