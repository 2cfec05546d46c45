"""One record of arXiv's OAI-PMH in the format arXivRaw: all versions with their dates, people in one line.

Of a version's ``source_type`` "I" means that there is nothing to fetch: withdrawn (arxiv-base calls the flag "ignore").
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET  # trees come from xmltree, which reads nothing with a DTD
from dataclasses import dataclass
from datetime import date
from email.utils import parsedate_to_datetime

from harvesters.arxiv_ids import is_withdrawn, split_identifier
from harvesters.bibtex import plain
from harvesters.errors import RecordRefused
from harvesters.records import HarvestedAuthor, HarvestedRecord
from harvesters.xmltree import words_of

OAI = "{http://www.openarchives.org/OAI/2.0/}"
_RAW = "{http://arxiv.org/OAI/arXivRaw/}"

_READ = frozenset(
    f"{_RAW}{name}"
    for name in ("id", "version", "title", "authors", "categories", "comments", "journal-ref", "doi", "abstract")
)
_IGNORED = frozenset(
    f"{_RAW}{name}" for name in ("submitter", "license", "proxy", "report-no", "acm-class", "msc-class")
)
_OF_VERSION = frozenset(f"{_RAW}{name}" for name in ("date", "size", "source_type"))
_OF_HEADER = frozenset(f"{OAI}{name}" for name in ("identifier", "datestamp", "setSpec"))
"""The datestamp moves with every change at arXiv, of which the record tells more; sets follow from the categories."""
_OF_RECORD = frozenset(f"{OAI}{name}" for name in ("header", "metadata"))
_MOST_BRACKETS = 12
"""How deep affiliations may be nested in brackets within a line of authors; three were seen."""


@dataclass(frozen=True, slots=True)
class _Version:
    number: int
    day: date
    is_empty: bool
    source_type: str

    def __str__(self) -> str:
        return f"v{self.number} {self.day}{f' {self.source_type}' if self.source_type else ''}"


def read_record(source: str, element: ET.Element, unread: set[str]) -> HarvestedRecord:
    """The record; names of what nobody reads are added to ``unread``. Raises ``RecordRefused`` with the reason.

    A deleted record keeps its identifier and nothing else. ``extra["versions"]`` lists the versions as "v1 2026-01-05
    D; v2 2026-01-09 D": number, day and arXiv's source type where it is given.
    """
    header = element.find(f"{OAI}header")
    identifier = (words_of(header.find(f"{OAI}identifier")) or "") if header is not None else ""
    known = split_identifier(identifier.rpartition(":")[2])
    if header is None or known is None:
        raise RecordRefused(f"the identifier {identifier[:80]!r} is none of arXiv")
    _note(unread, element, _OF_RECORD)
    _note(unread, header, _OF_HEADER)
    arxiv_id = known[0]
    if header.get("status") == "deleted":
        return HarvestedRecord(source, arxiv_id, arxiv_id=arxiv_id, is_withdrawn=True, extra={"deleted": "yes"})
    raw = element.find(f"{OAI}metadata/{_RAW}arXivRaw")
    if raw is None:
        raise RecordRefused("holds no arXivRaw metadata")
    _note(unread, raw, _READ | _IGNORED)
    inside = split_identifier(_words(raw, "id") or arxiv_id)
    if inside is None or inside[0] != arxiv_id:
        raise RecordRefused(f"its header names {arxiv_id}, its metadata {(_words(raw, 'id') or '')[:80]!r}")
    return _record(source, arxiv_id, raw, _versions(raw, unread))


def _record(source: str, arxiv_id: str, raw: ET.Element, versions: list[_Version]) -> HarvestedRecord:
    first, last = versions[0], versions[-1]
    title, comment, abstract = _words(raw, "title"), _words(raw, "comments"), _words(raw, "abstract")
    if title is None:
        raise RecordRefused("has no title")
    dois = [doi for doi in re.split(r"[\s,;]+", _words(raw, "doi") or "") if doi]
    submitted_on = first.day if first.number == 1 else None
    extra = {
        "journal_ref": _words(raw, "journal-ref") or "",
        "further_dois": " ".join(dois[1:]),
        "versions": "; ".join(map(str, versions)),
    }
    return HarvestedRecord(
        source=source,
        key=arxiv_id,
        title=title,
        abstract=abstract,
        authors=tuple(map(HarvestedAuthor, authors_of(_words(raw, "authors") or ""))),
        doi=dois[0] if dois else None,
        arxiv_id=arxiv_id,
        arxiv_version=last.number,
        kind="eprint",
        year=submitted_on.year if submitted_on else None,
        submitted_on=submitted_on,
        updated_on=last.day,
        categories=tuple((_words(raw, "categories") or "").split()),
        comment=comment,
        is_withdrawn=last.is_empty or is_withdrawn(comment, abstract),
        extra={name: value for name, value in extra.items() if value},
    )


def _versions(raw: ET.Element, unread: set[str]) -> list[_Version]:
    """All versions, first to last, whatever their order in the record."""
    versions: dict[int, _Version] = {}
    for element in raw.iterfind(f"{_RAW}version"):
        _note(unread, element, _OF_VERSION)
        name = element.get("version", "")
        if re.fullmatch(r"v[1-9][0-9]{0,3}", name) is None:
            raise RecordRefused(f"its version {name[:40]!r} has no number")
        source_type = _words(element, "source_type") or ""
        is_empty = "I" in source_type or re.fullmatch(r"0\s*kb", _words(element, "size") or "") is not None
        versions[int(name[1:])] = _Version(int(name[1:]), _version_day(element), is_empty, source_type[:20])
    if not versions:
        raise RecordRefused("has no version")
    return [versions[number] for number in sorted(versions)]


def _note(unread: set[str], element: ET.Element, known: frozenset[str]) -> None:
    for child in element:
        if child.tag not in known:
            unread.add(child.tag.removeprefix(_RAW).removeprefix(OAI)[:100])


def _words(raw: ET.Element, name: str) -> str | None:
    return words_of(raw.find(f"{_RAW}{name}"))


def _version_day(version: ET.Element) -> date:
    written = _words(version, "date") or ""
    try:
        return parsedate_to_datetime(written).date()
    except (ValueError, TypeError, OverflowError) as wrong:
        raise RecordRefused(f"the date {written[:40]!r} of a version cannot be read") from wrong


def authors_of(written: str) -> list[str]:
    """The names in arXiv's one line of authors, in order, TeX accents decoded and affiliations in brackets left out."""
    bare = written
    for _ in range(_MOST_BRACKETS):
        if (inner := re.sub(r"\([^()]*\)", " ", bare)) == bare:
            break
        bare = inner
    names: list[str] = []
    for piece in re.split(r",|\band\b|;", bare):
        name = plain(piece)
        if re.fullmatch(r"(?:Jr|Sr|I{2,3}|IV)\.?", name) and names:
            names[-1] += f", {name}"
        elif name:
            names.append(name)
    return names
