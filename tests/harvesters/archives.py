"""Tar archives made in memory, honest and hostile."""

from __future__ import annotations

import gzip
import io
import tarfile


def make_tar(members: dict[str, bytes], *, extra: list[tarfile.TarInfo] | None = None) -> bytes:
    """An uncompressed tar of ``members`` in order, with ``extra`` headers (links, devices) put in after the first."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for number, (name, body) in enumerate(members.items()):
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
            for header in (extra or []) if number == 0 else []:
                archive.addfile(header)
    return buffer.getvalue()


def make_tgz(members: dict[str, bytes], *, extra: list[tarfile.TarInfo] | None = None) -> bytes:
    """The same, packed with gzip."""
    return gzip.compress(make_tar(members, extra=extra), mtime=0)


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A header of a link, device or pipe."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


def tgz_with_zeros(before: dict[str, bytes], zeros: int, after: dict[str, bytes]) -> bytes:
    """A packed tar with a member ``zeros.tex`` of ``zeros`` NUL bytes (a multiple of 1 MB), made without holding them.

    gzip files put together are one gzip file (RFC 1952, 2.2), so one packed megabyte is enough.
    """
    info = tarfile.TarInfo("zeros.tex")
    info.size = zeros
    megabyte = gzip.compress(bytes(1024 * 1024), mtime=0)
    head = gzip.compress(_without_end(make_tar(before)) + info.tobuf())
    return head + megabyte * (zeros // (1024 * 1024)) + gzip.compress(make_tar(after), mtime=0)


def _without_end(tar: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        last = archive.getmembers()[-1]
    end = last.offset_data + -(-last.size // 512) * 512
    return tar[:end]
