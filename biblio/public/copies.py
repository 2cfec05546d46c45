"""The copy of the public index on disk: read when a server starts, as making the index anew takes half a minute and more.

It is a file of arrays and JSON (numpy's ``.npz``, no pickles: reading it runs nothing) in the site's home, put in its
place when it is whole. It is worth nothing in itself: whoever reads it compares it with the database (``keeping``), and
where it is damaged, of another version of ours, or could have been written by somebody else, it is as if it were not there.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import stat
import tempfile
import time
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from biblio.logs import get_logger
from biblio.public.index import Packed
from biblio.runtime import biblio_version

log = get_logger(__name__)

_NAME = "public-index"
_LOOK_AGAIN_S = 0.2
_OURS = Path(__file__).parents[2]
_MADE_OF = ("biblio/public", "biblio/catalogue", "biblio/store", "matching")
"""Folders whose modules decide what stands in the index."""
_DAMAGES = (
    *(zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, KeyError, TypeError, IndexError, MemoryError),
    *(NotImplementedError, RuntimeError),
)
"""What reading an arbitrary file in place of a copy may raise."""


class Copy(NamedTuple):
    """An index as it was kept, and some revisions of papers as they were then, by which its database is known."""

    packed: Packed
    samples: list[list[Any]]


class _Unfit(Exception):
    """A file that is not to be used; the text says why."""


class Copies:
    """The one copy that all processes of a site share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / f"{_NAME}.npz"

    def stamp(self) -> tuple[int, int] | None:
        """Return what changes whenever a copy is written; None where there is none."""
        try:
            known = self.path.stat()
        except OSError:
            return None
        return known.st_mtime_ns, known.st_ino

    def read(self) -> Copy | None:
        """Return the copy; None, with a line in the log unless there is none, where it cannot be used."""
        try:
            with self.path.open("rb") as file:
                return _read(file)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except _Unfit as unfit:
            self.refuse(str(unfit))
        except _DAMAGES as error:
            self.refuse(f"it is damaged ({type(error).__name__})")
        return None

    def refuse(self, reason: str) -> None:
        """Say in the log why the copy is not used."""
        log.warning("copy of the public index not used; it is made anew", path=str(self.path), reason=reason)

    def write(self, copy: Copy) -> bool:
        """Write a copy in place of the one before, whole or not at all; only whoever has the lock may.

        Returns whether that was possible: a disk that is full or read-only is logged, and the site goes on without.
        """
        unfinished: Path | None = None
        try:
            for left in self._folder.glob(f"{_NAME}-*.part"):
                left.unlink(missing_ok=True)  # of a process that was killed while it wrote
            handle, name = tempfile.mkstemp(dir=self._folder, prefix=f"{_NAME}-", suffix=".part")
            unfinished = Path(name)
            with os.fdopen(handle, "wb") as file:
                _write(file, copy)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self.path)
        except OSError as error:
            self._not_written(error)
            if unfinished is not None:
                unfinished.unlink(missing_ok=True)
            return False
        log.info("public index copied to disk", bytes=self.path.stat().st_size)
        return True

    def _not_written(self, error: OSError) -> None:
        log.warning("public index not copied to disk", path=str(self.path), reason=error.strerror)

    @contextmanager
    def lock(self, wait_s: float) -> Iterator[bool]:
        """Keep other processes from making or writing a copy during the block; gives whether that was possible.

        The lock ends with the process that has it, however it ends.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = (self._folder / f"{_NAME}.lock").open("w")
        except OSError as error:
            self._not_written(error)
            yield False
            return
        with file:
            has_it = _locked(file, wait_s)
            try:
                yield has_it
            finally:
                if has_it:
                    fcntl.flock(file, fcntl.LOCK_UN)  # a process forked meanwhile has the file open as well


def _locked(file: IO[str], wait_s: float) -> bool:
    until = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_LOOK_AGAIN_S)
        except OSError:  # a file system without locks
            return False


def _read(file: IO[bytes]) -> Copy:
    """Read a copy. Raises ``_Unfit``, or one of ``_DAMAGES``."""
    known = os.fstat(file.fileno())
    if known.st_uid not in (os.geteuid(), 0) or known.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise _Unfit("others may write it")
    with zipfile.ZipFile(file) as whole:
        if (name := whole.testzip()) is not None:
            raise zipfile.BadZipFile(name)
    file.seek(0)
    with np.load(file, allow_pickle=False) as stored:
        about = json.loads(stored["about"].tobytes())
        if about["made_by"] != made_by():
            raise _Unfit("it was made by another version")
        texts = json.loads(stored["texts"].tobytes())
        arrays = {name: stored[name] for name in stored.files if name not in ("about", "texts")}
    return Copy(Packed(arrays, texts), about["samples"])


def _write(file: IO[bytes], copy: Copy) -> None:
    told = {"about": {"made_by": made_by(), "samples": copy.samples}, "texts": copy.packed.texts}
    written = {name: np.frombuffer(json.dumps(one).encode(), dtype=np.uint8) for name, one in told.items()}
    np.savez(file, **written, **copy.packed.arrays)  # type: ignore[arg-type]


@cache
def made_by() -> str:
    """Return a word that is another one where any module is that decides what stands in the index, or what it stands on."""
    told = [
        biblio_version(),
        platform.python_version(),
        unicodedata.unidata_version,
        np.__version__,
        version("anyascii"),
    ]
    digest = hashlib.sha256(repr(told).encode())
    for folder in _MADE_OF:
        for path in sorted((_OURS / folder).rglob("*.py")):
            digest.update(path.relative_to(_OURS).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
