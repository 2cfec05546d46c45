"""Texts out of files from strangers: TeX, plain text, XML, HTML, PDF, gzip and tar archives of them.

What a file is, is decided by its content first and its name second. Text is decoded as UTF-8 with
``errors="replace"`` and without newline translation, so offsets into ``TextPart.text`` are offsets into the file;
of a PDF they are offsets into the text of ``page`` (with ``\\n`` for the reader's ``\\r\\n``). Nothing is written to
disk, nothing is executed, and limits on size, members, ratio and depth (``harvesters.unpack``) hold for every file.
"""

from __future__ import annotations

import io
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from harvesters import unpack
from harvesters.pdf import MAX_PDF_BYTES, read_pages
from harvesters.records import Refusal
from harvesters.unpack import ByteStream, FullTextRefused

__all__ = [
    "READABLE_SUFFIXES",
    "FullTextRefused",
    "TextPart",
    "is_readable_name",
    "read_archive",
    "read_bytes",
    "read_file",
]

READABLE_SUFFIXES = (".txt", ".tex", ".xml", ".html", ".pdf", ".gz", ".tgz")
"""Names that are picked up when a folder is read (``.tar.gz`` ends in ``.gz``); a file named outright is always read."""

SOURCE = "fulltext"
"""The ``source`` of a refusal that comes from here."""

_TEXT_FORMATS = {
    ".tex": "tex",
    ".ltx": "tex",
    ".latex": "tex",
    ".bbl": "tex",
    ".txt": "text",
    ".md": "text",
    ".xml": "xml",
    ".nxml": "xml",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
}
_TEXT_SUFFIXES = tuple(_TEXT_FORMATS)  # an empty file of such a name is a text without a word
_CONTAINER_SUFFIXES = (".gz", ".tgz", ".tar")
MAX_PDFS = 50
"""PDFs read of one archive; one that makes the reader crash or hang (each costs up to its time-out) ends them sooner."""

_HEAD_BYTES = 1024
_FEW_NULS = 8
_TEX_SIGNS = ("\\documentclass", "\\documentstyle", "\\begin{", "\\section", "\\input", "\\magnification")
_BINARY_HEADS = (
    (b"%!PS", "is PostScript, which is not read; a PDF or the TeX source is"),
    (b"PK\x03\x04", "is a ZIP or office file, which is not read"),
    (b"\xf7\x02", "is a DVI file, which is not read"),
)


@dataclass(frozen=True, slots=True)
class TextPart:
    """One text that can be searched: a file, a member of an archive (``a.tar.gz!b.tex``), or one page of a PDF.

    ``format`` is "tex", "text", "xml", "html" or "pdf"; ``page`` counts from 1 and is given for PDF only. XML and
    HTML keep their markup: offsets count it.
    """

    name: str
    text: str
    format: str
    page: int | None = None


@dataclass(slots=True)
class _Reading:
    """What one file has given so far. ``packed`` is the outermost compressed stream, to judge ratios by.

    ``budget`` and ``pdfs`` bound what archives within archives may cost in all.
    """

    parts: list[TextPart] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    kept_bytes: int = 0
    packed: ByteStream | None = None
    budget: unpack.Budget = field(default_factory=unpack.Budget)
    pdfs: int = 0
    pdf_failed: bool = False

    def refuse(self, place: str, reason: str) -> None:
        self.refusals.append(Refusal(SOURCE, place, reason))


def is_readable_name(name: str) -> bool:
    """True for names that are picked up when a folder is read; others are counted by the caller."""
    return name.lower().endswith(READABLE_SUFFIXES)


def read_file(
    path: Path, *, name: str | None = None, on_refusal: Callable[[Refusal], None] | None = None
) -> Iterator[TextPart]:
    """Yield the texts of one file, whatever its suffix; the parts are called ``name`` (default: the path as given).

    Each member, page or file that cannot be read is handed to ``on_refusal``. Without that callback a file that gives
    no text at all raises ``FullTextRefused``.
    """
    name = str(path) if name is None else name
    reading = _Reading()
    try:
        # Opening a pipe or a device could wait for ever, so the kind is looked at first.
        if not stat.S_ISREG(path.stat().st_mode):
            raise FullTextRefused("is no regular file")
        with path.open("rb") as file:
            _read_stream(name, ByteStream(file), reading, depth=0)
    except (OSError, FullTextRefused) as error:
        reading.refuse(name, _why(error))
    yield from _deliver(reading, on_refusal)


def read_bytes(name: str, body: bytes) -> list[TextPart]:
    """The texts of one file held in memory. Raises ``FullTextRefused`` only when it gives none at all."""
    parts, refusals = read_archive(name, body)
    if not parts and refusals:
        raise FullTextRefused(_sentence(refusals))
    return parts


