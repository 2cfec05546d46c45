"""One arXivRaw record gives a paper with its history, whatever strangers wrote into it."""

from __future__ import annotations

from datetime import date

import pytest

from harvesters.arxiv_oai import OaiQuery, OaiSource
from harvesters.arxiv_raw import authors_of
from harvesters.http import PoliteSession
from harvesters.pace import LocalPace
from harvesters.protocol import Page, ParsedPage
from harvesters.records import HarvestedAuthor, HarvestedRecord
from tests.harvesters.test_arxiv_oai import XML, answer, raw


def parse(*records: str) -> ParsedPage:
    """What a stored page of these records gives."""
    body = answer(f"<ListRecords>{''.join(records)}</ListRecords>").body
    session = PoliteSession("nobody", LocalPace({}), contact="nobody@example.org")
    return OaiSource(session, OaiQuery(date(2026, 1, 1))).parse(Page("arxiv-oai", "page 1", body, XML, {}, True))


def test_record_holds_all_versions() -> None:
    """First and last day, number of versions, people, identifiers, further facts."""
    more = {"comments": "12 pages", "doi": "10.1000/a, 10.1000/b", "journal-ref": "Fict. J. 1", "abstract": " Gaps. "}
    (record,) = parse(raw(7, **more)).records
    assert record == HarvestedRecord(
        source="arxiv-oai",
        key="2601.00007",
        title="Rings of planet 7",
        abstract="Gaps.",
        authors=(HarvestedAuthor("A. Example"), HarvestedAuthor("B. Beispiel")),
        doi="10.1000/a",
        arxiv_id="2601.00007",
        arxiv_version=2,
        kind="eprint",
        year=2026,
        submitted_on=date(2026, 1, 5),
        updated_on=date(2026, 1, 9),
        categories=("astro-ph.EP",),
        comment="12 pages",
        extra={
            "journal_ref": "Fict. J. 1",
            "further_dois": "10.1000/b",
            "versions": "v1 2026-01-05; v2 2026-01-09",
        },
    )


def test_deleted_and_withdrawn_papers_are_marked() -> None:
    """A deleted record keeps its identifier; a withdrawn paper says so in its comment."""
    deleted = '<record><header status="deleted"><identifier>oai:arXiv.org:2601.00001</identifier></header></record>'
    gone, withdrawn = parse(deleted, raw(2, comments="This paper has been withdrawn.")).records
    assert (gone.is_deletion, withdrawn.is_deletion) == (True, False)
    assert (gone.key, gone.title, gone.is_withdrawn) == ("2601.00001", None, True)
    assert withdrawn.is_withdrawn


def test_bad_records_cost_themselves_and_news_are_reported() -> None:
    """A record of another archive, without title or with a wrong date is named; unknown fields are listed."""
    foreign = raw(1).replace("arXiv.org:2601.00001", "elsewhere.org:77")
    parsed = parse(foreign, raw(2, title=""), raw(3).replace("Mon, 5 Jan", "some day in"), raw(4, mood="good"))
    assert [record.key for record in parsed.records] == ["2601.00004"]
    assert [refusal.place for refusal in parsed.refusals] == [f"page 1 record {n}" for n in (1, 2, 3)]
    assert parsed.unread_fields == ("mood",)


def test_versions_are_read_in_their_order() -> None:
    """Number, day and source type of each, first to last however they come; the highest is the paper's version."""
    versions = (
        '<version version="v3"><date>Sun, 1 Feb 2026 00:00:00 GMT</date><source_type>D</source_type></version>'
        '<version version="v10"><date>Mon, 02 Mar 2026 11:17:09 +0000</date></version>'
    )
    (record,) = parse(raw(7).replace("<title>", f"{versions}<title>")).records
    assert record.extra["versions"] == "v1 2026-01-05; v2 2026-01-09; v3 2026-02-01 D; v10 2026-03-02"
    assert (record.arxiv_version, record.submitted_on, record.updated_on) == (10, date(2026, 1, 5), date(2026, 3, 2))


def test_a_history_without_its_beginning_tells_no_submission() -> None:
    """Where the first version is not given, the day of submission is not known."""
    (record,) = parse(raw(7).replace('version="v1"', 'version="v4"')).records
    assert (record.submitted_on, record.year, record.arxiv_version) == (None, None, 4)


@pytest.mark.parametrize("year", ["0000", "0099", "9999"])
def test_a_version_of_no_year_costs_its_record(year: str) -> None:
    """Neither the year 2000 nor the end of time is made of it."""
    parsed = parse(raw(1).replace("9 Jan 2026 11:17:09", f"9 Jan {year} 11:17:09"), raw(2))
    assert [record.key for record in parsed.records] == ["2601.00002"]
    assert f"Jan {year}" in parsed.refusals[0].reason


@pytest.mark.parametrize("number", ["", "v0", "2", "v1.5", "v" + "9" * 5000, "v٣"])
def test_a_version_without_number_costs_its_record(number: str) -> None:
    """Versions are never counted where they cannot be told apart."""
    parsed = parse(raw(1).replace('version="v2"', f'version="{number}"'), raw(2))
    assert [record.key for record in parsed.records] == ["2601.00002"]
    assert "has no number" in parsed.refusals[0].reason


@pytest.mark.parametrize(
    ("last", "withdrawn"),
    [
        ("<size>0kb</size>", True),
        ("<size>12kb</size><source_type>I</source_type>", True),
        ("<size>10kb</size><source_type>D</source_type>", False),
        ("", False),
    ],
)
def test_a_last_version_without_source_is_withdrawn(last: str, withdrawn: bool) -> None:
    """Size nought, or arXiv's flag for "nothing to fetch"; an earlier such version does not count."""
    (record,) = parse(raw(1).replace("11:17:09 GMT</date>", f"11:17:09 GMT</date>{last}")).records
    assert record.is_withdrawn is withdrawn
    (restored,) = parse(raw(1).replace("<size>9kb</size>", "<size>0kb</size>")).records
    assert not restored.is_withdrawn


def test_two_identifiers_in_one_record_are_refused() -> None:
    """A record whose metadata belong to another paper is neither of the two."""
    (refusal,) = parse(raw(1).replace("<id>2601.00001</id>", "<id>2601.00002</id>")).refusals
    assert refusal.reason == "its header names 2601.00001, its metadata '2601.00002'"


def test_news_is_named_wherever_it_stands() -> None:
    """Fields that nobody reads are named: in the metadata, the header, the record and a version."""
    more = raw(1, mood="good").replace("<datestamp>", "<colour/><datestamp>").replace("</record>", "<about/></record>")
    assert parse(more.replace("<size>", "<weight/><size>")).unread_fields == (
        "about",
        "colour",
        "mood",
        "version weight",
    )


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("A. Example, B. Beispiel and C. Exemple", ["A. Example", "B. Beispiel", "C. Exemple"]),
        ("A. Example (1), B. Beispiel (1 and 2) ((1) Uni, Town, (2) Lab and Co)", ["A. Example", "B. Beispiel"]),
        ("D. van Third, Jr. and \\'E. Fourth", ["D. van Third, Jr.", "É. Fourth"]),
        ("Alexander Sandman", ["Alexander Sandman"]),
        ("A. Example, " + "x" * 100_000, ["A. Example", "x" * 999]),
        ("A. Example " + "(" * 5000 + ")" * 5000, ["A. Example " + "(" * 989]),
        ("", []),
    ],
)
def test_one_line_of_authors_is_split(written: str, names: list[str]) -> None:
    """Commas, "and", affiliations in brackets, TeX accents and suffixes are understood."""
    assert authors_of(written) == names
