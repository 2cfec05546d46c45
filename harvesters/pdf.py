"""PDF to text, one text per page, in a worker process that may crash or hang without taking the run down.

The worker is started at the first PDF and kept (0.15 s once instead of per file); after a crash or a time-out the
next PDF starts a new one.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

MAX_PDF_BYTES = 200 * 1024**2
"""Bytes of one PDF; papers full of figures reach some tens of megabytes."""

PDF_TIMEOUT_S = 60.0
"""Seconds one PDF may take; pdfium reads some hundred pages a second."""

_WORKER = Path(__file__).with_name("pdf_worker.py")


@dataclass(frozen=True, slots=True)
class PdfPage:
    """The text of one page (1 = first), or why that page cannot be read; ``number`` 0 speaks of the whole file.

    ``broke_reader``: the file made the worker crash or was given up; the next such file would cost as much.
    """

    number: int
    text: str | None
    reason: str | None = None
    broke_reader: bool = False


class PdfReader:
    """Reads PDF files one at a time through one worker process; safe to share between threads."""

    def __init__(self, *, timeout_s: float = PDF_TIMEOUT_S, worker: Path = _WORKER) -> None:
        self._timeout_s = timeout_s
        self._worker = worker
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._lock = threading.Lock()

    def read(self, body: bytes) -> list[PdfPage]:
        """The pages in order; pages read before a crash are kept, and a last entry with number 0 says what happened."""
        with self._lock:
            process = self._running()
            late = threading.Event()
            timer = threading.Timer(self._timeout_s, _give_up, (process, late))
            timer.start()
            try:
                pages, finished = _ask(process, body)
            finally:
                timer.cancel()
            if finished:
                return pages
            self.close()
        what = f"takes longer than {self._timeout_s:g} s" if late.is_set() else "makes the PDF reader crash"
        return [*pages, PdfPage(0, None, f"{what}; the pages read before that are kept", broke_reader=True)]

    def close(self) -> None:
        """End the worker process, if there is one."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            _close_quietly(pipe)

    def _running(self) -> subprocess.Popen[bytes]:
        # A worker started before a fork belongs to the parent: two processes talking over one pipe mix their answers.
        if self._process is not None and self._owner == os.getpid() and self._process.poll() is None:
            return self._process
        self.close()
        # -P keeps this package's folder off the worker's path, where http.py would hide the standard library's http.
        self._process = subprocess.Popen(  # noqa: S603 - our own file, no argument from outside
            [sys.executable, "-P", str(self._worker)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._owner = os.getpid()
        return self._process


def _give_up(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    process.kill()


def _close_quietly(pipe: IO[bytes] | None) -> None:
    try:
        if pipe is not None:
            pipe.close()
    except OSError:
        return  # closing flushes what a dead worker never took


def _ask(process: subprocess.Popen[bytes], body: bytes) -> tuple[list[PdfPage], bool]:
    pages: list[PdfPage] = []
    try:
        stdin = cast("IO[bytes]", process.stdin)
        stdin.write(json.dumps({"size": len(body)}).encode() + b"\n")
        stdin.write(body)
        stdin.flush()
        for answer in _lines(cast("IO[bytes]", process.stdout)):
            if "page" in answer:
                pages.append(PdfPage(answer["page"], answer.get("text"), answer.get("error")))
                continue
            if "error" in answer:
                pages.append(PdfPage(0, None, answer["error"]))
            return pages, True
    except OSError:
        return pages, False
    return pages, False


def _lines(stream: IO[bytes]) -> Iterator[dict[str, Any]]:
    for line in stream:
        if line.endswith(b"\n"):
            yield json.loads(line)


_shared = PdfReader()
atexit.register(_shared.close)


def read_pages(body: bytes) -> list[PdfPage]:
    """The pages of a PDF in order, each with its text or the reason why it has none."""
    if len(body) > MAX_PDF_BYTES:
        return [PdfPage(0, None, f"is larger than {MAX_PDF_BYTES // 1024**2} MB; not read")]
    return _shared.read(body)