def read_archive(name: str, body: bytes) -> tuple[list[TextPart], list[Refusal]]:
    """The texts of one file held in memory, main file first, and everything of it that had to be refused."""
    reading = _Reading()
    try:
        _read_stream(name, ByteStream(io.BytesIO(body)), reading, depth=0)
    except (OSError, FullTextRefused) as error:
        reading.refuse(name, _why(error))
    return _in_order(reading.parts), reading.refusals


def _deliver(reading: _Reading, on_refusal: Callable[[Refusal], None] | None) -> Iterator[TextPart]:
    yield from _in_order(reading.parts)
    if on_refusal is not None:
        for refusal in reading.refusals:
            on_refusal(refusal)
    elif not reading.parts and reading.refusals:
        raise FullTextRefused(_sentence(reading.refusals))


def _sentence(refusals: list[Refusal]) -> str:
    return "; ".join(f"{refusal.place}: {refusal.reason}" for refusal in refusals[:3])


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"cannot be read ({error.strerror or type(error).__name__})"
    return str(error)


def _read_stream(name: str, stream: ByteStream, reading: _Reading, *, depth: int) -> None:
    """Read one file or member into ``reading``. Raises ``FullTextRefused`` when it as a whole cannot be read."""
    head = stream.head(_HEAD_BYTES)
    if not head and not name.lower().endswith(_TEXT_SUFFIXES):
        raise FullTextRefused("is empty")
    if unpack.is_gzip(head):
        _read_gzip(name, stream, reading, depth=depth + 1)
    elif unpack.is_tar(head):
        _read_tar(name, stream, reading, depth=depth + 1)
    elif b"%PDF-" in head:
        _read_pdf(name, stream.read_up_to(MAX_PDF_BYTES), reading)
    else:
        _read_text(name, stream, reading)


def _read_gzip(name: str, stream: ByteStream, reading: _Reading, *, depth: int) -> None:
    if depth > unpack.MAX_DEPTH:
        raise FullTextRefused(f"is packed more than {unpack.MAX_DEPTH} times over; not read")
    outermost = reading.packed is None
    if outermost:
        reading.packed = stream
    unpacked, read, refused = unpack.gunzip(stream, reading.budget), len(reading.parts), len(reading.refusals)
    try:
        _read_stream(name, unpacked, reading, depth=depth)
        if all(refusal.place != name for refusal in reading.refusals[refused:]):  # else it has said why it is not whole
            unpacked.drain()
    except unpack.BROKEN as broken:
        kept = "; what was read of it may be wrong" if len(reading.parts) > read else ""
        raise FullTextRefused(f"is a damaged or cut-off gzip file ({str(broken)[:120]}){kept}") from broken
    finally:
        if outermost:
            reading.packed = None


def _read_tar(name: str, stream: ByteStream, reading: _Reading, *, depth: int) -> None:
    """Read the text members; PDF members only where there is no text (beside TeX they are figures)."""
    if depth > unpack.MAX_DEPTH:
        raise FullTextRefused(f"is packed more than {unpack.MAX_DEPTH} times over; not read")
    before = len(reading.parts), len(reading.refusals)
    pdfs: dict[str, bytes] = {}
    for member in unpack.members(stream, reading.budget):
        place = f"{name}!{member.name}" if member.name else name
        if member.stream is None:
            reading.refuse(place, member.reason or "not read")
            continue
        try:
            _read_member(place, member.stream, reading, pdfs, depth=depth)
        except FullTextRefused as refused:
            reading.refuse(place, str(refused))
        except unpack.BROKEN:
            reading.refuse(place, "is damaged or cut off")
        if len(reading.parts) > before[0]:
            pdfs.clear()
    for place, body in pdfs.items():
        _read_pdf(place, body, reading)
    if (len(reading.parts), len(reading.refusals)) == before:
        raise FullTextRefused("holds no text and no PDF")


def _read_member(place: str, stream: ByteStream, reading: _Reading, pdfs: dict[str, bytes], *, depth: int) -> None:
    suffix = PurePosixPath(place.rpartition("!")[2]).suffix.lower()
    if suffix == ".pdf":
        body = stream.read_up_to(MAX_PDF_BYTES)
        if sum(map(len, pdfs.values())) + len(body) <= MAX_PDF_BYTES and not reading.parts:
            pdfs[place] = body
        return
    if suffix == ".gz":
        inner = PurePosixPath(place[: -len(".gz")]).suffix.lower()
        suffix = inner if _has_known_suffix(inner) else ".gz"  # fig.eps.gz is a figure, astro-ph.9501013.gz a paper
    named_text = suffix in _TEXT_FORMATS or suffix in _CONTAINER_SUFFIXES
    head = stream.head(_HEAD_BYTES)
    if not head or not (named_text or (not _has_known_suffix(suffix) and _looks_like_tex(head))):
        return
    if head.startswith(b"%PDF-"):
        raise FullTextRefused("is a PDF under another name; not read")
    _read_stream(place, stream, reading, depth=depth)


