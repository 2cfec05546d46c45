"""Reads what a report counts, as it was known at the end of a day, into plain facts.

Everything is read from histories: a report of a day in the past is the same for ever, whatever was merged, decided,
corrected or harvested since. What "now" is plays no part: the end of the day asked for does.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.garbage import collecting_later
from biblio.observatory import Profile
from biblio.store.answers import answers_of_closed_campaigns
from biblio.store.models import Paper, Project
from reports.facts.facilities import read_facilities
from reports.facts.model import Bibliography, Facts
from reports.facts.reading_bibliography import read_bibliography
from reports.facts.reading_coverage import read_coverage
from reports.facts.reading_links import End, read_merges, read_science
from reports.facts.reading_papers import ask_papers
from reports.facts.reading_projects import read_projects


def read_facts(
    session: Session, profile: Profile, as_of: date, *, today: date, known_by: datetime | None = None
) -> Facts:
    """Read what was known at the end of ``as_of`` (UTC); of a day to come, of ``today``.

    ``known_by``: only what was known by this moment, for a snapshot that was frozen before its day had ended.
    """
    facts, bibliography = begin_reading(session, profile, as_of, today=today, known_by=known_by)
    return replace(facts, bibliography=bibliography())


def begin_reading(
    session: Session,
    profile: Profile,
    as_of: date,
    *,
    today: date,
    known_by: datetime | None = None,
    aside: Executor | None = None,
) -> tuple[Facts, Callable[[], Bibliography]]:
    """Read what ``read_facts`` reads but the state of the bibliography, and return what reads that.

    So what takes long can be begun in between: nothing that is worked out ``aside`` needs it. Authors are kept there.
    """
    day = min(as_of, today)
    with collecting_later():
        end = End.of(day, known_by)
        merges = read_merges(session, end)
        links = read_science(session, end, merges)
        wanted = {link.paper_id for link in links}
        used_too = read_facilities(session, end, merges, wanted, profile)
        papers_asked = ask_papers(session, end, merges, wanted, used_too, aside)
        projects = read_projects(session, end, profile)
        through, holes = read_coverage(session, end, profile)
        papers = papers_asked()
        facts = Facts(
            as_of=day,
            complete_through=through,
            projects=projects,
            papers=papers,
            links=links,
            answers=tuple(answers_of_closed_campaigns(session, end.moment)),
            known_since=known_since(session, known_by),
        )
    return facts, lambda: read_bibliography(session, end, merges, papers, holes)


def known_since(session: Session, known_by: datetime | None = None) -> date | None:
    """Return the day (UTC) on which the first project or paper was recorded here; None where none was, by ``known_by``."""
    first = [sa.select(sa.func.min(col(table.first_seen_at))).scalar_subquery() for table in (Paper, Project)]
    moments = [one for one in session.execute(sa.select(*first)).one() if one is not None]
    earliest = min(moments, default=None)
    return None if earliest is None or (known_by is not None and earliest > known_by) else earliest.date()
