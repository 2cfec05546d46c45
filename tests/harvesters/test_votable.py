"""What reading a stranger's VOTable promises: the rows as text, or a refused page; never another address, file or end."""

from __future__ import annotations

import base64
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harvesters.errors import PageRefused
from harvesters.votable import TooLong, facts_of, read_votable
from tests.harvesters import test_tap

TEXT = '<FIELD name="code" datatype="char" arraysize="*"/>'
NUMBER = '<FIELD name="t" datatype="double"/>'


def table(fields: str, data: str, *, attributes: str = "", status: str = "OK", before: str = "") -> bytes:
    """A VOTable of these fields and this content of DATA."""
    return (
        f'<?xml version="1.0"?>{before}<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        f'<RESOURCE type="results"><INFO name="QUERY_STATUS" value="{status}"/><TABLE{attributes}>{fields}'
        f"<DATA>{data}</DATA></TABLE></RESOURCE></VOTABLE>"
    ).encode()


def cells(*rows: tuple[str, ...]) -> str:
    """The rows as TABLEDATA."""
    written = "".join("<TR>" + "".join(f"<TD>{cell}</TD>" for cell in row) + "</TR>" for row in rows)
    return f"<TABLEDATA>{written}</TABLEDATA>"


def read(body: bytes, most_rows: int = 1000) -> list[tuple[str | None, ...]]:
    """The rows."""
    return list(read_votable(body, "page", most_rows=most_rows).rows)


def binary(kind: str, packed: bytes) -> str:
    """Packed rows as a BINARY or BINARY2 stream."""
    return f'<{kind}><STREAM encoding="base64">{base64.b64encode(packed).decode()}</STREAM></{kind}>'


def test_cells_are_text_and_what_is_nothing_is_none() -> None:
    """NaN and empty numbers are no values; infinity and text stay for the reader to judge."""
    body = table(TEXT + NUMBER, cells(("A", "1.5"), ("B", "NaN"), ("C", ""), ("D", "+Inf")))
    assert read(body) == [("A", "1.5"), ("B", None), ("C", None), ("D", "inf")]


def test_all_three_serialisations_say_the_same() -> None:
    """BINARY and BINARY2, with lengths such as "8*" and "4", read like TABLEDATA."""
    fields = (
        '<FIELD name="code" datatype="char" arraysize="8*"/><FIELD name="u" datatype="char" arraysize="4"/>' + NUMBER
    )
    packed = struct.pack(">I3s4sd", 3, b"ABC", b"unit", 2.5)
    expected = [("ABC", "unit", "2.5")]
    assert read(table(fields, cells(("ABC", "unit", "2.5")))) == expected
    assert read(table(fields, binary("BINARY", packed))) == expected
    assert read(table(fields, binary("BINARY2", b"\x00" + packed))) == expected


def test_lengths_cost_no_memory() -> None:
    """A text field of at most four million characters holds what it holds; a fixed one of that size too, in XML."""
    for size in ("4000000*", "4000000"):
        field = TEXT.replace('"*"', f'"{size}"')
        assert read(table(field, cells(*[("A",)] * 900)))[0] == ("A",)


def test_signs_that_no_database_holds_are_replaced() -> None:
    """NUL bytes and lone surrogates of binary text become the replacement character."""
    field = TEXT.replace("char", "unicodeChar")
    packed = struct.pack(">I8s", 4, b"\x00A\x00\x00\x00B\x00\x01")
    assert "\x00" not in str(read(table(field, binary("BINARY", packed)))[0][0])


SECRET = "a file of this machine"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (table(TEXT, cells(*[("A",)] * 11)), "more rows than the 10"),
        (table(TEXT, cells(("A",)), attributes=' nrows="4000000000"'), "says that it has 4000000000 rows"),
        (table(TEXT, cells(("A",)), attributes=' nrows="-1"'), "says that it has -1 rows"),
        (table(NUMBER.replace("/>", ' arraysize="99999999"/>'), cells(("1",))), "would need more than"),
        (table(TEXT.replace('"*"', '"9999999"'), binary("BINARY2", b"x")), "would need more than"),
        (table(NUMBER.replace("/>", ' arraysize="many"/>'), cells(("1",))), "has the size 'many'"),
        (table(TEXT.replace('"*"', '"0"'), binary("BINARY", b"")), "never ends"),
        (table("", binary("BINARY", b"")), "without fields"),
        (table(TEXT, binary("BINARY", b"").replace(">", ' href="file:///etc/hostname">', 2)), "at another address"),
        (table(TEXT, '<BINARY><STREAM encoding="gzip">H4sI</STREAM></BINARY>'), "not in base64"),
        (table(TEXT, '<BINARY2><STREAM encoding="base64">AAAAA!!</STREAM></BINARY2>'), "no base64"),
        (table(TEXT, '<FITS><STREAM href="http://127.0.0.1:1/x"/></FITS>'), "packed as FITS"),
        (table(TEXT, '<PARQUET type="VOTable-remote-file"/>'), "packed as PARQUET"),
        (table(TEXT, cells(("A",))).replace(b"</TABLE>", b"</TABLE><TABLE></TABLE>"), "more than one table"),
        (table(TEXT, cells(("A",)), before='<!DOCTYPE x [<!ENTITY a "b">]>'), "declares entities"),
        (table(TEXT, "<TABLEDATA>" + "<G>" * 100), "nested deeper"),
        (table(TEXT, cells(("A", "B"))), "broken or cut off"),
        (table(TEXT, cells(("A",)))[:-12], "broken or cut off"),
        (table(TEXT, cells(("A",))).replace(b'"1.0"?>', b'"1.0" encoding="ebcdic"?>'), "broken or cut off"),
        (b"<html><script>var a=1</script><h1>Log in</h1><VOTABL></html>", r'no VOTable \("Log in"\)'),
        (b"", "no VOTable"),
    ],
)
def test_tables_that_are_traps_are_refused(body: bytes, reason: str) -> None:
    """Too many rows, too much memory, other addresses and files, endless and broken ones: a sentence that names it."""
    with pytest.raises(PageRefused, match=reason):
        read(body, most_rows=10)


