"""arXiv's real Atom answers, read by expat, beside the same read by feedparser."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import feedparser

from harvesters.arxiv import ArxivQuery, ArxivSource
from harvesters.errors import PageRefused
from harvesters.http import PoliteSession
from harvesters.pace import LocalPace
from harvesters.protocol import Page
from harvesters.records import HarvestedRecord

DAY = date(2026, 1, 1)


def answers(real_data: Path) -> Iterator[tuple[str, bytes]]:
    """Every real answer of the API: stored as it came, or as text within JSON."""
    folder = real_data / "arxiv_responses"
    for path in sorted([*(folder / "atom_xml").iterdir(), *(folder / "atom_hist").iterdir()]):
        yield path.name, path.read_bytes()
    for path in sorted((folder / "atom_json").iterdir()):
        yield path.name, json.loads(path.read_text("utf-8"))["body"].encode()


def on_one_line(value: object) -> str | None:
    """Text without line breaks, None for none; what was encoded twice is put right (feedparser leaves it in names)."""
    text = " ".join(str(value or "").split())
    try:
        return text.encode("latin-1").decode("utf-8") or None
    except UnicodeError:
        return text or None


def told(record: HarvestedRecord) -> dict[str, object]:
    """What the record says that both readers can say."""
    return {
        "id": (record.arxiv_id, record.arxiv_version),
        "title": record.title,
        "abstract": record.abstract,
        "authors": [author.name for author in record.authors],
        "days": (str(record.submitted_on), str(record.updated_on)),
        "categories": list(record.categories),
        "primary": record.extra.get("primary_category"),
        "comment": record.comment,
        "dois": " ".join([record.doi or "", record.extra.get("further_dois", "")]).split(),
        "journal_ref": record.extra.get("journal_ref"),
    }


def told_by_feedparser(entry: Any) -> dict[str, object]:
    """The same out of one entry as feedparser gives it."""
    name, _, version = entry.id.rpartition("/abs/")[2].rpartition("v")
    return {
        "id": (name, int(version)),
        "title": on_one_line(entry.title),
        "abstract": on_one_line(entry.summary),
        "authors": [on_one_line(author.name) for author in entry.authors],
        "days": (entry.published[:10], entry.updated[:10]),
        "categories": [tag.term for tag in entry.tags],
        "primary": entry.arxiv_primary_category["term"],
        "comment": on_one_line(entry.get("arxiv_comment")),
        "dois": entry.get("arxiv_doi", "").split(),
        "journal_ref": on_one_line(entry.get("arxiv_journal_ref")),
    }


def test_expat_reads_what_feedparser_reads(real_data: Path) -> None:
    """Record by record and field by field, every real entry says the same; nothing is refused or left unread."""
    session = PoliteSession("nobody", LocalPace({}), contact="nobody@example.org")
    source = ArxivSource(session, ArxivQuery(("astro-ph.GA",), DAY, DAY))
    count, refused, affiliations = 0, 0, 0
    for name, body in answers(real_data):
        entries = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False).entries
        try:
            parsed = source.parse(Page("arxiv", name, body, "application/atom+xml", {}, True))
        except PageRefused:
            assert not entries or "/api/errors" in entries[0].id, name
            refused += 1
            continue
        assert (parsed.refusals, parsed.unread_fields) == ((), ()), name
        assert [told(record) for record in parsed.records] == [told_by_feedparser(entry) for entry in entries], name
        count += len(entries)
        affiliations += sum(a.affiliation is not None for record in parsed.records for a in record.authors)
    assert count > 400
    assert affiliations > 0
    assert refused == 3
