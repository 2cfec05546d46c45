"""The harvesters on real answers of arXiv and ADS, good and bad, and on real lists."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from harvesters.ads import AdsQuery, AdsSource
from harvesters.arxiv import ArxivQuery, ArxivSource
from harvesters.arxiv_oai import OaiQuery, OaiSource
from harvesters.errors import PageRefused
from harvesters.files import BibtexFile, ProjectsFile
from harvesters.fulltext import read_file
from harvesters.http import PoliteSession
from harvesters.pace import LocalPace
from harvesters.protocol import Page, Source

DAY = date(2026, 1, 1)


@pytest.fixture(name="session")
def no_requests() -> PoliteSession:
    """A session that nobody uses: parsing needs no network."""
    return PoliteSession("nobody", LocalPace({}), contact="nobody@example.org")


def outcome(source: Source, name: str, body: bytes, content_type: str) -> Counter[str]:
    """How many records one stored page gives; a page that is refused counts as that."""
    try:
        parsed = source.parse(Page(source.name, name, body, content_type, {}, True))
    except PageRefused:
        return Counter({"pages refused": 1})
    assert parsed.unread_fields == ()
    return Counter({"pages": 1, "records": len(parsed.records), "refused": len(parsed.refusals)})


def test_arxiv_api_answers(real_data: Path, session: PoliteSession) -> None:
    """Every entry of every real feed is read; the error feed and the empty file are refused whole."""
    source = ArxivSource(session, ArxivQuery(("astro-ph.GA",), DAY, DAY))
    folder = real_data / "arxiv_responses"
    counts: Counter[str] = Counter()
    for path in sorted([*(folder / "atom_xml").iterdir(), *(folder / "atom_hist").iterdir()]):
        counts += outcome(source, path.name, path.read_bytes(), "application/atom+xml")
    assert counts == Counter({"pages": 23, "records": 243, "pages refused": 2})


def test_answers_of_other_services_are_no_feeds_of_arxiv(real_data: Path, session: PoliteSession) -> None:
    """OAI answers and other feeds are never taken for an empty search."""
    source = ArxivSource(session, ArxivQuery(("astro-ph.GA",), DAY, DAY))
    folder = real_data / "arxiv_responses"
    paths = [*(folder / "oai_generic_sickle").iterdir(), *(folder / "rss_other").iterdir()]
    for path in paths:
        assert outcome(source, path.name, path.read_bytes(), "text/xml") == Counter({"pages refused": 1}), path.name


def test_oai_answers(real_data: Path, session: PoliteSession) -> None:
    """arXivRaw is read with both its versions, "nothing new" is an empty page, every other error code refuses."""
    source = OaiSource(session, OaiQuery(DAY))
    folder = real_data / "arxiv_responses"
    (raw,) = (folder / "oai_arXivRaw").iterdir()
    (record,) = source.parse(Page("arxiv-oai", raw.name, raw.read_bytes(), "text/xml", {}, True)).records
    assert (record.arxiv_version, len(record.authors)) == (2, 4)
    for name in (
        "badArgument",
        "badResumptionToken",
        "noSetHierarchy",
        "undefinedError",
        "ListRecordsBroken",
        "Identify",
    ):
        body = (folder / "oai_generic_sickle" / f"{name}.xml").read_bytes()
        assert outcome(source, name, body, "text/xml") == Counter({"pages refused": 1}), name
    body = (folder / "oai_generic_sickle" / "noRecordsMatch.xml").read_bytes()
    assert outcome(source, "noRecordsMatch", body, "text/xml") == Counter({"pages": 1})


def test_ads_answers(real_data: Path, session: PoliteSession) -> None:
    """Every document with a bibcode is read; answers of other endpoints are refused whole."""
    source = AdsSource(session, AdsQuery({"any": "x"}, DAY), token=None)
    folder = real_data / "ads_responses"
    counts: Counter[str] = Counter()
    for path in sorted(folder.rglob("*.json")):
        body = path.read_bytes()
        found = outcome(source, path.name, body, "application/json")
        if found["pages"]:
            documents = json.loads(body)["response"]["docs"]
            assert found["records"] == sum("bibcode" in document for document in documents), path.name
        counts += found
    assert counts["records"] > 100
    assert counts["pages refused"] > counts["pages"]


def test_whole_ads_documents(real_data: Path, session: PoliteSession) -> None:
    """All collected documents are read, every document type among them is known."""
    source = AdsSource(session, AdsQuery({"any": "x"}, DAY), token=None)
    documents: list[dict[str, Any]] = json.loads((real_data / "ads_responses" / "ads_docs_merged.json").read_text())
    body = json.dumps({"response": {"numFound": len(documents), "docs": documents}}).encode()
    parsed = source.parse(Page("ads", "merged", body, "application/json", {}, True))
    assert (len(parsed.records), parsed.refusals, parsed.unread_fields) == (len(documents), (), ())
    for record, document in zip(parsed.records, documents, strict=True):
        assert (record.kind is None) == (document.get("doctype") is None)
        assert "<SUB>" not in f"{record.title} {record.abstract}"


def test_project_list(real_data: Path) -> None:
    """Every real project is read, with its release date where it has one."""
    source = ProjectsFile(real_data / "projects.jsonl")
    (page,) = source.pages({})
    parsed = source.parse(page)
    rows = [json.loads(line) for line in page.body.splitlines()]
    assert (len(parsed.projects), parsed.refusals, parsed.unread_fields) == (len(rows), (), ())
    assert sum(len(project.units) for project in parsed.projects) == sum(bool(row["release_date"]) for row in rows)


def test_bibtex_fields(real_data: Path, tmp_path: Path) -> None:
    """Real titles, names and identifiers, put back into BibTeX, are read; only the untitled are refused."""
    with gzip.open(real_data / "bibtex" / "records.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines][::4]
    fields = ("title", "author", "year", "journal", "volume", "pages", "doi", "eprint", "adsurl")
    path = tmp_path / "all.bib"
    path.write_text(
        "\n".join(
            f"@{row['type']}{{key{number},\n"
            + ",\n".join(f"  {name} = {{{row[name]}}}" for name in fields if row[name] is not None)
            + "\n}\n"
            for number, row in enumerate(rows)
        ),
        encoding="utf-8",
    )
    source = BibtexFile(path)
    (page,) = source.pages({})
    parsed = source.parse(page)
    assert len(parsed.records) + len(parsed.refusals) == len(rows)
    assert len(parsed.refusals) == sum(not row["title"] for row in rows)
    by_key = {record.extra["entry_key"]: record for record in parsed.records}
    known = [(row, by_key[f"key{n}"]) for n, row in enumerate(rows) if row["eprint"] and row["title"]]
    assert all(record.arxiv_id for _, record in known)


def test_full_texts_keep_every_character(real_data: Path) -> None:
    """The text of each real file is the file, decoded and otherwise untouched."""
    paths = sorted((real_data / "papers" / "fulltext").iterdir())
    for path in paths:
        (part,) = read_file(path)
        assert part.text == path.read_bytes().decode("utf-8", errors="replace")
    assert len(paths) > 80
