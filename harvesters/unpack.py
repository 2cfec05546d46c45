"""Opens gzip and tar streams from strangers in bounded memory and time; nothing is ever written to disk.

All limits are constants with their reason. A limit that is reached refuses the member (or the rest of the archive),
never what was read before.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO, Protocol, Self, cast

from harvesters.errors import HarvestError

MAX_WALKED_BYTES = 2 * 1024**3
"""Unpacked bytes passed over in one file, whatever lies packed within it. Skipping costs time, not memory: 2 GiB take about six seconds of inflating (measured),
and a source with one absurd member (a gigabyte of zeros) still gives its text."""

MAX_TEXT_BYTES = 32 * 1024**2
"""Bytes of one text. The longest manuscripts with all their tables stay below 10 MB."""

MAX_KEPT_BYTES = 96 * 1024**2
"""Bytes of text kept of one archive; an e-print is refused by arXiv itself above 50 MB."""

MAX_MEMBERS = 5_000
"""Members of one archive. Sources with many figure panels reach some hundreds."""

MAX_RATIO = 250
"""Unpacked to packed bytes of one text. Prose packs 3 to 5 times, long machine-made tables up to about 40 times."""

RATIO_FLOOR_BYTES = 1024**2
"""Below this size the ratio is not looked at: packed input is read 8 kB at a time, so small members cannot be judged."""

MAX_DEPTH = 4
"""Containers within containers: ``a.tar.gz`` that holds ``b.tex.gz`` is three deep."""

HEADER_ALLOWANCE_BYTES = 1024**2
"""What the headers between two members may take; a hostile long-name or pax header would otherwise fill the memory."""

BROKEN = (tarfile.TarError, EOFError, zlib.error, OSError, ValueError, OverflowError)
"""What the standard library raises on damaged archives, found by feeding it damaged ones."""

_CHUNK_BYTES = 64 * 1024
_GZIP = b"\x1f\x8b\x08"


class FullTextRefused(HarvestError):
    """This file (or this member of an archive) cannot be read; the message says which and why."""


class Readable(Protocol):
    """Anything that gives bytes in order."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes, none at the end."""


@dataclass(slots=True)
class Budget:
    """How many bytes may still be unpacked of one file, and members looked at, all archives within archives together."""

    left: int = field(default_factory=lambda: MAX_WALKED_BYTES)
    members: int = field(default_factory=lambda: 4 * MAX_MEMBERS)


class ByteStream:
    """Bytes in order with a look ahead, a count, and an allowance that nobody reads beyond.

    ``passed`` counts the bytes given out. ``allow(n)`` sets how many more may be read before ``FullTextRefused``. What
    a stream with a ``budget`` unpacks is taken from it.
    """

    def __init__(self, source: Readable, *, limit: int = MAX_WALKED_BYTES, budget: Budget | None = None) -> None:
        self._source = source
        self._budget = budget
        self._head = b""
        self._limit = limit
        self._allowed_to = limit
        self.passed = 0

    def head(self, size: int) -> bytes:
        """The next ``size`` bytes (fewer at the end), without taking them."""
        while len(self._head) < size:
            more = self._take(size - len(self._head))
            if not more:
                break
            self._head += more
        return self._head[:size]

    def allow(self, size: int) -> None:
        """From here on at most ``size`` more bytes may be read (never beyond the limit of the whole stream)."""
        self._allowed_to = min(self._limit, self.passed + size)

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes (64 kB when not said). Raises ``FullTextRefused`` beyond the allowance."""
        size = _CHUNK_BYTES if size < 0 else size
        if self._head:
            chunk, self._head = self._head[:size], self._head[size:]
        else:
            chunk = self._take(size)
        self.passed += len(chunk)
        if self.passed > self._allowed_to:
            if self._allowed_to < self._limit:
                raise FullTextRefused("its headers are larger than any honest archive's")
            raise FullTextRefused(f"unpacks to more than {self._limit // 1024**2} MB; the rest was not read")
        return chunk

    def _take(self, size: int) -> bytes:
        chunk = self._source.read(size)
        if self._budget is not None:
            self._budget.left -= len(chunk)
            if self._budget.left < 0:
                raise FullTextRefused("makes the whole file unpack to more than is read of one file; not read")
        return chunk

    def drain(self) -> None:
        """Read and forget all that is left. Of a packed stream this checks its sum, which stands behind everything.

        Bytes behind a gzip file that are none are passed over, as gzip itself does; other damage raises ``BROKEN``.
        """
        self._allowed_to = self._limit
        try:
            while self.read(_CHUNK_BYTES):
                pass
        except gzip.BadGzipFile as broken:
            if not str(broken).startswith("Not a gzipped file"):
                raise

    def read_up_to(self, size: int) -> bytes:
        """Everything that is left, if that is at most ``size`` bytes; else raises ``FullTextRefused``."""
        chunks: list[bytes] = []
        total = 0
        while chunk := self.read(_CHUNK_BYTES):
            total += len(chunk)
            if total > size:
                raise FullTextRefused(f"is larger than {size // 1024**2} MB, the most that is read as one text")
            chunks.append(chunk)
        return b"".join(chunks)


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an archive: its name, and either its bytes (``stream``) or why it is refused."""

    name: str
    stream: ByteStream | None
    reason: str | None = None


