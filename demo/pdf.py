"""Write small text PDFs with nothing but the standard library: A4, Helvetica, as many pages as the lines need.

Enough of PDF 1.4 (ISO 32000-1, 7.5 and 9) for every reader: a page tree, one standard font in WinAnsi encoding, one
compressed content stream a page, a cross-reference table. Characters outside WinAnsi are written as ``?``, zero-width
spaces not at all.
"""

from __future__ import annotations

import zlib

LINES_PER_PAGE = 48
_LEADING = 14
_TOP = 780
_LEFT = 64


def write_pdf(lines: list[str]) -> bytes:
    """Return a PDF that shows ``lines`` from top to bottom, ``LINES_PER_PAGE`` on a page."""
    pages = [lines[i : i + LINES_PER_PAGE] for i in range(0, len(lines), LINES_PER_PAGE)] or [[]]
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", _FONT]
    numbers: list[int] = []
    for page in pages:
        stream = zlib.compress(_content(page), 9)
        objects.append(b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(stream), stream))
        objects.append(_PAGE % len(objects))
        numbers.append(len(objects))
    kids = b" ".join(b"%d 0 R" % number for number in numbers)
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(numbers))
    return _assemble(objects)


_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
_PAGE = (
    b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>"
)


def _content(lines: list[str]) -> bytes:
    parts = [b"BT /F1 10 Tf %d TL %d %d Td" % (_LEADING, _LEFT, _TOP)]
    for line in lines:
        text = line.replace("\u200b", "").encode("cp1252", "replace")
        for special in (b"\\", b"(", b")"):
            text = text.replace(special, b"\\" + special)
        parts.append(b"(%s) Tj T*" % text)
    parts.append(b"ET")
    return b"\n".join(parts)


def _assemble(objects: list[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places: list[int] = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for place in places:
        out += b"%010d 00000 n \n" % place
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)
