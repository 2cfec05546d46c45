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
from typing import Any

import pypdfium2

MAX_PAGES = 1_500
"""Pages read of one file; the longest theses stay below 600."""

MAX_TEXT_CHARS = 16_000_000
"""Characters of one file; a page of a paper has about 6,000."""

MAX_MEMORY_BYTES = 3 * 1024**3
"""Address space of this process, most of it never used; a PDF that asks for more ends the worker."""


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
            return str(text_page.get_text_range()).replace("\r\n", "\n").replace("\r", "\n")
        finally:
            text_page.close()
    finally:
        page.close()


if __name__ == "__main__":
    main()
