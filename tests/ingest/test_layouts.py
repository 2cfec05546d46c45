"""Codes found where publishers put them: two columns, ligatures, broken lines, JATS, HTML; each with its right place."""

from __future__ import annotations

import gzip

import pytest

from biblio.catalogue.texts import Reading
from biblio.ingest.reader import Reader, make_reader, read_body
from biblio.runtime import Runtime
from tests.harvesters.archives import make_tar
from tests.harvesters.pdfs import make_pdf
from tests.ingest.test_reading import CODE, prepare

BLANK = Reading(1, "folder", "x")


@pytest.fixture
def reader(runtime: Runtime) -> Reader:
    """A reader that knows one project."""
    prepare(runtime)
    with runtime.store.reading() as session:
        return make_reader(session, runtime)


def two_columns() -> bytes:
    """A page in two columns, one drawn after the other as TeX does, its code broken at the line's end.

    Signs 1 and 2 of its font are the ligatures fi and fl.
    """
    left = ["We pro\\001t from the e\\001cient", "correlator. ADS/JAO.ALMA#2013.1.-", "00092.S was used for this."]
    right = ["The second column has words", "that are about in\\002ation and", "nothing else of interest."]
    drawn = "".join(
        f"BT /F1 9 Tf {x} {700 - 12 * row} Td ({line}) Tj ET "
        for x, lines in ((60, left), (330, right))
        for row, line in enumerate(lines)
    )
    page = make_pdf("PLACE")
    start, end = page.index(b"stream\n") + 7, page.index(b"\nendstream")
    font = b"/Type /Font /Subtype /Type1 /BaseFont /Helvetica"
    whole = page[:start] + drawn.encode() + page[end:]
    whole = whole.replace(b"/Length %d" % (end - start), b"/Length %d" % len(drawn))
    # The table of places is wrong now, as in many a real file; readers build it anew.
    return whole.replace(font, font + b" /Encoding << /Differences [1 /fi /fl] >>")


JATS = f"""<?xml version="1.0"?><article><body><sec><p>Words &amp; words, &#945; CMa.</p></sec></body>
<back><ack><title>Acknowledgements</title><p>This paper makes use of: <named-content>ADS/JAO.ALMA#{CODE[:9]}<break/>{CODE[9:]}</named-content>
and <ext-link>{CODE}</ext-link>.</p></ack></back></article>"""
HTML = f"<!doctype html><html><body><p>Words&nbsp;of h&uuml;gel</p><p>ADS/JAO.ALMA#{CODE[:7]}<wbr>{CODE[7:]} and <b>{CODE}</b></p></body></html>"
TEX = f"\\documentclass{{x}}\\begin{{document}}{{\\tt ADS/JAO.ALMA\\#{CODE}}} and 2013.1.\\-00092.S\\end{{document}}"


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("two.pdf", two_columns(), 1),
        ("2101.00001v1.gz", gzip.compress(two_columns()), 1),
        ("2101.00001v1.tar.gz", gzip.compress(make_tar({"paper.pdf": two_columns()})), 1),
        ("paper.xml", JATS.encode(), 2),
        ("paper.nxml.gz", gzip.compress(JATS.encode()), 2),
        ("paper.html", HTML.encode(), 2),
        ("paper.tex", TEX.encode(), 2),
    ],
)
def test_codes_are_found_with_their_place(reader: Reader, name: str, body: bytes, expected: int) -> None:
    """The code is the project's, is certain, and the passage kept shows it exactly where it says."""
    reading, refusals = read_body(reader, BLANK, name, body)
    assert (reading.refusal, refusals) == (None, [])
    assert [seen.mention.code for seen in reading.mentions] == [CODE] * expected
    for seen in reading.mentions:
        mention = seen.mention
        start = mention.start - seen.context_start
        assert seen.context[start : start + len(mention.as_written)] == mention.as_written
        assert mention.end - mention.start == len(mention.as_written)
        assert mention.as_written.startswith("2013")
        assert mention.as_written.endswith(".S")
        assert mention.certain


def test_ligatures_of_a_pdf_are_words_again(reader: Reader) -> None:
    """The passage around a code reads as printed: no sign of a font's own stands in it."""
    reading, _ = read_body(reader, BLANK, "two.pdf", two_columns())
    (seen,) = reading.mentions
    assert "profit" in seen.context.replace("\ufb01", "fi")
    assert not any(sign in seen.context for sign in "\x01\x02\x00")
