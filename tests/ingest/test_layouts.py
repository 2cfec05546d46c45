"""Codes found where publishers put them: two columns, ligatures, broken lines, JATS, HTML; each with its right place."""

from __future__ import annotations

import gzip

import pytest

from biblio.catalogue.texts import Reading
from biblio.ingest.reader import Reader, make_reader, read_body
from biblio.runtime import Runtime
from harvesters.fulltext import read_bytes
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
    content = "".join(
        f"BT /F1 9 Tf {x} {700 - 12 * row} Td ({line}) Tj ET "
        for x, lines in ((60, left), (330, right))
        for row, line in enumerate(lines)
    )
    font = b"/Type /Font /Subtype /Type1 /BaseFont /Helvetica"
    return drawn(content).replace(font, font + b" /Encoding << /Differences [1 /fi /fl] >>")


def across_columns() -> bytes:
    """A page whose two columns are drawn line by line across both, with a title and a footnote over both of them."""
    left = [f"Words of the left column {number}" for number in range(8)]
    right = [f"and of the right one {number}" for number in range(8)]
    left[3:5] = ["correlator. ADS/JAO.ALMA#2013.1.-", "00092.S was used for this."]
    lines = [(60, 740, "A title that goes over both of the columns of this page, from left to right of it")]
    for row in range(8):
        lines += [(60, 700 - 12 * row, left[row]), (330, 700 - 12 * row, right[row])]
    lines.append((60, 500, "A footnote that goes over both of the columns of this page, from left to right of it"))
    return drawn("".join(f"BT /F1 9 Tf {x} {y} Td ({line}) Tj ET " for x, y, line in lines))


def drawn(content: str) -> bytes:
    """A page of this content. Its table of places is wrong, as in many a real file; readers build it anew."""
    page = make_pdf("PLACE")
    start, end = page.index(b"stream\n") + 7, page.index(b"\nendstream")
    whole = page[:start] + content.encode() + page[end:]
    return whole.replace(b"/Length %d" % (end - start), b"/Length %d" % len(content))


JATS = f"""<?xml version="1.0"?><article><body><sec><p>Words &amp; words, &#945; CMa.</p></sec></body>
<back><ack><title>Acknowledgements</title><p>This paper makes use of: <named-content>ADS/JAO.ALMA#{CODE[:9]}<break/>{CODE[9:]}</named-content>
and <ext-link>{CODE}</ext-link>.</p></ack></back></article>"""
HTML = f"<!doctype html><html><body><p>Words&nbsp;of h&uuml;gel</p><p>ADS/JAO.ALMA#{CODE[:7]}<wbr>{CODE[7:]} and <b>{CODE}</b></p></body></html>"
TEX = f"\\documentclass{{x}}\\begin{{document}}{{\\tt ADS/JAO.ALMA\\#{CODE}}} and 2013.1.\\-00092.S\\end{{document}}"


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("two.pdf", two_columns(), 1),
        ("across.pdf", across_columns(), 1),
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


def test_columns_drawn_across_are_read_one_after_the_other() -> None:
    """What goes over both columns stays whole and in its place; a table's few gaps make no columns; no sign is lost."""
    (part,) = read_bytes("across.pdf", across_columns())
    lines = [" ".join(line.split()) for line in part.text.split("\n")]
    assert lines[0].startswith("A title")
    assert lines[-1].startswith("A footnote")
    assert lines[1:9] == [line for line in lines if "left column" in line or "ADS/" in line or "00092" in line]
    assert [line[-1] for line in lines[9:-1]] == list("01234567")
    table = "".join(f"BT /F1 9 Tf {x} {700 - 12 * row} Td ({x}) Tj ET " for row in range(4) for x in (60, 200, 330))
    (part,) = read_bytes("table.pdf", drawn(table))
    assert [line.split() for line in part.text.split("\n")] == [["60", "200", "330"]] * 4


def test_a_hyphen_at_the_end_of_a_line_is_none_on_the_screen() -> None:
    """The sign by which the reader marks it is fit for no page; a soft hyphen is, and counts as one sign as well."""
    (part,) = read_bytes("a.pdf", make_pdf("with this instru-\nment and"))
    assert part.text == "with this instru\u00adment and"
