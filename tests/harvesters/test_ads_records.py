"""What reading ADS documents promises: every field used, ignored or reported, and no bytes that raise anything else."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvesters.ads_records import FIELDS, IGNORED_FIELDS, names_of, parse_page
from harvesters.errors import PageRefused
from harvesters.protocol import Page, ParsedPage
from harvesters.records import HarvestedAuthor
from tests.harvesters.test_ads import JSON, document


def parse(*documents: Any, **more: Any) -> ParsedPage:
    """What a stored page of these documents gives."""
    body = json.dumps({"response": {"numFound": len(documents), "docs": list(documents)}} | more).encode()
    return parse_page(Page("ads", "page 1", body, JSON, {}, True))


def test_record_holds_what_the_document_says() -> None:
    """Identifiers, people, kind, refereed, a date known to the month, and the passages found."""
    full = {
        "id": "77",
        "bibcode": "2100Fict.0001....1E",
        "alternate_bibcode": ["2100arXiv210100001E"],
        "identifier": ["2100Fict.0001....1E", "10.1000/a", "arXiv:2101.00001", "10.48550/arXiv.2101.00001"],
        "title": ["CO<SUB>2</SUB> &amp; dust at z &gt; 3"],
        "abstract": "Rings.<P />Gaps.",
        "author": ["Example, Aino", "Beispiel, Bo"],
        "aff": ["Uni X; Lab Y", "-"],
        "orcid_pub": ["0000-0000-0000-0000", "-"],
        "doctype": "article",
        "property": ["ARTICLE", "REFEREED"],
        "pub": "Fictional Journal",
        "volume": "1",
        "page": ["L1"],
        "year": "2100",
        "pubdate": "2100-03-00",
        "citation_count": 7,
        "bibgroup": ["X", "Y/Z"],
    }
    highlighting = {"77": {"body": ["the <em>ADS/X</em>#1"], "ack": ["of data <em>ADS/X</em>#2"], "title": []}}
    (record,) = parse(full, highlighting=highlighting).records
    assert (record.key, record.doi, record.arxiv_id) == ("2100Fict.0001....1E", "10.1000/a", "2101.00001")
    assert record.alternate_bibcodes == ("2100arXiv210100001E",)
    assert (record.title, record.abstract) == ("CO2 & dust at z > 3", "Rings. Gaps.")
    assert record.authors == (
        HarvestedAuthor("Example, Aino", "Uni X; Lab Y", "0000-0000-0000-0000"),
        HarvestedAuthor("Beispiel, Bo"),
    )
    assert (record.kind, record.is_refereed, record.citation_count) == ("article", True, 7)
    assert (record.published_on, record.published_precision) == (date(2100, 3, 1), "month")
    assert (record.journal, record.volume, record.page, record.year) == ("Fictional Journal", "1", "L1", 2100)
    assert record.snippets == (("ack", "of data ADS/X#2"), ("body", "the ADS/X#1"))
    assert record.extra["bibgroups"] == "X; Y/Z"


@pytest.mark.parametrize(
    ("properties", "refereed"), [(["REFEREED"], True), (["NOT REFEREED"], False), (["ARTICLE"], None), (None, None)]
)
def test_refereed_is_what_ads_says_and_unknown_otherwise(properties: list[str] | None, refereed: bool | None) -> None:
    """ "NOT REFEREED" is not taken for refereed, silence for neither."""
    (record,) = parse(document(1) | {"property": properties}).records
    assert record.is_refereed is refereed


@pytest.mark.parametrize(
    ("pubdate", "day", "precision"),
    [
        ("2100-00-00", date(2100, 1, 1), "year"),
        ("2100-11-00", date(2100, 11, 1), "month"),
        ("2100-11-22", date(2100, 11, 22), "day"),
    ],
)
def test_dates_are_known_as_far_as_they_are_written(pubdate: str, day: date, precision: str) -> None:
    """A zero is not a first of January."""
    (record,) = parse(document(1) | {"pubdate": pubdate}).records
    assert (record.published_on, record.published_precision) == (day, precision)


def test_unknown_sorts_and_fields_are_reported() -> None:
    """A new document type is no article, and news in the answer is named."""
    parsed = parse(document(1) | {"doctype": "podcast", "mood": "good"})
    assert parsed.records[0].kind is None
    assert parsed.unread_fields == ("doctype:podcast", "mood")


def test_bad_records_cost_themselves() -> None:
    """A record that cannot be read is named with its place and bibcode; the others are read."""
    parsed = parse(
        {"title": ["no bibcode"]},
        document(2) | {"pubdate": "soon"},
        document(3) | {"author": [5]},
        "no record",
        document(5) | {"citation_count": "many"},
        document(6),
        document(7) | {"title": ["NUL \0 in a title"]},
        document(8) | {"abstract": "half a character \ud800"},
    )
    assert [record.key for record in parsed.records] == [document(6)["bibcode"]]
    assert [refusal.place for refusal in parsed.refusals] == [f"page 1 record {n}" for n in (1, 2, 3, 4, 5, 7, 8)]
    assert parsed.refusals[1].key == document(2)["bibcode"]


def test_links_to_archives_and_journal_are_kept() -> None:
    """``data`` is archive and number, ``bibstem`` the journal without its volume, reads a whole number."""
    (record,) = parse(document(1) | {"data": ["ALMA:2", "ESO:1"], "bibstem": ["ApJL", "ApJL.880"]}).records
    assert record.extra == {"data": "ALMA:2; ESO:1", "bibstem": "ApJL"}


def test_keys_and_news_of_strangers_are_fit_to_be_shown() -> None:
    """A bibcode that no database takes is no key, and what is reported is short and printable."""
    parsed = parse(
        document(1) | {"bibcode": "2100Fict\0", "pubdate": "x"},
        document(2) | {"bibcode": "x" * 1000, "pubdate": "x"},
        document(3) | {"bibcode": {"a": 1}},
        document(4) | {"line\nbreak": 1, "y" * 1000: 1, "doctype": ["odd"]},
    )
    assert [refusal.key for refusal in parsed.refusals] == [None, None, None]
    assert len(parsed.unread_fields) == 3
    assert all(name.isprintable() and len(name) < 80 for name in parsed.unread_fields)


@pytest.mark.parametrize(
    "body",
    [
        b'{"response": {"numFound": 1, "docs": [{"bibcode": "2100Fict\xed\xa0\x80"}]}}',
        json.dumps({"response": {"numFound": 0, "docs": []}}).encode("utf-16"),
        json.dumps({"response": {"numFound": 1, "docs": [{"title": ["\xe9"]}]}}, ensure_ascii=False).encode("latin-1"),
    ],
)
def test_wrong_charset_is_a_broken_page(body: bytes) -> None:
    """Halves of characters, UTF-16 and Latin-1 are no JSON of ADS; nothing of them is stored."""
    with pytest.raises(PageRefused, match="page 1: the JSON is broken"):
        parse_page(Page("ads", "page 1", body, JSON, {}, True))


def test_escapes_of_whole_characters_are_read() -> None:
    """Only what no database takes is refused: a sign written as two escapes is one character."""
    (record,) = parse(document(1) | {"title": ["Rings \U0001f52d"]}).records
    assert record.title == "Rings \U0001f52d"


def test_affiliations_that_fit_nobody_are_left() -> None:
    """With fewer affiliations than authors nobody can say whose they are; blanks and line breaks are one blank."""
    (record,) = parse(
        document(1) | {"author": [" A,\n B", "C"], "aff": ["Uni X"], "orcid_pub": ["-", " 0000 "]}
    ).records
    assert record.authors == (HarvestedAuthor("A, B"), HarvestedAuthor("C", None, "0000"))


def test_names_of_a_document_are_all_it_is_found_under() -> None:
    """Bibcode, alternates and identifiers, and nothing of another shape."""
    whole = document(1) | {"alternate_bibcode": ["a"], "identifier": ["b", 5, None]}
    assert list(names_of(whole)) == [document(1)["bibcode"], "a", "b"]
    assert list(names_of("x")) == []


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from([*FIELDS, "id", "bibcode"]), JSON_VALUES, max_size=8) | JSON_VALUES,
    JSON_VALUES,
)
def test_any_document_is_a_record_or_a_refusal(odd: Any, highlighting: Any) -> None:
    """Whatever a field holds, its document alone pays for it."""
    parsed = parse(document(1), odd, highlighting=highlighting)
    assert parsed.seen == 2
    assert parsed.records[0].key == document(1)["bibcode"]


@given(st.binary(max_size=200) | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_page_or_refused(body: bytes) -> None:
    """No bytes raise anything but ``PageRefused``."""
    page = Page("ads", "page 1", body, JSON, {}, True, expected=3)
    reason = None
    try:
        parse_page(page)
    except PageRefused as refused:
        reason = str(refused)
    assert reason is None or reason.startswith("page 1: ")


def test_every_known_field_is_read_or_ignored_once() -> None:
    """No field is both used and listed as ignored."""
    assert not IGNORED_FIELDS & set(FIELDS)
