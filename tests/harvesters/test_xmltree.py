"""XML of strangers is read whole or refused whole."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvesters.errors import PageRefused
from harvesters.xmltree import read_tree, repaired, words_of


@pytest.mark.parametrize(
    "control", [b"\x0b", b"\x1f", b"&#0;", b"&#11;", b"&#31;", b"&#x1F;", b"&#xb;", b"&#x0f;", b"&#000008;", b"\0"]
)
def test_a_control_character_costs_itself(control: bytes) -> None:
    """What XML forbids and nobody can see is left out, raw or as a reference; the page around it is read."""
    tree = read_tree(b"<a>rings" + control + b" and gaps</a>", "text/xml", "page 1")
    assert words_of(tree) == "rings and gaps"


@pytest.mark.parametrize("fine", [b"\t", b"\n", b"&#9;", b"&#10;", b"&#x0D;", b"&#32;", b"&#x20;", b"&#127;"])
def test_honest_white_space_stays(fine: bytes) -> None:
    """Tabs, line ends and everything from the space on are text."""
    assert repaired(fine) == fine


@pytest.mark.parametrize(
    ("wrong", "read"),
    [
        (b"&#xD800;", "\ufffd"),
        (b"&#57343;", "\ufffd"),
        (b"&#xD835;&#xdc00;", "\U0001d400"),
        (b"&#55349;&#56320;", "\U0001d400"),
        (b"&#xD835; &#xDC00;", "\ufffd \ufffd"),
        (b"&#xFFFE;", "\ufffd"),
        (b"&#x110000;", "\ufffd"),
        (b"&#" + b"9" * 5000 + b";", "\ufffd"),
        (b"\xed\xa0\x80", "\ufffd"),
        (b"\xef\xbf\xbf", "\ufffd"),
        (b"&eacute;&#0;", "é"),
        (b"&LT;b&AMP;&nosuchname;", "<b&&nosuchname;"),
    ],
)
def test_a_character_that_cannot_be_costs_itself(wrong: bytes, read: str) -> None:
    """Halves of characters become the character or its sign of replacement, names of HTML what they mean."""
    tree = read_tree(b"<a>rings " + wrong + b" and gaps &amp; &#945;</a>", "text/xml", "page 1")
    assert words_of(tree) == f"rings {read} and gaps & α"


def test_markup_is_never_made_by_a_repair() -> None:
    """What stands for a sign of XML stays text."""
    tree = read_tree(b"<a>&LT;b&GT;&#xD800;&LT;!DOCTYPE&GT;</a>", "text/xml", "page 1")
    assert words_of(tree) == "<b>\ufffd<!DOCTYPE>"
    assert len(tree) == 0


@pytest.mark.parametrize(
    "body",
    [
        b'<!\0DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<\x01!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a><a/>'.encode("utf-16"),
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    ],
    ids=["hidden by a NUL", "entity", "hidden by a control character", "hidden in UTF-16", "file"],
)
def test_documents_with_a_type_are_not_read(body: bytes) -> None:
    """Where a document type is declared, or could hide, nothing is read."""
    with pytest.raises(PageRefused, match="page 1: the XML declares a document type"):
        read_tree(body, "text/xml", "page 1")


@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        (b"<html><p>Rate  exceeded</p></html>", "text/html", r'text/html, not XML \("Rate exceeded"\)'),
        (b"<a><b></a>", "application/xml", "broken or cut off"),
        (b"<a>rings", "", "broken or cut off"),
        (b"", "text/xml", "broken or cut off"),
        (b"<a>\xe9</a>", "text/xml; charset=latin-1", "broken or cut off"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "text/xml", "broken or cut off"),
    ],
)
def test_what_is_no_whole_document_is_refused(body: bytes, content_type: str, reason: str) -> None:
    """HTML, broken, cut off or in no encoding: the page is named and the reason told."""
    with pytest.raises(PageRefused, match=f"page 1: .*{reason}"):
        read_tree(body, content_type, "page 1")


def test_a_document_that_is_one_deep_well_is_refused() -> None:
    """A megabyte of elements within elements would keep its reader busy for hours; a hundred of them are read."""
    assert read_tree(b"<a>" * 100 + b"</a>" * 100, "text/xml", "page 1").tag == "a"
    with pytest.raises(PageRefused, match="page 1: the XML has elements within elements, more than 100 deep"):
        read_tree(b"<a>" * 100_000 + b"</a>" * 100_000, "text/xml", "page 1")


def test_the_documents_own_encoding_counts() -> None:
    """A wrong charset in the header does no harm."""
    assert words_of(read_tree("<a>Ångström</a>".encode(), "text/xml; charset=utf-16", "page 1")) == "Ångström"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("  one\n  line ", "one line"),
        ("one <b>bold</b> line", "one bold line"),
        ("", None),
        (" \n ", None),
        ("WÃ¼bben, Î±", "Wübben, α"),
        ("Wübben", "Wübben"),
        ("α ¼", "α ¼"),
    ],
)
def test_words_are_on_one_line_and_in_one_encoding(written: str, read: str | None) -> None:
    """White space is one space, elements within are text, and what was encoded twice is put right."""
    assert words_of(ET.fromstring(f"<a>{written}</a>")) == read
    assert words_of(None) is None


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_a_refusal(body: bytes) -> None:
    """Any bytes give a tree or a refused page."""
    try:
        told = read_tree(body, "", "page 1").tag and "page 1: read"
    except PageRefused as refused:
        told = str(refused)
    assert told.startswith("page 1: ")