def test_entities_that_grow_are_not_read() -> None:
    """A billion laughs is refused before it is read, in UTF-8 and, being no VOTable we can see, in UTF-16."""
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    body = table(TEXT, cells(("&l9;",)), before=f'<!DOCTYPE x [<!ENTITY l0 "ha">{levels}]>')
    for bomb in (body, body.decode().encode("utf-16")):
        with pytest.raises(PageRefused, match=r"declares entities|no VOTable"):
            read(bomb)


def test_a_file_of_this_machine_stays_here(tmp_path: Path) -> None:
    """A table whose data are said to lie in a local file gives nothing of it."""
    secret = tmp_path / "secret"
    secret.write_bytes(base64.b64encode(SECRET.encode()))
    stream = f'<BINARY><STREAM href="{secret.as_uri()}" encoding="base64"/></BINARY>'
    with pytest.raises(PageRefused) as refused:
        read(table(TEXT, stream))
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("told", ["Query timed out", "exceeds the execution duration", "too many rows, use async"])
def test_what_takes_too_long_is_told_apart(told: str) -> None:
    """The service's words for "not while you wait" are recognised; other refusals are not taken for it."""
    with pytest.raises(TooLong):
        read(test_tap.votable([], "ERROR", told))
    with pytest.raises(PageRefused) as other:
        read(test_tap.votable([], "ERROR", "unknown column"))
    assert not isinstance(other.value, TooLong)


def test_the_last_word_of_an_answer_counts() -> None:
    """A service may begin with "OK" and run out of time or room while it writes (DALI 1.1, 4.4)."""
    body = table(TEXT, cells(("A",)))
    late = body.replace(b"</TABLE>", b'</TABLE><INFO name="QUERY_STATUS" value="ERROR">timed out while writing</INFO>')
    with pytest.raises(TooLong, match="while writing"):
        read(late)
    full = body.replace(b"</TABLE>", b'</TABLE><INFO name="QUERY_STATUS" value="OVERFLOW"/>')
    assert read_votable(full, "page", most_rows=10).is_cut


def test_columns_are_there_once() -> None:
    """A missing column and one that stands twice are named; columns nobody asked for are left alone."""
    assert facts_of(("a", "x"), {"a": "code"}, "page") == ["code", None]
    with pytest.raises(PageRefused, match="lacks the columns for code"):
        facts_of(("x",), {"a": "code"}, "page")
    with pytest.raises(PageRefused, match="columns for code twice"):
        facts_of(("a", "a"), {"a": "code"}, "page")


HONEST = (
    table(TEXT + NUMBER, cells(("A", "1"), ("B", "2"))),
    table(TEXT + NUMBER, binary("BINARY", struct.pack(">I1sd", 1, b"A", 2.0) * 3)),
    table(
        TEXT + NUMBER, binary("BINARY2", (b"\x00" + struct.pack(">I1sd", 1, b"A", 2.0)) * 3), attributes=' nrows="3"'
    ),
)
ATTACKS = (
    *(b'<FIELD name="z" datatype="%s" arraysize="%s"/>' % (kind, size) for kind in (b"bit", b"short", b"floatComplex",
      b"unicodeChar", b"unsignedByte", b"nonsense") for size in (b"*", b"2x3*", b"0", b"-1", b"7", b"1x1x1", b"")),
    b'<STREAM href="file:///etc/hostname"/>', b"<TD/>", b"<TR>", b"</TR>", b"<TABLE ref='x'>", b"<GROUP>", b"&#0;",
    b'<VALUES null="x"/>', b'<PARAM name="p" datatype="int" value="x"/>', b"<![CDATA[", b"]]>", b"<!--", b"\xff\xfe", b'"',
)  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(HONEST), st.lists(st.tuples(st.integers(0, 2000), st.sampled_from(ATTACKS)), max_size=4), st.data()
)
def test_no_bytes_raise_anything_but_a_refusal(
    body: bytes, inserted: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    """Honest tables with pieces of attacks put in, bytes changed and ends cut are read or refused."""
    for place, piece in inserted:
        at = place % (len(body) + 1)
        body = body[:at] + piece + body[at:]
    at = data.draw(st.integers(0, len(body)))
    body = body[:at] + data.draw(st.binary(max_size=3)) + body[at + data.draw(st.integers(0, 9)) :]
    try:
        rows = read(body)
    except PageRefused as refused:
        assert str(refused).startswith("page: ")  # noqa: PT017
    else:
        assert all(cell is None or isinstance(cell, str) for row in rows for cell in row)