def _has_known_suffix(suffix: str) -> bool:
    """True for ``.eps``, ``.sty``, ``.bib``…; False for none and for ``.501013``, as in old arXiv names."""
    return suffix[1:].isalpha()


def _looks_like_tex(head: bytes) -> bool:
    start = head.decode("utf-8", errors="replace")
    return any(sign in start for sign in _TEX_SIGNS)


def _read_pdf(name: str, body: bytes, reading: _Reading) -> None:
    reading.pdfs += 1
    if reading.pdf_failed or reading.pdfs > MAX_PDFS:
        why = (
            "a PDF beside it broke the reader"
            if reading.pdf_failed
            else f"more than {MAX_PDFS} PDFs lie in one archive"
        )
        reading.refuse(name, f"is not read, because {why}")
        return
    pages = read_pages(body)
    reading.pdf_failed = any(page.broke_reader for page in pages)
    for page in pages:
        if page.text is not None:
            reading.parts.append(TextPart(name, page.text, "pdf", page.number))
        else:
            place = f"{name} page {page.number}" if page.number else name
            reading.refuse(place, page.reason or "cannot be read")
    texts = [page.text for page in pages if page.text is not None]
    if texts and not any(text.strip() for text in texts):
        del reading.parts[-len(texts) :]
        reading.refuse(name, "has no text on any page; it is probably a scan")


def _read_text(name: str, stream: ByteStream, reading: _Reading) -> None:
    head = stream.head(_HEAD_BYTES)
    for start, reason in _BINARY_HEADS:
        if head.startswith(start):
            raise FullTextRefused(reason)
    if _is_utf16(head):
        raise FullTextRefused("is UTF-16 text, which is not read; save it as UTF-8")
    # A few NULs in a manuscript are an accident; one in fifty bytes, or in three of a short one, is not text.
    if head.count(0) > max(_FEW_NULS, len(head) // 50) or head.count(0) * 3 > len(head):
        raise FullTextRefused("holds binary data, not text")
    if name.lower().removesuffix(".gz").endswith(".pdf") and not _looks_like_tex(head):
        # What comes under this name and is no PDF is a page that asks to sign in, or a note that there is none.
        raise FullTextRefused("is no PDF, whatever its name says")
    packed_before = reading.packed.passed if reading.packed else 0
    body = stream.read_up_to(unpack.MAX_TEXT_BYTES)
    if reading.packed is not None and len(body) > unpack.RATIO_FLOOR_BYTES:
        packed = max(1, reading.packed.passed - packed_before)
        if len(body) / packed > unpack.MAX_RATIO:
            raise FullTextRefused(f"unpacks to more than {unpack.MAX_RATIO} times its size; no text does; not read")
    if reading.kept_bytes + len(body) > unpack.MAX_KEPT_BYTES:
        raise FullTextRefused(f"would make the text of this archive larger than {unpack.MAX_KEPT_BYTES // 1024**2} MB")
    reading.kept_bytes += len(body)
    reading.parts.append(TextPart(name, body.decode("utf-8", errors="replace"), _format(name, head)))


def _is_utf16(head: bytes) -> bool:
    """True where NUL is most of one half of the bytes (every other one) and little of the other half."""
    shares = sorted(half.count(0) / max(1, len(half)) for half in (head[0::2], head[1::2]))
    return len(head) >= 4 and shares[0] < 0.1 and shares[1] > 0.6


def _format(name: str, head: bytes) -> str:
    plain = name.lower().removesuffix(".gz")
    suffix = PurePosixPath(plain.rpartition("!")[2]).suffix
    if suffix in _TEXT_FORMATS:
        return _TEXT_FORMATS[suffix]
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "html"
    if start.startswith(b"<?xml"):
        return "xml"
    return "tex" if _looks_like_tex(head) else "text"


def _in_order(parts: list[TextPart]) -> list[TextPart]:
    """Main file first, then by name, reference lists last; pages of one file keep their order."""
    if len(parts) < 2 or parts[0].format == "pdf":
        return parts
    return sorted(parts, key=_rank)


def _rank(part: TextPart) -> tuple[int, str]:
    if part.name.lower().endswith(".bbl"):
        return 2, part.name
    is_main = "\\documentclass" in part.text or "\\documentstyle" in part.text
    return (0 if is_main else 1), part.name
