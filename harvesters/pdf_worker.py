"""Reads PDF files for ``harvesters.pdf`` in a process of its own; run by path, never imported by the application.

PDF files come from strangers and the reader is native code: a crash, a hang or a memory bomb must end this process and
not the run. Protocol: the parent writes ``{"size": N}`` and N bytes; this process answers JSON lines
``{"page": 1, "text": "…"}`` or ``{"page": 1, "error": "…"}`` and at last ``{"end": true}`` or ``{"error": "…"}``.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pypdfium2

MAX_PAGES = 1_500
"""Pages read of one file; the longest theses stay below 600."""

MAX_TEXT_CHARS = 16_000_000
"""Characters of one file; a page of a paper has about 6,000."""

MAX_MEMORY_BYTES = 3 * 1024**3
"""Address space of this process, most of it never used; a PDF that asks for more ends the worker."""


_FEWEST_RECTS, _MOST_RECTS = 10, 3_000
"""Pieces of text in one font on one line: fewer make no columns, more are a figure."""

_GUTTER_PT = 8.0
"""The narrowest gap between columns, in points; journals have 12 to 24, and no word stands so far from the next."""

_FEWEST_JUMPS, _MOST_WIDE = 5, 60
"""Lines that must jump over a gutter, and pieces that may cross it (a title, a footnote, a wide table)."""

Rect = tuple[float, float, float, float]
"""Left, bottom, right, top, in points from the page's lower left corner."""


def main() -> None:
    """Answer requests until the input ends."""
    _limit_memory()
    requests, answers = sys.stdin.buffer, sys.stdout
    while line := requests.readline():
        size = json.loads(line)["size"]
        for answer in _answers(requests.read(size)):
            answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))


def _answers(body: bytes) -> Iterator[dict[str, Any]]:
    try:
        document = pypdfium2.PdfDocument(body)
    except pypdfium2.PdfiumError as broken:
        locked = "password" in str(broken).lower() or "security" in str(broken).lower()
        yield {"error": "is locked with a password" if locked else "is no PDF or a broken one"}
        return
    try:
        yield from _page_answers(document)
    finally:
        document.close()


def _page_answers(document: pypdfium2.PdfDocument) -> Iterator[dict[str, Any]]:
    left = MAX_TEXT_CHARS
    for index in range(min(len(document), MAX_PAGES)):
        try:
            text = _page_text(document, index)
        except (pypdfium2.PdfiumError, MemoryError, AssertionError, ValueError) as broken:
            yield {"page": index + 1, "error": f"cannot be read ({type(broken).__name__})"}
            continue
        left -= len(text)
        if left < 0:
            yield {"error": f"holds more than {MAX_TEXT_CHARS} characters; the rest was not read"}
            return
        yield {"page": index + 1, "text": text}
    if len(document) > MAX_PAGES:
        yield {"error": f"has more than {MAX_PAGES} pages; the rest was not read"}
    elif not len(document):
        yield {"error": "has no pages"}
    else:
        yield {"end": True}


def _page_text(document: pypdfium2.PdfDocument, index: int) -> str:
    page = document[index]
    try:
        text_page = page.get_textpage()
        try:
            text = None
            with contextlib.suppress(pypdfium2.PdfiumError, ValueError, OverflowError):
                text = _in_columns(text_page)
            text = text or str(text_page.get_text_range())
            # U+0002 and U+FFFE stand for hyphens at line ends; no page and no XML shows either, all show a soft hyphen.
            return text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufffe", "\u00ad").replace("\x02", "\u00ad")
        finally:
            text_page.close()
    finally:
        page.close()


def _in_columns(text_page: Any) -> str | None:
    """The text of a page whose two columns are drawn line by line across both, column by column; None for other pages.

    TeX draws one column after the other. Some scanners and word processors do not, and a code broken over two lines would
    have half of another line in it. Lines that cross the gutter (titles, wide tables) stay whole, in their place. If
    any sign were lost by that, the page is left as it is.
    """
    count = text_page.count_rects()
    if not _FEWEST_RECTS <= count <= _MOST_RECTS:
        return None
    rects = [text_page.get_rect(number) for number in range(count)]
    gutter = _gutter(rects)
    if gutter is None:
        return None
    left, right = min(r[0] for r in rects) - 1, max(r[2] for r in rects) + 1
    parts: list[str] = []
    for bottom, top, is_wide in _bands(rects, gutter):
        for start, end in ((left, right),) if is_wide else ((left, gutter), (gutter, right)):
            parts.append(str(text_page.get_text_bounded(start, bottom, end, top)).strip())
    text = "\n".join(part for part in parts if part)
    whole = str(text_page.get_text_range())
    return text if sorted("".join(text.split())) == sorted("".join(whole.split())) else None


def _gutter(rects: list[Rect]) -> float | None:
    """Where the gap between two columns lies, if the text jumps over it in most lines; rects are in the text's order."""
    jumps = [
        (one[2], other[0])
        for one, other in pairwise(rects)
        if other[0] - one[2] >= _GUTTER_PT and min(one[3], other[3]) - max(one[1], other[1]) > 0.5 * (one[3] - one[1])
    ]
    if len(jumps) < _FEWEST_JUMPS:
        return None
    middle = sorted((end + start) / 2 for end, start in jumps)[len(jumps) // 2]
    over = sum(end < middle < start for end, start in jumps)
    across = sum(rect[0] < middle < rect[2] for rect in rects)
    is_gutter = over >= _FEWEST_JUMPS and over > len(jumps) / 2 and across < min(over / 2, _MOST_WIDE)
    return middle if is_gutter else None


def _bands(rects: list[Rect], gutter: float) -> list[tuple[float, float, bool]]:
    """(bottom, top, whether it is wide) of the strips of a page from its top: lines over the gutter, and what is between."""
    wide = sorted(((r[1], r[3]) for r in rects if r[0] < gutter < r[2]), reverse=True)
    lowest, at = min(r[1] for r in rects) - 1, max(r[3] for r in rects) + 1
    bands: list[tuple[float, float, bool]] = []
    for bottom, top in wide:
        if top < at:
            bands.append((top, at, False))
        bands.append((bottom, min(top, at), True))
        at = min(at, bottom)
    return [*bands, (lowest, at, False)]


if __name__ == "__main__":
    main()
