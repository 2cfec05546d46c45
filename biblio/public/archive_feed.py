"""The feed for the science archive: for each observation unit the papers that used its project's data.

An archive's query page shows, beside each unit, the publications of its project (``bib_reference``,
``pub_title``, ``first_author``, ``authors``, ``publication_year``). Here they are as rows: the project's papers repeated
for each of its units, in the order of project code, unit and bibcode; a project whose units are not known has its papers
once, without a unit. The papers are the published ones: refereed, science with our data, the project accepted by a person.

Only facts leave (``catalogue.terms``): who wrote what, when, and the bibcode. Titles are strangers': they are plain text
on one line, without markup and control characters. CSV cells are made safe for spreadsheets like those of all exports
(an apostrophe before what begins like a formula); VOTable gives the text as it is.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.groups import chunks
from biblio.observatory import Profile
from biblio.public.feed_papers import FeedPaper, feed_papers
from biblio.public.published import PublicLink, public_links
from biblio.store.models import ObservationUnit
from biblio.store.words import Scheme
from biblio.tables import safe_cell

PAPERS_AT_ONCE = 500
"""Papers read in one round, as many as come together from whole projects."""

LINES_AT_ONCE = 500
"""Lines written in one piece."""

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 has no way to write."""


class FeedRow(NamedTuple):
    """One line of the feed: a unit (None: the project's units are not known) and a paper that used its project's data.

    ``bibcode`` is None for a paper that ADS has not named, ``year`` that of the journal where it is known.
    """

    code: str
    unit: str | None
    bibcode: str | None
    title: str
    first_author: str
    authors: str
    year: int | None


class _Cells(NamedTuple):
    bibcode: str | None
    title: str
    first_author: str
    authors: str
    year: int | None


def feed_rows(session: Session, *, preprints: bool = False) -> Iterator[FeedRow]:
    """Yield the feed, in order; with ``preprints`` the papers that are not refereed as well."""
    for projects in _together(public_links(session, refereed=not preprints)):
        found = feed_papers(session, sorted({link.paper_id for _, links in projects for link in links}))
        papers = {paper_id: _cells(paper) for paper_id, paper in found.items()}
        units = _units(session, [links[0].project_id for _, links in projects])
        for code, links in projects:
            used = sorted(
                (papers[link.paper_id] for link in links if link.paper_id in papers),
                key=lambda paper: (paper.bibcode or "~", paper.title),
            )
            for unit in units.get(links[0].project_id, [None]):
                for paper in used:
                    yield FeedRow(code, unit, *paper)


def _together(links: Iterable[PublicLink]) -> Iterator[list[tuple[str, list[PublicLink]]]]:
    """Yield whole projects, so many at once that their papers are worth a round of queries."""
    together: list[tuple[str, list[PublicLink]]] = []
    count = 0
    for code, of in groupby(links, key=lambda link: link.code):
        together.append((code, list(of)))
        count += len(together[-1][1])
        if count >= PAPERS_AT_ONCE:
            yield together
            together, count = [], 0
    if together:
        yield together


def _cells(paper: FeedPaper) -> _Cells:
    first = paper.authors[0] if paper.authors else ""
    return _Cells(paper.identifier(Scheme.BIBCODE), paper.title, first, "; ".join(paper.authors), paper.year)


def _units(session: Session, project_ids: Sequence[int]) -> dict[int, list[str | None]]:
    found: dict[int, list[str | None]] = {}
    for part in chunks(project_ids):
        for project_id, uid in session.execute(
            sa.select(col(ObservationUnit.project_id), col(ObservationUnit.uid))
            .where(col(ObservationUnit.project_id).in_(part))
            .order_by(col(ObservationUnit.project_id), col(ObservationUnit.uid))
        ):
            found.setdefault(project_id, []).append(uid)
    return found


# -- how it is written ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, VOTable's type, UCD (IVOA UCD1+ 1.4) and a description."""

    name: str
    datatype: str
    ucd: str
    description: str


def columns(profile: Profile) -> tuple[Column, ...]:
    """Return the columns in order; project, unit and bibcode are called as the archive's own table calls them."""
    names: Mapping[str, str] = profile.tap.columns if profile.tap else {}
    return (
        Column(names.get("code", "proposal_id"), "unicodeChar", "meta.id;obs.proposal", "Code of the project"),
        Column(names.get("unit", "unit"), "unicodeChar", "meta.id;obs", "Observation unit of the project"),
        Column(names.get("bib_references", "bib_reference"), "unicodeChar", "meta.bib.bibcode", "Bibcode of the paper"),
        Column("pub_title", "unicodeChar", "meta.title", "Title of the paper"),
        Column("first_author", "unicodeChar", "meta.bib.author;meta.main", "First author as printed"),
        Column("authors", "unicodeChar", "meta.bib.author", "Authors as printed, a semicolon between them"),
        Column("publication_year", "int", "time.publiYear", "Year of the printed version"),
    )


def as_csv(rows: Iterable[FeedRow], profile: Profile) -> Iterator[str]:
    """Yield the feed as CSV (RFC 4180, UTF-8), in pieces; an empty cell is one that is not known."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([column.name for column in columns(profile)])
    for number, row in enumerate(rows, start=1):
        writer.writerow([safe_cell(cell) for cell in row])
        if number % LINES_AT_ONCE == 0:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def as_votable(rows: Iterable[FeedRow], profile: Profile) -> Iterator[str]:
    """Yield the feed as VOTable 1.4 (TABLEDATA, UTF-8), in pieces; an empty cell is null, as 1.3 and later read it."""
    name = escape(_xml(profile.observatory.short))
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n'
        '<RESOURCE type="results">\n'
        '<INFO name="QUERY_STATUS" value="OK"/>\n'
        f'<TABLE name="publications">\n<DESCRIPTION>Papers that used data of {name}, for each observation unit of the '
        "project</DESCRIPTION>\n"
    )
    for column in columns(profile):
        size = "" if column.datatype == "int" else ' arraysize="*"'
        yield (
            f"<FIELD name={quoteattr(column.name)} datatype={quoteattr(column.datatype)}{size} "
            f"ucd={quoteattr(column.ucd)}><DESCRIPTION>{escape(column.description)}</DESCRIPTION></FIELD>\n"
        )
    yield "<DATA>\n<TABLEDATA>\n"
    lines: list[str] = []
    for row in rows:
        lines.append(f"<TR>{''.join(f'<TD>{_cell(value)}</TD>' for value in row)}</TR>\n")
        if len(lines) >= LINES_AT_ONCE:
            yield "".join(lines)
            lines.clear()
    yield "".join(lines)
    yield "</TABLEDATA>\n</DATA>\n</TABLE>\n</RESOURCE>\n</VOTABLE>\n"


def _cell(value: str | int | None) -> str:
    return "" if value is None else str(value) if isinstance(value, int) else escape(_xml(value))


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
