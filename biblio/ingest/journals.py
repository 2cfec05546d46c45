"""Coverage per journal: how many papers the literature service has for our searches, and how many of them we hold.

A paper counts for the journal of its newest record (a preprint that became an article counts as the article); journal
and year are read from its bibcode: YYYYJJJJJVVVVMPPPPA (ui.adsabs.harvard.edu/help/actions/bibcode).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.identity import normal_bibcode
from biblio.catalogue.journals import complete_until
from biblio.ingest.coverage import Tally
from biblio.store.current import survivor_id
from biblio.store.models import ExpectedCount, HarvestRefusal, JobRun, Paper, SourceRecord, TextReading
from biblio.store.words import Outcome

SOURCE = "ads"

COUNT_JOB = "count"
"""The job that asks how many papers there are."""

_MISSING = "missing_"
"""How the count job names, in its run's counts, what a year lacked."""

_FULL_TEXTS = ("eprint", "folder")

ASKED_BY_BIBCODE = re.compile(r"ADS bibcodes \d+ to \d+ of \d+$")
"""Place of what ADS does not know though we asked for it by name: nothing that it has and we lack."""

_OLD_ARCHIVES = frozenset(
    name.ljust(9, ".")
    for name in (
        *(
            "astro.ph",
            "cond.mat",
            "gr.qc",
            "hep.ex",
            "hep.lat",
            "hep.ph",
            "hep.th",
            "math",
            "math.ph",
            "nlin",
            "nucl.ex",
        ),
        *("nucl.th", "physics", "q.bio", "quant.ph"),
    )
)
"""Journal and volume in bibcodes of preprints before 2007. This and the other rules by which ADS makes its facet of
journals are those of its indexer (adsabs/ADSImportPipeline, aip/libs/solr_adapter.py)."""

_SPILLING = ("SPIE", "ATel", "GCN.")
"""Serials whose volumes of five digits begin in the last place of the journal."""

Part = tuple[str, int]
"""A journal's bibstem ("" where ADS names none) and a year."""


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One journal in one year. ``read`` of the fetched papers had their full text read."""

    bibstem: str
    year: int
    tally: Tally
    read: int = 0
    counted_at: datetime | None = None

    @property
    def is_counted(self) -> bool:
        """Whether the service was asked how many papers it has."""
        return self.tally.counted is not None

    @property
    def missing(self) -> int | None:
        """How many papers did not come; None where nobody counted them."""
        return self.tally.missing if self.is_counted else None


def journal_of(bibcode: str) -> Part | None:
    """Return the journal and year of a bibcode, or None where it is none."""
    return (_stem(bibcode), int(bibcode[:4])) if normal_bibcode(bibcode) is not None else None


def _stem(bibcode: str) -> str:
    """Return the bibstem under which ADS counts a bibcode (see ``_OLD_ARCHIVES`` for the source of the rules).

    A serial counts by its journal; a book, a conference or a proposal, whose volume holds letters, by both together.
    """
    letters, volume = bibcode[4:9], bibcode[9:13]
    if letters == "ApJ.." and bibcode[13:14] == "L":
        return "ApJL"  # letters to other journals count with their journal
    if letters + volume in _OLD_ARCHIVES:
        return "arXiv"
    if letters[:4] in _SPILLING and letters[4:].isdigit():
        return letters[:4].strip(".")
    is_serial = letters == "MPEC." or not volume.strip(".0123456789")
    return letters.replace(".", "") if is_serial else (letters + volume).rstrip(".")


def journal_lines(session: Session, years: Sequence[int]) -> list[JournalLine]:
    """Return a line for every journal that we hold papers of or that is counted, the largest hole first."""
    wanted = sa.select(ExpectedCount).where(col(ExpectedCount.source) == SOURCE, col(ExpectedCount.year).in_(years))
    counted = {(row.part, row.year): row for row in session.execute(wanted).scalars()}
    held, read = _held(session, years)
    return lines_of(
        {part: row.expected for part, row in counted.items()},
        held,
        _refused(session, years),
        read=read,
        counted_at={part: row.counted_at for part, row in counted.items()},
    )


def lines_of(
    counted: Mapping[Part, int],
    held: Mapping[Part, int],
    refused: Mapping[Part, int],
    *,
    read: Mapping[Part, int] | None = None,
    counted_at: Mapping[Part, datetime] | None = None,
) -> list[JournalLine]:
    """Put the counts of each journal together. In every line expected = fetched + refused + missing.

    A year that was counted for some journal was counted for all: a journal that is not among them has none.
    """
    counted_years = {year for _, year in counted}
    moments = counted_at or {}
    lines = []
    for part in {*counted, *held, *refused}:
        stem, year = part
        known = counted.get(part, 0 if year in counted_years else None)
        tally = Tally(known, held.get(part, 0), refused.get(part, 0))
        lines.append(JournalLine(stem, year, tally, (read or {}).get(part, 0), moments.get(part)))
    return sorted(lines, key=lambda e: (-(e.missing or 0), -e.tally.expected, e.bibstem, -e.year))


def missing_by_year(session: Session, years: Sequence[int]) -> dict[str, int]:
    """Return how many papers are missing of each year that lacks any, as the count job keeps it in its run's counts."""
    found: dict[str, int] = {}
    for line in journal_lines(session, years):
        if line.missing:
            name = f"{_MISSING}{line.year}"
            found[name] = found.get(name, 0) + line.missing
    return dict(sorted(found.items()))


