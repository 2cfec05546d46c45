"""XML from strangers as a tree: no document type, no entities, no network; refused whole where it is broken or cut off.

expat reads 50 MB a second. What it could be made to do on request (entities that grow to gigabytes or name local files)
needs a document type, and a document that declares one is not read at all.
"""

from __future__ import annotations

import contextlib
import re
import xml.etree.ElementTree as ET  # a document with a DTD, where the dangers lie, is refused before

from harvesters.errors import PageRefused
from harvesters.http import media_type

_CONTROLS = re.compile(
    rb"[\x01-\x08\x0b\x0c\x0e-\x1f]|&#(?:0*(?:[0-8]|1[124-9]|2[0-9]|3[01])|[xX]0*(?:[0-8bcefBCEF]|1[0-9a-fA-F]));"
)
"""Control characters that XML 1.0 §2.2 forbids, raw or as a reference (tab, line feed and carriage return are fine)."""


def read_tree(body: bytes, content_type: str, place: str) -> ET.Element:
    """The document's root. Raises ``PageRefused`` naming ``place`` for HTML, a document type, broken or cut-off XML.

    The document's own encoding counts, never the one in ``content_type``, which servers get wrong. Control characters,
    which stand in abstracts now and then and carry nothing, are left out: one of them must not cost a whole page.
    """
    media = media_type(content_type)
    if media and "xml" not in media:
        words = " ".join(re.sub(rb"<[^>]*>", b" ", body[:2000]).decode("utf-8", errors="replace").split())[:120]
        raise PageRefused(f'{place}: the answer is {media}, not XML ("{words}")')
    try:
        return _parsed(body, place)
    except ET.ParseError as broken:
        whole = without_controls(body)
        if len(whole) == len(body):
            raise _refused(place, broken) from broken
    try:
        return _parsed(whole, place)
    except ET.ParseError as broken:
        raise _refused(place, broken) from broken


def without_controls(body: bytes) -> bytes:
    """The body without the control characters that XML forbids."""
    return _CONTROLS.sub(b"", body)


def _parsed(body: bytes, place: str) -> ET.Element:
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body or b"\0" in body:  # NUL: in UTF-16 the words would not be seen
        raise PageRefused(f"{place}: the XML declares a document type, or is no UTF-8; not read")
    try:
        return ET.fromstring(body)  # noqa: S314 - no DTD, see above
    except (LookupError, ValueError) as broken:  # encodings that do not exist
        raise _refused(place, broken) from broken


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
