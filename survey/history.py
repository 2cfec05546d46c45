"""Who was asked before biblio kept the list: read from a CSV file, so that nobody is asked twice."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlmodel import Session, col, select

from biblio.errors import RequestRefused
from biblio.store.models import AskedBefore, Project

MAX_BYTES = 50_000_000
"""A list of everybody ever asked is far smaller; a larger file is not one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One row: this project's PI was asked on this day. ``line`` is its place in the file."""

    code: str
    asked_on: date
    line: int


def read_history(path: Path) -> tuple[list[Asked], list[str]]:
    """Read a CSV file with the columns code and asked_on; return its rows and a sentence per row that is refused.

    Raises ``RequestRefused`` when the file is no such table at all.
    """
    if path.stat().st_size > MAX_BYTES:
        raise RequestRefused(f"{path.name} is larger than {MAX_BYTES // 1_000_000} MB: it is no list of who was asked.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestRefused(f"{path.name} is not UTF-8 text (byte {error.start}). Nothing was stored.") from error
    reader = csv.DictReader(text.splitlines(), strict=False)
    if not reader.fieldnames or not {"code", "asked_on"} <= {(name or "").strip() for name in reader.fieldnames}:
        raise RequestRefused(f"{path.name} must begin with a line that names the columns code and asked_on.")
    rows, refused = [], []
    try:
        for row in reader:
            plain = {(name or "").strip(): value for name, value in row.items() if isinstance(value, str)}
            code, day = plain.get("code", "").strip(), plain.get("asked_on", "").strip()
            try:
                rows.append(Asked(_code(code), date.fromisoformat(day), reader.line_num))
            except ValueError as error:
                refused.append(f"{path.name}, line {reader.line_num}: {error}")
    except csv.Error as error:
        refused.append(f"{path.name}, line {reader.line_num}: {error}; the rest of the file was not read")
    return rows, refused


def _code(code: str) -> str:
    if not code or len(code) > 64:
        raise ValueError("there is no project code")
    return code


def import_history(
    session: Session, rows: Sequence[Asked], *, source: str, now: datetime
) -> tuple[Counter[str], list[str]]:
    """Store who was asked when; return how many were new or known, and a sentence per code that no project has."""
    projects = dict(session.exec(select(Project.code, Project.id)).all())
    known = {(p, d) for p, d in session.exec(select(col(AskedBefore.project_id), col(AskedBefore.asked_on)))}
    counts: Counter[str] = Counter(new=0, known=0)
    unknown = []
    for row in rows:
        project = projects.get(row.code)
        if project is None:
            unknown.append(f"{source}, line {row.line}: there is no project {row.code!r} in the project list")
        elif (project, row.asked_on) in known:
            counts["known"] += 1
        else:
            known.add((project, row.asked_on))
            session.add(AskedBefore(project_id=project, asked_on=row.asked_on, source=source[:255], learned_at=now))
            counts["new"] += 1
    session.flush()
    return counts, unknown