def completeness(session: Session, years: Sequence[int], today: date) -> list[tuple[str, date | None, int]]:
    """Return for each journal its bibstem, until when nothing is missing (None: of no year), and how much is missing.

    A year counts as whole where it was counted; the running one as far as it was counted.
    """
    lines = journal_lines(session, years)
    counted = [line.counted_at for line in lines if line.counted_at is not None]
    on = max(counted).date() if counted else today
    whole = {line.year for line in lines if line.is_counted}
    missing: dict[str, dict[int, int | None]] = {}
    for line in lines:
        by_year = missing.setdefault(line.bibstem, {year: 0 if year in whole else None for year in years})
        by_year[line.year] = line.missing
    return [
        (stem, complete_until(by_year, sorted(years), on), sum(filter(None, by_year.values())))
        for stem, by_year in missing.items()
        if stem
    ]


def missing_since(session: Session) -> dict[int, datetime]:
    """Return for each year since when every count found papers missing; years that the last one found whole are left out.

    The counts themselves are replaced each week, so that a hole that nothing fills would seem young for ever.
    """
    runs = session.execute(
        sa.select(col(JobRun.started_at), col(JobRun.counts))
        .where(col(JobRun.job) == COUNT_JOB, col(JobRun.outcome) == Outcome.SUCCEEDED)
        .order_by(col(JobRun.id).desc())
    )
    found: dict[int, datetime] = {}
    lasting: set[int] | None = None
    for at, counts in runs:
        told = (counts or {}).items()
        short = {int(name.removeprefix(_MISSING)) for name, n in told if name.startswith(_MISSING) and n}
        lasting = short if lasting is None else lasting & short
        if not lasting:
            break
        found |= dict.fromkeys(lasting, at)
    return found


def _held(session: Session, years: Sequence[int]) -> tuple[dict[Part, int], dict[Part, int]]:
    """Return how many papers we hold of each journal, and of how many the full text was read.

    All records are gone through once, in the order in which they came: the newest of a paper says where it stands.
    """
    paper = survivor_id()
    records = session.execute(
        sa.select(paper, col(SourceRecord.key))
        .join(Paper, col(Paper.id) == col(SourceRecord.paper_id))
        .where(col(SourceRecord.source) == SOURCE, col(SourceRecord.superseded_at).is_(None))
        .order_by(col(SourceRecord.id))
    )
    newest: dict[int, str] = {row[0]: row[1] for row in records}
    texts = session.execute(
        sa.select(paper)
        .join(TextReading, col(TextReading.paper_id) == col(Paper.id))
        .where(
            col(TextReading.origin).in_(_FULL_TEXTS),
            col(TextReading.superseded_at).is_(None),
            col(TextReading.refusal).is_(None),
        )
    )
    were_read = set(texts.scalars())
    wanted = {str(year): year for year in years}
    held: dict[Part, int] = {}
    read: dict[Part, int] = {}
    for paper_id, key in newest.items():
        year, stem = wanted.get(key[:4]), _stem(key)
        if year is None:
            continue
        held[stem, year] = held.get((stem, year), 0) + 1
        if paper_id in were_read:
            read[stem, year] = read.get((stem, year), 0) + 1
    return held, read


def _refused(session: Session, years: Iterable[int]) -> dict[Part, int]:
    """Return how many papers of each journal could not be read and did not come since."""
    wanted = set(years)
    rows = session.execute(
        sa.select(col(HarvestRefusal.key), col(HarvestRefusal.place))
        .where(col(HarvestRefusal.source) == SOURCE, col(HarvestRefusal.key).is_not(None))
        .distinct()
    )
    parts = {
        key: part
        for key, place in rows
        if not ASKED_BY_BIBCODE.match(place) and (part := journal_of(key)) is not None and part[1] in wanted
    }
    found: dict[Part, int] = {}
    held = _keys_held(session, parts)
    for key, part in parts.items():
        if key not in held:
            found[part] = found.get(part, 0) + 1
    return found


def _keys_held(session: Session, keys: Iterable[str]) -> set[str]:
    known: set[str] = set()
    listed = sorted(keys)
    for start in range(0, len(listed), 900):
        rows = session.execute(
            sa.select(col(SourceRecord.key)).where(
                col(SourceRecord.source) == SOURCE, col(SourceRecord.key).in_(listed[start : start + 900])
            )
        )
        known |= set(rows.scalars())
    return known
