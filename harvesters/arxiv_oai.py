"""arXiv over OAI-PMH, format arXivRaw: what is new or changed since the last run, with the dates of all versions.

Facts (info.arxiv.org/help/oa; OAI-PMH 2.0): a datestamp is the day of the last change, not of submission; the next run
asks from the day of the server's last ``responseDate`` and never sets ``until``, or records changed meanwhile are
lost; a resumption token says nothing of the total and expires daily, and an expired one means beginning the list anew,
which loses nothing because the records come again.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET  # _tree refuses documents with a DTD, where the dangers lie
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from email.utils import parsedate_to_datetime

import stamina

from harvesters.arxiv_ids import is_withdrawn, split_identifier
from harvesters.bibtex import plain
from harvesters.errors import PageRefused, RecordRefused
from harvesters.http import PoliteSession, media_type
from harvesters.protocol import Page, ParsedPage
from harvesters.records import HarvestedAuthor, HarvestedRecord, Refusal

_OAI = "{http://www.openarchives.org/OAI/2.0/}"
_RAW = "{http://arxiv.org/OAI/arXivRaw/}"
_READ = frozenset(["id", "version", "title", "authors", "categories", "comments", "journal-ref", "doi", "abstract"])
_IGNORED = frozenset(["submitter", "license", "proxy", "report-no", "acm-class", "msc-class"])


@dataclass(frozen=True, slots=True)
class OaiQuery:
    """What to ask for: changes in ``set_spec`` since a day; ``since`` where nothing is stored yet."""

    since: date
    set_spec: str = "physics:astro-ph"
    page_attempts: int = 3
    page_wait_s: float = 3.0


class OaiSource:
    """New and changed preprints.

    The cursor within a list is ``{"from": day, "until": day of the list's first answer, "token": …}``, after its last
    page ``{"from": that day}``.
    """

    name = "arxiv-oai"

    def __init__(
        self, session: PoliteSession, query: OaiQuery, *, base_url: str = "https://oaipmh.arxiv.org/oai"
    ) -> None:
        self._session = session
        self._query = query
        self._url = base_url

    def pages(self, cursor: Mapping[str, object]) -> Iterator[Page]:
        """Yield pages from ``cursor`` on. Raises ``PageRefused`` naming the page, or ``SourceStopped``."""
        first_day = str(cursor.get("from") or self._query.since.isoformat())
        answered_on = str(cursor["until"]) if "until" in cursor else None
        token = str(cursor["token"]) if cursor.get("token") else None
        number, began_anew = 1, False
        while True:
            place = f"arXiv OAI changes since {first_day}, page {number}" + (" after the stored one" if token else "")
            body, content_type, tree = self._fetch(first_day, token, place)
            if token is not None and "badResumptionToken" in _errors(tree):
                if began_anew:
                    raise PageRefused(
                        f"{place}: the token is refused again; the harvest begins this list anew next time"
                    )
                began_anew, token, answered_on, number = True, None, None, 1
                continue
            answered_on = answered_on or _day_of_answer(tree, place)
            token = _token(tree)
            following: dict[str, object] = {"from": first_day, "until": answered_on, "token": token}
            yield Page(
                source=self.name,
                place=place,
                body=body,
                content_type=content_type,
                next_cursor=following if token else {"from": answered_on},
                is_last=token is None,
                window=(first_day, answered_on),
            )
            if token is None:
                return
            number += 1

    def parse(self, page: Page) -> ParsedPage:
        """Read one page. Raises ``PageRefused`` for broken XML, HTML and OAI errors other than "nothing new"."""
        tree = _checked(page.body, page.content_type, page.place)
        records: list[HarvestedRecord] = []
        refusals: list[Refusal] = []
        unread: set[str] = set()
        for number, element in enumerate(tree.iter(f"{_OAI}record"), start=1):
            key = element.findtext(f"{_OAI}header/{_OAI}identifier")
            try:
                records.append(_record(self.name, element))
            except RecordRefused as refused:
                refusals.append(Refusal(self.name, f"{page.place} record {number}", str(refused), key))
            raw = element.find(f"{_OAI}metadata/{_RAW}arXivRaw")
            unread.update(_names(raw) - _READ - _IGNORED if raw is not None else ())
        return ParsedPage(tuple(records), refusals=tuple(refusals), unread_fields=tuple(sorted(unread)))

    def _fetch(self, first_day: str, token: str | None, place: str) -> tuple[bytes, str, ET.Element]:
        asked = {"verb": "ListRecords", "resumptionToken": token} if token else self._beginning(first_day)
        attempts = stamina.retry_context(
            on=PageRefused,
            attempts=self._query.page_attempts,
            timeout=None,
            wait_initial=self._query.page_wait_s,
            wait_max=8 * self._query.page_wait_s,
            wait_jitter=self._query.page_wait_s / 3,
        )
        for attempt in attempts:
            with attempt:
                response = self._session.get(self._url, params=asked)
                if response.status_code != 200:
                    raise PageRefused(f"{place}: status {response.status_code}")
                content_type = response.headers.get("Content-Type", "")
                allowed = ("badResumptionToken",) if token else ()
                return response.content, content_type, _checked(response.content, content_type, place, allowed)
        raise AssertionError("unreachable: the loop returns or raises")

    def _beginning(self, first_day: str) -> dict[str, str]:
        return {"verb": "ListRecords", "metadataPrefix": "arXivRaw", "set": self._query.set_spec, "from": first_day}


def _checked(body: bytes, content_type: str, place: str, allowed: tuple[str, ...] = ()) -> ET.Element:
    """The document, if it is an OAI-PMH answer without errors but "nothing new" and those ``allowed``."""
    tree = _tree(body, content_type, place)
    if tree.tag != f"{_OAI}OAI-PMH":
        raise PageRefused(f"{place}: the answer is XML, but not of OAI-PMH")
    errors = {code: words for code, words in _errors(tree).items() if code not in ("noRecordsMatch", *allowed)}
    if errors:
        code, words = next(iter(errors.items()))
        raise PageRefused(f"{place}: the service answers {code}{f' ({words[:200]})' if words else ''}")
    if tree.find(f"{_OAI}ListRecords") is None and tree.find(f"{_OAI}GetRecord") is None and not _errors(tree):
        raise PageRefused(f"{place}: the answer holds no list of records")
    return tree


def _tree(body: bytes, content_type: str, place: str) -> ET.Element:
    media = media_type(content_type)
    if media and "xml" not in media:
        raise PageRefused(f"{place}: the answer is {media}, not XML")
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body or b"\0" in body:
        # Entities can grow to gigabytes or read local files; no honest OAI answer declares any.
        raise PageRefused(f"{place}: the XML declares a document type; not read")
    try:
        return ET.fromstring(body)  # noqa: S314 - no DTD, see above
    except (ET.ParseError, LookupError, ValueError) as broken:  # the latter two for encodings that do not exist
        raise PageRefused(f"{place}: the XML is broken or cut off ({broken})") from broken


def _errors(tree: ET.Element) -> dict[str, str]:
    return {
        error.get("code", "an error"): " ".join((error.text or "").split()) for error in tree.findall(f"{_OAI}error")
    }


def _day_of_answer(tree: ET.Element, place: str) -> str:
    try:
        return date.fromisoformat((tree.findtext(f"{_OAI}responseDate") or "")[:10]).isoformat()
    except ValueError as wrong:
        raise PageRefused(
            f"{place}: the answer has no responseDate, so the next run would not know its place"
        ) from wrong


def _token(tree: ET.Element) -> str | None:
    return (tree.findtext(f"{_OAI}ListRecords/{_OAI}resumptionToken") or "").strip() or None


def _names(raw: ET.Element) -> set[str]:
    return {child.tag.rpartition("}")[2] for child in raw}


def _record(source: str, element: ET.Element) -> HarvestedRecord:
    header = element.find(f"{_OAI}header")
    identifier = (header.findtext(f"{_OAI}identifier") or "") if header is not None else ""
    known = split_identifier(identifier.rpartition(":")[2])
    if header is None or known is None:
        raise RecordRefused(f"the identifier {identifier[:80]!r} is none of arXiv")
    arxiv_id = known[0]
    if header.get("status") == "deleted":
        return HarvestedRecord(source, arxiv_id, arxiv_id=arxiv_id, is_withdrawn=True, extra={"deleted": "yes"})
    raw = element.find(f"{_OAI}metadata/{_RAW}arXivRaw")
    if raw is None:
        raise RecordRefused("holds no arXivRaw metadata")
    title = _words(raw, "title")
    if title is None:
        raise RecordRefused("has no title")
    versions = [(version.get("version", ""), _version_day(version)) for version in raw.findall(f"{_RAW}version")]
    if not versions:
        raise RecordRefused("has no version")
    comment, abstract = _words(raw, "comments"), _words(raw, "abstract")
    dois = re.split(r"[\s,;]+", _words(raw, "doi") or "")
    extra = {
        "journal_ref": _words(raw, "journal-ref") or "",
        "further_dois": " ".join(dois[1:]),
        "versions": "; ".join(f"{name} {day}" for name, day in versions),
    }
    return HarvestedRecord(
        source=source,
        key=arxiv_id,
        title=title,
        abstract=abstract,
        authors=tuple(map(HarvestedAuthor, authors_of(_words(raw, "authors") or ""))),
        doi=dois[0] or None,
        arxiv_id=arxiv_id,
        arxiv_version=len(versions),
        kind="eprint",
        year=versions[0][1].year,
        submitted_on=versions[0][1],
        updated_on=versions[-1][1],
        categories=tuple((_words(raw, "categories") or "").split()),
        comment=comment,
        is_withdrawn=is_withdrawn(comment, abstract),
        extra={name: value for name, value in extra.items() if value},
    )


def _words(raw: ET.Element, name: str) -> str | None:
    return " ".join((raw.findtext(f"{_RAW}{name}") or "").split()) or None


def _version_day(version: ET.Element) -> date:
    written = version.findtext(f"{_RAW}date") or ""
    try:
        return parsedate_to_datetime(written).date()
    except (ValueError, TypeError, OverflowError) as wrong:
        raise RecordRefused(f"the date {written[:40]!r} of a version cannot be read") from wrong


def authors_of(written: str) -> list[str]:
    """The names in arXiv's one line of authors, in order, TeX accents decoded and affiliations in brackets left out."""
    bare = written
    while (inner := re.sub(r"\([^()]*\)", " ", bare)) != bare:
        bare = inner
    names: list[str] = []
    for piece in re.split(r",|\band\b|;", bare):
        name = plain(piece)
        if re.fullmatch(r"(?:Jr|Sr|I{2,3}|IV)\.?", name) and names:
            names[-1] += f", {name}"
        elif name:
            names.append(name)
    return names
