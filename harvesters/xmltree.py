"""XML from strangers as a tree: no document type, no entities, no network; refused whole where it is broken or cut off.

expat reads 50 MB a second. What it could be made to do on request (entities that grow to gigabytes or name local files)
needs a document type, and a document that declares one is not read at all.
"""

from __future__ import annotations

import contextlib
import re
import sys
import xml.etree.ElementTree as ET  # a document with a DTD, where the dangers lie, is refused before
from html.entities import html5

from harvesters.errors import PageRefused
from harvesters.http import media_type

_CONTROLS = re.compile(rb"[\0-\x08\x0b\x0c\x0e-\x1f]")
"""Control characters that XML 1.0 §2.2 forbids (tab, line feed and carriage return are fine)."""
_HALVES = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]|\xef\xbf[\xbe\xbf]")
"""Halves of a character, and the two that are none, in UTF-8."""
_REFERENCES = re.compile(rb"(?:&#(?:[xX][0-9a-fA-F]+|[0-9]+);)+")
_NAMES = re.compile(rb"&([A-Za-z][A-Za-z0-9]{0,31});")
_KNOWN_NAMES = (b"amp", b"lt", b"gt", b"quot", b"apos")
_REPLACED = 0xFFFD
DEEPEST = 100
"""Elements within elements; real answers have some ten. Reading the text of each would take the square of the depth."""
_UTF16 = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")


def read_tree(body: bytes, content_type: str, place: str) -> ET.Element:
    """The document's root. Raises ``PageRefused`` naming ``place`` for HTML, a document type, broken or cut-off XML.

    The document's own encoding counts, never the one in ``content_type``, which servers get wrong. Characters that XML
    forbids, and names that only HTML knows, are ``repaired``: one of them must not cost a whole page.
    """
    return read_repaired(body, content_type, place)[0]


def read_repaired(body: bytes, content_type: str, place: str) -> tuple[ET.Element, bytes]:
    """As ``read_tree``, with the bytes that could be read: those given, or ``repaired``."""
    media = media_type(content_type)
    if media and "xml" not in media:
        words = " ".join(re.sub(rb"<[^>]*>", b" ", body[:2000]).decode("utf-8", errors="replace").split())[:120]
        raise PageRefused(f'{place}: the answer is {media}, not XML ("{words}")')
    if b"\0" in body and not body.startswith(_UTF16):
        body = _CONTROLS.sub(b"", body)
    try:
        return _parsed(body, place), body
    except ET.ParseError as broken:
        whole = repaired(body)
        if whole == body:
            raise _refused(place, broken) from broken
    try:
        return _parsed(whole, place), whole
    except ET.ParseError as broken:
        raise _refused(place, broken) from broken


def repaired(body: bytes) -> bytes:
    """The body with every character as XML allows it, raw or as a reference: the words around a bad one can be read.

    Control characters carry nothing and are left out; two references that are halves of one character become it, other
    halves and numbers without a character U+FFFD; HTML's names become numbers, unknown ones plain text.
    """
    body = _CONTROLS.sub(b"", body)
    body = _HALVES.sub(b"\xef\xbf\xbd", body)
    body = _REFERENCES.sub(_legal_references, body)
    return _NAMES.sub(_legal_name, body)


def _legal_references(found: re.Match[bytes]) -> bytes:
    legal: list[bytes] = []
    high = None
    for written in found[0][2:-1].split(b";&#"):
        number = _number(written)
        if high is not None and 0xDC00 <= number <= 0xDFFF:
            legal[-1] = b"&#%d;" % (0x10000 + (high - 0xD800 << 10) + (number - 0xDC00))
            high = None
            continue
        high = number if 0xD800 <= number <= 0xDBFF else None
        if 0xD800 <= number <= 0xDFFF or number in (0xFFFE, _REPLACED, 0xFFFF) or number > sys.maxunicode:
            legal.append(b"&#%d;" % _REPLACED)
        elif number >= 0x20 or number in (9, 10, 13):
            legal.append(b"&#%s;" % written)
    return b"".join(legal)


def _number(written: bytes) -> int:
    base, digits = (16, written[1:]) if written[:1] in b"xX" else (10, written)
    digits = digits.lstrip(b"0") or b"0"
    return int(digits, base) if len(digits) < 9 else _REPLACED


def _legal_name(found: re.Match[bytes]) -> bytes:
    if found[1] in _KNOWN_NAMES:
        return found[0]
    meant = html5.get(f"{found[1].decode()};")
    return b"".join(b"&#%d;" % ord(sign) for sign in meant) if meant else b"&amp;%s;" % found[1]


def _parsed(body: bytes, place: str) -> ET.Element:
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body or b"\0" in body:  # NUL: in UTF-16 the words would not be seen
        raise PageRefused(f"{place}: the XML declares a document type, or is no UTF-8; not read")
    try:
        root = ET.fromstring(body)  # noqa: S314 - no DTD, see above
    except (LookupError, ValueError) as broken:  # encodings that do not exist
        raise _refused(place, broken) from broken
    level = [root]
    for _ in range(DEEPEST):
        level = [child for element in level for child in element]
    if level:
        raise PageRefused(f"{place}: the XML has elements within elements, more than {DEEPEST} deep; not read")
    return root


def _refused(place: str, broken: Exception) -> PageRefused:
    return PageRefused(f"{place}: the XML is broken or cut off ({broken})")


def words_of(element: ET.Element | None) -> str | None:
    """All text within an element on one line; None where there is none. Titles come broken over several lines.

    Text in UTF-8 that somebody took for Latin-1 and encoded once more ("Î±" for "α") is put right, as feedparser does.
    """
    if element is None:
        return None
    text = element.text if len(element) == 0 else "".join(element.itertext())
    if not text:
        return None
    if not text.isascii():
        with contextlib.suppress(UnicodeError):  # honest text fails one of the two steps
            text = text.encode("latin-1").decode("utf-8")
    return " ".join(text.split()) or None
