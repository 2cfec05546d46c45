"""One record of arXiv's OAI-PMH in the format arXivRaw: all versions with their dates, people in one line.

Of a version's ``source_type`` "I" means that there is nothing to fetch: withdrawn (arxiv-base calls the flag "ignore").
"""

from __future__ import annotations

import contextlib
import re
import xml.etree.ElementTree as ET  # trees come from xmltree, which reads nothing with a DTD
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from harvesters.arxiv_ids import is_withdrawn, letter_day, split_identifier
from harvesters.bibtex import plain
from harvesters.errors import RecordRefused
from harvesters.records import FIRST_YEAR, LAST_YEAR, HarvestedAuthor, HarvestedRecord
from harvesters.xmltree import words_of

OAI = "{http://www.openarchives.org/OAI/2.0/}"
_RAW = "{http://arxiv.org/OAI/arXivRaw/}"

_READ = frozenset(["id", "title", "authors", "categories", "comments", "journal-ref", "doi", "abstract"])
_IGNORED = frozenset(["submitter", "license", "proxy", "report-no", "acm-class", "msc-class"])
_OF_VERSION = frozenset(["date", "size", "source_type"])
_OF_HEADER = frozenset(f"{OAI}{name}" for name in ("identifier", "datestamp", "setSpec"))
"""The datestamp moves with every change at arXiv, of which the record tells more; sets follow from the categories."""
_OF_RECORD = frozenset(f"{OAI}{name}" for name in ("header", "metadata"))
_USUAL_DATE = re.compile(r"[A-Z][a-z]{2}, ([0-9]{1,2}) ([A-Z][a-z]{2}) ([0-9]{4}) [0-9:]{8} GMT")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LONGEST_NAME = 1_000
"""What is longer is no name, and reading it as TeX would take as long as somebody likes."""
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

    A deleted record keeps its identifier and nothing else (``HarvestedRecord.is_deletion``). ``extra["versions"]`` lists the versions as "v1 2026-01-05
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
    words, versions = _read(raw, unread)
    inside = split_identifier(words.get("id") or arxiv_id)
    if inside is None or inside[0] != arxiv_id:
        raise RecordRefused(f"its header names {arxiv_id}, its metadata {str(words.get('id'))[:80]!r}")
    return _record(source, arxiv_id, words, versions)


def _read(raw: ET.Element, unread: set[str]) -> tuple[dict[str, str | None], list[_Version]]:
    """The words of each field, and all versions, first to last, whatever their order in the record."""
    words: dict[str, str | None] = {}
    versions: dict[int, _Version] = {}
    for element in raw:
        name = element.tag.removeprefix(_RAW)
        if name == "version":
            version = _version(element, unread)
            versions[version.number] = version
        elif name in _READ:
            words.setdefault(name, words_of(element))
        elif name not in _IGNORED:
            unread.add(name[:100])
    if not versions:
        raise RecordRefused("has no version")
    return words, [versions[number] for number in sorted(versions)]


def _record(
    source: str, arxiv_id: str, words: Mapping[str, str | None], versions: Sequence[_Version]
) -> HarvestedRecord:
    first, last = versions[0], versions[-1]
    title, comment, abstract = words.get("title"), words.get("comments"), words.get("abstract")
    if title is None:
        raise RecordRefused("has no title")
    dois = [doi for doi in re.split(r"[\s,;]+", words.get("doi") or "") if doi]
    submitted_on = first.day if first.number == 1 else None
    extra = {
        "journal_ref": words.get("journal-ref") or "",
        "further_dois": " ".join(dois[1:]),
        "versions": "; ".join(map(str, versions)),
    }
    return HarvestedRecord(
        source=source,
        key=arxiv_id,
        title=title,
        abstract=abstract,
        authors=tuple(map(HarvestedAuthor, authors_of(words.get("authors") or ""))),
        doi=dois[0] if dois else None,
        arxiv_id=arxiv_id,
        arxiv_version=last.number,
        kind="eprint",
        year=submitted_on.year if submitted_on else None,
        submitted_on=submitted_on,
        updated_on=last.day,
        categories=tuple((words.get("categories") or "").split()),
        comment=comment,
        is_withdrawn=last.is_empty or is_withdrawn(comment, abstract),
        extra={name: value for name, value in extra.items() if value},
    )


def _version(element: ET.Element, unread: set[str]) -> _Version:
    name = element.get("version", "")
    if re.fullmatch(r"v[1-9][0-9]{0,3}", name) is None:
        raise RecordRefused(f"its version {name[:40]!r} has no number")
    words: dict[str, str] = {}
    for part in element:
        field = part.tag.removeprefix(_RAW)
        if field in _OF_VERSION:
            words[field] = words_of(part) or ""
        else:
            unread.add(f"version {field[:100]}")
    source_type = words.get("source_type", "")
    is_empty = "I" in source_type or re.fullmatch(r"0\s*kb", words.get("size", "")) is not None
    return _Version(int(name[1:]), _version_day(words.get("date", "")), is_empty, source_type[:20])


def _note(unread: set[str], element: ET.Element, known: frozenset[str]) -> None:
    for child in element:
        if child.tag not in known:
            unread.add(child.tag.removeprefix(_RAW).removeprefix(OAI)[:100])


def _version_day(written: str) -> date:
    # The one form that arXiv writes is read here, because the library takes as long for it as for all the rest.
    if (usual := _USUAL_DATE.fullmatch(written)) is not None and usual[2] in _MONTHS:
        day, month, year = int(usual[1]), _MONTHS.index(usual[2]) + 1, int(usual[3])
        if FIRST_YEAR <= year <= LAST_YEAR:
            with contextlib.suppress(ValueError):
                return date(year, month, day)
    try:
        return letter_day(written)
    except ValueError as wrong:
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
        name = plain(piece[:_LONGEST_NAME])
        if re.fullmatch(r"(?:Jr|Sr|I{2,3}|IV)\.?", name) and names:
            names[-1] += f", {name}"
        elif name:
            names.append(name)
    return names