class _StrictHeader(tarfile.TarInfo):
    """A tar header that is right or an error; the library takes a damaged one in the middle for a quiet end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read one header block. Raises ``tarfile.ReadError`` where it is damaged or cut off."""
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as broken:
            if any(buf):
                raise tarfile.ReadError(str(broken)) from broken
            raise  # nothing or a block of zeros: the honest end


def is_gzip(head: bytes) -> bool:
    """True when the bytes start like a gzip file (RFC 1952), or like one cut off after a byte or two."""
    return head[:3] == _GZIP or (0 < len(head) < len(_GZIP) and _GZIP.startswith(head))


def is_tar(head: bytes) -> bool:
    """True when the first block is a tar header whose check sum holds (old tar files have no magic word)."""
    if len(head) < tarfile.BLOCKSIZE:
        return False
    try:
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "replace")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def gunzip(stream: ByteStream, budget: Budget | None = None) -> ByteStream:
    """The unpacked bytes of a gzip stream, unpacked as they are read and taken from ``budget``."""
    return ByteStream(gzip.GzipFile(fileobj=cast("IO[bytes]", stream), mode="rb"), budget=budget)


def members(stream: ByteStream, budget: Budget | None = None) -> Iterator[Member]:
    """The members of a tar stream in order; folders are passed over in silence.

    A member that points outside, is a link, a device or a sparse file is yielded with its reason; so is, as the last
    one, an archive that is damaged, cut off or too large. A yielded stream is to be read before the next is asked for.
    """
    count = 0
    budget = budget or Budget()
    try:
        stream.allow(HEADER_ALLOWANCE_BYTES)
        with tarfile.open(
            fileobj=cast("IO[bytes]", stream),
            mode="r|",
            encoding="utf-8",
            errors="replace",
            tarinfo=_StrictHeader,
        ) as archive:
            while (info := archive.next()) is not None:
                count += 1
                budget.members -= 1
                if count > MAX_MEMBERS or budget.members < 0:
                    most = (
                        f"holds more than {MAX_MEMBERS} members"
                        if count > MAX_MEMBERS
                        else "is packed in too many others"
                    )
                    yield Member("", None, f"{most}; the rest was not read")
                    return
                to_its_end = info.offset_data + _padded(info.size) - stream.passed
                stream.allow(max(0, to_its_end) + HEADER_ALLOWANCE_BYTES)
                if not info.isdir():
                    yield _member(archive, info)
    except FullTextRefused as refused:
        yield Member("", None, str(refused))
    except BROKEN as broken:
        yield Member("", None, f"is damaged or cut off after {count} members ({_short(broken)}); the rest was not read")


def _member(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    name = printable(info.name)
    reason = _why_refused(info)
    if reason is not None:
        return Member(name, None, reason)
    content = archive.extractfile(info)
    if content is None:
        return Member(name, None, "has no content")
    return Member(name, ByteStream(content, limit=max(info.size, 1)))


def _why_refused(info: tarfile.TarInfo) -> str | None:
    path = PurePosixPath(info.name.replace("\\", "/"))
    if path.is_absolute() or info.name[1:2] == ":":
        return "has an absolute path; not read"
    if ".." in path.parts:
        return 'has ".." in its path; not read'
    if info.issym() or info.islnk():
        return "is a link; not followed"
    if info.issparse():
        return "is a sparse file; not read"
    if not info.isreg():
        return "is no regular file; not read"
    if info.size < 0:
        return "has a size below zero; not read"
    return None


def printable(name: str) -> str:
    """A name with control and unpaired characters shown as "?", safe to print and to store."""
    return "".join(c if c.isprintable() else "?" for c in name)


def _padded(size: int) -> int:
    return -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


def _short(error: BaseException) -> str:
    return (str(error) or type(error).__name__)[:120]
